# SPDX-License-Identifier: Apache-2.0
"""Starting containers that live by themselves, until the command returns: alone, and twenty at once. See
docs/performance.md."""

import os
import shutil
import statistics
import subprocess
import time

TOGETHER = 20
PAYLOAD = ["sleep", "1000"]


class Peer:
    """How a container `{name}` is started, and how all of `{names}` are removed."""

    def __init__(self, place, start, remove):
        self.place, self.start, self.remove = place, start, remove

    def begin(self, name):
        words = [word.format(name=name) for word in self.start]
        return subprocess.Popen(words, env=self.place.env, cwd=self.place.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    # Seconds until all have been started.
    def seconds(self, names):
        begun = time.perf_counter()
        running = [self.begin(name) for name in names]
        codes = [process.wait() for process in running]
        took = time.perf_counter() - begun
        said = [process.stderr.read() for process in running]
        for process in running:
            process.stderr.close()
        removed = self.place.run(self.remove.format(names=" ".join(names)))
        if any(codes) or removed.returncode != 0:
            raise RuntimeError((" ".join(said) + removed.stderr).strip()[-300:])
        return took


# {name: Peer}, and why others are left out.
def find_peers(place, image, dockerd):
    peers = {"ns-run -d": Peer(place, ["ns-run", "-d", "--name", "{name}", "--config", place.path("detached.json"), "--", *PAYLOAD], "ps-remove -f {names}")}
    place.run(f"image-fetch -q {image} > detached.json").check_returncode()
    notes = []
    tar, name = place.path("detached.tar"), "localhost/bench:latest"
    loaded = place.run(["skopeo", "copy", "-q", image, f"docker-archive:{tar}:{name}"]) if shutil.which("skopeo") else None
    if loaded is None or loaded.returncode != 0:
        return peers, ["all others: skopeo does not make them an archive"]
    limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
    if shutil.which("podman"):
        podman = ["podman", "--root", place.path("podman"), "--runroot", place.path("podman-run"), "--cgroup-manager=cgroupfs", "--runtime=runc"]
        place.run(podman + ["load", "-q", "-i", tar])
        peers["podman run -d"] = Peer(place, podman + ["run", "-d", "--name", "{name}", "--network", "none"] + limits + [name, *PAYLOAD], " ".join(podman) + " rm -f -t 0 {names}")
    why = dockerd(place)
    if why:
        return peers, [why]
    place.run(["docker", "load", "-q", "-i", tar])
    peers["docker run -d"] = Peer(place, ["docker", "run", "-d", "--name", "{name}", "--network", "none", name, *PAYLOAD], "docker rm -f {names}")
    if shutil.which("ctr"):  # of dockerd's containerd
        ctr = ["ctr", "-a", place.path("docker-run/containerd/containerd.sock")]
        place.run(ctr + ["images", "import", tar])
        words = " ".join(ctr)
        peers["ctr run -d"] = Peer(place, ctr + ["run", "-d", name, "{name}", *PAYLOAD], f"for one in {{names}}; do {words} tasks delete --force $one && {words} containers delete $one || exit 1; done")
    else:
        notes.append("ctr is not installed")
    return peers, notes


def measure(peers, count, together):
    times, notes = {name: [] for name in peers}, []
    for number in range(-1, count):  # once, warm
        for name, peer in peers.items():
            if name not in times:
                continue
            try:
                took = peer.seconds([f"bench-{number + 1}-{each}" for each in range(together)])
            except RuntimeError as error:
                notes.append(f"{name}: {error}")
                del times[name]
                continue
            if number >= 0:
                times[name].append(took)
    return times, notes


def show(title, times, reference):
    print(f"\n### {title}\n\n| | median ms | least ms | ratio to {reference} | of the least |\n|---|---|---|---|---|")
    for name, values in times.items():
        ratio = statistics.median(mine / other for mine, other in zip(values, times[reference]))
        print(f"| {name} | {statistics.median(values) * 1e3:.1f} | {min(values) * 1e3:.1f} | {ratio:.2f} | {min(values) / min(times[reference]):.2f} |")


def run(place, image, count, dockerd):
    peers, notes = find_peers(place, image, dockerd)
    for title, rounds, together in (("A detached start, until the command returns", count, 1),
                                    (f"{TOGETHER} detached starts at once, until the last has returned", max(3, count // 4), TOGETHER)):
        times, more = measure(peers, rounds, together)
        notes += more
        show(f"{title} ({os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f})", times, list(times)[-1])
    for note in notes:
        print(f"\nLeft out: {note}")

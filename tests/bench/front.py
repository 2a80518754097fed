# SPDX-License-Identifier: Apache-2.0
"""stave's commands beside those of docker and podman: run --rm, exec, ps -a with many containers, and the log
of a payload that prints much. See docs/performance.md."""

import shutil
import subprocess
import time

CONTAINERS = 200
LINES = 2000000  # of 100 bytes


class Engine:
    def __init__(self, name, words, options=()):
        self.name, self.words, self.options = name, list(words), list(options)

    def command(self, verb, *words):
        own = self.options if verb in ("run", "create") else []
        return [*self.words, *verb.split(), *own, *words]


# The engines that run here and have the image `localhost/bench`, and why others are left out.
def find_engines(place, image, dockerd):
    engines, notes = [Engine("stave", ["stave"])], []
    tar, name = place.path("front.tar"), "localhost/bench:latest"
    done = place.run(["skopeo", "copy", "-q", image, f"docker-archive:{tar}:{name}"])
    if done.returncode != 0:
        return engines, ["all others: skopeo does not make them an archive"]
    if shutil.which("podman"):
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
        podman = Engine("podman", ["podman", "--root", place.path("podman"), "--runroot", place.path("podman-run"), "--cgroup-manager=cgroupfs", "--runtime=runc"], limits)
        loaded = place.run(podman.command("load", "-q", "-i", tar))
        engines += [podman] if loaded.returncode == 0 else []
        notes += [] if loaded.returncode == 0 else ["podman: " + loaded.stderr.strip()[-200:]]
    why = dockerd(place)
    if why:
        return engines, notes + ["docker: " + why]
    place.run(["docker", "load", "-q", "-i", tar]).check_returncode()
    return engines + [Engine("docker", ["docker"])], notes


def check(place, command):
    done = place.run(command, timeout=900)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr[-300:]}")


# Each engine has `count` containers more that have never run.
def fill(place, engine, count):
    words = " ".join(engine.command("create", "--network", "none", "localhost/bench", "true"))
    check(place, f"set -o pipefail; seq {count} | xargs -P 2 -I @ {words} > /dev/null")


# MB a second: of a payload that prints all of it, and of reading it back.
def log_speeds(place, engine):
    size = LINES * 100 / 1e6
    options = ["--log-driver", "json-file"] + (["--log-opt", "max-size=1g"] if engine.name == "stave" else [])
    begun = time.perf_counter()
    check(place, engine.command("run", *options, "--name", "prints", "-d", "--network", "none", "-v", place.path("lines") + ":/lines:ro", "localhost/bench", "cat", "/lines"))
    check(place, engine.command("wait", "prints"))
    written = size / (time.perf_counter() - begun)
    begun = time.perf_counter()
    with open("/dev/null", "wb") as null:
        subprocess.run(engine.command("logs", "prints"), env=place.env, stdout=null, stderr=null, check=True)
    read = size / (time.perf_counter() - begun)
    check(place, engine.command("rm", "prints"))
    return written, read


def run(place, image, count, dockerd, rounds, table):
    engines, notes = find_engines(place, image, dockerd)
    last = engines[-1].name
    table("run --rm --network none IMAGE true", rounds({
        one.name: one.command("run", "--rm", "--network", "none", "localhost/bench", "true") for one in engines}, count, place), last)
    for one in engines:
        check(place, one.command("run", "-d", "--name", "stays", "--network", "none", "localhost/bench", "sleep", "100000"))
    commands = {one.name: one.command("exec", "stays", "true") for one in engines}
    table("exec NAME true", rounds(commands, count, place), last)
    for one in engines:
        fill(place, one, CONTAINERS)
    table(f"ps -a of {CONTAINERS} containers", rounds({one.name: one.command("ps", "-a") for one in engines}, count, place), last)
    for one in engines:
        check(place, one.command("rm", "-f", "stays"))
    with open(place.path("lines"), "w", encoding="utf-8") as out:
        out.write(("x" * 99 + "\n") * LINES)
    print(f"\n### The log of a payload that prints {LINES // 10000} MB\n\n| | written, MB/s | read, MB/s |\n|---|---|---|")
    for one in engines:
        written, read = log_speeds(place, one)
        print(f"| {one.name} | {written:.0f} | {read:.0f} |")
    for note in notes:
        print(f"\nLeft out: {note}")

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench.py [--rounds N] [--only GROUP,...]: times of stave's programs beside their peers, as Markdown.

Everything runs in turn, round by round, and ratios are taken within a round, so that a machine that
drifts does not matter; medians are printed. Reported, never asserted. Needs root; a peer that is not
installed, or does not run here, is left out and said so. GROUP: programs (what passes a document
through), starts (the pipeline beside podman and dockerd), runtimes (stave-oci beside runc and crun;
CRUN_NEW in the environment names a newer crun), layers (a start by the layers of its image: layers.py;
only when asked for), pulls (image-fetch beside the engines: pulls.py, with a file system and a registry
of its own; only when asked for), detached (ns-run -d beside the engines: detached.py; only when asked for),
front (stave beside docker and podman: front.py; only when asked for).
See docs/performance.md.

    sudo STAVE_TREE=$PWD/out tests/bench/bench.py --rounds 30
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from place import Place
import detached
import front
import layers
import runtimes

EMPTY = "int main(){return 0;}"


def seconds(command, place, stdin):
    with open(stdin, "rb") as source, open("/dev/null", "wb") as null:
        start = time.perf_counter()
        code = subprocess.Popen(command, env=place.env, cwd=place.dir, stdin=source, stdout=null, stderr=null).wait()
        took = time.perf_counter() - start
    if code != 0:
        raise SystemExit(f"{command}: exit {code}")
    return took


# Runs the named commands in turn; returns {name: [seconds]}.
def rounds(commands, count, place, stdin="/dev/null"):
    times = {name: [] for name in commands}
    for name, command in commands.items():
        seconds(command, place, stdin)  # once, warm
    for _ in range(count):
        for name, command in commands.items():
            times[name].append(seconds(command, place, stdin))
    return times


def table(title, times, reference):
    print(f"\n### {title}\n\n| | median ms | least ms | ratio to {reference} |\n|---|---|---|---|")
    for name, values in times.items():
        ratio = statistics.median(a / b for a, b in zip(values, times[reference]))
        print(f"| {name} | {statistics.median(values) * 1e3:.2f} | {min(values) * 1e3:.2f} | {ratio:.2f} |")


def pass_through(place, image, count):
    with open(place.path("empty.c"), "w", encoding="utf-8") as out:
        out.write(EMPTY)
    place.run("gcc -O2 -static -s empty.c -o empty").check_returncode()
    document = place.path("document.json")
    place.run(f"image-fetch -q {image} > document.json").check_returncode()
    name = "localhost/bench:latest"
    times = rounds({
        "an empty static C program": ["./empty"],
        "image-fetch, image present": ["image-fetch", "--policy", "missing", name],
        "layer-mount": ["layer-mount"],
        "cgroup-limit --memory 64M": ["cgroup-limit", "--memory", "64M"],
        "ns-run --print": ["ns-run", "--print", "--", "true"],
        "jq .": ["jq", "."],
        "ps-lister": ["ps-lister"],
    }, count, place, document)
    table("A program that passes a document through", times, "an empty static C program")


def dockerd(place):
    if not shutil.which("dockerd"):
        return "dockerd is not installed"
    log = open(place.path("dockerd.log"), "w", encoding="utf-8")
    place.env["DOCKER_HOST"] = "unix://" + place.path("docker.sock")
    process = place.start(["dockerd", "--data-root", place.path("docker"), "--exec-root", place.path("docker-run"), "--pidfile", place.path("docker.pid"),
                           "-H", place.env["DOCKER_HOST"], "--bridge=none", "--iptables=false"], stdout=log, stderr=log)
    log.close()
    while process.poll() is None:
        if place.run("docker version").returncode == 0:
            return ""
        time.sleep(0.1)
    return "dockerd does not start: " + open(place.path("dockerd.log"), encoding="utf-8").read()[-300:]


def starts(place, image, count):
    document = place.path("run.json")
    place.run(f"image-fetch -q {image} > run.json").check_returncode()
    commands = {
        "image-fetch \\| layer-mount \\| cgroup-limit \\| ns-run --rm": ["sh", "-c", "image-fetch --policy missing localhost/bench:latest | layer-mount | cgroup-limit --memory 64M | ns-run --rm -- true"],
        "ns-run --rm --config": ["ns-run", "--rm", "--config", document, "--", "true"],
    }
    notes = []
    if shutil.which("podman"):
        options = ["--root", place.path("podman"), "--runroot", place.path("podman-run"), "--cgroup-manager=cgroupfs", "--runtime=runc"]
        loaded = place.run(["skopeo", "copy", "-q", image, f"docker-archive:{place.path('bench.tar')}:localhost/bench:latest"])
        loaded = loaded if loaded.returncode else place.run(["podman"] + options + ["load", "-q", "-i", place.path("bench.tar")])
        run = ["podman"] + options + ["run", "--rm", "--network", "none", "--memory", "64m", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "localhost/bench:latest", "true"]
        tried = loaded if loaded.returncode else place.run(run)
        if tried.returncode == 0:
            commands["podman run --rm --network none"] = run
        else:
            notes.append("podman: " + tried.stderr.strip()[-200:])
    why = dockerd(place)
    if not why:
        place.run(["docker", "load", "-q", "-i", place.path("bench.tar")])
        run = ["docker", "run", "--rm", "--network", "none", "--memory", "64m", "localhost/bench:latest", "true"]
        tried = place.run(run)
        if tried.returncode == 0:
            commands["docker run --rm --network none"] = run
        else:
            why = tried.stderr.strip()[-200:]
    if why:
        notes.append("docker: " + why)
    reference = list(commands)[-1]
    table("A start, image present, memory limited, no network", rounds(commands, count, place), reference)
    for note in notes:
        print(f"\nLeft out: {note}")


def arguments():
    parser = argparse.ArgumentParser(description="Times of stave's programs beside their peers.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="programs,starts,runtimes", help="of programs, starts, runtimes, layers, pulls, detached, front")
    parser.add_argument("--folder", help="where pulls keeps its images for the next time")
    parser.add_argument("--disk", help="where the file system of pulls lies")
    parser.add_argument("--running", default="0,100,400", help="how many containers run meanwhile, for growth")
    parser.add_argument("--views", default="v1,as it is,v2", help="how cgroups look: v1, as it is, v2; the first has all tables")
    return parser.parse_args()


def main():
    options = arguments()
    count, groups = options.rounds, options.only.split(",")
    if "pulls" in groups:
        pulls = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "pulls.py"), "--rounds", str(count)]
        for name in ("folder", "disk"):
            pulls += [f"--{name}", getattr(options, name)] if getattr(options, name) else []
        subprocess.run(pulls, check=True)
    if groups == ["pulls"]:
        return
    place = Place()
    try:
        print(f"{count} rounds on {os.uname().release}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
        if {"programs", "starts", "detached", "front"} & set(groups):
            image = place.layout("bench", [Place.busybox()])
            place.run(f"image-fetch -q {image} > /dev/null").check_returncode()
        if "programs" in groups:
            pass_through(place, image, count * 3)
        if "starts" in groups:
            starts(place, image, count)
        if "detached" in groups:
            detached.run(place, image, count, dockerd)
        if "front" in groups:
            front.run(place, image, count, dockerd, rounds, table)
        if "layers" in groups:
            layers.run(place, count, rounds, table)
        if "runtimes" in groups:
            runtimes.run(place, count, [int(step) for step in options.running.split(",")], options.views.split(","))
    finally:
        for process in place.started:
            if process.poll() is None:
                process.terminate()
                process.wait()
        subprocess.run(f"umount -R -q {place.dir}/podman* {place.dir}/docker* {place.dir}/docker-run/* 2>/dev/null; true", shell=True, check=False)
        place.close()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pulls.py [--rounds N] [--folder DIR] [--disk DIR] [--images NAME,...] [--tools WORD,...] [--no-nosync]: an image pulled and
unpacked into an empty store, by image-fetch and by its peers, as Markdown. bench.py --only pulls runs it.

It sets up all it needs by itself (stores.py) and works in namespaces of its own. Each round every engine
pulls once, each round begun by another one; medians, and ratios within a round. What a pull takes is the client's
time from start to end; CPU is that of the client, all that it waited for, and its daemons. The sync that
follows is timed apart and added in columns of its own. Then the same with no sync on any side (nosync.cc).
Memory is sampled in a round that is not timed."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import images
import laps
import stores

OURS = "image-fetch"
NAMES = ["one-gzip", "one-zstd", "many-gzip", "many-zstd"]
PROGRAMS = ["image-fetch", "stave-pull", "stave-unpack"]
TICK = os.sysconf("SC_CLK_TCK")


# The processes that are there: {pid: (parent, name, seconds of CPU with those of its dead children)}.
def processes():
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        words = rest.split()
        found[int(pid)] = int(words[1]), name, sum(map(int, words[11:15])) / TICK
    return found


def family(pids):
    found, all_of_them, size = set(pids), processes(), -1
    while size != len(found):
        size = len(found)
        found |= {pid for pid, (parent, _, _) in all_of_them.items() if parent in found}
    return found


def cpu_of(pids):
    there = processes()
    return sum(there[pid][2] for pid in family(pids) if pid in there) if pids else 0.0


class Tool:
    """An engine: what empties its store, what pulls `{image}` (a shell line, or the words of a command), and its daemons."""

    def __init__(self, clean, pull, daemons=()):
        self.clean, self.pull, self.daemons = clean, pull, daemons


# {name: Tool} of what is installed and runs; {name: why} of the others.
def tools(world, wanted):
    found, left_out, disk = {}, {}, world.disk

    def add(name, programs, make):
        if wanted and not any(word in name for word in wanted):
            return
        missing = [program for program in programs if not shutil.which(program, path=world.env["PATH"])]
        try:
            if missing:
                raise OSError(missing[0] + " is missing")
            found[name] = make()
        except OSError as error:
            left_out[name] = str(error)

    def docker():
        address = f"unix://{world.programs}/docker.sock"
        command = ["dockerd", "--data-root", disk + "/docker", "--exec-root", "/run/docker", "--pidfile", "/run/docker.pid", "-H", address,
                   "--bridge=none", "--iptables=false", "--storage-driver=overlay2"]
        pid = world.daemon(command, ["docker", "-H", address, "version"])
        client = f"docker -H {address}"
        return Tool(f"{client} rmi -f {{image}}", f"exec {client} pull -q {{image}}", [pid])

    def podman():
        client = f"podman --root {disk}/podman --runroot /run/podman"
        return Tool(f"{client} rmi -f {{image}}", f"exec {client} pull -q --tls-verify=false {{image}}")

    def containerd():
        address = world.programs + "/containerd.sock"
        with open(world.programs + "/config.toml", "w", encoding="utf-8") as out:
            out.write(f'version = 2\nroot = "{disk}/containerd"\nstate = "/run/containerd-bench"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{address}"\n'
                      f'[plugins."io.containerd.internal.v1.opt"]\npath = "{disk}/opt"\n')
        pid = world.daemon(["containerd", "--config", out.name], ["ctr", "-a", address, "version"])
        client = f"ctr -a {address}"
        return Tool(f"{client} images rm --sync {{image}}; {client} content prune references", f"exec {client} images pull --plain-http {{image}}", [pid])

    def umoci():
        layout = disk + "/layout"
        return Tool(f"rm -rf {layout} {disk}/bundle", f"skopeo copy -q --insecure-policy --src-tls-verify=false docker://{{image}} oci:{layout}:1 && umoci unpack --image {layout}:1 {disk}/bundle")

    def ours():
        return Tool(f"rm -rf {disk}/stave", "exec image-fetch -q {image}")

    add(OURS, ["image-fetch"], ours)
    add("docker pull", ["dockerd", "docker", "containerd"], docker)
    add("podman pull", ["podman"], podman)
    add("ctr images pull", ["containerd", "ctr"], containerd)
    add("skopeo copy, umoci unpack", ["skopeo", "umoci"], umoci)
    return found, left_out


class LapsPlace:
    """What laps.Laps wants of a place. Ours needs no view of cgroups, and perhaps no syncs."""

    def __init__(self, world):
        self.world = world

    def path(self, name):
        return os.path.join(self.world.programs, name)

    def start(self, _, **kwargs):
        return subprocess.Popen(self.world.words([self.path("laps")]), env=self.world.env, cwd=self.world.disk, text=True, **kwargs)


class Bench:
    def __init__(self, world, wanted):
        self.world = world
        self.tools, self.left_out = tools(world, wanted)
        self.laps = laps.Laps(LapsPlace(world))

    def _shell(self, line):
        subprocess.run(["bash", "-c", line], env=self.world.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    # One pull into an empty store; None if it fails, else (seconds, CPU, seconds of the closing sync, CPU of the registry).
    def pull(self, name, image):
        tool, world = self.tools[name], self.world
        clean = tool.clean.replace("{image}", image)
        self._shell(clean)
        world.sync()
        before, served = cpu_of(tool.daemons), cpu_of([world.registry_pid])
        code, took, _, cpu = self.laps.run(["sh", "-c", tool.pull.replace("{image}", image)], see=True)
        closing = world.sync()
        burnt, served = cpu + cpu_of(tool.daemons) - before, cpu_of([world.registry_pid]) - served
        self._shell(clean)
        world.sync()
        return (took, burnt, closing, served) if code == 0 else None

    # {tool: [what pull() gives]}, {tool: why it is left out}.
    def rounds(self, image, count):
        results, left_out = {}, dict(self.left_out)
        for name in self.tools:
            if self.pull(name, image):
                results[name] = []
            else:
                left_out[name] = self.laps.complaint()
        for turn in range(count):
            names = list(results)
            first = turn % max(1, len(names))
            for name in names[first:] + names[:first]:
                results[name].append(self.pull(name, image))
        return results, left_out

    def memory(self, name, image):
        watch = Watch(set(processes()) - family(self.tools[name].daemons))
        self.pull(name, image)
        return watch.end()

    def close(self):
        self.laps.close()


class Watch:
    """Samples the memory of all processes but `others`, until end()."""

    def __init__(self, others):
        self.others, self.sum, self.own, self.each, self.ended = others, 0, 0, {}, threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.ended.wait(0.004):
            total = own = 0
            for pid in filter(str.isdigit, os.listdir("/proc")):
                if int(pid) in self.others:
                    continue
                try:
                    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
                        lines = dict(line.split(":", 1) for line in file)
                except OSError:
                    continue
                if "VmRSS" not in lines:
                    continue
                total, own = total + int(lines["VmRSS"].split()[0]), own + int(lines["RssAnon"].split()[0])
                name = lines["Name"].strip()
                self.each[name] = max(self.each.get(name, 0), int(lines["VmHWM"].split()[0]))
            self.sum, self.own = max(self.sum, total), max(self.own, own)

    # (MiB at one time, MiB of it that are nobody's file, {program: the most that one of it had}).
    def end(self):
        self.ended.set()
        self.thread.join()
        return self.sum / 1024, self.own / 1024, {name: kib / 1024 for name, kib in self.each.items()}


# --- what it costs at least ----------------------------------------------------------------------


class Limits:
    """The parts of a pull by themselves, on one core, in seconds."""

    def __init__(self, bench, top, tars, count):
        world = bench.world
        told = subprocess.run([os.path.join(world.programs, "limits"), *images.layers(top)], check=True, stdout=subprocess.PIPE, text=True).stdout
        self.parts = json.loads(told)
        line = "for f in " + " ".join(tars) + f"; do tar -C {world.disk}/tar -xf $f || exit; done"
        walls, cpus, syncs = [], [], []
        for _ in range(count):
            bench._shell(f"rm -rf {world.disk}/tar; mkdir {world.disk}/tar")
            world.sync()
            code, took, _, cpu = bench.laps.run(["sh", "-c", line])
            walls, cpus, syncs = walls + [took], cpus + [cpu], syncs + [world.sync()]
            if code != 0:
                raise SystemExit("tar fails: " + bench.laps.complaint())
        bench._shell(f"rm -rf {world.disk}/tar")
        self.tar, self.tar_cpu, self.tar_sync = map(statistics.median, (walls, cpus, syncs))
        self.cpu = self.parts["all"] + self.tar_cpu

    # A pipeline without a gap on two cores, the registry's work on one of them.
    def perfect(self, served):
        return max(self.parts["all"], self.tar, (self.cpu + served) / 2)

    def print(self):
        print("\n| the parts by themselves, one core | ms |\n|---|---|")
        for name, label in (("packed", "sha256 of what is packed"), ("decode", "decoding"), ("plain", "sha256 of what is unpacked"), ("all", "these three in one loop")):
            print(f"| {label} | {self.parts[name] * 1e3:.0f} |")
        print(f"| tar -x of the unpacked layers: wall, CPU, sync after it | {self.tar * 1e3:.0f}, {self.tar_cpu * 1e3:.0f}, {self.tar_sync * 1e3:.0f} |")


# --- tables --------------------------------------------------------------------------------------


def median(values, pick):
    return statistics.median(pick(value) for value in values if value)


def ratio(results, name, other, pick):
    pairs = [(a, b) for a, b in zip(results[name], results[other]) if a and b]
    return statistics.median(pick(a) / pick(b) for a, b in pairs) if pairs else None


def wall(value):
    return value[0]


def with_sync(value):
    return value[0] + value[2]


def best_peer(results, pick):
    peers = [name for name in results if name != OURS and any(results[name])]
    return min(peers, key=lambda name: median(results[name], pick)) if peers else None


def table(title, results, left_out, memory):
    best, best_synced = best_peer(results, wall), best_peer(results, with_sync)
    print(f"\n### {title}\n\n| | s | least | x {best or 'no peer'} | sync after it | with it, s | x {best_synced or 'no peer'} | CPU s | MiB at one time | of them anonymous | failed |\n" + "|---" * 11 + "|")
    for name, values in results.items():
        if not any(values):
            continue
        rss, own, _ = memory.get(name) or (None, None, None)
        print(f"| {name} | {median(values, wall):.2f} | {min(value[0] for value in values if value):.2f} | {laps.text(ratio(results, name, best, wall) if best else None)} | "
              f"{median(values, lambda value: value[2]):.2f} | {median(values, with_sync):.2f} | {laps.text(ratio(results, name, best_synced, with_sync) if best_synced else None)} | "
              f"{median(values, lambda value: value[1]):.2f} | {laps.text(rss)} | {laps.text(own)} | {values.count(None)} |")
    for name, why in left_out.items():
        print(f"\nLeft out: {name}: {why}")
    if memory.get(OURS):
        print("\nThe most of one process: " + ", ".join(f"{name} {mib:.1f} MiB" for name, mib in sorted(memory[OURS][2].items()) if name in PROGRAMS))


def measure(world, options, made):
    bench, found = Bench(world, options.tools), {}
    try:
        for name in options.images:
            image = f"{world.registry}/{name}:latest"
            results, left_out = bench.rounds(image, options.rounds)
            memory = {tool: bench.memory(tool, image) for tool in results} if world.syncs else {}
            table(f"{name}, " + ("as they come" if world.syncs else "no sync on any side"), results, left_out, memory)
            limits = None
            if world.syncs and shutil.which("g++"):
                limits = Limits(bench, *made[name], max(3, options.rounds // 2))
                limits.print()
            sys.stdout.flush()
            found[name] = results, memory, limits
    finally:
        bench.close()
    return found


BUDGETS = {"one-gzip": "0.25", "many-gzip": "0.20", "one-zstd": "0.20", "many-zstd": "0.20"}


def verdict(found, unsynced):
    print(f"\n### {OURS} against the budgets\n\n| | x best peer | issue 0.28, budget | both synced | no sync | CPU x the parts | issue 1.7 | x perfect on two cores | budget 1.8 | MiB | issue 48, budget 32 |\n" + "|---" * 11 + "|")
    for name, (results, memory, limits) in found.items():
        if OURS not in results or not any(results[OURS]):
            continue

        def against_best(which, pick):
            best = best_peer(which, pick)
            return laps.text(ratio(which, OURS, best, pick) if best else None)

        def met(value, bound):
            return "met" if value <= bound else "missed"

        values = results[OURS]
        one = against_best(results, wall)
        cpu = median(values, lambda value: value[1]) / limits.cpu if limits else None
        perfect = median(values, wall) / limits.perfect(median(values, lambda value: value[3])) if limits else None
        none = against_best(unsynced[name][0], wall) if name in unsynced and OURS in unsynced[name][0] else "-"
        rss = memory[OURS][0] if memory.get(OURS) else None
        print(f"| {name} | {one} | {'-' if one == '-' else met(float(one), 0.28)}, {BUDGETS[name]}: {'-' if one == '-' else met(float(one), float(BUDGETS[name]))} | {against_best(results, with_sync)} | {none} | "
              f"{laps.text(cpu)} | {met(cpu, 1.7) if cpu else '-'} | {laps.text(perfect)} | {met(perfect, 1.8) if perfect else '-'} | {laps.text(rss)} | {met(rss, 48) + ', ' + met(rss, 32) if rss else '-'} |")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where images and registry are kept for the next time")
    parser.add_argument("--disk", help="where the file of the loop device lies, if not in the folder: /dev/shm, where a disk is not our own")
    parser.add_argument("--tar", help="the root of the image of one layer")
    parser.add_argument("--images", type=lambda text: text.split(","), default=NAMES)
    parser.add_argument("--tools", type=lambda text: text.split(","), default=[])
    parser.add_argument("--no-nosync", action="store_true", help="leave the second half out")
    return parser.parse_args()


def main():
    options = arguments()
    stores.enter(sys.argv)
    world = stores.Stores(options.folder, options.disk)
    try:
        print(f"{options.rounds} rounds on {os.uname().release}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, disk in {options.disk or world.dir}")
        made = world.images(options.tar)
        if shutil.which("g++"):
            laps.program("limits", world.programs, ["-lcrypto", "-lisal", "-lzstd"])
        found = measure(world, options, made)
        unsynced = {}
        if not options.no_nosync:
            world.stop_daemons()
            world.syncs = False
            unsynced = measure(world, options, made)
        verdict(found, unsynced)
    finally:
        world.close()


if __name__ == "__main__":
    main()

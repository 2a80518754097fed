# SPDX-License-Identifier: Apache-2.0
"""Times of commands that run in turn: laps.cc does the timing, this the turns and the arithmetic."""

import os
import statistics
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# How the cgroups of the machine look to everything that is timed: a shell line that makes a private
# mount namespace so. crun 1.8 refuses the hybrid layout, and sees none where the v2 mount is gone.
VIEWS = {
    "as it is": "true",
    "v1": "! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified",
    "v2": "[ $(stat -fc %T /sys/fs/cgroup) = cgroup2fs ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup",
}


# Compiles NAME.cc of this folder into `folder`, with shared `libraries` or statically; returns the program's path.
def program(name, folder, libraries=None):
    path = os.path.join(folder, name)
    subprocess.run(["g++", "-O2", "-std=c++20", *([] if libraries else ["-static"]), "-Wno-deprecated-declarations", "-s", "-o", path, os.path.join(HERE, name + ".cc"), *(libraries or [])], check=True)
    return path


class Laps:
    """A laps process in a view, or in the mount namespace of another one (`beside`)."""

    def __init__(self, place, view="as it is", beside=None):
        self.errors = open(place.path("laps.err"), "a+", encoding="utf-8", errors="replace")
        laps = place.path("laps")
        command = ["unshare", "-m", "--propagation", "private", "sh", "-c", VIEWS[view] + ' && exec "$0"', laps]
        if beside:
            command = ["nsenter", f"--mount=/proc/{beside.process.pid}/ns/mnt", laps]
        self.process = place.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)

    def _ask(self, words):
        self.process.stdin.write("\t".join(words) + "\n")
        self.process.stdin.flush()
        return [int(word) for word in self.process.stdout.readline().split()]

    # Returns (exit code, seconds, peak RSS in MiB, seconds of CPU).
    def run(self, command, see=False):
        code, took, kib, cpu = self._ask(["see" if see else "run"] + command)
        return code, took / 1e9, kib / 1024, cpu / 1e9

    def settle(self):
        self._ask(["settle"])

    # What a command that failed wrote last.
    def complaint(self):
        self.errors.flush()
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors if line.strip()]
        return lines[-1][:200] if lines else "no message"

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


class Work:
    """Steps in order, each a command as a list of words, in which "{i}" becomes a number of its own
    for each time. The time is the sum over the steps. After the last, and for a step None, whatever
    was left running is waited for, untimed."""

    def __init__(self, *steps):
        self.steps = steps

    def once(self, laps, number, see=False):
        total, most, burnt = 0.0, 0.0, 0.0
        for step in self.steps + (None,):
            if step is None:
                laps.settle()
                continue
            code, took, rss, cpu = laps.run([word.replace("{i}", str(number)) for word in step], see)
            if code != 0:
                return None
            total, most, burnt = total + took, max(most, rss), burnt + cpu
        return total, most, burnt


class Row(Work):
    """The same command many times in a row; the time is that of one, with all that it left behind."""

    def __init__(self, step, times=10):
        super().__init__(step)
        self.times = times

    def once(self, laps, number, see=False):
        begin, most, burnt = time.perf_counter(), 0.0, 0.0
        for i in range(self.times):
            code, _, rss, cpu = laps.run([word.replace("{i}", f"{number}-{i}") for word in self.steps[0]], see)
            most, burnt = max(most, rss), burnt + cpu
            if code != 0:
                laps.settle()
                return None
        laps.settle()
        return (time.perf_counter() - begin) / self.times, most, burnt / self.times


_numbers = iter(range(1, 1 << 40))


# Runs the works {name: Work} in turn, `count` rounds, each round begun by another one, with `quiet`
# seconds before each. Returns ({name: [(seconds, MiB, seconds of CPU) or None]}, [notes]); a work that does not even
# run once is left out with a note.
def rounds(laps, works, count, quiet=0.0):
    notes, results = [], {}
    for name, work in works.items():
        if work.once(laps, next(_numbers), see=True) is None:
            notes.append(f"{name}: {laps.complaint()}")
        else:
            results[name] = []
    for turn in range(count):
        names = list(results)
        first = turn % max(1, len(names))
        for name in names[first:] + names[:first]:
            time.sleep(quiet)
            results[name].append(works[name].once(laps, next(_numbers)))
    return results, notes


# The median over the rounds of name's time by other's time; None where either is missing.
def ratio(results, name, other):
    pairs = zip(results.get(name, []), results.get(other, []))
    values = [a[0] / b[0] for a, b in pairs if a and b]
    return statistics.median(values) if values else None


# The same of the least times, and of the medians of CPU time: what another load on the machine moves
# less, or not at all.
def least_ratio(results, name, other):
    a, b = ([value[0] for value in results.get(which, []) if value] for which in (name, other))
    return min(a) / min(b) if a and b else None


def cpu_ratio(results, name, other):
    a, b = ([value[2] for value in results.get(which, []) if value] for which in (name, other))
    return statistics.median(a) / statistics.median(b) if a and b else None


def median_ms(results, name):
    values = [value[0] * 1e3 for value in results.get(name, []) if value]
    return statistics.median(values) if values else None


def text(value):
    return "-" if value is None else f"{value:.2f}"


def table(title, results, notes, references):
    references = [name for name in references if name in results]
    print(f"\n### {title}\n\n| | median ms | least ms | 9 of 10 below | CPU ms | " + "".join(f"x {name} | " for name in references) + "peak RSS MiB | failed |")
    print("|---" * (7 + len(references)) + "|")
    for name, values in results.items():
        good = sorted(value[0] * 1e3 for value in values if value)
        if not good:
            print(f"| {name} |" + " - |" * (5 + len(references)) + f" {len(values)} |")
            continue
        rss = statistics.median(value[1] for value in values if value)
        cpu = statistics.median(value[2] for value in values if value) * 1e3
        print(f"| {name} | {statistics.median(good):.2f} | {good[0]:.2f} | {good[int(0.9 * (len(good) - 1))]:.2f} | {cpu:.2f} | "
              + "".join(f"{text(ratio(results, name, other))} | " for other in references) + f"{rss:.1f} | {len(values) - len(good)} |")
    for note in notes:
        print(f"\nLeft out: {note}")

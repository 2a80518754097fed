#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A thousand containers that live by themselves, all at once (STAVE_SLICE=3/10: a tenth of them): started,
listed, stopped, removed. Each monitor takes what the first one took, and then the machine has what it had
before. Times are printed. Needs root."""

import json
import os
import sys
import time
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import sweep
from cycles_test import SLACK, counts
from place import Place

CONTAINERS = 1000
MOST_MEMORY = 400  # KiB of a monitor's own


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class DetachedTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.addCleanup(lambda: self.place.run("ps-lister -aq | xargs -r ps-remove -f", timeout=600))
        image = self.place.layout("shell", [Place.busybox()])
        self.place.run(f"image-fetch -q {image} > i.json", check=True)

    def do(self, what, command):
        begun = time.monotonic()
        done = self.place.run("set -o pipefail; " + command, timeout=1800)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stderr[-2000:]}")
        if what:
            print(f"{what}: {time.monotonic() - begun:.2f} s")
        return done.stdout

    def cycle(self, count, prefix=""):
        self.do(prefix and prefix + "started", f"seq {count} | xargs -P 4 -I @ ns-run -d --config i.json --name c@ -- sleep 100000 > ids")
        listed = [json.loads(line) for line in self.do(prefix and prefix + "listed", "ps-lister --json").splitlines()]
        self.assertEqual(sorted(one["name"] for one in listed), sorted(f"c{n}" for n in range(1, count + 1)))
        self.assertEqual(sorted(one["id"] for one in listed), sorted(self.do("", "cat ids").split()))
        if prefix:
            self.look_at_monitors(count)
        self.do(prefix and prefix + "stopped", "xargs ps-signal --stop -t 0 < ids > /dev/null")
        listed = [json.loads(line) for line in self.do(prefix and prefix + "listed again", "ps-lister -a --json").splitlines()]
        self.assertEqual({(one["state"], one["exitCode"]) for one in listed}, {("exited", 137)})
        self.assertEqual(len(listed), count)
        self.do(prefix and prefix + "removed", "xargs ps-remove < ids > /dev/null")

    def look_at_monitors(self, count):
        def sizes():
            found = []
            for name in os.listdir(self.place.path("run/containers")):
                with open(self.place.path("run/containers", name, "state.json"), encoding="utf-8") as file:
                    pid = json.load(file)["runner"]["pid"]
                with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
                    memory = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
                found.append((len(os.listdir(f"/proc/{pid}/fd")), memory))
            return found
        sweep.wait_until(lambda: [size for size in sizes() if size[1] > MOST_MEMORY], 60, "monitors with too much memory")
        found = sizes()
        self.assertEqual(len(found), count)
        self.assertEqual(len({files for files, _ in found}), 1, found)
        print(f"monitors: {found[0][0]} open files, PSS {min(memory for _, memory in found)} to {max(memory for _, memory in found)} KiB")

    def test_a_thousand_at_once(self):
        _, of = sweep.share_of_slice()
        count = CONTAINERS // of
        self.cycle(20)  # what is made once
        self.place.wait_until_quiet()
        before = counts()
        self.cycle(count, f"{count} ")
        self.place.wait_until_quiet()
        self.assertEqual(self.place.leftovers(), [])

        # The kernel takes back some of it a little later.
        def more():
            now = counts()
            return {kind: (before[kind], number) for kind, number in now.items() if number > before[kind] + (0 if kind == "mounts" else SLACK)}
        sweep.wait_until(more, 60, "left behind")


if __name__ == "__main__":
    cases.main()

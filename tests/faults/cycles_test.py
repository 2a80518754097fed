#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ten thousand containers of stave-oci, one after the other (STAVE_SLICE=3/10: a tenth of them): then the
machine has the mounts, cgroups, files, open files, keys and network namespaces that it had before. Needs
root."""

import glob
import json
import os
import subprocess
import sys
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import sweep
from place import Place

CYCLES = 10000
SLACK = 200  # what others of the machine may open meanwhile


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


def first_line(path):
    with open(path, encoding="utf-8") as file:
        return file.readline()


def network_namespaces():
    with open("/proc/slabinfo", encoding="utf-8") as slabs:
        return next((int(line.split()[1]) for line in slabs if line.startswith("net_namespace ")), 0)


def counts():
    with open("/proc/key-users", encoding="utf-8") as users:
        keys = sum(int(line.split()[1]) for line in users)
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        mounted = len(mounts.readlines())
    return {"mounts": mounted, "open files": int(first_line("/proc/sys/fs/file-nr").split()[0]), "keys": keys, "network namespaces": network_namespaces()}


class CyclesTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.parent = f"/stave-cycles-{os.getpid()}"
        self.addCleanup(self.remove_parents)
        with open(self.place.path("shell.tar"), "wb") as out:
            out.write(Place.busybox())
        self.place.run("mkdir -p bundle/rootfs; tar -C bundle/rootfs -xf shell.tar; stave-oci spec --bundle bundle", check=True)
        with open(self.place.path("bundle/config.json"), encoding="utf-8") as file:
            config = json.load(file)
        config["process"].update(terminal=False, args=["true"])
        config["linux"]["cgroupsPath"] = self.parent + "/one"
        with open(self.place.path("bundle/config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)

    def parents(self):
        return [path for path in glob.glob("/sys/fs/cgroup/*" + self.parent) + glob.glob("/sys/fs/cgroup" + self.parent)]

    def remove_parents(self):
        for path in self.parents():
            os.rmdir(path)

    def do(self, *words):
        done = subprocess.run(["stave-oci", *words], env=self.place.env, cwd=self.place.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, f"{' '.join(words)}: {done.stderr}")

    # Each tenth in four steps, the others in one.
    def cycle(self, number):
        if number % 10 != 0:
            return self.do("run", "--bundle", "bundle", "one")
        # The streams are the container's own, so none of them is waited for.
        subprocess.run(["stave-oci", "create", "--bundle", "bundle", "one"], env=self.place.env, cwd=self.place.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=True)
        self.do("start", "one")
        self.do("delete", "--force", "one")

    def test_cycles_leave_nothing(self):
        _, of = sweep.share_of_slice()
        for number in range(20):  # what is made once: caches, parents
            self.cycle(number)
        before = counts()
        files = sorted(glob.glob(self.place.path("run/**"), recursive=True))
        for number in range(CYCLES // of):
            self.cycle(number)
        self.assertEqual(sorted(glob.glob(self.place.path("run/**"), recursive=True)), files)
        self.assertEqual([path for parent in self.parents() for path in glob.glob(parent + "/*/")], [])
        self.assertEqual(self.place.leftovers(), [])

        # The kernel takes back some of it a little later.
        def more():
            now = counts()
            return {kind: (before[kind], count) for kind, count in now.items() if count > before[kind] + (0 if kind == "mounts" else SLACK)}
        sweep.wait_until(more, 60, "left behind")


if __name__ == "__main__":
    cases.main()

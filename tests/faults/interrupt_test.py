#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""image-fetch is told to end in the middle: it ends as the signal says, with all that it has started, and
leaves nothing but the part of a blob, from which the next one goes on. Needs root."""

import glob
import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import sweep
from counting_registry import CountingRegistry
from place import Place
from terminal import Terminal

HALF = 1000000
PART = re.compile("sha256-[0-9a-f]{64}([.]lock)?$")


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class InterruptTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.registry = CountingRegistry().__enter__()
        self.addCleanup(self.registry.__exit__)
        rng = random.Random(1)
        self.blobs = self.registry.add("image", [Place.tar([(f"f{i}", "f", rng.randbytes(20000), 0o644) for i in range(100)])])
        self.command = ["image-fetch", "-q", f"{self.registry.host}/image"]
        self.gate = self.registry.hold(self.blobs[0], HALF)

    # Its processes: those that have the place in their environment.
    def processes(self):
        found = []
        for path in glob.glob("/proc/[0-9]*/environ"):
            try:
                with open(path, "rb") as file:
                    if self.place.env["STAVE_STATE"].encode() in file.read():
                        found.append(int(path.split("/")[2]))
            except OSError:
                continue
        return found

    def wait_for(self, condition):
        while not condition():
            time.sleep(0.005)

    def part(self):
        path = self.place.path("state/ingest", self.blobs[0].replace(":", "-"))
        return os.path.getsize(path) if os.path.exists(path) else 0

    def wait_for_half(self):
        self.assertTrue(self.gate.reached.wait(30), "the layer is not asked for")
        self.wait_for(lambda: self.part() == HALF)

    def only_the_part_is_left(self):
        sweep.wait_until(self.processes, 10, "still running")
        left = os.listdir(self.place.path("state/ingest"))
        self.assertEqual([name for name in left if not PART.match(name)], [])
        self.assertEqual(self.part(), HALF)
        self.assertEqual(sweep.snapshot(self.place.path("state")).keys() - {"images/blobs/sha256", "refs/.lock"}, set())

    def the_next_goes_on(self):
        self.gate.open.set()
        done = self.place.run(self.command)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.registry.spans(self.blobs[0]), ["", f"bytes={HALF}-"])
        self.assertEqual(os.listdir(self.place.path("state/ingest")), [])

    def end_with(self, number):
        process = self.place.start(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.wait_for_half()
        process.send_signal(number)
        out, said = process.communicate(timeout=30)
        self.assertEqual((process.returncode, out, said), (-number, "", ""))
        self.only_the_part_is_left()
        self.the_next_goes_on()

    def test_sigterm(self):
        self.end_with(signal.SIGTERM)

    def test_sigint(self):
        self.end_with(signal.SIGINT)

    def test_sighup(self):
        self.end_with(signal.SIGHUP)

    # To all of the foreground at once; the shell sees what its command ended of, and ends too.
    def test_control_c(self):
        terminal = Terminal(self.place, " ".join(self.command).replace("-q", "") + "; echo status $?")
        self.addCleanup(terminal.close)
        self.wait_for_half()
        terminal.type("\x03")
        self.assertEqual(terminal.end(), -signal.SIGINT)
        self.assertNotIn("status", terminal.seen)
        self.only_the_part_is_left()
        self.the_next_goes_on()

    def test_the_helper_is_ended(self):
        process = self.place.start(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.wait_for_half()
        subprocess.run(["pkill", "-KILL", "-P", str(process.pid)], check=True)
        out, said = process.communicate(timeout=30)
        self.assertEqual((process.returncode, out, said), (1, "", "image-fetch: stave-pull: was ended by signal 9 [E_HELPER]\n"))
        self.only_the_part_is_left()
        self.the_next_goes_on()

    def test_nohup(self):
        process = self.place.start(["nohup", *self.command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.wait_for_half()
        process.send_signal(signal.SIGHUP)
        self.gate.open.set()
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.registry.spans(self.blobs[0]), [""])


if __name__ == "__main__":
    cases.main()

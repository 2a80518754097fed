#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many image-fetch at once: what one fetches the others wait for, whatever becomes of the one: each byte
comes once, and nobody fails for another's sake. Needs root."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
from counting_registry import CountingRegistry
from place import Place


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


def layer(number, size):
    rng = random.Random(number)
    files = [(f"d{number}", "d", b"", 0o755)]
    return Place.tar(files + [(f"d{number}/f{i}", "f", rng.randbytes(size // 20), 0o644) for i in range(20)])


class ParallelPullsTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.registry = CountingRegistry().__enter__()
        self.addCleanup(self.registry.__exit__)
        self.layers = [layer(number, size) for number, size in enumerate((2500000, 700000, 100000))]
        self.blobs = self.registry.add("image", self.layers)

    def fetch(self, name="image", *words):
        return self.place.start(["image-fetch", *(words or ["-q"]), f"{self.registry.host}/{name}"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    # All end well, with documents of what was asked for, and nothing is on its way any more.
    def all_succeed(self, fetches):
        for fetch in fetches:
            out, said = fetch.communicate(timeout=60)
            self.assertEqual((fetch.returncode, said), (0, ""))
            self.assertTrue(json.loads(out)["stave"]["image"]["layers"])
        self.assertEqual([name for name in self.place._list("state", "ingest") if not name.startswith("pull-")], [])

    # Of a killed one its lease stays; the next one removes it.
    def nothing_is_left_by_the_next(self):
        self.all_succeed([self.fetch("image", "-q", "--policy", "always")])
        self.assertEqual(self.place._list("state", "ingest"), [])

    def each_byte_came_once(self):
        self.assertLessEqual(self.registry.sent, 1.1 * self.registry.size())
        self.assertGreaterEqual(self.registry.sent, self.registry.size())

    # A fetch that has got the first half of the largest layer, and gets no more for now; and `count` others,
    # which wait for it.
    def stop_in_the_middle(self, count=4):
        gate = self.registry.hold(self.blobs[0], 1000000)
        first = self.fetch()
        self.assertTrue(gate.reached.wait(30), "the layer is not asked for")
        self.wait_for(lambda: self.present() == 1000000)
        return gate, first, [self.fetch() for _ in range(count)]

    def present(self):
        path = self.place.path("state/ingest", self.blobs[0].replace(":", "-"))
        return os.path.getsize(path) if os.path.exists(path) else 0

    def wait_for(self, condition):
        while not condition():
            time.sleep(0.005)

    # How many fetches have the file open.
    def holding(self, file):
        count = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                    if comm.read() != "stave-pull\n":
                        continue
                fds = f"/proc/{pid}/fd"
                count += any(os.path.samestat(os.stat(f"{fds}/{fd}"), file) for fd in os.listdir(fds))
            except OSError:
                pass  # it ended, or closed one
        return count

    # Who waits for the lock has it open, like its owner.
    def wait_until_all_wait(self, others):
        lock = os.stat(self.place.path("state/ingest", self.blobs[0].replace(":", "-") + ".lock"))
        self.wait_for(lambda: self.holding(lock) == len(others) + 1)

    def test_one_image_by_many(self):
        self.all_succeed([self.fetch() for _ in range(32)])
        self.each_byte_came_once()
        for blob in self.blobs:
            self.assertEqual(len(self.registry.spans(blob)), 1)

    def test_shared_layers_in_different_orders(self):
        parts = self.layers + [layer(number, 60000) for number in range(3, 7)]
        rng = random.Random(1)
        for number in range(8):
            self.registry.add(f"image{number}", rng.sample(parts, len(parts)))
        self.all_succeed([self.fetch(f"image{number}") for number in range(8) for _ in range(2)])
        self.each_byte_came_once()

    def test_the_first_is_killed(self):
        gate, first, others = self.stop_in_the_middle()
        self.wait_until_all_wait(others)
        first.kill()
        self.wait_for(lambda: len(self.registry.spans(self.blobs[0])) == 2)
        gate.open.set()
        self.all_succeed(others)
        self.each_byte_came_once()
        self.assertEqual(self.registry.spans(self.blobs[0]), ["", "bytes=1000000-"])
        self.nothing_is_left_by_the_next()

    def test_the_first_is_told_to_end(self):
        gate, first, others = self.stop_in_the_middle()
        self.wait_until_all_wait(others)
        first.terminate()
        self.wait_for(lambda: len(self.registry.spans(self.blobs[0])) == 2)
        gate.open.set()
        self.all_succeed(others)
        self.each_byte_came_once()
        self.assertEqual(first.wait(10), -signal.SIGTERM)
        self.assertEqual(self.place._list("state", "ingest"), [])

    # Its connection ends, and nothing of the layer is there when it asks again.
    def test_the_first_fails(self):
        gate, first, others = self.stop_in_the_middle()
        self.wait_until_all_wait(others)
        gate.cut = True
        gate.open.set()
        said = first.communicate(timeout=30)[1]
        self.assertEqual((first.returncode, "[E_NOT_FOUND]" in said), (1, True), said)
        self.all_succeed(others)
        self.each_byte_came_once()

    # The others wait for one that is stopped, as long as it is; they say for whom.
    def test_the_first_is_stopped(self):
        gate, first, _ = self.stop_in_the_middle(0)
        helper = int(subprocess.run(["pgrep", "-P", str(first.pid)], capture_output=True, text=True, check=True).stdout)
        os.kill(helper, signal.SIGSTOP)
        other = self.fetch("image", "--platform", "linux/amd64")
        gate.open.set()
        line = next((line for line in other.stderr if "Waiting" in line), "")
        self.assertEqual(line, f"{self.blobs[0][7:19]}: Waiting for process {helper}, which is pulling it\n")
        os.kill(helper, signal.SIGCONT)
        other.communicate(timeout=30)
        self.assertEqual(other.returncode, 0)
        self.all_succeed([first])
        self.each_byte_came_once()


if __name__ == "__main__":
    cases.main()

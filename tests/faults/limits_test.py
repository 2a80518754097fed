#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""image-fetch with few descriptors or little memory: it works, or ends with one line; nothing crashes,
nothing half has a name, and without the limit it works. What has a monitor, with few descriptors. Needs
root."""

import os
import re
import resource
import shutil
import sys
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import sweep
from place import Place

OWN_WORDS = re.compile(r"^image-fetch: .* \[(E_NO_FILES|E_NO_MEMORY|E_CONFINE|E_HELPER)\]$")
LOADER = "error while loading shared libraries"


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class LimitsTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        base = Place.tar([(f"d{i}", "d", b"", 0o755) for i in range(20)] + [(f"d{i}/f", "f", b"f" * 3000, 0o644) for i in range(20)])
        upper = Place.tar([("d1/.wh.f", "f", b"", 0o644), ("d2/.wh..wh..opq", "f", b"", 0o644), ("new/x", "f", b"x", 0o644)])
        others = [Place.tar([(f"e{i}", "f", b"e" * 100000, 0o644)]) for i in range(4)]
        self.image = self.place.layout("image", [base, *others, upper])
        self.state = self.place.path("state")
        self.assertEqual(self.fetch().returncode, 0)
        self.right = sweep.snapshot(self.state)

    def fetch(self, **limits):
        def limit():
            for name, value in limits.items():
                resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value))
        return self.place.run(["image-fetch", "-q", self.image], preexec_fn=limit)

    # Whether it worked within the limit.
    def try_with(self, **limits):
        shutil.rmtree(self.state)
        done = self.fetch(**limits)
        if done.returncode != 0:
            self.assertEqual(done.returncode, 1, done.stderr)
            said = [line for line in done.stderr.splitlines() if not line.startswith("hint:")]
            self.assertEqual(len(said), 1, done.stderr)
            self.assertTrue(OWN_WORDS.match(said[0]) or LOADER in said[0], done.stderr)
            self.assertNotIn("signal", done.stderr)
        for path, entry in sweep.snapshot(self.state).items():
            self.assertEqual(entry, self.right.get(path), path)
        again = self.fetch()
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(sweep.snapshot(self.state), self.right)
        self.assertEqual(os.listdir(self.state + "/ingest"), [])
        return done.returncode == 0

    def test_few_descriptors(self):
        worked = []
        for number in [*range(4, 40, 2), 48, 256]:
            with self.subTest(descriptors=number):
                worked.append(self.try_with(NOFILE=number))
        self.assertEqual((worked[0], worked[-1]), (False, True))

    # Below some MiB the kernel itself ends what it cannot start.
    def test_little_memory(self):
        worked = []
        for mebibytes in [*range(8, 64, 3), 512]:
            with self.subTest(mebibytes=mebibytes):
                worked.append(self.try_with(AS=mebibytes << 20))
        self.assertEqual((worked[0], worked[-1]), (False, True))


# Containers that a stave-monitor starts and watches.
class MonitorLimitsTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.addCleanup(self.place.check_nothing_is_left, self)
        image = self.place.layout("shell", [Place.busybox()])
        self.assertEqual(self.place.run(f"image-fetch -q {image} > t.json; ns-run --config t.json --create --name old -- echo hi").returncode, 0)

    # Whether it worked with `number` descriptors; if not, it has said why.
    def try_with(self, number, command, shows):
        done = self.place.run(command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number)))
        if done.returncode == 0:
            self.assertRegex(done.stdout, shows)
            return True
        self.assertRegex(done.stderr, r"(?m)^ns-run: .*: Too many open files \[E_NO_FILES\]$")
        self.assertEqual(done.stdout, "")
        return False

    def test_few_descriptors(self):
        run = ["ns-run", "--config", "t.json", "--rm"]
        for command, shows in (([*run, "--attachable", "--", "echo", "hi"], "^hi$"), ([*run, "-d", "--", "echo", "hi"], "^[0-9a-f]{64}$"),
                               (["ns-run", "--start", "old"], "^old$")):
            worked = []
            for number in (11, 12, 20, 24, 32, 40, 48, 64):
                with self.subTest(command=command, descriptors=number):
                    worked.append(self.try_with(number, command, shows))
            self.assertEqual((worked[0], worked[-2:]), (False, [True, True]), command)


if __name__ == "__main__":
    cases.main()

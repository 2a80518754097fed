#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a container that lives by itself goes through at length (STAVE_SLICE=3/10: a tenth of it): a
gigabyte in and out again, ten thousand orphans, stops that come when they were asked for. Times are printed.
Needs root."""

import json
import os
import sys
import time
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import sweep
from place import Place

BYTES = 1 << 30
ORPHANS = 10000
STUBBORN = "trap '' TERM; echo up; while :; do sleep 1000 & wait; done"

place = None
share = 1


def setUpModule():
    global place, share
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    _, share = sweep.share_of_slice()
    place = Place()
    image = place.layout("shell", [Place.busybox()])
    place.run(f"image-fetch -q {image} > i.json", check=True)


def tearDownModule():
    if place:
        place.close()


class LifeTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    def ok(self, command):
        done = place.run("set -o pipefail; " + command, timeout=900)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def record(self, name):
        return next(one for one in map(json.loads, self.ok("ps-lister -a --json").splitlines()) if one["name"] == name)

    # The end of the input arrives only after all of it.
    def test_a_gigabyte_both_ways(self):
        size = BYTES // share
        self.assertEqual(self.ok("ns-run --create --name cat -i --log-driver none --config i.json -- cat")[-1:], "\n")
        begun = time.monotonic()
        sums = self.ok(f"openssl enc -aes-128-ctr -K 0 -iv 0 -in /dev/zero 2> /dev/null | head -c {size} | tee >(sha256sum > sent) | ns-run --start -a -i cat | tee >(wc -c >&2) | sha256sum; cat sent")
        print(f"{size >> 20} MiB both ways: {time.monotonic() - begun:.2f} s")
        came, sent = sums.split("-")[:2]
        self.assertEqual(came.strip(), sent.strip())
        sweep.wait_until(lambda: None if self.record("cat")["state"] == "exited" else "it runs", 20, "cat")
        self.assertEqual(self.record("cat")["exitCode"], 0)

    # They are children of process 1, which reaps them as they end.
    def test_orphans(self):
        count = ORPHANS // share
        begun = time.monotonic()
        self.ok(f"ns-run -d --init --name orphans --config i.json -- sh -c 'i=0; while [ $i -lt {count} ]; do (true & ) ; i=$((i + 1)); done; echo made; exec sleep 1000'")
        sweep.wait_until(lambda: None if self.ok("log-read orphans") == "made\n" else "not made", 300, "orphans")

        def processes():
            return [line for line in self.ok("ns-exec orphans ps -o pid,stat,comm").splitlines()[1:] if not line.endswith(" ps")]
        sweep.wait_until(lambda: None if len(processes()) == 2 else processes(), 60, "more than process 1 and sleep")
        print(f"{count} orphans: {time.monotonic() - begun:.2f} s")

    # Printed, not judged: the machine may be busy. Without an end: until somebody kills it.
    def test_stop_in_time(self):
        for asked in (0, 1, 3) if share == 1 else (0, 1):
            self.ok(f"ns-run -d --name slow --config i.json -- sh -c \"{STUBBORN}\"")
            sweep.wait_until(lambda: None if "up" in self.ok("log-read slow") else "it does not write", 20, "slow")
            begun = time.monotonic()
            self.ok(f"ps-signal --stop -t {asked} slow")
            took = time.monotonic() - begun
            print(f"stop -t {asked}: {(took - asked) * 1000:.0f} ms late")
            self.assertGreaterEqual(took, asked)
            self.assertEqual(self.record("slow")["exitCode"], 137)
            self.ok("ps-remove slow")

    def test_stop_without_an_end(self):
        self.ok(f"ns-run -d --name slow --config i.json -- sh -c \"{STUBBORN}\"")
        sweep.wait_until(lambda: None if "up" in self.ok("log-read slow") else "it does not write", 20, "slow")
        stop = place.start(["ps-signal", "--stop", "-t", "-1", "slow"])
        # It has begun once the payload's TERM is told; then nothing happens but by the kill.
        sweep.wait_until(lambda: None if '"kill"' in self.ok("cat run/events.json") else "no TERM yet", 20, "slow")
        self.assertIsNone(stop.poll())
        self.assertEqual(self.record("slow")["state"], "running")
        self.ok("ps-signal -s KILL slow")
        self.assertEqual(stop.wait(60), 0)
        self.assertEqual(self.record("slow")["exitCode"], 137)


if __name__ == "__main__":
    cases.main()

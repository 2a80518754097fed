#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Health checks: what a monitor finds, what is told of it and where. Needs root."""

import contextlib
import glob
import json
import os
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

place = None


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    image = place.layout("shell", [Place.busybox()])
    place.run(f"image-fetch {image} > i.json", check=True)


def tearDownModule():
    if place:
        place.close()


class HealthTest(unittest.TestCase):
    def tearDown(self):
        place.check_nothing_is_left(self)
        place.run("rm -f run/events.json*")

    def ok(self, command):
        done = place.run(command)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
        return done.stdout

    # Starts it, and the events of its health in the order in which they come.
    def start(self, *options, command="exec sleep 1000", program="ns-run"):
        follower = place.start(["ps-lister", "--events", "--since", "10m"], stdout=subprocess.PIPE)
        self.addCleanup(follower.kill)
        self.ok([program, "-d", "--name", "well", "--config", "i.json", *options, "--", "sh", "-c", command])
        for line in follower.stdout:
            event = json.loads(line)
            if event["action"] == "health_status":
                yield event["attributes"]["health"]

    def health(self):
        with open(glob.glob(place.path("run/containers/*/health.json"))[0], encoding="utf-8") as file:
            return json.load(file)

    def monitor(self):
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            with contextlib.suppress(OSError), open(path, "rb") as file:
                words = file.read()
                if words.startswith(b"stave-monitor\0") and place.dir.encode() in words:
                    return int(path.split("/")[2])
        raise AssertionError("there is no monitor")

    def status(self):
        return self.ok("ps-lister")

    def test_it_becomes_healthy_and_then_not(self):
        found = self.start("--health-cmd", "echo looked; test -e /fine", "--health-interval", "50ms", "--health-retries", "2",
                           command="touch /fine; exec sleep 1000")
        self.assertEqual(next(found), "healthy")
        self.assertIn("(healthy)", self.status())
        self.assertEqual(self.health()["log"][-1]["output"], "looked\n")
        self.ok("ns-exec well rm /fine")
        self.assertEqual(next(found), "unhealthy")
        self.assertIn("(unhealthy)", self.status())
        health = self.health()
        self.assertGreaterEqual(health["failingStreak"], 2)
        self.assertLessEqual(len(health["log"]), 5)
        self.assertEqual(health["log"][-1]["exitCode"], 1)
        self.ok("ns-exec well touch /fine")
        self.assertEqual(next(found), "healthy")
        self.assertEqual(self.health()["failingStreak"], 0)

    def test_one_that_takes_too_long_has_failed(self):
        found = self.start("--health-cmd", "trap '' TERM; sleep 1000", "--health-interval", "50ms", "--health-timeout", "100ms", "--health-retries", "1")
        self.assertEqual(next(found), "unhealthy")
        last = self.health()["log"][-1]
        self.assertEqual((last["exitCode"], last["output"]), (-1, "Health check exceeded timeout (100ms)"))
        processes = self.ok("ps-stat --top -o args well")
        self.assertLessEqual(processes.count("trap"), 1, processes)

    def test_in_the_start_period_failures_do_not_count(self):
        next_one = self.start("--health-cmd", "test -e /fine", "--health-interval", "10s", "--health-start-period", "1000s",
                              "--health-start-interval", "50ms", "--health-retries", "1", command="sleep 0.4; touch /fine; exec sleep 1000")
        self.assertEqual(next(next_one), "healthy")

    def test_a_check_that_cannot_be_made_has_failed(self):
        found = self.start("--health-cmd", "exit 0", "--health-interval", "50ms", "--health-retries", "1", command="rm -f /bin/sh; exec sleep 1000")
        self.assertEqual(next(found), "unhealthy")

    def test_starting_is_shown_and_without_a_check_nothing(self):
        self.ok("ns-run -d --name early --health-cmd true --health-interval 1000s --config i.json -- sleep 1000")
        self.assertIn("(health: starting)", self.status())
        self.ok("ns-run -d --name plain --config i.json -- sleep 1000")
        line = [line for line in self.status().splitlines() if line.endswith("plain")][0]
        self.assertNotIn("(", line)

    def test_that_of_the_image_and_without_it(self):
        image = place.layout("checked", [Place.busybox()], {"Healthcheck": {"Test": ["CMD", "true"], "Interval": 50000000}})
        self.ok(f"image-fetch {image} > checked.json")
        self.ok("ns-run -d --name own --config checked.json -- sleep 1000")
        self.assertIn("(health", self.status())
        self.ok("ns-run -d --name none --no-healthcheck --config checked.json -- sleep 1000")
        self.assertNotIn("(", [line for line in self.status().splitlines() if line.endswith("none")][0])

    def test_output_is_cut_and_any_bytes_are_fine(self):
        found = self.start("--health-cmd", "head -c 10000 /dev/urandom", "--health-interval", "50ms")
        self.assertEqual(next(found), "healthy")
        self.assertLessEqual(len(self.health()["log"][0]["output"]), 4096)

    def test_what_it_leaves_behind_is_not_waited_for(self):
        found = self.start("--health-cmd", "echo left; sleep 1000 & exit 0", "--health-interval", "50ms", "--health-timeout", "1000s", "--health-retries", "1")
        self.assertEqual(next(found), "healthy")
        self.assertEqual(self.health()["log"][-1]["output"], "left\n")
        self.assertIn("sleep 1000", self.ok("ps-stat --top -o args well"))

    def test_one_that_writes_for_ever_keeps_nobody_waiting(self):
        for writer in ("(while :; do echo x; sleep 0.01; done) & sleep 1000", "yes & yes & sleep 1000"):
            found = self.start("--health-cmd", writer, "--health-interval", "50ms", "--health-timeout", "100ms", "--health-retries", "2",
                               command="i=0; while :; do echo on $((i += 1)); sleep 0.01; done")
            self.assertEqual(next(found), "unhealthy")
            self.assertEqual(self.health()["log"][-1]["output"], "Health check exceeded timeout (100ms)")
            attached = place.start(["tty-attach", "--no-stdin", "well"], stdout=subprocess.PIPE)
            seen = attached.stdout.readline()
            self.assertNotEqual(attached.stdout.readline(), "")
            self.ok("ps-signal --stop -t 0 well")
            self.assertIn(seen, self.ok("log-read well"))
            self.ok("ps-remove well")
            self.ok("rm -f run/events.json*")

    # Those who only connect, more than the monitor can have.
    @contextlib.contextmanager
    def crowd(self):
        with contextlib.ExitStack() as stack:
            folder = os.open(glob.glob(place.path("run/containers/*/"))[0], os.O_PATH)
            stack.callback(os.close, folder)
            for _ in range(75):
                one = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
                one.connect(f"/proc/self/fd/{folder}/attach.sock")
            yield

    # Waits for a moment in which it has nothing to do; who turns round and round has none.
    def wait_until_it_sleeps(self, pid):
        slept = 0
        while slept < 20:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                slept = slept + 1 if file.read().rsplit(")", 1)[1].split()[0] == "S" else 0

    def test_a_monitor_without_descriptors_does_its_work_and_serves_who_comes_later(self):
        with open(place.path("few"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nulimit -n 70\nexec ns-run \"$@\"\n")
        os.chmod(place.path("few"), 0o755)
        found = self.start("--health-cmd", "test -e /fine", "--health-interval", "100ms", "--health-retries", "1", program="./few",
                           command="touch /fine; until test -e /end; do echo on; sleep 0.01; done; exit 7")
        self.assertEqual(next(found), "healthy")
        with self.crowd():
            self.ok("ns-exec well rm /fine")
            self.assertEqual(next(found), "unhealthy")
            self.wait_until_it_sleeps(self.monitor())
        attached = place.start(["tty-attach", "--no-stdin", "well"], stdout=subprocess.PIPE)
        self.assertEqual(attached.stdout.readline(), "on\n")
        attached.kill()
        with self.crowd():
            self.ok("ns-exec well touch /end")
            self.assertEqual(self.ok("ps-wait well"), "7\n")


if __name__ == "__main__":
    cases.main()

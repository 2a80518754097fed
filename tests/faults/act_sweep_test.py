#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at each system call of ps-signal, ps-rename and cgroup-limit --update on a container, with a
monitor and without one; and races for names. Whatever is killed: the list tells the truth, the same
command works, the container can be stopped and removed, and nothing is left. STAVE_SLICE=3/10 tries
the points whose number is 3 modulo 10. Needs root."""

import json
import os
import subprocess
import sys
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import sweep
from place import Place

RACES = 1000


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class Act(sweep.Scenario):
    """`command` on the container `kept`, which runs with a monitor and would be restarted, or without one."""

    def __init__(self, place, command, detached, paused=False):
        super().__init__(place, " ".join(command) + (" (monitored)" if detached else ""), command)
        self.detached, self.paused = detached, paused
        self.watcher = None

    def prepare(self):
        run = ["--name", "kept", "--config", self.place.path("t.json"), "--", "sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 1000 & wait; done"]
        if self.detached:
            self.ok(["ns-run", "-d", "--restart", "always", *run])
        else:
            self.watcher = subprocess.Popen(["ns-run", *run], env=self.place.env, cwd=self.place.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            self.watcher.stdout.readline()
            # The payload may be faster than its state.
            sweep.wait_until(lambda: not self.ok(["ps-lister", "-q"]), 5, "does not run")
        if self.paused:
            self.ok(["ps-signal", "--pause", "kept"])

    def stop(self):
        subprocess.run(["bash", "-c", "ps-lister -aq | xargs -r ps-remove -f"], env=self.place.env, cwd=self.place.dir, capture_output=True, check=False)
        if self.watcher:
            self.watcher.kill()
            self.watcher.communicate()
            self.watcher = None

    def shown(self):
        [one] = map(json.loads, self.ok(["ps-lister", "-a", "--json"]).splitlines())
        if one["state"] not in ("running", "paused", "exited"):
            raise AssertionError(f"the container is {one['state']}")
        return one

    def again(self):
        done = subprocess.run(self.command, env=self.place.env, cwd=self.place.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0 and "[E_STATE]" not in done.stderr:  # paused already, say
            raise AssertionError(f"again: exit {done.returncode}: {done.stderr}")

    def check(self):
        self.shown()
        self.again()
        self.holds()
        self.ok(["ps-signal", "--stop", "-t", "20", "kept"])
        one = self.shown()
        if one["state"] != "exited":
            raise AssertionError(f"stopped, it is {one['state']}")
        self.finish()

    # What the command was for, once it has been repeated.
    def holds(self):
        pass

    def finish(self):
        self.ok(["ps-remove", "-f", "kept"])
        if self.watcher:
            self.watcher.wait(20)
            self.watcher.stdout.close()
            self.watcher = None
        self.nothing_is_left()


class Pause(Act):
    def holds(self):
        wanted = "running" if "--unpause" in self.command else "paused"
        if self.shown()["state"] != wanted:
            raise AssertionError(f"it is {self.shown()['state']}, not {wanted}")


class Rename(Act):
    """By its id, as the page says: so that the repetition finishes it."""

    def prepare(self):
        super().prepare()
        self.id = self.shown()["id"]
        self.command = ["ps-rename", self.id, "new"]

    def again(self):
        if self.shown()["name"] != "new" or len(os.listdir(self.place.path("state/names"))) > 1:
            done = subprocess.run(self.command, env=self.place.env, capture_output=True, text=True, timeout=60, check=False)
            if done.returncode != 0 and "same name" not in done.stderr:
                raise AssertionError(f"again: {done.stderr}")
            # Killed after the record had the new name: the old one is a second name, which store-check takes away.
            self.ok(["store-check", "--repair"])
        if self.shown()["name"] != "new" or os.listdir(self.place.path("state/names")) != ["new"]:
            raise AssertionError(f"names: {os.listdir(self.place.path('state/names'))}")
        self.ok(["ps-rename", "new", "kept"])


class Update(Act):
    def holds(self):
        with open(self.place.path("state/containers", self.shown()["id"], "config.json"), encoding="utf-8") as file:
            if json.load(file)["linux"]["resources"]["memory"]["limit"] != 100 << 20:
                raise AssertionError("the limit is not written down")


class ActSweepTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        image = self.place.layout("shell", [Place.busybox()])
        self.place.run(f"image-fetch -q {image} > t.json", check=True)

    def sweep(self, kind, *command, **how):
        for detached in (False, True):
            scenario = kind(self.place, list(command), detached, **how)
            self.addCleanup(scenario.stop)
            failures = sweep.sweep([scenario], *sweep.share_of_slice())
            self.assertEqual(failures, [], "\n".join(failures))

    def test_stop(self):
        self.sweep(Act, "ps-signal", "--stop", "kept")

    def test_stop_of_a_paused_one(self):
        self.sweep(Act, "ps-signal", "--stop", "kept", paused=True)

    def test_pause(self):
        self.sweep(Pause, "ps-signal", "--pause", "kept")

    def test_unpause(self):
        self.sweep(Pause, "ps-signal", "--unpause", "kept", paused=True)

    def test_rename(self):
        self.sweep(Rename, "ps-rename", "kept", "new")

    def test_update(self):
        self.sweep(Update, "cgroup-limit", "--update", "kept", "-m", "100M")


class NameRaceTest(unittest.TestCase):
    def test_each_race_for_a_name_has_one_winner(self):
        place = Place()
        self.addCleanup(place.close)
        image = place.layout("shell", [Place.busybox()])
        place.run(f"image-fetch -q {image} > t.json; for n in 0 1 2 3; do ns-run --name racer$n --config t.json -- true; done", check=True)
        place.wait_until_quiet()
        share, of = sweep.share_of_slice()
        races = range(share, RACES, of)
        for n in races:
            done = place.run(f"for n in 0 1 2 3; do (ps-rename racer$n prize 2>> lost && echo $n) & done; wait")
            self.assertEqual(len(done.stdout.split()), 1, f"race {n}: {done.stdout}")
            self.assertEqual(sorted(os.listdir(place.path("state/names"))), sorted(["prize"] + [f"racer{i}" for i in range(4) if i != int(done.stdout)]))
            place.run(f"ps-rename prize racer{done.stdout.strip()}", check=True)
        print(f"{len(races)} races, one winner each")
        self.assertEqual({line.rsplit("[", 1)[1] for line in place.run("grep -v ^hint lost").stdout.splitlines()}, {"E_NAME_TAKEN]"})
        place.check_nothing_is_left(self)


if __name__ == "__main__":
    cases.main()

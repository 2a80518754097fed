#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ps-signal and ps-wait: each signal and each exit code, stopping in time, pausing, processes that got
the number of a dead one, damaged states. argv[1] is the program signal_recorder. Needs root."""

import json
import os
import sys
import textwrap
import time
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

place = None
RECORDER = os.path.realpath(sys.argv[1])
STUBBORN = "trap '' TERM; echo up; while :; do sleep 1000; done"
SLOW = "trap 'sleep 1; exit 7' TERM; echo up; while :; do sleep 1000 & wait; done"
KIND = "trap 'exit 3' TERM; echo up; while :; do sleep 1000 & wait; done"


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    with open(RECORDER, "rb") as file:
        recorder = [("bin/recorder", "f", file.read(), 0o755)]
    image = place.layout("shell", [Place.busybox(recorder)])
    place.run(f"image-fetch {image} > i.json", check=True)


def tearDownModule():
    if place:
        place.close()


class ContainerCase(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    def ok(self, command, **kwargs):
        done = place.run(command, **kwargs)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def fails(self, command, text, code=1):
        done = place.run(command)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}{done.stderr}")
        self.assertIn(text, done.stderr)
        return done

    # A container that runs `words` in the foreground, once it has said "up".
    def start(self, name, words, *options):
        if isinstance(words, str):
            words = ["sh", "-c", words]
        process = place.start(["ns-run", "--config", "i.json", "--name", name, *options, "--", *words], stdout=-1)
        self.assertEqual(process.stdout.readline(), "up\n")
        return process

    def record(self, name):
        return [one for one in map(json.loads, self.ok("ps-lister -a --json").splitlines()) if one["name"] == name][0]

    def running(self, name):  # once its state has been written
        while True:
            for one in map(json.loads, self.ok("ps-lister --json").splitlines()):
                if one["name"] == name:
                    return one


class SignalTest(ContainerCase):
    def test_every_signal_arrives(self):
        process = self.start("recorder", ["/bin/recorder"])
        pid = self.running("recorder")["pid"]
        for number in range(1, 65):
            if number in (9, 19):
                continue
            self.assertEqual(self.ok(f"ps-signal -s {number} recorder"), "recorder\n")
            self.assertEqual(process.stdout.readline(), f"{number}\n")
        self.ok("ps-signal -s STOP recorder")
        while self.state_of(pid) != "T":
            pass
        self.ok("ps-signal -s CONT recorder")
        self.assertEqual(process.stdout.readline(), "18\n")
        self.assertEqual(self.ok("ps-signal recorder; ps-wait recorder"), "recorder\n137\n")
        self.assertEqual(process.wait(20), 137)

    @staticmethod
    def state_of(pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0]

    def test_every_exit_code_is_told(self):
        self.ok("for n in $(seq 0 255); do ns-run --config i.json --name c$n -- sh -c \"exit $n\" & [ $((n % 8)) = 7 ] && wait; done; wait")
        names = [f"c{n}" for n in range(256)]
        self.assertEqual(self.ok(f"ps-wait {' '.join(names)}").split(), [str(n) for n in range(256)])
        self.assertEqual(self.ok(f"ps-remove {' '.join(names)}").split(), names)

    def test_signals_by_which_a_payload_ends(self):
        for name, code in (("TERM", 143), ("sigint", 130), ("10", 138)):
            self.start("ends", "echo up; exec sleep 1000", "--init")
            self.ok(f"ps-signal -s {name} ends")
            self.assertEqual(self.ok("ps-wait ends"), f"{code}\n")
            self.ok("ps-remove ends")

    def test_what_does_not_run_is_not_killed(self):
        self.ok("ns-run --config i.json --name ended -- sh -c 'exit 4' || [ $? = 4 ]")
        whole = self.record("ended")["id"]
        self.fails("ps-signal ended", f"cannot kill container: ended: container {whole} is not running [E_NOT_RUNNING]")
        self.assertEqual(self.ok("ps-signal --stop ended; ps-wait ended"), "ended\n4\n")
        for option in ("", "--stop", "--pause"):
            self.fails(f"ps-signal {option} nobody", "ps-signal: No such container: nobody [E_NO_CONTAINER]")
        self.fails("ps-wait nobody", "ps-wait: No such container: nobody")
        self.assertEqual(self.ok("ps-wait --gone nobody"), "")

    def test_wrong_usage(self):
        for words in ("", "-s NOPE a", "-s 65 a", "-s 0 a", "-t 1 a", "--stop -t -2 a", "--stop -t x a", "--stop --pause a", "--pause -s 1 a"):
            self.fails(f"ps-signal {words}", "[E_USAGE]", 2)


class StopTest(ContainerCase):
    # How long it took is printed, not asserted; the code tells whether it was killed.
    def stop(self, name, seconds, wanted_code):
        self.running(name)
        begin = time.monotonic()
        self.assertEqual(self.ok(f"ps-signal --stop -t {seconds} {name}"), name + "\n")
        print(f"stop -t {seconds}: {time.monotonic() - begin:.3f} s")
        self.assertEqual(self.ok(f"ps-wait {name}"), f"{wanted_code}\n")
        self.assertEqual(self.record(name)["state"], "exited")

    def test_it_has_as_long_as_is_asked(self):
        for seconds, code in ((0, 137), (1, 137), (-1, 7), (100, 7)):
            name = "stop" + str(seconds).replace("-", "x")
            self.start(name, STUBBORN if code == 137 else SLOW)
            self.stop(name, seconds, code)

    def test_the_documents_signal_and_time(self):
        self.ok("jq '.stave.life.stop = {signal: \"USR1\", timeout: 0}' i.json > s.json")
        process = place.start(["ns-run", "--config", "s.json", "--name", "own", "--", "sh", "-c", STUBBORN], stdout=-1)
        process.stdout.readline()
        self.running("own")
        self.ok("ps-signal --stop own")
        events = [json.loads(line) for line in self.ok("ps-lister --events --since 1h --until 0s").splitlines()]
        sent = [one["attributes"]["signal"] for one in events if one["name"] == "own" and one["action"] == "kill"]
        self.assertEqual(sent, ["10", "9"])

    def test_many_at_once_are_told_in_order(self):
        names = [f"many{n}" for n in range(12)]
        for name in names:
            self.start(name, STUBBORN)
            self.running(name)
        begin = time.monotonic()
        done = self.fails(f"ps-signal --stop -t 1 {' '.join(names)} nobody many0", "No such container: nobody")
        print(f"12 at once: {time.monotonic() - begin:.3f} s")
        self.assertEqual(done.stdout.split(), names + ["many0"])

    def test_the_end_has_been_written_down(self):
        for n in range(10):
            self.start("quick", KIND)
            self.ok("ps-signal --stop quick")
            self.assertEqual((self.record("quick")["state"], self.record("quick")["exitCode"]), ("exited", 3), n)
            self.ok("ps-remove quick")

    def test_one_that_removes_itself(self):
        process = self.start("gone", KIND, "--rm")
        self.running("gone")
        waiting = [self.waiter("gone"), self.waiter("--gone", "gone")]
        self.ok("ps-signal --stop gone")
        self.assertEqual([one.stdout.read() for one in waiting], ["3\n", "3\n"])
        self.assertEqual(waiting[1].wait(20), 0)
        self.assertEqual(place.leftovers(), [])
        self.assertEqual(process.wait(20), 3)

    # A ps-wait that has looked its container up and waits.
    @staticmethod
    def waiter(*words):
        process = place.start(["ps-wait", *words], stdout=-1)
        links = ()
        while "anon_inode:[pidfd]" not in links:
            links = []
            for entry in os.scandir(f"/proc/{process.pid}/fd"):
                try:
                    links.append(os.readlink(entry.path))
                except FileNotFoundError:
                    pass
        return process

    def test_gone_waits_for_who_removes(self):
        self.ok("ns-run --config i.json --name later -- true")
        waiting = place.start(["ps-wait", "--gone", "later"], stdout=-1)
        self.ok("ps-remove later")
        self.assertEqual(waiting.wait(20), 0)
        self.assertEqual(place.leftovers(), [])

    def test_a_dead_watcher(self):
        process = self.start("orphan", STUBBORN)
        self.running("orphan")
        waiting = self.waiter("orphan")
        process.kill()
        process.wait()
        self.assertEqual(waiting.stdout.read(), "unknown\n")
        self.assertEqual(self.ok("ps-signal --stop orphan; ps-wait orphan"), "orphan\nunknown\n")


class PauseTest(ContainerCase):
    def state(self, name):
        return self.record(name)["state"]

    def start_paused(self, name, *options):
        process = self.start(name, KIND, *options)
        self.assertEqual(self.ok(f"ps-signal --pause {name}"), name + "\n")
        self.assertEqual(self.state(name), "paused")
        return process

    def test_there_and_back(self):
        self.start_paused("there")
        self.assertIn("(Paused)", self.ok("ps-lister"))
        self.fails("ps-signal --pause there", "is already paused [E_STATE]")
        self.fails("ps-remove there", "container is paused and must be unpaused first")
        self.ok("ps-signal --unpause there")
        self.assertEqual(self.state("there"), "running")
        self.fails("ps-signal --unpause there", "is not paused [E_STATE]")
        self.assertEqual(self.ok("ps-signal --stop there; ps-wait there"), "there\n3\n")
        self.fails("ps-signal --pause there", "is not running [E_NOT_RUNNING]")

    def test_a_paused_one_can_be_ended(self):
        for act, code in (("--stop", 3), ("", 137)):
            self.start_paused("frozen")
            self.assertEqual(self.ok(f"ps-signal {act} frozen; ps-wait frozen"), f"frozen\n{code}\n")
            self.ok("ps-remove frozen")
        self.start_paused("frozen")
        self.ok("ps-remove -f frozen")

    def test_a_marker_alone_is_no_pause(self):
        self.start("marked", KIND)
        whole = self.running("marked")["id"]
        with open(place.path("run/containers", whole, "paused"), "w", encoding="utf-8"):
            pass
        self.assertEqual(self.state("marked"), "running")
        self.ok("ps-signal --stop marked")

    def test_who_pauses_and_unpauses_at_once_leaves_marker_and_freezer_agreed(self):
        self.start("both", KIND)
        whole = self.running("both")["id"]
        place.run("for n in $(seq 20); do ps-signal --pause both & ps-signal --unpause both & done; wait")
        marked = os.path.exists(place.path("run/containers", whole, "paused"))
        self.assertEqual(self.state("both"), "paused" if marked else "running")
        self.ok("ps-signal --stop both")


# Containers with a monitor, which knows what a user wants.
class MonitoredTest(ContainerCase):
    def detach(self, name, words, *options):
        done = place.run(["ns-run", "-d", "--config", "i.json", "--name", name, *options, "--", "sh", "-c", words])
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    # Its traps are set once it has said "up".
    @staticmethod
    def until_it_speaks(whole):
        while True:
            try:
                with open(place.path("state/containers", whole, "log/json.log"), encoding="utf-8") as log:
                    if "up" in log.read():
                        return
            except FileNotFoundError:
                pass

    def runner(self, whole):
        with open(place.path("run/containers", whole, "state.json"), encoding="utf-8") as file:
            return json.load(file)["runner"]["pid"]

    def test_stop_and_its_code(self):
        for seconds, words, code in ((0, STUBBORN, "137"), (1, STUBBORN, "137"), (-1, SLOW, "7")):
            whole = self.detach("mon", words)
            self.until_it_speaks(whole)
            begin = time.monotonic()
            self.assertEqual(self.ok(f"ps-signal --stop -t {seconds} mon"), "mon\n")
            print(f"monitored, stop -t {seconds}: {time.monotonic() - begin:.3f} s")
            self.assertEqual(self.ok("ps-wait mon; ps-remove mon").split(), [code, "mon"])

    def test_what_is_stopped_or_killed_is_not_restarted(self):
        for act, code in (("--stop -t 1", 137), ("", 137), ("--stop -s INT", 5)):
            self.until_it_speaks(self.detach("again", "trap '' TERM; trap 'exit 5' INT; echo up; while :; do sleep 1000 & wait; done", "--restart", "always"))
            self.ok("ps-signal --pause again")
            self.ok(f"ps-signal {act} again")
            place.wait_until_quiet()
            self.assertEqual((self.record("again")["state"], self.record("again")["exitCode"]), ("exited", code), act)
            self.ok("ps-remove again")

    def test_one_that_is_restarted_all_the_time_can_be_stopped_at_any(self):
        for n in range(12):
            self.detach("loop", "exit 4", "--restart", "always")
            self.assertEqual(self.ok("ps-wait loop"), "4\n")
            # Somewhere in a wait, or in a start: later each time.
            self.ok(f"for i in $(seq {n * 3}); do ps-lister -q; done > list; ps-signal --stop loop")
            place.wait_until_quiet()
            self.assertEqual((self.record("loop")["state"], self.record("loop")["exitCode"]), ("exited", 4), n)
            self.ok("ps-remove loop")

    def test_each_run_is_waited_for(self):
        self.detach("runs", "exit 6", "--restart", "on-failure:3")
        codes = self.ok("ps-wait runs; ps-wait runs; ps-wait runs; ps-wait runs; ps-wait runs").split()
        self.assertEqual(codes, ["6"] * 5)
        self.assertEqual(self.record("runs")["state"], "exited")

    def test_a_restarting_one_is_listed_and_removed(self):
        self.detach("loop", "exit 4", "--restart", "always")
        while self.record("loop")["state"] != "restarting":
            pass
        place.run("ps-remove -f loop", check=True)
        self.assertEqual(self.ok("ps-lister -aq"), "")

    def test_one_that_removes_itself(self):
        self.until_it_speaks(self.detach("gone", KIND, "--rm"))
        waiting = [StopTest.waiter("gone"), StopTest.waiter("--gone", "gone")]
        self.ok("ps-signal --stop -t 1 gone")
        codes = [one.stdout.read() for one in waiting]
        self.assertEqual(codes, ["3\n"] * 2)
        self.assertEqual(place.leftovers(), [])

    def test_a_dead_monitor(self):
        for act in ("--stop -t 1", ""):
            whole = self.detach("orphan", STUBBORN, "--restart", "always")
            os.kill(self.runner(whole), 9)
            self.assertEqual(self.record("orphan")["state"], "running")
            self.assertEqual(self.ok(f"ps-signal {act} orphan; ps-wait orphan; ps-remove orphan"), "orphan\nunknown\norphan\n")


# In a pid namespace of its own a test chooses the next number: the one of a container's dead first
# process goes to an innocent one, while the state still says that it runs.
REUSE = textwrap.dedent("""
    import fcntl, glob, json, os, signal, subprocess, sys
    def sh(text): return subprocess.run(["bash", "-c", text], stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True)
    runner = subprocess.Popen(["ns-run", "--config", "i.json", "--name", "dead", "--", "sh", "-c", "echo up; exec sleep 1000"], stdout=-1, text=True)
    assert runner.stdout.readline() == "up\\n"
    state = ""
    while '"running"' not in state:
        state = "".join(open(path).read() for path in glob.glob("run/containers/*/state.json"))
    pid = json.loads(state)["init"]["pid"]
    entry = open(glob.glob("run/foreground/*")[0])
    runner.kill(); runner.wait()
    while os.path.exists(f"/proc/{pid}"):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG) if pid else None
    if sys.argv[1] == "held":  # no sweep may tidy it away
        fcntl.flock(entry, fcntl.LOCK_EX)
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(pid - 1))
    victim = subprocess.Popen(["sleep", "1000"])
    assert victim.pid == pid, (victim.pid, pid)
    for act in ("ps-signal --stop -t 0 dead", "ps-signal dead", "ps-signal -s TERM dead", "ps-signal --pause dead",
                "timeout 2 ps-wait dead", "ps-stat --once dead", "ps-stat --top dead", "cgroup-limit --update dead -m 64M",
                "timeout 5 ns-exec dead true", "ps-rename dead dead2", "ps-remove -f dead2", "ps-remove dead2"):
        sh(act)
        assert victim.poll() is None, act
        status = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]
        assert status == "S", (act, status)
    print("survived")
    victim.kill(); victim.wait()
""")


class ReuseTest(ContainerCase):
    def test_a_process_that_got_the_number_is_never_hit(self):
        with open(place.path("reuse.py"), "w", encoding="utf-8") as file:
            file.write(REUSE)
        for how in ("swept", "held"):
            with self.subTest(how):
                self.assertEqual(self.ok(f"unshare --pid --fork --mount-proc {sys.executable} reuse.py {how}"), "survived\n")
                self.ok("ps-remove -f dead dead2")


class DamageTest(ContainerCase):
    def test_a_state_cut_at_each_byte_harms_no_other(self):
        self.start("sound", KIND)
        process = self.start("cut", KIND)
        self.running("sound")
        whole = self.running("cut")["id"]
        path = place.path("run/containers", whole, "state.json")
        with open(path, "rb") as file:
            text = file.read()
        for size in range(len(text) - 1):
            with open(path, "wb") as file:
                file.write(text[:size])
            done = place.run(["ps-lister", "--json", "--all"])
            self.assertEqual(done.returncode, 0, done.stderr)
            states = {one["name"]: one["state"] for one in map(json.loads, done.stdout.splitlines())}
            self.assertEqual(states["sound"], "running", size)
            self.assertIn("cut", states, size)
        done = place.run("ps-signal -s URG cut sound; ps-signal --pause cut; ps-stat --once sound", timeout=30)
        self.assertIn("sound\n", done.stdout)
        with open(path, "wb") as file:
            file.write(text)
        self.ok("ps-signal --stop cut sound")
        self.assertEqual(process.wait(20), 3)


if __name__ == "__main__":
    cases.main()

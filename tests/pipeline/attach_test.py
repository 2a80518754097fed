#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Containers that live by themselves, at a terminal: ns-run --attachable and --start -a, tty-attach;
leaving by keys and coming back, several at once, sizes, ends, the caller's mode put back. Needs root."""

import json
import os
import signal
import sys
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place
from terminal import Terminal

PROMPT = "^/ # "
LEAVE = "\x10\x11"

place = None


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    image = place.layout("shell", [Place.busybox()])
    place.run(f"image-fetch {image} > t.json", check=True)


def tearDownModule():
    if place:
        place.close()


class AttachTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    def ok(self, command):
        done = place.run(command)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def terminal(self, command, **kwargs):
        made = Terminal(place, command, **kwargs)
        self.addCleanup(made.close)
        return made

    def records(self):
        return {one["name"]: one for one in map(json.loads, self.ok("ps-lister -a --json").splitlines())}

    # A shell in the container `name`, started in one way or the other, that has shown its prompt.
    def shell(self, name="shell", options="", **kwargs):
        made = self.terminal(f"exec ns-run --attachable -it --name {name} --config t.json {options} -- sh", **kwargs)
        made.wait_for(PROMPT)
        return made

    def attach(self, name="shell", options="", **kwargs):
        made = self.terminal(f"exec tty-attach {options} {name}", **kwargs)
        made.wait_for(PROMPT)
        return made

    def leaves(self, terminal, keys=LEAVE, code=0):
        terminal.type(keys)
        self.assertEqual(terminal.end(), code, terminal.seen)
        self.assertEqual(terminal.mode(), terminal.before)

    # --- a shell -----------------------------------------------------------------------------------

    def test_a_shell_leave_and_return(self):
        shell = self.shell(rows=33, columns=99)
        self.assertNotEqual(shell.mode(), shell.before)
        shell.type("stty size; tty\r")
        shell.wait_for("^33 99\n/dev/pts/0\n")
        shell.type("a=kept; echo a$((1+1))b\r")
        shell.wait_for("^a2b\n")
        shell.wait_for(PROMPT)
        self.leaves(shell)
        self.assertEqual(self.records()["shell"]["state"], "running")
        for _ in range(3):
            again = self.attach(rows=40, columns=70)
            again.type("stty size; echo $a\r")
            again.wait_for("^40 70\nkept\n")
            again.wait_for(PROMPT)
            self.leaves(again, code=1)
            self.assertIn("tty-attach: read escape sequence", again.seen)
        last = self.attach()
        last.type("exit 13\r")
        self.assertEqual(last.end(), 13)
        self.assertEqual(last.mode(), last.before)
        self.assertEqual(self.records()["shell"]["exitCode"], 13)
        with open(place.path("state/containers", self.records()["shell"]["id"], "log/json.log"), encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertIn(("kept\r\n", "stdout"), [(line["log"], line["stream"]) for line in lines])
        events = self.ok("ps-lister --events --since 1h --until 0s")
        self.assertEqual(events.count('"action":"detach"'), 3)

    def test_start_a_leaves_with_0_and_returns_the_code(self):
        self.ok("ns-run --create -it --name made --config t.json -- sh")
        first = self.terminal("exec ns-run --start -a -i made", rows=22, columns=55)
        first.wait_for(PROMPT)
        first.type("stty size\r")
        first.wait_for("^22 55\n")
        self.leaves(first)
        self.ok("ps-signal made; ps-wait made")
        second = self.terminal("exec ns-run --start -a -i made")
        second.wait_for(PROMPT)
        second.type("exit 7\r")
        self.assertEqual(second.end(), 7)
        self.assertEqual(second.mode(), second.before)

    # Docker's run -dit: nobody is there when it starts.
    def test_a_detached_shell_has_a_prompt_for_who_comes(self):
        self.ok("ns-run -d -it --name shell --config t.json -- sh")
        shell = self.attach(rows=30, columns=60)
        shell.type("stty size; test -t 0 && test -t 2 && echo both\r")
        shell.wait_for("^30 60\nboth\n")
        shell.type("\x04")
        self.assertEqual(shell.end(), 0)

    def test_new_sizes_arrive(self):
        shell = self.terminal("exec ns-run --attachable --init -it --name sized --config t.json -- sh -c 'trap \"stty size\" WINCH; echo up; while :; do sleep 1000 & wait; done'")
        shell.wait_for("^up\n")
        for rows, columns in ((50, 132), (10, 20), (500, 999)):
            shell.resize(rows, columns)
            shell.wait_for(f"^{rows} {columns}\n")
        self.leaves(shell)
        other = self.terminal("exec tty-attach sized", rows=12, columns=34)
        other.wait_for("^12 34\n")
        other.resize(44, 55)
        other.wait_for("^44 55\n")
        other.type("\x03")
        self.assertEqual(other.end(), 130)

    def start_cat(self, shell):
        shell.type("sh -c 'echo go\"\"ing; exec cat'\r")
        shell.wait_for("^going\n")
        shell.type("up\r")
        shell.wait_for("^up\nup\n")

    def test_keys_that_interrupt_and_stop_jobs(self):
        self.shell()
        for shell in (self.attach(), self.attach()):
            self.start_cat(shell)
            shell.type("\x03")
            shell.wait_for(PROMPT)
            self.start_cat(shell)
            shell.type("\x1a")
            shell.wait_for(r"\[1\]\+ +Stopped")
            shell.wait_for(PROMPT)
            shell.type("kill %1; wait; echo was $?\r")
            shell.wait_for("^was ")
            shell.wait_for(PROMPT)
        self.ok("ps-signal shell; ps-wait shell")

    # --- keys --------------------------------------------------------------------------------------

    def test_half_of_the_keys_is_the_payloads(self):
        raw = "stty raw -echo; echo up; while :; do busybox dd bs=1 count=1 2>/dev/null | busybox od -An -tx1; done"
        shell = self.terminal(f"exec ns-run --attachable -it --name raw --config t.json -- sh -c '{raw}'")
        shell.wait_for("up\n")
        for typed, seen in (("\x10a", "10\n *61"), ("\x11", "11"), ("\x10\x10b", "10\n *10\n *62")):
            shell.type(typed)
            shell.wait_for(seen + "\n")
        shell.type("\x10")  # perhaps the beginning
        self.leaves(shell, "\x11")

    def test_own_keys(self):
        shell = self.shell(options="--detach-keys ctrl-a,x")
        shell.type("\x10\x11\recho on\r")
        shell.wait_for("^on\n")
        self.leaves(shell, "\x01x")
        again = self.attach(options="--detach-keys a,b,c")
        again.type("echo ac ab\r")
        again.wait_for("^ac ab\n")
        again.wait_for(PROMPT)
        self.leaves(again, "abc", 1)
        for keys in ("ctrl-1", "a,,b", "ab"):
            done = place.run(["tty-attach", "--detach-keys", keys, "shell"])
            self.assertEqual((done.returncode, "[E_USAGE]" in done.stderr), (2, True), keys)

    # --- several -----------------------------------------------------------------------------------

    def test_two_see_the_same_and_both_type(self):
        one = self.shell()
        two = self.attach()
        one.wait_for("/ # ")  # drawn anew for the other
        one.type("echo from$((1+0))\r")
        for terminal in (one, two):
            terminal.wait_for("^from1\n")
        two.type("echo from$((1+1))\r")
        for terminal in (one, two):
            terminal.wait_for("^from2\n")
        watcher = self.terminal("exec tty-attach --no-stdin shell")
        watcher.wait_for(PROMPT)
        watcher.type("echo no\r")
        one.type("echo from$((1+2))\r")
        for terminal in (one, two, watcher):
            terminal.wait_for("^from3\n")
        one.type("exit 21\r")
        for terminal in (one, two, watcher):
            self.assertEqual(terminal.end(), 21)
            self.assertEqual(terminal.mode(), terminal.before)

    # --- ends --------------------------------------------------------------------------------------

    def test_the_mode_is_put_back(self):
        first = self.shell()
        os.kill(first.process.pid, signal.SIGTERM)  # passed on, and a shell at a terminal ignores it
        first.type("echo on\r")
        first.wait_for("^on\n")
        self.leaves(first)
        for sent in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            client = self.attach()
            os.kill(client.process.pid, sent)
            self.assertEqual(client.end(), -sent)
            self.assertEqual(client.mode(), client.before)
        last = self.attach()
        os.kill(self.records()["shell"]["pid"], signal.SIGKILL)
        self.assertEqual(last.end(), 137)
        self.assertEqual(last.mode(), last.before)

    def test_a_client_that_dies_leaves_it_running(self):
        first = self.shell()
        first.process.kill()
        self.assertEqual(first.end(), -9)
        second = self.attach()
        second.hang_up()
        self.assertIn(second.process.wait(), (-signal.SIGHUP, 1, 129))
        third = self.attach()
        third.type("exit 4\r")
        self.assertEqual(third.end(), 4)

    def test_the_end_of_the_output_is_there(self):
        for _ in range(10):
            shell = self.terminal("exec ns-run --attachable --rm --config t.json -it -- busybox seq 1 5000")
            self.assertEqual(shell.end(), 0)
            self.assertEqual(shell.seen.split(), [str(n) for n in range(1, 5001)])

    # Slower than the payload is not too slow.
    def test_much_is_shown_to_one_who_attached(self):
        self.ok("ns-run -d -it --name shell --config t.json -- sh")
        shell = self.attach()
        shell.type("busybox seq 1 40000; echo d''one\r")
        shell.wait_for("^done\n")
        self.assertEqual(shell.seen.split("\n")[1:40001], [str(n) for n in range(1, 40001)])
        shell.type("exit\r")
        self.assertEqual(shell.end(), 0)

    def test_a_monitor_that_dies_is_told(self):
        shell = self.shell()
        state = place.path("run/containers", self.records()["shell"]["id"], "state.json")
        with open(state, encoding="utf-8") as file:
            os.kill(json.load(file)["runner"]["pid"], signal.SIGKILL)
        self.assertEqual(shell.end(), 125)
        self.assertIn("the monitor of the container has died [E_MONITOR]", shell.seen)
        self.assertEqual(shell.mode(), shell.before)

    # --- refusals ----------------------------------------------------------------------------------

    def test_no_terminal_is_told(self):
        message = "the input device is not a TTY [E_NO_TTY]"
        shell = self.terminal("ns-run --attachable --config t.json -it -- true < /dev/null")
        shell.wait_for("the input device is not a TTY")
        self.assertEqual(shell.end(), 125)
        self.assertEqual(self.records(), {})
        self.ok("ns-run -d -it --name shell --config t.json -- sh")
        done = place.run("tty-attach shell < /dev/null")
        self.assertEqual((done.returncode, message in done.stderr), (1, True), done.stderr)

    def test_what_cannot_be_attached_to(self):
        def refused(text):
            done = place.run("tty-attach shell")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f"tty-attach: {text}", done.stderr)
        refused("No such container: shell [E_NO_CONTAINER]")
        self.ok("ns-run --create --name shell --config t.json -- sleep 1000")
        refused("You cannot attach to a stopped container, start it first [E_NOT_RUNNING]")
        self.ok("ns-run --start shell; ps-signal --pause shell")
        refused("You cannot attach to a paused container, unpause it first [E_STATE]")
        self.ok("ps-signal --unpause shell; ps-signal shell; ps-wait shell")
        refused("You cannot attach to a stopped container, start it first [E_NOT_RUNNING]")
        for words in ("", "a b", "--sig-proxy maybe shell"):
            self.assertEqual(place.run(f"tty-attach {words}").returncode, 2)


if __name__ == "__main__":
    cases.main()

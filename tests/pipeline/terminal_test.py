#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ns-run at a terminal: a shell with a window size, interrupts and job control, the caller's mode put
back, nothing lost; and no terminal for who did not ask for one. Needs root."""

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

place = None
image = None


def setUpModule():
    global place, image
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    image = place.layout("shell", [Place.busybox()])
    place.run(f"image-fetch {image} | layer-mount > t.json")


def tearDownModule():
    if place:
        place.close()


class TerminalTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    def terminal(self, command, **kwargs):
        made = Terminal(place, command, **kwargs)
        self.addCleanup(made.close)
        return made

    # The document by a pipe, then by a file: both with a shell that has shown its prompt.
    def shells(self, options="-it", **kwargs):
        for start in (f"image-fetch -q {image} | ns-run --rm {options} -- sh", f"ns-run --rm --config t.json {options} -- sh"):
            shell = self.terminal(start, **kwargs)
            shell.wait_for(PROMPT)
            yield shell
            self.assertEqual(shell.mode(), shell.before)

    # Starts what goes on until it is interrupted or stopped, and returns once it runs. (Between
    # "going" and exec there is still a shell, which may ignore signals.)
    def start_cat(self, shell):
        shell.type("sh -c 'echo go\"\"ing; exec cat'\r")
        shell.wait_for("^going\n")
        shell.type("up\r")
        shell.wait_for("^up\nup\n")

    # --- a shell -----------------------------------------------------------------------------------

    def test_a_shell_has_a_prompt_and_its_exit_code_is_the_callers(self):
        for shell in self.shells():
            self.assertNotEqual(shell.mode(), shell.before)
            shell.type("tty; echo $TERM $((6 * 7))\r")
            shell.wait_for("^/dev/pts/0\nxterm 42\n")
            shell.type("exit 13\r")
            self.assertEqual(shell.end(), 13)

    def test_end_of_input_ends_the_shell(self):
        for shell in self.shells():
            shell.type("false\r")
            shell.wait_for(PROMPT)
            shell.type("\x04")
            self.assertEqual(shell.end(), 1)

    def test_the_window_size_is_the_callers_from_the_start(self):
        for shell in self.shells(rows=33, columns=121):
            shell.type("stty size\r")
            shell.wait_for("^33 121\n")
            shell.type("exit\r")
            self.assertEqual(shell.end(), 0)
        at_once = self.terminal("ns-run --rm --config t.json -it -- stty size", rows=20, columns=60)
        at_once.wait_for("^20 60\n")
        self.assertEqual(at_once.end(), 0)

    def test_a_new_window_size_is_told_to_the_payload(self):
        payload = "trap \"stty size\" WINCH; echo up; while :; do sleep 1000 & wait; done"
        shell = self.terminal(f"image-fetch {image} | ns-run --rm --init -it -- sh -c '{payload}'")
        shell.wait_for("^up\n")
        for rows, columns in ((50, 132), (10, 20), (500, 999)):
            shell.resize(rows, columns)
            shell.wait_for(f"^{rows} {columns}\n")
        shell.type("\x03")
        self.assertEqual(shell.end(), 130)
        self.assertEqual(shell.mode(), shell.before)

    def test_ctrl_c_interrupts_the_command_and_not_the_shell(self):
        for shell in self.shells():
            self.start_cat(shell)
            shell.type("\x03")
            shell.wait_for(PROMPT)
            shell.type("echo was $?\r")
            shell.wait_for("^was 130\n")
            shell.type("exit\r")
            self.assertEqual(shell.end(), 0)

    def test_ctrl_z_stops_a_job_inside(self):
        for shell in self.shells():
            self.start_cat(shell)
            shell.type("\x1a")
            shell.wait_for(r"\[1\]\+ +Stopped")
            shell.wait_for(PROMPT)
            shell.type("jobs\r")
            shell.wait_for(r"^\[1\]\+ +Stopped")
            shell.type("fg\r")
            shell.wait_for("^sh -c")
            shell.type("again\r")
            shell.wait_for("again\nagain\n")
            shell.type("\x03")
            shell.wait_for(PROMPT)
            shell.type("jobs; echo no more\r")
            shell.wait_for("jobs; echo no more\nno more\n")
            shell.type("exit 0\r")
            self.assertEqual(shell.end(), 0)

    def test_ctrl_backslash_quits_the_command(self):
        for shell in self.shells():
            self.start_cat(shell)
            shell.type("\x1c")
            shell.wait_for(PROMPT)
            shell.type("echo was $?\r")
            shell.wait_for("^was 131\n")
            shell.type("exit\r")
            self.assertEqual(shell.end(), 0)

    # --- ends --------------------------------------------------------------------------------------

    def test_the_mode_is_put_back_when_the_payload_is_killed(self):
        for shell in self.shells():
            record = json.loads(place.run("ps-lister --json").stdout)
            os.kill(record["pid"], signal.SIGKILL)
            self.assertEqual(shell.end(), 137)
        for shell in self.shells("--init -it"):
            shell.type("kill -9 $$\r")
            self.assertEqual(shell.end(), 137)

    def test_the_mode_is_put_back_when_the_start_fails(self):
        for command, code in (("nope", 127), ("/etc", 126)):
            shell = self.terminal(f"image-fetch {image} | ns-run -it -- {command}")
            self.assertEqual(shell.end(), code)
            self.assertEqual(shell.mode(), shell.before)

    def test_the_end_of_the_output_is_there(self):
        for _ in range(15):
            shell = self.terminal("ns-run --rm --config t.json -it -- busybox seq 1 5000")
            self.assertEqual(shell.end(), 0)
            self.assertEqual(shell.seen.split(), [str(n) for n in range(1, 5001)])
        for shell in self.shells():
            shell.type("busybox seq 1 5000; exit 5\r")
            self.assertEqual(shell.end(), 5)
            self.assertEqual(shell.seen.split()[-1], "5000")

    def test_the_end_of_the_output_is_there_behind_a_slow_reader(self):
        shell = self.terminal("ns-run --rm --config t.json -it -- busybox seq 1 20000 | while read -r line; do echo $line; done")
        self.assertEqual(shell.end(), 0)
        self.assertEqual(shell.seen.split(), [str(n) for n in range(1, 20001)])

    def test_a_reader_that_goes_ends_it(self):
        shell = self.terminal("ns-run --rm --config t.json -it -- yes | head -n 1; echo ${PIPESTATUS[@]}")
        shell.wait_for("^y\n")
        shell.wait_for("^[0-9]+ 0\n")
        self.assertEqual(shell.end(), 0)
        self.assertEqual(shell.mode(), shell.before)

    def test_a_window_that_is_closed_ends_what_was_in_it(self):
        for options in ("-t", "-it"):
            shell = self.terminal(f"ns-run --rm --config t.json {options} -- sh -c 'echo up; exec cat'")
            shell.wait_for("^up\n")
            shell.hang_up()
            place.wait_until_quiet()

    def test_much_typed_at_once_arrives(self):
        shell = self.terminal("ns-run --rm --config t.json -it -- sh -c 'stty -echo; echo up; while read l; do [ $l = end ] && break; n=$((n+1)); done; echo got $n'")
        shell.wait_for("^up\n")
        shell.type("x" * 60 + "\r")
        for _ in range(999):
            shell.type("x" * 60 + "\r")
        shell.type("end\r")
        shell.wait_for("^got 1000\n")
        self.assertEqual(shell.end(), 0)

    # --- who has not asked -------------------------------------------------------------------------

    def test_t_without_i_reads_no_keys(self):
        payload = "test -t 0 && test -t 1 && echo up; exec sleep 1000"
        shell = self.terminal(f"ns-run --rm --config t.json -t -- sh -c '{payload}'; echo code $?; read -r line; echo \"[$line]\"")
        shell.wait_for("^up\n")
        self.assertEqual(shell.mode(), shell.before)
        shell.type("mine\r")
        os.kill(json.loads(place.run("ps-lister --json").stdout)["pid"], signal.SIGKILL)
        shell.wait_for("^code 137\n")
        shell.wait_for(r"^\[mine\]\n")
        self.assertEqual(shell.end(), 0)

    def test_t_without_i_passes_an_interrupt_on(self):
        payload = "trap \"echo int; exit 7\" INT; echo up; while :; do sleep 1000 & wait; done"
        shell = self.terminal(f"exec ns-run --rm --config t.json -t -- sh -c '{payload}'", rows=11, columns=22)
        shell.wait_for("^up\n")
        shell.type("\x03")
        shell.wait_for("int\n")
        self.assertEqual(shell.end(), 7)

    def test_without_t_no_terminal_is_handed_over(self):
        probe = "for n in 0 1 2; do test -t $n && echo $n is a terminal; done; ls -l /proc/self/fd | grep -e pts -e tty; (: < /dev/tty) 2>&1; echo done"
        for start in (f"image-fetch {image} | ns-run --rm", "ns-run --rm --config t.json", "ns-run --rm -i --config t.json"):
            with self.subTest(start=start):
                shell = self.terminal(f"{start} -- sh -c '{probe}'")
                shell.wait_for("^done\n")
                self.assertEqual(shell.end(), 0)
                self.assertNotIn("is a terminal", shell.seen)
                self.assertNotIn("/dev/pts", shell.seen)
                self.assertIn("can't open /dev/tty", shell.seen)
                self.assertEqual(shell.mode(), shell.before)

    def test_i_without_t_gives_lines(self):
        shell = self.terminal("ns-run --rm -i --config t.json -- sh -c 'read a; echo got $a; cat; echo end'")
        shell.type("first\r")
        shell.wait_for("^got first\n")
        shell.type("second\r\x04")
        shell.wait_for("^second\nsecond\nend\n")
        self.assertEqual(shell.end(), 0)

    def test_no_terminal_is_told(self):
        message = "the input device is not a TTY"
        for command in ("ns-run --config t.json -it -- true < /dev/null", "true | ns-run --config t.json -t -- true"):
            shell = self.terminal(command)
            shell.wait_for(message)
            self.assertEqual(shell.end(), 125)
        done = place.run(["setsid", "-w", "bash", "-c", f"image-fetch {image} | ns-run -it -- true"])
        self.assertEqual(done.returncode, 125)
        self.assertIn(message, done.stderr)


if __name__ == "__main__":
    cases.main()

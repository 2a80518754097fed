#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command line of stave-oci, as engines use it: options, logs, environments, descriptors, what is
printed. What a container is made of is tested elsewhere. Needs root."""

import array
import io
import json
import os
import re
import select
import signal
import socket
import sys
import tarfile
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place
from terminal import Terminal

place = None
ID = f"cli-{os.getpid()}"  # cgroups are the machine's


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    os.makedirs(place.path("b/rootfs"))
    with tarfile.open(fileobj=io.BytesIO(Place.busybox())) as tar:
        tar.extractall(place.path("b/rootfs"))
    place.run("stave-oci spec --bundle b", check=True)
    write_config("config.json", ["sh", "-c", "trap 'exit 3' TERM; echo up; while :; do read line; done"])


def tearDownModule():
    if place:
        place.close()


def write_config(name, args, terminal=False):
    with open(place.path("b/config.json"), encoding="utf-8") as file:
        config = json.load(file)
    config["process"].update(args=args, terminal=terminal)
    with open(place.path("b", name), "w", encoding="utf-8") as out:
        json.dump(config, out)


class StaveOciTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(self.check_nothing_is_left)

    def check_nothing_is_left(self):
        place.run(f"stave-oci delete --force {ID}", check=True)
        self.assertEqual(os.listdir(place.path("run/oci")) if os.path.exists(place.path("run/oci")) else [], [])

    def ok(self, command, **kwargs):
        done = place.run(command, **kwargs)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        self.assertEqual(done.stderr, "")
        return done.stdout

    def fails(self, command, code, text, **kwargs):
        done = place.run(command, **kwargs)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}{done.stderr}")
        self.assertRegex(done.stderr, "^stave-oci: .*" + re.escape(text))
        return done

    # Created and started, with a stdin that never ends.
    def run_detached(self):
        read, self.feed = os.pipe()
        self.addCleanup(os.close, self.feed)
        process = place.start(["stave-oci", "run", "-d", "-b", "b", "--pid-file", "pid", ID], stdin=read,
                              stdout=open(os.devnull, "w"))
        os.close(read)
        self.assertEqual(process.wait(60), 0)
        with open(place.path("pid"), encoding="utf-8") as file:
            return int(file.read())

    # --- without a container -----------------------------------------------------------------------

    def test_version_is_three_lines_that_engines_read(self):
        for option in ("--version", "-v"):
            lines = self.ok(f"stave-oci {option}").splitlines()
            self.assertRegex(lines[0], r"^stave-oci version \d")
            self.assertRegex(lines[1], r"^commit: \S")
            self.assertEqual(lines[2], "spec: 1.3.0")

    def test_features_need_nothing_and_touch_nothing(self):
        program = place.env["PATH"].split(":")[0] + "/stave-oci"
        features = json.loads(self.ok(["env", "-i", "STAVE_RUN=" + place.path("untouched"), program, "features"]))
        self.assertEqual((features["ociVersionMin"], features["ociVersionMax"]), ("1.0.0", "1.3.0"))
        self.assertIn("rro", features["mountOptions"])
        self.assertIn("SCMP_ACT_NOTIFY", features["linux"]["seccomp"]["actions"])
        self.assertFalse(os.path.exists(place.path("untouched")))

    def test_an_unknown_command_has_no_help(self):
        self.fails("stave-oci checkpoint --help", 1, 'unknown command "checkpoint"')
        self.fails("stave-oci restor x", 1, "unknown command")
        self.assertIn("hint: did you mean state?", self.fails("stave-oci stat x", 1, "unknown command").stderr)

    def test_wrong_usage_is_1_and_of_exec_255(self):
        self.fails("stave-oci", 1, "a command is missing")
        self.fails("stave-oci create", 1, '"create" requires exactly 1 argument')
        self.fails("stave-oci start a b", 1, '"start" requires exactly 1 argument')
        self.fails("stave-oci exec", 255, '"exec" requires at least 1 argument')
        self.fails("stave-oci list --format yaml", 1, "neither table nor json")
        self.fails("stave-oci events --interval 0 x", 1, "--interval: must be above 0")
        self.fails("stave-oci kill x NOSIG", 1, "is not a signal")
        self.fails("stave-oci --rootless perhaps list", 1, "--rootless")
        self.fails(f"stave-oci --cgroup-manager disabled create -b b {ID}", 1, "[E_UNSUPPORTED]")
        for manager in ("--systemd-cgroup", "--cgroup-manager=systemd"):
            self.ok(f"stave-oci {manager} list")
            if not os.path.exists("/run/systemd/private"):  # else tests/vm's
                self.fails(f"stave-oci {manager} create -b b {ID}", 1, "systemd cgroup manager: ")

    def test_what_is_not_there(self):
        for command in ("state", "start", "kill", "pause", "resume", "update", "ps", "events", "delete"):
            self.fails(f"stave-oci {command} {ID}", 1, f'container "{ID}" does not exist')
        self.fails(f"stave-oci exec {ID} true", 255, "does not exist")
        self.assertEqual(self.ok(f"stave-oci delete --force {ID}"), "")
        self.assertEqual(self.ok("stave-oci --root nowhere list -q"), "")
        self.assertEqual(self.ok("stave-oci --root nowhere list --format json"), "[]\n")
        self.assertFalse(os.path.exists(place.path("nowhere")))

    def test_a_log_line_an_error(self):
        for form, words in (("json", '--log-format json'), ("text", "--log-format=text"), ("text", "")):
            place.run("rm -f log")
            self.fails(f"stave-oci --log log {words} state {ID}", 1, "does not exist")
            self.fails(f"stave-oci --log log {words} state", 1, "requires exactly")
            with open(place.path("log"), encoding="utf-8") as file:
                lines = file.read().splitlines()
            self.assertEqual(len(lines), 2)
            if form == "json":
                line = json.loads(lines[0])
                self.assertEqual((line["level"], line["msg"]), ("error", f'container "{ID}" does not exist'))
                self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            else:
                self.assertRegex(lines[0], rf'^time="\S+" level=error msg="container \\"{ID}\\" does not exist"$')
        self.fails("stave-oci --log no/such/log list", 1, "--log: no/such/log: open")
        self.fails("stave-oci --log-format xml list", 1, "neither text nor json")

    def test_spec_is_run_as_it_is_and_not_overwritten(self):
        self.fails("stave-oci spec -b b", 1, "file config.json exists. Remove it first")
        self.ok("mkdir -p fresh && cd fresh && rm -f config.json && stave-oci spec && cp -a ../b/rootfs .")
        terminal = Terminal(place, f"stave-oci run -b fresh {ID}")
        terminal.type("tty; exit 4\n")
        terminal.wait_for("^/dev/pts/0")
        self.assertEqual(terminal.end(), 4)
        self.ok("mkdir -p rootless && cd rootless && rm -f config.json && stave-oci spec --rootless")
        with open(place.path("rootless/config.json"), encoding="utf-8") as file:
            config = json.load(file)
        self.assertIn({"type": "user"}, config["linux"]["namespaces"])

    # --- with one ----------------------------------------------------------------------------------

    def test_from_create_to_delete(self):
        # The container inherits these streams: they are files, or the caller would wait for its end.
        self.ok(f"stave-oci create --bundle b --pid-file pid {ID} >out 2>&1")
        state = json.loads(self.ok(f"stave-oci state {ID}"))
        with open(place.path("pid"), encoding="utf-8") as file:
            self.assertEqual(file.read(), str(state["pid"]))
        self.assertEqual(list(state), ["ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"])
        self.assertEqual((state["status"], state["bundle"]), ("created", place.path("b")))
        self.fails(f"stave-oci create --bundle b {ID}", 1, "already exists")
        self.fails(f"stave-oci delete {ID}", 1, "that is not stopped: created")
        self.ok(f"stave-oci delete --force {ID}")
        self.fails(f"stave-oci delete {ID}", 1, "does not exist")

    def test_run_returns_the_payloads_code(self):
        for script, code in (("exit 0", 0), ("exit 255", 255), ("kill -9 $$", 137)):
            write_config("c.json", ["sh", "-c", f"sh -c '{script}'; exit $?"])
            self.assertEqual(place.run(f"stave-oci run -b b --config b/c.json {ID}").returncode, code)
        write_config("c.json", ["/none"])
        self.fails(f"stave-oci run -b b --config b/c.json {ID}", 1, "no such file or directory")
        write_config("c.json", ["none"])
        self.fails(f"stave-oci run -b b --config b/c.json {ID}", 1, "executable file not found in $PATH")
        write_config("c.json", ["/etc/passwd"])
        self.fails(f"stave-oci run -b b --config b/c.json {ID}", 1, "permission denied")

    def test_a_running_one_is_listed_changed_and_stopped(self):
        pid = self.run_detached()
        pidfd = os.pidfd_open(pid)
        self.assertEqual(self.ok("stave-oci list -q"), ID + "\n")
        self.assertRegex(self.ok("stave-oci list"), rf"^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n{ID} +{pid} +running +\S+ +\S+Z +root\n$")
        [entry] = json.loads(self.ok("stave-oci list -f json"))
        self.assertEqual((entry["pid"], entry["owner"]), (pid, "root"))
        self.assertEqual(json.loads(self.ok(f"stave-oci ps --format json {ID}")), [pid])
        self.assertRegex(self.ok(f"stave-oci ps {ID}"), rf"^UID +PID .*\n\S+ +{pid} .*\n$")
        self.assertRegex(self.ok(f"stave-oci ps {ID} -o pid,comm"), rf"^ +PID COMMAND\n *{pid} sh\n$")
        self.ok(f"stave-oci update {ID} --memory 64m --pids-limit=50")
        self.ok(f"stave-oci update -r - {ID}", input='{"pids":{"limit":60}}')
        data = json.loads(self.ok(f"stave-oci events --stats {ID}"))["data"]
        self.assertEqual((data["memory"]["usage"]["limit"], data["pids"]["limit"]), (64 << 20, 60))
        self.ok(f"stave-oci pause {ID}")
        self.fails(f"stave-oci exec {ID} true", 255, "cannot exec in a paused container")
        self.ok(f"stave-oci resume {ID}")
        self.fails(f"stave-oci delete {ID}", 1, "that is not stopped: running")
        self.ok(f"stave-oci kill {ID} {signal.SIGKILL:d}")
        self.assertTrue(select.select([pidfd], [], [], 30)[0])  # it has ended
        os.close(pidfd)
        self.assertEqual(json.loads(self.ok(f"stave-oci state {ID}"))["status"], "stopped")
        self.fails(f"stave-oci kill {ID} TERM", 1, "container not running")
        self.ok(f"stave-oci kill --all {ID} KILL")
        self.ok(f"stave-oci delete {ID}")

    def test_exec_is_what_its_options_say(self):
        self.run_detached()
        self.assertEqual(place.run(f"stave-oci exec {ID} sh -c 'exit 5'").returncode, 5)
        out = self.ok(f"stave-oci exec -u 1000:100 -g 7 -e A=1 --env A=2 --cwd /tmp {ID} sh -c 'id -u; id -g; id -G; echo $A; pwd'")
        self.assertEqual(out.split("\n")[:2], ["1000", "100"])
        self.assertIn("7", out.split("\n")[2].split())
        self.assertEqual(out.split("\n")[3:5], ["2", "/tmp"])
        self.fails(f"stave-oci exec {ID} none", 255, "executable file not found in $PATH")
        self.fails(f"stave-oci exec {ID}", 255, "cannot be empty")
        with open(place.path("process.json"), "w", encoding="utf-8") as out:
            json.dump({"args": ["sh", "-c", "echo $WHO; exit 6"], "env": ["WHO=file", "PATH=/bin"], "cwd": "/"}, out)
        done = place.run(f"stave-oci exec --process process.json {ID}")
        self.assertEqual((done.returncode, done.stdout), (6, "file\n"))

    # --- what engines leave to it ------------------------------------------------------------------

    def test_no_descriptor_of_the_callers_gets_in_unless_it_is_preserved(self):
        write_config("c.json", ["sh", "-c", "ls /proc/self/fd"])
        run = "exec 3</etc/hostname 4<&3 7<&3; stave-oci run -b b --config b/c.json"
        # One more is ls's own.
        self.assertEqual(self.ok(f"{run} {ID}").split(), ["0", "1", "2", "3"])
        self.assertEqual(self.ok(f"{run} --preserve-fds 2 {ID}").split(), ["0", "1", "2", "3", "4", "5"])
        self.assertEqual(self.ok(f"export LISTEN_FDS=1 LISTEN_PID=$$; {run.replace('; ', '; exec ')} {ID}").split(),
                         ["0", "1", "2", "3", "4"])
        self.fails(f"{run} --preserve-fds 3 {ID}", 1, "preserved descriptor 5: is not open")

    def test_an_empty_environment_is_enough(self):
        program = place.env["PATH"].split(":")[0] + "/stave-oci"
        write_config("c.json", ["true"])
        clean = f"env -i XDG_RUNTIME_DIR= {program} --root {place.path('r')}"
        self.ok(f"{clean} run -b b --config b/c.json {ID}")
        self.ok(f"{clean} delete --force {ID}")

    def test_a_terminal_goes_over_the_console_socket(self):
        write_config("c.json", ["sh", "-c", "tty; read line"], terminal=True)
        self.fails(f"stave-oci create -b b --config b/c.json {ID}", 1, "without setting console socket")
        with socket.socket(socket.AF_UNIX) as console:
            console.bind(place.path("console"))
            console.listen()
            self.ok(f"stave-oci create -b b --config b/c.json --console-socket console {ID}")
            peer, _ = console.accept()
        with peer:
            fds = array.array("i")
            _, ancillary, _, _ = peer.recvmsg(4096, socket.CMSG_LEN(fds.itemsize))
            fds.frombytes(ancillary[0][2])
        self.addCleanup(os.close, fds[0])
        self.ok(f"stave-oci start {ID}")
        self.assertEqual(os.read(fds[0], 100), b"/dev/pts/0\r\n")


if __name__ == "__main__":
    cases.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Containers that live by themselves: ns-run -d, --create, --start and --attachable, what stave-monitor
does with their streams, ends and restarts, and what is there when a monitor or the machine has died. What
is done at a terminal is in attach_test.py. Needs root."""

import errno
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

place = None
KIND = "trap 'exit 3' TERM; echo up; while :; do sleep 1000 & wait; done"
MIB = 1 << 20
MANY = 50  # at a reboot


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    image = place.layout("shell", [Place.busybox()])
    place.run(f"image-fetch {image} > i.json", check=True)
    with open(place.path("i.json"), encoding="utf-8") as file:
        document = json.load(file)
    document["linux"]["namespaces"].append({"type": "user"})
    document["linux"]["uidMappings"] = document["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    with open(place.path("user.json"), "w", encoding="utf-8") as file:
        json.dump(document, file)


def tearDownModule():
    if place:
        place.close()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class MonitorCase(unittest.TestCase):
    def setUp(self):
        self.addCleanup(self.check_nothing_is_left)

    def check_nothing_is_left(self):
        place.check_nothing_is_left(self)
        self.until(lambda: not self.monitors(), "monitors are left")
        ids = self.ids()
        groups = glob.glob("/sys/fs/cgroup/*/stave/*/") + glob.glob("/sys/fs/cgroup/stave/*/")
        self.assertEqual([path for path in groups if path.split("/")[-2] in ids], [])

    # Every id that an event has told. (Who appends while another one does may put an empty line between.)
    @staticmethod
    def ids():
        return {one["id"] for one in events()}

    def until(self, condition, what, seconds=20):
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(what)
            time.sleep(0.005)
        return found

    def ok(self, command, **kwargs):
        done = place.run(command, **kwargs)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def fails(self, command, text, code=1):
        done = place.run(command)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}{done.stderr}")
        self.assertIn(text, done.stderr)
        return done

    # ns-run -d; returns the id.
    def detach(self, name, script, *options, config="i.json"):
        words = ["sh", "-c", script] if isinstance(script, str) else script
        done = place.run(["ns-run", "-d", "--config", config, "--name", name, *options, "--", *words])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\A[0-9a-f]{64}\n\Z")
        return done.stdout.strip()

    def record(self, name):
        return next((one for one in map(json.loads, self.ok("ps-lister -a --json").splitlines()) if one["name"] == name), None)

    def wait_state(self, name, state):
        return self.until(lambda: (one := self.record(name)) and one["state"] == state and one, f"{name} is not {state}")

    # A payload may have ended a moment before its monitor tells how.
    def wait_exit(self, name, code):
        return self.until(lambda: (one := self.record(name)) and (one["state"], one["exitCode"]) == ("exited", code) and one, f"{name} has not ended with {code}")

    def wait_log(self, name, text):
        self.until(lambda: text in self.ok(f"log-read {name} 2>&1"), f"{name} has not written {text!r}")

    # The pids of the monitors of this place.
    @staticmethod
    def monitors():
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    words = file.read()
            except OSError:
                continue
            if words.startswith(b"stave-monitor\0") and place.dir.encode() in words:
                found.append(int(path.split("/")[2]))
        return found

    def monitor(self):
        [pid] = self.monitors()
        return pid

    def exit_file(self, whole):
        with open(place.path("state/containers", whole, "exit.json"), encoding="utf-8") as file:
            return json.load(file)


def events():
    try:
        with open(place.path("run/events.json"), encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]
    except FileNotFoundError:
        return []


def actions(whole):
    return [one["action"] for one in events() if one["id"] == whole]


class DetachedTest(MonitorCase):
    def test_d_prints_the_id_and_the_end_is_recorded(self):
        whole = self.detach("web", "echo out; echo err >&2; exit 7", "--label", "a=b", "-l", "c")
        one = self.wait_exit("web", 7)
        self.assertEqual((one["id"], one["exitCode"], one["restarts"], one["labels"]), (whole, 7, 0, {"a": "b", "c": ""}))
        done = place.run("log-read web")
        self.assertEqual((done.stdout, done.stderr), ("out\n", "err\n"))
        with open(place.path("state/containers", whole, "log/json.log"), encoding="utf-8") as file:
            lines = sorted((line["stream"], line["log"]) for line in map(json.loads, file))
        self.assertEqual(lines, [("stderr", "err\n"), ("stdout", "out\n")])
        self.ok("ps-remove web")
        self.assertEqual(actions(whole), ["create", "start", "die", "destroy"])

    def test_rm_leaves_nothing(self):
        whole = self.detach("web", "exit 7", "--rm")
        self.until(lambda: not self.monitors(), "the monitor is left")
        self.assertEqual((place.leftovers(), self.ok("ps-lister -aq")), ([], ""))
        self.assertEqual(actions(whole), ["create", "start", "die", "destroy"])

    def test_names(self):
        whole = self.detach("same", "sleep 1000")
        self.fails("ns-run -d --config i.json --name same -- true", f'Conflict. The container name "/same" is already in use by container "{whole}"', 125)
        self.ok("ps-remove -f same")
        self.ok("for n in $(seq 50); do (ns-run -d --config i.json --name same -- sleep 1000 > out$n 2> err$n; echo $? > code$n) & done; wait")
        codes = [self.ok(f"cat code{n}").strip() for n in range(1, 51)]
        self.assertEqual(sorted(codes), ["0"] + 49 * ["125"])
        won = self.ok(f"cat out{codes.index('0') + 1}").strip()
        texts = {self.ok(f"cat err{n + 1}") for n in range(50) if codes[n] != "0"}
        self.assertEqual({re.sub('by container "[0-9a-f]{64}"', "", text) for text in texts},
                         {'ns-run: Conflict. The container name "/same" is already in use . You have to remove (or rename) that container to be able to reuse that name. [E_NAME_TAKEN]\n'})
        self.assertEqual([one["id"] for one in map(json.loads, self.ok("ps-lister -a --json").splitlines())], [won])

    def test_cidfile(self):
        whole = self.ok("ns-run -d --cidfile cid --config i.json -- true").strip()
        self.assertEqual(self.ok("cat cid"), whole)
        self.fails("ns-run -d --cidfile cid --config i.json -- true", "container ID file found", 125)
        os.unlink(place.path("cid"))
        for way in ("-d", "--attachable"):
            self.fails(f"ns-run {way} --rm --cidfile cid --config i.json -- nope", "not found", 127)
            self.assertFalse(os.path.exists(place.path("cid")))
            self.fails(f"ns-run {way} --cidfile cid --config i.json -- nope", "not found", 127)
            self.ok("ps-remove $(cat cid) && rm cid")
        self.fails("ns-run -d --cidfile no/cid --config i.json -- true", "no/cid", 125)
        self.assertFalse(os.path.exists(place.path("cid")))
        self.assertEqual(self.ok("ps-lister -aq --no-trunc"), whole + "\n")

    # As docker run: it has been created, and says why it could not be started. With --rm nothing is left.
    def test_a_start_that_fails(self):
        for words, text, code in (("nope", 'exec "nope": executable file not found in $PATH [E_NOT_FOUND]', 127), ("/etc", "[E_NOT_EXECUTABLE]", 126),
                                  ("/nope", "[E_NOT_FOUND]", 127)):
            for way in ("-d", "--attachable", "-d --restart always"):
                done = self.fails(f"ns-run {way} --config i.json --name bad -- {words}", text, code)
                self.assertEqual(done.stdout, "")
                place.wait_until_quiet()
                one = self.record("bad")
                self.assertEqual((one["state"], one["exitCode"], one["error"] in done.stderr), ("created", code, True))
                self.fails("ns-run --start bad", text, 1)
                self.ok("ps-remove bad")
                if "restart" not in way:
                    self.fails(f"ns-run {way} --rm --config i.json --name bad -- {words}", text, code)
                    place.wait_until_quiet()
                self.assertEqual(place.leftovers(), [])
        told = [one["action"] for one in events() if one["name"] == "bad"]
        self.assertEqual(told, 15 * ["create", "destroy"])
        for option in ("--network", "--pid", "--ipc"):
            for way in ("-d", "--create", "--rm"):
                self.fails(f"ns-run {way} --name alone --config i.json {option} container:nobody -- true", "No such container: nobody", 125)

    def test_wrong_usage(self):
        self.detach("runs", "sleep 1000")
        for words in ("-d --create -- true", "-d --rootfs / -- true", "--restart always -- true", "-d --restart maybe -- true", "-d --rm --restart always -- true",
                      "-d --log-driver nope -- true", "-d --log-opt max-size=1 -- true", "-d --stop-signal NOPE -- true", "-d --stop-timeout -2 -- true",
                      "--attachable --detach-keys no -- true", "--attach -- true", "--start"):
            self.fails(f"ns-run --config i.json {words}" if "rootfs" not in words else f"ns-run {words}", "[E_USAGE]", 125)

    # Each of 200 that end at once: the right code, and nothing is left of those with --rm.
    def test_payloads_that_end_at_once(self):
        self.ok("for n in $(seq 0 199); do ns-run -d --config i.json --name e$n -- sh -c \"exit $n\" > /dev/null & [ $((n % 8)) = 7 ] && wait; done; wait")
        names = " ".join(f"e{n}" for n in range(200))
        self.assertEqual(self.ok(f"ps-wait {names}").split(), [str(n) for n in range(200)])
        self.ok(f"ps-remove {names}")
        self.ok("for n in $(seq 0 199); do ns-run -d --rm --config i.json -- true > /dev/null & [ $((n % 8)) = 7 ] && wait; done; wait")
        self.until(lambda: not self.monitors(), "monitors are left")
        self.assertEqual(place.leftovers(), [])

    def test_namespaces_of_others_and_an_init(self):
        self.detach("first", KIND, "--init", config="user.json")
        self.wait_log("first", "up")
        lines = self.ok("ns-exec first sh -c 'cat /proc/1/comm /proc/self/uid_map'").splitlines()
        self.assertIn("stave-ini", lines[0])
        self.assertEqual(lines[1].split(), ["0", "100000", "65536"])
        self.detach("second", "ls -l /proc/self/ns/net; cat /etc/hosts; hostname", "--network", "container:first")
        self.wait_exit("second", 0)
        first = self.record("first")
        log = self.ok("log-read second")
        self.assertIn(os.readlink(f"/proc/{first['pid']}/ns/net"), log)
        self.assertIn(first["id"][:12], log)
        self.assertEqual(self.ok("ps-signal --stop first; ps-wait first"), "first\n3\n")
        self.fails("ns-run --start second", "[E_NOT_RUNNING]")
        self.ok("ns-run --start first")
        self.ok("ns-run --start second")
        self.assertEqual(self.ok("ps-wait second"), "0\n")

    def test_processes_and_memory_of_another(self):
        look = "readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc; cat /dev/shm/note; (echo seen > /dev/shm/answer) 2> /dev/null; df /dev/shm | tail -n 1; tr '\\0' ' ' < /proc/1/cmdline"
        for config, init in (("i.json", ""), ("user.json", "--init")):
            with self.subTest(config=config):
                self.detach("first", "echo note > /dev/shm/note; echo up; while :; do sleep 0.1; done", *init.split(), "--shm-size", "3m", config=config)
                self.wait_log("first", "up")
                self.detach("second", look, "--pid", "container:first", "--ipc", "container:first")
                self.wait_exit("second", 0)
                first = self.record("first")
                lines = self.ok("log-read second").splitlines()
                self.assertEqual(lines[:2], [os.readlink(f"/proc/{first['pid']}/ns/{kind}") for kind in ("pid", "ipc")])
                self.assertEqual(lines[2], "note")
                self.assertEqual(lines[3].split()[1], "3072")
                self.assertIn("note > /dev/shm/note" if not init else "stave-init", lines[4])
                if not init:  # a tmpfs of a user namespace has no owner for the host's root
                    self.assertEqual(self.ok("ns-exec first cat /dev/shm/answer"), "seen\n")
                modes = self.ok("ps-lister --inspect --format '{{.HostConfig.PidMode}} {{.HostConfig.IpcMode}}' second")
                self.assertEqual(modes, f"container:{first['id']} container:{first['id']}\n")
                # It was that one, whatever bears its name later.
                self.ok("ps-rename first old")
                self.detach("first", "sleep 1000")
                self.ok("ns-run --start second; ps-wait second")
                self.assertEqual(self.ok("log-read --tail 3 second").splitlines()[0], "note")
                self.ok("ps-signal --stop -t 0 old")
                self.fails("ns-run --start second", f"--pid: container {first['id']}: is not running [E_NOT_RUNNING]")
                self.ok("ps-remove old")
                self.fails("ns-run --start second", f"No such container: {first['id']}")
                self.ok("ps-remove -f first second")
        self.assertEqual(place.leftovers(), [])

    # What shares the processes of another ends with it; its own children end with it alone.
    def test_ends_with_the_other(self):
        self.detach("first", "echo up; while :; do sleep 0.1; done")
        self.wait_log("first", "up")
        for name in ("second", "third"):
            self.detach(name, "sleep 1000 & echo up; while :; do sleep 0.1; done", "--pid", "container:first")
            self.wait_log(name, "up")
        self.assertGreater(int(self.ok("ns-exec second sh -c 'cat /proc/[0-9]*/comm 2> /dev/null | grep -c sleep'")), 1)
        self.ok("ps-signal --stop third")
        self.wait_exit("third", 143)  # not the first process there, so TERM ends it
        self.assertEqual(self.record("first")["state"], "running")
        self.ok("ps-signal -s KILL first")
        self.wait_exit("second", 137)
        self.ok("ps-remove first second third")
        self.assertEqual(place.leftovers(), [])

    # In a pid namespace that is not its own the kernel does not end the payload's children with it.
    def test_children_end_with_the_payload(self):
        def alive(mark):
            return [pid for pid in os.listdir("/proc") if pid.isdigit() and mark in cmdline(pid)]

        def cmdline(pid):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as words:
                    return words.read().decode(errors="replace").split("\0")
            except OSError:
                return []

        self.detach("first", "echo up; exec sleep 1000")  # reaps nothing
        self.wait_log("first", "up")
        for number, options in enumerate(("--pid host", "--pid container:first", "--pid private")):
            for way in ("-d", "--rm", "--attachable", "-d --restart on-failure:1"):
                with self.subTest(options=options, way=way):
                    mark = f"20000.{number}"
                    payload = f"(sleep {mark} & exec sleep {mark}) & sleep 0.3; exit 3"
                    place.run(f"ns-run --name gone {way} {options} --config i.json -- sh -c '{payload}' | cat")
                    if way != "--rm":
                        self.wait_exit("gone", 3)
                    self.assertEqual(alive(mark), [])
                    if way != "--rm":
                        group = self.record("gone")["id"]
                        self.ok("ps-remove gone")
                        self.until(lambda: not glob.glob(f"/sys/fs/cgroup/*/stave/{group}"), "the cgroup stays")
        self.ok("ps-remove -f first")
        place.wait_until_quiet()
        self.assertEqual(place.leftovers(), [])

    # Who reads state.json cannot tell that it runs; who watches it knows.
    def test_a_damaged_state_hides_nothing(self):
        for number, damage in enumerate((b"", b"{", b"[" * 100, os.urandom(200), b'{"status":7}', None)):
            with self.subTest(damage=damage):
                name, mark = f"hurt{number}", f"30000.{number}"
                identity = self.detach(name, f"echo up; exec sleep {mark}")
                self.wait_log(name, "up")
                path = place.path("run", "containers", identity, "state.json")
                pid = self.record(name)["pid"]
                os.unlink(path)
                if damage is None:
                    os.mkdir(path)
                else:
                    with open(path, "wb") as out:
                        out.write(damage)
                self.assertIn(name, self.ok("ps-lister"))
                self.assertEqual(place.run(f"ps-remove {name}").returncode, 1)
                if number % 2:
                    self.ok(f"ps-signal --stop -t 0 {name}")
                    self.until(lambda: not os.path.exists(f"/proc/{pid}"), "it still runs")
                self.ok(f"ps-remove -f {name}")
                self.assertFalse(os.path.exists(f"/proc/{pid}"))
                self.until(lambda: not self.monitors(), "its monitor stays")
        place.wait_until_quiet()
        self.assertEqual(place.leftovers(), [])

    # It waits out its time for who watches, and says so.
    def test_a_monitor_that_does_nothing_ends_no_wait(self):
        self.detach("still", "sleep 1000")
        monitor = self.monitor_of("still")
        os.kill(monitor, signal.SIGSTOP)
        os.kill(self.record("still")["pid"], signal.SIGKILL)
        self.fails("ps-remove -f still", "has not ended, or who watches it has not written that down [E_TIMEOUT]")
        os.kill(monitor, signal.SIGCONT)
        self.ok("ps-remove -f still")
        self.until(lambda: not self.monitors(), "its monitor stays")

    # The monitor executes itself anew for each restart: who asks at that moment asks again.
    def test_a_kill_meets_a_restart(self):
        for number in range(24):
            self.detach("again", "exit 1", "--restart", "always")
            self.until(lambda: (self.record("again") or {}).get("restarts", 0) >= number % 3, "is not restarted")
            done = place.run("ps-signal again")
            one = self.record("again")
            if done.returncode != 0:  # it had ended, and was not yet started again: not for long
                self.assertIn("[E_NOT_RUNNING]", done.stderr)
                self.fail(f"{done.stderr} {one['state']}")
            self.wait_exit("again", one["exitCode"])
            self.ok("ps-remove -f again")

    def monitor_of(self, name):
        told = f"id={self.record(name)['id']}".encode()
        for pid in self.monitors():
            with open(f"/proc/{pid}/cmdline", "rb") as words:
                if told in words.read().split(b"\0"):
                    return pid
        return self.fail(f"{name} has no monitor")

    # Who is among the first one's processes may not get hold of a program that can be written to.
    def test_nobody_sees_a_program_that_can_be_written_to(self):
        def sealed(pid):
            return bool(os.statvfs(f"/proc/{pid}/exe").f_flag & os.ST_RDONLY)

        self.detach("first", "echo up; exec sleep 1000")
        self.wait_log("first", "up")
        self.detach("alone", "sleep 1000")
        self.detach("second", "sleep 1000 & until test -e /go; do sleep 0.1; done; rm /go", "--pid", "container:first", "--health-cmd", "true", "--health-interval", "100ms", "--restart", "always")
        self.assertEqual([sealed(self.monitor_of(name)) for name in ("alone", "second")], [False, True])
        self.until(lambda: self.record("second")["health"] == "healthy", "its check does not run")
        self.ok("ns-exec second touch /go")
        self.until(lambda: self.record("second")["state"] == "running" and self.record("second")["restarts"] == 1, "is not restarted")
        self.assertTrue(sealed(self.monitor_of("second")))

        # What has been read once cannot be read again: the document, files of variables.
        document = json.loads(self.ok("ns-run --print --config i.json --pid container:first"))
        del document["linux"]["cgroupsPath"]  # the parent of those that follow, and it would stay
        with open(place.path("shared.json"), "w", encoding="utf-8") as out:
            json.dump(document, out)
        payload = "--env-file <(echo WHO=me) -- sh -c 'echo $WHO; cat; cat /proc/1/comm; sleep 1000'"
        for command in (f"ns-run --config i.json -i --pid container:first {payload} <<< typed",
                        f"cat i.json | ns-run --stdin-fd 3 --pid container:first {payload} 3<<< typed",
                        f"ns-run --config shared.json -i {payload} <<< typed",
                        f"cat shared.json | ns-run --stdin-fd 3 {payload} 3<<< typed"):
            with self.subTest(command):
                run = place.start(["bash", "-c", command.replace("ns-run", "ns-run --rm --name seen")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual([run.stdout.readline() for _ in range(3)], ["me\n", "typed\n", "sleep\n"])
                pid = self.until(lambda: (self.record("seen") or {}).get("pid"), "has no first process")
                with open(f"/proc/{pid}/status", encoding="utf-8") as status:
                    self.assertTrue(sealed(re.search(r"PPid:\s*(\d+)", status.read())[1]))
                self.ok("ps-signal -s KILL seen")
                self.assertEqual(run.wait(20), 137)

    def test_the_machines_own(self):
        looks = {"--uts host": ("hostname; cat /etc/hostname; readlink /proc/self/ns/uts", f"{os.uname().nodename}\n{os.uname().nodename}\n{os.readlink('/proc/self/ns/uts')}\n"),
                 "--cgroupns host": ("readlink /proc/self/ns/cgroup", os.readlink("/proc/self/ns/cgroup") + "\n"),
                 "--config user.json --userns host": ("readlink /proc/self/ns/user; id -u", os.readlink("/proc/self/ns/user") + "\n0\n"),
                 "--uts private --cgroupns private --pid private --ipc shareable": ("readlink /proc/self/ns/uts | grep -c " + os.readlink("/proc/self/ns/uts")[5:-1] + "; true", "0\n")}
        for options, (words, out) in looks.items():
            config = "" if "config" in options else "--config i.json"
            self.assertEqual(self.ok(f"ns-run --rm {config} {options} -- sh -c '{words}'"), out)
        self.fails("ns-run --config i.json --uts host -h box -- true", "--hostname: with --uts host it is the machine's [E_USAGE]", 125)

    def test_logs_as_asked_for(self):
        none = self.detach("none", "echo out", "--log-driver", "none")
        self.detach("small", "busybox seq 1 20000", "--log-opt", "max-size=64k", "--log-opt", "max-file=2")
        self.wait_exit("none", 0)
        one = self.wait_exit("small", 0)
        self.assertEqual(glob.glob(place.path("state/containers", none, "log/*")), [])
        self.fails("log-read none", "none")
        files = {os.path.basename(path): os.path.getsize(path) for path in glob.glob(place.path("state/containers", one["id"], "log/*"))}
        self.assertEqual(sorted(files), ["json.log", "json.log.1"])
        self.assertLessEqual(max(files.values()), 65536)
        last = [int(line) for line in self.ok("log-read small").split()]
        self.assertEqual(last, list(range(last[0], 20001)))

    def test_an_oom_is_told(self):
        self.ok("cgroup-limit --memory 16M < i.json > small.json")
        whole = self.detach("eats", ["tail", "/dev/zero"], config="small.json")
        one = self.wait_exit("eats", 137)
        self.assertEqual((one["exitCode"], one["oom"], self.exit_file(whole)["oom"], self.exit_file(whole)["signal"]), (137, True, True, 9))
        self.assertEqual(actions(whole), ["create", "start", "oom", "die"])

    def test_a_killed_payload(self):
        self.detach("killed", "sleep 1000")
        os.kill(self.record("killed")["pid"], signal.SIGKILL)
        self.wait_exit("killed", 137)


class StartTest(MonitorCase):
    def test_create_and_start(self):
        whole = self.ok("ns-run --create --config i.json --name one -- sh -c 'echo run $HOSTNAME; cat /etc/hosts > /kept; cat /kept | grep -c localhost; exit 4'").strip()
        self.assertEqual((self.record("one")["state"], self.record("one")["exitCode"], self.monitors()), ("created", None, []))
        self.assertEqual(self.ok("ns-run --start one"), "one\n")
        self.wait_exit("one", 4)
        done = place.run("ns-run --start -a one")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (4, f"run {whole[:12]}\n2\n", ""))
        self.assertEqual(self.ok("log-read one | grep -c run"), "2\n")
        self.assertEqual(self.ok(f"ns-run --start {whole[:5]}; ps-wait one"), f"{whole[:5]}\n4\n")
        self.assertEqual([a for a in actions(whole) if a in ("create", "start", "die")], ["create"] + 3 * ["start", "die"])

    def test_start_of_what_runs_and_of_what_is_not_there(self):
        self.detach("runs", KIND)
        pid = self.record("runs")["pid"]
        self.ok("ns-run --create --config i.json --name new -- sleep 1000")
        done = self.fails("ns-run --start nobody runs new other", "ns-run: No such container: nobody [E_NO_CONTAINER]\n")
        self.assertEqual(done.stdout, "runs\nnew\n")
        self.assertIn("No such container: other", done.stderr)
        self.assertEqual((self.record("runs")["pid"], self.record("new")["state"]), (pid, "running"))
        self.fails("ns-run --start -a nobody", "No such container: nobody", 1)

    def test_a_start_that_fails_keeps_what_was_there(self):
        self.ok("ns-run --create --config i.json --name bad -- nope")
        self.fails("ns-run --start bad", 'exec "nope": executable file not found in $PATH [E_NOT_FOUND]')
        self.fails("ns-run --start -a bad", "[E_NOT_FOUND]", 1)
        self.assertEqual(self.record("bad")["state"], "created")
        whole = self.detach("once", "rm /bin/sh /bin/busybox; exit 9")
        self.wait_exit("once", 9)
        self.fails("ns-run --start once", "[E_NOT_FOUND]")
        self.assertEqual((self.record("once")["state"], self.record("once")["exitCode"], self.exit_file(whole)["code"]), ("exited", 127, 127))

    def test_start_a_of_what_runs_joins_it(self):
        self.detach("runs", "read line; echo got $line; exit 6", "-i")
        done = place.run("echo x | ns-run --start -a -i runs")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (6, "got x\n", ""))

    # The end is told before the cgroup and the entry have gone.
    def test_stop_and_start_follow_each_other(self):
        self.detach("again", KIND)
        for _ in range(20):
            self.assertEqual(self.ok("ps-signal --stop -t 0 again; ns-run --start again"), "again\nagain\n")
        self.ok("ps-signal again; ps-wait again; ns-run --start again")

    def test_started_by_many_at_once(self):
        self.ok("ns-run --create --config i.json --name one -- sh -c 'echo run; sleep 1000'")
        self.ok("for n in $(seq 20); do ns-run --start one > out$n & done; wait")
        self.assertEqual(self.ok("sort out* | uniq -c").split(), ["20", "one"])
        self.wait_log("one", "run")
        self.assertEqual(self.ok("log-read one"), "run\n")
        self.assertEqual(len(self.monitors()), 1)


class RestartTest(MonitorCase):
    # Before the first restart is a wait, so the state can be seen.
    def test_on_failure(self):
        whole = self.detach("fails", "echo run; exit 5", "--restart", "on-failure:2")
        self.until(lambda: len([a for a in actions(whole) if a == "die"]) == 3, "it does not end")
        one = self.wait_exit("fails", 5)
        self.assertEqual((one["exitCode"], one["restarts"]), (5, 2))
        self.assertEqual(self.ok("log-read fails"), 3 * "run\n")
        self.assertEqual([a for a in actions(whole) if a != "create"], ["start", "die", "restart", "start", "die", "restart", "start", "die"])
        dies = [one["time"] for one in events() if one["id"] == whole and one["action"] in ("die", "restart")]
        print("on-failure:2 died and was restarted at", " ".join(time[17:23] for time in dies))
        self.detach("well", "exit 0", "--restart", "on-failure:2")
        self.assertEqual(self.wait_exit("well", 0)["restarts"], 0)

    def test_a_later_run_is_as_the_first(self):
        self.detach("looks", "ls /proc/self/fd; grep -E 'Sig(Blk|Ign|Cgt)|Groups|Cap' /proc/self/status; cat /proc/self/oom_score_adj; [ ! -e /once ] || exit 0; touch /once; exit 1", "--restart", "on-failure")
        self.until(lambda: self.record("looks")["exitCode"] == 0, "it does not end")
        lines = self.ok("log-read looks").splitlines()
        self.assertEqual(lines[:len(lines) // 2], lines[len(lines) // 2:])

    def test_the_monitor_is_the_same_and_keeps_no_more(self):
        self.detach("again", "exit 1", "--restart", "always")
        self.until(lambda: self.record("again")["restarts"] == 2, "it is not restarted")
        pid = self.monitor()

        def waiting():
            return self.record("again")["state"] == "restarting" and len(os.listdir(f"/proc/{pid}/fd"))
        few = self.until(waiting, "it is not restarting")
        self.until(lambda: self.record("again")["restarts"] >= 5, "it is not restarted")
        self.assertLessEqual(self.until(waiting, "it is not restarting"), few)
        self.assertEqual(self.monitor(), pid)

    def test_what_is_seen_while_it_waits(self):
        self.detach("waits", "exit 6", "--restart", "always")
        one = self.until(lambda: (one := self.record("waits"))["restarts"] >= 4 and one["state"] == "restarting" and one, "it is not restarting")
        self.assertEqual((one["exitCode"], one["pid"]), (6, None))
        self.assertRegex(one["status"], r"^Restarting \(6\) ")
        self.fails("tty-attach waits", "You cannot attach to a restarting container, wait until it is running [E_STATE]")
        self.fails("ns-exec waits true", "is restarting, wait until the container is running [E_STATE]")
        self.assertNotEqual(place.run("ps-remove waits").returncode, 0)
        self.ok("ps-signal --stop waits")
        self.assertEqual((self.record("waits")["state"], self.record("waits")["exitCode"]), ("exited", 6))
        self.assertTrue(self.exit_file(one["id"])["requested"])

    def test_a_stop_is_the_end(self):
        for policy in ("always", "unless-stopped", "on-failure"):
            whole = self.detach("policy", KIND, "--restart", policy)
            self.wait_log("policy", "up")
            self.ok("ps-signal --stop policy")
            self.assertEqual((self.record("policy")["state"], self.exit_file(whole)["code"], self.exit_file(whole).get("requested")), ("exited", 3, True))
            self.ok("ns-run --start policy")
            self.wait_state("policy", "running")
            self.ok("ps-signal policy; ps-wait policy")  # SIGKILL
            self.assertEqual((self.record("policy")["state"], self.exit_file(whole)["code"]), ("exited", 137))
            self.ok("ps-remove policy")

    def test_a_signal_of_somebody_else_is_none(self):
        self.detach("killed", KIND, "--restart", "always")
        first = self.record("killed")["pid"]
        os.kill(first, signal.SIGKILL)
        self.until(lambda: (one := self.record("killed"))["state"] == "running" and one["pid"] not in (first, None), "it is not restarted")
        self.assertEqual(self.record("killed")["restarts"], 1)
        self.ok("ps-remove -f killed")

    # As when the machine goes down: the payload gets its time, and the policy holds for the next start.
    def test_a_monitor_is_told_to_end(self):
        for policy in ("always", "unless-stopped"):
            whole = self.detach("down", KIND, "--restart", policy)
            self.wait_log("down", "up")
            os.kill(self.monitor(), signal.SIGTERM)
            self.wait_exit("down", 3)
            self.assertFalse(self.exit_file(whole).get("requested", False))
            self.until(lambda: not self.monitors(), "the monitor is left")
            self.ok("ns-run --start down")
            os.kill(self.record("down")["pid"], signal.SIGKILL)
            self.until(lambda: self.record("down")["restarts"] == 1, "it is not restarted")
            self.ok("ps-remove -f down")

    def test_a_stubborn_payload_of_a_monitor_that_is_told_to_end(self):
        self.detach("down", "trap '' TERM; echo up; while :; do sleep 1000; done", "--stop-timeout", "0")
        self.wait_log("down", "up")
        os.kill(self.monitor(), signal.SIGTERM)
        self.wait_exit("down", 137)


class StreamTest(MonitorCase):
    def test_the_end_of_the_input_arrives(self):
        for way in ("", "--rm "):
            done = place.run(f"echo x | ns-run --attachable {way}-i --config i.json -- sh -c 'cat; echo end >&2; exit 6'")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (6, "x\n", "end\n"))
        self.assertEqual(self.ok("echo x | ns-run --attachable --rm --config i.json -- cat"), "")
        self.assertEqual(self.ok("ns-run --attachable -i --rm --config i.json -- cat < /dev/null"), "")

    def test_much_both_ways(self):
        begin = time.monotonic()
        self.assertEqual(self.ok("head -c 100M /dev/urandom > big; ns-run --attachable -i --rm --log-driver none --config i.json -- cat < big | cmp - big && echo same"), "same\n")
        print(f"100 MB through a container, both ways: {time.monotonic() - begin:.1f} s")

    def test_the_end_of_the_output_is_there(self):
        for _ in range(20):
            self.assertEqual(self.ok("ns-run --attachable --rm --config i.json -- busybox seq 1 5000").split()[-1], "5000")

    def attach(self, name, *options):
        return place.start(["tty-attach", *options, name], stdin=-1, stdout=-1, stderr=-1)

    def attached(self, whole, count):
        self.until(lambda: actions(whole).count("attach") == count, f"{count} are not attached")

    def test_several_at_once(self):
        for count in (2, 5):
            whole = self.detach("shared", "while read line; do echo got $line; echo err >&2; [ $line = end ] && exit 13; done", "-i")
            clients = [self.attach("shared") for _ in range(count)]
            self.attached(whole, count)
            for number, client in enumerate(clients):
                client.stdin.write(f"from{number}\n")
                client.stdin.flush()
                for other in clients:
                    self.assertEqual(other.stdout.readline(), f"got from{number}\n")
                    self.assertEqual(other.stderr.readline(), "err\n")
            clients[0].stdin.close()  # which is not the end of the others' input, nor the payload's
            clients[0].stdin = None
            clients[-1].stdin.write("end\n")
            clients[-1].stdin.flush()
            for client in clients:
                self.assertEqual((client.communicate()[0], client.returncode), ("got end\n", 13))
            self.ok("ps-remove shared")

    # It is sent away; the payload goes on to its end, and the other client sees all of it.
    def test_one_that_does_not_read_keeps_nobody_waiting(self):
        whole = self.detach("writes", "read go; yes $(printf %01000d 0) | head -c 8388608; exit 4", "-i")
        slow, reader = self.attach("writes"), self.attach("writes", "--no-stdin")
        self.attached(whole, 2)
        slow.stdin.write("go\n")
        slow.stdin.flush()
        self.assertEqual((len(reader.communicate()[0]), reader.returncode), (8 * MIB, 4))
        self.wait_exit("writes", 4)
        self.assertEqual(len(self.ok("log-read writes")), 8 * MIB)
        said, why = slow.communicate()
        self.assertLess(len(said), 8 * MIB)
        self.assertEqual(slow.returncode, 1)
        self.assertIn("[E_SLOW]", why)

    # Who does not read at the end keeps the next run waiting as little.
    def test_one_that_does_not_read_keeps_no_restart_waiting(self):
        whole = self.detach("again", "read go; yes $(printf %01000d 0) | head -c 1048576; exit 4", "-i", "--restart", "always")
        slow = self.attach("again")
        self.attached(whole, 1)
        slow.stdin.write("go\n")
        slow.stdin.flush()
        self.until(lambda: self.record("again")["restarts"] == 1 and self.record("again")["state"] == "running", "it is not restarted")
        slow.communicate()
        self.assertEqual(slow.returncode, 1)

    def test_one_that_holds_keeps_the_payload_waiting(self):
        holder = place.start(["ns-run", "--attachable", "--config", "i.json", "--name", "held", "--", "sh", "-c", "yes $(printf %01000d 0) | head -c 8388608; exit 4"], stdout=-1)
        self.wait_state("held", "running")
        self.detach("free", "yes $(printf %01000d 0) | head -c 8388608; exit 4")
        self.wait_exit("free", 4)
        self.assertEqual(self.record("held")["state"], "running")
        said, _ = holder.communicate()
        self.assertEqual((len(said), holder.returncode), (8 * MIB, 4))

    def test_one_that_is_killed(self):
        for way in ([], ["-i"]):
            client = place.start(["ns-run", "--attachable", *way, "--config", "i.json", "--name", "left", "--", "sh", "-c", KIND], stdin=-1, stdout=-1)
            self.assertEqual(client.stdout.readline(), "up\n")
            client.kill()
            client.wait()
            other = self.attach("left")
            self.until(lambda: actions(self.record("left")["id"]).count("attach") == 2, "the other is not attached")
            self.ok("ps-signal --stop left")
            self.assertEqual((other.communicate()[1], other.returncode), ("", 3))
            self.ok("ps-remove left")

    def test_signals_of_a_client_are_the_payloads(self):
        client = place.start(["ns-run", "--attachable", "--config", "i.json", "--name", "told", "--", "sh", "-c", "trap 'echo int; exit 8' INT; " + KIND], stdout=-1)
        self.assertEqual(client.stdout.readline(), "up\n")
        client.send_signal(signal.SIGINT)
        self.assertEqual((client.communicate()[0], client.returncode), ("int\n", 8))
        self.ok("ps-remove told")
        client = place.start(["ns-run", "--attachable", "--sig-proxy", "false", "--config", "i.json", "--name", "told", "--", "sh", "-c", KIND], stdout=-1)
        self.assertEqual(client.stdout.readline(), "up\n")
        client.send_signal(signal.SIGINT)
        client.communicate()
        self.assertEqual((client.returncode, self.record("told")["state"]), (-signal.SIGINT, "running"))
        watcher = self.attach("told")
        self.attached(self.record("told")["id"], 2)
        watcher.send_signal(signal.SIGTERM)
        self.assertEqual((watcher.communicate()[0], watcher.returncode), ("", 3))

    def test_what_is_no_message_harms_nobody(self):
        whole = self.detach("listens", KIND)
        self.wait_log("listens", "up")
        folder = os.open(place.path("run/containers", whole), os.O_PATH)
        self.addCleanup(os.close, folder)
        path = f"/proc/self/fd/{folder}/attach.sock"  # an address has 108 bytes
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o600)
        idle = []
        for data in (b"", b"\xff" * 100, b"x" * 16384, b"\x08\x09", b"\x08\x01"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
                one.connect(path)
                one.send(data)
                one.settimeout(20)
                one.recv(4096)
        for _ in range(100):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            one.connect(path)
            idle.append(one)
        self.assertEqual(self.ok("ps-signal --stop listens; ps-wait listens"), "listens\n3\n")
        for one in idle:
            one.close()


class DeathTest(MonitorCase):
    # Row 35 of the threats: a container that shares the host's network sees no socket without a path, and
    # of one with a path only that it is there. Row 22: a log of another is out of reach.
    def test_the_socket_is_roots_and_has_a_path(self):
        whole = self.detach("listens", "grep -e attach -e @ /proc/net/unix; exec sleep 1000", "--network", "host")
        self.detach("other", "grep -e attach -e @ /proc/net/unix; exec sleep 1000", "--network", "host")
        path = place.path("run/containers", whole, "attach.sock")
        with open("/proc/net/unix", encoding="utf-8") as sockets:
            listed = [line.split()[-1] for line in sockets if "attach.sock" in line or " @stave" in line]
        self.assertFalse([one for one in listed if one.startswith("@")])
        self.assertFalse([line for line in self.ok("log-read listens; log-read other").splitlines() if "@stave" in line])
        for folder in ("run", "run/containers", f"run/containers/{whole}", f"state/containers/{whole}", f"state/containers/{whole}/log"):
            self.assertEqual(os.stat(place.path(folder)).st_mode & 0o077, 0, folder)
        self.fails(["setpriv", "--reuid=65534", "--clear-groups", "stat", path], "Permission denied")

    def test_a_monitor_has_nothing_of_its_callers(self):
        with open(place.path("held"), "w", encoding="utf-8") as held:
            number = os.dup2(held.fileno(), 77)
            done = place.run("cd /usr; exec 9< /etc/passwd; ns-run -d --config $OLDPWD/i.json --name quiet -- sleep 1000 | cat", pass_fds=[number])
            os.close(number)
        self.assertEqual(done.returncode, 0)
        pid = self.monitor()
        targets = {os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd")}
        whole = self.record("quiet")["id"]
        strange = [target for target in targets if not (target in ("/dev/null", place.path("state"), place.path("run")) or target.startswith(("pipe:", "socket:", "anon_inode:")) or whole in target)]
        self.assertEqual(strange, [])
        self.assertLess(len(os.listdir(f"/proc/{pid}/fd")), 20)
        self.assertEqual((os.readlink(f"/proc/{pid}/cwd"), os.getsid(pid), os.getpgid(pid)), ("/", pid, pid))
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            self.assertEqual({line.strip().split(":", 2)[2] for line in file}, {"/stave/monitors"})
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            self.assertEqual(file.read(), "stave-monitor\n")

    def test_a_caller_with_odd_signals(self):
        def change():
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR1])
        program = place.env["PATH"].split(":")[0] + "/ns-run"
        for name, script in (("ends", "grep -E 'Sig(Blk|Ign)' /proc/self/status; exit 7"), ("stays", KIND)):
            done = place.run([program, "-d", "--name", name, "--config", "i.json", "--", "sh", "-c", script], preexec_fn=change)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.wait_exit("ends", 7)
        blocked, ignored = (int(word, 16) for word in self.ok("log-read ends").split()[1::2])
        self.assertEqual((blocked, ignored & 0x7fffffff), (0, 0))  # 32 and 33 are the C library's
        self.wait_log("stays", "up")
        self.until(lambda: len(self.monitors()) == 1, "a monitor is left")
        os.kill(self.monitor(), signal.SIGTERM)
        self.wait_exit("stays", 3)

    # The budget of idle ones; a second after the last output they give back what they can.
    def test_memory_of_twenty(self):
        for n in range(20):
            self.detach(f"idle{n}", "sleep 1000")

        def most():
            found = []
            for pid in self.monitors():
                with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
                    found.append(next(int(line.split()[1]) for line in file if line.startswith("Pss:")))
            return max(found)
        print(f"PSS of a monitor, of 20: {self.until(lambda: (size := most()) <= 400 and size, 'more than 400 KiB')} KiB")

    def test_the_end_of_the_callers_cgroup_is_not_its_own(self):
        self.ok("cgroup-limit --pids-limit 50 -- sh -c 'ns-run -d --config i.json --name outlives -- sleep 1000 > /dev/null'")
        self.assertEqual(self.record("outlives")["state"], "running")
        self.assertEqual(len(self.monitors()), 1)

    def test_a_monitor_that_is_killed(self):
        whole = self.detach("orphan", KIND)
        self.wait_log("orphan", "up")
        pid = self.record("orphan")["pid"]
        os.kill(self.monitor(), signal.SIGKILL)
        self.until(lambda: not self.monitors(), "it lives")
        self.assertEqual((self.record("orphan")["state"], self.record("orphan")["pid"]), ("running", pid))
        self.ok("ns-run --rm --config i.json -- true")  # which sweeps
        self.assertEqual(self.record("orphan")["state"], "running")
        self.assertEqual(self.ok("ns-exec orphan echo x"), "x\n")
        self.fails("tty-attach orphan", "nobody holds its streams")
        self.assertNotEqual(place.run("ps-remove orphan").returncode, 0)
        self.ok("ps-signal --stop orphan")
        self.assertEqual((self.record("orphan")["state"], self.exit_file(whole)["code"]), ("exited", None))
        self.assertRegex(self.record("orphan")["status"], r"^Exited \(unknown\)")
        self.ok("ns-run --start orphan")
        self.wait_state("orphan", "running")
        os.kill(self.monitor(), signal.SIGKILL)
        os.kill(self.record("orphan")["pid"], signal.SIGKILL)
        self.assertEqual(self.wait_state("orphan", "exited")["exitCode"], None)
        self.ok("ns-run --start orphan")
        os.kill(self.monitor(), signal.SIGKILL)
        self.assertEqual(self.ok("ps-remove -f orphan"), "orphan\n")
        self.assertEqual(self.ok("ps-lister -aq"), "")

    def test_a_monitor_of_a_container_that_is_not_kept_is_killed(self):
        self.detach("orphan", KIND, "--rm")
        pid = self.record("orphan")["pid"]
        os.kill(self.monitor(), signal.SIGKILL)
        self.assertEqual(self.record("orphan")["state"], "running")
        os.kill(pid, signal.SIGKILL)
        self.until(lambda: not alive(pid), "it lives")
        self.ok("ns-run --rm --config i.json -- true")
        place.wait_until_quiet()
        self.until(lambda: not place.leftovers(), "it is left")

    def test_a_monitor_that_is_killed_while_it_waits(self):
        self.detach("waits", "exit 6", "--restart", "always")
        self.until(lambda: self.record("waits")["restarts"] >= 4 and self.record("waits")["state"] == "restarting", "it is not restarting")
        os.kill(self.monitor(), signal.SIGKILL)
        self.until(lambda: not self.monitors(), "it lives")
        self.wait_state("waits", "exited")
        self.ok("ns-run --start waits")
        self.ok("ps-remove -f waits")

    @staticmethod
    def removed(path):
        try:
            os.rmdir(path)
        except OSError as error:
            return error.errno == errno.ENOENT
        return True

    def cgroups_of(self, whole):
        return [path for path in glob.glob(f"/sys/fs/cgroup/*/stave/{whole}/") + glob.glob(f"/sys/fs/cgroup/stave/{whole}/")]

    # As after a power cut: no process, no cgroup, no RUN.
    def test_after_the_machine_went_down(self):
        ids = [self.detach(f"m{n}", "echo up; cat /etc/hosts /etc/hostname /etc/resolv.conf > /seen; exec sleep 1000", "--restart", "always") for n in range(MANY)]
        self.ok("ns-run --create --name never --config i.json -- true")
        self.detach("before", "exit 8")
        self.wait_exit("before", 8)
        for n in range(MANY):
            self.wait_log(f"m{n}", "up")
        pids = [self.record(f"m{n}")["pid"] for n in range(MANY)]
        for pid in self.monitors() + pids:
            os.kill(pid, signal.SIGKILL)
        self.until(lambda: not any(map(alive, pids)) and not self.monitors(), "they live")
        for whole in ids:
            for path in self.cgroups_of(whole):
                self.until(lambda: self.removed(path), "the cgroup is busy")
        shutil.rmtree(place.path("run"))
        states = {one["name"]: (one["state"], one["exitCode"]) for one in map(json.loads, self.ok("ps-lister -a --json").splitlines())}
        self.assertEqual(states, {**{f"m{n}": ("exited", None) for n in range(MANY)}, "never": ("created", None), "before": ("exited", 8)})
        self.assertEqual(self.ok("ps-lister -q"), "")
        self.assertEqual(sorted(self.ok("ns-run --start --boot").split()), sorted(f"m{n}" for n in range(MANY)))
        self.assertEqual(self.ok("ns-run --start --boot"), "")
        for n in range(MANY):
            self.until(lambda: self.ok(f"log-read m{n}") == "up\nup\n", "it does not write")
            self.assertIn(f"{ids[n][:12]}\n", self.ok(f"ns-exec m{n} cat /etc/hosts"))

    # Where only RUN is lost, the run that nobody knows of any more ends before the next one begins.
    def test_a_run_that_was_forgotten(self):
        self.detach("forgot", "echo up; exec sleep 1000")
        self.wait_log("forgot", "up")
        pid = self.record("forgot")["pid"]
        os.kill(self.monitor(), signal.SIGKILL)
        shutil.rmtree(place.path("run"))
        self.assertTrue(alive(pid))
        self.assertEqual(self.ok("ns-run --start forgot"), "forgot\n")
        self.until(lambda: not alive(pid), "it lives")
        self.assertNotEqual(self.record("forgot")["pid"], pid)

    # Who a user has stopped stays so, and who failed is tried again.
    def test_who_comes_with_the_machine(self):
        for name, policy, script in (("stopped", "unless-stopped", KIND), ("always", "always", KIND), ("failed", "on-failure:1", "exit 3"), ("well", "on-failure", "exit 0")):
            self.detach(name, script, "--restart", policy)
        self.ok("ps-signal --stop -t 5 stopped always")
        self.wait_exit("failed", 3)
        self.wait_exit("well", 0)
        self.assertEqual(sorted(self.ok("ns-run --start --boot").split()), ["always", "failed"])

    # What names another boot is nobody who lives, whatever its pid.
    def test_of_another_boot(self):
        whole = self.detach("old", KIND)
        self.wait_log("old", "up")
        pid = self.record("old")["pid"]
        os.kill(self.monitor(), signal.SIGKILL)
        path = place.path("run/containers", whole, "state.json")
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        for who in ("init", "runner"):
            state[who]["boot"] = "00000000-0000-4000-8000-000000000000"
        with open(path, "w", encoding="utf-8") as file:
            json.dump(state, file)
        one = self.record("old")
        self.assertEqual((one["state"], one["exitCode"], one["pid"]), ("exited", None, None))
        self.assertTrue(alive(pid))
        self.ok("ps-remove -f old")


if __name__ == "__main__":
    cases.main()

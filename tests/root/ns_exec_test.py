#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ns-exec: exit codes, who it runs as, environment, streams, a terminal, detaching, what becomes of it when
others end. Needs root."""

import hashlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place
from terminal import Terminal

PROMPT = "^/ # "
PASSWD = b"root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n1000:x:0:0::/:/bin/sh\n"
GROUP = b"root:x:0:\nuser:x:1000:\nextra:x:2000:user\n"

place = None


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    image = place.layout("shell", [Place.busybox([("etc/plain", "f", b"x\n", 0o644), ("etc/passwd", "f", PASSWD, 0o644), ("etc/group", "f", GROUP, 0o644)])])
    done = place.run(f"set -o pipefail; image-fetch -q {image} | layer-mount > t.json")
    assert done.returncode == 0, done.stderr


def tearDownModule():
    if place:
        place.close()


def shown(name):
    done = place.run(["ps-lister", "-a", "--json"])
    return next((one for one in map(json.loads, done.stdout.splitlines()) if one["name"] == name), None)


# Lines as they come, and the end.
class Lines:
    def __init__(self, fd):
        self.fd, self.text = fd, b""

    def next(self, seconds=30):
        while b"\n" not in self.text:
            if not select.select([self.fd], [], [], seconds)[0]:
                raise AssertionError(f"no line: {self.text!r}")
            more = os.read(self.fd, 65536)
            if not more:
                raise AssertionError(f"no line, but the end: {self.text!r}")
            self.text += more
        line, _, self.text = self.text.partition(b"\n")
        return line.decode()


class ExecTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(place.check_nothing_is_left, self)

    # A container that prints "up" and goes on until it is removed.
    def container(self, name="c1", options=(), config="t.json", args=("sh", "-c", "echo up; exec sleep 100000")):
        source = ["--config", config] if isinstance(config, str) else config
        watcher = place.start(["ns-run", *source, "--name", name, *options, "--", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(self.remove, name, watcher)
        self.assertEqual(watcher.stdout.readline(), "up\n")
        while (one := shown(name))["state"] != "running":
            pass
        return one

    def remove(self, name, watcher):
        place.run(["ps-remove", "-f", name])
        watcher.wait(20)
        watcher.stdout.close()
        place.started.remove(watcher)

    def run_in(self, *words, code=0, **kwargs):
        done = place.run(["ns-exec", *words], **kwargs)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def refused(self, *words, code=1, text=".", **kwargs):
        done = place.run(["ns-exec", *words], **kwargs)
        self.assertEqual((done.returncode, done.stdout), (code, ""), f"{words}: {done.stderr}")
        self.assertRegex(done.stderr, "^ns-exec: ")
        self.assertRegex(done.stderr, text)
        return done.stderr

    def terminal(self, command, **kwargs):
        made = Terminal(place, command, **kwargs)
        self.addCleanup(made.close)
        return made

    # The processes of the container that run `word`, as the host numbers them.
    def processes(self, one, word):
        found = []
        namespace = os.readlink(f"/proc/{one['pid']}/ns/pid")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                if word.encode() in words and os.readlink(f"/proc/{pid}/ns/pid") == namespace:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    # The one of them, when it is there.
    def process(self, one, word):
        while len(found := self.processes(one, word)) != 1:
            pass
        return found[0]

    def until_gone(self, pid):
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        self.assertTrue(select.select([fd], [], [], 20)[0], f"{pid} goes on")
        os.close(fd)

    # --- what it is told ---------------------------------------------------------------------------

    def test_exit_codes(self):
        self.container()
        for code, words in ((0, ["true"]), (1, ["false"]), (13, ["sh", "-c", "exit 13"]), (255, ["sh", "-c", "exit 255"]), (137, ["sh", "-c", "kill -9 $$"]),
                            (143, ["sh", "-c", "kill $$"]), (162, ["sh", "-c", "kill -34 $$"])):
            self.run_in("c1", *words, code=code)
        self.refused("c1", "nope", code=127, text="executable file not found in ")
        self.refused("c1", "/nope", code=127, text="no such file or directory")
        self.refused("c1", "/etc", code=126, text="permission denied")
        self.refused("c1", "/etc/plain", code=126, text="permission denied")
        self.assertIsNone(shown("c1")["exitCode"])

    def test_containers_have_names_ids_and_beginnings_of_ids(self):
        one = self.container("web-1")
        for name in ("web-1", one["id"], one["id"][:12], one["id"][:4]):
            self.assertEqual(self.run_in(name, "hostname"), one["id"][:12] + "\n")
        for name in ("nope", "web", "web-11", "f" * 64, "../web-1", ""):
            self.refused(name, "true", text="No such container: .*E_NO_CONTAINER")

    def test_one_that_has_ended_is_told(self):
        self.assertEqual(place.run("ns-run --config t.json --name done -- true").returncode, 0)
        place.wait_until_quiet()
        self.refused("done", "true", text="container [0-9a-f]{64} is not running .E_NOT_RUNNING")

    def test_wrong_usage_is_told_first(self):
        for words in ([], ["c1"], ["--nope", "c1", "true"], ["-u", "", "c1", "true"], ["-u", "a:b:c", "c1", "true"], ["-w", "tmp", "c1", "true"],
                      ["-e", "=x", "c1", "true"], ["-w", "/", "-w", "/tmp", "c1", "true"], ["--detach-keys", "ctrl-1", "c1", "true"], ["c1", ""]):
            self.refused(*words, code=2)
        self.refused("--env-file", place.path("missing"), "c1", "true", text="missing")

    def test_options_end_at_the_container(self):
        self.container()
        self.assertEqual(self.run_in("c1", "echo", "-t", "--", "-u", "x"), "-t -- -u x\n")

    # --- what the process is -----------------------------------------------------------------------

    def test_it_is_the_containers_process_with_changes(self):
        one = self.container(options=["-e", "A=container", "-w", "/var", "-u", "user"])
        self.assertEqual(self.run_in("c1", "sh", "-c", "pwd; echo $A $HOME $HOSTNAME $(id -u) $(id -G)"), f"/var\ncontainer /home/user {one['id'][:12]} 1000 1000 2000\n")
        spaces = "for n in ipc uts mnt pid net cgroup user; do readlink /proc/$0/ns/$n; done"
        self.assertEqual(self.run_in("-u", "0", "--privileged", "c1", "sh", "-c", spaces, "self"), self.run_in("-u", "0", "--privileged", "c1", "sh", "-c", spaces, "1"))

    def test_it_is_in_the_containers_cgroup(self):
        one = self.container()
        with open(f"/proc/{one['pid']}/cgroup", encoding="utf-8") as file:
            cgroups = file.read()
        self.run_in("-d", "c1", "sleep", "4711")
        pid = self.process(one, "4711")
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            self.assertEqual(file.read(), cgroups)

    def test_environment(self):
        self.container(options=["-e", "A=container", "-e", "GONE=x"])
        with open(place.path("vars"), "w", encoding="utf-8") as out:
            out.write("# a comment\n\nFILE=from file\nA=file\n  QUOTED=\"q\"\nCALLER\nMISSING\n")
        script = 'echo "$A|$FILE|$QUOTED|$CALLER|${MISSING-none}|${GONE-none}|$B"'
        place.env["CALLER"] = "called"
        self.addCleanup(place.env.pop, "CALLER")
        self.assertEqual(self.run_in("c1", "sh", "-c", script), "container||||none|x|\n")
        self.assertEqual(self.run_in("--env-file", "vars", "c1", "sh", "-c", script), 'file|from file|"q"|called|none|x|\n')
        self.assertEqual(self.run_in("-e", "A=mine", "--env-file", "vars", "-e", "B=x=y", "-e", "GONE", "c1", "sh", "-c", script),
                         'mine|from file|"q"|called|none|none|x=y\n')
        self.assertEqual(self.run_in("-e", "CALLER", "-e", "A=1", "-e", "A=2", "c1", "sh", "-c", script), "2|||called|none|x|\n")
        done = place.run("ns-exec --env-file <(echo PIPE=p) c1 sh -c 'echo $PIPE'")
        self.assertEqual(done.stdout, "p\n", done.stderr)
        with open(place.path("vars"), "w", encoding="utf-8") as out:
            out.write("A=1\nB C=2\n")
        self.refused("--env-file", "vars", "c1", "true", code=2, text='vars: line 2: "B C": ')

    # A PATH that is changed is the one that the command is looked for in.
    def test_the_command_is_looked_for_in_its_own_path(self):
        self.container()
        self.refused("-e", "PATH=/etc", "c1", "true", code=127)
        self.assertEqual(self.run_in("-e", "PATH=/etc:/bin", "-w", "/etc", "c1", "pwd"), "/etc\n")

    def test_workdir(self):
        self.container(options=["-w", "/var"])
        self.assertEqual(self.run_in("c1", "pwd"), "/var\n")
        self.assertEqual(self.run_in("-w", "/tmp", "c1", "pwd"), "/tmp\n")
        self.assertEqual(self.run_in("-w", "/bin/../etc/.", "c1", "pwd"), "/etc\n")
        self.refused("-w", "/nope", "c1", "pwd", text="/process/cwd.*nope")
        self.refused("-w", "/etc/plain", "c1", "pwd", text="/process/cwd")

    # Row 16: run and exec agree on who is meant.
    def test_users_are_those_of_run(self):
        self.container()
        script = "echo $(id -u) $(id -g) $(id -G) $HOME; grep ^Cap /proc/self/status"
        for user in ("0", "1", "1:1", ":1", "1:", "0:1", "01", "user", "user:extra", "user:0", "1000", "1000:1000", "root:user", "2147483648", "77:4294967294"):
            with self.subTest(user):
                ran = place.run(["ns-run", "--rm", "--config", "t.json", "-u", user, "--", "sh", "-c", script])
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.assertEqual(self.run_in("-u", user, "c1", "sh", "-c", script), ran.stdout)
        for user, code in (("a:b", 1), ("nobody-here", 1), ("user:nope", 1), ("-1", 2), ("4294967295", 2), ("4294967296", 2), ("0x1", 2), ("1e3", 2), ("+1", 2),
                           (" 1", 2), ("1:2:3", 2), (":", 2), ("１", 2)):
            with self.subTest(user):
                self.refused("-u", user, "c1", "id", code=code, text="user")

    def test_users_are_those_that_the_container_has_now(self):
        self.container(args=("sh", "-c", "echo late:x:4000:4001::/late:/bin/sh >> /etc/passwd; echo up; exec sleep 100000"))
        self.assertEqual(self.run_in("-u", "late", "c1", "sh", "-c", "echo $(id -u) $(id -g) $HOME"), "4000 4001 /late\n")

    def test_capabilities_and_privileged(self):
        self.container(options=["--cap-drop", "CHOWN"])
        status = ["sh", "-c", "grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/$0/status"]
        self.assertEqual(self.run_in("c1", *status, "self"), self.run_in("c1", *status, "1"))
        found = dict(line.split(":\t") for line in self.run_in("--privileged", "c1", *status, "self").splitlines())
        with open("/proc/self/status", encoding="utf-8") as file:
            mine = dict(line.rstrip("\n").split(":\t") for line in file if line.startswith("Cap"))
        self.assertEqual((found["CapEff"], found["CapBnd"], found["CapInh"], found["CapAmb"], found["Seccomp"]), (mine["CapEff"], mine["CapBnd"], "0" * 16, "0" * 16, "0"))
        found = dict(line.split(":\t") for line in self.run_in("--privileged", "-u", "user", "c1", *status, "self").splitlines())
        self.assertEqual((found["CapPrm"], found["CapEff"]), ("0" * 16, "0" * 16))

    def test_no_new_privileges_stay(self):
        self.container(options=["--security-opt", "no-new-privileges"])
        for options in ([], ["--privileged"]):
            self.assertEqual(self.run_in(*options, "c1", "grep", "NoNewPrivs", "/proc/self/status"), "NoNewPrivs:\t1\n")

    def test_a_user_namespace_and_one_without_a_record(self):
        with open(place.path("t.json"), encoding="utf-8") as file:
            document = json.load(file)
        document["linux"]["namespaces"].append({"type": "user"})
        document["linux"]["uidMappings"] = document["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        with open(place.path("user.json"), "w", encoding="utf-8") as file:
            json.dump(document, file)
        self.container("mapped", config="user.json")
        self.assertEqual(self.run_in("-u", "user", "mapped", "sh", "-c", "id -u; grep -c 100000 /proc/self/uid_map"), "1000\n1\n")
        self.assertEqual(self.run_in("-t", "-u", "user", "mapped", "sh", "-c", "test -w $(tty) && echo mine"), "mine\n")
        self.assertEqual(self.run_in("--privileged", "mapped", "sh", "-c", "mount -t tmpfs none /tmp && echo done"), "done\n")
        subprocess.run(["bash", "-ec", "rm -rf bare; mkdir bare; cp -a state/layers/*/fs/. bare"], env=place.env, cwd=place.dir, check=True)
        self.container("bare", config=["--rootfs", place.path("bare")])
        self.assertEqual(self.run_in("-u", "user", "bare", "id", "-u"), "1000\n")

    # --- streams -----------------------------------------------------------------------------------

    def test_streams_are_the_callers(self):
        self.container()
        self.assertEqual(self.run_in("c1", "cat", input="not read"), "")
        self.assertEqual(self.run_in("-i", "c1", "cat", input="read\n"), "read\n")
        done = place.run("ns-exec c1 sh -c 'echo out; echo err >&2' 2>err.txt >out.txt; cat err.txt out.txt")
        self.assertEqual(done.stdout, "err\nout\n")
        done = place.run("ns-exec -i c1 cat <&- ; ns-exec c1 sh -c 'echo x; true' >&- ; echo $?")
        self.assertRegex(done.stdout, "^[0-9]+\n$")

    def test_half_closed_input(self):
        self.container()
        process = place.start(["ns-exec", "-i", "c1", "sh", "-c", "cat; echo ended; exec sleep 1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        out, _ = process.communicate("some\n", timeout=60)
        self.assertEqual((out, process.returncode), ("some\nended\n", 0))

    def test_a_hundred_megabytes_both_ways(self):
        self.container()
        with open(place.path("big"), "wb") as out:
            block = os.urandom(1 << 20)
            for number in range(100):
                out.write(number.to_bytes(8, "little") + block[8:])
        with open(place.path("big"), "rb") as file:
            want = hashlib.file_digest(file, "sha256").hexdigest()
        done = place.run("cat big | ns-exec -i c1 cat | sha256sum; echo ${PIPESTATUS[@]}")
        self.assertEqual(done.stdout, f"{want}  -\n0 0 0\n", done.stderr)
        os.unlink(place.path("big"))

    def test_a_reader_that_goes_ends_it(self):
        self.container()
        done = place.run("ns-exec c1 yes | head -n 1; echo ${PIPESTATUS[@]}")
        self.assertEqual(done.stdout, "y\n141 0\n", done.stderr)

    # Row 86: what is written and not read is not kept.
    def test_a_slow_reader_costs_no_memory(self):
        self.container()
        for options in ("-t", ""):
            process = place.start(["bash", "-c", f"exec ns-exec {options} c1 yes"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            took = 0
            while took < 8 << 20:
                took += len(os.read(process.stdout.fileno(), 65536))
            before = self.memory(process.pid)
            for _ in range(1000):
                took += len(os.read(process.stdout.fileno(), 1000))
            self.assertLess(self.memory(process.pid) - before, 256)
            process.terminate()
            process.stdout.close()
            self.assertIn(process.wait(20), (129, 141, 143))
            place.started.remove(process)

    def memory(self, pid):
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+([0-9]+)", file.read()).group(1))

    # --- a terminal --------------------------------------------------------------------------------

    def shell(self, options="-it", args="sh", **kwargs):
        shell = self.terminal(f"exec ns-exec {options} c1 {args}", **kwargs)
        shell.wait_for(PROMPT)
        return shell

    def test_a_shell_on_a_terminal(self):
        self.container()
        shell = self.shell(rows=33, columns=121)
        self.assertNotEqual(shell.mode(), shell.before)
        shell.type("tty; echo $TERM $((6 * 7)); stty size\r")
        shell.wait_for("^/dev/pts/0\nxterm 42\n33 121\n")
        shell.type("sh -c 'echo go\"\"ing; exec cat'\r")
        shell.wait_for("^going\n")
        shell.type("up\r")
        shell.wait_for("^up\nup\n")
        shell.type("\x03")
        shell.wait_for(PROMPT)
        shell.type("echo was $?\r")
        shell.wait_for("^was 130\n")
        shell.type("exit 13\r")
        self.assertEqual(shell.end(), 13)
        self.assertEqual(shell.mode(), shell.before)
        self.assertEqual(shown("c1")["state"], "running")

    def test_a_new_window_size_is_told(self):
        self.container()
        payload = "trap \"stty size\" WINCH; echo up; while :; do sleep 1000 & wait; done"
        shell = self.terminal(f"exec ns-exec -it c1 sh -c '{payload}'")
        shell.wait_for("^up\n")
        for rows, columns in ((50, 132), (10, 20), (500, 999)):
            shell.resize(rows, columns)
            shell.wait_for(f"^{rows} {columns}\n")
        shell.type("\x03")
        self.assertEqual(shell.end(), 130)

    def test_a_window_that_is_closed_ends_what_was_in_it(self):
        one = self.container()
        shell = self.terminal("exec ns-exec -it c1 sh -c 'echo up; exec cat -'")
        shell.wait_for("^up\n")
        pid = self.process(one, "-")
        shell.hang_up()
        self.until_gone(pid)

    def test_no_terminal(self):
        self.container()
        self.refused("-it", "c1", "true", text="the input device is not a TTY")
        self.assertEqual(self.run_in("-t", "c1", "sh", "-c", "tty; exit 3", code=3), "/dev/pts/0\n")
        self.assertEqual(self.run_in("-t", "-u", "user", "c1", "sh", "-c", "test -w $(tty) && echo mine"), "mine\n")
        shell = self.terminal("ns-exec -i c1 sh -c 'test -t 0 || test -t 1 || test -t 2 || echo none; cat'")
        shell.type("line\r\x04")
        shell.wait_for("none\n")
        shell.wait_for("line\n")
        self.assertEqual(shell.end(), 0)

    def test_two_terminals_and_many_at_once(self):
        self.container()
        shells = [self.shell(), self.shell()]
        for number, shell in enumerate(shells):
            shell.type("tty\r")
            shell.wait_for(f"^/dev/pts/{number}\n")
        running = [(number, place.start(["ns-exec", "-e", f"X={number}", "c1", "sh", "-c", "echo $X; exit $X"], stdout=subprocess.PIPE)) for number in range(20)]
        for number, process in running:
            self.assertEqual((process.communicate(timeout=60)[0], process.returncode), (f"{number}\n", number))
            place.started.remove(process)
        for shell in shells:
            shell.type("exit\r")
            self.assertEqual(shell.end(), 0)

    # --- detaching ---------------------------------------------------------------------------------

    # A payload that counts into its terminal and into a file, slowly only where nobody reads.
    COUNT = "'echo up; n=0; while :; do n=$((n+1)); echo line $n; echo $n > /tmp/count; done'"

    def count(self):
        return int(self.run_in("c1", "cat", "/tmp/count") or 0)

    # What writes to a terminal that nobody reads stands still after 64 KiB: it must get much further.
    def goes_on(self, one, word="-c"):
        pid = self.process(one, word)
        before = self.count()
        while self.count() < before + 20000:
            pass
        return pid

    def test_detach_keys_leave_it_running(self):
        one = self.container()
        shell = self.terminal(f"exec ns-exec -it c1 sh -c {self.COUNT}")
        shell.wait_for("^line 100\n")
        shell.type("\x10\x11")
        self.assertEqual(shell.end(), 1)
        self.assertTrue(shell.seen.endswith("ns-exec: read escape sequence [E_DETACHED]\n"), shell.seen[-100:])
        self.assertEqual(shell.mode(), shell.before)
        pid = self.goes_on(one)
        [reader] = self.left_behind()
        os.kill(pid, signal.SIGKILL)
        self.until_gone(reader)

    # The processes that were left behind.
    def left_behind(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as name, open(f"/proc/{pid}/environ", "rb") as environment:
                    if name.read() == "ns-exec\n" and place.dir.encode() in environment.read():
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def test_a_shell_that_was_detached_from_goes_on(self):
        one = self.container()
        shell = self.shell(args="sh -s")
        shell.type("sleep 4712; echo over > /tmp/over\r")
        sleeps = self.process(one, "4712")
        shell.type("\x10\x11")
        self.assertEqual(shell.end(), 1)
        pid = self.process(one, "-s")
        os.kill(sleeps, signal.SIGKILL)
        while place.run(["ns-exec", "c1", "cat", "/tmp/over"]).stdout != "over\n":
            pass
        [reader] = self.left_behind()
        os.kill(pid, signal.SIGKILL)
        self.until_gone(reader)

    def test_a_lone_beginning_of_the_keys_reaches_the_program(self):
        one = self.container()
        for options, keys in (("-it", b"\x10x\x10\x10y\x11"), ("-it --detach-keys a,b", b"axaayb\x10\x11"), ("-it --detach-keys=", b"\x10\x11")):
            with self.subTest(options):
                shell = self.terminal(f"exec ns-exec {options} c1 sh -c 'stty raw -echo; echo up; head -c {len(keys)} | busybox hexdump -v -e \"1/1 \\\"%02x\\\"\"; echo'")
                shell.wait_for("^ *up\n")
                for key in keys:
                    shell.type(chr(key))
                shell.wait_for(keys.hex())
                self.assertEqual(shell.end(), 0)
        shell = self.shell("-it --detach-keys ctrl-x,x,DEL")
        shell.type("\x18x\x7f")
        self.assertEqual(shell.end(), 1)
        [reader] = self.left_behind()
        os.kill(self.process(one, "sh"), signal.SIGKILL)
        self.until_gone(reader)

    def test_detached_from_the_start(self):
        one = self.container()
        started = self.run_in("-d", "c1", "sleep", "4713")
        self.assertEqual(started, "")
        pid = self.process(one, "4713")
        self.assertEqual([os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)], ["/dev/null"] * 3)
        self.assertEqual(self.run_in("-d", "-i", "c1", "cat", input="x"), "")
        self.refused("-d", "c1", "nope", code=127, text="not found")
        self.refused("-d", "c1", "/etc", code=126, text="permission denied")
        while len(keepers := self.left_behind()) != 1:  # that of cat goes
            pass
        os.kill(pid, signal.SIGTERM)
        self.until_gone(keepers[0])
        ends = [event["attributes"] for event in self.events(one) if event["action"] == "exec_die"]
        self.assertEqual(sorted((end["exitCode"], end["pid"] == str(pid)) for end in ends), [("0", False), ("143", True)])

    def test_who_stays_keeps_nothing_of_the_callers(self):
        one = self.container()
        done = place.run("exec 5>&1 6>&2; ns-exec -d c1 sleep 4715; ns-exec -dt c1 sleep 4716; echo over")  # waits for the pipes
        self.assertEqual(done.stdout, "over\n", done.stderr)
        for keeper in self.left_behind():
            self.assertEqual([os.readlink(f"/proc/{keeper}/fd/{fd}") for fd in (0, 1, 2)], ["/dev/null"] * 3)
            self.assertLessEqual({os.readlink(entry.path) for entry in os.scandir(f"/proc/{keeper}/fd")}, {"/dev/null", place.path("run"), "anon_inode:[pidfd]", "/dev/pts/ptmx", "/ptmx"})
            self.assertEqual(os.readlink(f"/proc/{keeper}/cwd"), "/")
        self.assertEqual(len(self.left_behind()), 2)
        os.kill(one["pid"], signal.SIGKILL)
        for keeper in self.left_behind():
            self.until_gone(keeper)

    def test_detached_with_a_terminal_it_is_read(self):
        one = self.container()
        self.assertEqual(self.run_in("-d", "-t", "c1", "sh", "-c", self.COUNT.strip("'")), "")
        while place.run(["ns-exec", "c1", "test", "-s", "/tmp/count"]).returncode:
            pass
        pid = self.goes_on(one)
        [reader] = self.left_behind()
        os.kill(pid, signal.SIGKILL)
        self.until_gone(reader)

    # --- ends --------------------------------------------------------------------------------------

    def test_the_container_ends_meanwhile(self):
        one = self.container()
        process = place.start(["ns-exec", "c1", "sh", "-c", "echo up; exec sleep 1000"], stdout=subprocess.PIPE)
        shell = self.shell()
        self.assertEqual(process.stdout.readline(), "up\n")
        os.kill(one["pid"], signal.SIGKILL)
        self.assertEqual(process.wait(20), 137)
        self.assertEqual(shell.end(), 137)
        process.stdout.close()
        place.started.remove(process)
        self.refused("c1", "true", text="not running")

    def test_signals_are_passed_on(self):
        self.container()
        process = place.start(["ns-exec", "c1", "sh", "-c", "trap 'echo term; exit 7' TERM; echo up; while :; do sleep 1000 & wait; done"], stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "up\n")
        process.terminate()
        self.assertEqual((process.stdout.readline(), process.wait(20)), ("term\n", 7))
        process.stdout.close()
        place.started.remove(process)

    # As with Docker, whose client does not matter to what it has started.
    def test_a_caller_that_is_killed_leaves_it(self):
        one = self.container()
        process = place.start(["ns-exec", "c1", "sh", "-c", "echo up; sleep 4714; echo over > /tmp/over"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertEqual(process.stdout.readline(), "up\n")
        sleeps = self.process(one, "4714")
        process.kill()
        process.wait()
        process.stdout.close()
        place.started.remove(process)
        os.kill(sleeps, signal.SIGKILL)
        while place.run(["ns-exec", "c1", "cat", "/tmp/over"]).stdout != "over\n":
            pass

    # --- states ------------------------------------------------------------------------------------

    def freeze(self, one, wanted):
        with open(f"/proc/{one['pid']}/cgroup", encoding="utf-8") as file:
            paths = {line.split(":")[1]: line.rstrip("\n").split(":")[2] for line in file}
        if "freezer" in paths:
            path, text, state = f"/sys/fs/cgroup/freezer{paths['freezer']}/freezer.state", "FROZEN" if wanted else "THAWED", None
        else:
            path, text, state = f"/sys/fs/cgroup{paths['']}/cgroup.freeze", "1" if wanted else "0", None
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        while path.endswith("state"):
            with open(path, encoding="utf-8") as file:
                if file.read().strip() == text:
                    return

    def test_a_paused_one_is_refused(self):
        one = self.container()
        marker = place.path("run/containers", one["id"], "paused")
        open(marker, "w", encoding="utf-8").close()
        self.assertEqual(self.run_in("c1", "echo", "marked only"), "marked only\n")
        self.freeze(one, True)
        try:
            self.refused("c1", "true", text="Container c1 is paused, unpause the container before exec")
        finally:
            self.freeze(one, False)
        os.unlink(marker)
        self.run_in("c1", "true")

    def events(self, one):
        with open(place.path("run/events.json"), encoding="utf-8") as file:
            return [event for event in map(json.loads, file) if event["id"] == one["id"] and event["action"].startswith("exec_")]

    def test_events(self):
        one = self.container()
        self.run_in("c1", "sh", "-c", "exit 5", code=5)
        found = self.events(one)
        self.assertEqual([event["action"] for event in found], ["exec_start", "exec_die"])
        self.assertEqual((found[0]["name"], found[0]["attributes"]["command"], found[1]["attributes"]["exitCode"]), ("c1", "sh", "5"))
        self.assertEqual(found[0]["attributes"]["pid"], found[1]["attributes"]["pid"])


if __name__ == "__main__":
    cases.main()

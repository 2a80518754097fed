#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ps-why: causes are injected, and each must be named. A case is a function that makes a container called
by its own name, and the cause and the words that ps-why is to tell of it. argv[1] is the program crasher.
Needs root."""

import glob
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

try:
    import jsonschema
except ImportError:
    jsonschema = None

sys.path.insert(0, "tests")
import cases
from place import Place

place = None
CRASHER = os.path.realpath(sys.argv[1])
KIND = "trap 'exit 3' TERM; echo up; while :; do sleep 1000 & wait; done"
STUBBORN = "trap '' TERM; echo up; while :; do sleep 1000; done"
CASES = {}


def case(cause, *words):
    def add(make):
        CASES[make.__name__.replace("_", "-")] = (make, cause, words)
        return make
    return add


# An ELF file of another machine than this one.
def foreign():
    header = bytearray(b"\x7fELF\x02\x01\x01" + bytes(57))
    struct.pack_into("<HHI", header, 16, 2, 243, 1)  # ET_EXEC, EM_RISCV
    return bytes(header)


def read(path):
    with open(path, "rb") as file:
        return file.read()


# The host's own loader, and a program that wants more libraries than there are with it.
def dynamic():
    program = read("/bin/ls")
    offset, size = next((part[2], part[5]) for part in struct.iter_unpack("<IIQQQQQQ", program[64:64 + 56 * struct.unpack_from("<H", program, 56)[0]]) if part[0] == 3)
    loader = program[offset:offset + size].rstrip(b"\0").decode()
    return program, loader, read(loader)


def image_files():
    program, loader, _ = dynamic()
    return [
        ("bin/crasher", "f", read(CRASHER), 0o755),
        ("scripts", "d", b"", 0o755),
        ("scripts/nosuch", "f", b"#!/bin/nosuch\necho\n", 0o755),
        ("scripts/crlf", "f", b"#!/bin/sh\r\necho\r\n", 0o755),
        ("scripts/envcrlf", "f", b"#!/bin/env sh\r\necho\r\n", 0o755),
        ("scripts/plain", "f", b"echo hello\n", 0o755),
        ("scripts/locked", "f", b"#!/bin/sh\n", 0o644),
        ("scripts/roots", "f", b"#!/bin/sh\n", 0o700),
        ("bin/dynamic", "f", program, 0o755),
        ("bin/foreign", "f", foreign(), 0o755),
    ]


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    files = Place.busybox(image_files())
    image = place.layout("shell", [files])
    place.run(f"image-fetch {image} > i.json", check=True)
    _, loader, text = dynamic()
    folders = [("/".join(loader[1:].split("/")[:n]), "d", b"", 0o755) for n in range(1, loader.count("/"))]
    glibc = place.layout("glibc", [files, Place.tar(folders + [(loader[1:], "f", text, 0o755)])])
    place.run(f"image-fetch {glibc} > glibc.json", check=True)


def tearDownModule():
    if place:
        place.close()


def ok(command, **kwargs):
    done = place.run(command, **kwargs)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


# A document like i.json with members changed: {"process.rlimits": [..]}.
def document(members, name):
    with open(place.path("i.json"), encoding="utf-8") as file:
        whole = json.load(file)
    for path, value in members.items():
        at = whole
        *parents, last = path.split(".")
        for key in parents:
            at = at.setdefault(key, {})
        at[last] = value
    with open(place.path(name + ".json"), "w", encoding="utf-8") as file:
        json.dump(whole, file)
    return name + ".json"


# ns-run -d; a script is for a shell.
def detach(name, words, *options, config="i.json"):
    words = ["sh", "-c", words] if isinstance(words, str) else list(words)
    return place.run(["ns-run", "-d", "--config", config, "--name", name, *options, "--", *words])


# The same, and it has ended.
def ended(name, words, *options, config="i.json"):
    done = detach(name, words, *options, config=config)
    assert done.returncode == 0, done.stderr
    ok(["ps-wait", name])


# Made, and a start that fails.
def broken(name, words, *options, config="i.json", code=1):
    ok(["ns-run", "--create", "--config", config, "--name", name, *options, "--", *words])
    done = place.run(["ns-run", "--start", name])
    assert done.returncode == code, done
    return done.stderr


def until(condition, what="nothing came of it"):
    deadline = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.005)
    return found


def up(name, words, *options, config="i.json"):
    done = detach(name, words, *options, config=config)
    assert done.returncode == 0, done.stderr
    until(lambda: "up" in ok(["log-read", name]), f"{name} does not come up")


def record(name):
    return next(one for one in map(json.loads, ok("ps-lister -a --json").splitlines()) if one["name"] == name)


def monitor_of(whole):
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = read(path)
        except OSError:
            continue
        if words.startswith(b"stave-monitor\0") and whole.encode() in words and place.dir.encode() in words:
            return int(path.split("/")[2])
    raise AssertionError("there is no monitor")


def gone(pid):
    try:
        return read(f"/proc/{pid}/stat").rsplit(b")", 1)[1].split()[0] in b"ZX"
    except OSError:
        return True


def why(name):
    return json.loads(ok(["ps-why", "--json", name]))


# --- what lives -------------------------------------------------------------------------------------


@case("running", "runs, up ", "since 20")
def runs(name):
    up(name, KIND)


@case("paused", "frozen")
def frozen(name):
    up(name, KIND)
    ok(["ps-signal", "--pause", name])


@case("created", "never started")
def made(name):
    ok(["ns-run", "--create", "--config", "i.json", "--name", name, "--", "true"])


@case("unhealthy", "health checks in a row have failed", "exit code 1", '"database is away"')
def sick(name):
    up(name, KIND, "--health-cmd", "echo database is away; exit 1", "--health-interval", "50ms", "--health-retries", "2")
    until(lambda: why(name)["cause"] == "unhealthy")


@case("restarting", "by its policy", "failed by itself, exit code 5", '"cannot"')
def loops(name):
    detach(name, "echo cannot; exit 5", "--restart", "always")
    until(lambda: (found := why(name))["state"] == "restarting" and found["evidence"].get("restarts", 0) >= 5)


# --- starts that fail -------------------------------------------------------------------------------


@case("no-interpreter", '"/bin/nosuch"', "exit code 127", "[E_NOT_FOUND]")
def script_of_nobody(name):
    broken(name, ["/scripts/nosuch"])


@case("crlf", "CR LF", '"/bin/sh\\x0d"')
def script_of_windows(name):
    assert "hint: dos2unix" in broken(name, ["/scripts/crlf"])


@case("no-loader", "its loader", "is missing")
def other_libc(name):
    broken(name, ["/bin/dynamic"])


@case("architecture", "exec format error", "riscv", "exit code 126")
def other_machine(name):
    broken(name, ["/bin/foreign"])


@case("no-shebang", "exec format error", "without a #! line")
def text_file(name):
    broken(name, ["/scripts/plain"])


@case("not-in-path", "executable file not found in $PATH")
def unknown_command(name):
    broken(name, ["httpd"])


@case("not-found", "stat /bin/httpd: no such file or directory")
def unknown_file(name):
    broken(name, ["/bin/httpd"])


@case("not-executable", "permission denied", "its mode is 0644", "exit code 126")
def not_executable(name):
    broken(name, ["/scripts/locked"])


@case("is-directory", "is a directory")
def directory(name):
    broken(name, ["/etc"])


@case("noexec", "mounted noexec")
def on_noexec(name):
    os.mkdir(place.path("noexec"))
    ok("mount -t tmpfs -o noexec none noexec && cp /bin/busybox noexec/sh")
    broken(name, ["/x/sh"], "-v", place.path("noexec") + ":/x")


@case("permission", "uid 1000 may not execute it", "0700")
def not_for_the_user(name):
    broken(name, ["/scripts/roots"], "-u", "1000")


@case("workdir", "/process/cwd")
def no_workdir(name):
    broken(name, ["true"], "-w", "/etc/passwd/x")


@case("user", "nosuchuser", "[E_USER]")
def no_user(name):
    assert detach(name, "true", "-u", "nosuchuser").returncode == 125


@case("not-in-path", "executable file not found in $PATH", "exit code 127")
def came_to_nothing(name):
    assert detach(name, ["httpd"]).returncode == 127


@case("start-failed", "No such container: nobody", "exit code 128")
def no_network(name):
    assert detach(name, "true", "--network", "container:nobody").returncode == 125


# --- ends -------------------------------------------------------------------------------------------


@case("exited", "success", "exit code 0")
def works(name):
    ended(name, "echo done")


@case("failed", "exit code 7", 'its last words: "cannot open the door"')
def fails(name):
    ended(name, "echo starting; echo cannot open the door >&2; exit 7")


@case("failed", "exit code 127", "a shell says", "nosuchprogram: not found")
def shell_does_not_find(name):
    ended(name, "nosuchprogram; exit $?")


@case("no-input", '"sh" is a shell', "stdin was empty")
def idle_shell(name):
    ended(name, ["sh"])


@case("stopped", "obeyed", "after SIGTERM", "exit code 3", "by ps-signal of uid 0")
def obeys(name):
    up(name, KIND)
    ok(["ps-signal", "--stop", name])


@case("stop-timeout", "ignored SIGTERM and was killed", "by ps-signal of uid 0")
def ignores(name):
    up(name, STUBBORN)
    ok(["ps-signal", "--stop", "-t", "0", name])


@case("killed", "SIGKILL", "sent through stave", "by ps-signal of uid 0")
def is_killed(name):
    up(name, KIND)
    ok(["ps-signal", name])


@case("killed", "SIGUSR1", "by ps-signal of uid 0")
def is_signalled(name):
    up(name, "echo up; exec sleep 1000", "--init")
    ok(["ps-signal", "-s", "USR1", name])
    ok(["ps-wait", name])


@case("signalled", "SIGKILL", "nobody sent through stave", "not for memory")
def killed_from_outside(name):
    up(name, KIND)
    os.kill(record(name)["pid"], signal.SIGKILL)
    ok(["ps-wait", name])


@case("shutdown", "told to end", "exit code 3")
def goes_with_the_machine(name):
    up(name, KIND)
    os.kill(monitor_of(record(name)["id"]), signal.SIGTERM)
    ok(["ps-wait", name])


@case("oom", "killed for memory", "its first process", '"crasher"', "at its limit of 16MiB")
def out_of_memory(name):
    config = document({"linux.resources.memory": {"limit": 16 << 20, "swap": 16 << 20}}, name)
    ended(name, ["crasher", "memory"], config=config)


@case("oom", "killed for memory", "a process of it", '"crasher"', "its first process then ended, exit code 4")
def child_out_of_memory(name):
    config = document({"linux.resources.memory": {"limit": 16 << 20, "swap": 16 << 20}}, name)
    ended(name, "crasher memory; exit 4", config=config)


# Memory has run out and that was survived: no false alarm.
@case("stopped", "obeyed", "exit code 3")
def survived_out_of_memory(name):
    config = document({"linux.resources.memory": {"limit": 16 << 20, "swap": 16 << 20}}, name)
    up(name, "crasher memory; " + KIND, config=config)
    ok(["ps-signal", "--stop", name])


@case("crashed", "SIGSEGV", "exit code 139", "segfault at 8 ")
def segfault(name):
    ended(name, ["crasher", "segv"])


@case("crashed", "SIGBUS")
def bus_error(name):
    ended(name, ["crasher", "bus"])


@case("crashed", "SIGILL")
def illegal_instruction(name):
    ended(name, ["crasher", "ill"])


@case("crashed", "SIGFPE")
def division_by_zero(name):
    ended(name, ["crasher", "fpe"])


@case("crashed", "SIGABRT", "exit code 134")
def aborts(name):
    ended(name, ["crasher", "abrt"], "--init")


@case("crashed", "a process of it", "SIGSEGV", "exit code 139")
def child_crashes(name):
    ended(name, "crasher segv; exit $?")


@case("cpu-limit", "SIGXCPU", "RLIMIT_CPU of 1")
def cpu_limit(name):
    config = document({"process.rlimits": [{"type": "RLIMIT_CPU", "soft": 1, "hard": 5}]}, name)
    ended(name, ["crasher", "spin"], "--init", config=config)


@case("file-limit", "SIGXFSZ", "RLIMIT_FSIZE of 65536")
def file_limit(name):
    config = document({"process.rlimits": [{"type": "RLIMIT_FSIZE", "soft": 65536, "hard": 65536}]}, name)
    ended(name, ["crasher", "file"], "--init", config=config)


@case("pids-limit", "at its limit of processes (5)", "the kernel refused")
def pids_limit(name):
    config = document({"linux.resources.pids": {"limit": 5}}, name)
    ended(name, "for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; exit 1", config=config)


@case("seccomp", "SIGSYS", "mkdir(2)")
def seccomp_kills(name):
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"] if os.uname().machine == "x86_64" else ["SCMP_ARCH_AARCH64"],
               "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]}
    ended(name, ["crasher", "mkdir"], config=document({"linux.seccomp": profile}, name))


@case("seccomp", "does not permit mount(2)")
def seccomp_denies(name):
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_ERRNO"}]}
    ended(name, "mount -t tmpfs none /tmp", config=document({"linux.seccomp": profile}, name))


@case("disk-full", "No space left on device")
def full_disk(name):
    ended(name, "cat /dev/zero > /tmp/x", "--tmpfs", "/tmp:size=64k")


@case("read-only", "its root filesystem is read-only")
def read_only_root(name):
    ended(name, "echo > /file", "--read-only")


@case("permission", "uid 1000", "Permission denied")
def not_allowed(name):
    ended(name, "cat /root/x", "-u", "1000")


@case("missing-library", "error while loading shared libraries", "exit code 127")
def no_library(name):
    ended(name, ["/bin/dynamic"], config="glibc.json")


@case("crlf", "CR LF", "exit code 127")
def env_of_windows(name):
    ended(name, ["/scripts/envcrlf"])


@case("address-in-use", "Address already in use")
def port_is_taken(name):
    ended(name, "echo 'bind: Address already in use'; exit 1")


@case("removed", "was removed", "failed by itself, exit code 6")
def removed(name):
    ended(name, "exit 6")
    ok(["ps-remove", name])


@case("removed", "was removed", "was killed for memory: the kernel killed it or a process of it, exit code 137")
def removed_itself(name):
    config = document({"linux.resources.memory": {"limit": 16 << 20, "swap": 16 << 20}}, name)
    ended(name, ["crasher", "memory"], "--rm", config=config)


@case("watcher-lost", "the process that watched it", "was killed")
def nobody_watched(name):
    up(name, KIND)
    one = record(name)
    os.kill(monitor_of(one["id"]), signal.SIGKILL)
    os.kill(one["pid"], signal.SIGKILL)
    until(lambda: gone(one["pid"]))


# --- in the foreground ------------------------------------------------------------------------------


@case("failed", "exit code 7", "nothing of its output was kept")
def fails_in_the_foreground(name):
    assert place.run(["ns-run", "--config", "i.json", "--name", name, "--", "sh", "-c", "exit 7"]).returncode == 7


def foreground(name, script):
    process = place.start(["ns-run", "--config", "i.json", "--name", name, "--", "sh", "-c", script], stdout=subprocess.PIPE)
    assert process.stdout.readline() == "up\n"
    return process


@case("killed", "SIGINT", "by python3 of uid 0", "exit code 130")
def interrupted(name):
    process = foreground(name, "trap 'exit 130' INT; echo up; while :; do sleep 1000 & wait; done")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130


@case("stop-timeout", "ignored SIGTERM and was killed")
def ignores_in_the_foreground(name):
    process = foreground(name, STUBBORN)
    ok(["ps-signal", "--stop", "-t", "0", name])
    assert process.wait(20) == 137


@case("stopped", "obeyed")
def obeys_in_the_foreground(name):
    process = foreground(name, KIND)
    ok(["ps-signal", "--stop", name])
    assert process.wait(20) == 3


@case("watcher-lost", "was killed")
def nobody_watched_the_foreground(name):
    process = foreground(name, KIND)
    pid = record(name)["pid"]
    process.kill()
    process.wait()
    until(lambda: gone(pid))


# Last: it loses RUN, and with it what is known of all that runs.
@case("reboot", "nobody knows how")
def went_with_the_machine(name):
    up(name, KIND)
    one = record(name)
    for pid in (monitor_of(one["id"]), one["pid"]):
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid: gone(pid))
    for group in glob.glob(f"/sys/fs/cgroup/*/stave/{one['id']}/") + glob.glob(f"/sys/fs/cgroup/stave/{one['id']}/"):
        until(lambda group=group: removed_group(group), "the cgroup is busy")
    shutil.rmtree(place.path("run"))


def removed_group(path):
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True


class WhyTest(unittest.TestCase):
    def tearDown(self):
        if os.path.ismount(place.path("noexec")):
            ok("umount noexec && rmdir noexec")
        place.check_nothing_is_left(self)

    def schema(self, line):
        if not jsonschema:
            return
        with open("docs/ps-why.schema.json", encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.Draft7Validator(schema).validate(line)

    def check(self, name):
        make, cause, words = CASES[name]
        make(name)
        done = place.run(["ps-why", name])
        line = why(name)
        self.assertEqual((done.returncode, line["cause"]), (0, cause), line)
        self.assertRegex(done.stdout, rf"\A{name}: .*\n\Z")
        for word in words:
            self.assertIn(word, done.stdout)
        self.assertEqual("hint" in line, done.stderr.startswith("hint: "))
        self.schema(line)


def add_cases():
    for name in CASES:
        setattr(WhyTest, f"test_{name.replace('-', '_')}", lambda self, name=name: self.check(name))


add_cases()


class AskingTest(unittest.TestCase):
    def tearDown(self):
        place.check_nothing_is_left(self)

    def test_a_start_that_fails_is_kept_until_one_does_not(self):
        os.makedirs(place.path("data"), exist_ok=True)
        done = place.run(["ns-run", "--create", "--config", "i.json", "--name", "again", "-v", place.path("data") + ":/data", "--", "/data/run"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(place.run("ns-run --start again").returncode, 1)
        self.assertEqual(why("again")["cause"], "not-found")
        self.assertEqual((record("again")["state"], ok("ps-wait again")), ("created", "127\n"))
        [inspected] = json.loads(ok("ps-lister --inspect again"))
        self.assertEqual((inspected["State"]["Status"], inspected["State"]["ExitCode"]), ("created", 127))
        self.assertEqual(inspected["State"]["Error"], 'exec "/data/run": stat /data/run: no such file or directory')
        with open(place.path("data/run"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexit 4\n")
        os.chmod(place.path("data/run"), 0o755)
        ok("ns-run --start again; ps-wait again")
        self.assertEqual((why("again")["cause"], why("again")["evidence"]["exitCode"]), ("failed", 4))
        os.unlink(place.path("data/run"))
        self.assertEqual(place.run("ns-run --start again").returncode, 1)
        self.assertEqual((why("again")["cause"], record("again")["state"], record("again")["exitCode"]), ("not-found", "exited", 127))

    # A start that fails late, when the container runs already, takes away no more than one that fails early.
    def test_a_hook_that_fails(self):
        config = document({"ociVersion": "1.3.0", "hooks": {"poststart": [{"path": "/bin/false"}]}}, "hooked")
        self.assertIn("[E_HOOK]", broken("hooked", ["sleep", "1000"], config=config))
        self.assertEqual((why("hooked")["cause"], record("hooked")["state"]), ("start-failed", "created"))

    def test_several_and_unknown_ones(self):
        ended("one", "exit 1")
        ended("two", "exit 2")
        done = place.run("ps-why two nobody one")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([line.split(":")[0] for line in done.stdout.splitlines()], ["two", "one"])
        self.assertIn("ps-why: No such container: nobody [E_NO_CONTAINER]\n", done.stderr)
        whole = record("one")["id"]
        self.assertTrue(ok(["ps-why", whole[:12]]).startswith("one: failed by itself, exit code 1"))
        self.assertEqual(place.run("ps-why").returncode, 2)

    # Reading makes nothing and changes nothing.
    def test_it_only_reads(self):
        done = place.run("STAVE_STATE=$PWD/none STAVE_RUN=$PWD/nor ps-why web; ls -d none nor")
        self.assertIn("No such container: web", done.stderr)
        self.assertEqual(done.stdout, "")
        ended("still", "exit 1")
        place.wait_until_quiet()
        look = "find state run -printf '%p %T@ %i %s\\n' | sort"
        before = ok(look)
        ok("ps-why still; ps-why --json still")
        self.assertEqual(ok(look), before)

    def test_damage(self):
        ended("hurt", "exit 1")
        with open(place.path("state/containers", record("hurt")["id"], "exit.json"), "w", encoding="utf-8") as file:
            file.write("{")
        self.assertEqual(why("hurt")["cause"], "damaged")


if __name__ == "__main__":
    cases.main()

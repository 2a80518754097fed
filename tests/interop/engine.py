# SPDX-License-Identifier: Apache-2.0
"""An engine (podman, dockerd, containerd, buildah) drives an OCI runtime: every script of commands runs
twice, with runc and with the runtime under test (RUNTIME, or the staged stave-oci), and what it prints
and its exit codes must be equal. So runc says what is right.

Everything happens in mount, network and pid namespaces of the test's own, with /run and the engines'
folders on tmpfs: no bridge, rule, mount or process can stay on the machine, and no other engine is met.
Cgroups have no such fence; main() removes those that the engine made, once the last process is gone."""

import difflib
import functools
import os
import re
import select
import shutil
import subprocess
import sys
import time
import unittest

import cases
from place import Place, tree
from terminal import Terminal

ORACLE = shutil.which("runc", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") or ""
SUBJECT = os.path.realpath(os.environ.get("RUNTIME") or tree() + "/bin/stave-oci")
CGROUPS = "/sys/fs/cgroup"

# What the engines keep where no option moves it.
PRIVATE = ["/run", "/var/tmp", "/var/lib/cni", "/var/lib/containers", "/etc/docker"]

# What a container finds around itself: to be given to its shell.
LOOK = r"""
id; umask; pwd; env | sort; cut -d: -f2- /proc/self/cgroup | sort
grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups|Uid|Gid)' /proc/1/status
cat /proc/1/oom_score_adj /proc/1/limits /proc/sys/kernel/hostname /proc/sys/net/ipv4/ping_group_range
tr '\0' ' ' < /proc/1/cmdline; readlink /proc/1/exe
cut -d' ' -f4- /proc/1/mountinfo | sed 's/ \(shared\|master\|propagate_from\):[0-9]*/ \1/g' | sort -k 2
ls -ln /dev | cut -c1-44; ls -ld / /dev/shm /dev/pts /proc/keys /proc/sys | cut -c1-44
for f in /proc/sys/kernel/domainname /sys/kernel/mm/x /proc/sysrq-trigger /dev/x /x /etc/x; do (echo a > $f) 2>/dev/null && echo wrote $f; done
cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us
sort /sys/fs/cgroup/devices/devices.list; cat /sys/fs/cgroup/cpu/cpu.shares /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max
"""

# Where runtimes may differ in what LOOK tells.
OWN_WAYS = [
    (r"^/ (/\S+) ro,\S+ - tmpfs tmpfs (?:ro|rw,size=4k).*", r"masked \1"),  # any empty read-only tmpfs
    (r"^/null (/\S+) .*", r"masked \1"),                           # any bind of a null device
    (r"^/ / (\S+) master(?::\d+)? - overlay", r"/ / \1 - overlay"),          # rootfsPropagation is not given
    (r" - sysfs sysfs r[ow]$", " - sysfs"),                         # the mount is read-only; the instance need not be
    (r"^/ /sys/fs/cgroup r[ow],(.*) - tmpfs .*", r"cgroups \1"),   # runc leaves the tmpfs of the v1 mounts writable ...
    (r"^.* /sys/fs/cgroup/unified .*\n", ""),                       # ... and does not show a hybrid host's v2
    (r"^c 10:200 rwm\n", ""),                                       # runc before 1.2 allows tun
    (r"^(drwxrwxrwt +2) \S+ +65534", r"\1 65534 65534"),           # mqueue in a user namespace: who made the ipc namespace
]

# --privileged asks for every capability; where the machine's root lacks one itself no runtime can give it.
with open("/proc/self/status", encoding="utf-8") as status, open("/proc/sys/kernel/cap_last_cap", encoding="utf-8") as last:
    CAN_PRIVILEGED = int(re.search(r"CapBnd:\s*(\w+)", status.read()).group(1), 16) == (2 << int(last.read())) - 1

world = None


# The cgroups at and below the engine's own `parents`. Other people's come and go meanwhile.
def cgroups(parents):
    tops = {parent.split("/")[0] for parent in parents}
    return {folder for controller in os.listdir(CGROUPS) for top in tops for folder, _, _ in os.walk(f"{CGROUPS}/{controller}/{top}")} | {
        folder for top in tops for folder, _, _ in os.walk(f"{CGROUPS}/{top}")}


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        return {line.split()[4] for line in lines}


class World(Place):
    def __init__(self, cgroup_parents):
        for folder in PRIVATE:
            if os.path.isdir(folder):
                subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "stave-engine", folder], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        super().__init__()
        os.chmod(self.dir, 0o711)  # for user namespaces
        self.env["TMPDIR"] = self.dir
        self.env["HOME"] = self.dir
        self.env.pop("XDG_RUNTIME_DIR", None)
        self.parents = cgroup_parents
        self.daemons = []
        self.state_roots = ["/run/runc", "/run/stave/oci", self.path("run", "oci")]
        self.tries = 1        # more for a client that loses output now and then
        self.lasting = set()  # mounts that the engine makes once
        more = [("bin/" + name, "l", "busybox", 0o777) for name in "ash cut dd du ip mkfifo nc nslookup readlink route sed seq sort sync tr ulimit umask xargs".split()]
        text = ("bin/text", "f", b"not a program", 0o644)
        script = ("bin/noshell", "f", b"#!/bin/absent\n", 0o755)
        self.layout("shell", [self.busybox(more + [text, script])],
                    {"Cmd": ["sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "StopSignal": "15"})

    def ok(self, command):
        done = self.run(command)
        if done.returncode != 0:
            raise AssertionError(f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    # Starts an engine's daemon, and waits until `ready` succeeds.
    def daemon(self, command, ready):
        with open(self.path(os.path.basename(command[0]) + ".log"), "a", encoding="utf-8") as log:
            process = self.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.daemons.append(process)
        pidfd = os.pidfd_open(process.pid)
        deadline = time.monotonic() + 60
        while self.run(ready).returncode != 0:
            if select.select([pidfd], [], [], 0.05)[0] or time.monotonic() > deadline:
                with open(self.path(os.path.basename(command[0]) + ".log"), encoding="utf-8") as log:
                    raise unittest.SkipTest(f"{command[0]} does not run here: {log.read()[-800:]}")
        os.close(pidfd)

    # --- what is left --------------------------------------------------------------------------------

    # Call it once the engine runs and has no containers.
    def settle(self):
        self.mounts = mounts()
        self.processes = set(self._processes())
        self.cgroups = cgroups(self.parents)

    @staticmethod
    def _processes():
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as line, open(f"/proc/{name}/stat", encoding="utf-8") as stat:
                        if stat.read().rsplit(")", 1)[1].split()[0] not in "ZX":
                            yield name, line.read().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    pass

    def _states(self):
        for root in self.state_roots:
            yield from (os.path.join(root, name) for name in (os.listdir(root) if os.path.isdir(root) else ()))

    def left(self):
        found = [f"mount {path}" for path in mounts() - self.mounts - self.lasting]
        found += [f"state {path}" for path in self._states()]
        for path in cgroups(self.parents) - self.cgroups:
            if not any(path.endswith("/" + parent) for parent in self.parents):
                found.append(f"cgroup {path}")
        known = {pid for pid, _ in self.processes}
        found += [f"process {pid} {line}" for pid, line in self._processes() if pid not in known]
        return found

    # Engines clean up behind their clients' backs: waits until they have. Returns what stays, without its
    # names; `allowed` is what stayed with runc: the engine's own habits.
    def check_quiet(self, case, allowed=None):
        deadline = time.monotonic() + (3 if allowed is None else 10)
        while True:
            found = {Pass.normal(line, [(r"^process \d+", "process")]) for line in self.left()} - (allowed or set())
            if not found or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        if allowed is not None:
            case.assertEqual(found, set(), "left behind: " + "\n".join(sorted(found)))
        self.settle()
        return found

    def close(self):
        for process in reversed(self.daemons):
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        subprocess.run(["umount", "-l", self.dir], check=False)  # the namespace takes the rest
        for process in self.started:
            process.wait()
        os.rmdir(self.dir)


# One pass of a script with one runtime. A call is a step; what it gave is in `steps`.
class Pass:
    def __init__(self, case, runtime):
        self.case = case
        self.runtime = runtime
        self.name = "right" if runtime == ORACLE else "tested"
        self.steps = []

    # Runs a command. `{rt}` in it is the runtime's path, `{name}` its name in a daemon's settings. `out` and `err` are patterns that stdout and
    # stderr must match; stderr with an `err` ("" matches all) is not compared, since runtimes choose their own words. `code` may be
    # a tuple where runc is known to be less exact than others.
    # `normal` are pairs (pattern, replacement) for what differs from run to run.
    def __call__(self, command, code=0, out=None, err=None, normal=(), input=None):
        for _ in range(world.tries):
            done = world.run(self.filled(command), input=input)
            if done.stdout or not out or re.search(out, ""):
                break
        told = f"[{os.path.basename(self.runtime)}] {command}\n-- exit {done.returncode}\n{done.stdout}-- stderr\n{done.stderr}"
        self.case.assertIn(done.returncode, code if isinstance(code, tuple) else (code,), told)
        if out is not None:
            self.case.assertRegex(done.stdout, out, told)
        if err:
            self.case.assertRegex(done.stderr, err, told)
        self.steps.append((command, code, self.normal(done.stdout, normal), None if err is not None else self.normal(done.stderr, normal)))
        return done.stdout

    def filled(self, command):
        return command.replace("{rt}", self.runtime).replace("{name}", self.name)

    @staticmethod
    def normal(text, pairs):
        for pattern, with_what in [*pairs, (r"\b[0-9a-f]{64}\b", "ID"), (r"\b[0-9a-f]{12}\b", "ID"), (r"buildah\d{6,}", "ID"), (r"/snapshots/\d+/", "/snapshots/N/"), (r'time="[^"]*"', "time"), (r"\b[A-Z0-9]{26}\b", "LAYER")]:
            text = re.sub(pattern, with_what, text, flags=re.M)
        return text

    # Gives LOOK to a command that is a container's shell.
    def look(self, command, **kwargs):
        return self(command, code=1, normal=OWN_WAYS, **{"input": LOOK, "out": ".", "err": "", **kwargs})

    # A command at a terminal. The dialog's parts are patterns to wait for, and texts to type (">...").
    def at_terminal(self, command, dialog, code=0):
        terminal = Terminal(world, self.filled(command), rows=30, columns=100)
        try:
            for part in dialog:
                if part.startswith(">"):
                    terminal.type(part[1:] + "\r")
                else:
                    self.steps.append(("seen", self.normal(terminal.wait_for(part).group(), ())))
            self.case.assertEqual(terminal.end(), code, f"{command}\n{terminal.seen}")
        finally:
            terminal.close()

    # Runs `command` until its output matches: for what an engine does in its own time.
    def until(self, command, pattern, seconds=30):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, (done := world.run(self.filled(command))).stdout):
            if time.monotonic() > deadline:
                raise AssertionError(f"{command} never says {pattern}: {done.stdout}{done.stderr}")
            time.sleep(0.02)


# Decorates a test: its script gets a Pass and runs with runc, then with the runtime under test.
def both(script):
    @functools.wraps(script)
    def test(case):
        told, habits = [], None
        for runtime in (ORACLE, SUBJECT):
            one = Pass(case, runtime)
            try:
                script(case, one)
            finally:
                case.remove_all()
            habits = world.check_quiet(case, habits)
            told.append(one.steps)
        lines = [[line for step in steps for part in step for line in str(part).splitlines()] for steps in told]
        differ = list(difflib.unified_diff(*lines, "runc", SUBJECT, lineterm="", n=2))
        case.assertEqual(differ, [], "\n".join(differ))

    return test


class EngineTest(unittest.TestCase):
    longMessage = False

    def remove_all(self):
        raise NotImplementedError


# For setUpModule: the world, or why there is none. `cgroup_parents` are the folders of the engine that
# stay while it runs.
def make_world(programs, cgroup_parents):
    global world
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    for program in [*programs, "runc", "skopeo"]:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            raise unittest.SkipTest(program + " is missing")
    if not os.access(SUBJECT, os.X_OK):
        raise AssertionError(f"no runtime {SUBJECT}")
    world = World(cgroup_parents)
    unittest.addModuleCleanup(world.close)
    return world


def main(cgroup_parents):
    if "STAVE_ENGINE_INSIDE" in os.environ or os.geteuid() != 0:
        cases.main()
    before = cgroups(cgroup_parents)
    # bash is the namespace's first process and reaps, as an init does; a namespace ends with it.
    inside = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
         "bash", "-c", '"$@"; exit $?', "bash", sys.executable, sys.argv[0]],
        env=dict(os.environ, STAVE_ENGINE_INSIDE="1"), check=False)
    for folder in sorted(cgroups(cgroup_parents) - before, key=len, reverse=True):
        try:
            os.rmdir(folder)
        except OSError as error:
            print(f"cgroup {folder}: {error}")
    sys.exit(inside.returncode)

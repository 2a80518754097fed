# SPDX-License-Identifier: Apache-2.0
"""A bundle and its container under the runtime that is checked, and the base class of all checks.

The checks run in mount, network, UTS and IPC namespaces of their own, on a tmpfs: nothing reaches the
machine but cgroups named after the containers. The test process is a subreaper, so it is the parent of
what a runtime leaves running and can wait for it; nothing here sleeps."""

import atexit
import errno
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import unittest

from oci import kernel
from place import tree

APPLETS = "cat chmod chown cp dd echo env false head hostname id kill ln ls mkdir mkfifo mknod mount nproc printf ps pwd readlink rm rmdir sh sleep sort stat stty tail test touch tr true tty umount uname wc".split()
CAPABILITIES = ["CAP_" + name for name in "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_ADMIN SYS_CHROOT MKNOD SYS_ADMIN".split()]
NEW = ("pid", "mount", "ipc", "uts")  # a network namespace only where one is checked: it is slow to make


def runtime():
    return shutil.which(os.environ.get("RUNTIME") or tree() + "/bin/stave-oci") or os.environ.get("RUNTIME") or tree() + "/bin/stave-oci"


def probe():
    return os.environ.get("PROBE", "tests/conformance/syscall_probe")


class Scene:
    """Where all bundles are: one tmpfs, and a root filesystem whose files the bundles' are links to."""

    def __init__(self):
        kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC)
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.become_subreaper()
        if os.path.basename(runtime()) == "crun" and os.path.ismount("/sys/fs/cgroup/unified"):
            kernel.umount("/sys/fs/cgroup/unified")  # Debian's crun refuses the hybrid layout ...
            kernel.mount("tmpfs", "/sys/fs/cgroup/unified", "tmpfs", 0)  # ... and makes folders there nevertheless
        self.dir = tempfile.mkdtemp(prefix="stave-conformance.", dir="/tmp")
        kernel.mount("tmpfs", self.dir, "tmpfs", 0, "size=512m,mode=0711")
        self.state = self.dir + "/state"
        self.image = self.dir + "/image"
        os.makedirs(self.image + "/bin")
        shutil.copy("/bin/busybox", self.image + "/bin/busybox")
        shutil.copy(probe(), self.image + "/bin/syscall_probe")
        self.bundles, self.kept = 0, set()

    def fill(self, rootfs):
        for name in ("", "bin", "dev", "etc", "proc", "sys", "tmp", "root", "data"):
            os.mkdir(f"{rootfs}/{name}" if name else rootfs, 0o755)
        os.chmod(rootfs + "/tmp", 0o1777)
        for name in os.listdir(self.image + "/bin"):
            os.link(f"{self.image}/bin/{name}", f"{rootfs}/bin/{name}")
        for name in APPLETS:
            os.symlink("busybox", f"{rootfs}/bin/{name}")

    def close(self):
        kernel.umount(self.dir)
        os.rmdir(self.dir)


scene = None


def set_up():
    global scene
    if scene:
        return
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    if "RUNTIME" in os.environ and not os.access(runtime(), os.X_OK):
        raise unittest.SkipTest(f"{runtime()}: no such runtime")
    scene = Scene()
    atexit.register(scene.close)


def minimal_config(name):
    return {
        "ociVersion": "1.0.2",
        "process": {"args": ["true"], "env": ["PATH=/bin"], "cwd": "/", "user": {"uid": 0, "gid": 0},
                    "capabilities": {kind: list(CAPABILITIES) for kind in ("bounding", "effective", "permitted")}},
        "root": {"path": "rootfs"},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
        ],
        "linux": {"namespaces": [{"type": kind} for kind in NEW], "cgroupsPath": "/" + name},
    }


# The cgroup directories of all hierarchies with that name at their top.
def cgroups(name):
    top = "/sys/fs/cgroup"
    return [path for entry in sorted(os.listdir(top))
            if os.path.exists(f"{top}/{entry}/cgroup.procs") and os.path.isdir(path := f"{top}/{entry}/{name}")]


# The mount points at and below `path`, the oldest first.
def mounts_below(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return [m.point for m in kernel.parse_mounts(file.read()) if (m.point + "/").startswith(path + "/")]


class Bundle:
    def __init__(self):
        scene.bundles += 1
        self.id = f"stave-conf-{os.getpid()}-{scene.bundles}"
        self.dir = f"{scene.dir}/{self.id}"
        os.mkdir(self.dir, 0o711)
        self.rootfs = self.dir + "/rootfs"
        scene.fill(self.rootfs)
        self.config = minimal_config(self.id)
        self.reader, self.writer = os.pipe()
        self.pid, self.pidfd, self.code, self.buffer = None, None, None, b""
        self.own_mounts = []

    def __enter__(self):
        return self

    # --- the runtime's operations ----------------------------------------------------------------

    # Calls the runtime; its errors (and the container's) go to the file `err`.
    def call(self, *words, **options):
        with open(self.dir + "/err", "a", encoding="utf-8") as err:
            start = err.tell()
            done = subprocess.run([runtime(), "--root", scene.state, *words], stdin=subprocess.DEVNULL, stderr=err,
                                  timeout=10, check=False, **{"stdout": subprocess.PIPE, "cwd": self.dir, **options})
        with open(self.dir + "/err", encoding="utf-8", errors="replace") as err:
            err.seek(start)
            done.stderr = err.read()
        return done

    # An operation that must work.
    def must(self, *words, **options):
        done = self.call(*words, **options)
        if done.returncode != 0:
            raise AssertionError(f"{words[0]} failed ({done.returncode}): {done.stderr}")
        return done

    def write(self):
        with open(self.dir + "/config.json", "w", encoding="utf-8") as out:
            json.dump(self.config, out)

    def try_create(self, *options, **more):
        self.write()
        self.own_mounts = mounts_below(self.dir)
        return self.call("create", "--bundle", self.dir, "--pid-file", self.dir + "/pid", *options, self.id, stdout=self.writer, **more)

    def create(self, *options, **more):
        done = self.try_create(*options, **more)
        if done.returncode != 0:
            raise AssertionError(f"create failed ({done.returncode}): {done.stderr}")
        os.close(self.writer)
        self.writer = None
        self.hold()
        return done

    def hold(self):
        with open(self.dir + "/pid", encoding="utf-8") as file:
            self.pid = int(file.read())
        scene.kept.add(self.pid)
        self.pidfd = os.pidfd_open(self.pid)

    def start(self):
        return self.must("start", self.id)

    def kill(self, signal_name="KILL"):
        return self.must("kill", self.id, signal_name)

    def delete(self):
        return self.must("delete", self.id)

    def state(self):
        return json.loads(self.must("state", self.id).stdout)

    # --- the container's life ----------------------------------------------------------------------

    # Creates and starts, so that `script` has run and the payload stays; returns its pid.
    def running(self, script="true"):
        self.config["process"]["args"] = ["sh", "-c", script + "; echo it-is-up; exec sleep 1000"]
        self.create()
        self.start()
        self.lines = []
        while (line := self.line()) != "it-is-up":
            self.lines.append(line)
        return self.pid

    # The whole life with these words as the payload; returns what it printed.
    def run(self, *words, code=0):
        if words:
            self.config["process"]["args"] = list(words)
        self.create()
        self.start()
        text = self.read()
        got = self.ended()
        if got != code:
            with open(self.dir + "/err", encoding="utf-8") as err:
                raise AssertionError(f"the payload ended with {got}, not {code}: {text}{err.read()}")
        self.delete()
        return text

    def sh(self, script, **options):
        return self.run("sh", "-c", script, **options)

    def _more(self):
        kernel.wait_readable(self.reader, f"output of the payload (so far {self.buffer!r})")
        data = os.read(self.reader, 65536)
        self.buffer += data
        return bool(data)

    def line(self):
        while b"\n" not in self.buffer:
            if not self._more():
                raise AssertionError(f"the payload has ended: {self.buffer!r}")
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def read(self):
        while self._more():
            pass
        text, self.buffer = self.buffer.decode(errors="replace"), b""
        return text

    # Waits for the container's process; its exit code, or minus the signal.
    def ended(self):
        if self.code is None:
            kernel.wait_readable(self.pidfd, "the end of the container's process")
            try:
                self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            except ChildProcessError:
                self.code = "unknown"
        return self.code

    def exists(self):
        return self.call("state", self.id).returncode == 0

    # What a container of this bundle has left.
    def traces(self):
        found = cgroups(self.id)
        if os.path.exists(f"{scene.state}/{self.id}"):
            found.append("its state")
        return found + mounts_below(self.dir)[len(self.own_mounts):]

    def __exit__(self, *_):
        scene.kept.discard(self.pid)
        if self.pidfd is not None:
            try:
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.ended()
            os.close(self.pidfd)
        if os.path.exists(f"{scene.state}/{self.id}"):
            self.call("delete", "--force", self.id)
        for fd in (self.reader, self.writer):
            if fd is not None:
                os.close(fd)
        end_children(5)
        for path in cgroups(self.id):
            for folder, _, _ in os.walk(path, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError as error:
                    if error.errno != errno.EBUSY:
                        raise
        for point in reversed(mounts_below(self.dir)):
            kernel.umount(point)
        shutil.rmtree(self.dir)


# Reaps all children but the containers of bundles; those that have not ended after `seconds` are named, ended and reaped.
def end_children(seconds):
    stuck = []
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="utf-8") as file:
        children = {int(word) for word in file.read().split()} - scene.kept
    for pid in children:
        pidfd = os.pidfd_open(pid)
        if not select.select([pidfd], [], [], seconds)[0]:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                stuck.append(f"{pid}: {file.read()!r}")
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            select.select([pidfd], [], [])
        os.close(pidfd)
        os.waitpid(pid, 0)
    return stuck


class Check(unittest.TestCase):
    """A check has a bundle; the parts of its config that most checks change have short names."""

    @classmethod
    def setUpClass(cls):
        set_up()

    def setUp(self):
        self.bundle = self.another()

    def another(self):
        return self.enterContext(Bundle())

    # Runs the container; its pid. Then the bundle is another one, whose container ends before the first.
    def then_another(self):
        pid = self.bundle.running()
        self.bundle = self.another()
        return pid

    config = property(lambda self: self.bundle.config)
    process = property(lambda self: self.bundle.config["process"])
    linux = property(lambda self: self.bundle.config["linux"])
    mounts = property(lambda self: self.bundle.config["mounts"])

    def namespaces(self, *kinds, **paths):
        self.linux["namespaces"] = [{"type": kind} for kind in kinds] + [{"type": kind, "path": path} for kind, path in paths.items()]

    # A user namespace beside the usual ones, with ids from 100000 on.
    def map_users(self):
        self.namespaces(*NEW, "user")
        self.linux["uidMappings"] = self.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]

    # runtime.md#create: what cannot be applied is an error, and no container is there.
    def refused(self, bundle=None, why=""):
        bundle = bundle or self.bundle
        done = bundle.try_create()
        self.assertNotEqual(done.returncode, 0, f"create worked: {why}")
        self.assertNotEqual(done.stderr, "", "an error without a word")
        self.no_trace(bundle)

    # The same for members of `process`, that a runtime may leave to start.
    def refused_at_start(self, bundle=None, why=""):
        bundle = bundle or self.bundle
        done = bundle.try_create()
        if done.returncode == 0:
            bundle.hold()
            done = bundle.call("start", bundle.id)
            self.assertNotEqual(done.returncode, 0, f"start worked: {why}")
        else:
            self.no_trace(bundle)

    def no_trace(self, bundle):
        self.assertEqual(end_children(5), [], "processes stay")
        self.assertEqual(bundle.traces(), [])
        self.assertFalse(bundle.exists())

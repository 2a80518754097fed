#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What went wrong once in the life cycle of containers: callers with odd signals, masks and limits,
and namespaces in odd company. Needs root."""

import ctypes
import io
import json
import os
import resource
import select
import signal
import sys
import tarfile
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

place = None
ID = f"life-{os.getpid()}"  # cgroups are the machine's
CLONE_NEWUSER = 0x10000000
MAP = [{"containerID": 0, "hostID": 100000, "size": 65536}]


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    os.makedirs(place.path("b/rootfs"))
    with tarfile.open(fileobj=io.BytesIO(Place.busybox())) as tar:
        tar.extractall(place.path("b/rootfs"))
    place.run("stave-oci spec --bundle b", check=True)


def tearDownModule():
    if place:
        place.close()


# A process that waits in a user namespace of its own.
class UserNamespace:
    def __enter__(self):
        ready, told = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            if ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0:
                os.write(told, b"x")
                signal.pause()
            os._exit(1)
        os.close(told)
        assert os.read(ready, 1) == b"x"
        os.close(ready)
        for file in ("uid_map", "gid_map"):
            with open(f"/proc/{self.pid}/{file}", "w", encoding="utf-8") as out:
                out.write("0 100000 65536\n")
        return f"/proc/{self.pid}/ns/user"

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class LifecycleTest(unittest.TestCase):
    def setUp(self):
        with open(place.path("b/config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        self.config["process"]["terminal"] = False
        self.addCleanup(self.check_nothing_is_left)

    def check_nothing_is_left(self):
        for one in (ID, ID + "-2"):
            place.run(f"stave-oci delete --force {one}", check=True)
        self.assertEqual(os.listdir(place.path("run/oci")), [])

    # Writes the config; `namespaces` are put in the place of those of the same type.
    def prepare(self, args, namespaces=(), **members):
        self.config["process"]["args"] = args
        linux = self.config["linux"]
        types = [one["type"] for one in namespaces]
        linux["namespaces"] = [one for one in linux["namespaces"] if one["type"] not in types] + list(namespaces)
        for key, value in members.items():
            (self.config if key in ("hooks", "mounts") else linux)[key] = value
        with open(place.path("b/c.json"), "w", encoding="utf-8") as out:
            json.dump(self.config, out)

    # Create has no pipes of ours, which the container would keep open.
    def do(self, command, code=0, **kwargs):
        done = place.run(command, timeout=60, **kwargs)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}{done.stderr}")
        return done

    def create(self, code=0, name=ID, **kwargs):
        return self.do(f"stave-oci create -b b --config b/c.json {name} > out 2>&1", code, **kwargs)

    def run_it(self, code=0, **kwargs):
        return self.do(f"stave-oci run -b b --config b/c.json {ID}", code, **kwargs)

    def pid(self, name=ID):
        return json.loads(self.do(f"stave-oci state {name}").stdout)["pid"]

    def test_a_caller_that_ignores_sigchld(self):
        def ignore():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)

        # Not through a shell, which may take it back.
        program = place.env["PATH"].split(":")[0] + "/stave-oci"
        self.prepare(["sh", "-c", "exit 7"])
        run = [program, "run", "-b", "b", "--config", "b/c.json", ID]
        self.do(run, 7, preexec_fn=ignore)
        self.prepare(["true"], hooks={"createRuntime": [{"path": "/bin/false"}]})
        self.assertIn("[E_HOOK]", self.do(run, 1, preexec_fn=ignore).stderr)

    def test_a_callers_umask_is_not_that_of_what_is_made(self):
        mounts = self.config["mounts"] + [
            {"destination": "/made/here", "type": "bind", "source": "/etc", "options": ["bind", "ro"]}]
        self.config["process"]["cwd"] = "/also/made"
        self.config["root"]["readonly"] = False
        self.prepare(["sh", "-c", "stat -c %a /made /also /also/made; umask"], mounts=mounts)
        self.assertEqual(self.run_it(preexec_fn=lambda: os.umask(0o077)).stdout, "755\n755\n755\n0022\n")

    # It may be the host's own: its ptmx was replaced, and a link at console taken away.
    def test_a_dev_that_is_bound_stays_as_it_is(self):
        os.mkdir(place.path("dev"))
        os.mkdir(place.path("dev/pts"))
        with open(place.path("dev/ptmx"), "w", encoding="utf-8") as out:
            out.write("the host's")
        os.symlink("/etc/passwd", place.path("dev/console"))
        mounts = [one for one in self.config["mounts"] if not one["destination"].startswith("/dev/") or one["destination"] == "/dev/pts"]
        mounts = [one for one in mounts if one["destination"] != "/dev"]
        mounts.insert(1, {"destination": "/dev", "type": "bind", "source": place.path("dev"), "options": ["rbind", "rw"]})
        self.prepare(["sh", "-c", "ls /dev; cat /dev/ptmx"], mounts=mounts)
        self.assertEqual(self.run_it().stdout, "console\nptmx\npts\nthe host's")
        self.config["process"]["terminal"] = True
        self.prepare(["true"], mounts=mounts)
        done = self.do(["script", "-qec", f"stave-oci run -b b --config b/c.json {ID}", "/dev/null"], 1)
        self.assertIn("/dev/console: is a symbolic link", done.stdout)
        self.assertEqual(sorted(os.listdir(place.path("dev"))), ["console", "ptmx", "pts"])

    def test_few_descriptors_are_an_error_and_no_hang(self):
        self.prepare(["true"], hooks={"createRuntime": [{"path": "/bin/true"}]})
        codes = set()
        for most in list(range(6, 50)) + [256]:
            limit = (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
            done = place.run(f"stave-oci create -b b --config b/c.json {ID} > out 2>&1", timeout=60,
                             preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_NOFILE, limit))
            codes.add(done.returncode)
            self.check_nothing_is_left()
        self.assertEqual(codes, {0, 1})

    def test_a_time_namespace_in_a_user_namespace(self):
        self.config["process"]["oomScoreAdj"] = 321
        self.prepare(["cat", "/proc/self/timens_offsets", "/proc/self/oom_score_adj"],
                     [{"type": "user"}, {"type": "time"}], uidMappings=MAP, gidMappings=MAP,
                     timeOffsets={"boottime": {"secs": 1000}})
        done = self.run_it()
        self.assertEqual(done.stdout.split()[-3:], ["1000", "0", "321"])
        self.assertEqual(done.stderr, "")

    def test_a_joined_user_namespace(self):
        self.config["process"]["oomScoreAdj"] = 321
        with UserNamespace() as path:
            self.prepare(["cat", "/proc/self/timens_offsets", "/proc/self/oom_score_adj"],
                         [{"type": "user", "path": path}, {"type": "time"}],
                         timeOffsets={"boottime": {"secs": 1000}})
            done = self.run_it()
        self.assertEqual(done.stdout.split()[-3:], ["1000", "0", "321"])
        self.assertEqual(done.stderr, "")

    # In a copy of ours, since the test would not survive the defect.
    def test_the_callers_own_mount_namespace_is_refused(self):
        self.prepare(["true"], [{"type": "mount", "path": "/proc/self/ns/mnt"}])
        done = self.do(["unshare", "--mount", "stave-oci", "run", "-b", "b", "--config", "b/c.json", ID], 1)
        self.assertIn("is the host's own mount namespace [E_DOCUMENT]", done.stderr)

    def test_a_container_that_waits_with_hooks_ends_at_sigterm(self):
        self.prepare(["true"], hooks={"startContainer": [{"path": "/bin/true"}]})
        self.create()
        pid = self.pid()
        # And nobody gets at our program through it.
        self.assertTrue(os.statvfs(f"/proc/{pid}/exe").f_flag & os.ST_RDONLY)
        pidfd = os.pidfd_open(pid)
        self.do(f"stave-oci kill {ID} TERM")
        self.assertTrue(has_ended(pidfd))
        os.close(pidfd)
        self.assertIn('"stopped"', self.do(f"stave-oci state {ID}").stdout)

    def test_a_stopped_containers_cgroup_is_not_taken_over(self):
        path = f"/stave/{ID}-shared"
        self.prepare(["sleep", "1000"], cgroupsPath=path)
        self.create()
        pidfd = os.pidfd_open(self.pid())
        self.do(f"stave-oci kill {ID} KILL")
        self.assertTrue(has_ended(pidfd))
        os.close(pidfd)
        self.create(1, ID + "-2")
        with open(place.path("out"), encoding="utf-8") as file:
            self.assertIn(f"{path}: is the cgroup of container {ID} [E_CGROUP]", file.read())
        self.do(f"stave-oci delete {ID}")
        self.create(name=ID + "-2")

    def test_a_container_killed_during_its_hooks(self):
        kill = "import json, os, sys; os.kill(json.load(sys.stdin)['pid'], 9)"
        self.prepare(["true"], hooks={"createRuntime": [{"path": "/usr/bin/python3", "args": ["python3", "-c", kill]}]})
        hint = "hint: a memory limit of less than 6m"
        done = self.run_it(1)
        self.assertIn("[E_KILLED]", done.stderr)
        self.assertNotIn(hint, done.stderr)
        self.prepare(["true"], resources={"memory": {"limit": 1 << 30}})
        self.assertIn(hint, self.run_it(1).stderr)

    def test_a_joined_pid_namespace_does_not_see_our_program(self):
        self.prepare(["sleep", "1000"])
        self.create()
        look = "import os; print(bool(os.statvfs(f'/proc/{os.getppid()}/exe').f_flag & os.ST_RDONLY), file=open('%s', 'w'))"
        hook = {"path": "/usr/bin/python3", "args": ["python3", "-c", look % place.path("seen")]}
        self.prepare(["true"], [{"type": "pid", "path": f"/proc/{self.pid()}/ns/pid"}], hooks={"createRuntime": [hook]})
        self.create(name=ID + "-2")
        with open(place.path("seen"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "True\n")


# Whether the process has ended, within a minute.
def has_ended(pidfd):
    return bool(select.select([pidfd], [], [], 60)[0])


if __name__ == "__main__":
    cases.main()

# SPDX-License-Identifier: Apache-2.0
"""config.md#process: the container's process, and the names that it sees."""

import fcntl
import os
import resource
import struct

from oci import kernel
from oci.bundle import Check

RLIMITS = ["RLIMIT_" + name for name in "AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NICE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK".split()]
RLIMIT_LOCKS, TIOCGPTN = 10, 0x80045430  # Python has no names for them
SETS = {"bounding": "CapBnd", "effective": "CapEff", "permitted": "CapPrm", "inheritable": "CapInh", "ambient": "CapAmb"}
CAP_CHOWN, CAP_KILL, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT = 1 << 0, 1 << 5, 1 << 10, 1 << 18


class Program(Check):
    def test_args(self):
        """config.md#process: args are the program's argv."""
        self.assertEqual(self.bundle.run("printf", "%s|", "a b", "", "$x", "\u00e9"), "a b||$x|\u00e9|")

    def test_env(self):
        """config.md#process: env is the whole environment, in its words."""
        self.process["env"] = ["ONE=1", "PATH=/bin", "TWO=a b=c", "EMPTY="]
        self.assertEqual(self.environment(), {"ONE": "1", "PATH": "/bin", "TWO": "a b=c", "EMPTY": ""})

    # What the runtime may add (runc sets HOME where it is missing) does not count.
    def environment(self):
        words = self.bundle.run("cat", "/proc/self/environ").split("\0")
        return {k: v for k, v in (w.split("=", 1) for w in words if w) if k != "HOME"}

    def test_no_env(self):
        """config.md#process: env is optional; nothing of the caller's comes in."""
        del self.process["env"]
        os.environ["CONFORMANCE_LEAK"] = "1"
        self.addCleanup(os.environ.pop, "CONFORMANCE_LEAK")
        self.process["args"] = ["/bin/cat", "/proc/self/environ"]
        self.assertNotIn("LEAK", self.bundle.run())

    def test_a_name_is_looked_up_in_the_containers_path(self):
        """config.md#process: args[0] as execvp's file: through PATH of env, in the container's files."""
        os.mkdir(self.bundle.rootfs + "/first")
        os.link(self.bundle.rootfs + "/bin/busybox", self.bundle.rootfs + "/first/readlink")
        self.process["env"] = ["PATH=/nowhere:/first:/bin"]
        self.assertEqual(self.bundle.run("readlink", "/proc/self/exe"), "/first/readlink\n")

    def test_a_file_that_cannot_be_executed_is_passed_over(self):
        """config.md#process, execvp(3): the search goes on after EACCES."""
        os.mkdir(self.bundle.rootfs + "/first")
        with open(self.bundle.rootfs + "/first/true", "w", encoding="utf-8") as file:
            file.write("no program")
        self.process["env"] = ["PATH=/first:/bin"]
        self.bundle.run("true")

    def test_a_name_with_a_slash_is_a_path(self):
        """config.md#process: a name with a slash is not looked up; a relative one starts at cwd."""
        self.process["cwd"] = "/bin"
        self.assertEqual(self.bundle.run("./echo", "here"), "here\n")

    def test_a_link_of_the_container_stays_inside(self):
        """config.md#process: args[0] names a file of the container."""
        os.symlink("/bin/busybox", self.bundle.rootfs + "/data/pwd")
        self.assertEqual(self.bundle.run("/data/pwd"), "/\n")

    def test_no_args(self):
        """config.md#process: at least one entry is required."""
        for value in ([], None):
            bundle = self.another()
            bundle.config["process"]["args"] = value
            self.refused_at_start(bundle, value)

    def test_cwd(self):
        """config.md#process: the program's working directory, as its user sees it."""
        self.process["cwd"] = "/data"
        self.assertEqual(self.bundle.run("pwd"), "/data\n")

    def test_cwd_in_a_mount(self):
        """config.md#process: cwd is looked up after the mounts."""
        os.makedirs(self.bundle.dir + "/volume/deep")
        self.mounts.append({"destination": "/data", "source": self.bundle.dir + "/volume", "options": ["bind"]})
        self.process["cwd"] = "/data/deep"
        self.assertEqual(self.bundle.run("pwd"), "/data/deep\n")

    def test_a_relative_cwd(self):
        """config.md#process: cwd must be an absolute path."""
        for value in ("data", ""):
            bundle = self.another()
            bundle.config["process"]["cwd"] = value
            self.refused_at_start(bundle, value)

    def test_the_exit_code_and_signals_are_the_programs(self):
        """runtime.md#lifecycle 8, 10: the container process is the program itself."""
        self.bundle.sh("exit 42", code=42)


class Terminal(Check):
    def attach(self):
        self.process["terminal"] = True
        path = self.bundle.dir + "/console.sock"
        receiver = kernel.Receiver(path)
        self.addCleanup(receiver.close)
        self.bundle.create("--console-socket", path)
        _, fds, _ = receiver.take(until_closed=False)
        self.assertEqual(len(fds), 1)
        self.bundle.start()
        return fds[0]

    # All that is written to the terminal until its last user has gone, or until `end` has been written.
    def read(self, master, end=b"\0"):
        text = b""
        while end not in text:
            kernel.wait_readable(master, "output on the terminal")
            try:
                text += os.read(master, 65536)
            except OSError:
                break
        return text.decode().replace("\r\n", "\n")

    def test_standard_streams(self):
        """config.md#process: the pty is stdin, stdout and stderr, and the controlling terminal."""
        self.process["args"] = ["sh", "-c", "tty; test -t 0 && test -t 1 && test -t 2 && echo all > /dev/tty; read line; echo got $line"]
        master = self.attach()
        os.write(master, b"typed\n")
        text = self.read(master)
        self.assertRegex(text, r"/dev/(pts/\d+|console)\n")
        self.assertIn("all\n", text)
        self.assertIn("got typed\n", text)

    def test_console_size(self):
        """config.md#process: consoleSize is the size of the terminal."""
        self.process["consoleSize"] = {"height": 33, "width": 77}
        self.process["args"] = ["stty", "size"]
        self.assertIn("33 77\n", self.read(self.attach()))

    def test_console_device(self):
        """config-linux.md#default-devices: /dev/console is the pty."""
        self.process["args"] = ["sh", "-c", "stat -c '%F %t' /dev/console; echo through > /dev/console; [ $(stat -c %t:%T /dev/console) = $(stat -Lc %t:%T /dev/stdin) ] && echo same"]
        text = self.read(self.attach())
        self.assertIn("character special file 88\n", text)
        self.assertIn("through\n", text)
        self.assertIn("same\n", text)

    def test_the_pty_is_the_containers(self):
        """config-linux.md#default-devices, config.md#process: the terminal lies in the container's own devpts."""
        self.process["args"] = ["sh", "-c", "ls /dev/pts; echo end; exec sleep 1000"]
        master = self.attach()
        self.assertEqual(struct.unpack("I", fcntl.ioctl(master, TIOCGPTN, b"\0" * 4))[0], 0)
        self.assertEqual(self.read(master, b"end").split(), ["0", "ptmx", "end"])

    def test_the_user_owns_it(self):
        """config.md#process: a program that is not root can use its terminal."""
        self.process["user"] = {"uid": 1000, "gid": 1000}
        self.process["args"] = ["sh", "-c", "echo mine > /dev/tty; echo also > /proc/self/fd/1; stat -Lc owner:%u /dev/stdin"]
        text = self.read(self.attach())
        self.assertIn("mine\n", text)
        self.assertIn("also\n", text)
        self.assertIn("owner:1000\n", text)

    def test_in_a_user_namespace(self):
        """config.md#process: the same with mapped ids."""
        self.map_users()
        self.process["args"] = ["sh", "-c", "stat -Lc owner:%u /dev/stdin; echo fine > /dev/tty"]
        text = self.read(self.attach())
        self.assertIn("owner:0\n", text)
        self.assertIn("fine\n", text)

    def test_size_without_a_terminal(self):
        """config.md#process: consoleSize must be ignored without terminal."""
        self.process["consoleSize"] = {"height": 33, "width": 77}
        self.bundle.sh("[ ! -t 0 ]")

    def test_a_terminal_without_a_socket(self):
        """runtime.md#create: a detached terminal that nobody can take is an error."""
        self.process["terminal"] = True
        self.refused()


class Rlimits(Check):
    def test_every_type(self):
        """config.md#posix-process: rlim_cur and rlim_max are the configured values."""
        wanted = {}
        for name in RLIMITS:
            _, hard = resource.getrlimit(getattr(resource, name, RLIMIT_LOCKS))
            hard = (1 << 40) if hard < 0 else hard
            wanted[name] = (hard - hard // 8, hard)
        self.process["rlimits"] = [{"type": name, "soft": soft, "hard": hard} for name, (soft, hard) in wanted.items()]
        pid = self.bundle.running()
        self.assertEqual({n: resource.prlimit(pid, getattr(resource, n, RLIMIT_LOCKS)) for n in RLIMITS}, wanted)

    def test_zero_and_unlimited(self):
        """config.md#posix-process: 0 is a limit, 2^64-1 is none."""
        self.process["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}, {"type": "RLIMIT_CPU", "soft": 2**64 - 1, "hard": 2**64 - 1}]
        pid = self.bundle.running()
        self.assertEqual((resource.prlimit(pid, resource.RLIMIT_CORE), resource.prlimit(pid, resource.RLIMIT_CPU)), ((0, 0), (-1, -1)))

    def test_an_unknown_type(self):
        """config.md#posix-process: what no kernel interface has is an error."""
        for name in ("RLIMIT_NONSENSE", "nofile", ""):
            bundle = self.another()
            bundle.config["process"]["rlimits"] = [{"type": name, "soft": 1, "hard": 1}]
            self.refused_at_start(bundle, name)

    def test_a_type_twice(self):
        """config.md#posix-process: duplicated entries are an error."""
        self.process["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}] * 2
        self.refused_at_start()

    def test_soft_above_hard(self):
        """config.md#posix-process: cannot be set, so an error."""
        self.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 200, "hard": 100}]
        self.refused_at_start()


class Privileges(Check):
    def status(self):
        return kernel.status(self.bundle.running())

    def sets(self):
        status = self.status()
        return {name: int(status[key], 16) for name, key in SETS.items()}

    def test_five_sets(self):
        """config.md#linux-process: each set holds what is listed and nothing else."""
        self.process["capabilities"] = {
            "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT"],
            "permitted": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"], "effective": ["CAP_CHOWN", "CAP_NET_BIND_SERVICE"],
            "inheritable": ["CAP_KILL", "CAP_NET_BIND_SERVICE"], "ambient": ["CAP_NET_BIND_SERVICE"]}
        # A program of another user keeps its ambient set only; the runtime set the others before execve.
        self.process["user"] = {"uid": 1000, "gid": 1000}
        self.assertEqual(self.sets(), {
            "bounding": CAP_CHOWN | CAP_KILL | CAP_NET_BIND_SERVICE | CAP_SYS_CHROOT, "permitted": CAP_NET_BIND_SERVICE,
            "effective": CAP_NET_BIND_SERVICE, "inheritable": CAP_KILL | CAP_NET_BIND_SERVICE, "ambient": CAP_NET_BIND_SERVICE})

    def test_root_has_what_is_bounded(self):
        """config.md#linux-process: for root execve gives bounding and inheritable, and no more."""
        self.process["capabilities"] = {"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN", "CAP_KILL"]}
        self.assertEqual(self.sets(), {"bounding": CAP_CHOWN | CAP_KILL, "permitted": CAP_CHOWN | CAP_KILL,
                                       "effective": CAP_CHOWN | CAP_KILL, "inheritable": 0, "ambient": 0})

    def test_none(self):
        """config.md#linux-process: empty sets are empty."""
        self.process["capabilities"] = {name: [] for name in SETS}
        self.assertEqual(self.sets(), dict.fromkeys(SETS, 0))

    def test_an_unknown_capability(self):
        """config.md#linux-process: a name that the kernel has not is a warning, not an error."""
        self.process["capabilities"] = {"bounding": ["CAP_CHOWN", "CAP_NONSENSE"], "permitted": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"]}
        self.assertEqual(self.sets()["bounding"], CAP_CHOWN)

    def test_a_capability_that_the_runtime_lacks(self):
        """config.md#linux-process: what cannot be granted is a warning; the runtime should not fail."""
        lacking = [n for n, bit in (("CAP_SYS_RESOURCE", 24), ("CAP_SYS_MODULE", 16)) if not int(kernel.status()["CapPrm"], 16) >> bit & 1]
        if not lacking:
            self.skipTest("this machine's root has every capability")
        self.process["capabilities"] = {name: ["CAP_CHOWN", *lacking] for name in ("bounding", "permitted", "effective", "inheritable", "ambient")}
        self.assertEqual(self.sets(), dict.fromkeys(SETS, CAP_CHOWN))

    def test_no_new_privileges(self):
        """config.md#linux-process: set when true, not set when false or absent."""
        for value, seen in ((True, "1"), (False, "0"), (None, "0")):
            self.bundle = self.another()
            if value is not None:
                self.process["noNewPrivileges"] = value
            self.assertEqual(self.status()["NoNewPrivs"], seen)

    def test_user_and_group(self):
        """config.md#posix-platform-user: uid and gid, real, effective, saved and of the file system."""
        self.process["user"] = {"uid": 1234, "gid": 5678}
        status = self.status()
        self.assertEqual((status["Uid"].split(), status["Gid"].split()), (["1234"] * 4, ["5678"] * 4))
        self.assertLessEqual(set(status["Groups"].split()), {"5678"})

    def test_additional_groups(self):
        """config.md#posix-platform-user: additionalGids are the supplementary groups."""
        self.process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [7, 4242, 100]}
        self.assertEqual({int(g) for g in self.status()["Groups"].split()} - {1000}, {7, 100, 4242})

    def test_the_callers_groups_stay_outside(self):
        """config.md#posix-platform-user: no group but those of the config."""
        self.process["args"] = ["cat", "/proc/self/status"]
        self.bundle.create(extra_groups=[31337])
        self.bundle.start()
        self.assertNotIn("31337", kernel.parse_status(self.bundle.read())["Groups"])

    def test_users_of_a_user_namespace(self):
        """config.md#posix-platform-user: ids are those in the container."""
        self.map_users()
        self.process["user"] = {"uid": 10, "gid": 20, "additionalGids": [30]}
        status = self.status()
        self.assertEqual((status["Uid"].split()[0], status["Gid"].split()[0]), ("100010", "100020"))
        self.assertIn("100030", status["Groups"].split())

    def test_umask(self):
        """config.md#posix-platform-user: umask is set, 0 too."""
        for value in (0o077, 0):
            self.bundle = self.another()
            self.process["user"]["umask"] = value
            self.assertEqual(int(self.status()["Umask"], 8), value)

    def test_no_umask(self):
        """config.md#posix-platform-user: without one it should be the calling process's."""
        self.process["args"] = ["cat", "/proc/self/status"]
        self.bundle.create(umask=0o027)
        self.bundle.start()
        self.assertEqual(kernel.parse_status(self.bundle.read())["Umask"], "0027")

    def test_oom_score(self):
        """config.md#linux-process: oomScoreAdj is set."""
        self.process["oomScoreAdj"] = 345
        self.assertEqual(self.oom_score(self.bundle.running()), 345)

    def test_no_oom_score(self):
        """config.md#linux-process: without it the value is not changed."""
        def adjust():
            with open("/proc/self/oom_score_adj", "w", encoding="utf-8") as file:
                file.write("456")
        self.process["args"] = ["cat", "/proc/self/oom_score_adj"]
        self.bundle.create(preexec_fn=adjust)
        self.bundle.start()
        self.assertEqual(self.bundle.read(), "456\n")

    def oom_score(self, pid):
        with open(f"/proc/{pid}/oom_score_adj", encoding="utf-8") as file:
            return int(file.read())


class Scheduling(Check):
    def scheduling(self, **scheduler):
        self.bundle = self.another()
        self.process["scheduler"] = scheduler
        if "priority" in scheduler and os.path.exists("/sys/fs/cgroup/cpu/cpu.rt_runtime_us"):
            # With CONFIG_RT_GROUP_SCHED a new cgroup has no time for such processes.
            self.linux["resources"] = {"cpu": {"realtimeRuntime": 100000, "realtimePeriod": 1000000}}
        return kernel.scheduling(self.bundle.running())

    def test_policies(self):
        """config.md#linux-process: policy, nice and priority of `scheduler`."""
        for policy, number, nice in (("SCHED_OTHER", 0, 5), ("SCHED_BATCH", 3, 7), ("SCHED_IDLE", 5, 0), ("SCHED_OTHER", 0, -3)):
            seen = self.scheduling(policy=policy, nice=nice)
            self.assertEqual((seen["policy"], seen["nice"]), (number, nice))

    def test_real_time_policies(self):
        """config.md#linux-process: static priority of SCHED_FIFO and SCHED_RR; a flag."""
        for policy, number in (("SCHED_FIFO", 1), ("SCHED_RR", 2)):
            seen = self.scheduling(policy=policy, priority=11, flags=["SCHED_FLAG_RESET_ON_FORK"])
            self.assertEqual((seen["policy"], seen["priority"], seen["flags"] & 1), (number, 11, 1))

    def test_bad_values(self):
        """config.md#valid-values: an unknown policy, flag or priority is an error."""
        for scheduler in ({"policy": "SCHED_NONSENSE"}, {"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_NONSENSE"]},
                          {"policy": "SCHED_FIFO", "priority": 100}, {"policy": "SCHED_OTHER", "nice": 40}, {"policy": "SCHED_DEADLINE"}):
            bundle = self.another()
            bundle.config["process"]["scheduler"] = scheduler
            self.refused_at_start(bundle, scheduler)

    def test_io_priority(self):
        """config.md#linux-process: class and priority of ioPriority."""
        for name, number, priority in (("IOPRIO_CLASS_RT", 1, 2), ("IOPRIO_CLASS_BE", 2, 7), ("IOPRIO_CLASS_IDLE", 3, 0)):
            self.bundle = self.another()
            self.process["ioPriority"] = {"class": name, "priority": priority}
            self.assertEqual(kernel.io_priority(self.bundle.running()), (number, priority))

    def test_bad_io_priorities(self):
        """config.md#valid-values: an unknown class, or a priority outside 0 to 7, is an error."""
        for value in ({"class": "IOPRIO_CLASS_NONSENSE", "priority": 0}, {"class": "IOPRIO_CLASS_BE", "priority": 8}, {"class": "IOPRIO_CLASS_BE", "priority": -1}):
            bundle = self.another()
            bundle.config["process"]["ioPriority"] = value
            self.refused_at_start(bundle, value)

    def test_affinity_of_exec_only(self):
        """config.md#linux-process: execCPUAffinity does not apply to the container's first process, but to exec's."""
        self.process["execCPUAffinity"] = {"initial": "0", "final": "0"}
        pid = self.bundle.running()
        self.assertEqual(os.sched_getaffinity(pid), os.sched_getaffinity(0))
        if os.sched_getaffinity(0) == {0}:
            self.skipTest("one processor")
        self.assertEqual(self.bundle.must("exec", self.bundle.id, "nproc").stdout, b"1\n")


class Names(Check):
    def test_host_name(self):
        """config.md#hostname: in the container's UTS namespace only."""
        before = os.uname().nodename
        self.config["hostname"] = "mrsdalloway"
        self.assertEqual(self.bundle.run("hostname"), "mrsdalloway\n")
        self.assertEqual(os.uname().nodename, before)

    def test_domain_name(self):
        """config.md#domainname: in the container's UTS namespace."""
        self.config["domainname"] = "foobarbaz.test"
        self.assertEqual(self.bundle.run("cat", "/proc/sys/kernel/domainname"), "foobarbaz.test\n")

    def test_none(self):
        """config.md#hostname: without it the new namespace keeps the runtime's name."""
        self.assertEqual(self.bundle.run("hostname"), os.uname().nodename + "\n")

# SPDX-License-Identifier: Apache-2.0
"""config-linux.md#seccomp, by a program that makes the calls (syscall_probe)."""

import errno
import fcntl
import json
import struct

from oci import kernel
from oci.bundle import Check

# sched_get_priority_max(2) has no side effect and takes any number: 99 for SCHED_FIFO, EINVAL for one without meaning.
NAME, NUMBER, FIFO = "sched_get_priority_max", 146, 1
CALL = f"{NUMBER}:{FIFO}"
UNTOUCHED = "99 0\n"
LSEEK = 8  # with the descriptor -1 it fails with EBADF, whatever the 64-bit offset
NOTIF_RECV, NOTIF_SEND = 0xC0502100, 0xC0182101
WRONG = 5000  # an errno that nobody else gives


class SeccompCheck(Check):
    def rule(self, action="SCMP_ACT_ERRNO", name=NAME, **members):
        return {"names": [name], "action": action, **members}

    def filter(self, *rules, **members):
        self.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": list(rules), **members}

    def probe(self, *words, code=0):
        return self.bundle.run("syscall_probe", *words, code=code)


class Actions(SeccompCheck):
    def test_allow(self):
        """config-linux.md#seccomp: SCMP_ACT_ALLOW as the default; the filter is there."""
        self.filter(self.rule(name="acct"))
        self.process["args"] = ["cat", "/proc/self/status"]
        self.assertEqual(kernel.parse_status(self.bundle.run())["Seccomp"], "2")

    def test_errno(self):
        """config-linux.md#seccomp: SCMP_ACT_ERRNO, EPERM unless errnoRet says another."""
        self.filter(self.rule())
        self.assertEqual(self.probe(CALL), f"-1 {errno.EPERM}\n")

    def test_errno_with_a_value(self):
        """config-linux.md#seccomp: errnoRet, 0 too."""
        self.filter(self.rule(errnoRet=77), self.rule(name="getpriority", errnoRet=0))
        self.assertEqual(self.probe(CALL, "140:0:0"), "-1 77\n0 0\n")

    def test_default_errno(self):
        """config-linux.md#seccomp: defaultErrnoRet for what no rule names."""
        allowed = ["execve", "execveat", "exit_group", "exit", "write", "read", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64",
                   "readlinkat", "readlink", "getrandom", "brk", "mprotect", "newfstatat", "fstat", "mmap", "munmap", "close", "close_range", "fcntl",
                   "capset", "capget", "prctl", "openat", "openat2", "open", "getdents64", "futex", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "madvise",
                   "setuid", "setgid", "setgroups", "setresuid", "setresgid", "chdir", "fstatfs", "getpid", "gettid", "nanosleep", "epoll_ctl", "epoll_pwait", "ppoll", "poll", "tgkill",
                   "sched_yield", "getppid", "faccessat2", "faccessat", "access", "umask", "stat", "lstat", "dup", "dup3", "uname", "kill", "clone", "clone3", "wait4", "waitid",
                   "seccomp", "landlock_create_ruleset", "lseek", "statx", "pread64", "eventfd2", "epoll_create1", "keyctl", "personality", "setsid", "getuid", "geteuid", "getgid", "getegid", "getcwd", "sched_getaffinity"]
        self.filter({"names": allowed, "action": "SCMP_ACT_ALLOW"}, defaultAction="SCMP_ACT_ERRNO", defaultErrnoRet=78)
        self.assertEqual(self.probe(CALL), "-1 78\n")

    def test_kill(self):
        """config-linux.md#seccomp: SCMP_ACT_KILL and KILL_THREAD end the thread, and so a program of one thread."""
        for action in ("SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD"):
            self.bundle = self.another()
            self.filter(self.rule(action))
            self.assertEqual(self.probe(CALL, code=-31), "")
            self.bundle = self.another()
            self.filter(self.rule(action))
            self.assertEqual(self.probe("-t", CALL), "alive\n")

    def test_kill_process(self):
        """config-linux.md#seccomp: SCMP_ACT_KILL_PROCESS ends all threads."""
        self.filter(self.rule("SCMP_ACT_KILL_PROCESS"))
        self.assertEqual(self.probe("-t", CALL, code=-31), "")

    def test_trap(self):
        """config-linux.md#seccomp: SCMP_ACT_TRAP sends SIGSYS."""
        self.filter(self.rule("SCMP_ACT_TRAP"))
        self.assertRegex(self.probe("-s", CALL), r"^SIGSYS \d+\n")

    def test_trace(self):
        """config-linux.md#seccomp: SCMP_ACT_TRACE tells a tracer errnoRet; without a tracer the call fails with ENOSYS."""
        self.filter(self.rule("SCMP_ACT_TRACE", errnoRet=1234))
        self.assertEqual(self.probe("-p", CALL), "TRACE 1234\n" + UNTOUCHED)
        self.bundle = self.another()
        self.filter(self.rule("SCMP_ACT_TRACE", errnoRet=1234))
        self.assertEqual(self.probe(CALL), f"-1 {errno.ENOSYS}\n")

    def test_log(self):
        """config-linux.md#seccomp: SCMP_ACT_LOG lets the call through."""
        self.filter(self.rule("SCMP_ACT_LOG"))
        self.assertEqual(self.probe(CALL), UNTOUCHED)

    def test_errno_of_an_action_without_one(self):
        """config-linux.md#seccomp: errnoRet or defaultErrnoRet with an action that has none is an error."""
        for action in ("SCMP_ACT_ALLOW", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_LOG"):
            self.bundle = self.another()
            self.filter(self.rule(action, errnoRet=5), defaultAction="SCMP_ACT_ERRNO" if action == "SCMP_ACT_ALLOW" else "SCMP_ACT_ALLOW")
            self.refused(why=action)
        self.bundle = self.another()
        self.filter(self.rule(), defaultErrnoRet=5)
        self.refused(why="defaultErrnoRet")

    def test_unknown_words(self):
        """config-linux.md#seccomp, config.md#valid-values: unknown actions, operators, architectures and flags are errors."""
        self.filters = (
            lambda: self.filter(defaultAction="SCMP_ACT_NONSENSE"), lambda: self.filter(self.rule("SCMP_ACT_NONSENSE")),
            lambda: self.filter(self.rule(args=[{"index": 0, "value": 1, "op": "SCMP_CMP_NONSENSE"}])),
            lambda: self.filter(self.rule(), architectures=["SCMP_ARCH_NONSENSE"]), lambda: self.filter(self.rule(), flags=["SECCOMP_FILTER_FLAG_NONSENSE"]),
            lambda: self.filter(self.rule(args=[{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}])))
        for number, change in enumerate(self.filters):
            self.bundle = self.another()
            change()
            self.refused(why=number)

    def test_a_rule_without_names(self):
        """config-linux.md#seccomp: names must contain at least one entry."""
        self.filter({"names": [], "action": "SCMP_ACT_ERRNO"})
        self.refused()

    def test_a_call_that_this_kernel_has_not(self):
        """What engines rely on: names that are unknown here are passed over (profiles serve many kernels)."""
        self.filter(self.rule(name="no_such_call"), self.rule())
        self.assertEqual(self.probe(CALL), f"-1 {errno.EPERM}\n")

    def test_the_filter_binds_the_program(self):
        """config-linux.md#seccomp: loaded with and without noNewPrivileges, for root and for others."""
        for no_new_privileges in (False, True):
            for uid in (0, 1000):
                self.bundle = self.another()
                self.filter(self.rule())
                self.process["noNewPrivileges"] = no_new_privileges
                self.process["user"] = {"uid": uid, "gid": uid}
                self.process["capabilities"] = {}
                self.assertEqual(self.probe(CALL), f"-1 {errno.EPERM}\n")

    def test_another_architecture(self):
        """config-linux.md#seccomp: calls of an architecture that is not listed do not pass."""
        self.filter(self.rule(), architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"])
        self.assertEqual(self.probe(CALL, f"{NUMBER | 0x40000000}:{FIFO}"), f"-1 {errno.EPERM}\n" * 2)


class Operators(SeccompCheck):
    # Which of these offsets, given to lseek, the rule catches.
    def caught(self, offsets, *conditions):
        self.bundle = self.another()
        self.filter(self.rule(name="lseek", errnoRet=WRONG % 4096, args=list(conditions)))
        out = self.probe(*[f"{LSEEK}:-1:{offset}:0" for offset in offsets])
        return [offset for offset, line in zip(offsets, out.splitlines()) if line == f"-1 {WRONG % 4096}"]

    def check_operator(self, op, want, value=1 << 33):
        near = [0, 1, value - 1, value, value + 1, value + (1 << 33), (1 << 63) + 5]
        self.assertEqual(self.caught(near, {"index": 1, "value": value, "op": op}), [n for n in near if want(n, value)])

    def test_ne(self):
        """config-linux.md#seccomp: SCMP_CMP_NE on all 64 bits."""
        self.check_operator("SCMP_CMP_NE", lambda a, b: a != b)

    def test_lt(self):
        """config-linux.md#seccomp: SCMP_CMP_LT, unsigned."""
        self.check_operator("SCMP_CMP_LT", lambda a, b: a < b)

    def test_le(self):
        """config-linux.md#seccomp: SCMP_CMP_LE."""
        self.check_operator("SCMP_CMP_LE", lambda a, b: a <= b)

    def test_eq(self):
        """config-linux.md#seccomp: SCMP_CMP_EQ."""
        self.check_operator("SCMP_CMP_EQ", lambda a, b: a == b)

    def test_ge(self):
        """config-linux.md#seccomp: SCMP_CMP_GE."""
        self.check_operator("SCMP_CMP_GE", lambda a, b: a >= b)

    def test_gt(self):
        """config-linux.md#seccomp: SCMP_CMP_GT."""
        self.check_operator("SCMP_CMP_GT", lambda a, b: a > b)

    def test_masked_eq(self):
        """config-linux.md#seccomp: SCMP_CMP_MASKED_EQ: value is the mask, valueTwo what is left."""
        near = [0, 0x10, 0x1F, 0x20, 0x110, (1 << 40) + 0x10]
        self.assertEqual(self.caught(near, {"index": 1, "value": 0xF0, "valueTwo": 0x10, "op": "SCMP_CMP_MASKED_EQ"}), [n for n in near if n & 0xF0 == 0x10])

    def test_conditions_hold_together(self):
        """config-linux.md#seccomp: conditions on several arguments of one rule must all hold."""
        self.filter(self.rule(name="lseek", errnoRet=77, args=[{"index": 1, "value": 5, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 1, "op": "SCMP_CMP_EQ"}]))
        self.assertEqual(self.probe(f"{LSEEK}:-1:5:1", f"{LSEEK}:-1:5:0", f"{LSEEK}:-1:6:1"), "-1 77\n" + f"-1 {errno.EBADF}\n" * 2)

    def test_rules_are_alternatives(self):
        """config-linux.md#seccomp: several rules for one call: any of them."""
        self.filter(*[self.rule(name="lseek", errnoRet=77, args=[{"index": 1, "value": v, "op": "SCMP_CMP_EQ"}]) for v in (5, 6)])
        self.assertEqual(self.probe(*[f"{LSEEK}:-1:{v}:0" for v in (5, 6, 7)]), "-1 77\n" * 2 + f"-1 {errno.EBADF}\n")


class Flags(SeccompCheck):
    def test_flags(self):
        """config-linux.md#seccomp: LOG, SPEC_ALLOW and TSYNC are taken."""
        for flags in (["SECCOMP_FILTER_FLAG_LOG"], ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"], ["SECCOMP_FILTER_FLAG_TSYNC"], []):
            self.bundle = self.another()
            self.filter(self.rule(), flags=flags)
            self.assertEqual(self.probe(CALL), f"-1 {errno.EPERM}\n", flags)

    def test_spec_allow(self):
        """config-linux.md#seccomp: with SPEC_ALLOW the kernel leaves speculation alone."""
        key = "Speculation_Store_Bypass"
        self.filter(self.rule(), flags=["SECCOMP_FILTER_FLAG_SPEC_ALLOW"])
        self.process["args"] = ["cat", "/proc/self/status"]
        self.assertEqual(kernel.parse_status(self.bundle.run())[key], kernel.status()[key])


class Listener(SeccompCheck):
    def listen(self, **members):
        path = self.bundle.dir + "/agent.sock"
        self.receiver = kernel.Receiver(path)
        self.addCleanup(self.receiver.close)
        self.filter(self.rule("SCMP_ACT_NOTIFY"), listenerPath=path, **members)
        self.process["args"] = ["syscall_probe", CALL]

    # Answers the next call of the listener `fd` with an errno; the call's number and first argument.
    def answer(self, fd, error):
        kernel.wait_readable(fd, "a call for the listener")
        request = bytearray(80)
        fcntl.ioctl(fd, NOTIF_RECV, request)
        identity, _, _, number = struct.unpack_from("=QIIi", request)
        fcntl.ioctl(fd, NOTIF_SEND, bytearray(struct.pack("=QqiI", identity, 0, -error, 0)))
        return number, struct.unpack_from("=Q", request, 32)[0]

    def test_state_and_descriptor(self):
        """config-linux.md#the-container-process-state: one per connection, the descriptor with the first message, then closed."""
        self.config["annotations"] = {"com.example.key": "value"}
        self.listen(listenerMetadata="opaque data")
        self.bundle.create()
        self.bundle.start()
        text, fds, late = self.receiver.take()
        state = json.loads(text)
        self.assertEqual((state["fds"], len(fds), late), (["seccompFd"], 1, []))
        self.assertEqual((state["pid"], state["metadata"]), (self.bundle.pid, "opaque data"))
        self.assertRegex(state["ociVersion"], r"^1\.")
        inner = state["state"]
        self.assertEqual((inner["id"], inner["bundle"], inner["pid"]), (self.bundle.id, self.bundle.dir, self.bundle.pid))
        self.assertIn(inner["status"], ("creating", "created"))
        self.assertEqual(inner["annotations"].get("com.example.key"), "value")
        self.assertEqual(self.answer(fds[0], 88), (NUMBER, FIFO))
        self.assertEqual(self.bundle.read(), "-1 88\n")
        self.assertTrue(self.receiver.is_idle())

    def test_with_no_new_privileges(self):
        """config-linux.md#seccomp: the same for a program that may gain nothing, of another user."""
        self.listen()
        self.process["noNewPrivileges"] = True
        self.process["user"] = {"uid": 1000, "gid": 1000}
        self.bundle.create()
        self.bundle.start()
        _, fds, _ = self.receiver.take()
        self.assertEqual(self.answer(fds[0], 89), (NUMBER, FIFO))
        self.assertEqual(self.bundle.read(), "-1 89\n")

    def test_nobody_listens(self):
        """config-linux.md#seccomp: that the state cannot be sent is an error."""
        self.filter(self.rule("SCMP_ACT_NOTIFY"), listenerPath=self.bundle.dir + "/nowhere.sock")
        self.refused_at_start()

    def test_no_path(self):
        """config-linux.md#seccomp: NOTIFY without listenerPath cannot be applied."""
        self.filter(self.rule("SCMP_ACT_NOTIFY"))
        self.refused()

    def test_metadata_without_a_path(self):
        """config-linux.md#seccomp: listenerMetadata must not be set if listenerPath is not."""
        self.filter(self.rule(), listenerMetadata="x")
        self.refused()

    def test_a_path_without_notify(self):
        """config-linux.md#seccomp: listenerPath is ignored if no action is NOTIFY."""
        self.filter(self.rule(), listenerPath=self.bundle.dir + "/nowhere.sock")
        self.assertEqual(self.probe(CALL), f"-1 {errno.EPERM}\n")

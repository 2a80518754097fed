#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a container is by default, read back from the kernel: the hardening table of threats-and-faults.md
(table 2), a test for each row that applies. docs/security.md says which default differs from the table's
proposal, and why. Needs root."""

import os
import sys
import unittest

sys.path[:0] = ["tests", "tests/threats"]
import cases
from ground import NsRunSkin, OciSkin, break_ground

ground = None
DOCKER = 0xa80425fb
MIB = 1 << 20


def setUpModule():
    global ground
    ground = break_ground()


class Table:
    def sh(self, script, **kwargs):
        return self.ok("plain", ["sh", "-c", script], **kwargs)

    def status(self, name, **kwargs):
        return self.sh(f"grep ^{name}: /proc/self/status", **kwargs).split()[1]

    def test_capabilities(self):
        self.assertEqual(int(self.status("CapBnd"), 16), DOCKER)
        self.assertEqual(int(self.status("CapBnd", options=["--cap-drop", "ALL", "--cap-add", "CHOWN"]), 16), 1)

    def test_inheritable_and_ambient(self):
        self.assertEqual(self.sh("grep -E '^Cap(Inh|Amb):' /proc/self/status | tr -d '0\\t\\n'"), "CapInh:CapAmb:")

    def test_seccomp_default_action(self):
        self.assertEqual(self.status("Seccomp"), "2")
        for number, want in (("165", "EPERM"), ("600", "ENOSYS"), ("435", "ENOSYS")):  # mount, one of the future, clone3
            self.assertEqual(self.ok("plain", ["/probe", "call", number]), want + "\n")

    def mounts(self, **kwargs):
        found = {}
        for line in self.sh("cat /proc/self/mountinfo", **kwargs).splitlines():
            words = line.split()
            rest = words[words.index("-") + 1:]
            found[words[4]] = (set(words[5].split(",")), rest[0], rest[2], words[6:words.index("-")])
        return found

    def test_mounts_and_sys(self):
        mounts = self.mounts()
        for path, flags in {"/proc": "nosuid nodev noexec", "/sys": "ro nosuid nodev noexec", "/sys/fs/cgroup": "ro nosuid nodev noexec",
                            "/dev": "nosuid", "/dev/pts": "nosuid noexec",
                            "/dev/shm": "nosuid nodev noexec", "/dev/mqueue": "nosuid nodev noexec", "/proc/sys": "ro nosuid nodev noexec"}.items():
            self.assertLessEqual(set(flags.split()), mounts[path][0], path)
        for path, (_, kind, _, peers) in mounts.items():
            if path.startswith("/sys/fs/cgroup/"):
                self.assertLessEqual({"ro", "nosuid", "nodev", "noexec"}, mounts[path][0], path)
            self.assertEqual([word for word in peers if word.startswith(("shared", "master"))], [], f"{path} {kind}: nothing travels")

    def test_dev_shm(self):
        flags, kind, options, _ = self.mounts()["/dev/shm"]
        self.assertEqual(kind, "tmpfs")
        self.assertIn("size=65536k", options)

    def test_devices(self):
        self.assertEqual(self.sh("cd /dev; ls | tr '\\n' ' '"), "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero ")
        self.assertEqual(self.sh("cd /dev; stat -c '%n %t:%T %a %u' full null random tty urandom zero"),
                         "full 1:7 666 0\nnull 1:3 666 0\nrandom 1:8 666 0\ntty 5:0 666 0\nurandom 1:9 666 0\nzero 1:5 666 0\n")
        self.assertEqual(self.sh("mknod /tmp/t c 10 200; cat /tmp/t 2>&1; true"), "cat: can't open '/tmp/t': Operation not permitted\n")

    def test_namespaces(self):
        inside = dict(line.split() for line in self.sh("for n in ipc uts mnt pid net cgroup user time; do echo $n $(readlink /proc/self/ns/$n); done").splitlines())
        for name, where in inside.items():
            mine = os.readlink(f"/proc/self/ns/{name}")
            (self.assertEqual if name in ("user", "time") else self.assertNotEqual)(where, mine, name)

    def test_pids_limit_and_memory(self):
        limits = self.sh("cd /sys/fs/cgroup; cat pids/pids.max memory/memory.limit_in_bytes 2>/dev/null || cat pids.max memory.max").split()
        self.assertEqual(limits[0], "4096")
        self.assertTrue(limits[1] == "max" or int(limits[1]) > 1 << 60)

    def test_umask(self):
        for mask in (0o000, 0o077):
            self.assertEqual(self.sh("umask", preexec_fn=lambda: os.umask(mask)), "0022\n")

    def test_supplementary_groups(self):
        self.assertLessEqual(set(self.sh("grep ^Groups: /proc/self/status", preexec_fn=lambda: os.setgroups([4, 27])).split()[1:]), {"0"})

    def test_no_new_privs(self):
        self.assertEqual(self.status("NoNewPrivs"), "0")
        self.assertEqual(self.status("NoNewPrivs", options=["--security-opt", "no-new-privileges"]), "1")
        self.assertEqual(self.status("Seccomp", options=["--security-opt", "no-new-privileges"]), "2")

    def test_rootfs(self):
        self.assertNotIn("ro", self.mounts()["/"][0])
        self.assertEqual(self.sh("touch /file /bin/file && echo writable"), "writable\n")
        only = ["--read-only"]
        self.assertIn("ro", self.mounts(options=only)["/"][0])
        self.assertEqual(self.sh("touch /file2 2>/dev/null || touch /proc/x 2>/dev/null || touch /dev/shm/x && echo shm", options=only), "shm\n")

    def test_sysctls_and_limits_are_not_raised(self):
        self.assertEqual(self.sh("cat /proc/sys/kernel/core_pattern"), open("/proc/sys/kernel/core_pattern", encoding="utf-8").read())
        inside = self.sh("cat /proc/self/limits").splitlines()
        with open("/proc/self/limits", encoding="utf-8") as file:
            self.assertEqual(inside, file.read().splitlines())

    def test_a_session_of_its_own(self):
        self.assertEqual(self.sh("cut -d ' ' -f 5,6 /proc/1/stat 2>/dev/null || sed 's/.*) //' /proc/1/stat").split()[0], "1")


class NsRun(Table, NsRunSkin, unittest.TestCase):
    pass


class StaveOci(Table, OciSkin, unittest.TestCase):
    pass


if __name__ == "__main__":
    cases.main()

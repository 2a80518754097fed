# SPDX-License-Identifier: Apache-2.0
"""features.md and features-linux.md: what `features` says, and that create takes what it names."""

import json
import os

from oci import kernel
from oci.bundle import Check, runtime

# libseccomp puts no two orders of bytes into one filter.
BIG_ENDIAN = ["SCMP_ARCH_" + a for a in "MIPS MIPS64 MIPS64N32 PARISC PARISC64 PPC PPC64 S390 S390X M68K SHEB".split()]
MUST_OPTIONS = ("async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec noiversion "
                "nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave runbindable rw "
                "shared silent slave strictatime suid sync unbindable").split()


class Features(Check):
    def features(self):
        done = self.bundle.must("features")
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout)

    def test_versions(self):
        """features.md#specification-version: both are there, in order, and create takes them."""
        features = self.features()
        order = [[int(word) for word in features[name].split("-")[0].split(".")] for name in ("ociVersionMin", "ociVersionMax")]
        self.assertLessEqual(order[0], order[1])
        for name in ("ociVersionMin", "ociVersionMax"):
            bundle = self.another()
            bundle.config["ociVersion"] = features[name]
            bundle.create()

    def test_hooks_of_the_list(self):
        """features.md#hooks: all six."""
        self.assertEqual(set(self.features()["hooks"]), {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"})

    def test_mount_options_of_the_list(self):
        """features.md#mount-options: each is taken for a flag, not for the file system's data."""
        options = self.features()["mountOptions"]
        self.assertEqual([o for o in MUST_OPTIONS if o not in options], [])
        plain = [o for o in options if o not in ("remount", "idmap", "ridmap", "bind", "rbind", "tmpcopyup")]
        for number, option in enumerate(plain):
            self.mounts.append({"destination": f"/data/{number}", "type": "tmpfs", "source": "x", "options": [option]})
        self.bundle.create()

    def test_namespaces_of_the_list(self):
        """features-linux.md#namespaces: each is recognised."""
        self.assertLessEqual({"cgroup", "ipc", "mount", "network", "pid", "user", "uts"}, set(self.features()["linux"]["namespaces"]))
        self.map_users()
        self.linux["namespaces"] = [{"type": kind} for kind in self.features()["linux"]["namespaces"]]
        self.bundle.create()

    def test_capabilities_of_the_list(self):
        """features-linux.md#capabilities: all that this kernel has, and each is recognised."""
        names = self.features()["linux"]["capabilities"]
        with open("/proc/sys/kernel/cap_last_cap", encoding="utf-8") as file:
            self.assertEqual(len(names), int(file.read()) + 1)
        own = int(kernel.status()["CapBnd"], 16)
        self.process["capabilities"]["bounding"] = [n for i, n in enumerate(names) if own >> i & 1]
        self.bundle.running()
        self.assertEqual(int(kernel.status(self.bundle.pid)["CapBnd"], 16), own)

    def test_seccomp_words_of_the_list(self):
        """features-linux.md#seccomp: actions, operators, archs and flags are recognised."""
        seccomp = self.features()["linux"]["seccomp"]
        self.assertTrue(seccomp["enabled"])
        actions = [a for a in seccomp["actions"] if a != "SCMP_ACT_NOTIFY"]
        calls = ["kexec_load", "acct", "swapon", "swapoff", "reboot", "settimeofday", "quotactl", "nfsservctl", "lookup_dcookie"]
        rules = [{"names": [call], "action": action} for call, action in zip(calls, actions)]
        rules += [{"names": ["vhangup"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": op}]} for op in seccomp["operators"]]
        self.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [a for a in seccomp["archs"] if a not in BIG_ENDIAN], "syscalls": rules,
                                 "flags": [f for f in seccomp.get("supportedFlags", []) if f != "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}
        self.bundle.run("true")

    def test_types_of_members(self):
        """features.md: members that are there have the type of their section."""
        linux = self.features()["linux"]
        for path in ("cgroup.v1", "cgroup.v2", "cgroup.systemd", "seccomp.enabled", "apparmor.enabled", "selinux.enabled",
                     "intelRdt.enabled", "mountExtensions.idmap.enabled", "netDevices.enabled"):
            value = linux
            for name in path.split("."):
                value = (value or {}).get(name)
            self.assertIn(type(value), (bool, type(None)), path)

    def test_needs_no_machine(self):
        """features.md: fixed when the runtime is built: the same without /proc, /sys and a state directory."""
        words = ["unshare", "-m", "sh", "-c", "mount -t tmpfs x /sys && mount -t tmpfs x /proc && exec \"$@\"", "sh", runtime(), "--root", "/nowhere", "features"]
        with open(self.bundle.dir + "/features", "w+", encoding="utf-8") as out:
            pid = os.posix_spawnp("unshare", words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)])
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
            out.seek(0)
            self.assertEqual(json.load(out), self.features())

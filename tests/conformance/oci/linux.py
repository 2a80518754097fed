# SPDX-License-Identifier: Apache-2.0
"""config.md: version, annotations, extensibility; config-linux.md: namespaces, id mappings, clocks, Intel RDT, memory
policy, sysctl, personality."""

import os
import subprocess

from oci import bundle as bundles
from oci import kernel
from oci.bundle import NEW, Check

EVERY = ("cgroup", "ipc", "mount", "network", "pid", "uts")


class Config(Check):
    def test_versions(self):
        """config.md#specification-version: each version that this one is compatible with."""
        for version in ("1.0.0", "1.0.2-dev", "1.0.2", "1.1.0", "1.2.1"):
            self.bundle = self.another()
            self.config["ociVersion"] = version
            self.bundle.create()

    def test_bad_versions(self):
        """config.md#specification-version: required, SemVer 2.0.0, and of a major version that is supported."""
        for version in (None, "", "1", "one", "1.0.0.0", "2.0.0"):
            bundle = self.another()
            bundle.config["ociVersion"] = version
            if version is None:
                del bundle.config["ociVersion"]
            self.refused(bundle, version)

    def test_no_json(self):
        """config.md: a config that is no JSON object is an error."""
        for text in ("", "{", "[]", "null", '{"ociVersion": "1.0.2"'):
            with open(self.bundle.dir + "/config.json", "w", encoding="utf-8") as file:
                file.write(text)
            self.assertNotEqual(self.bundle.call("create", "--bundle", self.bundle.dir, self.bundle.id).returncode, 0, text)
            self.no_trace(self.bundle)

    def test_members_of_the_wrong_type(self):
        """config.md#valid-values: an invalid value is an error."""
        for change in ({"hostname": 5}, {"root": "rootfs"}, {"mounts": {}}, {"process": []}, {"linux": {"namespaces": "pid"}},
                       {"hooks": {"prestart": {}}}, {"annotations": []}):
            bundle = self.another()
            bundle.config.update(change)
            self.refused(bundle, change)

    def test_unknown_members(self):
        """config.md#extensibility: are ignored, wherever they stand."""
        for owner in (self.config, self.process, self.process["user"], self.linux, self.mounts[0], self.config["root"]):
            owner["com.example.unknown"] = {"deep": [1, "two", None]}
        self.linux["resources"] = {"unknown": 1, "memory": {"unknown": True}}
        self.bundle.run("true")

    def test_other_platforms(self):
        """config.md#platform-specific-configuration: what is not for Linux is ignored here."""
        self.config["windows"] = {"layerFolders": ["x"]}
        self.config["solaris"] = {"milestone": "x"}
        self.bundle.run("true")

    def test_unknown_annotations(self):
        """config.md#annotations: unknown keys are ignored like any other unknown property."""
        self.config["annotations"] = {"com.example.x": "", "org.opencontainers.image.os": "linux"}
        self.bundle.run("true")

    def test_bad_annotations(self):
        """config.md#annotations: keys must not be empty, values must be strings."""
        for value in ({"": "x"}, {"com.example": 5}, {"com.example": {"a": "b"}}):
            bundle = self.another()
            bundle.config["annotations"] = value
            self.refused(bundle, value)


class Namespaces(Check):
    def test_new(self):
        """config-linux.md#namespaces: without a path a new namespace of each type."""
        self.namespaces(*EVERY)
        inside, outside = kernel.namespaces(self.bundle.running()), kernel.namespaces()
        self.assertEqual([kind for kind in EVERY if inside[kind] == outside[kind]], [])
        self.assertEqual([inside[kind] for kind in ("time", "user")], [outside[kind] for kind in ("time", "user")])

    def test_inherited(self):
        """config-linux.md#namespaces: types that are not listed are the runtime's."""
        self.namespaces("mount")
        inside, outside = kernel.namespaces(self.bundle.running()), kernel.namespaces()
        self.assertEqual([kind for kind in inside if inside[kind] != outside[kind]], ["mount"])

    # Where the mount namespace is not new, nothing is mounted but what is there already: /proc here.
    def proc_only(self):
        self.config["mounts"] = []
        kernel.mount("proc", self.bundle.rootfs + "/proc", "proc", 0)

    def test_an_inherited_mount_namespace(self):
        """config-linux.md#namespaces: also the mount namespace, if none is listed."""
        self.namespaces("pid")
        self.proc_only()
        self.process["args"] = ["sleep", "1000"]
        self.bundle.create()
        self.bundle.start()
        self.assertEqual(kernel.namespaces(self.bundle.pid)["mount"], kernel.namespaces()["mount"])

    def test_by_path(self):
        """config-linux.md#namespaces: the process is placed in the namespace that is named."""
        self.namespaces(*EVERY)
        pid = self.then_another()
        kinds = [k for k in EVERY if k != "mount"]
        self.namespaces("mount", **{k: f"/proc/{pid}/ns/{kernel.NAMESPACES[k]}" for k in kinds})
        inside, there = kernel.namespaces(self.bundle.running()), kernel.namespaces(pid)
        self.assertEqual([k for k in kinds if inside[k] != there[k]], [])

    def test_a_mount_namespace_by_path(self):
        """config-linux.md#namespaces: a mount namespace, too; it holds the runtime's tree here."""
        self.proc_only()
        # It waits without opening anything more: a runtime may change the root of the namespace under it.
        holder = subprocess.Popen(["unshare", "-m", "--propagation", "unchanged", "sh", "-c", "echo up; read line"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(holder.communicate)
        self.addCleanup(holder.kill)
        holder.stdout.readline()
        self.namespaces("pid", "uts", mount=f"/proc/{holder.pid}/ns/mnt")
        self.process["args"] = ["sleep", "1000"]
        bundles.scene.kept.add(holder.pid)
        self.bundle.create()
        self.bundle.start()
        self.assertEqual(kernel.namespaces(self.bundle.pid)["mount"], kernel.namespaces(holder.pid)["mount"])

    def test_a_user_namespace_by_path(self):
        """config-linux.md#namespaces: a user namespace, with its mappings."""
        self.map_users()
        pid = self.then_another()
        self.namespaces(*NEW, user=f"/proc/{pid}/ns/user")
        inside, there = kernel.namespaces(self.bundle.running("id -u > /dev/null")), kernel.namespaces(pid)
        self.assertEqual(inside["user"], there["user"])
        self.assertEqual(kernel.status(self.bundle.pid)["Uid"].split()[0], "100000")

    def test_a_path_of_another_type(self):
        """config-linux.md#namespaces: a path that is not a namespace of that type is an error."""
        for kind, path in (("network", "/proc/self/ns/ipc"), ("ipc", "/proc/self/ns/net"), ("uts", "/proc/self/ns/pid"),
                           ("pid", "/proc/self/ns/uts"), ("network", "/etc/passwd"), ("network", "/nowhere"), ("cgroup", "/proc/self/ns/uts")):
            self.bundle = self.another()
            kinds = [k for k in NEW if k != kind]
            self.namespaces(*kinds, **{kind: path})
            self.refused(why=(kind, path))

    def test_a_relative_path(self):
        """config-linux.md#namespaces: path must be absolute."""
        os.symlink("/proc/self/ns/net", self.bundle.dir + "/net")
        self.namespaces(*NEW, network="net")
        self.refused()

    def test_a_type_twice(self):
        """config-linux.md#namespaces: duplicated types are an error."""
        for kind in ("pid", "network"):
            self.bundle = self.another()
            self.namespaces(*NEW, *([kind] * (1 if kind in NEW else 2)))
            self.refused(why=kind)

    def test_an_unknown_type(self):
        """config.md#valid-values: an error."""
        self.namespaces(*NEW, "nonsense")
        self.refused()

    def test_the_process_is_the_first_of_a_new_pid_namespace(self):
        """config-linux.md#namespaces: it sees the processes of its own namespace only."""
        self.assertEqual(self.bundle.sh("echo $$; cd /proc; for p in [0-9]*; do [ $p -lt 50 ] || echo $p; done").split(), ["1"])

    def test_a_private_cgroup_view(self):
        """config-linux.md#namespaces: in a cgroup namespace the container's cgroup is the root."""
        self.namespaces(*NEW, "cgroup")
        paths = {line.rsplit(":", 1)[1] for line in self.bundle.run("cat", "/proc/self/cgroup").splitlines()}
        self.assertEqual(paths, {"/"})

    def test_a_new_network_has_its_loopback(self):
        """config-linux.md#namespaces: a network stack of its own; what engines rely on: its loopback is up."""
        self.namespaces(*NEW, "network")
        pid = self.bundle.running()
        shown = subprocess.run(["nsenter", "-t", str(pid), "-n", "ip", "-o", "addr", "show", "up"], stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual({line.split()[1] for line in shown.stdout.splitlines()}, {"lo"})


class UserNamespaces(Check):
    def test_mappings(self):
        """config-linux.md#user-namespace-mappings: uidMappings and gidMappings of the config, several lines."""
        self.map_users()
        self.linux["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1000}, {"containerID": 1000, "hostID": 300000, "size": 5}]
        self.linux["gidMappings"] = [{"containerID": 0, "hostID": 200000, "size": 2000}]
        out = self.bundle.sh("cat /proc/self/uid_map; echo /; cat /proc/self/gid_map").split()
        self.assertEqual(out, "0 100000 1000 1000 300000 5 / 0 200000 2000".split())

    def test_ownership_is_left_alone(self):
        """config-linux.md#user-namespace-mappings: files of the rootfs keep their owner."""
        self.map_users()
        before = {name: os.lstat(f"{self.bundle.rootfs}/{name}").st_uid for name in ("", "bin/busybox", "etc", "root", "tmp")}
        self.bundle.run("true")
        self.assertEqual({name: os.lstat(f"{self.bundle.rootfs}/{name}").st_uid for name in before}, before)

    def test_root_there_is_not_root_here(self):
        """config-linux.md#namespaces: ids are remapped, and what root makes belongs to the mapped id."""
        self.map_users()
        os.chmod(self.bundle.rootfs + "/data", 0o777)
        self.assertEqual(self.bundle.sh("id -u; touch /data/x; stat -c %u /data/x").split(), ["0", "0"])
        self.assertEqual(os.stat(self.bundle.rootfs + "/data/x").st_uid, 100000)

    def test_devices(self):
        """config-linux.md#default-devices: are there in a user namespace, too."""
        self.map_users()
        self.bundle.sh("for d in null zero full random urandom tty; do [ -c /dev/$d ] || exit 3; done; echo x > /dev/null; head -c1 /dev/zero | wc -c")

    def test_without_a_namespace(self):
        """config-linux.md#user-namespace-mappings: mappings without a user namespace cannot be applied."""
        self.linux["uidMappings"] = self.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        self.refused()

    def test_mappings_that_the_kernel_refuses(self):
        """config-linux.md#user-namespace-mappings: overlapping ranges are an error."""
        self.map_users()
        self.linux["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 10}, {"containerID": 5, "hostID": 200000, "size": 10}]
        self.refused()


class Clocks(Check):
    def test_offsets(self):
        """config-linux.md#offset-for-time-namespace: secs and nanosecs for boottime and monotonic."""
        self.namespaces(*NEW, "time")
        self.linux["timeOffsets"] = {"boottime": {"secs": 10000000}, "monotonic": {"secs": 86400, "nanosecs": 500000000}}
        out = self.bundle.sh("cat /proc/uptime; cat /proc/self/timens_offsets").split()
        self.assertGreater(float(out[0]), 10000000)
        self.assertEqual(out[2:], "monotonic 86400 500000000 boottime 10000000 0".split())

    def test_a_new_namespace(self):
        """config-linux.md#namespaces: a time namespace without offsets."""
        self.namespaces(*NEW, "time")
        self.assertNotEqual(kernel.namespaces(self.bundle.running())["time"], kernel.namespaces()["time"])

    def test_by_path(self):
        """config-linux.md#namespaces: a time namespace by its path."""
        self.namespaces(*NEW, "time")
        pid = self.then_another()
        self.namespaces(*NEW, time=f"/proc/{pid}/ns/time")
        self.assertEqual(kernel.namespaces(self.bundle.running())["time"], kernel.namespaces(pid)["time"])

    def test_offsets_without_a_namespace(self):
        """config-linux.md#offset-for-time-namespace: cannot be applied, so an error."""
        self.linux["timeOffsets"] = {"boottime": {"secs": 10}}
        self.refused()

    def test_an_unknown_clock(self):
        """config.md#valid-values: an error."""
        self.namespaces(*NEW, "time")
        self.linux["timeOffsets"] = {"realtime": {"secs": 10}}
        self.refused()


class Others(Check):
    def test_intel_rdt_without_resctrl(self):
        """config-linux.md#intelrdt: without a mounted resctrl an error."""
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            if " resctrl " in file.read():
                self.skipTest("resctrl is mounted")
        self.linux["intelRdt"] = {"closID": "group", "l3CacheSchema": "L3:0=f"}
        self.refused()

    def test_labels_without_a_module(self):
        """config.md#linux-process: apparmorProfile and selinuxLabel that cannot be applied are errors."""
        for name, sign in (("apparmorProfile", "/sys/kernel/security/apparmor"), ("selinuxLabel", "/sys/fs/selinux/enforce")):
            if not os.path.exists(sign):
                bundle = self.another()
                bundle.config["process"][name] = "system_u:system_r:svirt_t:s0"
                self.refused_at_start(bundle, name)

    def test_memory_policy(self):
        """config-linux.md#memory-policy: applied, or an error."""
        self.linux["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0"}
        self.process["args"] = ["sh", "-c", "echo it-is-up; exec sleep 1000"]
        if self.bundle.try_create().returncode != 0:
            return self.no_trace(self.bundle)
        self.bundle.hold()
        self.bundle.start()
        self.bundle.line()
        with open(f"/proc/{self.bundle.pid}/numa_maps", encoding="utf-8") as file:
            self.assertIn("bind:0", file.read())

    def test_bad_memory_policies(self):
        """config.md#valid-values: an unknown mode or flag, or nodes that the mode cannot have, are errors."""
        for policy in ({"mode": "MPOL_NONSENSE"}, {"mode": "MPOL_BIND"}, {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_NONSENSE"]}, {"mode": "MPOL_BIND", "nodes": "x"}):
            bundle = self.another()
            bundle.config["linux"]["memoryPolicy"] = policy
            self.refused(bundle, policy)

    def test_sysctl(self):
        """config-linux.md#sysctl: kernel parameters of the container."""
        self.namespaces(*NEW, "network")
        self.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9001", "kernel.shm_rmid_forced": "1"}
        out = self.bundle.run("cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax", "/proc/sys/kernel/shm_rmid_forced")
        self.assertEqual(out.split(), ["1", "9001", "1"])

    def test_a_sysctl_that_is_none(self):
        """config-linux.md#sysctl: what cannot be applied is an error."""
        self.namespaces(*NEW, "network")
        for name, value in (("net.ipv4.nonsense", "1"), ("kernel.msgmax", "nonsense"), ("nonsense", "1")):
            bundle = self.another()
            bundle.config["linux"]["namespaces"] = list(self.linux["namespaces"])
            bundle.config["linux"]["sysctl"] = {name: value}
            self.refused(bundle, name)

    def test_personality(self):
        """config-linux.md#personality: LINUX32 shows a 32-bit machine, LINUX the real one."""
        for domain, machine in (("LINUX32", "00000008"), ("LINUX", "00000000")):
            self.bundle = self.another()
            self.linux["personality"] = {"domain": domain}
            pid = self.bundle.running()
            with open(f"/proc/{pid}/personality", encoding="utf-8") as file:
                self.assertEqual(file.read().strip(), machine)

    def test_bad_personalities(self):
        """config-linux.md#personality: another domain, or any flag, is an error."""
        for value in ({"domain": "NONSENSE"}, {"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}, {}):
            bundle = self.another()
            bundle.config["linux"]["personality"] = value
            self.refused(bundle, value)

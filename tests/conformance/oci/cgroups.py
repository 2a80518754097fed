# SPDX-License-Identifier: Apache-2.0
"""config-linux.md#control-groups, on the v1 controllers of this machine."""

import os
import stat

from oci.bundle import NEW, Check, cgroups

TOP = "/sys/fs/cgroup"


# The numbers of a block device, whichever; None if there is none.
def a_disk():
    for name in sorted(os.listdir("/sys/block")) if os.path.isdir("/sys/block") else []:
        with open(f"/sys/block/{name}/dev", encoding="utf-8") as file:
            return file.read().strip()
    return None


DENY, ALLOW = {"allow": False, "access": "rwm"}, {"allow": True, "access": "rwm"}
FUSE = {"type": "c", "major": 10, "minor": 229}


class CgroupCheck(Check):
    def setUp(self):
        super().setUp()
        if not os.path.isdir(TOP + "/memory"):
            self.skipTest("the controllers are v2's; tests/vm has those")

    # Creates with these resources; then the file of the container's cgroup.
    def limited(self, **resources):
        self.linux["resources"] = resources
        self.bundle.create()
        return self.bundle

    def value(self, controller, name, bundle=None):
        with open(f"{TOP}/{controller}/{(bundle or self.bundle).id}/{controller}.{name}", encoding="utf-8") as file:
            return file.read().strip()

    def exists(self, controller, name):
        return any(name in files for _, _, files in os.walk(f"{TOP}/{controller}"))

    # Without the kernel's file a value cannot be applied: an error.
    def applied_or_refused(self, controller, file, want, **resources):
        self.linux["resources"] = resources
        if os.path.exists(f"{TOP}/{controller}/{file}") or self.exists(controller, file):
            self.bundle.create()
            self.assertEqual(self.value(controller, file.removeprefix(controller + ".")), want)
        else:
            self.refused(why=f"there is no {file}")


class CgroupPaths(CgroupCheck):
    def test_an_absolute_path(self):
        """config-linux.md#cgroups-path: relative to the mount point, the same place in each hierarchy."""
        self.linux["cgroupsPath"] = f"/{self.bundle.id}/deep/er"
        pid = self.bundle.running()
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            places = {line.split(":")[1]: line.strip().split(":", 2)[2] for line in file}
        want = f"/{self.bundle.id}/deep/er"
        self.assertEqual({name: path for name, path in places.items() if path != want and name in ("memory", "cpu", "pids", "devices", "freezer", "cpuset", "blkio")}, {})

    def test_a_relative_path(self):
        """config-linux.md#cgroups-path: the same value, the same place."""
        places = []
        for _ in range(2):
            self.bundle = self.another()
            self.linux["cgroupsPath"] = f"stave-conf-relative-{os.getpid()}"
            pid = self.bundle.running()
            with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
                places.append(sorted(line.strip().split(":", 1)[1] for line in file))
            self.bundle.kill("KILL")
            self.bundle.ended()
            self.bundle.delete()
        self.assertEqual(places[0], places[1])
        self.assertIn("stave-conf-relative", str(places[0]))

    def test_no_path(self):
        """config-linux.md#cgroups-path: optional; limits are applied all the same."""
        del self.linux["cgroupsPath"]
        self.linux["resources"] = {"memory": {"limit": 67108864}}
        pid = self.bundle.running()
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            path = next(line.strip().split(":", 2)[2] for line in file if ":memory:" in line)
        with open(f"{TOP}/memory{path}/memory.limit_in_bytes", encoding="utf-8") as file:
            self.assertEqual(file.read(), "67108864\n")
        self.assertNotEqual(path, "/")

    def test_no_resources(self):
        """config-linux.md#control-groups: resources may be absent."""
        self.linux.pop("resources", None)
        self.bundle.create()
        self.assertNotEqual(cgroups(self.bundle.id), [])

    def test_ownership(self):
        """config-linux.md#cgroup-ownership: is not changed on v1, also not for a user namespace."""
        self.map_users()
        self.linux["namespaces"].append({"type": "cgroup"})
        self.bundle.create()
        self.assertEqual({os.stat(path).st_uid for path in cgroups(self.bundle.id)}, {0})


    def test_the_cgroups_as_a_mount(self):
        """config.md#mounts: the type cgroup shows the container's own cgroups, here read-only, as engines ask for it."""
        self.linux["namespaces"].append({"type": "cgroup"})
        self.linux["resources"] = {"memory": {"limit": 67108864}}
        self.mounts.append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]})
        out = self.bundle.sh("cat /sys/fs/cgroup/memory/memory.limit_in_bytes; exec 2>/dev/null; echo 1 > /sys/fs/cgroup/memory/memory.limit_in_bytes || echo read-only")
        self.assertEqual(out.split(), ["67108864", "read-only"])


class Limits(CgroupCheck):
    def test_memory(self):
        """config-linux.md#memory: limit, reservation, swap, swappiness."""
        self.limited(memory={"limit": 67108864, "reservation": 33554432, "swappiness": 7})
        self.assertEqual([self.value("memory", n) for n in ("limit_in_bytes", "soft_limit_in_bytes", "swappiness")], ["67108864", "33554432", "7"])

    def test_memory_and_swap(self):
        """config-linux.md#memory: swap is the limit of both."""
        self.applied_or_refused("memory", "memory.memsw.limit_in_bytes", "134217728", memory={"limit": 67108864, "swap": 134217728})

    def test_swap_below_the_limit(self):
        """config-linux.md#memory: cannot be applied, so an error."""
        self.linux["resources"] = {"memory": {"limit": 67108864, "swap": 33554432}}
        self.refused()

    def test_unlimited_memory(self):
        """config-linux.md#memory: -1 is unlimited."""
        self.limited(memory={"limit": -1, "reservation": -1, "swap": -1})
        self.assertGreater(int(self.value("memory", "limit_in_bytes")), 1 << 62)

    def test_the_oom_killer(self):
        """config-linux.md#memory: disableOOMKiller."""
        self.limited(memory={"limit": 67108864, "disableOOMKiller": True})
        self.assertIn("oom_kill_disable 1", self.value("memory", "oom_control"))

    def test_the_limit_holds(self):
        """config-linux.md#memory: who takes more is killed."""
        self.linux["resources"] = {"memory": {"limit": 8388608, "swap": 8388608}}
        self.mounts.append({"destination": "/data", "type": "tmpfs", "source": "x"})
        self.bundle.sh("dd if=/dev/zero of=/data/x bs=1M count=64 2>/dev/null; [ $? != 0 ]")

    def test_cpu(self):
        """config-linux.md#cpu: shares, quota, period, burst."""
        self.limited(cpu={"shares": 512, "quota": 50000, "period": 100000})
        self.assertEqual([self.value("cpu", n) for n in ("shares", "cfs_quota_us", "cfs_period_us")], ["512", "50000", "100000"])

    def test_cpu_burst(self):
        """config-linux.md#cpu: burst."""
        self.applied_or_refused("cpu", "cpu.cfs_burst_us", "10000", cpu={"quota": 50000, "period": 100000, "burst": 10000})

    def test_cpu_idle(self):
        """config-linux.md#cpu: idle."""
        self.applied_or_refused("cpu", "cpu.idle", "1", cpu={"idle": 1})

    def test_no_quota(self):
        """config-linux.md#cpu: a negative quota is none."""
        self.limited(cpu={"quota": -1, "period": 50000})
        self.assertEqual((self.value("cpu", "cfs_quota_us"), self.value("cpu", "cfs_period_us")), ("-1", "50000"))

    def test_real_time(self):
        """config-linux.md#cpu: realtimeRuntime and realtimePeriod, or an error where the kernel has none."""
        self.applied_or_refused("cpu", "cpu.rt_runtime_us", "0", cpu={"realtimeRuntime": 0, "realtimePeriod": 900000})

    def test_cpuset(self):
        """config-linux.md#cpu: cpus and mems."""
        self.linux["resources"] = {"cpu": {"cpus": "0", "mems": "0"}}
        pid = self.bundle.running()
        self.assertEqual((self.value("cpuset", "cpus"), self.value("cpuset", "mems")), ("0", "0"))
        self.assertEqual(os.sched_getaffinity(pid), {0})

    def test_a_cpu_that_is_not_there(self):
        """config-linux.md#cpu: cannot be applied, so an error."""
        self.linux["resources"] = {"cpu": {"cpus": "4000"}}
        self.refused()

    def test_pids(self):
        """config-linux.md#pids: limit."""
        self.limited(pids={"limit": 12})
        self.assertEqual(self.value("pids", "max"), "12")

    def test_unlimited_pids(self):
        """config-linux.md#pids: -1 is max."""
        self.limited(pids={"limit": -1})
        self.assertEqual(self.value("pids", "max"), "max")

    def test_no_pids(self):
        """config-linux.md#pids: 0 is a limit and should be treated as such."""
        self.linux["resources"] = {"pids": {"limit": 0}}
        if self.bundle.try_create().returncode == 0:
            self.bundle.hold()
            self.assertEqual(self.value("pids", "max"), "0")
        else:
            self.no_trace(self.bundle)

    def test_throttles(self):
        """config-linux.md#block-io: the four throttles."""
        disk = a_disk()
        if disk is None:
            self.skipTest("no block device")
        major, minor = (int(n) for n in disk.split(":"))
        names = {"throttleReadBpsDevice": "read_bps_device", "throttleWriteBpsDevice": "write_bps_device",
                 "throttleReadIOPSDevice": "read_iops_device", "throttleWriteIOPSDevice": "write_iops_device"}
        self.limited(blockIO={member: [{"major": major, "minor": minor, "rate": 1048576 + n}] for n, member in enumerate(names)})
        self.assertEqual([self.value("blkio", "throttle." + file) for file in names.values()], [f"{major}:{minor} {1048576 + n}" for n in range(4)])

    def test_weight(self):
        """config-linux.md#block-io: weight, or an error where the kernel has none."""
        name = "blkio.weight" if self.exists("blkio", "blkio.weight") else "blkio.bfq.weight"
        self.applied_or_refused("blkio", name, "500", blockIO={"weight": 500})

    def test_huge_pages(self):
        """config-linux.md#huge-page-limits: applied where there is a controller, else an error."""
        self.linux["resources"] = {"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}
        if self.bundle.try_create().returncode != 0:
            return self.no_trace(self.bundle)
        self.bundle.hold()
        found = []
        for path in cgroups(self.bundle.id):
            for name in os.listdir(path):
                if name.startswith("hugetlb.2MB.") and ("limit_in_bytes" in name or name.endswith("max")):
                    with open(f"{path}/{name}", encoding="utf-8") as file:
                        found.append(file.read().strip())
        self.assertIn("4194304", found)

    def test_huge_pages_of_no_size(self):
        """config-linux.md#huge-page-limits: pageSize must match one of the kernel's."""
        self.linux["resources"] = {"hugepageLimits": [{"pageSize": "3MB", "limit": 4194304}]}
        self.refused()

    def test_network_class(self):
        """config-linux.md#network: applied, or an error where net_cls is absent."""
        if os.path.isdir(TOP + "/net_cls"):
            self.limited(network={"classID": 1048577})
            self.assertEqual(self.value("net_cls", "classid"), "1048577")
        else:
            self.linux["resources"] = {"network": {"classID": 1048577}}
            self.refused()

    def test_rdma(self):
        """config-linux.md#rdma: an error where the controller or the device is absent."""
        self.linux["resources"] = {"rdma": {"nosuchdevice": {"hcaHandles": 3}}}
        self.refused()

    def test_unified_of_a_missing_controller(self):
        """config-linux.md#unified: a controller that is not there is an error."""
        self.linux["resources"] = {"unified": {"nosuchcontroller.max": "1"}}
        self.refused()

    def test_unified_of_a_v1_controller(self):
        """config-linux.md#unified: a controller that v2 does not have here cannot be set there."""
        if os.path.exists(TOP + "/unified/cgroup.controllers"):
            with open(TOP + "/unified/cgroup.controllers", encoding="utf-8") as file:
                if "pids" in file.read():
                    self.skipTest("pids is a v2 controller here")
        self.linux["resources"] = {"unified": {"pids.max": "11"}}
        self.refused()


class DeviceRules(CgroupCheck):
    # Whether the payload can open /dev/fuse's device for reading and for writing, and loop control's for reading. mknod
    # alone is always granted: the rules that runc adds for all containers say so, and engines rely on it.
    def opens(self, *rules):
        self.bundle = self.another()
        for name, minor in (("fuse", 229), ("loop-control", 237)):
            os.mknod(f"{self.bundle.rootfs}/data/{name}", stat.S_IFCHR | 0o666, os.makedev(10, minor))
        self.linux["resources"] = {"devices": list(rules)}
        out = self.bundle.sh("cd /data; exec 2>/dev/null; true < fuse; echo $?; true > fuse; echo $?; true < loop-control; echo $?")
        return "".join(letter if word == "0" else "-" for letter, word in zip("rwl", out.split()))

    def setUp(self):
        super().setUp()
        with open("/proc/misc", encoding="utf-8") as file:
            if not {"fuse", "loop-control"} <= set(file.read().split()):
                self.skipTest("no fuse or loop devices to try")

    def test_order(self):
        """config-linux.md#allowed-device-list: entries are applied in the listed order."""
        self.assertEqual(self.opens(DENY, {"allow": True, **FUSE, "access": "rwm"}), "rw-")
        self.assertEqual(self.opens({"allow": True, **FUSE, "access": "rwm"}, DENY), "---")
        self.assertEqual(self.opens(ALLOW, {"allow": False, **FUSE, "access": "w"}), "r-l")

    def test_access(self):
        """config-linux.md#allowed-device-list: r and w one by one."""
        self.assertEqual(self.opens(DENY, {"allow": True, **FUSE, "access": "r"}), "r--")
        self.assertEqual(self.opens(DENY, {"allow": True, **FUSE, "access": "w"}), "-w-")

    def test_wildcards(self):
        """config-linux.md#allowed-device-list: unset type, major and minor mean all."""
        self.assertEqual(self.opens(DENY, {"allow": True, "type": "c", "major": 10, "access": "rwm"}), "rwl")
        self.assertEqual(self.opens(DENY, {"allow": True, "type": "c", "access": "r"}), "r-l")
        self.assertEqual(self.opens(DENY, ALLOW), "rwl")
        self.assertEqual(self.opens({"allow": False, "type": "a", "access": "rwm"}, {"allow": True, "type": "b", "access": "rwm"}), "---")

    def test_bad_values(self):
        """config.md#valid-values: an unknown type or access is an error."""
        for rule in ({"allow": True, "type": "x", "access": "rwm"}, {"allow": True, "type": "c", "access": "xyz"}):
            bundle = self.another()
            bundle.config["linux"]["resources"] = {"devices": [rule]}
            self.refused(bundle, rule)

    def test_zeros_are_unset(self):
        """What engines rely on: shares, weight, quota and swap of 0 change nothing (docker writes them)."""
        self.linux["namespaces"] = [{"type": kind} for kind in NEW]
        self.limited(memory={"limit": 0, "swap": 0, "reservation": 0}, cpu={"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""}, blockIO={"weight": 0})
        self.assertEqual(self.value("cpu", "shares"), "1024")

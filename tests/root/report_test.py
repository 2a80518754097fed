#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ns-run --report against what this script reads of the same process from /proc and the cgroups, member
by member, and against what the container was asked to have. Needs root."""

import ctypes
import io
import json
import os
import platform
import re
import struct
import sys
import tarfile
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

try:
    import jsonschema
except ImportError:
    jsonschema = None

# capabilities(7), by number.
CAPABILITIES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
    SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()
# Files in which a cgroup's directory says what it limits; memory.high and the like are not reported.
LIMITS = {
    "memory": "memory.limit_in_bytes memory.memsw.limit_in_bytes memory.soft_limit_in_bytes",
    "cpu": "cpu.shares cpu.cfs_quota_us cpu.cfs_period_us", "cpuset": "cpuset.cpus cpuset.mems", "pids": "pids.max",
    "blkio": "blkio.weight", "devices": "devices.list", "freezer": "freezer.state",
    "": "memory.max memory.low memory.swap.max cpu.max cpu.weight cpuset.cpus cpuset.mems pids.max io.max io.weight cgroup.freeze",
}

place = None
template = None
ID = f"report-{os.getpid()}"  # cgroups are the machine's


def setUpModule():
    global place, template
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    unittest.addModuleCleanup(place.close)
    template = place.run("image-fetch " + place.layout("shell", [Place.busybox()]), check=True).stdout


class Process:
    """One process, as /proc and /sys/fs/cgroup show it."""

    def __init__(self, pid):
        self.pid = pid
        self.status = dict(line.split(":\t", 1) for line in self.read("status").splitlines() if ":\t" in line)

    def read(self, name):
        with open(f"/proc/{self.pid}/{name}", encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def numbers(self, key):
        return list(map(int, self.status[key].split()))

    def capabilities(self, key):
        bits = int(self.status[key], 16)
        return ["CAP_" + name for number, name in enumerate(CAPABILITIES) if bits >> number & 1]

    def label(self):
        try:
            return self.read("attr/current").rstrip("\n\0")
        except OSError:
            return ""

    def limits(self):
        found = [re.fullmatch(r"(Max \S.*?) {2,}(\S+) +(\S+)(?: +\S+)? *", line) for line in self.read("limits").splitlines()[1:]]
        return [dict(zip(("type", "soft", "hard"), match.groups())) for match in found]

    def namespaces(self):
        names = sorted(name for name in os.listdir(f"/proc/{self.pid}/ns") if not name.endswith("_for_children"))
        links = [(name, os.readlink(f"/proc/{self.pid}/ns/{name}"), os.readlink(f"/proc/self/ns/{name}")) for name in names]
        return [{"type": name, "id": theirs, "shared": theirs == own} for name, theirs, own in links]

    def mappings(self, name):
        rows = [list(map(int, line.split())) for line in self.read(name).splitlines()]
        return [{"containerID": inside, "hostID": outside, "size": size} for inside, outside, size in rows]

    def mounts(self):
        found = []
        for line in self.read("mountinfo").splitlines():
            own, system = line.split(" - ", 1)
            _, _, _, root, point, options, *fields = own.split(" ")
            kind, _, super_options = system.split(" ")
            words = [{"shared": "shared", "master": "slave", "unbindable": "unbindable"}.get(field.split(":")[0]) for field in fields]
            plain = lambda path: re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), path)
            found.append({"destination": plain(point), "type": kind, "options": options.split(","), "superOptions": super_options.split(","),
                          "propagation": ",".join(filter(None, words)) or "private", "root": plain(root)})
        return found

    def cgroups(self):
        found = []
        for line in self.read("cgroup").splitlines():
            _, controllers, path = line.split(":", 2)
            entry = {"controllers": controllers, "path": path}
            if directory := hierarchy(controllers):
                entry["values"] = limits_of(directory + path, controllers)
            found.append(entry)
        return found

    def enforced(self):
        strict = {"0": "off", "1": "strict", "2": "filter"}
        return {
            "pid": self.pid,
            "user": {"uids": self.numbers("Uid"), "gids": self.numbers("Gid"), "groups": self.numbers("Groups"), "umask": self.status["Umask"]},
            "capabilities": {name: self.capabilities(key) for name, key in (
                ("bounding", "CapBnd"), ("effective", "CapEff"), ("permitted", "CapPrm"), ("inheritable", "CapInh"), ("ambient", "CapAmb"))},
            "noNewPrivileges": bool(int(self.status["NoNewPrivs"])),
            "seccomp": {"mode": strict[self.status["Seccomp"]], "filters": int(self.status["Seccomp_filters"])},
            "label": self.label(), "oomScoreAdj": int(self.read("oom_score_adj")), "limits": self.limits(),
            "namespaces": self.namespaces(), "uidMappings": self.mappings("uid_map"), "gidMappings": self.mappings("gid_map"),
            "mounts": self.mounts(), "cgroups": self.cgroups(),
        }


# Where this script sees the hierarchy of these controllers; None: nowhere.
def hierarchy(controllers):
    for mount in Process("self").mounts():
        mine = mount["type"] == "cgroup2" if not controllers else \
            mount["type"] == "cgroup" and set(controllers.split(",")) <= set(mount["superOptions"])
        if mine:
            return mount["destination"]
    return None


def limits_of(directory, controllers):
    values = {}
    for controller in controllers.split(","):
        for name in LIMITS.get(controller, "").split():
            if os.path.exists(f"{directory}/{name}"):
                with open(f"{directory}/{name}", encoding="utf-8") as file:
                    values[name] = file.read().strip()
    if not controllers:
        values["devices"] = device_programs(directory)
    return values


# bpf(2), BPF_PROG_QUERY: how many device programs decide about a cgroup.
def device_programs(directory):
    number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
    fd = os.open(directory, os.O_RDONLY)
    try:
        query = ctypes.create_string_buffer(struct.pack("=IIIIQII", fd, 6, 1, 0, 0, 0, 0), 64)
        if ctypes.CDLL(None, use_errno=True).syscall(number, 16, query, 64) != 0:
            raise OSError(ctypes.get_errno(), "bpf")
        return struct.unpack_from("=I", query, 24)[0]
    finally:
        os.close(fd)


class ReportTest(unittest.TestCase):
    maxDiff = None

    def report(self, name):
        done = place.run(["ns-run", "--report", name])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.count("\n"), 1)
        return json.loads(done.stdout)

    # The report on container `name`, whose first process is `pid`, held to /proc.
    def check(self, name, pid):
        report = self.report(name)
        want = Process(pid).enforced()
        self.assertEqual(list(report), list(want))
        for member, value in want.items():
            self.assertEqual(report[member], value, member)
        if jsonschema:
            with open("docs/report.schema.json", encoding="utf-8") as file:
                schema = json.load(file)
            jsonschema.Draft7Validator.check_schema(schema)
            jsonschema.Draft7Validator(schema).validate(report)
        return report

    @staticmethod
    def mount_at(report, destination):
        return [mount for mount in report["mounts"] if mount["destination"] == destination][-1]

    # What linux.maskedPaths and .readonlyPaths of `config` name is there as a mount with its flags.
    def check_paths(self, report, config):
        checked = 0
        root = f"/proc/{report['pid']}/root"
        for path in config["linux"]["maskedPaths"]:
            if not os.path.lexists(root + path):
                continue
            mount = self.mount_at(report, path)
            if os.path.isdir(root + path):
                self.assertEqual(mount["type"], "tmpfs", path)
                self.assertIn("ro", mount["options"], path)
                self.assertEqual(os.listdir(root + path), [], path)
            else:
                self.assertEqual(mount["root"], "/null", path)
            self.assertLessEqual({"nosuid", "noexec"}, set(mount["options"]), path)
            checked += 1
        for path in config["linux"]["readonlyPaths"]:
            if os.path.lexists(root + path):
                self.assertIn("ro", self.mount_at(report, path)["options"], path)
                checked += 1
        self.assertGreater(checked, 5)

    def values(self, report):
        return {name: value for group in report["cgroups"] for name, value in group.get("values", {}).items()}

    # --- ns-run ------------------------------------------------------------------------------------

    def start(self, *options):
        with open(place.path("doc.json"), "w", encoding="utf-8") as out:
            out.write(template)
        limited = place.run("cgroup-limit --memory 64M --pids-limit 77 < doc.json > limited.json", check=True)
        self.assertEqual(limited.stderr, "")
        self.addCleanup(lambda: place.check_nothing_is_left(self))
        process = place.start(["ns-run", "--config", "limited.json", *options, "--", "sh", "-c", "umask 027; echo up; exec sleep 1000"], stdout=-1)
        self.assertEqual(process.stdout.readline(), "up\n")
        # From now on it changes no more: it has become sleep(1).
        record = json.loads(place.run("ps-lister --json", check=True).stdout)
        while Process(record["pid"]).status["Name"] != "sleep":
            pass
        return record

    def test_of_ns_run(self):
        record = self.start("--name", "reported", "--cap-drop", "MKNOD", "--cap-drop", "net_raw", "--user", "user", "--read-only",
                            "--tmpfs", "/scratch space:size=1m,noexec,nosuid,nodev,ro", "--security-opt", "no-new-privileges")
        report = self.check("reported", record["pid"])
        self.assertEqual(report, self.check(record["id"][:12], record["pid"]))
        with open(place.path("state/containers", record["id"], "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        self.check_paths(report, config)
        self.assertEqual((report["user"]["uids"], report["user"]["groups"], report["user"]["umask"]), ([1000] * 4, [1000, 2000], "0027"))
        bounding = {"CAP_" + name for name in CAPABILITIES} & set(config["process"]["capabilities"]["bounding"])
        self.assertEqual(set(report["capabilities"]["bounding"]), bounding)
        self.assertFalse(bounding & {"CAP_MKNOD", "CAP_NET_RAW"})
        self.assertEqual(report["capabilities"]["effective"], [])
        self.assertTrue(report["noNewPrivileges"])
        self.assertEqual(report["seccomp"], {"mode": "filter", "filters": int(Process("self").status["Seccomp_filters"]) + 1})
        self.assertIn("ro", self.mount_at(report, "/")["options"])
        scratch = self.mount_at(report, "/scratch space")
        self.assertEqual((scratch["type"], {"ro", "nosuid", "nodev", "noexec"} - set(scratch["options"])), ("tmpfs", set()))
        self.assertIn("size=1024k", scratch["superOptions"])
        values = self.values(report)
        self.assertIn("67108864", (values.get("memory.limit_in_bytes"), values.get("memory.max")))
        self.assertEqual(values["pids.max"], "77")
        shared = {entry["type"] for entry in report["namespaces"] if entry["shared"]}
        self.assertEqual(shared & {"pid", "mnt", "ipc", "uts", "net", "user"}, {"user"})

    def test_of_a_container_with_everything_off(self):
        record = self.start("--security-opt", "seccomp=unconfined", "--security-opt", "systempaths=unconfined", "--network", "host",
                            "--cap-add", "ALL")
        report = self.check(record["name"], record["pid"])
        self.assertEqual(report["seccomp"]["filters"], int(Process("self").status["Seccomp_filters"]))
        self.assertFalse(report["noNewPrivileges"])
        self.assertTrue([entry["shared"] for entry in report["namespaces"] if entry["type"] == "net"][0])
        self.assertFalse([mount for mount in report["mounts"] if mount["root"] == "/null" and mount["destination"].startswith("/proc/")])
        self.assertIn("CAP_SYS_ADMIN", report["capabilities"]["effective"])

    # --- stave-oci ---------------------------------------------------------------------------------

    def bundle(self):
        if not os.path.isdir(place.path("b")):
            os.makedirs(place.path("b/rootfs"))
            with tarfile.open(fileobj=io.BytesIO(Place.busybox())) as tar:
                tar.extractall(place.path("b/rootfs"))
            place.run("chown -Rh 100000:100000 b/rootfs && stave-oci spec -b b", check=True)
        with open(place.path("b/config.json"), encoding="utf-8") as file:
            config = json.load(file)
        config["process"].update(
            args=["sleep", "1000"], terminal=False, noNewPrivileges=True, oomScoreAdj=500,
            user={"uid": 7, "gid": 8, "additionalGids": [9, 10], "umask": 0o77},
            rlimits=[{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}])
        config["linux"].update(
            namespaces=[{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network", "user", "cgroup")],
            uidMappings=[{"containerID": 0, "hostID": 100000, "size": 1000}, {"containerID": 1000, "hostID": 300000, "size": 1}],
            gidMappings=[{"containerID": 0, "hostID": 100000, "size": 1000}], rootfsPropagation="slave",
            resources={"memory": {"limit": 50331648}, "pids": {"limit": 55}})
        with open(place.path("b/config.json"), "w", encoding="utf-8") as out:
            json.dump(config, out)
        self.addCleanup(place.run, f"stave-oci delete --force {ID}")
        done = place.run(f"stave-oci create -b b {ID} < /dev/null > /dev/null 2> log; cat log")
        self.assertEqual(done.stdout, "")
        return config

    def test_of_stave_oci(self):
        config = self.bundle()
        pid = json.loads(place.run(f"stave-oci state {ID}", check=True).stdout)["pid"]
        self.check(place.path("run/oci", ID), pid)  # created, not started
        place.run(f"stave-oci start {ID}", check=True)
        while Process(pid).status["Name"] != "sleep":
            pass
        report = self.check(place.path("run/oci", ID), pid)
        self.assertEqual(report, self.report(place.path("run/oci", ID) + "/"))
        self.check_paths(report, config)
        self.assertEqual((report["user"]["uids"], report["user"]["gids"], report["user"]["groups"], report["user"]["umask"]),
                         ([100007] * 4, [100008] * 4, [100009, 100010], "0077"))
        self.assertEqual((report["uidMappings"], report["gidMappings"]), (config["linux"]["uidMappings"], config["linux"]["gidMappings"]))
        limits = {entry["type"]: (entry["soft"], entry["hard"]) for entry in report["limits"]}
        self.assertEqual((limits["Max open files"], limits["Max core file size"]), (("100", "200"), ("0", "0")))
        self.assertEqual((report["noNewPrivileges"], report["oomScoreAdj"]), (True, 500))
        self.assertEqual(self.values(report)["pids.max"], "55")
        self.assertFalse([entry for entry in report["namespaces"] if entry["shared"] and entry["type"] != "time"])

    # --- errors ------------------------------------------------------------------------------------

    def refused(self, words, text):
        done = place.run(["ns-run", "--report", *words])
        self.assertEqual((done.returncode, done.stdout), (125, ""), words)
        self.assertRegex(done.stderr.splitlines()[0], "^ns-run: " + text + "$")

    def test_what_does_not_run(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))
        place.run("ns-run --name ended -- true", input=template, check=True)
        self.refused(["ended"], r"ended: container not running \[E_STATE\]")
        self.bundle()
        place.run(f"stave-oci kill {ID} KILL", check=True)
        pid = json.loads(place.run(f"stave-oci state {ID}", check=True).stdout)
        while pid["status"] != "stopped":
            pid = json.loads(place.run(f"stave-oci state {ID}", check=True).stdout)
        self.refused([place.path("run/oci", ID)], rf"{ID}: container not running \[E_STATE\]")

    def test_what_is_not_there(self):
        self.refused(["nobody"], r"No such container: nobody \[E_NO_CONTAINER\]")
        self.refused([place.path("run/oci/nobody")], r'container "nobody" does not exist \[E_NO_CONTAINER\]')
        self.refused(["/nowhere/at/all"], r'container "all" does not exist \[E_NO_CONTAINER\]')
        self.refused(["/"], r".* \[E_\w+\]")
        self.refused([""], r".* \[E_\w+\]")

    def test_wrong_usage(self):
        self.refused(["one", "two"], r"--report: takes no command \[E_USAGE\]")
        self.refused(["one", "--report", "two"], r"--report.*\[E_USAGE\]")
        self.refused([], r".*--report.*\[E_USAGE\]")


if __name__ == "__main__":
    cases.main()

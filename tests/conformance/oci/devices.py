# SPDX-License-Identifier: Apache-2.0
"""config-linux.md#devices, #default-devices and #network-devices."""

import os
import stat
import subprocess

from oci.bundle import NEW, Check

DEFAULT_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}


class Devices(Check):
    def test_default_devices(self):
        """config-linux.md#default-devices: null, zero, full, random, urandom, tty for everybody."""
        out = self.bundle.sh("for d in %s; do stat -c '%%F %%t %%T %%a' /dev/$d; done" % " ".join(DEFAULT_DEVICES))
        self.assertEqual(out.splitlines(), ["character special file %x %x 666" % pair for pair in DEFAULT_DEVICES.values()])

    def test_default_devices_work(self):
        """config-linux.md#default-devices: they can be used, also where a device list denies everything else."""
        self.linux["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
        self.process["user"] = {"uid": 1000, "gid": 1000}
        self.bundle.sh("for d in null zero full; do : < /dev/$d || exit 3; : > /dev/$d || exit 4; done; head -c1 /dev/urandom | wc -c; head -c1 /dev/random | wc -c")

    def test_default_devices_of_a_plain_folder(self):
        """config-linux.md#default-devices: are supplied also where nothing is mounted on /dev."""
        self.config["mounts"] = [m for m in self.mounts if m["destination"] == "/proc"]
        out = self.bundle.sh("for d in %s; do stat -c '%%t %%T' /dev/$d; done" % " ".join(DEFAULT_DEVICES))
        self.assertEqual(out.splitlines(), ["%x %x" % pair for pair in DEFAULT_DEVICES.values()])

    def test_ptmx(self):
        """config-linux.md#default-devices: /dev/ptmx is the container's /dev/pts/ptmx."""
        out = self.bundle.sh("readlink /dev/ptmx || stat -c '%t:%T' /dev/ptmx /dev/pts/ptmx; : <> /dev/ptmx && echo open")
        self.assertIn(out, ("pts/ptmx\nopen\n", "/dev/pts/ptmx\nopen\n", "5:2\n5:2\nopen\n"))

    def test_types(self):
        """config-linux.md#devices: c, u, b and p, with mode, owner and group, also outside of /dev."""
        self.linux["devices"] = [
            {"type": "c", "path": "/dev/deep/chr", "major": 1, "minor": 3, "fileMode": 0o640, "uid": 11, "gid": 22},
            {"type": "u", "path": "/dev/unb", "major": 1, "minor": 5, "fileMode": 0o666},
            {"type": "b", "path": "/dev/blk", "major": 7, "minor": 9, "fileMode": 0o600, "uid": 0, "gid": 6},
            {"type": "p", "path": "/dev/fifo", "fileMode": 0o604},
            {"type": "c", "path": "/data/outside", "major": 1, "minor": 7, "fileMode": 0o444}]
        out = self.bundle.sh("stat -c '%F %t:%T %a %u:%g' /dev/deep/chr /dev/unb /dev/blk /dev/fifo /data/outside")
        self.assertEqual(out.splitlines(), ["character special file 1:3 640 11:22", "character special file 1:5 666 0:0",
                                            "block special file 7:9 600 0:6", "fifo 0:0 604 0:0", "character special file 1:7 444 0:0"])

    def test_the_mode_does_not_depend_on_the_umask(self):
        """config-linux.md#devices: fileMode is the mode."""
        self.linux["devices"] = [{"type": "c", "path": "/dev/wide", "major": 1, "minor": 3, "fileMode": 0o666}]
        self.process["args"] = ["stat", "-c", "%a", "/dev/wide"]
        self.bundle.create(umask=0o077)
        self.bundle.start()
        self.assertEqual(self.bundle.read(), "666\n")

    def test_another_file_at_the_path(self):
        """config-linux.md#devices: a file that does not match the device is an error, and is left alone."""
        with open(self.bundle.rootfs + "/data/taken", "w", encoding="utf-8") as file:
            file.write("kept")
        self.linux["devices"] = [{"type": "c", "path": "/data/taken", "major": 1, "minor": 3}]
        self.refused()
        with open(self.bundle.rootfs + "/data/taken", encoding="utf-8") as file:
            self.assertEqual(file.read(), "kept")

    def test_another_device_at_the_path(self):
        """config-linux.md#devices: a device with other numbers does not match."""
        os.mknod(self.bundle.rootfs + "/data/taken", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        self.linux["devices"] = [{"type": "c", "path": "/data/taken", "major": 1, "minor": 3}]
        self.refused()

    def test_the_device_itself_at_the_path(self):
        """config-linux.md#devices: one that matches may be there."""
        os.mknod(self.bundle.rootfs + "/data/there", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        self.linux["devices"] = [{"type": "c", "path": "/data/there", "major": 1, "minor": 3, "fileMode": 0o666}]
        self.assertEqual(self.bundle.sh("stat -c %t:%T /data/there"), "1:3\n")

    def test_bad_values(self):
        """config-linux.md#devices: an unknown type, missing numbers, a relative path are errors."""
        for device in ({"type": "x", "path": "/dev/x", "major": 1, "minor": 3}, {"type": "c", "path": "/dev/x"},
                       {"type": "c", "path": "", "major": 1, "minor": 3}, {"path": "/dev/x", "major": 1, "minor": 3}):
            bundle = self.another()
            bundle.config["linux"]["devices"] = [device]
            self.refused(bundle, device)

    def test_a_link_in_the_path_stays_inside(self):
        """config-linux.md#devices: path is inside the container, whatever links the image has."""
        outside = self.bundle.dir + "/outside"
        os.mkdir(outside)
        os.symlink(outside, self.bundle.rootfs + "/data/link")
        self.linux["devices"] = [{"type": "c", "path": "/data/link/null", "major": 1, "minor": 3}]
        self.bundle.try_create()
        self.assertEqual(os.listdir(outside), [])


class NetworkDevices(Check):
    def setUp(self):
        super().setUp()
        self.name = "conf0"
        made = subprocess.run(["ip", "link", "add", self.name, "type", "veth", "peer", "name", "conf1"], stderr=subprocess.PIPE, text=True, check=False)
        if made.returncode != 0:
            self.skipTest("no veth: " + made.stderr)
        self.addCleanup(lambda: subprocess.run(["ip", "link", "del", "conf1"], stderr=subprocess.DEVNULL, check=False))
        subprocess.run(["ip", "addr", "add", "192.0.2.7/24", "dev", self.name], check=True)
        self.namespaces(*NEW, "network")

    # A runtime without the member must refuse it; True if the container is there.
    def moved(self, devices):
        self.linux["netDevices"] = devices
        self.process["args"] = ["sleep", "1000"]
        done = self.bundle.try_create()
        if done.returncode != 0:
            self.no_trace(self.bundle)
            self.assertEqual(subprocess.run(["ip", "link", "show", self.name], stdout=subprocess.DEVNULL, check=False).returncode, 0)
            return False
        self.bundle.hold()
        return True

    def inside(self):
        return subprocess.run(["nsenter", "-t", str(self.bundle.pid), "-n", "ip", "-o", "addr"], stdout=subprocess.PIPE, text=True, check=True).stdout

    def test_moved_or_refused(self):
        """config-linux.md#network-devices: in the container, with its addresses and up; or an error that leaves it."""
        if self.moved({self.name: {}}):
            self.assertIn("192.0.2.7/24", self.inside())

    def test_renamed_or_refused(self):
        """config-linux.md#network-devices: under the name that is given."""
        if self.moved({self.name: {"name": "eth7"}}):
            self.assertIn("eth7", self.inside())

    def test_a_missing_device(self):
        """config-linux.md#network-devices: what cannot be moved is an error."""
        self.assertFalse(self.moved({"nosuchdevice": {}}))

    def test_a_name_in_use(self):
        """config-linux.md#network-devices: a name that exists in the container is an error."""
        self.assertFalse(self.moved({self.name: {"name": "lo"}}))

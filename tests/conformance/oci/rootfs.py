# SPDX-License-Identifier: Apache-2.0
"""config.md#root; config-linux.md#rootfs-mount-propagation, #masked-paths and #readonly-paths."""

import os

from oci import kernel
from oci.mounts import MountCheck


class Root(MountCheck):
    def test_a_relative_path(self):
        """config.md#root: relative to the bundle, wherever the runtime was called."""
        self.config["root"]["path"] = "rootfs"
        self.bundle.create(cwd="/")
        self.assertEqual(self.bundle.start().returncode, 0)
        self.assertEqual(self.bundle.ended(), 0)

    def test_an_absolute_path(self):
        """config.md#root: an absolute path."""
        self.config["root"]["path"] = self.bundle.rootfs
        self.assertEqual(self.bundle.run("cat", "/proc/1/comm"), "cat\n")

    def test_a_deep_relative_path(self):
        """config.md#root: rootfs is conventional only."""
        os.makedirs(self.bundle.dir + "/a")
        os.rename(self.bundle.rootfs, self.bundle.dir + "/a/root")
        self.config["root"]["path"] = "a/root"
        self.bundle.run("true")

    def test_no_directory(self):
        """config.md#root: a directory must exist at path."""
        with open(self.bundle.dir + "/file", "w", encoding="utf-8"):
            pass
        for path in ("nowhere", "file"):
            bundle = self.another()
            os.link(self.bundle.dir + "/file", bundle.dir + "/file")
            bundle.config["root"]["path"] = path
            self.refused(bundle, path)

    def test_no_root(self):
        """config.md#root: required on Linux."""
        for value in (None, {}):
            bundle = self.another()
            bundle.config["root"] = value
            self.refused(bundle, value)

    def test_read_only(self):
        """config.md#root: readonly makes the root read-only, and not what is mounted on it."""
        self.config["root"]["readonly"] = True
        self.mount("/data")
        self.bundle.sh("touch /data/x || exit 3; ! touch /x 2>/dev/null || exit 4; touch /dev/x || exit 5")
        self.assertFalse(os.path.exists(self.bundle.rootfs + "/x"))

    def test_writable(self):
        """config.md#root: writable unless readonly is true."""
        self.bundle.sh("touch /x")
        self.assertTrue(os.path.exists(self.bundle.rootfs + "/x"))

    def test_the_containers_root_is_all_it_sees(self):
        """config.md#root: nothing of the runtime's tree is left in the container's mounts."""
        points = [m.point for m in self.seen()]
        self.assertEqual(sorted({p.split("/")[1] for p in points}), ["", "dev", "proc"])


class RootPropagation(MountCheck):
    def tags(self, word):
        self.bundle = self.another()
        kernel.mount(self.bundle.rootfs, self.bundle.rootfs, None, kernel.MS_BIND)
        kernel.mount(None, self.bundle.rootfs, None, kernel.MS_SHARED)
        if word:
            self.linux["rootfsPropagation"] = word
        return {t.split(":")[0] for t in self.at("/").propagation}

    def test_shared(self):
        """config-linux.md#rootfs-mount-propagation: the root is of a peer group."""
        self.assertEqual(self.tags("shared") & {"shared", "unbindable"}, {"shared"})

    def test_slave(self):
        """config-linux.md#rootfs-mount-propagation: the root receives, and does not send."""
        self.assertEqual(self.tags("slave"), {"master"})

    def test_private(self):
        """config-linux.md#rootfs-mount-propagation: the root neither receives nor sends."""
        self.assertEqual(self.tags("private"), set())

    def test_unbindable(self):
        """config-linux.md#rootfs-mount-propagation: private, and cannot be bound."""
        self.assertEqual(self.tags("unbindable"), {"unbindable"})

    def test_unknown(self):
        """config.md#valid-values: another word is an error."""
        self.linux["rootfsPropagation"] = "nonsense"
        self.refused()

    def test_nothing_of_the_container_reaches_the_runtime(self):
        """config-linux.md#namespaces: mounts of the container are not seen outside, though the runtime's are shared."""
        kernel.mount(self.bundle.dir, self.bundle.dir, None, kernel.MS_BIND)
        kernel.mount(None, self.bundle.dir, None, kernel.MS_SHARED)
        self.mount("/data", "of-the-container")
        self.bundle.running("mount -t tmpfs by-the-program /tmp")
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            self.assertEqual([m.source for m in kernel.parse_mounts(file.read()) if m.source in ("of-the-container", "by-the-program")], [])


class HiddenPaths(MountCheck):
    def test_masked(self):
        """config-linux.md#masked-paths: a file and a folder cannot be read; what is not there does no harm."""
        os.makedirs(self.bundle.rootfs + "/data/secret")
        for name in ("data/secret/file", "data/file"):
            with open(f"{self.bundle.rootfs}/{name}", "w", encoding="utf-8") as file:
                file.write("secret")
        self.linux["maskedPaths"] = ["/data/secret", "/data/file", "/proc/kcore", "/data/nowhere/x"]
        out = self.bundle.sh("cat /data/file; ls -A /data/secret; touch /data/secret/x 2>/dev/null; head -c1 /proc/kcore; ls -d /data/nowhere 2>/dev/null; true")
        self.assertEqual(out, "")

    def test_read_only(self):
        """config-linux.md#readonly-paths: files and folders can be read and not changed."""
        os.mkdir(self.bundle.rootfs + "/data/folder")
        with open(self.bundle.rootfs + "/data/file", "w", encoding="utf-8") as file:
            file.write("text")
        self.linux["readonlyPaths"] = ["/data/folder", "/data/file", "/proc/sys", "/data/nowhere"]
        out = self.bundle.sh("exec 2>/dev/null; cat /data/file; echo x >> /data/file; touch /data/folder/x; echo x > /proc/sys/kernel/hostname; true; echo; cat /data/file; echo; hostname")
        self.assertEqual(out.split(), ["text", "text", os.uname().nodename])
        self.assertEqual(os.listdir(self.bundle.rootfs + "/data/folder"), [])

    def test_relative_paths(self):
        """config-linux.md#masked-paths, #readonly-paths: the values must be absolute."""
        for name in ("maskedPaths", "readonlyPaths"):
            bundle = self.another()
            bundle.config["linux"][name] = ["proc/kcore"]
            self.refused(bundle, name)

    def test_links_stay_inside(self):
        """config-linux.md#masked-paths: paths in the container, whatever links the image has."""
        outside = self.volume("outside")
        with open(outside + "/file", "w", encoding="utf-8") as file:
            file.write("kept")
        os.symlink(outside, self.bundle.rootfs + "/data/link")
        self.linux["maskedPaths"] = ["/data/link/file"]
        self.linux["readonlyPaths"] = ["/data/link"]
        self.bundle.create()
        with open(outside + "/file", encoding="utf-8") as file:
            self.assertEqual(file.read(), "kept")
        os.mkdir(outside + "/writable")

# SPDX-License-Identifier: Apache-2.0
"""config.md#mounts: order, every option word, id-mapped mounts."""

import os

from oci import kernel
from oci.bundle import Check

# Option words and what they leave in mountinfo: present with "+", absent with "-"; data of the file system with ":".
FLAGS = {
    "async": ("-:sync",), "atime": ("-noatime",), "defaults": ("+rw",), "dev": ("-nodev",), "diratime": ("-nodiratime",),
    "dirsync": ("+:dirsync",), "exec": ("-noexec",), "iversion": (), "lazytime": ("+:lazytime",), "loud": (), "noatime": ("+noatime",),
    "nodev": ("+nodev",), "nodiratime": ("+nodiratime",), "noexec": ("+noexec",), "noiversion": (), "nolazytime": ("-:lazytime",),
    "norelatime": (), "nostrictatime": (), "nosuid": ("+nosuid",), "relatime": ("+relatime",), "ro": ("+ro",), "rw": ("+rw",),
    "silent": (), "strictatime": ("-relatime", "-noatime"), "suid": ("-nosuid",), "sync": ("+:sync",),
}
MAY_FLAGS = {"nosymfollow": ("+nosymfollow",), "symfollow": ("-nosymfollow",)}
# The later of two words that contradict each other counts.
PAIRS = {("nodev", "dev"): "-nodev", ("dev", "nodev"): "+nodev", ("noexec", "exec"): "-noexec", ("exec", "noexec"): "+noexec",
         ("nosuid", "suid"): "-nosuid", ("suid", "nosuid"): "+nosuid", ("ro", "rw"): "+rw", ("rw", "ro"): "+ro",
         ("noatime", "atime"): "-noatime", ("atime", "noatime"): "+noatime", ("nodiratime", "diratime"): "-nodiratime",
         ("sync", "async"): "-:sync", ("async", "sync"): "+:sync"}
RECURSIVE = {"rro": "+ro", "rnosuid": "+nosuid", "rnodev": "+nodev", "rnoexec": "+noexec", "rnoatime": "+noatime",
             "rnodiratime": "+nodiratime", "rnosymfollow": "+nosymfollow", "rstrictatime": "-relatime", "rrelatime": "+relatime"}
CLEARING = {"rrw": ("ro", "+rw"), "rsuid": ("nosuid", "-nosuid"), "rdev": ("nodev", "-nodev"), "rexec": ("noexec", "-noexec"),
            "rdiratime": ("nodiratime", "-nodiratime"), "rsymfollow": ("nosymfollow", "-nosymfollow"), "ratime": ("noatime", "-noatime"),
            "rnorelatime": ("noatime", ""), "rnostrictatime": ("strictatime", "")}
MS = {"ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8, "nosymfollow": 256, "noatime": 1024, "nodiratime": 2048, "strictatime": 1 << 24}
MS_REMOUNT = 32


def wrong(mount, want):
    """Whether `mount` lacks what `want` says of it."""
    if not want:
        return False
    sign, name = want[0], want[1:]
    place = mount.data if name.startswith(":") else mount.options
    return (name.lstrip(":") in place) != (sign == "+")


class MountCheck(Check):
    def mount(self, destination, source="tmpfs", options=(), kind="tmpfs", **members):
        self.mounts.append({"destination": destination, "type": kind, "source": source, "options": list(options), **members})

    def bind(self, destination, source, *options, **members):
        self.mount(destination, source, options, "none", **members)

    def volume(self, name="volume"):
        path = f"{self.bundle.dir}/{name}"
        os.makedirs(path)
        return path

    # A tmpfs on a folder of the bundle, with a second one at `nested`; the mounts have these flags.
    def nested_volume(self, flags=0, name="volume"):
        path = self.volume(name)
        kernel.mount("outer", path, "tmpfs", 0)
        os.mkdir(path + "/nested")
        kernel.mount("inner", path + "/nested", "tmpfs", 0)
        for point in (path, path + "/nested"):
            kernel.mount(None, point, None, flags | MS_REMOUNT | kernel.MS_BIND)
        return path

    def seen(self):
        return kernel.parse_mounts(self.bundle.run("cat", "/proc/self/mountinfo"))

    def at(self, point):
        return kernel.mount_at(self.seen(), point)

    def check_table(self, table, kind="tmpfs"):
        for number, (words, _) in enumerate(table):
            self.mount(f"/data/{number}", "x", words, kind)
        mounts, bad = self.seen(), []
        for number, (words, wants) in enumerate(table):
            found = kernel.mount_at(mounts, f"/data/{number}")
            bad += [(words, want, sorted(found.options | found.data)) for want in wants if wrong(found, want)]
        self.assertEqual(bad, [])


class Mounts(MountCheck):
    def test_order(self):
        """config.md#mounts: entries are mounted in the listed order."""
        self.mount("/data", "first")
        self.mount("/data/below", "second")
        self.mount("/data", "third")
        mounts = self.seen()
        self.assertEqual([m.source for m in mounts if m.point.startswith("/data")], ["first", "second", "third"])

    def test_a_relative_destination(self):
        """config.md#mounts: is relative to /, not to cwd."""
        self.process["cwd"] = "/bin"
        self.mount("data/deep", "relative")
        self.assertEqual(self.at("/data/deep").source, "relative")

    def test_a_destination_that_is_not_there(self):
        """config.md#mounts: it is made, a folder or, for a file, a file."""
        with open(self.bundle.dir + "/file", "w", encoding="utf-8") as file:
            file.write("content")
        self.bind("/made/deep/file", self.bundle.dir + "/file", "bind")
        self.mount("/made/folder")
        self.assertEqual(self.bundle.sh("cat /made/deep/file; touch /made/folder/x"), "content")

    def test_a_destination_through_links_stays_inside(self):
        """config.md#mounts: destination is a path inside the container, also where links of the image lead out."""
        outside = self.volume("outside")
        os.makedirs(self.bundle.rootfs + outside)
        os.symlink("../../../../../../../../.." + outside, self.bundle.rootfs + "/relative")
        os.symlink(outside, self.bundle.rootfs + "/absolute")
        self.mount("/relative/x", "by-link")
        self.mount("/absolute/y", "by-link")
        points = [m.point for m in self.seen() if m.source == "by-link"]
        self.assertEqual(points, [outside + "/x", outside + "/y"])
        self.assertEqual(os.listdir(outside), [])

    def test_a_type(self):
        """config.md#posix-platform-mounts: the file system that is named."""
        self.mount("/data", "mqueue", [], "mqueue")
        self.mount("/sys", "sysfs", ["nosuid", "noexec", "nodev", "ro"], "sysfs")
        self.namespaces("pid", "mount", "ipc", "uts", "network")
        mounts = self.seen()
        self.assertEqual([kernel.mount_at(mounts, p).kind for p in ("/proc", "/data", "/sys", "/dev", "/dev/pts")], ["proc", "mqueue", "sysfs", "tmpfs", "devpts"])

    def test_an_unknown_type(self):
        """config.md#mounts: what cannot be mounted is an error."""
        self.mount("/data", "x", [], "nosuchfilesystem")
        self.refused()

    def test_a_missing_source(self):
        """config.md#mounts: a bind of nothing is an error."""
        self.bind("/data", self.bundle.dir + "/nowhere", "bind")
        self.refused()

    def test_a_bind_may_have_any_type(self):
        """config.md#mounts: bind or rbind makes it a bind mount; the type is a dummy."""
        source = self.volume()
        for number, (kind, option) in enumerate((("none", "bind"), ("tmpfs", "rbind"), ("bind", "bind"), ("", "rbind"))):
            self.mount(f"/data/{number}", source, [option], kind)
        self.bundle.sh("for n in 0 1 2 3; do touch /data/$n/$n; done")
        self.assertEqual(sorted(os.listdir(source)), ["0", "1", "2", "3"])

    def test_a_relative_source(self):
        """config.md#mounts: a bind's source may be relative to the bundle."""
        source = self.volume("volume")
        self.bind("/data", "volume", "bind")
        self.process["args"] = ["touch", "/data/file"]
        self.bundle.create(cwd="/")
        self.bundle.start()
        self.bundle.ended()
        self.assertEqual(os.listdir(source), ["file"])

    def test_bind_takes_one_mount_and_rbind_all(self):
        """config.md#linux-mount-options: bind, rbind."""
        source = self.nested_volume()
        self.bind("/data/one", source, "bind")
        self.bind("/data/all", source, "rbind")
        points = [m.point for m in self.seen() if m.point.startswith("/data")]
        self.assertEqual(points, ["/data/one", "/data/all", "/data/all/nested"])

    def test_a_file_system_without_a_writable_bind(self):
        """config.md#linux-mount-options: ro of a bind is that of the mount, and not of the source."""
        source = self.volume()
        self.bind("/data", source, "bind", "ro")
        self.bundle.sh("! touch /data/x 2>/dev/null")
        os.mkdir(source + "/still-writable")

    def test_data_of_the_file_system(self):
        """config.md#linux-mount-options: unknown options go to the file system."""
        self.mount("/data", "x", ["nosuid", "size=4m", "mode=0751", "nr_inodes=77"])
        found = self.at("/data")
        self.assertLessEqual({"size=4096k", "mode=751", "nr_inodes=77"}, found.data)
        self.assertIn("nosuid", found.options)

    def test_data_that_the_file_system_refuses(self):
        """config.md#linux-mount-options: then it is an error."""
        self.mount("/data", "x", ["size=nonsense"])
        self.refused()

    def test_remount(self):
        """config.md#linux-mount-options: remount changes the mount that is there."""
        self.mount("/data", "x", ["rw"])
        self.mount("/data", "x", ["remount", "ro", "nosuid"])
        mounts = [m for m in self.seen() if m.point == "/data"]
        self.assertEqual(len(mounts), 1)
        self.assertLessEqual({"ro", "nosuid"}, mounts[0].options)

    def test_flags(self):
        """config.md#linux-mount-options: each word that must be known does what mount(8) says."""
        self.check_table([([word], wants) for word, wants in FLAGS.items() if word != "defaults"])

    def test_defaults(self):
        """config.md#linux-mount-options: `defaults`, for a file system and for a bind."""
        self.bind("/data/bind", self.volume(), "bind", "defaults")
        self.mount("/data/tmpfs", "x", ["defaults"])
        mounts = self.seen()
        self.assertEqual([{"rw"} <= kernel.mount_at(mounts, "/data/" + n).options for n in ("bind", "tmpfs")], [True, True])

    def test_flags_of_a_bind(self):
        """config.md#linux-mount-options: the flags of a mount apply to binds, too."""
        source = self.volume()
        table = [(w, wants) for w, wants in FLAGS.items() if not any(":" in want for want in wants) and w != "defaults"]
        for word, _ in table:
            self.bind("/data/" + word, source, "bind", word)
        mounts = self.seen()
        self.assertEqual([(w, want) for w, wants in table for want in wants if wrong(kernel.mount_at(mounts, "/data/" + w), want)], [])

    def test_a_bind_keeps_what_the_source_has(self):
        """config.md#linux-mount-options, mount(8): a bind without options has the flags of its source."""
        source = self.volume()
        kernel.mount("x", source, "tmpfs", MS["nosuid"] | MS["nodev"] | MS["noexec"])
        self.bind("/data", source, "bind")
        self.assertLessEqual({"nosuid", "nodev", "noexec"}, self.at("/data").options)

    def test_flags_that_should_be_known(self):
        """config.md#linux-mount-options: nosymfollow, symfollow."""
        self.check_table([([word], wants) for word, wants in MAY_FLAGS.items()])

    def test_words_that_contradict(self):
        """config.md#linux-mount-options, mount(8): the later one counts."""
        self.check_table([(list(words), (want,)) for words, want in PAIRS.items()])

    def test_propagation(self):
        """config.md#linux-mount-options: shared, slave, private, unbindable of one mount or of all."""
        source = self.nested_volume()
        for path in (source, source + "/nested"):
            kernel.mount(None, path, None, kernel.MS_SHARED)
        words = ("shared", "slave", "private", "unbindable")
        for word in words:
            self.bind("/data/" + word, source, "rbind", word)
            self.bind("/data/r" + word, source, "rbind", "r" + word)
        mounts, bad = self.seen(), []
        for word in words:
            for name in (word, "r" + word):
                for point in [f"/data/{name}"] + ([f"/data/{name}/nested"] if name != word else []):
                    tags = {t.split(":")[0] for t in kernel.mount_at(mounts, point).propagation}
                    want = {"shared": {"shared"}, "slave": {"master"}, "private": set(), "unbindable": {"unbindable"}}[word]
                    bad += [] if want <= tags and (want or not tags) else [(point, tags)]
        self.assertEqual(bad, [])

    def test_a_slave_receives(self):
        """config.md#linux-mount-options: what is mounted below an rslave's source later appears in the container."""
        source = self.volume()
        kernel.mount("x", source, "tmpfs", 0)
        kernel.mount(None, source, None, kernel.MS_SHARED)
        os.mkdir(source + "/later")
        self.bind("/data", source, "rbind", "rslave")
        pid = self.bundle.running()
        kernel.mount("late", source + "/later", "tmpfs", 0)
        with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as file:
            self.assertEqual(kernel.mount_at(kernel.parse_mounts(file.read()), "/data/later").source, "late")

    def test_recursive_flags(self):
        """config.md#linux-mount-options: rro and its like set the flag on nested mounts, too."""
        source = self.nested_volume()
        for word in RECURSIVE:
            self.bind("/data/" + word, source, "rbind", word)
        mounts = self.seen()
        self.assertEqual([(p, want) for w, want in RECURSIVE.items() for p in (f"/data/{w}", f"/data/{w}/nested") if wrong(kernel.mount_at(mounts, p), want)], [])

    def test_recursive_flags_that_clear(self):
        """config.md#linux-mount-options: rrw and its like clear the flag on nested mounts, too."""
        for word, (flag, _) in CLEARING.items():
            source = self.nested_volume(MS[flag], word)
            self.bind("/data/" + word, source, "rbind", word)
        mounts = self.seen()
        self.assertEqual([(p, want) for w, (_, want) in CLEARING.items() for p in (f"/data/{w}", f"/data/{w}/nested") if wrong(kernel.mount_at(mounts, p), want)], [])

    def test_ro_leaves_nested_mounts_writable(self):
        """config.md#linux-mount-options: ro is not recursive, rro is."""
        self.bind("/data/ro", source := self.nested_volume(), "rbind", "ro")
        self.bind("/data/rro", source, "rbind", "rro")
        self.bundle.sh("touch /data/ro/nested/x || exit 3; ! touch /data/ro/x 2>/dev/null || exit 4; ! touch /data/rro/nested/y 2>/dev/null || exit 5")

    def test_tmpcopyup(self):
        """config.md#linux-mount-options: tmpcopyup (may be supported) copies what the tmpfs hides."""
        if "tmpcopyup" not in str(self.bundle.call("features").stdout):
            self.skipTest("the runtime does not name it")
        os.makedirs(self.bundle.rootfs + "/data/folder")
        with open(self.bundle.rootfs + "/data/folder/file", "w", encoding="utf-8") as file:
            file.write("copied")
        self.mount("/data", "x", ["tmpcopyup"])
        self.assertEqual(self.bundle.sh("cat /data/folder/file; echo new > /data/folder/file"), "copied")
        with open(self.bundle.rootfs + "/data/folder/file", encoding="utf-8") as file:
            self.assertEqual(file.read(), "copied")


class IdMappedMounts(MountCheck):
    MAP = [{"containerID": 0, "hostID": 5000, "size": 1000}]

    def owned_volume(self):
        source = self.volume()
        kernel.mount("x", source, "tmpfs", 0)
        os.mkdir(source + "/nested")
        kernel.mount("y", source + "/nested", "tmpfs", 0)
        for path in (source, source + "/nested"):
            with open(path + "/file", "w", encoding="utf-8"):
                pass
            os.chown(path + "/file", 7, 8)
        return source

    def owners(self):
        return self.bundle.sh("stat -c %u:%g /data/file /data/nested/file; true").split()

    def test_mappings_of_the_mount(self):
        """config.md#posix-platform-mounts: uidMappings and gidMappings with idmap; that mount only."""
        self.bind("/data", self.owned_volume(), "rbind", "idmap", uidMappings=self.MAP, gidMappings=self.MAP)
        self.assertEqual(self.owners(), ["5007:5008", "7:8"])

    def test_recursively(self):
        """config.md#linux-mount-options: ridmap maps nested mounts, too."""
        self.bind("/data", self.owned_volume(), "rbind", "ridmap", uidMappings=self.MAP, gidMappings=self.MAP)
        self.assertEqual(self.owners(), ["5007:5008", "5007:5008"])

    def test_mappings_of_the_container(self):
        """config.md#linux-mount-options: without mappings of its own those of the container's user namespace, or an error."""
        self.map_users()
        self.bind("/data", self.owned_volume(), "rbind", "ridmap")
        done = self.bundle.try_create()
        if done.returncode == 0:
            self.bundle.hold()
            self.bundle.must("delete", "--force", self.bundle.id)
            self.bundle = self.another()
            self.map_users()
            self.bind("/data", self.owned_volume(), "rbind", "ridmap")
            self.assertEqual(self.owners(), ["7:8", "7:8"])
        else:
            self.no_trace(self.bundle)

    def test_no_mappings_at_all(self):
        """config.md#linux-mount-options: idmap or ridmap without mappings and without a user namespace is an error."""
        for word in ("idmap", "ridmap"):
            self.bundle = self.another()
            self.bind("/data", self.owned_volume(), "rbind", word)
            self.refused(why=word)

    def test_half_a_mapping(self):
        """config.md#posix-platform-mounts: uidMappings must come with gidMappings."""
        for name in ("uidMappings", "gidMappings"):
            self.bundle = self.another()
            self.bind("/data", self.owned_volume(), "rbind", "idmap", **{name: self.MAP})
            self.refused(why=name)

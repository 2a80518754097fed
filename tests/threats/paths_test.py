#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Threats of executables, descriptors and paths: rows of threats-and-faults.md, table 1A, each with what
must go on working. Every test ends with the sentinel, the programs, the mounts and the kernel's knobs
compared with what they were. Needs root."""

import json
import os
import random
import sys
import unittest

sys.path[:0] = ["tests", "tests/threats"]
import cases
from ground import NsExecSkin, NsRunSkin, OciSkin, break_ground
from terminal import Terminal

ground = None


def setUpModule():
    global ground
    ground = break_ground()


def without_mount(config, *destinations):
    config["mounts"] = [m for m in config["mounts"] if not any((m["destination"] + "/").startswith(d + "/") for d in destinations)]


def bind(source, destination, *options):
    return {"destination": destination, "type": "bind", "source": source, "options": ["bind", *options]}


def tmpfs(destination):
    return {"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]}


class Model:
    """How the kernel resolves names in a root that has nothing outside: the reference for row 23. A missing
    component is made."""

    def __init__(self, links, folders):
        self.links, self.folders = links, folders

    # The path that `path` stands for; None: no folder, or a loop.
    def resolve(self, path):
        at, rest, followed = [], path.split("/"), 0
        while rest:
            word = rest.pop(0)
            if word in ("", "."):
                continue
            if word == "..":
                at = at[:-1]
                continue
            here = "/".join(at + [word])
            if here in self.links:
                followed += 1
                if followed > 40:
                    return None
                target = self.links[here]
                at = [] if target.startswith("/") else at
                rest = target.split("/") + rest
                continue
            if here not in self.folders and ".." in rest:
                return None  # whether x/.. is there when x was not
            at.append(word)
        return "/" + "/".join(at)


class Rows:
    def test_row_01_an_entry_that_is_proc_self_exe(self):
        ground.tree("script", [("evil", "f", b"#!/proc/self/exe\n", 0o755), ("fine", "f", b"#!/bin/sh\necho fine\n", 0o755),
                               ("exe", "l", "/proc/self/exe", 0o777)])
        for entry in (["/evil"], ["/evil", "/evil"], ["/exe"], ["/proc/self/exe"]):
            done = self.start("script", entry)
            self.assertNotEqual(done.returncode, 0, f"{entry}: {done.stdout}{done.stderr}")
        self.assertEqual(self.ok("script", ["/fine"]), "fine\n")
        self.assertEqual(self.ok("script", ["sh", "-c", "for p in self 1; do readlink /proc/$p/exe; done"]), "/bin/busybox\n/bin/busybox\n")

    def test_row_02_a_working_directory_that_is_a_descriptor(self):
        for number in range(3, 21):
            for path in (f"/proc/self/fd/{number}", f"/proc/self/fd/{number}/../.."):
                with self.subTest(path):
                    given = [os.open(ground.sentinel, os.O_RDONLY | os.O_DIRECTORY) for _ in range(50)] if number in (3, 7, 20) else []
                    done = self.start("plain", ["cat", "secret", "../../secret"], edit=self.at(path), pass_fds=given)
                    for fd in given:
                        os.close(fd)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertNotIn("the host's", done.stdout)
        self.assertEqual(self.ok("plain", ["pwd"], edit=self.at("/tmp")), "/tmp\n")
        self.assertEqual(self.ok("plain", ["pwd"], edit=self.at("/made/for/it")), "/made/for/it\n")

    @staticmethod
    def at(path):
        return lambda config: config["process"].update(cwd=path)

    def test_row_02_inherited_descriptors_stay_outside(self):
        given = [os.open(ground.sentinel, os.O_RDONLY | os.O_DIRECTORY) for _ in range(50)]
        try:
            self.assertEqual(self.ok("plain", ["/probe", "fds"], pass_fds=given), "0 1 2\n")
            out = self.ok("plain", ["sh", "-c", "for f in /proc/1/fd/* /proc/1/cwd /proc/1/root; do readlink $f; done"], pass_fds=given)
            self.assertNotIn("sentinel", out)
            shell = self.terminal("plain", ["/probe", "fds"], None)
            shell.wait_for("^0 1 2$")
            self.assertEqual(shell.end(), 0)
            shell.close()
        finally:
            for fd in given:
                os.close(fd)

    # --- mount points ------------------------------------------------------------------------------

    # Row 4 without the race, rows 10 and 22: what is on the way to a mount point or to the working
    # directory is a symlink to the host's. It is resolved within the root.
    def test_rows_04_10_22_symlinks_on_the_way(self):
        links = [("abs", "l", ground.sentinel, 0o777), ("up", "l", "../../../../../../.." + ground.sentinel, 0o777),
                 ("folder", "l", ground.sentinel + "/folder", 0o777)]
        for link in ("abs", "up", "folder"):
            ground.tree("links", links)
            for path in (f"/{link}", f"/{link}/a/b/c"):
                with self.subTest(path):
                    self.ok_or_refused("links", ["true"], edit=lambda config: config["mounts"].append(tmpfs(path)))
                    file = bind("/etc/hostname", path + "/file")
                    self.ok_or_refused("links", ["true"], edit=lambda config: config["mounts"].append(file))
                    self.ok_or_refused("links", ["touch", "here"], edit=self.at(path))
        ground.tree("twin", [("var/run", "l", "/run", 0o777), ("run", "d", b"", 0o755), ("rel", "l", "var/run", 0o777)])

        def legitimate(config):
            config["mounts"] += [tmpfs("/var/run/lock"), bind("/etc/hostname", "/rel/name")]
            config["process"]["cwd"] = "/var/run/job"

        look = ["sh", "-c", "pwd; ls /run; stat -f -c %T /run/lock"]
        self.assertEqual(self.ok("twin", look, edit=legitimate), "/run/job\njob\nlock\nname\ntmpfs\n")

    def test_row_05_masks_where_the_image_has_a_null_device_of_its_own(self):
        ground.tree("null", [("dev", "d", b"", 0o755), ("dev/null", "l", "/proc/sys/kernel/core_pattern", 0o777)])
        look = ["sh", "-c", "/probe paths /proc/keys /proc/kcore /proc/sys/kernel/core_pattern; echo evil > /proc/sys/kernel/core_pattern"]
        for edit in (None, lambda config: without_mount(config, "/dev")):
            done = self.start("null", look, edit=edit)
            for line in done.stdout.splitlines():
                path, kind = line.split()[:2]
                if "core_pattern" in path:
                    self.assertIn("write=EROFS", line)
                elif kind != "ENOENT":
                    self.assertRegex(line, "device r. read=0 write=null umount=EPERM")
        self.assertIn("device rw read=0", self.ok("plain", ["/probe", "paths", "/proc/keys", "/dev/null"]))

    def test_row_06_a_console_that_is_a_symlink(self):
        ground.tree("console", [("dev", "d", b"", 0o755), ("dev/console", "l", ground.sentinel + "/secret", 0o777),
                                ("dev/ptmx", "l", ground.sentinel + "/secret", 0o777), ("dev/pts", "d", b"", 0o755)])

        def edit(config):
            without_mount(config, "/dev/mqueue", "/dev/shm")
            config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/dev"]

        for change in (None, edit):
            shell = self.terminal("console", ["sh", "-c", "echo on $(tty); stat -c %t /dev/console; echo typed > /dev/console"], change)
            shell.end()
            shell.close()
        shell = self.terminal("plain", ["sh", "-c", "tty; echo to the console > /dev/console"], None)
        shell.wait_for("^/dev/(pts/0|console)$")
        shell.wait_for("^to the console$")
        self.assertEqual(shell.end(), 0)
        shell.close()

    # --- /proc, /sys, /dev -----------------------------------------------------------------------

    def test_row_07_what_is_written_in_proc_is_written_there(self):
        def over(*mounts):
            def edit(config):
                config["mounts"] += mounts
                config["linux"]["sysctl"] = {"kernel.shm_rmid_forced": "1"}
                config["process"]["oomScoreAdj"] = 500
            return edit

        os.makedirs(ground.sentinel + "/folder/kernel", exist_ok=True)
        ground.before = ground.host()
        for name in ("/proc", "/proc/sys", "/proc/self", "/proc/self/attr", "/proc/thread-self", "/proc/sys/kernel", "/proc/1"):
            for mount in (tmpfs(name), bind(ground.sentinel + "/folder", name), bind("/proc/sysvipc", name)):
                with self.subTest(name, type=mount["type"], source=mount["source"]):
                    out = self.ok_or_refused("plain", ["cat", "/proc/sys/kernel/shm_rmid_forced", "/proc/self/oom_score_adj"], edit=over(mount))
                    self.assertIn(out, (None, "1\n500\n"))
        for name in ("/proc/sys/kernel/shm_rmid_forced", "/proc/self/attr/exec", "/proc/sysrq-trigger", "/proc/self/oom_score_adj"):
            with self.subTest(name):
                self.ok_or_refused("plain", ["true"], edit=over(bind(ground.sentinel + "/secret", name)))
        look = ["cat", "/proc/sys/kernel/shm_rmid_forced", "/proc/self/oom_score_adj"]
        self.assertEqual(self.ok("plain", look, edit=over()), "1\n500\n")
        # As lxcfs does.
        fake = over(bind(ground.sentinel + "/secret", "/proc/uptime"))
        self.assertEqual(self.ok("plain", ["cat", "/proc/uptime"], edit=fake), "the host's\n")

    def test_row_08_proc_and_sys_that_are_no_directories(self):
        for name in ("proc", "sys"):
            for target in ("tmp", "/tmp", ground.sentinel, "../.." + ground.sentinel, "dev"):
                ground.tree("fake", [(name, "l", target, 0o777)], without=(name,))
                self.refused("fake", ["cat", "/proc/self/status"], "ordinary directory")
            ground.tree("fake", [(name, "f", b"", 0o644)], without=(name,))
            self.refused("fake", ["true"], "directory")
        ground.tree("bare", without=("proc", "sys", "dev"))
        self.assertEqual(self.ok("bare", ["sh", "-c", "stat -f -c %T /proc /sys; ls /proc/1/comm"]), "proc\nsysfs\n/proc/1/comm\n")

    def test_row_09_a_dev_that_is_a_symlink(self):
        for target in (ground.sentinel, "../.." + ground.sentinel, "../../../../../../.." + ground.sentinel, "tmp", "/"):
            ground.tree("fakedev", [("dev", "l", target, 0o777)], without=("dev",))
            for edit in (None, lambda config: without_mount(config, "/dev")):
                with self.subTest(target, mounted=edit is None):
                    self.ok_or_refused("fakedev", ["true"], edit=edit)
        self.assertEqual(self.ok("plain", ["sh", "-c", "echo x > /dev/null; stat -c '%t:%T' /dev/zero; readlink /dev/fd"]), "1:5\n/proc/self/fd\n")

    def test_row_11_an_entry_that_is_a_symlink_to_the_host(self):
        with open(ground.sentinel + "/program", "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\necho \"the host's\"\n")
        os.chmod(ground.sentinel + "/program", 0o755)
        ground.before = ground.host()
        program = ground.sentinel + "/program"
        ground.tree("entry", [("abs", "l", program, 0o777), ("up", "l", "../../../../../.." + program, 0o777),
                              ("through", "l", "/proc/1/root" + program, 0o777), ("echo", "l", "bin/busybox", 0o777)])
        for entry in ("/abs", "/up", "/through", "/proc/1/root" + program, program):
            self.refused("entry", [entry], "no such file or directory")
        self.assertEqual(self.ok("entry", ["/echo", "own"]), "own\n")

    # Rows 11 and 31: a container that has rewritten its own root filesystem is started again.
    def test_rows_11_31_a_second_start_after_the_root_was_rewritten(self):
        ground.tree("again")
        script = f"""rm -rf /var /tmp /etc; ln -s {ground.sentinel} /var; ln -s ../../../../../..{ground.sentinel} /tmp
        ln -s {ground.sentinel} /etc; ln -s /proc/1/root /root/1"""
        self.ok("again", ["sh", "-c", script])
        tree = ground.path("trees", "again")

        def edit(config):
            config["mounts"] += [tmpfs("/var/lib"), bind("/etc/hostname", "/etc/hostname"), tmpfs("/root/1/tmp/x")]

        if isinstance(self, NsRunSkin):  # the same tree again; the options of ns-run mount
            self.place.run(["ns-run", "--rootfs", tree, "--tmpfs", "/var/lib", "-v", "/etc/hostname:/etc/hostname", "--", "touch", "/var/new"])
        else:
            self.ok_or_refused("again", ["touch", "/var/new"], edit=edit)
        self.assertFalse(os.path.exists(ground.sentinel + "/new"))

    # --- what is masked --------------------------------------------------------------------------

    MASKED = """/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats
        /proc/sched_debug /proc/scsi /proc/kallsyms /proc/pagetypeinfo /proc/slabinfo /proc/vmallocinfo /sys/firmware
        /sys/devices/virtual/powercap""".split()
    READONLY = "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sys/kernel/core_pattern /proc/sysrq-trigger".split()

    def test_rows_12_13_masked_and_read_only_paths(self):
        lines = self.ok("plain", ["/probe", "paths", *self.MASKED, *self.READONLY]).splitlines()
        self.assertEqual(len(lines), len(self.MASKED) + len(self.READONLY))
        for line in lines[:len(self.MASKED)]:
            self.assertRegex(line, "^[^ ]+ (ENOENT|directory ro read=0 write=EROFS umount=EPERM|device r. read=0 write=null umount=EPERM)$")
        for line in lines[len(self.MASKED):]:
            self.assertRegex(line, "^[^ ]+ (ENOENT|directory ro .* write=E[A-Z]+ umount=EPERM|file ro .* write=EROFS umount=EPERM)$")
        # All of /sys is read-only, and so is what leaks the machine's power.
        for path in ("/sys", "/sys/kernel", "/sys/fs/cgroup", "/sys/class/powercap", "/sys/kernel/uevent_helper"):
            self.assertRegex(self.ok("plain", ["/probe", "paths", path]), "ENOENT|write=(EROFS|EACCES|EPERM) umount=E")
        found = self.ok("plain", ["sh", "-c", "echo hello > /tmp/x; cat /tmp/x; grep -c ^processor /proc/cpuinfo; head -c 4 /proc/self/comm"])
        self.assertEqual(found.split()[::2], ["hello", "head"])

    def test_row_12_volumes_over_proc_and_sys_are_refused(self):
        for path in ("/proc", "/proc/self", "/proc/sys", "/proc/1/ns", "/proc/sys/kernel", "/proc/../proc"):
            with self.subTest(path):
                self.refused("plain", ["true"], options=(), edit=lambda config: config["mounts"].append(bind(ground.sentinel, path, "rbind")))
        out = self.ok("plain", ["cat", "/data/secret"], edit=lambda config: config["mounts"].append(bind(ground.sentinel, "/data", "ro")))
        self.assertEqual(out, "the host's\n")

    # --- files that engines write -------------------------------------------------------------------

    def test_row_21_files_of_the_engine_are_not_written_through_symlinks(self):
        names = ("etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", "etc/passwd", "etc/group")
        ground.tree("etc", [(name, "l", f"{ground.sentinel}/{name[4:]}", 0o777) for name in names])
        self.ok_or_refused("etc", ["cat", "/etc/hosts", "/etc/passwd"], edit=lambda config: None)
        ground.tree("etc", [(name, "l", "../../../../../../.." + ground.sentinel + "/secret", 0o777) for name in names])
        self.ok_or_refused("etc", ["cat", "/etc/hosts", "/etc/passwd"], edit=lambda config: None)

    def test_row_21_control_characters_in_names(self):
        for name in ("a\nb", "a/b", "a b", "x" * 65):
            self.refused("plain", ["hostname"], edit=lambda config: config.update(hostname=name))
        for entry in ("A", "=b", "A\0B=c", ""):
            done = self.start("plain", ["env"], edit=lambda config: config["process"]["env"].append(entry))
            self.assertNotIn("B=c", done.stdout.splitlines())

        def edit(config):
            config["hostname"] = "web-1.example"
            config["process"]["env"].append("TWO=a\nb: c")
        out = self.ok("plain", ["sh", "-c", "hostname; echo \"$TWO\""], edit=edit)
        self.assertEqual(out, "web-1.example\na\nb: c\n")


class NsRun(Rows, NsRunSkin, unittest.TestCase):
    def terminal(self, name, args, edit):
        return Terminal(ground, " ".join("'" + word.replace("'", "'\\''") + "'" for word in self.command(name, args, ["-t", "-i"], edit)))

    def test_row_12_volume_options(self):
        for path in ("/proc", "/proc/self", "/proc/sys", "/", "/proc/sysrq-trigger"):
            with self.subTest(path):
                self.refused("plain", ["true"], options=["-v", f"{ground.sentinel}:{path}"])
                self.refused("plain", ["true"], options=["--tmpfs", path])
        self.assertEqual(self.ok("plain", ["cat", "/x/secret"], options=["-v", f"{ground.sentinel}:/x:ro"]), "the host's\n")

    def test_row_02_inherited_descriptors_and_a_document_from_stdin(self):
        document = json.dumps(ground.document("plain"))
        fds = [os.open(ground.sentinel, os.O_RDONLY | os.O_DIRECTORY) for _ in range(50)]
        done = self.place.run(["ns-run", "--rm", "--", "/probe", "fds"], input=document, pass_fds=fds)
        for fd in fds:
            os.close(fd)
        self.assertEqual(done.stdout, "0 1 2\n", done.stderr)

    def test_row_23_random_symlinks_resolve_within_the_root(self):
        same = 0
        for seed in range(12):
            luck = random.Random(seed)
            folders = {"t"} | {"t/" + n for n in "abc"} | {f"t/{n}/{m}" for n in "abc" for m in "abc"}
            steps = ["..", "..", "../..", "/t", "/", "x", "y", "z", "a", "b", "c", "/proc/self/root", "../../../../../.."]
            links = {}
            for folder in sorted(folders):
                target = "/".join(luck.choice(steps) for _ in range(luck.randint(1, 3)))
                links[f"{folder}/{luck.choice('xyz')}"] = target.replace("//", "/")
            entries = [(f, "d", b"", 0o755) for f in sorted(folders)] + [(l, "l", t, 0o777) for l, t in sorted(links.items())]
            model = None
            for _ in range(8):
                if model is None:
                    ground.tree("random", entries)
                    model = Model(links, folders | {"proc", "proc/self"})
                path = "/t/" + "/".join(luck.choice("abcxyz") for _ in range(luck.randint(1, 5)))
                want = model.resolve(path)
                done = self.start("random", ["sh", "-c", "/bin/busybox pwd -P"], options=["-w", path])
                self.assertNotIn("stave-place", done.stdout)
                if done.returncode != 0 or want is None or "/proc" in want:
                    model = None  # some of it may have been made
                    continue
                self.assertEqual(done.stdout, want + "\n", (seed, path, links))
                words = want.split("/")[1:]
                model.folders |= {"/".join(words[:n]) for n in range(1, len(words) + 1)}
                same += 1
        self.assertGreater(same, 40)

    # Row 22 by option and by the image's own words.
    def test_row_22_the_images_workdir(self):
        ground.tree("workdir", [("a", "l", ground.sentinel, 0o777)])
        config = {"Cmd": ["touch", "made"], "Env": ["PATH=/bin"], "WorkingDir": "/a/b"}
        document = json.dumps(ground.document("workdir", config))
        self.place.run(["ns-run", "--rm"], input=document)
        self.place.run(["ns-run", "--rm", "-u", "1000"], input=document)
        config["WorkingDir"] = "/proc/self/fd/9"
        done = self.place.run(["ns-run", "--rm"], input=json.dumps(ground.document("workdir", config)))
        self.assertEqual(done.returncode, 125)
        config["WorkingDir"] = "/srv/app"
        done = self.place.run(["ns-run", "--rm", "--", "pwd"], input=json.dumps(ground.document("workdir", config)))
        self.assertEqual(done.stdout, "/srv/app\n")


class ExecRows:
    def test_row_01_exec_of_what_is_proc_self_exe(self):
        ground.tree("script", [("evil", "f", b"#!/proc/self/exe\n", 0o755), ("fine", "f", b"#!/bin/sh\necho fine\n", 0o755),
                               ("exe", "l", "/proc/self/exe", 0o777)])
        ident = self.background("script", ["sleep", "1000"])
        for entry in (["/evil"], ["/evil", "/evil"], ["/exe"], ["/proc/self/exe"]):
            self.assertNotEqual(self.inside(ident, *entry).returncode, 0, entry)
        self.assertEqual(self.inside(ident, "/fine").stdout, "fine\n")

    def test_row_02_descriptors_and_cwd_of_exec(self):
        ident = self.background("plain", ["sleep", "1000"])
        fds = [os.open(ground.sentinel, os.O_RDONLY | os.O_DIRECTORY) for _ in range(50)]
        try:
            self.assertEqual(self.inside(ident, "/probe", "fds", pass_fds=fds).stdout, "0 1 2\n")
            for number in range(3, 21):
                done = self.inside(ident, "cat", "secret", "../../secret", options=["--cwd", f"/proc/self/fd/{number}"], pass_fds=fds)
                self.assertNotEqual(done.returncode, 0)
                self.assertNotIn("the host's", done.stdout)
        finally:
            for fd in fds:
                os.close(fd)
        self.assertEqual(self.inside(ident, "pwd", options=["--cwd", "/tmp"]).stdout, "/tmp\n")

    # Row 22 for exec: the container has replaced the folder.
    def test_row_22_exec_in_a_folder_that_became_a_symlink(self):
        ground.tree("cwd")
        ident = self.background("cwd", ["sh", "-c", f"mkdir /task; rm -r /task; ln -s {ground.sentinel} /task; ln -s /proc/1/root/.. /out; sleep 1000"])
        while not os.path.lexists(ground.path("trees/cwd/out")):
            pass
        for path in ("/task", "/task/deeper", "/out"):
            done = self.inside(ident, "cat", "secret", options=["--cwd", path])
            self.assertNotIn("the host's", done.stdout)


class NsExec(ExecRows, NsExecSkin, unittest.TestCase):
    pass


class StaveOci(Rows, ExecRows, OciSkin, unittest.TestCase):
    def terminal(self, name, args, edit):
        def on_terminal(config):
            config["process"]["terminal"] = True
            if edit:
                edit(config)
        return Terminal(ground, " ".join("'" + word.replace("'", "'\\''") + "'" for word in self.command(name, args, (), on_terminal)))


if __name__ == "__main__":
    cases.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""file-copy on real containers: Docker's rule table both ways, tar streams, links that try to lead out, owners,
attributes, holes; containers that run, are paused, have ended or run read-only. What "the host" is to a link is
a folder of the test's own. Needs root."""

import glob
import io
import os
import select
import stat
import subprocess
import sys
import tarfile
import time
import unittest

sys.path[:0] = ["tests", "tests/root"]
import cases
from place import Place
from trees import differences, listing, tell

place = None


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    unittest.addModuleCleanup(place.close)
    image = place.layout("shell", [Place.busybox()])
    ok(f"image-fetch -q {image} > t.json")
    os.mkdir(place.path("host"))  # what a link out would reach
    write("host/secret", "the host's\n")
    for name in ("volume", "readonly"):
        os.mkdir(place.path(name))
    write("volume/in-volume", "v\n")
    write("readonly/file", "r\n")


def write(path, text, mode=0o644):
    with open(place.path(path), "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(place.path(path), mode)


def ok(command, **kwargs):
    done = place.run(command, **kwargs)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


# A container that has run `script` and now waits, as long as `with` holds.
class Running:
    def __init__(self, script="true", *options, template="t.json"):
        self.options, self.script, self.template = options, script, template

    def __enter__(self):
        ok("rm -rf ready; mkdir ready; mkfifo -m 666 ready/fifo")
        self.process = place.start(
            ["ns-run", "--config", place.path(self.template), "--name", "web", "-v", place.path("volume") + ":/volume",
             "-v", place.path("readonly") + ":/readonly:ro", "-v", place.path("ready") + ":/.ready", *self.options, "--", "sh", "-c",
             f"{self.script}\necho ready > /.ready/fifo; exec sleep 10000"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        fifo = os.open(place.path("ready/fifo"), os.O_RDONLY | os.O_NONBLOCK)
        found = select.select([fifo], [], [], 30)[0] and os.read(fifo, 100)
        os.close(fifo)
        assert found == b"ready\n", self.process.poll()
        while not ok("ps-lister -q"):  # its state is written a moment later
            assert self.process.poll() is None
        return self

    def end(self):
        ok("ps-lister --json | jq -r .pid | xargs -r kill -9")
        self.process.wait(30)
        place.wait_until_quiet()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()
        place.run("ps-remove -f web")


class FileCopyTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))
        ok("rm -rf here; mkdir here")

    def copy(self, *words, code=0, err=None, input=None):
        done = place.run(["file-copy", *words], input=input)
        self.assertEqual(done.returncode, code, (words, done.stderr))
        if err is not None:
            self.assertRegex(done.stderr, err)
        return done

    def stream(self, *words):
        done = subprocess.run(["file-copy", *words, "-"], env=place.env, cwd=place.dir, stdout=subprocess.PIPE, check=True)
        return tarfile.open(fileobj=io.BytesIO(done.stdout)), done.stdout

    def text(self, path):
        tar, _ = self.stream("web:" + path)
        return tar.extractfile(tar.getmembers()[0]).read().decode()

    def names(self, path):
        return sorted(self.stream("web:" + path)[0].getnames())

    # --- the table -----------------------------------------------------------------------------------

    SCENE = "mkdir {top}; cd {top}; mkdir src dir; echo 1 > src/one; echo f > file; echo old > there"
    # (SRC, DEST, what is there afterwards that was not, or the error)
    TABLE = [
        ("file", "new", ["new"]),
        ("file", "new/", "no such directory"),
        ("file", "there", ["there=f"]),
        ("file", "dir", ["dir/file"]),
        ("file", "dir/", ["dir/file"]),
        ("file", "nodir/new", "does not exist|Could not find the file"),
        ("src", "new", ["new", "new/one"]),
        ("src", "new/", ["new", "new/one"]),
        ("src", "there", "cannot copy directory"),
        ("src", "dir", ["dir/src", "dir/src/one"]),
        ("src/", "dir", ["dir/src", "dir/src/one"]),
        ("src", "nodir/new", "does not exist|Could not find the file"),
        ("src/.", "new", ["new", "new/one"]),
        ("src/.", "dir", ["dir/one"]),
        ("src/.", "there", "cannot copy directory"),
        ("nothing", "dir", "no such file or directory|Could not find the file"),
        ("file/", "dir", "."),
        ("file", "there/", "no such directory|not a directory"),
    ]

    @staticmethod
    def scene(base):
        found = {}
        for folder, folders, files in os.walk(base):
            for name in folders + files:
                path = os.path.join(folder, name)
                with open(path if name in files else os.devnull, encoding="utf-8") as file:
                    found[os.path.relpath(path, base)] = file.read().strip()
        return found

    def check_case(self, words, base, expected):
        before = self.scene(base)
        done = place.run(["file-copy", *words])
        if isinstance(expected, str):
            self.assertEqual(done.returncode, 1, done)
            self.assertRegex(done.stderr.splitlines()[-1], expected)
            self.assertEqual(self.scene(base), before)
            return
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, "^Successfully copied [0-9.]+kB to ")
        after = self.scene(base)
        changed = sorted(path for path in after if after[path] != before.get(path))
        self.assertEqual(changed, sorted(path.partition("=")[0] for path in expected))
        for path in expected:
            if "=" in path:
                self.assertEqual(after[path.partition("=")[0]], path.partition("=")[2])

    def test_the_table_into_a_container(self):
        # The scene of the container is a volume, so that it can be looked at.
        with Running():
            for source, dest, expected in self.TABLE:
                with self.subTest(source=source, dest=dest):
                    ok("rm -rf volume/s here/s; cd here;" + self.SCENE.format(top="s"))
                    ok("cd volume;" + self.SCENE.format(top="s"))
                    self.check_case((place.path("here/s") + "/" + source, "web:/volume/s/" + dest), place.path("volume/s"), expected)
            ok("rm -rf volume/s")

    def test_the_table_out_of_a_container(self):
        with Running(self.SCENE.format(top="/s")):
            for source, dest, expected in self.TABLE:
                with self.subTest(source=source, dest=dest):
                    ok("rm -rf here/s; cd here;" + self.SCENE.format(top="s"))
                    self.check_case(("web:/s/" + source, place.path("here/s") + "/" + dest), place.path("here/s"), expected)

    def test_relative_words(self):
        with Running("mkdir /s; echo 1 > /s/one; echo 2 > /s/a:b"):
            self.copy("web:s/one", "here")  # from the root
            self.copy("web:s/a:b", "./here/a:b")
            self.assertEqual(sorted(os.listdir(place.path("here"))), ["a:b", "one"])
            self.copy("./here/a:b", "web:x")
            self.assertEqual(self.text("/x"), "2\n")
            self.copy("web:/s/../s/./one", "here/two")
            done = place.run("cd here && file-copy web:/s/one . && file-copy one web:/tmp && file-copy -q . web:/tmp/all")
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (0, 2))
            self.assertEqual(self.names("/tmp/all"), ["all", "all/a:b", "all/one", "all/two"])

    def test_wrong_usage(self):
        for words, err in ((["a", "b"], "must specify at least one container source"), (["a:b", "c:d"], "copying between containers is not supported"),
                           (["a:b"], "wants two operands"), (["", "c:/"], "source can not be empty"), (["c:/", ""], "destination can not be empty")):
            self.copy(*words, code=2, err=err)
        self.copy("nosuch:/x", "here", code=1, err=r"No such container: nosuch \[E_NO_CONTAINER\]")
        self.copy("here", "nosuch:/x", code=1, err="No such container: nosuch")

    # --- what is copied --------------------------------------------------------------------------------

    # A tree with one of everything; `prefix` is where it is made.
    def make_everything(self, prefix):
        top = place.path(prefix)
        os.makedirs(top + "/deep/er")
        write(prefix + "/plain", "text\n", 0o640)
        write(prefix + "/suid", "x", 0o4755)
        os.chmod(top + "/deep", 0o2775)
        os.link(top + "/plain", top + "/deep/hard")
        os.symlink("../plain", top + "/deep/link")
        os.symlink("/nowhere", top + "/dangling")
        os.mkfifo(top + "/fifo", 0o600)
        os.mknod(top + "/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        with open(top + "/holes", "wb") as out:
            out.seek(3 << 20)
            out.write(b"x")
            out.truncate(64 << 20)
        name = "\u00e4" * 80 + " long'name\n"
        write(prefix + "/" + name, "long")
        os.setxattr(top + "/plain", "user.note", b"a\0b=c")
        os.setxattr(top + "/deep", "user.folder", b"")
        os.chown(top + "/plain", 1000, 3000000000)
        os.chown(top + "/dangling", 7, 8, follow_symlinks=False)
        os.chown(top + "/deep/er", 5, 6)
        # Last, bottom up; before 1970, too.
        for path, ns in (("/plain", 1234567890123456789), ("/dangling", 5), ("/fifo", -1500000000), ("/deep/er", -(10**18)), ("/deep", 10**18 + 1), ("", 999)):
            os.utime(top + path, ns=(ns, ns), follow_symlinks=False)

    def test_everything_survives_a_round_trip(self):
        self.make_everything("here/all")
        want = listing(place.path("here/all"))
        with Running():
            done = self.copy("-aq", "here/all", "web:/tmp/all")
            self.assertEqual(done.stderr, "")
            self.copy("-aq", "web:/tmp/all", "here/back")
            back = listing(place.path("here/back"))
            self.assertEqual(differences(back, want), set(), tell(back, want))
            self.assertLess(os.stat(place.path("here/back/holes")).st_blocks, 1024)
            # Through tars, ours read by GNU tar and theirs by us.
            ok("file-copy web:/tmp/all - > all.tar; mkdir here/gnu; tar -xpf all.tar --xattrs --xattrs-include='user.*' -C here/gnu")
            gnu = listing(place.path("here/gnu/all"))
            self.assertEqual(differences(gnu, want), set(), tell(gnu, want))
            ok("tar -cf- --format=pax --xattrs --xattrs-include='user.*' --numeric-owner -C here all | file-copy -q - web:/root")
            self.copy("-aq", "web:/root/all", "here/from-gnu")
            again = listing(place.path("here/from-gnu"))
            self.assertEqual(differences(again, want), set(), tell(again, want))
            # And by Python.
            with tarfile.open(place.path("all.tar")) as tar:
                members = {member.name: member for member in tar}
            self.assertEqual(members["all/plain"].gid + members["all/deep/hard"].gid, 2 * 3000000000)
            self.assertEqual(members["all/fifo"].mtime, -1.5)
            self.assertEqual(os.fsencode(sorted(members)[-1]), os.fsencode("all/" + "\u00e4" * 80 + " long'name\n"))
        os.unlink(place.path("all.tar"))

    def test_the_same_tree_gives_the_same_bytes(self):
        with Running("mkdir /s; for n in 3 1 2; do echo $n > /s/$n; done"):
            self.assertEqual(self.stream("web:/s")[1], self.stream("web:/s")[1])
            self.assertEqual(self.names("/s"), ["s", "s/1", "s/2", "s/3"])
            self.assertEqual([m.name for m in self.stream("web:/s/.")[0]], [".", "1", "2", "3"])

    def test_owners_without_archive(self):
        write("here/file", "x")
        os.chown(place.path("here/file"), 1000, 1000)
        os.chmod(place.path("here/file"), 0o4755)
        with Running("mkdir /s; echo x > /s/root; chmod 4755 /s/root"):
            self.copy("here/file", "web:/s/into")
            member = self.stream("web:/s/into")[0].getmembers()[0]
            # Root's now: it must not act for root.
            self.assertEqual((member.uid, member.gid, member.mode), (0, 0, 0o755))
            self.copy("-a", "here/file", "web:/s/kept")
            member = self.stream("web:/s/kept")[0].getmembers()[0]
            self.assertEqual((member.uid, member.gid, member.mode), (1000, 1000, 0o4755))
            self.copy("web:/s/kept", "here/out")
            info = os.stat(place.path("here/out"))
            self.assertEqual((info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)), (0, 0, 0o755))
            self.copy("-a", "web:/s/kept", "here/out2")
            info = os.stat(place.path("here/out2"))
            self.assertEqual((info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)), (1000, 1000, 0o4755))
            self.copy("web:/s/root", "here")  # root's before and after
            self.assertEqual(stat.S_IMODE(os.stat(place.path("here/root")).st_mode), 0o4755)

    def test_devices_and_sockets(self):
        with Running():
            ok("mkdir here/d; mknod here/d/zero c 1 5; mkfifo here/d/fifo; python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('here/d/socket')\"")
            self.copy("here/d", "web:/tmp/d", err='"d/socket": is a socket and was left out')
            self.assertEqual(self.names("/tmp/d"), ["d", "d/fifo", "d/zero"])
            self.copy("web:/tmp/d", "here/out", err='"out/zero": is a device and was left out')
            self.assertEqual(os.listdir(place.path("here/out")), ["fifo"])
            self.copy("-a", "web:/tmp/d", "here/out2")
            self.assertEqual(os.stat(place.path("here/out2/zero")).st_rdev, os.makedev(1, 5))
            self.copy("here/file", "web:/dev/null", code=1)
            write("here/file", "x")
            self.copy("here/file", "web:/dev/null", code=1, err='destination "web:/dev/null" must be a directory or a regular file: got a device')
            self.copy("web:/etc/passwd", "here/d/zero", code=1, err='must be a directory or a regular file: got a device')

    def test_one_thing_that_is_left_out_is_an_error(self):
        with Running():
            ok("python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('here/socket')\"; mknod here/hole c 0 0")
            for words, why in ((("here/socket", "web:/tmp/s"), "is a socket and was left out"), (("here/hole", "web:/tmp/s"), "it was left out"),
                               (("web:/dev/null", "here/null"), "is a device and was left out; --archive copies it")):
                done = self.copy(*words, code=1, err=why)
                self.assertNotIn("Successfully", done.stderr)
                self.assertNotIn("warning", done.stderr)
            self.assertFalse(os.path.lexists(place.path("here/null")))
            self.assertEqual(self.names("/tmp"), ["tmp"])
            self.copy("-a", "web:/dev/null", "here/null")
            self.assertEqual(os.stat(place.path("here/null")).st_rdev, os.makedev(1, 3))
            self.assertEqual(ok("file-copy web:/dev/null - | tar -t"), "null\n")
            self.copy("-a", "here/socket", "web:/tmp/s", code=1, err="is a socket and was left out")

    # --- streams ---------------------------------------------------------------------------------------

    def pack(self, *members):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name, kind, content in members:
                info = tarfile.TarInfo(name)
                info.type, info.mode, info.uid = kind, 0o755 if kind == tarfile.DIRTYPE else 0o644, 42
                if kind == tarfile.REGTYPE:
                    info.size = len(content)
                else:
                    info.linkname = content
                tar.addfile(info, io.BytesIO(content.encode()) if kind == tarfile.REGTYPE else None)
        return out.getvalue()

    def feed(self, data, dest):
        return subprocess.run(["file-copy", "-", dest], env=place.env, cwd=place.dir, input=data, capture_output=True, check=False)

    def test_a_tar_into_a_container(self):
        F, D, L = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE
        with Running("ln -s /volume /tmp/way; ln -s /tmp /t"):
            done = self.feed(self.pack(("a", D, ""), ("a/b", F, "1"), ("c/d/e", F, "2"), ("way/through", F, "3")), "web:/tmp")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.text("/tmp/a/b") + self.text("/tmp/c/d/e"), "12")
            self.assertEqual(self.stream("web:/tmp/a/b")[0].getmembers()[0].uid, 42)
            # A link in the container is followed in the container.
            with open(place.path("volume/through"), encoding="utf-8") as file:
                self.assertEqual(file.read(), "3")
            os.unlink(place.path("volume/through"))
            self.assertEqual(self.feed(self.pack(("x", F, "4")), "web:/t").returncode, 0)
            self.assertEqual(self.text("/tmp/x"), "4")
            for dest, err in (("web:/etc/passwd", b"must be a directory"), ("web:/nothing", b"must be a directory"), ("web:/no/dir", b"Could not find the file")):
                done = self.feed(self.pack(("x", F, "")), dest)
                self.assertEqual(done.returncode, 1)
                self.assertIn(err, done.stderr)
            for data in (b"no tar at all" * 100, b"\x1f\x8b" + b"\0" * 1000):
                done = self.feed(data, "web:/tmp")
                self.assertEqual(done.returncode, 1)
                self.assertIn(b"gzip -dc", done.stderr)
            # Out of the tar's root, and through a link that the tar itself brings.
            host = place.path("host")
            for members in ([("../../../../../../evil", F, "x")], [("l", L, host), ("l/evil", F, "x")], [("l", L, "../../../../../.." + host), ("l/evil", F, "x")],
                            [("h", tarfile.LNKTYPE, "../../../../../" + host + "/secret")]):
                self.feed(self.pack(*members), "web:/tmp")
            self.assertEqual(os.listdir(host), ["secret"])
            self.assertEqual(os.stat(host + "/secret").st_nlink, 1)

    # --- links -----------------------------------------------------------------------------------------

    def test_links_never_lead_out(self):
        host = place.path("host")
        up = "../" * 30
        script = f"""
            ln -s {host} /abs; ln -s {up}{host[1:]} /rel; ln -s /proc/self/root{host} /magic; ln -s /proc/1/root{host} /magic1
            ln -s /proc/self/cwd /cwd; ln -s loop /loop; ln -s {host}/new /dangling; mkdir /d; ln -s / /d/up; ln -s /d /way"""
        with Running(script):
            write("here/file", "mine\n")
            for link in ("abs", "rel", "magic", "magic1", "loop", "cwd"):
                with self.subTest(link):
                    self.copy(f"web:/{link}/secret", "here", code=1)
                    self.copy("-L", f"web:/{link}", "here/x", code=1)
                    self.copy(f"web:/{link}/", "here/x", code=1)
                    self.copy("here/file", f"web:/{link}/new", code=1)
            # There is no such folder in the container, so it is neither followed nor made.
            self.copy("here/file", "web:/dangling", code=1)
            self.copy("here/file", "web:/abs", code=1)
            self.assertEqual(os.listdir(host), ["secret"])
            # A link itself is copied as one.
            self.copy("web:/abs", "here/link")
            self.assertEqual(os.readlink(place.path("here/link")), host)
            # The harmless thing that looks like it.
            self.copy("web:/way/up/way/../etc/passwd", "here/passwd")
            self.copy("here/file", "web:/d/up/d/new")
            self.assertEqual(self.text("/d/new"), "mine\n")

    def test_links_at_the_ends(self):
        with Running("mkdir /d; echo 1 > /d/one; ln -s d /dl; ln -s /d/one /fl; ln -s /tmp/later /dangling"):
            self.copy("-L", "web:/dl", "here")  # under the link's name
            self.assertEqual(os.listdir(place.path("here/dl")), ["one"])
            self.copy("-L", "web:/fl", "here")
            self.assertFalse(os.path.islink(place.path("here/fl")))
            self.copy("web:/dl/", "here/slash")
            self.assertEqual(os.listdir(place.path("here/slash")), ["one"])
            self.copy("web:/dl/.", "here/dot")
            self.assertEqual(os.listdir(place.path("here/dot")), ["one"])
            write("here/new", "2\n")
            os.symlink("new", place.path("here/nl"))
            self.copy("here/new", "web:/dl")
            self.copy("here/new", "web:/fl")  # what it leads to is replaced
            self.copy("here/new", "web:/dangling")
            self.copy("-L", "here/nl", "web:/tmp")
            self.copy("here/nl", "web:/tmp/as-link")
            self.assertEqual([self.text(path) for path in ("/d/new", "/d/one", "/tmp/later", "/tmp/nl")], ["2\n"] * 4)
            self.assertEqual(self.stream("web:/tmp/as-link")[0].getmembers()[0].linkname, "new")
            self.assertTrue(self.stream("web:/fl")[0].getmembers()[0].issym())
            # The same on this machine.
            os.symlink("target", place.path("here/to-be"))
            self.copy("web:/d/new", "here/to-be")
            self.assertTrue(os.path.isfile(place.path("here/target")))

    # --- containers ------------------------------------------------------------------------------------

    def test_volumes_and_what_is_the_runtimes(self):
        with Running("mkdir /tmp/t", "--tmpfs", "/scratch"):
            self.assertEqual(self.text("/volume/in-volume"), "v\n")
            write("here/file", "x\n")
            self.copy("here/file", "web:/scratch/file")
            self.assertEqual(self.text("/scratch/file"), "x\n")
            self.copy("here/file", "web:/readonly", code=1, err=r"mounted volume is marked read-only \[E_READ_ONLY\]")
            self.copy("web:/proc/1/status", "here", code=1, err="is the kernel's")
            self.copy("here/file", "web:/proc", code=1, err="is the kernel's")
            self.copy("here/file", "web:/proc/sysrq-trigger", code=1)
            names = self.names("/")
            self.assertIn("volume/in-volume", names)
            self.assertEqual([name for name in names if name.startswith(("proc/", "sys/", "dev/", "scratch/"))], [])
            # A file that is mounted over is written in place: the container goes on seeing its own.
            self.copy("here/file", "web:/etc/hosts")
            self.assertEqual(self.text("/etc/hosts"), "x\n")
            [hosts] = [path for path in [place.path("run/containers", name, "hosts") for name in os.listdir(place.path("run/containers"))] if os.path.exists(path)]
            with open(hosts, encoding="utf-8") as file:
                self.assertEqual(file.read(), "x\n")
            self.copy("-aq", place.path("volume"), "web:/volume/again", err="is what is being made")
            self.assertEqual(os.listdir(place.path("volume/again")), ["in-volume"])
            ok("rm -r volume/again")

    def test_read_only_root(self):
        with Running("true", "--read-only"):
            write("here/file", "x")
            for _ in range(2):
                self.copy("here/file", "web:/etc/x", code=1, err=r"container rootfs is marked read-only \[E_READ_ONLY\]")
                self.copy("here/file", "web:/volume/x")
                os.unlink(place.path("volume/x"))
                ok("ps-lister --json | jq -r .pid | xargs -r kill -9")
                place.wait_until_quiet()

    def test_one_that_has_ended(self):
        with Running("echo 1 > /root/one; mkdir /root/d") as web:
            web.end()
            self.assertEqual(self.text("/root/one"), "1\n")
            self.assertEqual(self.text("/volume/in-volume"), "v\n")
            write("here/file", "2\n")
            self.copy("here/file", "web:/root/d")
            self.copy("here/file", "web:/volume/new")
            os.unlink(place.path("volume/new"))
            self.assertEqual(self.text("/root/d/file"), "2\n")
            [upper] = [place.path("state/containers", name, "upper") for name in os.listdir(place.path("state/containers"))]
            self.assertTrue(os.path.exists(upper + "/root/d/file"))
            before = listing(upper)
            self.copy("web:/", "here/whole")  # reading changes nothing
            self.assertEqual(listing(upper), before)

    def create(self, script):
        ok(f"ns-run --config t.json --create --name web -v {place.path('volume')}:/volume -- sh -c '{script}'")
        self.addCleanup(place.run, "ps-remove -f web")

    def start_and_end(self):
        ok("ns-run --start web && ps-wait web")
        place.wait_until_quiet()

    def test_one_that_was_never_started(self):
        self.create("cat /root/before > /volume/seen; echo 1 > /root/after")
        write("here/file", "made before\n")
        self.assertEqual(self.text("/volume/in-volume"), "v\n")
        self.assertEqual(self.text("/etc/passwd")[:5], "root:")
        self.copy("here/file", "web:/root/before")
        self.copy("here/file", "web:/volume/new")
        self.assertEqual(ok("layer-diff web").splitlines()[-2:], ["A /root/before", "A /volume"])
        for name in ("seen", "new"):
            self.addCleanup(ok, "rm -f volume/" + name)
        self.start_and_end()
        with open(place.path("volume/seen"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "made before\n")
        self.assertEqual(self.text("/root/after"), "1\n")
        # And again, when it has run.
        write("here/file", "made between\n")
        self.copy("here/file", "web:/root/before")
        self.start_and_end()
        with open(place.path("volume/seen"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "made between\n")

    # A writer has the container in hand; killed, it leaves an entry that the next command sweeps.
    def test_a_start_and_a_removal_meanwhile(self):
        self.create("true")
        writer = place.start(["file-copy", "-", "web:/"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        writer.stdin.buffer.write(self.pack(("first", tarfile.REGTYPE, "1" * 600))[:1024])
        writer.stdin.buffer.flush()
        while not glob.glob(place.path("state/containers/*/upper/first")):
            self.assertIsNone(writer.poll())
            time.sleep(0.01)
        for command in ("ns-run --start web", "ps-remove web"):
            self.assertEqual(place.run(command).returncode, 1, command)
        self.assertEqual(self.text("/etc/passwd")[:5], "root:")  # who reads does not wait
        other = place.start(["file-copy", "-q", "t.json", "web:/second"], stderr=subprocess.PIPE)
        writer.kill()
        writer.wait()
        _, err = other.communicate(timeout=30)  # it waits for its turn
        self.assertEqual((other.returncode, err), (0, ""))
        self.start_and_end()

    def test_one_that_is_paused(self):
        with Running("echo 1 > /root/one"):
            ok("ps-signal --pause web")
            self.assertEqual(self.text("/root/one"), "1\n")
            self.copy("t.json", "web:/root/two")
            ok("ps-signal --unpause web")

    def test_one_that_a_signal_has_stopped(self):
        with Running("echo 1 > /root/one"):
            pid = ok("ps-lister --json | jq -r .pid").strip()
            os.kill(int(pid), 19)  # SIGSTOP: nothing in it can answer
            self.assertEqual(self.text("/root/one"), "1\n")
            self.copy("t.json", "web:/root/two")
            os.kill(int(pid), 18)

    def test_a_user_namespace(self):
        ok("""jq '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
              | .linux.gidMappings = .linux.uidMappings' t.json > user.json""")
        os.chmod(place.dir, 0o711)
        self.addCleanup(os.chmod, place.dir, 0o700)
        write("here/file", "x\n")
        os.chown(place.path("here/file"), 1000, 1000)
        with Running(template="user.json"):
            self.copy("here/file", "web:/root/theirs")
            self.copy("-a", "here/file", "web:/root/kept")
            owners = {m.name: m.uid for m in self.stream("web:/root")[0]}
            self.assertEqual(owners, {"root": 0, "root/theirs": 0, "root/kept": 1000})
            self.copy("-a", "web:/root/kept", "here/kept")
            self.assertEqual(os.stat(place.path("here/kept")).st_uid, 1000)

    # --- the environment -------------------------------------------------------------------------------

    # Rows 36 and 37: CVE-2019-14271, CVE-2026-41567. Whatever programs and libraries the image has, none is used.
    def test_nothing_of_the_container_is_executed_or_loaded(self):
        evil = "#!/bin/sh\\ntouch /executed\\n"
        names = "tar xz unpigz gzip bzip2 zstd ps nsenter"
        with Running(f"for n in {names}; do rm -f /bin/$n; printf '{evil}' > /bin/$n; chmod 755 /bin/$n; done; mkdir -p /lib; printf x > /lib/libnss_files.so.2"):
            write("here/file", "x")
            done = place.run("strace -f -e trace=execve,openat,open,openat2 -o trace file-copy here/file web:/root/x && strace -f -e trace=execve,openat,openat2 -o trace2 file-copy web:/etc here/etc")
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(place.path("trace"), encoding="utf-8") as one, open(place.path("trace2"), encoding="utf-8") as two:
                lines = one.read() + two.read()
            self.assertEqual(lines.count("execve("), 2)
            self.assertNotRegex(lines, r"\.so\b|nsswitch|/usr/lib/locale")
            self.assertNotIn("executed", self.names("/"))


if __name__ == "__main__":
    cases.main()

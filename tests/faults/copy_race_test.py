#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""file-copy against a container that exchanges what a path leads to (renameat2, RENAME_EXCHANGE) at full speed:
CVE-2018-15664 and its kin. The symlinks lead to a "host" folder of the test's own, which is also what they would
mean in the container if it had one. Whatever is met, nothing of that folder is read and nothing in it is made,
changed, or given other attributes. Two seconds for each shape; STAVE_RACE=15 takes that long, as the long tier does, of
which STAVE_SLICE=3/10 takes a tenth. Needs root."""

import io
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import time
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

PROBE = os.path.realpath(os.environ.get("STAVE_PROBE", "tests/threats/probe"))
SECONDS = float(os.environ.get("STAVE_RACE", "2")) / int(os.environ.get("STAVE_SLICE", "0/1").partition("/")[2] or 1)
SECRET = "the host's secret\n"
MINE = "what is copied\n"
place = None


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    unittest.addModuleCleanup(place.close)
    with open(PROBE, "rb") as file:
        probe = file.read()
    image = place.layout("shell", [Place.busybox([("bin/probe", "f", probe, 0o755), ("race", "d", b"", 0o755)])])
    ok(f"image-fetch -q {image} > t.json")
    for folder in ("host", "host/folder", "work"):
        os.mkdir(place.path(folder))
    for path in ("host/file", "host/folder/file"):
        with open(place.path(path), "w", encoding="utf-8") as out:
            out.write(SECRET)
    with open(place.path("mine"), "w", encoding="utf-8") as out:
        out.write(MINE)
    ok("mkdir -p tree/sub; cp mine tree/file; cp mine tree/sub/file")


def ok(command):
    done = place.run(command)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


# The host folder as it must stay.
def host():
    found = []
    for folder, folders, files in os.walk(place.path("host")):
        for name in folders + files:
            info = os.lstat(os.path.join(folder, name))
            found.append((os.path.join(folder, name), info.st_mode, info.st_uid, info.st_gid, info.st_nlink, info.st_size, info.st_mtime_ns, info.st_ctime_ns))
    info = os.lstat(place.path("host"))
    return sorted(found), info.st_mode, info.st_mtime_ns


class CopyRaceTest(unittest.TestCase):
    def setUp(self):
        self.before = host()
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    # A container that has made its scene in /race and exchanges /race/a and /race/b until `with` ends.
    def start(self, scene):
        ok("rm -rf ready; mkdir ready; mkfifo ready/fifo")
        process = place.start(
            ["ns-run", "--config", place.path("t.json"), "--name", "racer", "-v", place.path("ready") + ":/ready", "--", "sh", "-c",
             f"cd /race; {scene}\necho > /ready/fifo; exec probe exchange /race/a /race/b"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        fifo = os.open(place.path("ready/fifo"), os.O_RDONLY | os.O_NONBLOCK)
        found = select.select([fifo], [], [], 30)[0] and os.read(fifo, 1)
        os.close(fifo)
        self.assertEqual(found, b"\n", process.poll())
        while not ok("ps-lister -q"):  # its state is written a moment later
            self.assertIsNone(process.poll())
        return process

    # The commands in turn, for each place that the links may lead to; `look(done)` checks what came.
    def race(self, scene, commands, look):
        links = self.links()
        for link in links:
            self.race_one(scene.replace("LINK", link), commands, look, SECONDS / len(links))

    def race_one(self, scene, commands, look, seconds):
        process = self.start(scene)
        pid = int(ok("ps-lister --json | jq -r .pid"))
        begun, copies, refused = time.monotonic(), 0, 0
        try:
            while time.monotonic() < begun + seconds or copies < 2 * len(commands):
                number = copies % len(commands)
                done = subprocess.run(commands[number], env=place.env, cwd=place.dir, capture_output=True, timeout=60, check=False)
                self.assertIn(done.returncode, (0, 1), done.stderr)
                self.assertNotIn(b"E_INTERNAL", done.stderr)
                look(done)
                self.assertEqual(host(), self.before)
                copies += 1
                refused += done.returncode
        finally:
            os.kill(pid, signal.SIGTERM)
            exchanges = int(process.communicate(timeout=30)[0] or 0)
            place.wait_until_quiet()
            ok("ps-remove racer")
        print(f"  {copies} copies raced, {refused} refused, {exchanges} exchanges", flush=True)
        self.assertGreater(exchanges, copies)
        self.assertGreater(copies, refused, "it never succeeds, so nothing is tried")

    # Nothing of the host's in what was made, and nothing that leads there but as a link.
    def check_output(self, done):
        if done.stdout:
            try:
                with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
                    for member in tar:
                        if member.isreg():
                            self.assertNotEqual(tar.extractfile(member).read(), SECRET.encode())
            except tarfile.ReadError:
                self.assertEqual(done.returncode, 1)
        for folder, _, files in os.walk(place.path("work")):
            for name in files:
                path = os.path.join(folder, name)
                if stat.S_ISREG(os.lstat(path).st_mode):
                    with open(path, encoding="utf-8") as file:
                        self.assertNotEqual(file.read(), SECRET)
        for name in os.listdir(place.path("work")):
            path = place.path("work", name)
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)

    # Where the links lead: absolute, and up through more folders than there are.
    def links(self):
        target = place.path("host")
        return [target, "../" * 40 + target[1:], "/proc/self/root" + target, "/proc/1/root" + target]

    def test_out_of_a_container_whose_folder_is_exchanged(self):
        self.race("mkdir -p a/folder; echo x > a/file; echo x > a/folder/file; ln -s LINK b",
                  [["file-copy", "-q", "racer:/race/a/file", "work/x"], ["file-copy", "-q", "racer:/race/a/folder/file", "-"],
                   ["file-copy", "-aq", "racer:/race", "work/all"], ["file-copy", "-qL", "racer:/race/a", "work/x"],
                   ["file-copy", "-q", "racer:/race/a/.", "work/x"], ["file-copy", "racer:/race/a", "-"]], self.check_output)

    def test_out_of_a_container_whose_file_is_exchanged(self):
        self.race("echo x > a; ln -s LINK/file b",
                  [["file-copy", "-q", "racer:/race/a", "work/x"], ["file-copy", "-qL", "racer:/race/a", "work/x"], ["file-copy", "racer:/race", "-"],
                   ["layer-diff", "--rootfs", "racer"], ["layer-diff", "--tar", "racer"]], self.check_output)

    def test_into_a_container_whose_folder_is_exchanged(self):
        self.race("mkdir -p a/folder; ln -s LINK b",
                  [["file-copy", "-q", "mine", "racer:/race/a/new"], ["file-copy", "-q", "mine", "racer:/race/a/file"], ["file-copy", "-aq", "mine", "racer:/race/a"],
                   ["file-copy", "-q", "tree", "racer:/race/a/folder"], ["file-copy", "-q", "tree/.", "racer:/race/a"],
                   ["sh", "-c", "tar -c -C tree . | file-copy -q - racer:/race/a"], ["sh", "-c", "tar -c --transform s,^tree,a, tree/file | file-copy -q - racer:/race"]],
                  lambda done: None)

    # A tree is being made in what is exchanged: its own folders, its files.
    def test_into_a_container_that_exchanges_what_is_made(self):
        self.race("mkdir -p a b/sub; ln -s LINK a/sub; ln -s LINK/file b/file",
                  [["file-copy", "-q", "tree/.", "racer:/race/a"], ["file-copy", "-aq", "tree/.", "racer:/race/b"], ["file-copy", "-q", "mine", "racer:/race/b/file"],
                   ["sh", "-c", "tar -c -C tree . | file-copy -q - racer:/race/b"]], lambda done: None)


if __name__ == "__main__":
    cases.main()

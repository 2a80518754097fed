#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No space: a store on a tmpfs that is too small, in bytes or in inodes, or on an ext4 that is nearly full,
and a full stdout. The message is [E_NO_SPACE], nothing has a name that is not whole, nothing of a pull is
left, and with space the same command works. Needs root."""

import json
import os
import random
import signal
import subprocess
import sys
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import sweep
from place import Place

PAGE = 4096


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class FullDiskTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.image = self.place.layout("shell", [Place.busybox(), Place.tar([("data", "f", random.Random(1).randbytes(200000), 0o644)])])

    # STAVE_STATE or STAVE_RUN on a file system of its own.
    def mount(self, name, options):
        path = self.place.path(name)
        os.makedirs(path, mode=0o700, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700," + options, "stave-place", path], check=True)

    def resize(self, name, options):
        subprocess.run(["mount", "-o", "remount," + options, self.place.path(name)], check=True)

    def unmount(self, name):
        subprocess.run(["umount", self.place.path(name)], check=True)

    # STAVE_STATE on an ext4 of 64 MiB.
    def disk(self):
        disk, state = self.place.path("disk.img"), self.place.path("state")
        os.makedirs(state, mode=0o700, exist_ok=True)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-b", "4096", disk, "64M"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["mount", "-o", "loop", disk, state], check=True)
        self.addCleanup(self.unmount, "state")
        os.chmod(state, 0o700)
        return state

    def whole(self):
        self.mount("state", "size=64m")
        self.assertEqual(self.place.run(["image-fetch", "-q", self.image]).returncode, 0)
        found = sweep.snapshot(self.place.path("state"))
        used = os.statvfs(self.place.path("state"))
        self.unmount("state")
        return found, used.f_blocks - used.f_bfree, used.f_files - used.f_ffree

    def fails_for_space(self, done, code):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn("[E_NO_SPACE]", done.stderr)
        self.assertEqual(done.stdout, "")

    def fetch_in(self, options, whole):
        self.mount("state", options)
        try:
            done = self.place.run(["image-fetch", "-q", self.image])
            if done.returncode == 0:
                return True
            self.fails_for_space(done, 1)
            self.assertEqual(self.place._list("state", "ingest"), [])
            for path, entry in sweep.snapshot(self.place.path("state")).items():
                self.assertEqual(entry, whole.get(path), path)
            self.resize("state", "size=64m,nr_inodes=10000")
            done = self.place.run(["image-fetch", "-q", self.image])
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(sweep.snapshot(self.place.path("state")), whole)
            self.assertEqual(os.listdir(self.place.path("state/ingest")), [])
            return False
        finally:
            self.unmount("state")

    def test_image_fetch(self):
        whole, pages, inodes = self.whole()
        enough = []
        for size in list(range(1, 12)) + list(range(12, pages + 40, max(1, pages // 40))):
            with self.subTest(pages=size):
                enough.append(self.fetch_in(f"size={size * PAGE}", whole))
        self.assertEqual((enough[0], enough[-1]), (False, True))
        enough = []
        for count in range(2, inodes + 16):
            with self.subTest(inodes=count):
                enough.append(self.fetch_in(f"size=64m,nr_inodes={count}", whole))
        self.assertEqual((enough[0], enough[-1]), (False, True))

    # An ext4 of 64 MiB that a file fills but for some KiB: it allocates late, when files are synced.
    def test_image_fetch_on_a_disk(self):
        whole, pages, _ = self.whole()
        state = self.disk()
        enough = []
        for pages_left in range(2, pages * 2 + 60, max(1, pages // 12)):
            with self.subTest(pages=pages_left):
                enough.append(self.fetch_on_disk(state, pages_left, whole))
        self.assertEqual((enough[0], enough[-1]), (False, True))

    def fetch_on_disk(self, state, pages_left, whole):
        self.place.run("cd state; rm -rf refs images layers ingest containers names trash store.json collect.lock")
        filler, there = self.place.path("state/filler"), os.statvfs(state)
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, (there.f_bavail - pages_left) * PAGE)
        done = self.place.run(["image-fetch", "-q", self.image])
        if done.returncode != 0:
            self.fails_for_space(done, 1)
            self.assertEqual(self.place._list("state", "ingest"), [])
        for path, entry in sweep.snapshot(state).items():
            self.assertEqual(entry, whole.get(path), path)
        os.unlink(filler)
        again = self.place.run(["image-fetch", "-q", self.image])
        self.assertEqual((again.returncode, sweep.snapshot(state)), (0, whole), again.stderr)
        return done.returncode == 0

    # Who removes an image wants room: it goes where not a block is left.
    def test_image_remove_on_a_disk_that_is_full(self):
        state = self.disk()
        for words in ("image-remove localhost/shell", "image-remove --prune --all"):
            with self.subTest(words):
                self.assertEqual(self.place.run(["image-fetch", "-q", self.image]).returncode, 0)
                free = os.statvfs(state).f_bavail
                self.place.run("mkdir state/filler; cat /dev/zero > state/filler/0; sync -f state; for n in $(seq 200); do fallocate -l 4096 state/filler/$n || break; done; sync -f state")
                full = os.statvfs(state).f_bavail
                self.assertLess(full, 2)
                done = self.place.run(words)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stdout, "(?i)deleted: sha256:")
                self.place.wait_for_removers()
                self.assertGreater(os.statvfs(state).f_bavail, full + 100)
                self.assertEqual(self.place.run("image-list -q").stdout, "")
                self.place.run("rm -rf state/filler")
                self.assertGreater(os.statvfs(state).f_bavail, free)
                done = self.place.run("store-check --repair; store-check")
                self.assertEqual((done.returncode, self.place._list("state", "lost+found")), (0, []), done.stdout)

    # Both folders of the store, with `extra` pages or inodes to spare.
    def run_in(self, name, what, extra):
        used = os.statvfs(self.place.path(name))
        if what == "pages":
            self.resize(name, f"size={(used.f_blocks - used.f_bfree + extra) * PAGE}")
        else:
            self.resize(name, f"nr_inodes={used.f_files - used.f_ffree + extra}")
        done = self.place.run(["ns-run", "--config", self.place.path("t.json"), "--name", "web", "--", "true"])
        self.resize(name, "size=64m,nr_inodes=10000")
        if done.returncode != 0:
            self.fails_for_space(done, 125)
        # What ran and could not be written down is kept: the next command says how it ended.
        self.assertEqual(self.place.run("ps-remove -f web").returncode, 0)
        self.place.wait_until_quiet()
        left = [one for one in self.place.leftovers() if " tmpfs " not in one]
        self.assertEqual(left, [])
        return done.returncode == 0

    def test_ns_run(self):
        for name in ("state", "run"):
            self.mount(name, "size=64m")
        self.assertEqual(self.place.run(f"image-fetch -q {self.image} > t.json && ns-run --rm --config t.json -- true").returncode, 0)
        self.place.wait_until_quiet()
        for name in ("state", "run"):
            for what in ("pages", "inodes"):
                enough = []
                for extra in range(0, 24):
                    with self.subTest(where=name, what=what, extra=extra):
                        enough.append(self.run_in(name, what, extra))
                self.assertTrue(enough[-1], (name, what))
                self.assertFalse(enough[0], (name, what))
        for name in ("state", "run"):
            self.unmount(name)

    def test_a_payload_that_fills_the_store(self):
        self.mount("state", "size=16m")
        self.addCleanup(self.unmount, "state")
        self.assertEqual(self.place.run(f"image-fetch -q {self.image} > t.json").returncode, 0)
        done = self.place.run("ns-run --config t.json --name web -- sh -c 'echo data > /file; cat /dev/zero > /fill' 2>&1")
        self.assertEqual(done.returncode, 125, done.stdout)
        self.assertIn("[E_NO_SPACE]", done.stdout)
        # Its end could not be written down; what it has written is there, and it can be removed.
        self.assertEqual(self.place.run("cat state/containers/*/upper/file").stdout, "data\n")
        shown = json.loads(self.place.run("ps-lister -a --json").stdout)
        self.assertEqual((shown["name"], shown["state"], shown["exitCode"]), ("web", "exited", None))
        self.assertEqual(self.place.run("ps-remove web").returncode, 0)
        self.assertEqual(self.place.run("ns-run --config t.json --rm -- true").returncode, 0)
        self.place.wait_until_quiet()
        self.assertEqual([one for one in self.place.leftovers() if " tmpfs " not in one], [])

    def test_a_full_stdout(self):
        self.assertEqual(self.place.run(f"image-fetch -q {self.image} > t.json; mkdir mnt; ns-run --name web --config t.json -- true").returncode, 0)
        self.place.wait_until_quiet()
        for command, code in ((f"image-fetch -q {self.image}", 1), ("layer-mount", 1), ("cgroup-limit --memory 64M", 1), ("ns-run --print", 125),
                              ("layer-mount --now mnt", 1), ("ps-lister -a", 1), ("ps-lister -a --json", 1)):
            with self.subTest(command=command):
                self.fails_for_space(self.place.run(command + " < t.json > /dev/full"), code)
        self.assertFalse(os.path.ismount(self.place.path("mnt")))
        done = self.place.run("ns-run --rm --config t.json -- echo x > /dev/full")
        self.assertEqual((done.returncode, "write error" in done.stderr), (1, True), done.stderr)
        self.fails_for_space(self.place.run("ps-remove web > /dev/full"), 1)
        self.place.wait_until_quiet()
        self.assertEqual(self.place.leftovers(), [])

    # Of containers and commands whose output a program of ours passes on.
    def test_a_full_stdout_of_who_is_attached(self):
        self.assertEqual(self.place.run(f"image-fetch -q {self.image} > t.json").returncode, 0)
        run, says = "ns-run --config t.json --attachable", "sh -c 'echo hi; exit 3'"
        self.fails_for_space(self.place.run(f"{run} --name web --cidfile cid -- {says} > /dev/full"), 1)
        self.assertTrue(os.path.exists(self.place.path("cid")))
        self.assertEqual(self.place.run("ps-wait web").stdout, "3\n")
        self.assertEqual(self.place.run("log-read web").stdout, "hi\n")
        self.fails_for_space(self.place.run("ns-run --start -a web > /dev/full"), 1)
        self.place.run("ps-wait web")
        done = self.place.run(f"{run} --rm -- {says.replace(';', ' >&2;')} 2> /dev/full")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", ""))
        done = self.place.run(f"{run} --rm -- {says} >&-")
        self.assertEqual((done.returncode, done.stderr), (1, "ns-run: stdout: write: Bad file descriptor [E_STATE]\n"))
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(["bash", "-c", f"exec {run} --rm -- {says}"], env=self.place.env, cwd=self.place.dir, stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, b""))
        self.assertEqual(self.place.run("ns-run --config t.json -d --name loop -- sh -c 'while echo hi; do sleep 0.01; done'").returncode, 0)
        for command in ("tty-attach loop", f"ns-exec -t loop {says}"):
            with self.subTest(command=command):
                self.fails_for_space(self.place.run(command + " > /dev/full"), 1)
        self.assertEqual(json.loads(self.place.run("ps-lister --json").stdout)["name"], "loop")
        self.place.run("ps-remove -f loop web")
        self.place.wait_until_quiet()
        self.assertEqual(self.place.leftovers(), [])


if __name__ == "__main__":
    cases.main(own_mounts=True)

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""layer-diff on real containers: every kind of change as lines, as a layer and in the whole root filesystem. A
layer is held to what it is for: unpacked by umoci and by stave on top of the image it makes the container's
tree. Needs root."""

import io
import json
import os
import re
import select
import shutil
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
D, F, L = "d", "f", "l"
BASE = [
    ("etc/motd", F, b"welcome\n", 0o644), ("etc/old", F, b"old\n", 0o644), ("opt", D, b"", 0o755), ("opt/dir", D, b"", 0o755),
    ("opt/dir/a", F, b"a", 0o644), ("opt/dir/b", F, b"b", 0o644), ("opt/dir/sub", D, b"", 0o755), ("opt/dir/sub/c", F, b"c", 0o644),
    ("opt/gone", D, b"", 0o755), ("opt/gone/x", F, b"x", 0o644), ("opt/file", F, b"file", 0o644), ("opt/link", L, "file", 0o777),
    ("opt/quiet", D, b"", 0o755), ("opt/quiet/deep", D, b"", 0o755), ("opt/quiet/deep/f", F, b"f", 0o644), ("opt/chmod", D, b"", 0o755),
    ("opt/touched", D, b"", 0o755), ("opt/replaced", D, b"", 0o755), ("opt/replaced/f", F, b"f", 0o644), ("srv", D, b"", 0o755)]
SECOND = [("srv/second", F, b"2", 0o644), ("srv/.wh.nothing", F, b"", 0o644), ("opt/upper-only", F, b"u", 0o644)]

# What is done in the container, and what is told of it.
ACTS = r"""
    echo hi > /etc/new; echo more >> /etc/motd; rm /etc/old
    rm -r /opt/dir; mkdir /opt/dir; echo a2 > /opt/dir/a; mkdir /opt/dir/sub; echo d > /opt/dir/sub/d
    rm -r /opt/gone; rm /opt/file; mkdir /opt/file; echo x > /opt/file/in; rm -r /opt/replaced; echo > /opt/replaced
    rm /opt/link; ln -s elsewhere /opt/link; chmod 700 /opt/chmod; echo > /opt/touched/f; rm /opt/touched/f
    mkdir -p /srv/a/b; echo 1 > /srv/a/b/c; ln /srv/a/b/c /srv/hard; mkfifo /srv/fifo || true; rm /srv/second; rm /opt/upper-only; echo u2 > /opt/upper-only
    mkdir /srv/a-b; touch /srv/came; rm /srv/came; chown 1000:1000 /srv/a"""
LINES = """\
C /etc
C /etc/motd
A /etc/new
D /etc/old
C /opt
C /opt/chmod
C /opt/dir
C /opt/dir/a
D /opt/dir/b
C /opt/dir/sub
D /opt/dir/sub/c
A /opt/dir/sub/d
C /opt/file
A /opt/file/in
D /opt/gone
C /opt/link
C /opt/replaced
C /opt/touched
C /opt/upper-only
C /srv
A /srv/a
A /srv/a/b
A /srv/a/b/c
A /srv/a-b
A /srv/fifo
A /srv/hard
D /srv/second
"""
# The programs of the shell that the image lacks.
NEEDS = [("bin/" + name, L, "busybox", 0o777) for name in ("chown", "ln", "mkfifo", "tar", "seq", "dd", "mv")]


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    unittest.addModuleCleanup(place.close)
    image = place.layout("image", [Place.busybox(NEEDS + BASE), Place.tar(SECOND)])
    ok(f"image-fetch -q {image} > t.json")


def ok(command, **kwargs):
    done = place.run(command, timeout=300, **kwargs)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def output(*words):
    return subprocess.run(words, env=place.env, cwd=place.dir, stdout=subprocess.PIPE, check=True).stdout


class LayerDiffTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    def run_acts(self, script, *options, template="t.json"):
        with open(place.path("acts"), "w", encoding="utf-8") as out:
            out.write(script)
        ok(f"ns-run --config {template} --name web {' '.join(options)} -- sh -c \"$(cat acts)\"")
        place.wait_until_quiet()

    # The merged tree of the container, as listing() has it.
    def merged(self):
        top = place.path("merged")
        os.makedirs(top, exist_ok=True)
        [home] = os.listdir(place.path("state/containers"))
        with open(place.path("state/containers", home, "config.json"), encoding="utf-8") as file:
            layers = json.load(file)["stave"]["image"]["layers"]
        lower = ":".join([place.path("state/containers", home, "upper")] + [place.path("state/layers", layer[7:], "fs") for layer in reversed(layers)])
        ok(f"mount -t overlay -o lowerdir={lower} overlay merged")
        self.addCleanup(ok, "! mountpoint -q merged || umount merged")
        found = listing(top)
        ok("umount merged")
        return found

    def test_every_kind_of_change(self):
        self.run_acts(ACTS)
        self.assertEqual(ok("layer-diff web"), LINES)
        words = {"A": "added", "C": "changed", "D": "deleted"}
        self.assertEqual([json.loads(line) for line in ok("layer-diff --json web").splitlines()],
                         [{"kind": words[line[0]], "path": line[2:]} for line in LINES.splitlines()])

    def test_the_layer_makes_the_containers_tree(self):
        self.run_acts(ACTS)
        want = self.merged()
        layer = output("layer-diff", "--tar", "web")
        self.assertEqual(layer, output("layer-diff", "--tar", "web"), "not the same bytes")
        names = tarfile.open(fileobj=io.BytesIO(layer)).getnames()
        self.assertIn("opt/.wh.gone", names)
        self.assertIn("opt/dir/.wh..wh..opq", names)
        self.assertEqual([name for name in names if name.startswith(("proc", "dev", "sys")) or name in ("etc/hosts", "etc/.wh.hosts")], [])
        # Ours: the same container again, from an image with that layer on top.
        image = place.layout("again", [Place.busybox(NEEDS + BASE), Place.tar(SECOND), layer])
        ok(f"ps-remove web; image-fetch -q {image} > again.json")
        with open(place.path("again.json"), encoding="utf-8") as file:
            layers = json.load(file)["stave"]["image"]["layers"]
        lower = ":".join(place.path("state/layers", one[7:], "fs") for one in reversed(layers))
        ok(f"mkdir -p merged; mount -t overlay -o lowerdir={lower} overlay merged")
        self.addCleanup(ok, "! mountpoint -q merged || umount merged")
        found = listing(place.path("merged"))
        ok("umount merged")
        self.compare(found, want)
        if shutil.which("umoci"):
            ok("rm -rf bundle; umoci unpack --image again:latest bundle >&2")
            found = listing(place.path("bundle/rootfs"))
            ok("rm -rf bundle")
            self.compare(found, want)

    # All but what was made to mount on, and the times of the directories that hold that.
    def compare(self, found, want):
        without = [b"."] + [name.encode() for name in ("proc", "dev", "sys", "etc", "etc/hosts", "etc/hostname", "etc/resolv.conf")]
        found = {path: {fact: value for fact, value in facts.items() if fact != "links"} for path, facts in found.items()}
        self.assertEqual(differences(want, found, without), set(), tell(found, want))

    def test_the_whole_root(self):
        os.makedirs(place.path("vol"), exist_ok=True)
        with open(place.path("vol/secret"), "w", encoding="utf-8"):
            pass
        self.run_acts(ACTS, "-v", place.path("vol") + ":/vol")
        want = self.merged()
        ok("rm -rf whole; mkdir whole; layer-diff --rootfs web | tar -xp --xattrs -C whole")
        found = listing(place.path("whole"))
        self.assertNotIn(b"vol/secret", found)
        self.assertIn(b"vol", found)
        self.assertEqual(os.stat(place.path("whole/etc/hosts")).st_size, 0)
        self.assertEqual(differences(found, want, [b"."]), set(), tell(found, want))
        ok("rm -rf whole")

    def test_one_that_runs(self):
        os.makedirs(place.path("ready"), exist_ok=True)
        os.makedirs(place.path("vol"), exist_ok=True)
        ok("rm -f ready/fifo; mkfifo ready/fifo")
        process = place.start(["ns-run", "--config", place.path("t.json"), "--name", "web", "-v", place.path("ready") + ":/srv", "-v", place.path("vol") + ":/new/volume", "--", "sh", "-c",
                               "echo 1 > /etc/new; echo > /new/volume/inside; echo > /srv/fifo; exec sleep 1000"], stdin=subprocess.DEVNULL)
        fifo = os.open(place.path("ready/fifo"), os.O_RDONLY | os.O_NONBLOCK)
        self.assertTrue(select.select([fifo], [], [], 30)[0], process.poll())
        os.close(fifo)
        while not ok("ps-lister -q"):  # its state is written a moment later
            self.assertIsNone(process.poll())
        self.assertEqual(ok("layer-diff web"), "C /etc\nA /etc/new\nA /new\nA /new/volume\n")
        names = tarfile.open(fileobj=io.BytesIO(output("layer-diff", "--rootfs", "web"))).getmembers()
        sizes = {member.name: member.size for member in names}
        self.assertEqual((sizes["etc/new"], sizes["etc/hosts"]), (2, 0))
        self.assertEqual([name for name in sizes if name.startswith(("proc/", "dev/", "sys/", "srv/fifo", "new/volume/"))], [])
        self.assertIn("srv/second", sizes)  # what the mount covers
        ok("ps-lister --json | jq -r .pid | xargs -r kill -9")
        process.wait(30)
        place.wait_until_quiet()

    def test_nothing_changed(self):
        self.run_acts("true")
        self.assertEqual(ok("layer-diff web"), "")
        self.assertEqual(tarfile.open(fileobj=io.BytesIO(output("layer-diff", "--tar", "web"))).getnames(), [])

    def test_names_are_printed_safely(self):
        self.run_acts("cd /srv; echo > \"$(printf 'a\\nD etc')\"; echo > .wh.fake")
        self.assertEqual(ok("layer-diff web"), "C /srv\nA /srv/.wh.fake\nA /srv/a\\x0aD etc\n")
        done = place.run("layer-diff --tar web | tar -t")
        self.assertIn(".wh.fake", done.stderr)
        self.assertNotIn(".wh.fake", done.stdout)

    def test_json_of_names_that_are_not_utf8(self):
        self.run_acts("cd /srv; echo > \"$(printf 'caf\\303\\251')\"; echo > \"$(printf 'a\\377b')\"; echo > \"$(printf 'x\\357\\277\\275\\300')\"")
        found = [json.loads(line) for line in output("layer-diff", "--json", "web").decode().splitlines()]
        for one in found:
            given = iter(bytes.fromhex(one.get("bytes", "")))
            one["name"] = one["path"].encode() if "bytes" not in one else re.sub("\ufffd".encode(), lambda _: bytes([next(given)]), one["path"].encode())
        self.assertEqual([one["name"] for one in found], [b"/srv", b"/srv/a\xffb", b"/srv/caf\xc3\xa9", b"/srv/x\xef\xbf\xbd\xc0"])
        self.assertEqual(found[1], {"kind": "added", "path": "/srv/a\ufffdb", "bytes": "ff", "name": b"/srv/a\xffb"})
        self.assertNotIn("bytes", found[2])

    def test_ten_thousand_files_are_fast(self):
        self.run_acts("mkdir /srv/many; cd /srv/many; for d in $(seq 100); do mkdir $d; for f in $(seq 100); do echo $f > $d/$f; done; done")
        begun = time.monotonic()
        lines = ok("layer-diff web").count("\n")
        middle = time.monotonic()
        members = len(tarfile.open(fileobj=io.BytesIO(output("layer-diff", "--tar", "web"))).getnames())
        print(f"  {lines} lines in {middle - begun:.2f} s, {members} entries in {time.monotonic() - middle:.2f} s", flush=True)
        self.assertEqual((lines, members), (10102, 10102))

    def test_one_without_an_image(self):
        ok("rm -rf root; mkdir -p root/bin root/proc root/dev root/sys; cp /bin/busybox root/bin/sleep")
        process = place.start(["ns-run", "--rootfs", place.path("root"), "--name", "bare", "--", "sleep", "1000"], stdin=subprocess.DEVNULL)
        while not ok("ps-lister -q"):
            self.assertIsNone(process.poll())
        done = place.run("layer-diff bare")
        self.assertEqual(done.returncode, 1)
        self.assertIn("[E_NO_IMAGE]", done.stderr)
        self.assertIn("bin/sleep\n", ok("layer-diff --rootfs bare | tar t"))
        ok("ps-lister --json | jq -r .pid | xargs -r kill -9")
        process.wait(30)
        place.wait_until_quiet()

    def test_wrong_usage(self):
        for words in ("", "a b", "--tar --json a", "--tar --rootfs a"):
            self.assertEqual(place.run("layer-diff " + words).returncode, 2)
        done = place.run("layer-diff nosuch")
        self.assertEqual((done.returncode, done.stderr), (1, "layer-diff: No such container: nosuch [E_NO_CONTAINER]\n"))


if __name__ == "__main__":
    cases.main()

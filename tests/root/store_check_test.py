#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""store-check: each kind of damage that podman's system check knows, and those of our own store, made
by hand, found, mended, and gone afterwards; sound stores are clean, also while somebody pulls. And
what is damaged is noticed on use. Needs root."""

import fcntl
import glob
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

place = None
images = {}


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    images["shell"] = place.layout("shell", [Place.busybox()])
    images["layered"] = place.layout("layered", [Place.busybox(), every_kind(), upper()])
    indexed(place.path("shell"), place.path("indexed"))
    images["indexed"] = "oci:" + place.path("indexed")
    for name in images.values():
        place.run(f"image-fetch -q {name}").check_returncode()
    subprocess.run(["cp", "-a", place.path("state"), place.path("sound")], check=True)


def tearDownModule():
    if place:
        place.close()


# A layer with a file of each type, links, attributes, times.
def every_kind():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        def add(name, kind, data=b"", mode=0o644, **more):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.mtime, info.size = kind, mode, 1700000000.25, len(data)
            for key, value in more.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
        add("kinds", tarfile.DIRTYPE, mode=0o755)
        add("kinds/file", tarfile.REGTYPE, b"content\n", uid=1000, gid=1000)
        add("kinds/again", tarfile.LNKTYPE, linkname="kinds/file")
        add("kinds/other", tarfile.REGTYPE, b"other\n")
        add("kinds/suid", tarfile.REGTYPE, b"#!/bin/sh\n", mode=0o4755, pax_headers={"SCHILY.xattr.user.note": "here"})
        add("kinds/link", tarfile.SYMTYPE, linkname="file", mode=0o777)
        add("kinds/fifo", tarfile.FIFOTYPE)
        add("kinds/null", tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3)
        add("kinds/deep", tarfile.DIRTYPE, mode=0o750)
        add("kinds/deep/one", tarfile.REGTYPE, b"1")
        add("kinds/deep/two", tarfile.REGTYPE, b"2")
    return out.getvalue()


# A layer that means something only on top of others: implied parents, whiteouts, an opaque directory.
def upper():
    return Place.tar([("etc/.wh.group", "f", b"", 0o644), ("kinds/deep/.wh..wh..opq", "f", b"", 0o644), ("kinds/deep/three", "f", b"3", 0o644),
                      ("none/.wh.void", "f", b"", 0o644), ("tmp/new", "f", b"new", 0o600)])


# The image of the layout `source` below an index with another platform whose manifest is not there.
def indexed(source, target):
    shutil.copytree(source, target)
    with open(target + "/index.json", encoding="utf-8") as file:
        entry = json.load(file)["manifests"][0]
    kind = "application/vnd.oci.image.index.v1+json"
    entries = [dict(entry, platform={"os": "linux", "architecture": "amd64"}, annotations={}),
               dict(entry, platform={"os": "linux", "architecture": "s390x"}, annotations={}, digest="sha256:" + "5" * 64)]
    index = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode()
    digest = hashlib.sha256(index).hexdigest()
    with open(f"{target}/blobs/sha256/{digest}", "wb") as out:
        out.write(index)
    with open(target + "/index.json", "w", encoding="utf-8") as out:
        json.dump({"schemaVersion": 2, "manifests": [{"mediaType": kind, "digest": "sha256:" + digest, "size": len(index),
                                                      "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}, out)


def document(name):
    with open(place.path("state/refs/localhost", name, ":latest"), encoding="utf-8") as file:
        named = json.load(file)
    found = {}
    while True:
        with open(place.path("state/images/blobs/sha256", named["digest"][7:]), encoding="utf-8") as file:
            parsed = json.load(file)
        if "manifests" not in parsed:
            break
        found["index"] = named["digest"]
        named = parsed["manifests"][0]
    with open(place.path("state/images/blobs/sha256", parsed["config"]["digest"][7:]), encoding="utf-8") as file:
        config = json.load(file)
    found.update(manifest=named["digest"], config=parsed["config"]["digest"], blobs=[l["digest"] for l in parsed["layers"]], diffs=config["rootfs"]["diff_ids"])
    return found


def blob(digest):
    return place.path("state/images/blobs/sha256", digest[7:])


class StoreCase(unittest.TestCase):
    maxDiff = None

    # Each test begins with the same sound store.
    def setUp(self):
        for folder in ("state", "run"):
            subprocess.run(["rm", "-rf", place.path(folder)], check=True)
        subprocess.run(["cp", "-a", place.path("sound"), place.path("state")], check=True)

    def check(self, *words, code=None):
        done = place.run(["store-check", *words])
        if code is not None:
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def clean(self, *words):
        done = self.check(*words)
        self.assertEqual((done.stdout, done.returncode), ("", 0), done.stderr)
        self.assertRegex(done.stderr, r"\Astore-check: no damage; [0-9]+ images?, [0-9]+ layers?\n\Z")

    def runs(self, name="layered"):
        done = place.run(f"image-fetch -q --policy never localhost/{name} | ns-run --rm -- sh -c 'cat /etc/passwd > /dev/null && echo runs'")
        self.assertEqual((done.stdout, done.returncode), ("runs\n", 0), done.stderr)
        place.wait_until_quiet()

    # `lines` are found, in whatever order two layers are looked at, and with --repair mended; then the
    # store is clean and the images run.
    def mends(self, *lines, quick=True, code=1):
        if quick:
            self.assertEqual(sorted(self.check("--quick", code=code).stdout.splitlines()), sorted(lines))
        self.assertEqual(sorted(self.check(code=code).stdout.splitlines()), sorted(lines))
        done = self.check("--repair", code=0)
        self.assertEqual(sorted(done.stdout.splitlines()), sorted(line + " (mended)" for line in lines), done.stderr)
        self.clean()
        for name in images:
            self.runs(name)

    def layer(self, number, name="layered"):
        diff = document(name)["diffs"][number][7:]
        for path in glob.glob(place.path("state/layers/*")):
            with open(path + "/meta.json", encoding="utf-8") as file:
                if json.load(file)["diffID"] == "sha256:" + diff:
                    return path
        raise AssertionError(f"no layer {diff}")

    def key(self, number):
        return "sha256:" + os.path.basename(self.layer(number))


class SoundTest(StoreCase):
    def test_a_sound_store_is_clean(self):
        self.clean()
        self.clean("--quick")
        self.clean("--repair")
        self.clean("--json", "localhost/layered", "localhost/indexed:latest")
        self.assertEqual(os.listdir(place.path("state/ingest")), [])

    def test_no_store_and_an_empty_store_are_no_damage(self):
        def none(*words):
            done = self.check(*words)
            self.assertEqual((done.stdout, done.stderr, done.returncode),
                             ("", f"store-check: {place.path('state')}: there is no store here\n", 0))
        subprocess.run(["rm", "-rf", place.path("state")], check=True)
        none()
        none("--repair")
        self.assertFalse(os.path.exists(place.path("state")))
        os.mkdir(place.path("state"), 0o700)
        none()

    def test_the_totals(self):
        self.assertEqual(self.check(code=0).stderr, "store-check: no damage; 3 images, 3 layers\n")
        self.assertEqual(self.check("localhost/shell", code=0).stderr, "store-check: no damage; 1 image, 1 layer\n")
        for _ in range(2):
            place.run("image-fetch -q localhost/shell | ns-run -- true").check_returncode()
        self.assertEqual(self.check(code=0).stderr, "store-check: no damage; 3 images, 3 layers\n")
        place.run("ps-lister -aq | xargs ps-remove").check_returncode()

    # A layer that takes something from below comes back after what is below, and not on top of damage.
    def test_a_missing_layer_above_one_that_cannot_be_mended(self):
        shutil.rmtree(self.layer(0))
        top = self.layer(2)
        shutil.rmtree(top)
        os.unlink(blob(document("layered")["blobs"][0]))
        done = self.check("--repair", code=1)
        self.assertIn("is not made: a layer below it is damaged [E_STATE]", done.stderr)
        self.assertFalse(os.path.exists(top))
        place.run(f"image-fetch -q --policy always {images['layered']}").check_returncode()
        self.clean()

    def test_it_is_clean_after_the_life_of_images_and_containers(self):
        for line in ("image-fetch -q localhost/layered | ns-run --name kept -- sh -c 'echo x > /file'",
                     f"image-fetch -q --policy always {images['shell']} > /dev/null",
                     "ps-lister -a", "ps-remove kept"):
            place.run(line).check_returncode()
        self.clean()

    # Those of another machine's platform have to be whole, too; whether they are unpacked is the pull's.
    def test_all_platforms(self):
        here, there = (place.path(name) for name in ("two", "there"))
        place.layout("two", [Place.busybox()])
        place.layout("there", [Place.busybox(), Place.tar([("arm", "f", b"arm", 0o644)])])
        entries = []
        for top, machine in ((here, "amd64"), (there, "arm64")):
            with open(top + "/index.json", encoding="utf-8") as file:
                entry = json.load(file)["manifests"][0]
            entries.append(dict(entry, annotations={}, platform={"os": "linux", "architecture": machine}))
        subprocess.run(["cp", "-r", there + "/blobs", here], check=True)
        kind = "application/vnd.oci.image.index.v1+json"
        index = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": entries}).encode()
        digest = hashlib.sha256(index).hexdigest()
        with open(f"{here}/blobs/sha256/{digest}", "wb") as out:
            out.write(index)
        with open(here + "/index.json", "w", encoding="utf-8") as out:
            json.dump({"schemaVersion": 2, "manifests": [{"mediaType": kind, "digest": "sha256:" + digest, "size": len(index),
                                                          "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}, out)
        for words in ("", "--all-platforms"):
            done = place.run(f"image-fetch -q --policy always {words} oci:{here}")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.clean()
        with open(blob(entries[1]["digest"]), encoding="utf-8") as file:
            layer = json.load(file)["layers"][1]["digest"]
        os.unlink(blob(layer))
        self.assertEqual(self.check(code=1).stdout, f"blob {layer}: is missing; needed by localhost/two:latest [E_MISSING]\n")
        place.run(f"image-fetch -q --policy always --all-platforms oci:{here}").check_returncode()
        self.clean()

    def test_usage(self):
        self.assertEqual(self.check("--what", code=2).stdout, "")
        self.assertIn("[E_REFERENCE]", self.check("a//b", code=2).stderr)
        self.assertIn("no such image here [E_NOT_FOUND]", self.check("localhost/nothing", code=1).stderr)

    def test_stave_fsck_is_store_check(self):
        os.truncate(blob(document("layered")["blobs"][1]), 0)
        for words in ([], ["--quick"], ["--json"], ["--quick", "localhost/layered"], ["localhost/nothing"]):
            here = self.check(*words)
            there = place.run(["stave", "fsck", *words])
            self.assertEqual((here.returncode, here.stdout, here.stderr), (there.returncode, there.stdout, there.stderr))
        self.assertEqual(place.run(["stave", "fsck", "--what"]).returncode, 125)

    def test_json_has_its_form(self):
        os.truncate(blob(document("layered")["blobs"][1]), 0)
        os.unlink(place.path("state/images/oci-layout"))
        os.symlink("f" * 64, place.path("state/names/lost"))
        with open(self.layer(0) + "/fs/etc/\x1bn\\w", "w", encoding="utf-8"):
            pass
        lines = [json.loads(line) for line in self.check("--json", code=1).stdout.splitlines()]
        self.assertEqual({line["kind"] for line in lines}, {"store", "blob", "layer", "name"})
        members = ["kind", "name", "path", "problem", "word", "damage", "mended", "remedy"]
        for line in lines:
            self.assertEqual(list(line), members)
            self.assertRegex(line["word"], "^E_[A-Z_]+$")
        self.assertIn("etc/\\x1bn\\w", [line["path"] for line in lines])
        with open(os.environ.get("STAVE_SCHEMA", "docs/store-check.schema.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["required"], members)

    # Pulls of another image, slowly, while checks run: neither sees the other.
    def test_a_pull_meanwhile_is_no_damage(self):
        slow = [place.layout(f"slow{i}", [Place.tar([(f"file{n}", "f", os.urandom(2_000_000), 0o644)]) for n in range(6)]) for i in range(4)]
        pull = place.start(["bash", "-ec", "".join(f"image-fetch -q {one} > /dev/null; " for one in slow)])
        checks = 0
        while pull.poll() is None:
            done = self.check("--quick")
            self.assertEqual((done.stdout, done.returncode), ("", 0), done.stderr)
            checks += 1
        self.assertEqual(pull.returncode, 0)
        self.assertGreater(checks, 2)
        self.clean()

    def test_what_a_writer_holds_is_not_damage(self):
        target = document("layered")["blobs"][0]
        os.unlink(blob(target))
        with open(place.path("state/ingest", "sha256-" + target[7:] + ".lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertEqual(self.check("--quick", code=0).stdout, "")
        self.assertIn("is missing", self.check("--quick", code=1).stdout)


# The eleven of podman's test/system/331-system-check.bats, in its order.
class PodmansTest(StoreCase):
    def test_01_unmanaged_layers(self):
        os.makedirs(place.path("state/layers/nobodys/diff"))
        with open(place.path("state/images/blobs/sha256/sha1-x"), "wb") as out:
            out.write(b"x")
        self.mends("store images/blobs/sha256/sha1-x: is no blob [E_EXTRA]", "store layers/nobodys: is no layer [E_EXTRA]")

    def test_02_unused_layers(self):
        whole = document("layered")
        own = sorted(set(whole["blobs"][1:]) | {whole["manifest"], whole["config"]})
        keys = sorted(self.key(n) for n in (1, 2))
        os.unlink(place.path("state/refs/localhost/layered/:latest"))
        images_left = {name: images[name] for name in ("shell", "indexed")}
        done = self.check(code=0)
        lines = ["store images/index.json: does not say what refs/ says [E_STALE]",
                 *[f"blob {digest}: nothing needs it [E_UNNEEDED]" for digest in own],
                 *[f"layer {digest}: nothing needs it [E_UNNEEDED]" for digest in keys]]
        self.assertEqual(done.stdout.splitlines(), lines)
        self.assertTrue(done.stderr.endswith("store-check: no damage; 7 things lie about for nobody, 0 removed\n"), done.stderr)
        self.assertEqual(self.check("--repair", code=0).stdout.splitlines(), [line + " (mended)" for line in lines])
        self.clean()
        for name in images_left:
            self.runs(name)

    def test_03_layer_content_changed(self):
        path = self.layer(0) + "/fs/bin/busybox"
        times = os.stat(path)
        with open(path, "r+b") as file:
            file.seek(5000)
            file.write(b"?")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        self.clean("--quick")
        self.mends(f"layer {self.key(0)}: bin/busybox: content differs [E_CONTENT]", quick=False)

    def test_04_layer_content_added(self):
        folder = self.layer(1) + "/fs/kinds"
        with open(folder + "/evil", "w", encoding="utf-8") as file:
            file.write("x")
        os.mkdir(folder + "/more")
        os.mkfifo(folder + "/more/fifo")
        os.utime(folder, ns=(0, 1700000000_250000000))
        key = self.key(1)
        self.mends(f"layer {key}: kinds/evil: does not belong here [E_EXTRA]", f"layer {key}: kinds/more: does not belong here [E_EXTRA]", quick=False)

    def test_05_image_layer_missing(self):
        diffs = document("layered")["diffs"]
        for number in (1, 2):
            subprocess.run(["rm", "-r", self.layer(number)], check=True)
        self.mends(*[f"layer {diff}: is missing; needed by localhost/layered:latest [E_MISSING]" for diff in diffs[1:]])

    # The image a container is of: its layers.
    def test_06_container_image_missing(self):
        place.run("image-fetch -q localhost/layered | ns-run --name kept -- true").check_returncode()
        place.wait_until_quiet()
        self.clean()
        identity = json.loads(place.run("ps-lister -a --json").stdout)["id"]
        subprocess.run(["rm", "-r", place.path("state/refs/localhost/layered"), blob(document("layered")["manifest"])] + [self.layer(n) for n in (1, 2)], check=True)
        place.run("store-check --quick --repair")
        done = self.check("--quick", code=1)
        lines = [line for line in done.stdout.splitlines() if line.startswith("container ")]
        self.assertEqual(len(lines), 2, done.stdout)
        self.assertRegex(lines[0], f"^container {identity}: layer sha256:[0-9a-f]+ of its image is missing \\[E_MISSING\\]$")
        self.assertIn("hint: image-fetch --policy always localhost/layered:latest", done.stderr)
        place.run(f"image-fetch -q --policy always {images['layered']}").check_returncode()
        self.clean()
        place.run("ps-remove kept").check_returncode()
        self.clean()

    def test_07_layer_data_missing(self):
        meta = self.layer(2) + "/meta.json"
        key = self.key(2)
        os.unlink(meta)
        self.mends(f"layer {key}: meta.json: is missing [E_MISSING]")

    # Index, manifest and config: what is removed a registry gives back.
    def test_08_image_data_missing(self):
        for kind in ("index", "manifest", "config", "blob"):
            with self.subTest(kind):
                self.setUp()
                name = "indexed" if kind == "index" else "layered"
                whole = document(name)
                digest = whole["blobs"][1] if kind == "blob" else whole[kind]
                os.unlink(blob(digest))
                line = f"blob {digest}: is missing; needed by localhost/{name}:latest [E_MISSING]"
                for words in ("--quick",), (), ("--repair",):
                    done = self.check(*words, code=1)
                    self.assertEqual(done.stdout.splitlines(), [line])
                    self.assertIn(f"\nhint: image-fetch --policy always localhost/{name}:latest\n", "\n" + done.stderr)
                place.run(f"image-fetch -q --policy always {images[name]}").check_returncode()
                self.clean()
                self.runs(name)

    def test_09_image_data_changed(self):
        for kind in ("index", "manifest", "config", "blob"):
            for how in ("empty", "short", "changed"):
                with self.subTest(kind, how=how):
                    self.setUp()
                    name = "indexed" if kind == "index" else "layered"
                    whole = document(name)
                    digest = whole["blobs"][1] if kind == "blob" else whole[kind]
                    with open(blob(digest), "rb") as file:
                        content = file.read()
                    wrong = {"empty": b"", "short": content[:-1], "changed": content[:40] + bytes([content[40] ^ 1]) + content[41:]}[how]
                    with open(blob(digest), "wb") as file:
                        file.write(wrong)
                    said = f"its content has the digest sha256:{hashlib.sha256(wrong).hexdigest()}" if how == "changed" else f"has {len(wrong)} bytes instead of {len(content)}"
                    line = f"blob {digest}: {said}{{}}; needed by localhost/{name}:latest [{'E_DIGEST' if how == 'changed' else 'E_SIZE'}]"
                    self.assertEqual(self.check(code=1).stdout.splitlines(), [line.format("")])
                    done = self.check("--repair", code=1)
                    self.assertEqual(done.stdout.splitlines(), [line.format(", and was removed")])
                    self.assertIn(f"hint: image-fetch --policy always localhost/{name}:latest\n", done.stderr)
                    self.assertFalse(os.path.exists(blob(digest)))
                    place.run(f"image-fetch -q --policy always {images[name]}").check_returncode()
                    self.clean()
                    self.runs(name)

    def test_10_container_data_missing_11_or_changed(self):
        place.run("image-fetch -q localhost/layered | ns-run --name kept -- true").check_returncode()
        place.wait_until_quiet()
        identity = json.loads(place.run("ps-lister -a --json").stdout)["id"]
        home = place.path("state/containers", identity)
        self.clean()
        for file, text, said in (("record.json", None, "record.json: is missing"), ("record.json", "", "record.json: "), ("record.json", "{", "record.json: "),
                                 ("exit.json", "nonsense", "exit.json: "), ("config.json", "", "config.json: is damaged"), ("config.json", None, "config.json: is missing")):
            with self.subTest(file, text=text):
                path = os.path.join(home, file)
                with open(path, encoding="utf-8") as old:
                    good = old.read()
                os.unlink(path)
                if text is not None:
                    with open(path, "w", encoding="utf-8") as out:
                        out.write(text)
                done = self.check("--quick", code=1)
                lines = done.stdout.splitlines()
                self.assertEqual(len(lines), 1, done.stdout)
                self.assertTrue(lines[0].startswith(f"container {identity}: {said}"), lines[0])
                self.assertTrue(lines[0].endswith(" [E_CORRUPT]"), lines[0])
                self.assertEqual(self.check("--quick", "--repair", code=1).stdout, done.stdout)
                with open(path, "w", encoding="utf-8") as out:
                    out.write(good)
        self.clean()


class OwnTest(StoreCase):
    # Everything that may differ between two trees, one after the other.
    def test_each_property_of_a_file_counts(self):
        kinds = self.layer(1) + "/fs/kinds"
        key = self.key(1)

        def rewrite(path, data):
            os.unlink(path)
            with open(path, "wb") as file:
                file.write(data)

        def keep(path, act):
            info = os.lstat(path)
            act(path)
            os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns), follow_symlinks=False)

        def relink(path):
            os.unlink(path)
            os.symlink("other", path)

        changes = {
            "kinds/suid: mode is 0755 instead of 4755 [E_CHANGED]": lambda: keep(kinds + "/suid", lambda p: os.chmod(p, 0o755)),
            "kinds/other: owner is 7:8 instead of 0:0 [E_CHANGED]": lambda: keep(kinds + "/other", lambda p: os.chown(p, 7, 8)),
            "kinds/other: modification time is 5.000000000 instead of 1700000000.250000000 [E_CHANGED]": lambda: os.utime(kinds + "/other", (5, 5)),
            "kinds/other: has 0 bytes instead of 6 [E_SIZE]": lambda: keep(kinds + "/other", lambda p: os.truncate(p, 0)),
            "kinds/suid: attribute user.note differs [E_CHANGED]": lambda: os.setxattr(kinds + "/suid", "user.note", b"there"),
            "kinds/suid: attribute user.note is missing [E_CHANGED]": lambda: os.removexattr(kinds + "/suid", "user.note"),
            "kinds/deep: attribute trusted.overlay.opaque does not belong here [E_CHANGED]": lambda: os.setxattr(kinds + "/deep", "trusted.overlay.opaque", b"y"),
            "kinds/link: leads to \"other\" instead of \"file\" [E_CONTENT]": lambda: keep(kinds + "/link", relink),
            "kinds/deep/one: is missing [E_MISSING]": lambda: os.unlink(kinds + "/deep/one"),
            "kinds/fifo: is a file instead of a FIFO [E_CHANGED]": lambda: rewrite(kinds + "/fifo", b""),
            "kinds/null: is a whiteout instead of a character device [E_CHANGED]": lambda: (os.unlink(kinds + "/null"), os.mknod(kinds + "/null", 0o020666, 0)),
            "kinds/deep/one: is a FIFO instead of a file [E_CHANGED]": lambda: (os.unlink(kinds + "/deep/one"), os.mkfifo(kinds + "/deep/one")),
            "kinds: is missing [E_MISSING]": lambda: subprocess.run(["rm", "-r", kinds], check=True),
            "kinds/again: has 1 links instead of 2 [E_CHANGED]": lambda: keep(kinds + "/again", lambda p: rewrite(p, b"content\n") or os.chown(p, 1000, 1000)),
        }
        for line, change in changes.items():
            with self.subTest(line):
                self.setUp()
                folders = [self.layer(1) + "/fs", kinds, kinds + "/deep"]
                times = {path: os.stat(path).st_mtime_ns for path in folders}
                change()
                for path in folders:
                    if os.path.exists(path):
                        os.utime(path, ns=(0, times[path]))
                found = self.check("localhost/layered", code=1).stdout.splitlines()
                self.assertIn(f"layer {key}: {line}", found)
                done = self.check("--repair", "localhost/layered", code=0)
                self.assertEqual(sorted(done.stdout.splitlines()), sorted(one + " (mended)" for one in found), done.stderr)
                self.clean("localhost/layered")

    # A layer whose meaning depends on those below: whiteouts, opaque, implied parents.
    def test_a_layer_keyed_by_its_chain(self):
        fs = self.layer(2) + "/fs"
        key = self.key(2)
        self.assertNotEqual(key, document("layered")["diffs"][2])
        os.unlink(fs + "/etc/group")
        os.chmod(fs + "/tmp", 0o755)
        os.removexattr(fs + "/kinds/deep", "trusted.overlay.opaque")
        found = self.check(code=1).stdout.splitlines()
        self.assertEqual(sorted(found), sorted([
            f"layer {key}: etc/group: is missing [E_MISSING]",
            f"layer {key}: tmp: mode is 0755 instead of 1777 [E_CHANGED]",
            f"layer {key}: kinds/deep: attribute trusted.overlay.opaque is missing [E_CHANGED]"]))
        self.check("--repair", code=0)
        self.clean()
        self.runs()

    # What it takes from a damaged layer would be wrong, too: looked at once the lower one is mended.
    def test_a_layer_above_a_damaged_one(self):
        os.chmod(self.layer(0) + "/fs/etc", 0o700)
        lower, higher = self.key(0), self.key(2)
        done = self.check(code=1)
        self.assertEqual(done.stdout.splitlines(), [f"layer {lower}: etc: mode is 0700 instead of 0755 [E_CHANGED]"])
        self.assertIn(f"layer {higher}: its files were not compared: a layer below it is damaged", done.stderr)
        self.check("--repair", code=0)
        self.clean()

    def test_a_layer_without_its_files(self):
        for what in ("fs", "content"):
            with self.subTest(what):
                self.setUp()
                key = self.key(0)
                fs = self.layer(0) + "/fs"
                subprocess.run(["rm", "-r", fs], check=True)
                if what == "content":
                    os.mkdir(fs)
                found = self.check("--quick", code=1).stdout
                self.assertRegex(found, f"^layer {key}: fs: is (missing|empty, and should hold files of [0-9]+ bytes) \\[E_MISSING\\]\n$")
                self.check("--quick", "--repair", code=0)
                self.clean()
                self.runs()

    def test_many_differences_are_cut_short(self):
        for n in range(30):
            with open(self.layer(1) + f"/fs/kinds/x{n:02}", "w", encoding="utf-8"):
                pass
        lines = self.check("localhost/layered", code=1).stdout.splitlines()
        self.assertEqual(len(lines), 21)
        self.assertRegex(lines[-1], r": and 11 more differences \[E_CONTENT\]$")

    # Whoever has it mounted would lose files that it has not opened yet.
    def test_a_layer_in_use_stays(self):
        running = place.start(["bash", "-c", "image-fetch -q localhost/layered | ns-run --name busy --rm --init -- sh -c 'echo up; sleep 1000'"], stdout=subprocess.PIPE)
        self.assertEqual(running.stdout.readline(), "up\n")
        with open(self.layer(1) + "/fs/kinds/evil", "w", encoding="utf-8"):
            pass
        done = self.check("--repair", code=1)
        self.assertRegex(done.stderr, r"cannot be mended while container [0-9a-f]{12} uses it \[E_STATE\]\nhint: end what uses it, then repair again")
        self.assertNotIn("mended)", done.stdout)
        place.run("ps-remove -f busy").check_returncode()
        running.wait(20)
        running.stdout.close()
        place.wait_until_quiet()
        place.run("mkdir -p mnt && image-fetch -q localhost/layered | layer-mount --now mnt").check_returncode()
        self.assertIn("cannot be mended while a mount or a pull uses it [E_STATE]", self.check("--repair", code=1).stderr)
        place.run("layer-mount --unmount mnt").check_returncode()
        self.check("--repair", code=0)
        self.clean()

    def test_references(self):
        path = place.path("state/refs/localhost/layered/:latest")
        for text, said in (("", "is empty"), ("{", "is damaged"), ('{"digest":"sha256:12"}', "is damaged")):
            with self.subTest(text):
                self.setUp()
                with open(path, "w", encoding="utf-8") as out:
                    out.write(text)
                self.mends(f"image localhost/layered:latest: its reference file {said} [E_CORRUPT]")
        # Where index.json does not know it either, only a fetch helps.
        self.setUp()
        os.truncate(path, 0)
        os.unlink(place.path("state/images/index.json"))
        done = self.check("--repair", code=1)
        self.assertEqual(done.stdout.splitlines(), ["image localhost/layered:latest: its reference file is empty [E_CORRUPT]",
                                                    "store images/index.json: is missing [E_MISSING] (mended)"])
        self.assertIn("hint: image-fetch --policy always localhost/layered:latest\n", done.stderr)
        self.assertIn("what nothing needs was not looked for", done.stderr)
        place.run(f"image-fetch -q {images['layered']}").check_returncode()
        self.clean()

    def test_what_is_no_reference(self):
        os.makedirs(place.path("state/refs/localhost/odd"))
        with open(place.path("state/refs/localhost/odd/:UP PER"), "w", encoding="utf-8"):
            pass
        os.mkfifo(place.path("state/refs/fifo"))
        self.mends("store refs/fifo: is the file of no reference [E_EXTRA]", "store refs/localhost/odd/:UP PER: is the file of no reference [E_EXTRA]")

    # Links that lead out are moved themselves; what is behind them is not even looked at.
    def test_links_out_of_the_store(self):
        outside = place.path("outside")
        os.makedirs(outside + "/folder")
        for name in ("precious", "folder/:latest", ":latest"):
            with open(f"{outside}/{name}", "w", encoding="utf-8") as out:
                out.write(name)
        before = sorted(glob.glob(outside + "/**", recursive=True))
        for link in ("refs/out", "refs/localhost/out", "layers/out", "images/blobs/sha256/out"):
            os.symlink(outside, place.path("state/" + link))
        for link in ("ingest/out", "trash/out", "ingest/out.lock"):
            os.symlink(outside, place.path("state/" + link))
        self.check("--repair")
        place.run("image-remove --prune")
        self.clean()
        self.assertEqual(sorted(glob.glob(outside + "/**", recursive=True)), before)
        self.assertEqual(sorted(os.listdir(place.path("state/lost+found"))), ["out", "out-2", "out-3", "out-4"])

    def test_the_layout(self):
        for name, text, said in (("images/index.json", "", "is empty [E_CORRUPT]"), ("images/index.json", "{", "is damaged [E_CORRUPT]"),
                                 ("images/index.json", '{"schemaVersion":2,"manifests":[]}', "does not say what refs/ says [E_STALE]"),
                                 ("images/index.json", None, "is missing [E_MISSING]"), ("images/oci-layout", "", "is damaged [E_CORRUPT]"),
                                 ("images/oci-layout", None, "is missing [E_MISSING]"), ("store.json", "", "is empty [E_CORRUPT]"),
                                 ("store.json", "nonsense", "is damaged [E_CORRUPT]"), ("store.json", None, "is missing [E_MISSING]")):
            with self.subTest(name, text=text):
                self.setUp()
                os.unlink(place.path("state", name))
                if text is not None:
                    with open(place.path("state", name), "w", encoding="utf-8") as out:
                        out.write(text)
                self.assertEqual(self.check("--quick").stdout, f"store {name}: {said}\n")
                self.assertEqual(self.check("--quick", "--repair", code=0).stdout, f"store {name}: {said} (mended)\n")
                self.clean()

    # A version or kind that is not ours is nothing to be mended.
    def test_another_kind_of_store_is_left_alone(self):
        for text in ('{"version":2,"kind":"rootful"}', '{"version":1,"kind":"rootless"}'):
            with open(place.path("state/store.json"), "w", encoding="utf-8") as out:
                out.write(text)
            self.assertIn("[E_STORE]", self.check("--repair", code=1).stderr)
            with open(place.path("state/store.json"), encoding="utf-8") as file:
                self.assertEqual(file.read(), text)

    def test_the_roots(self):
        os.chmod(place.path("state"), 0o777)
        self.mends(f"store {place.dir}/state: its mode is 0777 instead of 0700 [E_STORE]", quick=False)
        os.chown(place.path("state"), 1234, 0)
        done = self.check("--repair", code=1)
        self.assertEqual(done.stdout, f"store {place.dir}/state: belongs to user 1234, not to user 0 [E_STORE]\n")
        os.chown(place.path("state"), 0, 0)
        os.rmdir(place.path("state/trash"))
        self.mends("store trash: is missing [E_MISSING]")

    def test_names_and_leftovers(self):
        os.symlink("f" * 64, place.path("state/names/lost"))
        os.symlink("../containers", place.path("state/names/odd"))
        os.makedirs(place.path("state/trash", "e" * 64, "upper"))
        os.makedirs(place.path("state/ingest", "layer-" + "d" * 64, "fs"))
        for name, age in (("sha256-" + "c" * 64, 2 * 86400), ("sha256-" + "b" * 64, 60)):
            with open(place.path("state/ingest", name), "w", encoding="utf-8") as out:
                out.write("part")
            os.utime(place.path("state/ingest", name), (time.time() - age,) * 2)
        # The young part of a blob waits for the next pull.
        self.mends("name lost: its container is not there [E_STALE]", "name odd: is no link to a container [E_STALE]",
                   f"store ingest/layer-{'d' * 64}: was left by somebody who was killed [E_STALE]",
                   f"store ingest/sha256-{'c' * 64}: was left by somebody who was killed [E_STALE]",
                   f"store trash/{'e' * 64}: was left by somebody who was killed [E_STALE]", code=0)

    # Neither read nor waited for, wherever they are.
    def test_fifos_do_not_stop_it(self):
        whole = document("layered")
        for path in (blob(whole["config"]), blob(whole["blobs"][1]), self.layer(1) + "/meta.json", self.layer(0) + "/fs/etc/passwd",
                     place.path("state/refs/localhost/shell/:latest"), place.path("state/images/index.json"), place.path("state/ingest/fifo"), place.path("state/trash/fifo")):
            if os.path.exists(path):
                os.unlink(path)
            os.mkfifo(path)
        for words in (["--quick"], [], ["--repair"]):
            done = place.run(["timeout", "60", "store-check", *words])
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)


# Who uses what is damaged says so, with the file and what to do next, and never runs it.
class OnUseTest(StoreCase):
    def fetch(self, name, policy):
        return place.run(["image-fetch", "-q", "--policy", policy, f"localhost/{name}"])

    def damage(self, kind, name, how):
        whole = document(name)
        path = place.path(f"state/refs/localhost/{name}/:latest") if kind == "ref" else blob(whole[kind])
        size = os.path.getsize(path)
        os.truncate(path, 0 if how == "empty" else size // 2)
        return path, whole

    def test_documents(self):
        for kind in ("ref", "index", "manifest", "config"):
            for how in ("empty", "short"):
                with self.subTest(kind, how=how):
                    self.setUp()
                    _, whole = self.damage(kind, "indexed", how)
                    done = self.fetch("indexed", "never")
                    self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                    self.assertRegex(done.stderr, r"^image-fetch: .*\[E_CORRUPT\]\nhint: ")
                    self.assertIn("the reference file of localhost/indexed:latest" if kind == "ref" else whole[kind], done.stderr)

    # With --policy missing, the default, what is short is fetched again without a word of the user.
    def test_the_default_policy_mends_by_itself(self):
        host = place.registry()
        subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", images["layered"] + ":latest", f"docker://{host}/a/layered:latest"], check=True)
        name = f"{host}/a/layered"
        place.run(["image-fetch", "-q", name]).check_returncode()
        whole = document("layered")
        for kind in ("ref", "manifest", "config", "blob"):
            with self.subTest(kind):
                path = place.path("state/refs", host, "a/layered/:latest") if kind == "ref" else blob(whole["blobs"][1] if kind == "blob" else whole[kind])
                os.truncate(path, 0)
                if kind == "blob":  # it is needed only where its tree is not there
                    subprocess.run(["rm", "-r", self.layer(1)], check=True)
                done = place.run(["image-fetch", "-q", name])
                self.assertEqual(done.returncode, 0, done.stderr)
                self.clean()

    def test_the_store_itself(self):
        for text in ("", "{"):
            with open(place.path("state/store.json"), "w", encoding="utf-8") as out:
                out.write(text)
            for command in (["image-fetch", "localhost/shell"], ["ps-lister"], ["ns-run", "--config", "/dev/null", "--", "true"]):
                done = place.run(command)
                self.assertNotEqual(done.returncode, 0)
                if command[0] != "ns-run":
                    self.assertRegex(done.stderr, r"state/store\.json: .*\[E_STORE\]\nhint: store-check --repair")

    def test_a_layer_that_lost_its_files(self):
        text = place.run("image-fetch -q localhost/shell").stdout
        key = self.key(0)
        for what in ("missing", "empty"):
            with self.subTest(what):
                self.setUp()
                fs = self.layer(0) + "/fs"
                subprocess.run(["rm", "-r", fs], check=True)
                if what == "empty":
                    os.mkdir(fs)
                done = place.run(["ns-run", "--rm", "--", "true"], input=text)
                self.assertEqual(done.returncode, 125)
                self.assertRegex(done.stderr, f"^ns-run: layer {key}: its files are gone .*\\[E_CORRUPT\\]\nhint: store-check --repair\n$")
                done = place.run("mkdir -p mnt; layer-mount --now mnt", input=text)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, f"^layer-mount: layer {key}: its files are gone .*\\[E_CORRUPT\\]\nhint: store-check --repair\n$")
                place.wait_until_quiet()  # one that is being undone still uses it
                self.check("--repair", code=0)
                self.clean()
                self.runs("shell")


if __name__ == "__main__":
    cases.main()

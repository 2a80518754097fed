#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The power goes while image-fetch and image-remove work: what was acknowledged is there afterwards and
whole (or gone), nothing has a name that is not whole, and the next image-fetch makes the rest.

A machine (qemu, Debian's kernel, ext4 with its journal) fetches and removes images and tells on its serial
line what each command has acknowledged; at a moment that a seeded die chooses, qemu gets SIGKILL. The
guest's page cache is gone then, and of what its disk had cached (cut_disk.py) each block is kept or not.
The file system is then looked at here, on a copy, and the machine goes on with the disk itself.

Of STAVE_CUTS (100) cuts STAVE_SLICE=3/10 does those whose number is 3 modulo 10. Needs root."""

import glob
import hashlib
import json
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import threading
import time
import unittest

sys.path[:0] = ["tests", "tests/vm"]
import cases
import tree
from cut_disk import CutDisk
from place import Place, tree as programs

CUTS = int(os.environ.get("STAVE_CUTS", "100"))
SECONDS = 120  # a machine that has not come to its end by then hangs


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    missing = [program for program in ("qemu-system-x86_64", "mke2fs", "cpio", "strace", "busybox") if not shutil.which(program)]
    if not glob.glob("/boot/vmlinuz-*-cloud-amd64"):
        missing.append("linux-image-cloud-amd64")
    if missing:
        raise unittest.SkipTest("needs " + ", ".join(missing))


# Images of some layers, shared by several; some have whiteouts and implied parents.
def make_images(place):
    rng = random.Random(1)

    def files(folder, count, largest):
        return [(folder, "d", b"", 0o755)] + [(f"{folder}/f{i}", "f", rng.randbytes(rng.randrange(largest)), 0o644) for i in range(count)]

    base = Place.tar(files("base", 150, 6000))
    many = Place.tar(files("many", 1200, 600))
    upper = Place.tar(files("upper", 40, 30000) + [("base/.wh.f7", "f", b"", 0o644), ("base/new", "l", "f8", 0o777)])
    opaque = Place.tar(files("opaque", 20, 50000) + [("base/.wh..wh..opq", "f", b"", 0o644), ("base/only", "f", b"only", 0o600)])
    large = Place.tar([("large", "f", rng.randbytes(3 << 20), 0o755)])
    other = Place.tar(files("other", 60, 20000))
    images = {"a": [base], "b": [base, upper], "c": [base, upper, opaque], "d": [other, large], "e": [many, other], "f": [other]}
    for name, layers in images.items():
        place.layout("images/" + name, layers, config={"Cmd": ["sh"], "Labels": {"image": name}}, compress=name != "d")
    return sorted(images)


def contents(path):
    with open(path, "rb") as file:
        return file.read()


# What must be in a store that has a name: by reference, the file; by key, the listing of the layer.
class Right:
    def __init__(self, state):
        self.refs = {path: contents(path) for path in self.paths(state)}
        self.refs = {os.path.relpath(path, state): text for path, text in self.refs.items()}
        self.layers = {key: listing(f"{state}/layers/{key}") for key in os.listdir(state + "/layers")}

    @staticmethod
    def paths(state):
        found = []
        for folder, _, names in os.walk(state + "/refs"):
            found += [os.path.join(folder, name) for name in names if not name.startswith(".")]
        return found

    # Everything that is wrong with the store at `state`, where the images `acked` were acknowledged, and
    # that those of `gone` are.
    def wrong(self, state, acked, gone=()):
        found = []
        if not os.path.exists(state + "/store.json"):
            return [f"lost: all, also {name}" for name in acked]
        refs = {os.path.relpath(path, state): contents(path) for path in self.paths(state)}
        found += [f"{ref}: has its name and is {text}" for ref, text in refs.items() if self.refs.get(ref) != text]
        found += [f"lost: the reference of {name}" for name in acked if f"refs/localhost/{name}/:latest" not in refs]
        found += [f"{name}: was removed and is back" for name in gone if f"refs/localhost/{name}/:latest" in refs]
        blobs = set(os.listdir(state + "/images/blobs/sha256"))
        for blob in blobs:
            if hashlib.sha256(contents(f"{state}/images/blobs/sha256/{blob}")).hexdigest() != blob:
                found.append(f"blob {blob}: has its name and is not whole, {os.path.getsize(f'{state}/images/blobs/sha256/{blob}')} bytes")
        layers = set(os.listdir(state + "/layers"))
        for key in layers:
            is_, right = listing(f"{state}/layers/{key}"), self.layers.get(key, [])
            if is_ != right:
                odd = sorted(set(is_) ^ set(right))
                found.append(f"layer {key}: has its name and {len(odd)} lines differ: {odd[:2]}")
        for ref in refs:
            found += [f"{ref}: {one}" for one in self.lacks(state, contents(f"{state}/{ref}"), blobs, layers)]
        return found + self.index_wrong(state, acked)

    # What a reference needs and is not there.
    def lacks(self, state, descriptor, blobs, layers):
        def document(digest):
            name = digest.removeprefix("sha256:")
            return json.loads(contents(f"{state}/images/blobs/sha256/{name}")) if name in blobs else None
        try:
            manifest = document(json.loads(descriptor)["digest"])
            if manifest is None:
                return ["its manifest is not there"]
            config = document(manifest["config"]["digest"])
            missing = [f"blob {layer['digest']} is not there" for layer in manifest["layers"] if layer["digest"].removeprefix("sha256:") not in blobs]
            if config is None:
                return missing + ["its config is not there"]
            missing += [f"layer {i} is not there" for i, keys in enumerate(keys_of(config["rootfs"]["diff_ids"])) if not keys & layers]
            return missing
        except (ValueError, KeyError) as error:
            return [f"cannot be read: {error}"]

    # What others read: names at least what was acknowledged.
    @staticmethod
    def index_wrong(state, acked):
        try:
            named = [one["annotations"]["org.opencontainers.image.ref.name"] for one in json.loads(contents(state + "/images/index.json"))["manifests"]]
        except FileNotFoundError:
            named = []
        except ValueError as error:
            return [f"index.json cannot be read: {error}, {os.path.getsize(state + '/images/index.json')} bytes"]
        return [f"index.json does not name {name}" for name in acked if f"localhost/{name}:latest" not in named]


# A line for each entry. The times of the layer's own folders and of whiteouts are when they were made.
def listing(root):
    first, lines = {}, []
    for name in tree.names(root):
        made = name in (".", "fs", "meta.json") or stat.S_ISCHR(os.lstat(os.path.join(root, name)).st_mode)
        lines.append(tree.line(root, name, first, ("--no-mtime",) if made else ()))
    return lines


# The two names that each layer may have.
def keys_of(diff_ids):
    chain, found = "", []
    for diff_id in diff_ids:
        chain = diff_id if not chain else "sha256:" + hashlib.sha256(f"{chain} {diff_id}".encode()).hexdigest()
        found.append({diff_id.removeprefix("sha256:"), chain.removeprefix("sha256:")})
    return found


class Machine:
    """One run of qemu. Its lines come to on_line, in a thread; kill() is the cut."""

    def __init__(self, place, words, on_line):
        self.on_line, self.lines = on_line, []
        self.process = place.start(
            ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-M", "q35", "-smp", "2", "-m", "768",
             "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
             "-kernel", place.path("vm/kernel"), "-initrd", place.path("vm/initrd"),
             "-append", "console=ttyS0 quiet panic=-1 mitigations=off " + words,
             "-drive", f"if=none,id=disk,format=raw,cache=writeback,file=nbd+unix:///?socket={place.path('nbd')}", "-device", "virtio-blk-pci,drive=disk",
             "-drive", f"if=none,id=images,format=raw,readonly=on,file={place.path('images.img')}", "-device", "virtio-blk-pci,drive=images"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())
            self.on_line(line.strip())

    def kill(self):
        self.process.kill()

    # What it had said until then: a line is told when its command has ended.
    def wait(self):
        self.process.wait(SECONDS)
        self.reader.join()
        self.process.stdout.close()
        return self.lines


class Cut:
    """One boot that ends in a cut: at the n-th write or flush after "go", or so long after the n-th line
    that begins with `word`, or after the end."""

    def __init__(self, place, disk, words):
        self.place, self.disk, self.words = place, disk, words
        self.request = None        # number after "go"
        self.line = ("end", 1)     # and how often
        self.delay = 0.0
        self.begun = None          # requests before "go"
        self.seen = 0

    def on_request(self, count):
        if self.request is None or self.begun is None or count < self.begun + self.request:
            return False
        self.machine.kill()
        return True

    def on_line(self, line):
        self.marks.setdefault(line, time.monotonic())
        if line == "go":
            self.begun = self.disk.count
        if line.split(" ")[0] == self.line[0]:
            self.seen += 1
            if self.seen == self.line[1]:
                threading.Timer(self.delay, self.machine.kill).start() if self.delay else self.machine.kill()

    def run(self):
        self.disk.serve(self.on_request)
        self.marks = {}
        guard = threading.Timer(SECONDS, lambda: self.machine.kill())
        self.started = time.monotonic()
        self.machine = Machine(self.place, self.words, self.on_line)
        guard.start()
        lines = self.machine.wait()
        guard.cancel()
        if "go" not in lines or time.monotonic() - self.started > SECONDS:
            raise AssertionError("the machine does not come to work: " + "\n".join(lines[-30:]))
        return lines


class PowerCutTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.looks = 0
        self.names = make_images(self.place)
        for name in self.names:
            done = self.place.run(["image-fetch", "-q", "oci:" + self.place.path("images", name)])
            self.assertEqual(done.returncode, 0, done.stderr)
        self.right = Right(self.place.path("state"))
        self.assertEqual(self.right.wrong(self.place.path("state"), self.names), [])
        self.make_machine()

    # The machine starts with busybox only: the programs are on the disk of the images, so that a boot is short.
    def make_machine(self):
        os.mkdir(self.place.path("vm"))
        self.place.env.update(VM_MAKE=self.place.path("vm"), VM_MODULES="virtio_pci virtio_blk")
        made = self.place.run([os.path.realpath("tests/vm/vm.sh"), os.path.realpath("tests/vm/power_cut.sh")])
        self.assertEqual(made.returncode, 0, made.stderr)
        for program in ("bin/image-fetch", "bin/image-remove", "libexec/stave/stave-pull", "libexec/stave/stave-unpack", shutil.which("strace")):
            self.put(os.path.join(programs(), program), "bin/strace" if program[0] == "/" else program)
        self.make_disk("images.img", "128M", "-d", self.place.path("images"))
        self.make_disk("disk.img", "192M", "-N", "40000")
        self.disk = CutDisk(self.place.path("disk.img"), self.place.path("nbd"))

    # A program and its libraries, all of these in one folder.
    def put(self, program, place):
        libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        for source, target in [(program, place)] + [(path, "lib/" + os.path.basename(path)) for path in re.findall(r"(/\S+) \(0x", libraries)]:
            target = self.place.path("images", target)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)

    def make_disk(self, name, size, *words):
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", *words, self.place.path(name), size], check=True, stdout=subprocess.DEVNULL)

    # A boot of its own without a cut: how many requests and seconds the work takes.
    def measure(self):
        cut = Cut(self.place, self.disk, f"fresh=1 do={','.join(self.names)}")
        lines = cut.run()
        self.assertEqual([line for line in lines if line.startswith("ack")], ["ack " + name for name in self.names], "\n".join(lines))
        requests = self.disk.count - cut.begun
        self.disk.cut(random.Random(0), 0)
        self.assertEqual(self.look(self.names), [])
        return requests, cut.marks["end"] - cut.marks["go"]

    # What is wrong on the disk, seen through the journal of a copy. Each copy is a file of its own: what
    # somebody's new mount namespace still has mounted would be shown again.
    def look(self, acked, gone=()):
        self.looks += 1
        copy, mnt = self.place.path(f"copy{self.looks}.img"), self.place.path("mnt")
        shutil.copyfile(self.place.path("disk.img"), copy)
        os.makedirs(mnt, exist_ok=True)
        subprocess.run(["mount", "-o", "loop", copy, mnt], check=True)
        try:
            return self.right.wrong(mnt + "/state", acked, gone) + self.damage(mnt + "/state")
        finally:
            subprocess.run(["umount", mnt], check=True)
            os.unlink(copy)

    # What store-check takes for damage. (What lies about is none.)
    def damage(self, state):
        if not os.path.exists(state + "/store.json"):
            return []
        done = self.place.run(["env", "STAVE_STATE=" + state, "store-check"])
        return [] if done.returncode == 0 else [f"store-check: {done.stdout}{done.stderr}"]

    # Some of what is there by then is removed again.
    @staticmethod
    def acts(rng, order):
        acts, there = [], []
        for name in order:
            acts.append(name)
            there.append(name)
            if rng.random() < 0.3:
                acts.append("-" + there.pop(rng.randrange(len(there))))
        return acts

    # What the lines say of the images: those that must be there, and those that must not.
    @staticmethod
    def told(acked, lines):
        here, gone = list(acked), set()
        for line in lines:
            act, _, name = line.partition(" ")
            if act == "begin" and name.startswith("-") and name[1:] in here:
                here.remove(name[1:])
            elif act == "begin":
                gone.discard(name)
            elif act == "ack" and name.startswith("-"):
                gone.add(name[1:])
            elif act == "ack" and name not in here:
                here.append(name)
        return here, gone

    # One cut of a seeded kind; returns (what is wrong, the acknowledged, a line for people).
    def cut(self, number, acked, requests, seconds, unsafe=False):
        rng = random.Random(number)
        fresh = len(acked) == len(self.names) or rng.random() < 0.3
        acked = [] if fresh else acked
        acts = self.acts(rng, rng.sample(self.names, len(self.names)))
        words = f"{'fresh=1 ' if fresh else ''}{'unsafe=1 ' if unsafe else ''}here={','.join(acked)} do={','.join(acts)}"
        cut = Cut(self.place, self.disk, words)
        kind = rng.choice(["request", "request", "ack", "time"])
        if kind == "request":
            cut.request = rng.randrange(1, requests + 1)
        elif kind == "ack":
            cut.line, cut.delay = ("ack", rng.randrange(1, len(acts) + 1)), rng.choice([0, rng.random() * 0.1, rng.random() * 3])
        else:
            cut.line, cut.delay = ("go", 1), rng.random() * seconds
        lines, begun = cut.run(), time.monotonic()
        share = rng.choice([0, 0, 1, rng.random()])
        cached, kept = self.disk.cut(rng, share)
        now, gone = self.told(acked, lines)
        wrong = [line for line in lines if line.startswith(("lost:", "failed:", "broken:"))] + self.look(now, gone)
        times = f"{cut.marks['go'] - cut.started:.1f} + {begun - cut.marks['go']:.1f} + {time.monotonic() - begun:.1f} s"
        at = cut.request or f"{cut.line[0]} {cut.line[1]} + {cut.delay:.2f} s"
        said = (f"cut {number}: {kind} {at}, {'fresh' if fresh else 'on'}, {len(now)} acknowledged, {len(gone)} removed, {self.disk.flushes} flushes, "
                f"{kept} of {cached} cached blocks kept, {times}, {len(wrong)} wrong")
        return wrong, now, sum(line.startswith("ack ") for line in lines), said

    def test_what_is_acknowledged_is_there(self):
        requests, seconds = self.measure()
        print(f"all images: {requests} writes and flushes, {seconds:.1f} s", flush=True)
        share, _, of = os.environ.get("STAVE_SLICE", "0/1").partition("/")
        acked, failures, count, acks = list(self.names), [], 0, 0
        for number in range(1, CUTS + 1):
            if number % int(of) != int(share) % int(of):
                continue
            wrong, acked, told, said = self.cut(number, acked, requests, seconds)
            count += 1
            acks += told
            print(said, *wrong, sep="\n  ", flush=True)
            failures += [f"cut {number}: {one}" for one in wrong]
        print(f"{count} cuts, {acks} acts acknowledged, {len(failures)} wrong", flush=True)
        self.assertEqual(failures, [], "\n".join(failures))

    # The same with syncs that do nothing: the test notices.
    def test_without_syncs_something_is_lost(self):
        for number in range(1, 11):
            wrong, _, _, said = self.cut(number, list(self.names), 1000, 10, unsafe=True)
            print(said, *wrong, sep="\n  ", flush=True)
            self.assertFalse([line for line in wrong if line.startswith(("failed", "broken"))], wrong)
            if wrong:
                return
        self.fail("nothing was lost in 10 cuts")


if __name__ == "__main__":
    cases.main(own_mounts=True)

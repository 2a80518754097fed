#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What images of one to three odd layers become: stave's tree against umoci's and dockerd's, entry by
entry, and who refuses which. DIFFERENT says where a peer does otherwise, and why; what it does not name is
equal. Needs root."""

import copy
import functools
import gzip
import hashlib
import io
import json
import os
import select
import subprocess
import sys
import tarfile
import time
import unittest

sys.path[:0] = ["tests", "tests/root", "tests/interop"]
import cases
import make_image
from place import Place
from tar_corpus import END, entry, folder, gnu_long, hardlink, header, pair, pax, sparse_01, sparse_10, old_sparse, symlink
from trees import differences, listing, tell

place = None


def base():
    return [folder(b"./"), folder(b"d/", mode=0o1777, uid=5, mtime=1_400_000_000), entry(b"d/a", b"1"), entry(b"d/b", b"2"),
            folder(b"d/sub/", mode=0o700), entry(b"d/sub/c", b"3"), entry(b"f", b"4"), folder(b"run/"),
            folder(b"var/"), symlink(b"var/run", b"/run"), symlink(b"l", b"d")]


def xattr(name):
    return pax((b"SCHILY.xattr." + name, b"y"))


# name -> what lies on base(), a list of entries for each layer.
LAYERS = {
    "whiteout": [[folder(b"d/"), entry(b"d/.wh.a")]],
    "whiteout, implied parent": [[entry(b"d/.wh.a")]],
    "whiteout of a folder": [[entry(b".wh.d")]],
    "whiteout of a link": [[entry(b".wh.l"), entry(b"var/.wh.run")]],
    "whiteout, then the file": [[entry(b".wh.f"), entry(b"f", b"new")]],
    "the file, then whiteout": [[entry(b"f", b"new"), entry(b".wh.f")]],
    "whiteout, then the folder": [[entry(b".wh.d"), folder(b"d/"), entry(b"d/new", b"1")]],
    "the folder, then whiteout": [[folder(b"d/"), entry(b"d/new", b"1"), entry(b".wh.d")]],
    "whiteout amid the folder": [[folder(b"d/"), entry(b".wh.d"), entry(b"d/new", b"1")]],
    "whiteout of the folder and in it": [[entry(b".wh.d"), folder(b"d/"), entry(b"d/.wh.a"), entry(b"d/new", b"1")]],
    "whiteout of what is made here only": [[entry(b"x", b"1"), entry(b".wh.x")]],
    "whiteout of a folder made here only": [[folder(b"x/"), entry(b"x/y", b"1"), entry(b".wh.x")]],
    "whiteout of nothing": [[entry(b".wh.none"), folder(b"d/"), entry(b"d/.wh.none")]],
    "whiteout of nothing in nothing": [[entry(b"none/.wh.none")]],
    "whiteout twice": [[entry(b".wh.f"), entry(b".wh.f")]],
    "whiteout in a link of the layer": [[symlink(b"k", b"d"), folder(b"d/"), entry(b"k/.wh.a")]],
    "whiteout, and back in the next": [[entry(b".wh.f"), entry(b".wh.d")], [entry(b"f", b"new"), folder(b"d/"), entry(b"d/new", b"1")]],
    "whiteout in two layers": [[entry(b".wh.f")], [entry(b".wh.f")]],
    "whiteout of a file over a folder over a file": [[folder(b"f/"), entry(b"f/x", b"1")], [entry(b".wh.f")]],
    "opaque first": [[folder(b"d/"), entry(b"d/.wh..wh..opq"), entry(b"d/new", b"1")]],
    "opaque last": [[folder(b"d/"), entry(b"d/new", b"1"), entry(b"d/.wh..wh..opq")]],
    "opaque before its folder": [[entry(b"d/.wh..wh..opq"), folder(b"d/"), entry(b"d/new", b"1")]],
    "opaque between siblings": [[folder(b"d/"), entry(b"d/a", b"new"), entry(b"d/.wh..wh..opq"), entry(b"d/new", b"1")]],
    "opaque, implied": [[entry(b"d/.wh..wh..opq")]],
    "opaque below": [[folder(b"d/"), folder(b"d/sub/"), entry(b"d/sub/.wh..wh..opq"), entry(b"d/sub/new", b"1")]],
    "opaque above what is made below": [[folder(b"d/"), folder(b"d/sub/"), entry(b"d/sub/new", b"1"), entry(b"d/.wh..wh..opq")]],
    "opaque and whiteout": [[folder(b"d/"), entry(b"d/.wh.a"), entry(b"d/.wh..wh..opq"), entry(b"d/a", b"new")]],
    "opaque, then more in the next": [[folder(b"d/"), entry(b"d/.wh..wh..opq")], [folder(b"d/"), entry(b"d/a", b"new")]],
    "opaque in two layers": [[folder(b"d/"), entry(b"d/.wh..wh..opq"), entry(b"d/x", b"1")], [folder(b"d/"), entry(b"d/.wh..wh..opq"), entry(b"d/y", b"1")]],
    "opaque root": [[entry(b".wh..wh..opq"), entry(b"new", b"1")]],
    "opaque of a new folder": [[folder(b"x/"), entry(b"x/.wh..wh..opq"), entry(b"x/y", b"1")]],
    "AUFS": [[folder(b".wh..wh.plnk/"), entry(b".wh..wh.plnk/1.2", b"x"), entry(b".wh..wh.aufs"), folder(b".wh..wh.orph/")]],
    "file over file": [[entry(b"f", b"new", mode=0o4755, uid=7)]],
    "file over folder": [[entry(b"d", b"new")]],
    "folder over file": [[folder(b"f/"), entry(b"f/x", b"1")]],
    "folder over folder": [[folder(b"d/", mode=0o711, uid=9, mtime=1_500_000_000)]],
    "folder over link": [[folder(b"l/"), entry(b"l/x", b"1")]],
    "link over folder": [[symlink(b"d", b"run"), entry(b"x", b"1")]],
    "link over link": [[symlink(b"l", b"f")]],
    "device over folder": [[header(b"d", kind=b"3", major=1, minor=3)]],
    "FIFO over file": [[header(b"f", kind=b"6", mode=0o600)]],
    "through a link below": [[entry(b"var/run/x", b"1")]],
    "through a link of the layer": [[folder(b"run/"), folder(b"var/"), symlink(b"var/run", b"/run"), entry(b"var/run/x", b"1")]],
    "through a relative link of the layer": [[folder(b"run/"), symlink(b"k", b"../run"), entry(b"k/x", b"1")]],
    "twice: file": [[entry(b"x", b"1"), entry(b"x", b"22", mode=0o600)]],
    "twice: folder": [[folder(b"x/"), entry(b"x/y", b"1"), folder(b"x/", mode=0o700, uid=3, mtime=1_500_000_000)]],
    "twice: file, folder": [[entry(b"x", b"1"), folder(b"x/"), entry(b"x/y", b"1")]],
    "twice: folder, file": [[folder(b"x/"), entry(b"x/y", b"1"), entry(b"x", b"1")]],
    "twice: link, folder": [[folder(b"run/"), symlink(b"x", b"run"), folder(b"x/"), entry(b"x/y", b"1")]],
    "twice: link, file": [[symlink(b"x", b"f"), entry(b"x", b"1")]],
    "twice: file, hard link": [[entry(b"x", b"1"), entry(b"y", b"2"), hardlink(b"y", b"x")]],
    "twice: hard link, file": [[entry(b"x", b"1"), hardlink(b"y", b"x"), entry(b"y", b"2")]],
    "twice: first of two hard links": [[entry(b"x", b"1"), hardlink(b"y", b"x"), entry(b"x", b"2")]],
    "implied parents": [[entry(b"d/sub/new", b"1"), entry(b"n/e/w", b"1")]],
    "implied parents, named later": [[entry(b"d/sub/new", b"1"), folder(b"d/sub/", mode=0o711, uid=6)]],
    "hard link, absolute": [[entry(b"x", b"1"), hardlink(b"y", b"/x")]],
    "hard link to a link": [[symlink(b"x", b"nowhere"), hardlink(b"y", b"x")]],
    "hard link to a file below": [[hardlink(b"y", b"f")]],
    "hard link to a file below, changed here": [[entry(b"f", b"new"), hardlink(b"y", b"f")]],
    "hard link to a later entry": [[hardlink(b"y", b"x"), entry(b"x", b"1")]],
    "hard link to nothing": [[hardlink(b"y", b"none")]],
    "hard link to itself": [[entry(b"x", b"1"), hardlink(b"x", b"x")]],
    "hard link to a folder": [[hardlink(b"y", b"run")]],
    "hard link out": [[hardlink(b"y", b"../../../../../../etc/passwd")]],
    "dot-dot": [[entry(b"../x", b"1")]],
    "dot-dot inside": [[entry(b"d/../x", b"1")]],
    "absolute": [[entry(b"/x", b"1")]],
    "root as link": [[symlink(b"./", b"/tmp"), entry(b"x", b"1")]],
    "file as parent": [[entry(b"x", b"1"), entry(b"x/y", b"1")]],
    "whiteout of no name": [[entry(b".wh.")]],
    "whiteout of .": [[entry(b"d/.wh..")]],
    "whiteout of ..": [[entry(b"d/.wh...")]],
    "char device 0:0": [[header(b"f", kind=b"3")]],
    "block device 0:0": [[header(b"f", kind=b"4")]],
    "devices": [[header(b"c", kind=b"3", major=1, minor=3, mode=0o666), header(b"b", kind=b"4", major=8, minor=300)]],
    "contiguous": [[entry(b"x", b"1", kind=b"7")]],
    "unknown type": [[entry(b"x", b"1", kind=b"Z")]],
    "volume label": [[header(b"label", kind=b"V"), entry(b"x", b"1")]],
    "global header": [[pax((b"comment", b"c"), (b"uid", b"9"), kind=b"g"), entry(b"x", b"1")]],
    "global path": [[pax((b"path", b"p"), kind=b"g"), entry(b"x", b"1")]],
    "attributes": [[xattr(b"user.note"), folder(b"d/"), xattr(b"user.note"), entry(b"x", b"1")]],
    "forged opaque": [[xattr(b"trusted.overlay.opaque"), folder(b"d/")]],
    "odd attributes": [[xattr(b"user.overlay.opaque"), folder(b"d/"), xattr(b"user.overlay.redirect"), entry(b"x", b"1")]],
    "names": [[entry(b"\xff\xfe", b"1"), entry(b"-rf", b"2"), entry(b"line\nend", b"3"), gnu_long(b"L", b"n" * 200), entry(b"n", b"4"),
               entry(b"file/", b"5"), header(b"v7/", kind=b"\0", mode=0o755)]],
    "prefix of old Go": [[entry(b"x", b"1", raw={257: b"ustar  \0", 345: b"from/docker"})]],
    "modes and owners": [[entry(b"x", b"1", mode=0o7777, uid=2097151, gid=1), folder(b"y/", mode=0o7777, uid=3),
                          entry(b"z", b"1", raw={108: b"\x80\0\0\0\x80\0\0\0"})]],
    "times": [[pax((b"mtime", b"1500000000.123456789")), entry(b"x", b"1"), pax((b"mtime", b"1400000000.5")), folder(b"y/")]],
    "sparse, PAX": [[sparse_10(b"2\n0\n2\n5000\n2\n", b"9000", b"abcd", name=b"s10"), sparse_01(b"0,2,5000,2", b"9000", b"2", b"abcd")]],
    "sparse, old GNU": [[old_sparse(b"old", 9000, [pair(0, 2), pair(5000, 2)], 4, data=b"abcd")]],
    "sparse, nothing but a hole": [[sparse_10(b"1\n9000\n0\n", b"9000")]],
    "sparse, overlapping": [[sparse_10(b"2\n0\n2\n1\n2\n", b"9000", b"abcd")]],
}

IMPLIED = "a folder that only a lower layer names gets a new mode, owner and time"
ORDER = "whiteouts and entries are taken in their order, and two of one name fail"
TWICE = "a path may be there once only"
# (name, peer) -> what it does: "refuses", "takes" (what stave refuses), or the facts that differ; and why.
DIFFERENT = {
    **{(name, "dockerd"): ("mode mtime uid", IMPLIED) for name in (
        "whiteout, implied parent", "opaque, implied", "implied parents", "implied parents, named later")},
    **{(name, "dockerd"): ("mtime", IMPLIED) for name in ("whiteout of a link", "through a link below")},
    **{(name, "dockerd"): ("refuses", ORDER) for name in (
        "the file, then whiteout", "the folder, then whiteout", "whiteout amid the folder", "whiteout twice",
        "whiteout of what is made here only", "whiteout of a folder made here only")},
    **{(name, "dockerd"): ("refuses", TWICE) for name in LAYERS if name.startswith("twice: ")},
    ("whiteout, then the folder", "dockerd"): ("names", "the folder takes the whiteout's place, and what is below comes back"),
    ("whiteout of the folder and in it", "dockerd"): ("names", "the same"),
    ("whiteout of nothing in nothing", "dockerd"): ("names", "a whiteout where nothing is merged: readdir(3) shows its name"),
    ("opaque root", "dockerd"): ("names", "overlayfs does not look at a root's mark"),
    ("AUFS", "dockerd"): ("names", "what AUFS kept for itself is unpacked"),
    ("AUFS", "umoci"): ("names", "the same"),
    ("hard link to a file below", "dockerd"): ("refuses", "it sees the layer only"),
    ("hard link to a file below", "umoci"): ("links", "it has one tree: a link, where stave copies up as overlayfs does"),
    ("hard link to a later entry", "dockerd"): ("refuses", "entries are taken in their order"),
    ("hard link to a later entry", "umoci"): ("refuses", "the same"),
    ("dot-dot", "dockerd"): ("takes", "as a name in the root"),
    ("dot-dot", "umoci"): ("takes", "as a name in the root"),
    ("root as link", "dockerd"): ("takes", ""),
    ("char device 0:0", "dockerd"): ("takes", "it becomes a whiteout"),
    ("char device 0:0", "umoci"): ("takes", "as a device"),
    ("contiguous", "dockerd"): ("refuses", "type 7"),
    ("contiguous", "umoci"): ("refuses", "type 7"),
    ("global header", "umoci"): ("refuses", "type g"),
    ("global path", "dockerd"): ("takes", "global records are left out"),
    ("forged opaque", "dockerd"): ("names", "the layer's word counts: what is below is hidden"),
    ("odd attributes", "dockerd"): ("xattrs", "user.overlay.* stay, which an overlay with userxattr would obey"),
    ("odd attributes", "umoci"): ("xattrs", "the same"),
    ("sparse, old GNU", "dockerd"): ("refuses", "type S"),
    ("sparse, old GNU", "umoci"): ("refuses", "type S"),
    ("the folder, then whiteout", "umoci"): ("mtime", "it tries to delete the folder, which changes its time"),
    ("whiteout amid the folder", "umoci"): ("mtime", "the same"),
    ("opaque above what is made below", "umoci"): ("mtime", "the same"),
    ("whiteout of nothing in nothing", "umoci"): ("names", "no folder is made for a whiteout"),
    ("through a link below", "umoci"): ("links mode mtime names target type", "it has one tree and follows the link; stave "
                                        "and dockerd know the layer only, so the link is replaced by a folder"),
}


TAG = "case:1"


def archive(name, layers):
    """The image as `docker save` writes it."""
    out = io.BytesIO()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": {"case": name}}, "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]}}).encode()
    files = [(f"{i}/layer.tar", layer) for i, layer in enumerate(layers)]
    manifest = [{"Config": "config.json", "RepoTags": [TAG], "Layers": [path for path, _ in files]}]
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, data in [("config.json", config), *files, ("manifest.json", json.dumps(manifest).encode())]:
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def named(layers):
    """The folders that have an entry: only their times are compared."""
    found = set()
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer), encoding="utf-8", errors="surrogateescape") as tar:
            found |= {os.path.normpath(os.fsencode(member.name)) for member in tar if member.isdir()}
    return found - {b"."}


def layers_of(name):
    return [b"".join(layer) + END for layer in [base(), *LAYERS[name]]]


def layout_of(name):
    return place.layout("layout", layers_of(name), compress=False)


class Refused(Exception):
    pass


def run(command):
    done = place.run(command)
    if done.returncode:
        raise Refused((done.stdout + done.stderr)[-1000:])
    return done.stdout


def merged(folders):
    """What overlayfs makes of them, the topmost first."""
    os.makedirs(place.path("merged"), exist_ok=True)
    os.makedirs(place.path("empty"), exist_ok=True)
    folders = ":".join(dict.fromkeys(folders)) + ":" + place.path("empty")
    subprocess.run(["mount", "-t", "overlay", "-o", "ro,lowerdir=" + folders, "overlay", place.path("merged")], check=True)
    try:
        return listing(place.path("merged"))
    finally:
        subprocess.run(["umount", place.path("merged")], check=True)


def tree_of(image):
    run(["rm", "-rf", "state", "run"])
    document = json.loads(run(["image-fetch", "-q", image]))
    return merged([place.path("state/layers", layer[7:], "fs") for layer in reversed(document["stave"]["image"]["layers"])])


@functools.cache
def stave(name):
    """The tree and nothing, or nothing and the error."""
    try:
        return tree_of(layout_of(name)), ""
    except Refused as error:
        return None, str(error)


def umoci(name):
    run(["rm", "-rf", "bundle"])
    run(["umoci", "unpack", "--image", layout_of(name).removeprefix("oci:") + ":latest", "bundle"])
    return listing(place.path("bundle/rootfs"))


def start_dockerd():
    client = ["docker", "-H", "unix://" + place.path("docker.sock")]
    if place.run(["which", "dockerd"]).returncode != 0:
        raise unittest.SkipTest("dockerd is missing")
    with open(place.path("docker.log"), "w", encoding="utf-8") as log:
        daemon = place.start(
            ["dockerd", "--data-root", place.path("docker"), "--exec-root", place.path("docker-run"), "-H", client[2],
             "--pidfile", place.path("docker.pid"), "--bridge=none", "--iptables=false", "--ip6tables=false",
             "--storage-driver=overlay2"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    pidfd = os.pidfd_open(daemon.pid)
    deadline = time.monotonic() + 60
    while place.run(client + ["info"]).returncode != 0:
        if select.select([pidfd], [], [], 0.1)[0] or time.monotonic() > deadline:
            with open(place.path("docker.log"), encoding="utf-8") as log:
                raise unittest.SkipTest("dockerd does not run here: " + log.read()[-500:])
    os.close(pidfd)
    return client


def docker(client, name):
    with open(place.path("case.tar"), "wb") as file:
        file.write(archive(name, layers_of(name)))
    run([*client, "load", "-q", "-i", "case.tar"])
    data = json.loads(run([*client, "image", "inspect", TAG]))[0]["GraphDriver"]["Data"]
    return merged([data["UpperDir"], *filter(None, data.get("LowerDir", "").split(":"))])


class LayersTest(unittest.TestCase):
    maxDiff = 3000

    @classmethod
    def setUpClass(cls):
        global place
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root")
        place = Place("2g")
        cls.addClassCleanup(cls.close)

    @classmethod
    def close(cls):
        for process in place.started:
            process.terminate()
            process.wait(60)
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            below = [line.split()[4] for line in mounts if line.split()[4].startswith(place.dir + "/")]
        for path in reversed(below):
            subprocess.run(["umount", path], check=False)
        place.close()

    def compare(self, peer, theirs_of):
        for name in LAYERS:
            with self.subTest(name=name):
                expected = set(DIFFERENT.get((name, peer), ("",))[0].split())
                ours, said = copy.deepcopy(stave(name))
                try:
                    theirs = theirs_of(name)
                except Refused as error:
                    if ours is not None or expected:
                        self.assertEqual(expected, {"refuses"}, f"{peer} refuses: {error}")
                    continue
                if ours is None:
                    self.assertEqual(expected, {"takes"}, f"{peer} takes what stave refuses: {said}")
                    continue
                times = named(layers_of(name))
                for tree in (ours, theirs):
                    for path, facts in tree.items():
                        if facts["type"] == "0o40000" and path not in times:
                            del facts["mtime"]
                self.assertEqual(differences(ours, theirs, {b"."}), expected, tell(ours, theirs, peer))

    def test_umoci(self):
        if place.run(["which", "umoci"]).returncode != 0:
            self.skipTest("umoci is missing")
        self.compare("umoci", umoci)

    def test_dockerd(self):
        client = start_dockerd()
        self.compare("dockerd", lambda name: docker(client, name))

    # T37: the bytes say how a layer is packed, not its media type.
    def test_labels_do_not_decide(self):
        plain = layers_of("whiteout")[0]
        zstd = subprocess.run(["zstd", "-qc"], input=plain, stdout=subprocess.PIPE, check=True).stdout
        trees = []
        for number, (label, packed) in enumerate((
                ("tar", plain), ("tar", gzip.compress(plain)), ("tar", zstd), ("tar+gzip", plain), ("tar+gzip", zstd),
                ("tar+zstd", plain), ("tar+zstd", gzip.compress(plain)))):
            with self.subTest(label=label, number=number):
                layout = make_image.Layout(place.path(f"labels{number}"))
                config = {"architecture": "amd64", "os": "linux", "rootfs": {
                    "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(plain).hexdigest()]}}
                manifest = {"schemaVersion": 2, "config": layout.blob(json.dumps(config).encode(), "config.v1+json"),
                            "layers": [layout.blob(packed, "layer.v1." + label)]}
                layout.tag(layout.blob(json.dumps(manifest).encode(), "manifest.v1+json"), "latest")
                layout.close()
                trees.append(tree_of("oci:" + layout.root))
        self.assertEqual(len(trees), 7)
        for tree in trees[1:]:
            self.assertEqual(tree, trees[0])

    def test_every_difference_is_of_a_layer(self):
        self.assertLessEqual({name for name, _ in DIFFERENT}, {*LAYERS})


if __name__ == "__main__":
    cases.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""skopeo and umoci read images/ of the store as the OCI image layout that it is: after fetching, after
removing an image, after store-check has mended it. Needs root."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

TREE = os.path.realpath("tests/tree.py")


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    for program in ("skopeo", "umoci"):
        if shutil.which(program) is None:
            raise unittest.SkipTest(f"{program} is not installed")


# A layer that hides, makes opaque and implies.
def upper():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (("etc/.wh.group", b""), ("var/new", b"new"), ("tmp/file", b"x" * 5000)):
            info = tarfile.TarInfo(name)
            info.mtime, info.mode, info.size = 1700000000, 0o640, len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


class StoreReadersTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        base = Place.busybox()
        self.sources = {"shell": self.place.layout("shell", [base]), "layered": self.place.layout("layered", [base, upper()])}
        self.sources["indexed"] = self.index("layered", "indexed")
        for source in self.sources.values():
            self.ok(["image-fetch", "-q", source])

    def ok(self, command):
        done = self.place.run(command)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    # The image `name` below an index with an entry for another machine.
    def index(self, name, new):
        top = self.place.path(new)
        shutil.copytree(self.place.path(name), top)
        with open(top + "/index.json", encoding="utf-8") as file:
            entry = dict(json.load(file)["manifests"][0], annotations={})
        kind = "application/vnd.oci.image.index.v1+json"
        text = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [
            dict(entry, platform={"os": "linux", "architecture": "s390x"}, digest="sha256:" + "5" * 64),
            dict(entry, platform={"os": "linux", "architecture": "amd64"})]}).encode()
        digest = hashlib.sha256(text).hexdigest()
        with open(f"{top}/blobs/sha256/{digest}", "wb") as out:
            out.write(text)
        with open(top + "/index.json", "w", encoding="utf-8") as out:
            json.dump({"schemaVersion": 2, "manifests": [{"mediaType": kind, "digest": "sha256:" + digest, "size": len(text),
                                                          "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}, out)
        return "oci:" + top

    # What the layout has for a name, as bytes.
    def named(self, top, name):
        with open(self.place.path(top, "index.json"), encoding="utf-8") as file:
            [entry] = [m for m in json.load(file)["manifests"] if m["annotations"]["org.opencontainers.image.ref.name"] == name]
        with open(self.place.path(top, "blobs/sha256", entry["digest"][7:]), encoding="utf-8") as file:
            return file.read()

    def everybody_reads(self, names):
        self.assertEqual(sorted(self.ok("umoci ls --layout state/images").split()), sorted(f"localhost/{name}:latest" for name in names))
        for name in names:
            with self.subTest(name):
                image = f"state/images:localhost/{name}:latest"
                self.assertEqual(self.ok(f"skopeo inspect --raw oci:{image}"), self.named(name, "latest"))
                layers = json.loads(self.ok(f"skopeo inspect oci:{image}"))["Layers"]
                self.ok("rm -rf copy unpacked merged; mkdir merged")
                self.ok(f"skopeo copy -q --insecure-policy oci:{image} oci:copy:x")
                copied = json.loads(self.ok("skopeo inspect oci:copy:x"))["Layers"]
                self.assertEqual(copied, layers)
                self.ok("umoci unpack --image copy:x unpacked")
                self.ok(f"image-fetch --policy never localhost/{name} | layer-mount --now merged")
                try:
                    lines = [self.ok([sys.executable, TREE, folder, "--no-mtime", "--overlay"]) for folder in ("merged", "unpacked/rootfs")]
                finally:
                    self.ok("layer-mount --unmount merged")
                self.assertEqual(lines[0].splitlines()[1:], lines[1].splitlines()[1:])  # the root itself is the mounter's
                if name != "indexed":  # umoci 0.4 wants a manifest at the top
                    self.ok(f"rm -rf unpacked; umoci unpack --image {image} unpacked")

    def test_after_fetching_and_removing(self):
        self.everybody_reads(self.sources)
        self.ok("image-remove localhost/indexed")
        self.everybody_reads(["shell", "layered"])
        self.ok("image-remove localhost/layered")
        self.everybody_reads(["shell"])
        self.assertNotEqual(self.place.run("skopeo inspect oci:state/images:localhost/layered:latest").returncode, 0)
        self.ok("store-check")

    def test_after_store_check_has_mended_it(self):
        layer = json.loads(self.named("layered", "latest"))["layers"][1]["digest"][7:]
        for damage, name in (("echo > state/images/index.json; : > state/images/oci-layout; echo > state/refs/localhost/shell/:latest", "shell"),
                             (f": > state/images/blobs/sha256/{layer}", "layered")):
            line = f"{damage}; store-check --repair; [ $? = 1 ] && image-fetch -q --policy always {self.sources[name]}"
            self.ok(line)
            self.everybody_reads(self.sources)
            self.ok("store-check")


if __name__ == "__main__":
    cases.main()

# SPDX-License-Identifier: Apache-2.0
"""Small images for evil_registry, and SHAPES: those that are wrong in themselves, one for each repository
name; each function changes a good image."""

import gzip
import hashlib
import io
import json
import os
import tarfile

OCI = "application/vnd.oci.image."
INDEX = OCI + "index.v1+json"
MANIFEST = OCI + "manifest.v1+json"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(data, media_type, **more):
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


class Image:
    """The bytes of an image; members may be changed before seal()."""

    def __init__(self):
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            info = tarfile.TarInfo("file")
            info.size = 300000
            archive.addfile(info, io.BytesIO(os.urandom(info.size)))
        self.tar = tar.getvalue()
        self.layer = gzip.compress(self.tar, 1)
        self.config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
                       "rootfs": {"type": "layers", "diff_ids": [digest(self.tar)]}}
        self.blobs = {}
        self.seal()

    def seal(self):
        config = json.dumps(self.config).encode()
        self.value = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, OCI + "config.v1+json"),
                      "layers": [descriptor(self.layer, OCI + "layer.v1.tar+gzip")]}
        self.blobs = {digest(config): config, digest(self.layer): self.layer}
        self.pack(self.value, MANIFEST)
        return self

    def pack(self, value, media_type):
        self.manifest, self.media_type = json.dumps(value).encode(), media_type
        self.blobs[digest(self.manifest)] = self.manifest


SHAPES = {}


def shape(function):
    SHAPES[function.__name__.replace("_", "-")] = function
    return function


@shape
def diff_id_wrong(image):
    image.config["rootfs"]["diff_ids"] = [digest(b"something else")]
    image.seal()


@shape
def layer_count_wrong(image):
    image.config["rootfs"]["diff_ids"] *= 2
    image.seal()


@shape
def layer_is_no_gzip(image):
    image.layer = image.layer[:1000] + bytes(100) + image.layer[1100:]
    image.seal()


@shape
def layer_escapes(image):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../escaped"))
    image.layer = tar.getvalue()
    image.config["rootfs"]["diff_ids"] = [digest(image.layer)]
    image.seal()


@shape
def another_layer_is_missing(image):
    image.value["layers"].append(descriptor(b"nowhere", OCI + "layer.v1.tar+gzip"))
    config = dict(image.config, rootfs={"type": "layers", "diff_ids": [digest(image.tar), digest(b"other")]})
    data = json.dumps(config).encode()
    image.blobs[digest(data)] = data
    image.value["config"] = descriptor(data, OCI + "config.v1+json")
    image.pack(image.value, MANIFEST)


@shape
def both_kinds(image):
    image.pack({**image.value, "manifests": []}, MANIFEST)


@shape
def schema_one(image):
    image.pack({"schemaVersion": 1, "name": "x", "fsLayers": []},
               "application/vnd.docker.distribution.manifest.v1+prettyjws")


@shape
def types_differ(image):
    image.pack(image.value, INDEX)


@shape
def type_with_charset(image):
    image.media_type += "; charset=utf-8"


@shape
def type_generic(image):
    image.media_type = "application/json"


@shape
def no_json(image):
    image.manifest = b'{"schemaVersion":2,'


@shape
def manifest_huge(image):
    image.pack({**image.value, "annotations": {"x": "y" * (4 << 20)}}, MANIFEST)


@shape
def config_huge(image):
    image.value["config"]["size"] = 5 << 20
    image.pack(image.value, MANIFEST)


@shape
def size_negative(image):
    image.value["layers"][0]["size"] = -1
    image.pack(image.value, MANIFEST)


@shape
def digest_is_a_path(image):
    image.value["layers"][0]["digest"] = "sha256:../../../../etc/passwd"
    image.pack(image.value, MANIFEST)


@shape
def foreign_layer(image):
    image.value["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    image.value["layers"][0]["urls"] = ["http://127.0.0.1:1/"]
    image.pack(image.value, MANIFEST)


@shape
def index_deep(image):
    for _ in range(5):
        image.pack({"schemaVersion": 2, "mediaType": INDEX,
                    "manifests": [descriptor(image.manifest, image.media_type)]}, INDEX)


@shape
def index_without_us(image):
    platform = {"os": "plan9", "architecture": "mips"}
    image.pack({"schemaVersion": 2, "mediaType": INDEX,
                "manifests": [descriptor(image.manifest, MANIFEST, platform=platform)]}, INDEX)


@shape
def child_size_wrong(image):
    child = descriptor(image.manifest, MANIFEST, platform={"os": "linux", "architecture": "amd64"})
    child["size"] += 1
    image.pack({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}, INDEX)

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make_image.py DIR: an OCI image layout with the images that the tests of pulling use.

  plain gzip zstd  the same three layers, compressed so (or not)
  index            linux/amd64 (the image "gzip") and linux/arm64 (another config)
  nested           an index in an index in an index, with the amd64 one at the bottom
  deps             layers that need what is below: whiteouts, opaque folders, implied parents
  twin             one layer twice

The trees hold what layers can hold: hard links, symlinks, devices, a FIFO, odd modes and owners,
times with fractions, attributes, names with spaces, line ends and bytes that are no UTF-8. The same
call makes the same bytes."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

MEDIA = "application/vnd.oci.image."
BUSYBOX = "/bin/busybox"


def entry(name, kind=tarfile.REGTYPE, data=b"", mode=None, uid=0, gid=0, mtime=1600000000, link="", dev=(0, 0),
          xattrs=None):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.uid, info.gid, info.mtime = kind, len(data), uid, gid, mtime
    info.mode = mode if mode is not None else (0o755 if kind == tarfile.DIRTYPE else 0o644)
    info.linkname, info.devmajor, info.devminor = link, dev[0], dev[1]
    for key, value in (xattrs or {}).items():
        info.pax_headers["SCHILY.xattr." + key] = value
    return info, data


def folder(name, **more):
    return entry(name, tarfile.DIRTYPE, **more)


def tar(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8",
                      errors="surrogateescape") as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def base_layer():
    with open(BUSYBOX, "rb") as file:
        busybox = file.read()
    entries = [folder("./", mtime=1450000000), folder("bin"), entry("bin/busybox", data=busybox, mode=0o755),
               entry("bin/sh", tarfile.LNKTYPE, link="bin/busybox", mode=0o755),
               entry("bin/ls", tarfile.SYMTYPE, link="busybox", mode=0o777),
               folder("etc", mtime=1500000000), entry("etc/passwd", data=b"root:x:0:0:root:/root:/bin/sh\n"),
               entry("etc/shadow", data=b"secret\n", mode=0o640, gid=42), folder("tmp", mode=0o1777),
               folder("home"), folder("home/user", uid=1000, gid=1000, mode=0o2750),
               entry("home/user/set", data=b"#!", uid=1000, gid=100, mode=0o6755)]
    entries += [entry("etc/f%03d" % i, data=b"%d\n" % i * (i + 1), mtime=1400000000.25 + i) for i in range(200)]
    return entries


def odd_layer():
    return [folder("dev"), entry("dev/null", tarfile.CHRTYPE, mode=0o666, dev=(1, 3)),
            entry("dev/disk", tarfile.BLKTYPE, mode=0o660, gid=6, dev=(8, 1)),
            entry("dev/pipe", tarfile.FIFOTYPE, mode=0o600), folder("odd", uid=70000, gid=4294967294),
            entry("odd/with space", data=b"1"), entry("odd/line\nend", data=b"2"), entry("odd/-rf", data=b"3"),
            entry("odd/caf\u00e9", data=b"4"), entry("odd/raw\udcff", data=b"5"), entry("odd/empty"),
            entry("odd/old", data=b"6", mtime=-1.5), entry("odd/late", data=b"7", mtime=4000000000.123456),
            entry("odd/attr", data=b"8", xattrs={"user.colour": "blue", "user.two": "x=y"}),
            entry("odd/" + "n" * 200, data=b"9"), entry("odd/abs", tarfile.SYMTYPE, link="/etc/passwd"),
            entry("odd/out", tarfile.SYMTYPE, link="../../../../etc/passwd"),
            entry("odd/mode0", data=b"a", mode=0), entry("odd/big", data=b"b" * 300000)]


def change_layer():
    return [folder("etc", mtime=1550000000), entry("etc/.wh.f001"), entry("etc/f002", data=b"changed\n"),
            folder("home"), folder("home/user", uid=1000, gid=1000, mode=0o700),
            entry("home/user/.wh..wh..opq"), entry("home/user/new", data=b"new\n"),
            folder("odd", uid=1, gid=2), entry("odd/.wh.with space")]


def deps_layers():
    return [base_layer(),
            # tmp is implied: it keeps its 1777 from below. home/user is replaced by a file.
            [entry("tmp/x", data=b"x\n"), entry("var/lib/y", data=b"y\n"), folder("home"), entry("home/.wh.user"),
             entry("etc/.wh.f000"), entry("etc/.wh.void")],
            [folder("home"), entry("home/user", data=b"a file now\n"), entry("bin/.wh.ls")]]


class Layout:
    def __init__(self, root):
        self.root, self.entries = root, []
        os.makedirs(os.path.join(root, "blobs/sha256"))
        with open(os.path.join(root, "oci-layout"), "w", encoding="utf-8") as file:
            json.dump({"imageLayoutVersion": "1.0.0"}, file)

    def blob(self, data, media_type, **more):
        name = hashlib.sha256(data).hexdigest()
        with open(os.path.join(self.root, "blobs/sha256", name), "wb") as file:
            file.write(data)
        return {"mediaType": MEDIA + media_type, "digest": "sha256:" + name, "size": len(data), **more}

    def layer(self, data, packing):
        if packing == "gzip":
            return self.blob(gzip.compress(data, 6, mtime=0), "layer.v1.tar+gzip")
        if packing == "zstd":
            packed = subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
            return self.blob(packed, "layer.v1.tar+zstd")
        return self.blob(data, "layer.v1.tar")

    def manifest(self, layers, packing, arch="amd64", **platform):
        tars = [tar(entries) for entries in layers]
        config = {"architecture": arch, "os": "linux", "created": "2026-01-02T03:04:05Z",
                  "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"], "Labels": {"packing": packing}},
                  "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(t).hexdigest() for t in tars]}}
        value = {"schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json",
                 "config": self.blob(json.dumps(config).encode(), "config.v1+json"),
                 "layers": [self.layer(t, packing) for t in tars]}
        return self.blob(json.dumps(value).encode(), "manifest.v1+json", platform={"os": "linux", "architecture": arch,
                                                                                  **platform})

    def index(self, manifests):
        value = {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": manifests}
        return self.blob(json.dumps(value).encode(), "index.v1+json")

    def tag(self, descriptor, name):
        self.entries.append({**descriptor, "annotations": {"org.opencontainers.image.ref.name": name}})

    def close(self):
        with open(os.path.join(self.root, "index.json"), "w", encoding="utf-8") as file:
            json.dump({"schemaVersion": 2, "manifests": self.entries}, file)


def main(root):
    layout = Layout(root)
    layers = [base_layer(), odd_layer(), change_layer()]
    images = {packing: layout.manifest(layers, packing) for packing in ("plain", "gzip", "zstd")}
    for packing, image in images.items():
        layout.tag(image, packing)
    other = layout.manifest([base_layer()], "gzip", "arm64", variant="v8")
    layout.tag(layout.index([images["gzip"], other]), "index")
    layout.tag(layout.index([layout.index([layout.index([images["gzip"]])])]), "nested")
    layout.tag(layout.manifest(deps_layers(), "gzip"), "deps")
    layout.tag(layout.manifest([base_layer(), [entry("again", data=b"1")], [entry("again", data=b"1")]], "gzip"), "twin")
    layout.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

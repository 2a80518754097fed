#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""old_archive.py LAYOUT TAG FILE: an image of a layout as `docker save` wrote it for years.

Two names, old:1 and old:2; <id>/layer.tar and <id>.json; the layers of the second are symlinks to
those of the first, and the first layer of it a hard link."""

import gzip
import hashlib
import io
import json
import os
import sys
import tarfile


def blob(layout, digest):
    with open(os.path.join(layout, "blobs/sha256", digest[7:]), "rb") as file:
        return file.read()


def add(archive, name, data=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, len(data), link, 0o755
    archive.addfile(info, io.BytesIO(data))


def main(layout, tag, target):
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as file:
        entries = json.load(file)["manifests"]
    wanted = next(e for e in entries if e["annotations"]["org.opencontainers.image.ref.name"] == tag)
    manifest = json.loads(blob(layout, wanted["digest"]))
    config = blob(layout, manifest["config"]["digest"])
    name = hashlib.sha256(config).hexdigest() + ".json"
    images = []
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as archive:
        add(archive, name, config)
        for number in (1, 2):
            layers = []
            for i, layer in enumerate(manifest["layers"]):
                folder, first = f"{number}{i:063d}", f"1{i:063d}"
                add(archive, folder, kind=tarfile.DIRTYPE)
                add(archive, folder + "/VERSION", b"1.0")
                layers.append(folder + "/layer.tar")
                if number == 1:
                    add(archive, layers[-1], gzip.decompress(blob(layout, layer["digest"])))
                elif i == 0:
                    add(archive, layers[-1], kind=tarfile.LNKTYPE, link=first + "/layer.tar")
                else:
                    add(archive, layers[-1], kind=tarfile.SYMTYPE, link=f"../{first}/layer.tar")
            images.append({"Config": name, "RepoTags": [f"old:{number}"], "Layers": layers})
        add(archive, "manifest.json", json.dumps(images).encode())
        add(archive, "repositories", b"{}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])

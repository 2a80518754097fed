# SPDX-License-Identifier: Apache-2.0
"""The images of cases: a small good one as an OCI layout or as the tar of `docker save`, with something
wrong with it. Whatever is changed, digests and sizes above it fit, unless they are what is changed."""

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile

OCI = "application/vnd.oci.image."
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
ARCHITECTURE = MACHINES.get(os.uname().machine, os.uname().machine)
ABSENT = object()  # as a value: the member is removed
LINK = object()    # (LINK, target): a symlink in an archive


def tar(members):
    """A tar of files: {name: content}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                info.type, info.linkname = tarfile.SYMTYPE, content[1]
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tars(count):
    """As many layers, all different."""
    return [tar({f"file{number}": b"%d" % number}) for number in range(count)]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(data, kind, **more):
    return {"mediaType": OCI + kind if "/" not in kind else kind, "digest": digest(data), "size": len(data), **more}


def changed(value, changes):
    """`value` as JSON with members set: {"/a/0/b": value or ABSENT}, "-" for a new element; or `changes` itself, if it is bytes."""
    if isinstance(changes, bytes):
        return changes
    value = json.loads(json.dumps(value))
    for pointer, new in changes.items():
        *way, last = pointer.strip("/").split("/")
        at = value
        for key in way:
            at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
        if isinstance(at, list) and last == "-":
            at.append(new)
        elif new is ABSENT:
            del at[int(last) if isinstance(at, list) else last]
        else:
            at[int(last) if isinstance(at, list) else last] = new
    return json.dumps(value).encode()


def image_config(layers):
    return {"architecture": ARCHITECTURE, "os": "linux", "config": {"Cmd": ["sh"]}, "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}}


def others():
    """Entries of an index for machines that nobody has."""
    machines = [{"os": "windows", "architecture": "amd64", "os.version": "10.0.17763.1"}, {"os": "linux", "architecture": "vax", "variant": "\x1b[2J"},
                {"os": "unknown", "architecture": "unknown"}]
    return [descriptor(b"%d" % number, "manifest.v1+json", platform=machine) for number, machine in enumerate(machines)]


class Images:
    """Makes one image at a time at `path`, the last one goes."""

    def __init__(self, path):
        self.path = path

    def names(self):
        """What the expressions of cases know."""
        return {"layout": self.layout, "archive": self.archive, "ABSENT": ABSENT, "LINK": LINK, "ARCHITECTURE": ARCHITECTURE,
                "tar": tar, "tars": tars, "descriptor": descriptor, "digest": digest, "gzip": gzip.compress, "OTHERS": others()}

    def remove(self):
        if os.path.isdir(self.path):
            shutil.rmtree(self.path)
        elif os.path.exists(self.path):
            os.unlink(self.path)

    def layout(self, config={}, manifest={}, index={}, layers=None, nested=0, inner={}, more=(), files={}):
        """An OCI layout with `layers` (tars), `nested` indexes around its manifest, the innermost with the changes `inner`, blobs `more`,
        and `files` of its own (None: removed)."""
        layers = tars(1) if layers is None else layers
        packed = [gzip.compress(layer, 1, mtime=0) for layer in layers]
        config = changed(image_config(layers), config)
        manifest = changed({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": descriptor(config, "config.v1+json"),
                            "layers": [descriptor(layer, "layer.v1.tar+gzip") for layer in packed]}, manifest)
        blobs = [config, manifest, *packed, *more]
        entry = descriptor(manifest, "manifest.v1+json")
        for level in range(nested):
            blobs.append(changed({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [entry]}, {} if level else inner))
            entry = descriptor(blobs[-1], "index.v1+json")
        written = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": changed({"schemaVersion": 2, "manifests": [entry]}, index)}
        written.update({"blobs/sha256/" + digest(blob)[7:]: blob for blob in blobs})
        written.update(files)
        self.remove()
        os.makedirs(self.path + "/blobs/sha256")
        for name, content in written.items():
            if isinstance(content, tuple):
                os.symlink(content[1], f"{self.path}/{name}")
            elif content is not None:
                with open(f"{self.path}/{name}", "wb") as out:
                    out.write(content)
        return "oci:" + self.path

    def archive(self, config={}, manifest={}, layers=None, members={}, pack=lambda data: data):
        """The tar that `docker save` writes, with `members` of its own (None: removed) or instead."""
        layers = tars(1) if layers is None else layers
        config = changed(image_config(layers), config)
        name = digest(config)[7:] + ".json"
        paths = [f"{digest(layer)[7:]}/layer.tar" for layer in layers]
        written = {name: config, **dict(zip(paths, layers)),
                   "manifest.json": changed([{"Config": name, "RepoTags": ["bad:1"], "Layers": paths}], manifest)}
        written.update(members)
        self.remove()
        with open(self.path, "wb") as out:
            out.write(pack(tar({path: content for path, content in written.items() if content is not None})))
        return "docker-archive:" + self.path

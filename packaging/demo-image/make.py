#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make.py BUSYBOX DIR: writes the demo image to DIR, as an OCI image layout tagged `latest`.

Two layers: a static shell with its applets, and a script on top. The same busybox gives the same
bytes: every time is 0, every owner root, every list sorted.
"""

import gzip
import hashlib
import io
import json
import os
import platform
import stat
import subprocess
import sys
import tarfile

FOLDERS = {
    "bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "proc": 0o755, "root": 0o700, "run": 0o755,
    "sys": 0o755, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "var": 0o755, "var/tmp": 0o1777,
}
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000:guest:/home:/bin/sh\n",
    "etc/group": "root:x:0:\nguest:x:1000:\n",
    "etc/os-release": 'ID=stave-demo\nNAME="stave demo"\n',
}
HELLO = """#!/bin/sh
echo "Hello from process $$, as $(id -un), on $(hostname)."
echo "The root here holds: $(echo /*)"
"""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}


def is_static(path):
    """Whether the ELF file at `path` needs no dynamic loader (it has no PT_INTERP)."""
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:4] != b"\x7fELF" or head[4] != 2:
            return head[:4] == b"\x7fELF"  # 32 bit: not looked into
        offset = int.from_bytes(head[32:40], "little")
        size, count = (int.from_bytes(head[at:at + 2], "little") for at in (54, 56))
        file.seek(offset)
        return all(int.from_bytes(file.read(size)[:4], "little") != 3 for _ in range(count))


def layer(entries):
    """The tar of (name, kind, mode, content) entries, names sorted."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, mode, content in sorted(entries):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uname, entry.gname = kind, mode, "root", "root"
            if kind == tarfile.SYMTYPE:
                entry.linkname = content
            elif kind == tarfile.REGTYPE:
                entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content) if kind == tarfile.REGTYPE else None)
    return out.getvalue()


def text(value):
    return json.dumps(value, separators=(",", ":")).encode()


def main(busybox, root):
    if not os.path.exists(busybox) or not is_static(busybox):
        sys.exit(f"make.py: {busybox} is no static program. On Debian: apt-get install busybox-static")
    applets = subprocess.run([busybox, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    with open(busybox, "rb") as file:
        shell = file.read()

    base = [(name, tarfile.DIRTYPE, mode, "") for name, mode in FOLDERS.items()]
    base += [(name, tarfile.REGTYPE, 0o644, content.encode()) for name, content in FILES.items()]
    base += [("bin/busybox", tarfile.REGTYPE, 0o755, shell)]
    base += [(f"bin/{name}", tarfile.SYMTYPE, 0o777, "busybox") for name in applets if name != "busybox"]
    top = [
        ("usr", tarfile.DIRTYPE, 0o755, ""),
        ("usr/bin", tarfile.DIRTYPE, 0o755, ""),
        ("usr/bin/hello", tarfile.REGTYPE, 0o755, HELLO.encode()),
    ]

    blobs = os.path.join(root, "blobs", "sha256")
    os.makedirs(blobs, exist_ok=True)

    def write(path, data):
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)

    def blob(media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        write(os.path.join(blobs, digest), data)
        return {"mediaType": "application/vnd.oci.image." + media_type, "digest": "sha256:" + digest, "size": len(data)}

    tars = [layer(base), layer(top)]
    layers = [blob("layer.v1.tar+gzip", gzip.compress(tar, 9, mtime=0)) for tar in tars]
    platform_is = {"architecture": ARCHITECTURES.get(platform.machine(), platform.machine()), "os": "linux"}
    epoch = "1970-01-01T00:00:00Z"
    config = blob("config.v1+json", text({
        "created": epoch,
        **platform_is,
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["sh"],
            "Labels": {"org.opencontainers.image.title": "stave demo"},
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]},
        "history": [
            {"created": epoch, "created_by": "a static shell"},
            {"created": epoch, "created_by": "a script"},
        ],
    }))
    manifest = blob("manifest.v1+json", text({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": layers,
    }))
    manifest["platform"] = platform_is
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    write(os.path.join(root, "index.json"), text({"schemaVersion": 2, "manifests": [manifest]}))
    write(os.path.join(root, "oci-layout"), text({"imageLayoutVersion": "1.0.0"}))


main(*sys.argv[1:])

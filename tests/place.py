# SPDX-License-Identifier: Apache-2.0
"""A place for a test of whole programs: a tmpfs with a store, the staged programs first in PATH, and
small images made here. Everything goes with close()."""

import gzip
import hashlib
import io
import json
import os
import select
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time


def tree():
    return os.path.realpath(os.environ.get("STAVE_TREE", "packaging/tree"))


class Place:
    def __init__(self, size="2g"):
        self.dir = tempfile.mkdtemp(prefix="stave-place.", dir="/tmp")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "stave-place", self.dir], check=True)
        self.env = dict(
            os.environ,
            STAVE_STATE=self.dir + "/state",
            STAVE_RUN=self.dir + "/run",
            PATH=tree() + "/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        self.started = []

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    # Runs a shell line (or a list of words) in the place.
    def run(self, command, input=None, timeout=120, **kwargs):
        shell = isinstance(command, str)
        return subprocess.run(
            ["bash", "-c", command] if shell else command,
            env=self.env, cwd=self.dir, input=input, timeout=timeout,
            stdin=subprocess.DEVNULL if input is None else None,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)

    def start(self, command, **kwargs):
        process = subprocess.Popen(command, env=self.env, cwd=self.dir, text=True, **kwargs)
        self.started.append(process)
        return process

    # What a sweep or a detached clean-up still holds. Waits until there is nothing, as an event: the
    # last thing that a clean-up does is to remove its entry.
    def wait_until_quiet(self, seconds=20):
        deadline = time.monotonic() + seconds
        while True:
            left = [name for folder in ("pending", "foreground") for name in self._list("run", folder)]
            if not left:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"still there: {left}")
            time.sleep(0.01)

    def _list(self, *parts):
        try:
            return os.listdir(self.path(*parts))
        except FileNotFoundError:
            return []

    # Everything of containers that is there: for "nothing is left".
    def leftovers(self):
        found = [f"{folder}/{name}" for folder in ("run/pending", "run/foreground", "run/containers", "state/containers", "state/names", "state/trash", "state/mounts", "state/ingest")
                 for name in self._list(*folder.split("/")) if not name.endswith(".lock")]
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            found += [line.strip() for line in mounts if self.dir + "/" in line]
        return found

    # After a test `case`: its containers are removed, and then nothing of them is left.
    def check_nothing_is_left(self, case):
        self.run("ps-lister -aq | xargs -r ps-remove -f")
        self.wait_until_quiet()
        case.assertEqual(self.leftovers(), [])

    # The detached processes that delete what image-remove has removed, or somebody who was killed; a mount that they have files open of is busy.
    def wait_for_removers(self):
        for pid in os.listdir("/proc"):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as name:
                    program = name.read()
                if program not in ("image-remove\n", "ns-run\n"):
                    continue
                held = self.dir if program == "image-remove\n" else self.path("state/trash")
                if not any(os.readlink(entry.path).startswith(held) for entry in os.scandir(f"/proc/{pid}/fd")):
                    continue
                fd = os.pidfd_open(int(pid))
            except (OSError, UnicodeDecodeError):
                continue
            select.select([fd], [], [], 60)
            os.close(fd)

    def close(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        self.wait_for_removers()
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            within = [line.split()[4] for line in mounts if self.dir + "/" in line.split()[4]]
        for path in reversed(within):  # what a failed test left
            subprocess.run(["umount", path], check=False)
        subprocess.run(["umount", self.dir], check=True)
        os.rmdir(self.dir)

    # --- images ------------------------------------------------------------------------------------

    # A tar with (name, kind, content, mode): kind "d" directory, "f" file, "l" symlink.
    @staticmethod
    def tar(entries):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, kind, content, mode in entries:
                info = tarfile.TarInfo(name)
                info.mode, info.mtime = mode, 1700000000
                info.type = {"d": tarfile.DIRTYPE, "f": tarfile.REGTYPE, "l": tarfile.SYMTYPE}[kind]
                if kind == "l":
                    info.linkname = content
                data = content if kind == "f" else b""
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return out.getvalue()

    # The base layer of small images: busybox and what a shell needs.
    @staticmethod
    def busybox(extra=()):
        with open("/bin/busybox", "rb") as file:
            shell = file.read()
        entries = [(d, "d", b"", m) for d, m in (("bin", 0o755), ("dev", 0o755), ("etc", 0o755), ("proc", 0o755), ("root", 0o700), ("sys", 0o755), ("tmp", 0o1777), ("var", 0o755))]
        entries += [("bin/busybox", "f", shell, 0o755)]
        names = "cat chmod cp echo env false find grep head hostname id kill ls mkdir mount ping printf ps pwd rm sh sleep stat stty tail test touch true tty umount uname wc yes".split()
        entries += [("bin/" + name, "l", "busybox", 0o777) for name in names]
        entries += [
            ("etc/passwd", "f", b"root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n", 0o644),
            ("etc/group", "f", b"root:x:0:\nuser:x:1000:\nextra:x:2000:user\n", 0o644),
        ]
        return Place.tar(entries + list(extra))

    # Writes an OCI layout of uncompressed tars at `name`; returns the reference for image-fetch.
    def layout(self, name, layers, config=None, compress=True):
        top = self.path(name)
        shutil.rmtree(top, ignore_errors=True)
        os.makedirs(top + "/blobs/sha256")

        def blob(data):
            digest = hashlib.sha256(data).hexdigest()
            with open(f"{top}/blobs/sha256/{digest}", "wb") as out:
                out.write(data)
            return {"digest": "sha256:" + digest, "size": len(data)}

        kind = "application/vnd.oci.image."
        packed = [gzip.compress(layer, 1, mtime=0) if compress else layer for layer in layers]
        image = {
            "architecture": "amd64", "os": "linux",
            "config": config or {"Cmd": ["sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(l).hexdigest() for l in layers]},
        }
        manifest = {
            "schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
            "config": {"mediaType": kind + "config.v1+json", **blob(json.dumps(image).encode())},
            "layers": [{"mediaType": kind + "layer.v1.tar" + ("+gzip" if compress else ""), **blob(p)} for p in packed],
        }
        entry = {"mediaType": manifest["mediaType"], **blob(json.dumps(manifest).encode()),
                 "annotations": {"org.opencontainers.image.ref.name": "latest"}}
        with open(top + "/index.json", "w", encoding="utf-8") as out:
            json.dump({"schemaVersion": 2, "manifests": [entry]}, out)
        with open(top + "/oci-layout", "w", encoding="utf-8") as out:
            json.dump({"imageLayoutVersion": "1.0.0"}, out)
        return "oci:" + top

    # Debian's docker-registry on a free port of loopback; returns "127.0.0.1:PORT" once it listens.
    def registry(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            host = "127.0.0.1:%d" % probe.getsockname()[1]
        with open(self.path("registry.yml"), "w", encoding="utf-8") as out:
            out.write(f"version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {self.dir}/registry}}}}\nhttp:\n  addr: {host}\n")
        log = open(self.path("registry.log"), "w+", encoding="utf-8")
        process = self.start(["docker-registry", "serve", self.path("registry.yml")], stdout=log, stderr=log)
        port = int(host.split(":")[1])
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    log.close()
                    return host
            time.sleep(0.01)
        raise AssertionError("docker-registry does not start")

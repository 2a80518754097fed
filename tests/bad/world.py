# SPDX-License-Identifier: Apache-2.0
"""The folder that the cases run in, and what their expressions know."""

import json
import os
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile

import image_maker
import oci

TREE = os.path.abspath("packaging/tree")
DEMO = os.path.abspath("packaging/demo")
HERE = os.path.dirname(os.path.abspath(__file__))

# A document whose image is in no store; cases with `store` get that of the demo image instead.
with open(os.path.join(HERE, "document.json"), "rb") as file:
    DOC = file.read().strip()


def doc(pointer, value, base):
    """`base` with the member at `pointer` set to `value`; members on the way are made."""
    document = json.loads(base)
    at = document
    *way, last = pointer.strip("/").split("/")
    for key in way:
        at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
    at[int(last) if isinstance(at, list) else last] = value
    return json.dumps(document).encode()


def without(pointer, base):
    document = json.loads(base)
    at = document
    *way, last = pointer.strip("/").split("/")
    for key in way:
        at = at[key]
    del at[last]
    return json.dumps(document).encode()


class World:
    """The folder that the cases run in, and the names that their expressions know."""

    def __init__(self):
        shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.top = tempfile.mkdtemp(prefix="stave-bad.", dir=shared)
        self.state, self.run = (os.path.join(self.top, name) for name in ("state", "run"))
        self.full = os.path.join(self.top, "full")  # a store that holds the demo image
        self.demo_document = self.fetch_demo()
        self.names = {"STATE": self.state}
        self.names.update({name: self.path(name.lower()) for name in ("ROOTFS", "DIR", "FILE", "FIFO", "SOCKET", "LOOP", "MISSING", "BINARY", "BIG")})
        os.mkdir(self.names["DIR"])
        self.write("FILE", b"not a program, not JSON\n")
        self.write("BINARY", bytes(range(256)))
        with open(self.names["BIG"], "wb") as big:
            big.truncate(1 << 30)
        os.mkfifo(self.names["FIFO"])
        os.symlink("loop", self.names["LOOP"])
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self.names["SOCKET"])
        self.unpack_rootfs()
        self.containers = oci.Containers(f"{TREE}/bin/stave-oci", self.environment({}), self.top, self.run + "/oci", DOC, self.names["ROOTFS"])
        self.names.update(self.containers.names())
        self.names.update(image_maker.Images(self.path("image")).names())

    def environment(self, settings):
        own = dict(variable.split("=", 1) for variable in settings.get("env", []))
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.top, "LC_ALL": "C.UTF-8",
            "STAVE_STATE": self.full if "store" in settings else self.state, "STAVE_RUN": self.run, "XDG_RUNTIME_DIR": self.top, **own,
        }

    def path(self, name):
        return os.path.join(self.top, name)

    def fetch_demo(self):
        if os.geteuid() != 0:
            return None
        environment = dict(os.environ, STAVE_STATE=self.full, STAVE_RUN=self.run)
        done = subprocess.run([f"{TREE}/bin/image-fetch", "-q", "oci:" + DEMO], env=environment, stdout=subprocess.PIPE, check=True)
        shutil.rmtree(self.run)
        return done.stdout.strip()

    def write(self, name, data):
        with open(self.names[name], "wb") as out:
            out.write(data)

    def unpack_rootfs(self):
        """The demo image, and programs that cannot be run."""
        with open(f"{DEMO}/index.json", encoding="utf-8") as index:
            manifest = json.load(index)["manifests"][0]["digest"]
        with open(f"{DEMO}/blobs/sha256/{manifest[7:]}", encoding="utf-8") as file:
            layers = json.load(file)["layers"]
        root = self.names["ROOTFS"]
        os.mkdir(root)
        for layer in layers:
            with tarfile.open(f"{DEMO}/blobs/sha256/{layer['digest'][7:]}") as tar:
                tar.extractall(root)
        programs = {
            "no-interpreter": b"#!/no/such/interpreter\n",
            "arm64": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(40),
            "not-executable": b"#!/bin/sh\n",
        }
        for name, data in programs.items():
            with open(f"{root}/bin/{name}", "wb") as program:
                program.write(data)
            os.chmod(f"{root}/bin/{name}", 0o644 if name == "not-executable" else 0o755)

    def evaluate(self, expression, document=DOC):
        names = dict(self.names, DOC=document)
        names["doc"] = lambda pointer, value, base=document: doc(pointer, value, base)
        names["without"] = lambda pointer, base=document: without(pointer, base)
        return eval(expression, names)  # pylint: disable=eval-used

    def make_image(self, settings):
        """The case's image, as IMAGE."""
        if "image" in settings:
            self.names["IMAGE"] = self.evaluate(settings["image"])

    def named(self):
        """What an image has in the store that others could rely on or trip over."""
        found = []
        for folder in ("refs", "ingest", "layers"):
            for top, _, files in os.walk(f"{self.state}/{folder}"):
                found += [os.path.relpath(f"{top}/{name}", self.state) for name in files if folder != "layers" or top.endswith("/fs")]
        return found

    def clean(self):
        for folder in (self.state, self.run):
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self):
        self.containers.close()
        shutil.rmtree(self.top, ignore_errors=True)

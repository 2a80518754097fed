# SPDX-License-Identifier: Apache-2.0
"""What the cases of stave-oci need: a bundle, the commands that bring a container into the state that
a case begins with, and a look at what is left behind."""

import glob
import json
import os
import select
import socket
import subprocess

OWN_ID = f"stave-bad-{os.getpid()}"
IDS = (OWN_ID, OWN_ID + "-2")
HIERARCHIES = ["/sys/fs/cgroup", *glob.glob("/sys/fs/cgroup/*/")]  # of v2, and of v1
SECONDS = 20


class Containers:
    """The containers of one world; `top` is its folder, `root` their state root."""

    def __init__(self, program, environment, top, root, document, rootfs):
        self.program, self.environment, self.top, self.root = program, environment, top, root
        self.listening = []
        self.bundle = os.path.join(top, "bundle")
        os.mkdir(self.bundle)
        os.mkdir(f"{self.bundle}/rootfs")
        os.symlink(rootfs, f"{self.bundle}/link")
        os.symlink("loop", f"{self.bundle}/loop")
        config = json.loads(document)
        del config["stave"]
        config["root"] = {"path": rootfs}
        config["process"]["args"] = ["sleep", "1000"]
        self.config = json.dumps(config).encode()

    def names(self):
        """What the expressions of cases know."""
        long = os.path.join(self.top, "deep" * 25)
        os.mkdir(long)
        found = {"ID": OWN_ID, "BUNDLE": self.bundle, "CONFIG": self.config,
                 "CONSOLE": os.path.join(self.top, "console"), "LONG_CONSOLE": os.path.join(long, "console")}
        for name in ("CONSOLE", "LONG_CONSOLE"):
            self.listen(found[name])
        for name, args in (("ENDS", ["true"]), ("TERMINAL", ["sleep", "1000"])):
            config = json.loads(self.config)
            config["process"].update(args=args, terminal=name == "TERMINAL")
            config["mounts"].append({"destination": "/dev/pts", "type": "devpts", "source": "devpts"})
            found[name] = self.bundle_of(name.lower(), json.dumps(config).encode())
        found["GOOD"] = self.bundle_of("good", self.config)
        found["json"] = self.json_file
        found.update(self.odd_bundles())
        return found

    def odd_bundles(self):
        """Bundles whose config.json is no such file."""
        makers = {"DIR": os.mkdir, "FIFO": os.mkfifo, "LOOP": lambda path: os.symlink("config.json", path), "BIG": lambda path: open(path, "wb").truncate(100 << 20)}
        found = {}
        for kind, make in makers.items():
            found["WITH_" + kind] = folder = os.path.join(self.top, "with_" + kind.lower())
            os.mkdir(folder)
            make(folder + "/config.json")
        return found

    def json_file(self, value):
        """The path of a file that holds `value`."""
        path = os.path.join(self.top, "value.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(value, out)
        return path

    def listen(self, path):
        """A console socket. Nobody accepts: what is sent stays in its queue."""
        listening = socket.socket(socket.AF_UNIX)
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        os.close(folder)
        listening.listen(64)
        self.listening.append(listening)

    def bundle_of(self, name, config):
        path = os.path.join(self.top, name)
        os.mkdir(path)
        with open(f"{path}/config.json", "wb") as out:
            out.write(config)
        return path

    def write_config(self, config):
        with open(f"{self.bundle}/config.json", "wb") as out:
            out.write(config)

    def call(self, words):
        """Runs stave-oci with streams that a container may keep; (exit code, what it said)."""
        said = os.path.join(self.top, "said")
        with open(said, "wb") as out:
            child = subprocess.Popen([self.program, *map(os.fsencode, words)], env=self.environment, cwd=self.top,
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end = os.pidfd_open(child.pid)
        if not select.select([end], [], [], SECONDS)[0]:
            child.kill()
        os.close(end)
        child.wait()
        with open(said, "rb") as text:
            return child.returncode, text.read().decode("utf-8", "replace").strip()

    def ids(self):
        return sorted(os.listdir(self.root)) if os.path.isdir(self.root) else []

    def statuses(self):
        found = {}
        for name in self.ids():
            code, said = self.call(["state", name])
            found[name] = json.loads(said)["status"] if code == 0 else said
        return found

    def left(self):
        """Everything of containers that is there."""
        found = [f"state {name}" for name in self.ids()]
        groups = [os.path.join(hierarchy, "stave", name) for hierarchy in HIERARCHIES for name in IDS]
        found += ["cgroup " + path for path in groups if os.path.exists(path)]
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            found += ["mount " + line.split()[4] for line in mounts if self.top + "/" in line]
        return found

    def remove(self):
        """Deletes all containers; what is wrong then."""
        wrong = []
        for name in self.ids():
            code, said = self.call(["delete", "--force", name])
            if code != 0 or said:
                wrong.append(f"delete --force {name[:80]}: {code} {said}")
        return wrong + [f"left after delete: {what}" for what in self.left()]

    def close(self):
        for listening in self.listening:
            listening.close()

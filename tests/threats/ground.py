# SPDX-License-Identifier: Apache-2.0
"""Where threats are tried: a place with a sentinel folder that only the host has, root filesystems with a
hostile payload in them (probe.c), and the two skins of the runtime core, ns-run and stave-oci, that run
one. RUNTIME names another OCI runtime with runc's command line; without one, and without stave-oci among
the staged programs, its tests are skipped and say so."""

import glob
import hashlib
import json
import os
import shutil
import subprocess
import time
import unittest

from place import Place, tree

PROBE = os.path.realpath(os.environ.get("STAVE_PROBE", "tests/threats/probe"))
CGROUP = "/stave-threats"
ELSEWHERE = ("/tmp/", "/run/", "/var/")  # where others mount meanwhile


def runtime():
    return os.environ.get("RUNTIME", tree() + "/bin/stave-oci")


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


# Of everything that is staged, by path.
def sums():
    return {os.path.join(parent, name): sha256(os.path.join(parent, name))
            for top in ("bin", "libexec") for parent, _, names in os.walk(os.path.join(tree(), top)) for name in names}


# What the kernel's knobs are that escapes like to write to.
def knobs():
    found = {}
    for path in ("/sys/kernel/uevent_helper", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug", "/proc/sys/kernel/sysrq",
                 "/proc/sys/kernel/domainname", "/proc/sys/kernel/hostname"):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                found[path] = file.read()
    return found


class Ground(Place):
    def __init__(self):
        super().__init__()
        self.sentinel = self.path("sentinel")
        os.makedirs(self.sentinel + "/folder")
        with open(self.sentinel + "/secret", "w", encoding="utf-8") as out:
            out.write("the host's\n")
        self.before = self.host()
        self.trees = {}     # name -> entries
        self.number = 0
        with open(PROBE, "rb") as file:
            self.probe = file.read()

    # What no container may change: the sentinel with all that is in it and on it, the programs, the knobs.
    def host(self):
        entries = []
        for parent, below, names in os.walk(self.sentinel):
            for name in sorted(below + names):
                path = os.path.join(parent, name)
                info = os.lstat(path)
                entries.append((path, info.st_mode, info.st_uid, info.st_gid, info.st_rdev, info.st_nlink,
                                os.readlink(path) if os.path.islink(path) else sha256(path) if os.path.isfile(path) else None))
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            mounted = [path for path in (line.split()[4] for line in mounts) if path.startswith(self.dir) or not path.startswith(ELSEWHERE)]
        return entries, sorted(mounted), sums(), knobs()

    def check_host(self, case):
        entries, mounted, programs, values = self.host()
        for path, value in self.before[3].items():
            if values[path] != value:  # the machine is to survive a runtime with a hole
                with open(path, "w", encoding="utf-8") as out:
                    out.write(value)
        case.assertEqual(entries, self.before[0], "the sentinel")
        case.assertEqual([path for path in mounted if path not in self.before[1]], [], "mounts that are left")
        case.assertEqual(programs, self.before[2], "the programs")
        case.assertEqual(values, self.before[3], "the kernel's knobs")

    # A root filesystem `name`: busybox and the probe, `extra` as of Place.tar(), without the entries in
    # `without`. Each call makes it anew.
    def tree(self, name, extra=(), without=()):
        base = [one for one in self.entries() if one[0] not in without and one[0] not in [e[0] for e in extra]]
        data = self.tar(base + list(extra))
        top = self.path("trees", name)
        shutil.rmtree(top, ignore_errors=True)
        os.makedirs(top)
        subprocess.run(["tar", "-x", "-C", top], input=data, check=True)
        self.trees[name] = data
        return top

    def entries(self):
        import io
        import tarfile
        found = []
        with tarfile.open(fileobj=io.BytesIO(self.busybox())) as tar:
            for one in tar:
                kind = "d" if one.isdir() else "l" if one.issym() else "f"
                found.append((one.name, kind, one.linkname if kind == "l" else tar.extractfile(one).read() if kind == "f" else b"", one.mode))
        found += [("bin/" + name, "l", "busybox", 0o777) for name in ("cut", "dd", "env", "ln", "mknod", "mv", "readlink", "tr", "umask")]
        return found + [("probe", "f", self.probe, 0o755)]

    # The document of the tree `name`, as image-fetch makes it of an image.
    def document(self, name, config=None):
        reference = self.layout("image-" + name, [self.trees[name]], config, compress=False)
        done = self.run(["image-fetch", "-q", reference])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    # The stock config for the tree `name` and `args`, as an OCI runtime takes it.
    def config(self, name, args, options=()):
        done = self.run(["ns-run", "--rootfs", self.path("trees", name), "--print", *options, "--", *args])
        assert done.returncode == 0, done.stderr
        config = json.loads(done.stdout)
        del config["stave"]
        return config

    def bundle(self, config):
        self.number += 1
        ident = f"threat-{os.getpid()}-{self.number}"
        top = self.path("bundles", ident)
        os.makedirs(top)
        if "cgroupsPath" in config["linux"]:
            config["linux"]["cgroupsPath"] = f"{CGROUP}/{ident}"
        with open(top + "/config.json", "w", encoding="utf-8") as out:
            json.dump(config, out)
        return ident, top

    def oci(self, *words, **kwargs):
        return self.run([runtime(), "--root", self.path("oci"), *words], **kwargs)

    def close(self):
        for ident in self._list("oci"):
            self.oci("delete", "--force", ident)
        super().close()
        for path in glob.glob("/sys/fs/cgroup/*" + CGROUP) + glob.glob("/sys/fs/cgroup" + CGROUP):
            deadline = time.monotonic() + 5
            while True:
                try:
                    os.rmdir(path)
                    break
                except OSError as error:
                    if time.monotonic() > deadline:
                        raise AssertionError(f"{path}: {error}: {os.listdir(path)}") from error


class Skin:
    """How a test runs a payload; the tests of a row are written once and run on both."""

    place = None

    def setUp(self):
        self.addCleanup(self.clean)

    def clean(self):
        self.place.check_nothing_is_left(self)
        self.place.check_host(self)

    # Runs `args` in the tree `name`; `options` are ns-run's, `edit` changes the config.
    def start(self, name, args, options=(), edit=None, **kwargs):
        raise NotImplementedError

    def ok(self, name, args, **kwargs):
        done = self.start(name, args, **kwargs)
        self.assertEqual(done.returncode, 0, f"{args}\n{done.stdout}{done.stderr}")
        return done.stdout

    def refused(self, name, args, text=".", **kwargs):
        done = self.start(name, args, **kwargs)
        self.assertNotEqual(done.returncode, 0, f"{args}: {done.stdout}")
        self.assertRegex(done.stderr, text)
        self.assertEqual(done.stdout, "")
        return done

    # Both are right; which one it was: the output, or None.
    def ok_or_refused(self, name, args, **kwargs):
        done = self.start(name, args, **kwargs)
        self.assertNotIn("the host's", done.stdout + done.stderr)
        return done.stdout if done.returncode == 0 else None


class NsRunSkin(Skin):
    def command(self, name, args, options=(), edit=None):
        if edit is None:
            return ["ns-run", "--rootfs", self.place.path("trees", name), *options, "--", *args]
        document = self.place.document(name)
        edit(document)
        path = self.place.path("document.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(document, out)
        return ["ns-run", "--config", path, "--rm", *options, "--", *args]

    def start(self, name, args, options=(), edit=None, **kwargs):
        return self.place.run(self.command(name, args, options, edit), **kwargs)


class OciSkin(Skin):
    def setUp(self):
        if not os.path.exists(runtime()):
            self.skipTest(f"{os.path.basename(runtime())} is not staged")
        super().setUp()

    def command(self, name, args, options=(), edit=None):
        config = self.place.config(name, args, options)
        if edit is not None:
            edit(config)
        ident, top = self.place.bundle(config)
        return [runtime(), "--root", self.place.path("oci"), "run", "--bundle", top, ident]

    def start(self, name, args, options=(), edit=None, **kwargs):
        done = self.place.run(self.command(name, args, options, edit), **kwargs)
        self.place.oci("delete", "--force", f"threat-{os.getpid()}-{self.place.number}")
        return done

    # A container that goes on until it is deleted; returns its id and, for `out`, its process.
    def background(self, name, args, edit=None, options=()):
        config = self.place.config(name, args, options)
        if edit is not None:
            edit(config)
        ident, top = self.place.bundle(config)
        for words in (["create", "--bundle", top, ident], ["start", ident]):
            with open(self.place.path("oci.log"), "w+", encoding="utf-8") as log, open(self.place.path("oci.out"), "a", encoding="utf-8") as out:
                done = subprocess.run([runtime(), "--root", self.place.path("oci"), *words], env=self.place.env, cwd=self.place.dir,
                                      stdin=subprocess.DEVNULL, stdout=out, stderr=log, timeout=60, check=False)
                log.seek(0)
                self.assertEqual(done.returncode, 0, f"{words}: {log.read()}")
        self.addCleanup(self.place.oci, "delete", "--force", ident)
        return ident

    def pid(self, ident):
        return json.loads(self.place.oci("state", ident).stdout)["pid"]

    def words_inside(self, ident, *args, options=()):
        return [runtime(), "--root", self.place.path("oci"), "exec", *options, ident, *args]

    def inside(self, ident, *args, options=(), **kwargs):
        return self.place.run(self.words_inside(ident, *args, options=options), **kwargs)


# The options of stave-oci exec that ns-exec calls otherwise.
NS_EXEC = {"--cwd": "--workdir"}


# Containers of ns-run, and ns-exec for who comes in. One that ends in time is not in the way of clean().
class NsExecSkin(NsRunSkin):
    def background(self, name, args, edit=None, options=()):
        self.place.number += 1
        ident = f"threat-{os.getpid()}-{self.place.number}"
        command = self.command(name, args, options, edit)
        command[1:1] = ["--name", ident]
        with open(self.place.path("oci.out"), "a", encoding="utf-8") as out:
            watcher = self.place.start(command, stdin=subprocess.DEVNULL, stdout=out)
        self.addCleanup(watcher.wait, 20)
        self.addCleanup(self.place.run, ["ps-remove", "-f", ident])
        while self.shown(ident).get("state") != "running":
            self.assertIsNone(watcher.poll(), "it does not start")
        return ident

    def shown(self, ident):
        lines = self.place.run(["ps-lister", "-a", "--json"]).stdout.splitlines()
        return next((one for one in map(json.loads, lines) if one["name"] == ident), {})

    def pid(self, ident):
        return self.shown(ident)["pid"]

    def words_inside(self, ident, *args, options=()):
        return ["ns-exec", *(NS_EXEC.get(word, word) for word in options), ident, *args]

    def inside(self, ident, *args, options=(), **kwargs):
        return self.place.run(self.words_inside(ident, *args, options=options), **kwargs)


# For setUpModule(): a ground with one tree, for both skins, closed with the module.
def break_ground(name="plain", extra=()):
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    Skin.place = Ground()
    unittest.addModuleCleanup(Skin.place.close)
    Skin.place.tree(name, extra)
    return Skin.place

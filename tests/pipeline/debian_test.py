#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The main job on a real system: a Debian image that mmdebstrap makes here, pushed to a registry, run
limited at a terminal; and its unpacked tree, entry by entry, against umoci's and dockerd's. Needs root
and the machine's Debian mirror."""

import json
import os
import re
import select
import subprocess
import sys
import time
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place
from terminal import Terminal

PROMPT = r"root@[0-9a-f]{12}:/# "
PROGRAMS = ["mmdebstrap", "skopeo", "umoci", "docker-registry"]

place = None
registry = None
dockerd = None


def run(*words, **kwargs):
    done = place.run(list(words), timeout=600, **kwargs)
    if done.returncode != 0:
        raise AssertionError(f"{words}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


# What the machine itself installs from.
def mirror():
    found = place.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm", "Origin: Debian"]).stdout.split()
    return (found or ["http://deb.debian.org/debian"])[0]


def setUpModule():
    global place, registry
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place("4g")
    unittest.addModuleCleanup(close)
    for program in PROGRAMS:
        if place.run(["which", program]).returncode != 0:
            raise unittest.SkipTest(program + " is missing")
    place.env["TMPDIR"] = place.dir
    run("mmdebstrap", "--quiet", "--variant=essential", "bookworm", "debian.tar", mirror())
    with open(place.path("debian.tar"), "rb") as file:
        place.layout("debian", [file.read()], {"Cmd": ["bash"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]})
    os.unlink(place.path("debian.tar"))
    run(sys.executable, os.path.abspath("tests/interop/make_image.py"), place.path("odd"))
    registry = place.registry()
    for source, name in (("debian:latest", "debian:12"), ("odd:plain", "odd:plain"), ("odd:deps", "odd:deps")):
        run("skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", "oci:" + source, f"docker://{registry}/{name}")


def close():
    if dockerd:
        dockerd.terminate()
        dockerd.wait(60)
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        below = [line.split()[4] for line in mounts if line.split()[4].startswith(place.dir + "/")]
    for path in reversed(below):
        subprocess.run(["umount", path], check=False)
    place.close()


# A dockerd of this test's own; returns how its client is called, or skips where it cannot run.
def docker():
    global dockerd
    client = ["docker", "-H", "unix://" + place.path("docker.sock")]
    if dockerd:
        return client
    if place.run(["which", "dockerd"]).returncode != 0:
        raise unittest.SkipTest("dockerd is missing")
    with open(place.path("docker.log"), "w", encoding="utf-8") as log:
        dockerd = place.start(
            ["dockerd", "--data-root", place.path("docker"), "--exec-root", place.path("docker-run"), "-H", client[2],
             "--pidfile", place.path("docker.pid"), "--bridge=none", "--iptables=false", "--ip6tables=false",
             "--storage-driver=overlay2"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    pidfd = os.pidfd_open(dockerd.pid)
    deadline = time.monotonic() + 60
    while place.run(client + ["info"]).returncode != 0:
        if select.select([pidfd], [], [], 0.1)[0] or time.monotonic() > deadline:
            with open(place.path("docker.log"), encoding="utf-8") as log:
                raise unittest.SkipTest("dockerd does not run here: " + log.read()[-500:])
    os.close(pidfd)
    return client


class DebianTest(unittest.TestCase):
    maxDiff = 5000

    def setUp(self):
        self.addCleanup(self.nothing_is_left)

    def nothing_is_left(self):
        place.run("ps-lister -aq | xargs -r ps-remove -f")
        place.wait_until_quiet()
        self.assertEqual([left for left in place.leftovers() if "/docker" not in left], [])

    def start(self, options, payload, limits="--memory 64M --pids-limit 100"):
        return f"image-fetch -q {registry}/debian:12 | layer-mount | cgroup-limit {limits} | ns-run {options} -- {payload}"

    def start_cat(self, shell):
        shell.type("bash -c 'echo go''ing; exec cat'\r")
        shell.wait_for("^going\n")
        shell.type("up\r")
        shell.wait_for("^up\nup\n")

    # --- the main job ------------------------------------------------------------------------------

    def test_a_shell_at_a_terminal(self):
        shell = Terminal(place, self.start("--name deb -it", "bash"), rows=40, columns=100)
        self.addCleanup(shell.close)
        shell.wait_for(PROMPT)
        shell.type("stty size; cat /etc/debian_version\r")
        shell.wait_for(r"^40 100\n12\.")

        record = json.loads(place.run("ps-lister --json").stdout)
        self.assertEqual((record["name"], record["image"], record["state"], record["command"]),
                         ("deb", registry + "/debian:12", "running", ["bash"]))
        self.assertRegex(place.run("ps-lister").stdout, r'/debian:12 +"bash" .* Up .* deb\n')

        shell.resize(50, 132)
        shell.type("until [ \"$(stty size)\" = '50 132' ]; do :; done; echo resi''zed\r")
        shell.wait_for("^resized\n")

        self.start_cat(shell)
        shell.type("\x03")
        shell.wait_for(PROMPT)
        shell.type("echo was $?\r")
        shell.wait_for("^was 130\n")

        self.start_cat(shell)
        shell.type("\x1a")
        shell.wait_for(r"\[1\]\+  Stopped")
        shell.wait_for(PROMPT)
        shell.type("jobs\r")
        shell.wait_for(r"^\[1\]\+  Stopped")
        shell.type("fg\r")
        shell.wait_for("^bash -c")
        shell.type("again\r")
        shell.wait_for("again\nagain\n")
        shell.type("\x04")
        shell.wait_for(PROMPT)

        shell.type("perl -e '$x = \"a\" x 200_000_000'; echo was $?\r")
        shell.wait_for("^was 137\n")
        shell.type("exit 13\r")
        self.assertEqual(shell.end(), 13)
        self.assertEqual(shell.mode(), shell.before)

        place.wait_until_quiet()
        record = json.loads(place.run("ps-lister -a --json").stdout)
        self.assertEqual((record["state"], record["exitCode"]), ("exited", 13))

    def test_the_memory_limit_bites(self):
        allocate = "perl -e '$x = \"a\" x %d; print length $x'"
        done = place.run(self.start("--name big", allocate % 200_000_000))
        self.assertEqual((done.returncode, done.stdout), (137, ""), done.stderr)
        self.assertIs(json.loads(place.run("ps-lister -a --json").stdout)["oom"], True)
        done = place.run(self.start("--rm", allocate % 20_000_000))
        self.assertEqual((done.returncode, done.stdout), (0, "20000000"), done.stderr)

    def test_the_pids_limit_bites(self):
        fork = "perl -e '$n = 1; while ($n < 300) { $p = fork; last unless defined $p; if (!$p) { sleep 1000; exit } $n++ } print $n'"
        done = place.run(self.start("--rm", fork))
        self.assertEqual((done.returncode, done.stdout), (0, "100"), done.stderr)

    def test_packages_can_be_asked(self):
        done = place.run(self.start("--rm", "bash -c 'dpkg -l bash | tail -n 1; touch /tmp/x && rm /etc/hostname; ls -ld /tmp'"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ii  bash", done.stdout)
        self.assertIn("drwxrwxrwt", done.stdout)

    # --- the tree, entry by entry ------------------------------------------------------------------

    def listing(self, folder):
        return run(sys.executable, os.path.abspath("tests/tree.py"), place.path(folder)).splitlines()

    # The whole tree as layer-mount mounts it.
    def ours(self, name):
        os.makedirs(place.path("merged"), exist_ok=True)
        run("bash", "-c", f"set -o pipefail; image-fetch -q {registry}/{name} | layer-mount --now merged > mounted.json")
        try:
            return self.listing("merged")
        finally:
            run("layer-mount", "--unmount", "merged")

    # `but` says what cannot be compared: pattern -> what it becomes.
    def same(self, ours, theirs, but=None):
        self.assertGreater(len(ours), 20)
        # Nobody says when the root of a mount was changed.
        for pattern, text in {r"^('\.' dir [^ ]+ [^ ]+ -) \d+": r"\1 *", **(but or {})}.items():
            ours, theirs = ([re.sub(pattern, text, line) for line in lines] for lines in (ours, theirs))
        self.assertEqual([line for line in ours if line not in set(theirs)], [line for line in theirs if line not in set(ours)])

    def umoci(self, layout, tag):
        run("umoci", "unpack", "--image", f"{layout}:{tag}", "bundle")
        try:
            return self.listing("bundle/rootfs")
        finally:
            run("rm", "-rf", "bundle")

    # The layers of dockerd's store, mounted without what it adds to a container.
    def docker(self, name):
        client = docker()
        run(*client, "pull", "-q", f"{registry}/{name}")
        data = json.loads(run(*client, "image", "inspect", f"{registry}/{name}"))[0]["GraphDriver"]["Data"]
        layers = data["UpperDir"] + (":" + data["LowerDir"] if data.get("LowerDir") else "")
        if ":" not in layers:
            return self.listing(layers)
        os.makedirs(place.path("theirs"), exist_ok=True)
        run("mount", "-t", "overlay", "-o", "ro,lowerdir=" + layers, "overlay", "theirs")
        try:
            return self.listing("theirs")
        finally:
            run("umount", "theirs")

    def test_the_tree_of_debian_is_umocis(self):
        self.same(self.ours("debian:12"), self.umoci("debian", "latest"))

    def test_the_tree_of_debian_is_dockers(self):
        self.same(self.ours("debian:12"), self.docker("debian:12"))

    def test_the_trees_of_odd_images_are_umocis(self):
        # The folders that no layer names: the time is that of unpacking.
        implied = {r"^('var(/lib)?' dir [^ ]+ [^ ]+ -) \d+": r"\1 *"}
        for tag, but in (("plain", {}), ("deps", implied)):
            with self.subTest(tag=tag):
                self.same(self.ours("odd:" + tag), self.umoci("odd", tag), but)

    def test_the_trees_of_odd_images_are_dockers(self):
        # dockerd knows no time before 1970, and gives the folders that a layer implies, and a lower one
        # names, a new mode and time (a /tmp of 1777 becomes 0755): stave and umoci keep those.
        old = {r"^('odd/old' file .*) (-1500000000|0) 1 -": r"\1 * 1 -"}
        implied = {r"^('(bin|etc|tmp|var|var/lib)' dir) \d+ ([^ ]+ -) \d+": r"\1 * \3 *"}
        for tag, but in (("plain", old), ("deps", implied)):
            with self.subTest(tag=tag):
                self.same(self.ours("odd:" + tag), self.docker("odd:" + tag), but)


if __name__ == "__main__":
    cases.main()

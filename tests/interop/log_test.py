#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The log of a container beside dockerd's: the files are the same byte for byte, and log-read prints of
dockerd's own file what docker logs prints. Needs root. Argument: log_writer."""

import glob
import json
import os
import random
import re
import select
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

place = None
writer = os.path.realpath(sys.argv[1])
ID = "ab" * 32
DOCKER = ["docker"]
CGROUP = f"stave-log-{os.getpid()}"


def payload():
    random.seed(1)
    text = bytes(range(256)) + random.randbytes(200000)
    text += b"caf\xe9 <b>&\"\\ \t\r\n\xe2\x80\xa8\xe2\x80\xa9 \xed\xa0\x80 \xf0\x9f\x98\x80 \xef\xbf\xbd\n\n\n"
    return text + b"x" * 16384 + b"\n" + b"y" * 16383 + b"\n" + b"z" * 50000 + b"\nno end"


def setUpModule():
    global place, DOCKER
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    if not shutil.which("dockerd"):
        raise unittest.SkipTest("dockerd is missing")
    place = Place()
    DOCKER = ["docker", "-H", "unix://" + place.path("docker.sock")]
    with open(place.path("docker.log"), "w", encoding="utf-8") as log:
        daemon = place.start(
            ["dockerd", "--data-root", place.path("docker"), "--exec-root", place.path("docker-run"), "-H", DOCKER[2],
             "--pidfile", place.path("docker.pid"), "--bridge=none", "--iptables=false", "--ip6tables=false",
             "--exec-opt", "native.cgroupdriver=cgroupfs"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    pidfd = os.pidfd_open(daemon.pid)
    deadline = time.monotonic() + 60
    while place.run(DOCKER + ["info"]).returncode != 0:
        if select.select([pidfd], [], [], 0.1)[0] or time.monotonic() > deadline:
            with open(place.path("docker.log"), encoding="utf-8") as log:
                raise unittest.SkipTest("dockerd does not run here: " + log.read()[-500:])
    os.close(pidfd)
    layout = place.layout("image", [Place.busybox([("payload", "f", payload(), 0o644)])])
    place.run(["skopeo", "copy", "-q", layout, f"docker-archive:{place.path('image.tar')}:bb:1"], check=True)
    place.run(DOCKER + ["load", "-qi", "image.tar"], check=True)


def tearDownModule():
    if place:
        place.run(DOCKER + ["rm", "-f", "bytes", "lines"])
        place.started[0].terminate()
        place.started[0].wait()
        place.run(f"rmdir /sys/fs/cgroup/{CGROUP} /sys/fs/cgroup/*/{CGROUP} 2>/dev/null; true")
        place.run("umount -R -q docker docker-run/* 2>/dev/null; true")
        place.close()


class LogTest(unittest.TestCase):
    # Runs a container in dockerd; returns the path of its log.
    def docker_run(self, name, *arguments):
        done = place.run(DOCKER + ["run", "--network", "none", "--cgroup-parent", "/" + CGROUP, "--name", name, *arguments], errors="replace")
        self.assertEqual(done.returncode, 0, done.stderr)
        whole = place.run(DOCKER + ["inspect", "-f", "{{.LogPath}}", name], check=True).stdout.strip()
        self.assertEqual([whole], glob.glob(whole))
        return whole

    # A container of stave's with that log.
    def make(self, log):
        shutil.rmtree(place.path("state"), ignore_errors=True)
        os.makedirs(place.path(f"state/containers/{ID}/log"), mode=0o700)
        os.makedirs(place.path("run"), mode=0o700, exist_ok=True)
        os.chmod(place.path("state"), 0o700)
        os.chmod(place.path("run"), 0o700)
        files = {"store.json": {"version": 1, "kind": "rootful"}, f"containers/{ID}/config.json": {},
                 f"containers/{ID}/record.json": {
                     "version": 1, "id": ID, "name": "x", "image": "x", "imageDigest": "", "command": ["sh"],
                     "created": "2026-11-21T08:00:00Z", "labels": {}, "rm": False, "started": True}}
        for path, value in files.items():
            with open(place.path("state", path), "w", encoding="utf-8") as out:
                json.dump(value, out)
        shutil.copy(log, place.path(f"state/containers/{ID}/log/json.log"))

    # stdout and stderr of docker logs and of log-read.
    def both(self, *arguments, name):
        found = []
        for command in (DOCKER + ["logs", *arguments, name], ["log-read", *arguments, ID]):
            done = subprocess.run(command, env=place.env, cwd=place.dir, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            found.append((done.stdout, done.stderr))
        return found

    def test_any_bytes(self):
        theirs = self.docker_run("bytes", "bb:1", "cat", "/payload")
        os.mkdir(place.path("ours"))
        subprocess.run([writer, place.path("ours")], input=payload(), check=True)

        def lines(path):
            with open(path, "rb") as file:  # without the times, and what stave says besides
                return [re.sub(rb',"bytes":"[0-9a-f]*"|,"time":"[^"]*"(?=}$)', b"", line) for line in file.read().split(b"\n")]
        for ours, wanted in zip(lines(place.path("ours/json.log")), lines(theirs), strict=True):
            self.assertEqual(ours, wanted)

        self.make(theirs)
        docker, stave = self.both(name="bytes")
        self.assertEqual(stave, docker)
        self.make(place.path("ours/json.log"))
        done = subprocess.run(["log-read", ID], env=place.env, capture_output=True, check=True)
        self.assertTrue(done.stdout == payload())  # which docker logs cannot give back

    def test_lines_and_options(self):
        script = "for i in 1 2 3 4; do echo out $i; echo err $i >&2; usleep 20000; done; printf 'no end'"
        log = self.docker_run("lines", "--log-opt", "tag=a b", "--label", "k=v,&", "--log-opt", "labels=k", "bb:1",
                              "busybox", "sh", "-c", script)
        self.make(log)
        with open(log, encoding="utf-8") as file:
            times = [json.loads(line)["time"] for line in file]
        options = [[], ["-t"], ["--details"], ["-t", "--details"], ["--since", "1h"], ["--until", "1h"], ["--until", "0"]]
        options += [["--tail", n] for n in ("0", "1", "3", "9", "99", "all", "bad", "-1", "+2", "1.5")]
        options += [[bound, at] for bound in ("--since", "--until") for at in times]
        options += [["--since", times[2], "--until", times[5]], ["--since", times[3], "--tail", "4"]]
        for arguments in options:
            with self.subTest(arguments):
                docker, stave = self.both(*arguments, name="lines")
                self.assertEqual(stave, docker)


if __name__ == "__main__":
    cases.main(own_mounts=True)

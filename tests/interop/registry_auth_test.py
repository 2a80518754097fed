#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Logins that others make are ours, and ours are theirs: Debian's docker-registry with a password,
docker, podman, skopeo, and files between them. Needs root."""

import glob
import json
import os
import shutil
import socket
import sys
import time
import unittest

sys.path[:0] = ["tests", "tests/interop"]
import cases
from place import Place

PASSWORD = "s3cret:word"
# bcrypt, cost 5, of that.
HTPASSWD = "ann:$2y$05$abcdefghijklmnopqrstuu2JDQLR7mbHhdpill4/jMLDoVbsBhlUi\n"


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class RegistryAuthTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Place()
        cls.addClassCleanup(cls.place.close)
        cls.host = cls.start_registry()
        image = cls.place.layout("image", [Place.busybox()])
        cls.ok(f"skopeo copy -q --insecure-policy --dest-tls-verify=false --dest-creds 'ann:{PASSWORD}' {image} docker://{cls.host}/own/image:1")

    @classmethod
    def start_registry(cls):
        place = cls.place
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            host = "127.0.0.1:%d" % probe.getsockname()[1]
        with open(place.path("htpasswd"), "w", encoding="utf-8") as out:
            out.write(HTPASSWD)
        with open(place.path("registry.yml"), "w", encoding="utf-8") as out:
            out.write(f"version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {place.dir}/registry}}}}\n"
                      f"auth: {{htpasswd: {{realm: test, path: {place.dir}/htpasswd}}}}\nhttp:\n  addr: {host}\n")
        with open(place.path("registry.log"), "w", encoding="utf-8") as log:
            process = place.start(["docker-registry", "serve", place.path("registry.yml")], stdout=log, stderr=log)
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(host.split(":")[1]))) == 0:
                    return host
            time.sleep(0.01)
        raise AssertionError("docker-registry does not start")

    @classmethod
    def ok(cls, command, code=0, **kwargs):
        done = cls.place.run(command, **kwargs)
        if done.returncode != code:
            raise AssertionError(f"{command}: {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def setUp(self):
        for name in ("home", "run", "state"):
            shutil.rmtree(self.place.path(name), ignore_errors=True)
        os.mkdir(self.place.path("home"), mode=0o700)
        os.mkdir(self.place.path("run"), mode=0o700)
        self.place.env.update(HOME=self.place.path("home"), XDG_RUNTIME_DIR=self.place.path("run"))
        for name in ("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME"):
            self.place.env.pop(name, None)
        self.docker_file = self.place.path("home/.docker/config.json")
        self.podman_file = self.place.path("run/containers/auth.json")

    def fetch(self, code=0, words="", **kwargs):
        shutil.rmtree(self.place.path("state"), ignore_errors=True)
        done = self.ok(f"image-fetch {words} {self.host}/own/image:1", code, **kwargs)
        self.assertNotIn("s3cret", done.stdout + done.stderr)
        return done

    def login(self, words=""):
        return self.ok(f"registry-login -u ann --password-stdin {words} {self.host}", input=PASSWORD)

    def can_podman(self, code=0):
        self.ok(f"skopeo inspect --tls-verify=false docker://{self.host}/own/image:1", code)

    def test_without_a_login_and_with_a_wrong_one(self):
        self.assertIn("[E_DENIED]", self.fetch(1).stderr)
        done = self.ok(f"registry-login -u ann --password-stdin {self.host}", 1, input="s3cret")
        self.assertIn("does not accept the login of ann [E_DENIED]", done.stderr)
        self.assertFalse(os.path.exists(self.podman_file))

    def test_our_login_is_podmans(self):
        self.can_podman(1)
        self.login()
        self.can_podman()
        self.fetch()
        self.assertEqual(self.ok(f"podman login --get-login {self.host}").stdout, "ann\n")
        self.ok(f"podman logout {self.host}")
        self.fetch(1)

    def test_podmans_login_is_ours(self):
        self.ok(f"podman login --tls-verify=false -u ann --password-stdin {self.host}", input=PASSWORD)
        self.fetch()
        self.assertEqual(self.ok(f"registry-login --get-login {self.host}").stdout, "ann\n")
        self.assertEqual(self.ok(f"registry-login {self.host}").stdout, "Login Succeeded\n")
        self.assertEqual(self.ok(f"registry-logout {self.host}").stdout, f"Removing login credentials for {self.host}\n")
        self.can_podman(1)
        self.assertEqual(self.ok(f"registry-logout {self.host}").stdout, f"Not logged in to {self.host}\n")

    def test_a_namespace_that_podman_logged_in_to(self):
        self.ok(f"podman login --tls-verify=false -u ann --password-stdin {self.host}/own", input=PASSWORD)
        self.assertIn(f"{self.host}/own", open(self.podman_file, encoding="utf-8").read())
        self.fetch()
        self.ok(f"registry-logout {self.host}")
        self.fetch()
        self.ok("registry-logout --all")
        self.fetch(1)

    def test_a_file_that_is_named(self):
        self.ok(f"podman login --tls-verify=false --authfile mine -u ann --password-stdin {self.host}", input=PASSWORD)
        self.fetch(1)
        self.fetch(words="--authfile mine")
        self.place.env["REGISTRY_AUTH_FILE"] = self.place.path("mine")
        self.fetch()
        self.login()
        self.can_podman()
        self.ok(f"registry-logout {self.host}")
        self.can_podman(1)

    def test_skopeo_with_our_file(self):
        self.login("--authfile other")
        self.ok(f"skopeo inspect --authfile other --tls-verify=false docker://{self.host}/own/image:1")

    def test_the_environment(self):
        self.login()
        with open(self.podman_file, encoding="utf-8") as file:
            self.place.env["DOCKER_AUTH_CONFIG"] = json.dumps(json.load(file))
        os.unlink(self.podman_file)
        self.fetch()

    def test_docker(self):
        if not os.path.exists("/usr/sbin/dockerd") or not os.path.exists("/usr/bin/docker"):
            self.skipTest("Debian's docker is not installed")
        place = self.place
        before = set(glob.glob("/sys/fs/cgroup/**/docker/**/", recursive=True))
        docker = f"/usr/bin/docker -H unix://{place.dir}/docker.sock"
        with open(place.path("dockerd.log"), "w", encoding="utf-8") as log:
            daemon = place.start(["dockerd", "--data-root", place.path("docker"), "--exec-root", place.path("docker-run"), "-H",
                                  f"unix://{place.dir}/docker.sock", "--pidfile", place.path("docker.pid"), "--bridge=none",
                                  "--iptables=false", "--ip6tables=false", "--storage-driver=vfs"], stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            while place.run(f"{docker} info").returncode != 0:
                self.assertIsNone(daemon.poll(), "dockerd has ended")
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
            # Docker's to us.
            self.ok(f"{docker} login -u ann --password-stdin {self.host}", input=PASSWORD)
            self.assertTrue(os.path.exists(self.docker_file))
            self.fetch()
            self.assertIn("Removing login credentials", self.ok(f"registry-logout {self.host}").stdout)
            self.ok(f"{docker} pull -q {self.host}/own/image:1", 1)
            # Ours to Docker, with what it keeps there otherwise.
            with open(self.docker_file, "w", encoding="utf-8") as file:
                file.write('{"detachKeys": "ctrl-x,x", "auths": {"other.example": {"auth": "YTpi"}}}')
            self.login()
            self.ok(f"{docker} pull -q {self.host}/own/image:1")
            self.fetch()
            with open(self.docker_file, encoding="utf-8") as file:
                kept = json.load(file)
            self.assertEqual((kept["detachKeys"], kept["auths"]["other.example"]), ("ctrl-x,x", {"auth": "YTpi"}))
            self.ok(f"{docker} logout {self.host}")
            self.fetch(1)
        finally:
            daemon.terminate()
            daemon.wait(30)
            for folder in sorted(set(glob.glob("/sys/fs/cgroup/**/docker/**/", recursive=True)) - before, reverse=True):
                os.rmdir(folder)


if __name__ == "__main__":
    cases.main()

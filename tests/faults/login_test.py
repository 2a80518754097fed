#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""registry-login and registry-logout: what they say, keep and send, with options and at a terminal.
Needs root."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import termios
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import registry_world as rw
from place import tree
from terminal import Terminal

WORLD, PLAIN = rw.World(), rw.World()


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    work = rw.enter()
    unittest.addModuleCleanup(rw.leave, work)
    ca = rw.Authority(work)
    rw.serve(WORLD, (rw.WEB, 443), ca.make("web", rw.HOSTS[rw.WEB]))
    rw.serve(PLAIN, (rw.WEB, 80))
    LoginTest.local = "127.0.0.1:%d" % rw.serve(WORLD, ("127.0.0.1", 0)).server_port
    LoginTest.work = work


class LoginTest(unittest.TestCase):
    def setUp(self):
        WORLD.reset()
        PLAIN.reset()
        self.dir = tempfile.mkdtemp(dir=self.work)
        self.addCleanup(shutil.rmtree, self.dir)
        self.addCleanup(lambda: self.assertEqual([r.path for r in PLAIN.seen()], []))
        self.env = {"PATH": f"{self.dir}/bin:{tree()}/bin:/usr/bin:/bin", "HOME": self.dir, "XDG_RUNTIME_DIR": self.dir + "/run",
                    "SSL_CERT_FILE": self.work + "/ca.crt", "TERM": "dumb"}
        self.docker = os.path.join(self.dir, ".docker/config.json")
        self.containers = os.path.join(self.dir, "run/containers/auth.json")

    def write(self, path, text, mode=0o600):
        path = os.path.join(self.dir, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    # Runs without a terminal; no secret may be said.
    def run_it(self, *words, code=0, said="", input="", **environment):
        done = subprocess.run(words, env={**self.env, **environment}, cwd=self.dir, input=input, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, start_new_session=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(said, done.stderr if code else done.stdout)
        for secret in rw.SECRETS:
            self.assertNotIn(secret, done.stdout + done.stderr)
        return done

    def login(self, *words, password=rw.PASSWORD, **more):
        return self.run_it("registry-login", "--v=1", "-u", "ann", "--password-stdin", *words, input=password + "\n", **more)

    def test_a_login_through_a_token_server(self):
        done = self.login("reg.example")
        self.assertEqual(done.stdout, "Login Succeeded\n")
        self.assertIn("warning: the password is kept unencrypted in " + self.containers, done.stderr)
        self.assertEqual(self.read(self.containers), {"auths": {"reg.example": {"auth": rw.basic()[6:]}}})
        self.assertEqual(stat.S_IMODE(os.stat(self.containers).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(self.containers)).st_mode), 0o700)
        [asked] = WORLD.seen(path="/token")
        self.assertEqual((asked.login, "scope" in asked.form), (rw.basic(), False))

    def test_basic_and_plain_http_on_this_machine(self):
        WORLD.mode = "basic"
        self.login(self.local)
        self.login("reg.example")
        self.assertEqual(sorted(self.read(self.containers)["auths"]), [self.local, "reg.example"])

    def test_a_registry_that_is_insecure_by_configuration(self):
        env = {"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}
        self.login("reg.example", code=1, said="[E_TLS]", **env)
        self.write(".config/containers/registries.conf", '[[registry]]\nlocation = "reg.example"\ninsecure = true\n')
        self.login("reg.example", **env)
        self.write(".config/containers/registries.conf", '[[registry]]\nlocation = "reg.example"\nblocked = true\n')
        self.login("reg.example", code=1, said="[E_BLOCKED]")

    def test_what_is_not_accepted_is_not_kept(self):
        for mode in ("basic", "bearer"):
            WORLD.mode = mode
            self.login("reg.example", password="s3cret-wrong", code=1, said="[E_DENIED]")
        self.login("plain.example", code=1, said="[E_CONNECT]")
        WORLD.realm = "https://auth.example/token"
        WORLD.mode = "bearer"
        self.login("reg.example", code=1, said="STAVE_TOKEN_SERVERS=reg.example=auth.example")
        WORLD.before = lambda r: r.reply(404) or True
        self.login("reg.example", code=1, said="there is no registry [E_REMOTE]")
        self.assertFalse(os.path.exists(self.containers))
        WORLD.before = lambda r: False
        self.login("reg.example", STAVE_TOKEN_SERVERS="reg.example=auth.example")

    def test_docker_hub(self):
        self.write(self.docker, '{"detachKeys": "ctrl-x"}')
        WORLD.realm = "https://auth.docker.io/token"
        for words in ([], ["docker.io"], ["https://index.docker.io/v1/"]):
            self.login(*words)
            self.assertEqual(self.read(self.docker), {
                "detachKeys": "ctrl-x", "auths": {"https://index.docker.io/v1/": {"auth": rw.basic()[6:]}}})
        self.assertFalse(os.path.exists(self.containers))
        self.run_it("registry-login", "--get-login", said="ann\n")
        self.run_it("registry-logout", said="Removing login credentials for docker.io\n")
        self.run_it("registry-logout", said="Not logged in to docker.io\n")
        self.run_it("registry-login", "--get-login", code=1, said="not logged in to docker.io [E_NOT_FOUND]")

    def test_a_login_that_is_there_is_tried_first(self):
        self.write(self.docker, rw.auths(reg__example=rw.basic()))
        self.run_it("registry-login", "reg.example", said="Login Succeeded")
        self.write(self.docker, rw.auths(reg__example=rw.basic("ann", "s3cret-old")))
        self.run_it("registry-login", "reg.example", code=1, said="[E_NO_TTY]")

    def test_a_file_that_is_named(self):
        self.login("--authfile", "mine", "reg.example")
        self.run_it("registry-login", "--get-login", "--authfile", "mine", "reg.example", said="ann")
        self.run_it("registry-login", "--get-login", "reg.example", REGISTRY_AUTH_FILE=self.dir + "/mine", said="ann")
        self.run_it("registry-login", "--get-login", "reg.example", code=1, said="not logged in")
        self.run_it("registry-logout", "--authfile", "mine", "reg.example", said="Removing")
        self.assertEqual(self.read(self.dir + "/mine"), {"auths": {}})

    def test_empty_words_are_wrong_usage(self):
        for words in (["registry-login", ""], ["registry-logout", ""], ["registry-login", "--authfile", "", "reg.example"],
                      ["registry-logout", "--authfile", "", "reg.example"], ["image-fetch", "--authfile", "", "reg.example/a"]):
            self.run_it(*words, code=2, said="is empty [E_USAGE]")

    def test_a_helper_keeps_it(self):
        self.write("bin/docker-credential-x", f"""#!/bin/sh
            cd {self.dir}
            case $1 in store) cat >kept ;; erase) rm kept ;; list) echo '{{"reg.example":"ann"}}' ;;
            get) cat kept 2>/dev/null || {{ echo credentials not found in native keychain; exit 1; }} ;; esac""", 0o755)
        self.write(self.docker, '{"credsStore":"x"}')
        self.login("reg.example")
        self.assertEqual(self.read(self.docker)["auths"], {"reg.example": {}})
        self.assertEqual(self.read(self.dir + "/kept")["Secret"], rw.PASSWORD)
        self.run_it("registry-login", "--get-login", "reg.example", said="ann")
        self.run_it("registry-logout", "--all", said="Removing login credentials for reg.example")
        self.assertFalse(os.path.exists(self.dir + "/kept"))
        self.write(self.docker, '{"credsStore":"gone"}')
        self.login("reg.example", code=1, said="docker-credential-gone: the credential helper is not in PATH [E_HELPER]")

    def test_all_are_forgotten(self):
        self.write(self.docker, rw.auths(a__example=rw.basic(), b__example=rw.basic()))
        self.write(self.containers, rw.auths(c__example=rw.basic()))
        done = self.run_it("registry-logout", "--all")
        self.assertEqual(sorted(line.split()[-1] for line in done.stdout.splitlines()), ["a.example", "b.example", "c.example"])
        self.assertEqual((self.read(self.docker), self.read(self.containers)), ({"auths": {}}, {"auths": {}}))

    def test_wrong_usage(self):
        for words in (["--password-stdin"], ["-u", "a:b", "--password-stdin"], ["-u", "a", "-p", "s3cret", "--password-stdin"],
                      ["-p", "s3cret"], ["-u", "a", "-p", ""], ["a.example", "b.example"], ["a.example/b"], ["https://a:s3cret@b.example"],
                      ["a b"]):
            with self.subTest(words):
                self.run_it("registry-login", *words, code=2, said="[E_USAGE]")
        self.login("reg.example", password="", code=2, said="empty")
        self.login("reg.example", code=2, said="REGISTRY=TOKENSERVER", STAVE_TOKEN_SERVERS="x")
        self.run_it("registry-logout", "--all", "a.example", code=2, said="[E_USAGE]")
        self.assertEqual(WORLD.seen(), [])

    def test_a_password_on_the_command_line(self):
        done = self.run_it("registry-login", "-u", "ann", "-p", rw.PASSWORD, "reg.example", said="Login Succeeded")
        self.assertIn("others on this machine can see it", done.stderr)

    def terminal(self, command):
        terminal = Terminal(self, command)
        self.addCleanup(terminal.close)
        return terminal

    def test_at_a_terminal(self):
        terminal = self.terminal("registry-login reg.example </dev/null >out 2>said")
        terminal.wait_for("Username for reg.example: ")
        terminal.type("ann\n")
        terminal.wait_for("Password: ")
        self.assertFalse(terminal.mode()[3] & termios.ECHO)
        terminal.type(rw.PASSWORD + "\n")
        self.assertEqual(terminal.end(), 0, terminal.seen)
        self.assertEqual(terminal.mode(), terminal.before)
        self.assertNotIn("s3cret", terminal.seen)
        with open(self.dir + "/out", encoding="utf-8") as file:
            self.assertEqual(file.read(), "Login Succeeded\n")

    def test_a_signal_at_the_prompt_gives_the_terminal_back(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number):
                terminal = self.terminal("exec registry-login -u ann reg.example")
                terminal.wait_for("Password: ")
                os.kill(terminal.process.pid, number)
                self.assertEqual(terminal.end(), -number)
                self.assertEqual(terminal.mode(), terminal.before)
        terminal = self.terminal("exec registry-login -u ann reg.example")
        terminal.wait_for("Password: ")
        terminal.type("\x04")
        self.assertEqual(terminal.end(), 1)
        self.assertEqual(terminal.mode(), terminal.before)
        self.assertEqual(WORLD.seen(), [])


if __name__ == "__main__":
    cases.main()

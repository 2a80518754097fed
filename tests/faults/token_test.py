#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Logins of registries whose names lead elsewhere than to this machine: which server gets which of
them, and that none is in an output or in the store. Needs root."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import registry_world as rw
from place import tree

WORLD = rw.World()
PULL = os.path.join(tree(), "libexec/stave/stave-pull")


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    work = rw.enter()
    unittest.addModuleCleanup(rw.leave, work)
    ca = rw.Authority(work)
    names = [n for address, names in rw.HOSTS.items() if address == rw.WEB for n in names] + [rw.WEB]
    rw.serve(WORLD, (rw.WEB, 443), ca.make("web", names))
    rw.serve(WORLD, (rw.WEB, 8443), os.path.join(work, "web.pem"))
    TokenTest.plain = rw.World()
    rw.serve(TokenTest.plain, (rw.WEB, 80))
    rw.serve(TokenTest.plain, ("127.0.0.1", 80))
    TokenTest.work, TokenTest.ca = work, os.path.join(work, "ca.crt")


class TokenTest(unittest.TestCase):
    def setUp(self):
        WORLD.reset()
        self.plain.reset()
        self.home = tempfile.mkdtemp(dir=self.work)
        self.addCleanup(shutil.rmtree, self.home)
        # Nothing is ever sent in plain text, whatever happened.
        self.addCleanup(lambda: self.assertEqual([r.path for r in self.plain.seen()], []))

    def write(self, path, text, mode=0o600):
        path = os.path.join(self.home, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def login(self, text):
        self.write(".docker/config.json", text)

    # Pulls; the error's word must be `word` ("" for success). No secret may be anywhere.
    def pull(self, word="", text="", reference="reg.example/a/b", **environment):
        state = tempfile.mkdtemp(dir=self.home)
        env = {"PATH": self.home + "/bin:/usr/bin:/bin", "HOME": self.home, "STAVE_STATE": state, "STAVE_RUN": state + "/run",
               "SSL_CERT_FILE": self.ca, "XDG_RUNTIME_DIR": self.home + "/run", **environment}
        done = subprocess.run([PULL, "--store", state, "--v=1", reference], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, text=True, check=False)
        errors = [line for line in done.stderr.splitlines() if line.startswith("image-fetch: ") and " warning: " not in line]
        if word:
            self.assertEqual((done.returncode, len(errors)), (1, 1), done.stderr)
            self.assertTrue(errors[0].endswith(f"[{word}]"), done.stderr)
            self.assertIn(text, done.stderr)
        else:
            self.assertEqual(done.returncode, 0, done.stderr)
        for secret in rw.SECRETS:
            self.assertNotIn(secret, done.stderr + done.stdout)
            found = subprocess.run(["grep", "-rlF", secret, state], stdout=subprocess.PIPE, text=True, check=False)
            self.assertEqual(found.stdout, "")
        return done.stderr

    def with_login(self, host=None):
        """The requests that bear a login, not a token."""
        return [(r.host, r.url) for r in WORLD.seen(host) if r.login.startswith("Basic") or "s3cret-id" in r.body]

    def test_a_password_goes_to_the_registrys_own_token_server(self):
        self.login(rw.auths(reg__example=rw.basic()))
        self.pull()
        self.assertEqual(self.with_login(), [("reg.example", "/token")])
        asked = WORLD.seen(path="/token")[0].form
        self.assertEqual((asked["service"], asked["scope"], asked["client_id"]), (["s e"], ["repository:a/b:pull"], ["stave"]))

    def test_a_password_goes_to_no_other_token_server(self):
        self.login(rw.auths(reg__example=rw.basic()))
        WORLD.realm = "https://auth.example/token"
        self.pull("E_DENIED", "STAVE_TOKEN_SERVERS=reg.example=auth.example")
        self.assertEqual(self.with_login(), [])
        self.assertEqual(len(WORLD.seen("auth.example")), 1)
        WORLD.login = None  # what is public is still to be had
        self.pull()
        self.assertEqual(self.with_login(), [])

    def test_a_token_server_that_the_user_names(self):
        self.login(rw.auths(reg__example=rw.basic()))
        WORLD.realm = "https://auth.example/token"
        self.pull(STAVE_TOKEN_SERVERS="other=x.example,reg.example=auth.example")
        self.assertEqual(self.with_login(), [("auth.example", "/token")])
        WORLD.reset()
        WORLD.realm = "https://auth.example:8443/token"
        self.pull("E_DENIED", "auth.example:8443", STAVE_TOKEN_SERVERS="reg.example=auth.example")
        self.assertEqual(self.with_login(), [])

    def test_docker_hub(self):
        self.login(json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": rw.basic()[6:]}}}))
        WORLD.realm = "https://auth.docker.io/token"
        self.pull(reference="alpine")
        self.assertEqual(self.with_login(), [("auth.docker.io", "/token")])
        self.assertEqual(WORLD.seen("auth.docker.io")[0].form["scope"], ["repository:library/alpine:pull"])

    def test_the_hubs_token_server_is_not_that_of_others(self):
        self.login(rw.auths(evil__example=rw.basic()))
        WORLD.realm = "https://auth.docker.io/token"
        self.pull("E_DENIED", reference="evil.example/a/b")
        self.assertEqual(self.with_login(), [])

    def test_realms_that_are_not_asked_at_all(self):
        self.login(rw.auths(reg__example=rw.basic()))
        for realm, word in {"http://reg.example/token": "E_AUTH", "http://auth.example/token": "E_AUTH",
                            "http://169.254.169.254/latest/meta-data": "E_AUTH", "https://169.254.169.254/token": "E_AUTH",
                            "http://127.0.0.1/token": "E_AUTH", "https://127.0.0.1/token": "E_AUTH",
                            "https://[::1]/token": "E_AUTH", "https://[::ffff:10.0.0.1]/token": "E_AUTH",
                            "https://localhost/token": "E_AUTH", "file:///etc/passwd": "E_URL",
                            "https://ann:pw@reg.example/token": "E_URL", "": "E_URL"}.items():
            with self.subTest(realm):
                WORLD.reset()
                WORLD.realm = realm
                self.pull(word)
                self.assertEqual(WORLD.seen(path="/token"), [])
                self.assertEqual(self.with_login(), [])

    def test_a_realm_that_redirects(self):
        for login in (rw.basic(), None):
            for target in ("https://evil.example/token", "https://reg.example:8443/token", "http://reg.example/token", "https://127.0.0.1/"):
                with self.subTest(target, login=login):
                    WORLD.reset()
                    self.login(rw.auths(reg__example=rw.basic()) if login else json.dumps(
                        {"auths": {"reg.example": {"identitytoken": rw.IDENTITY}}}))
                    WORLD.before = lambda r, to=target: r.path.startswith("/token") and r.host == "reg.example" and (r.reply(307, Location=to) or True)
                    self.pull("E_REDIRECT")
                    self.assertEqual(WORLD.seen("evil.example"), [])
                    self.assertEqual(len(self.with_login()), 1)

    def test_an_identity_token_is_posted(self):
        self.login(json.dumps({"auths": {"reg.example": {"auth": "", "identitytoken": rw.IDENTITY}}}))
        self.pull()
        [asked] = WORLD.seen(path="/token")
        self.assertEqual((asked.command, asked.form["grant_type"], asked.login), ("POST", ["refresh_token"], ""))
        for status in (404, 405):
            WORLD.reset()
            WORLD.no_post = status
            self.pull()
            self.assertEqual([r.command for r in WORLD.seen(path="/token")], ["POST", "GET"])
        WORLD.reset()
        WORLD.realm = "https://auth.example/token"
        self.pull("E_DENIED")
        self.assertEqual([r.command for r in WORLD.seen("auth.example")], ["GET"])
        WORLD.reset()
        WORLD.mode = "basic"
        self.pull("E_DENIED", "identity token")
        self.assertEqual(self.with_login(), [])

    def test_basic(self):
        self.login(rw.auths(reg__example=rw.basic()))
        WORLD.mode = "basic"
        self.pull()
        first = WORLD.seen()[0]
        self.assertEqual(first.login, "")  # only when it is asked for
        self.login(rw.auths(reg__example=rw.basic("ann", "s3cret-wrong")))
        self.pull("E_DENIED", "registry-login reg.example")
        self.login("{}")
        self.pull("E_DENIED", "registry-login reg.example")

    def test_a_token_that_is_used_up_in_mid_pull(self):
        self.login(rw.auths(reg__example=rw.basic()))
        for uses in (1, 2):
            WORLD.reset()
            WORLD.uses = uses
            self.pull()
            self.assertGreater(len(WORLD.seen(path="/token")), 1)

    def test_clocks_and_lifetimes(self):
        self.login(rw.auths(reg__example=rw.basic()))
        for extra in ({}, {"expires_in": 0}, {"expires_in": 1}, {"expires_in": 300, "issued_at": "2001-01-01T00:00:00Z"},
                      {"expires_in": 300, "issued_at": "2101-01-01T00:00:00Z"}, {"expires_in": -5, "issued_at": "yesterday"}):
            with self.subTest(extra):
                WORLD.reset()
                WORLD.extra = extra
                self.pull()
                self.assertEqual(len(WORLD.seen(path="/token")), 1)

    def test_a_busy_token_server(self):
        self.login(rw.auths(reg__example=rw.basic()))
        answers = [503, 429]
        WORLD.before = lambda r: r.url == "/token" and bool(answers) and (r.reply(answers.pop(), Retry_After="0") or True)
        self.pull()
        self.assertEqual(len(WORLD.seen(path="/token")), 3)

    def test_more_scope(self):
        self.login(rw.auths(reg__example=rw.basic()))
        WORLD.challenge = ',error="insufficient_scope",scope="repository:a/b:pull repository:c:pull"'
        self.pull()
        self.assertEqual(WORLD.seen(path="/token")[0].form["scope"], ["repository:a/b:pull", "repository:c:pull"])

    def test_a_token_that_is_never_good(self):
        self.login(rw.auths(reg__example=rw.basic()))
        WORLD.uses = 0
        self.pull("E_DENIED", "registry-login reg.example")
        self.login(rw.auths(reg__example=rw.basic("ann", "s3cret-wrong")))
        self.pull("E_DENIED", "does not accept the login of ann")
        self.assertNotIn("s3cret", self.pull("E_DENIED"))

    def test_a_helper_that_is_broken_sends_nothing(self):
        self.write("bin/docker-credential-fails", "#!/bin/sh\ncat >/dev/null\necho the keychain is locked\nexit 1\n", 0o755)
        self.write("bin/docker-credential-garbage", "#!/bin/sh\necho s3cret garbage\n", 0o755)
        self.write("bin/docker-credential-killed", "#!/bin/sh\nkill -9 $$\n", 0o755)
        for suffix, text in {"missing": "not in PATH", "fails": "locked", "garbage": "no JSON", "killed": "signal 9",
                             "../x": "no name"}.items():
            for config in ({"credsStore": suffix}, {"credHelpers": {"reg.example": suffix}}):
                with self.subTest(config):
                    WORLD.reset()
                    self.login(json.dumps({"auths": {"reg.example": {"auth": rw.basic()[6:]}}, **config}))
                    self.pull("E_HELPER", text)
                    self.assertEqual(WORLD.seen(), [])
        # Another registry's helper is nobody's business.
        WORLD.login = None
        self.login(json.dumps({"credHelpers": {"other.example": "fails", "example": "fails"}}))
        self.pull()

    def test_a_helper_that_works(self):
        self.write("bin/docker-credential-good", f"""#!/bin/sh
            case $(cat) in reg.example) echo '{{"Username":"ann","Secret":"{rw.PASSWORD}"}}' ;;
            *) echo credentials not found in native keychain; exit 1 ;; esac""", 0o755)
        self.login(json.dumps({"credsStore": "good"}))
        self.pull()
        self.assertEqual(self.with_login(), [("reg.example", "/token")])
        WORLD.reset()
        self.pull("E_DENIED", reference="reg.example:8443/a/b")
        self.assertEqual(self.with_login(), [])

    def test_a_host_is_equal_or_another(self):
        names = ["example", "reg.example.evil.example", "notreg.example", "reg.example:443", "reg.example:8443", "*.example",
                 "https://evil.example/reg.example", "reg.example/other", "reg.example/a/bc", "docker.io"]
        self.login(json.dumps({"auths": {name: {"auth": rw.basic()[6:]} for name in names}}))
        self.pull("E_DENIED")
        self.assertEqual(self.with_login(), [])
        for name in ("reg.example", "https://reg.example", "https://reg.example/v1/", "reg.example/a", "REG.example"):
            with self.subTest(name):
                WORLD.reset()
                self.login(json.dumps({"auths": {"example": {"auth": "eDp5"}, name: {"auth": rw.basic()[6:]}}}))
                self.pull()

    def test_a_token_does_not_follow_a_redirect(self):
        self.login(rw.auths(reg__example=rw.basic()))
        for target in ("https://cdn.example", "https://reg.example:8443"):
            with self.subTest(target):
                WORLD.reset()
                def answer(r, to=target):
                    if "/blobs/" not in r.url:
                        return False
                    if r.host == "cdn.example" or r.server.server_port == 8443:
                        return WORLD.serve(r) or True
                    return bool(r.login) and (r.reply(307, Location=to + r.path) or True)

                WORLD.before = answer
                self.pull()
                elsewhere = [r for r in WORLD.seen() if r.host == "cdn.example" or r.port == 8443]
                self.assertTrue(elsewhere)
                self.assertEqual([r.login for r in elsewhere if r.login], [])

    def test_where_logins_are_read(self):
        good, bad = rw.auths(reg__example=rw.basic()), rw.auths(reg__example=rw.basic("x", "s3cret-wrong"))
        self.write("run/containers/auth.json", good)
        self.login(bad)
        self.pull()
        self.pull("E_DENIED", DOCKER_AUTH_CONFIG=bad)
        self.pull("E_DENIED", REGISTRY_AUTH_FILE=self.home + "/.docker/config.json")
        self.pull("E_NOT_FOUND", REGISTRY_AUTH_FILE=self.home + "/missing")
        self.pull(DOCKER_AUTH_CONFIG=good, REGISTRY_AUTH_FILE=self.home + "/.docker/config.json")
        self.pull("E_AUTH_FILE", "DOCKER_AUTH_CONFIG", DOCKER_AUTH_CONFIG="s3cret")

    def test_image_fetch_passes_the_file_on(self):
        file = self.write("mine", rw.auths(reg__example=rw.basic()))
        state = os.path.join(self.home, "state")
        env = {"PATH": tree() + "/bin:/usr/bin:/bin", "HOME": self.home, "STAVE_STATE": state, "STAVE_RUN": state + "-run", "SSL_CERT_FILE": self.ca}
        done = subprocess.run(["image-fetch", "--authfile", file, "reg.example/a/b"], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["stave"]["image"]["reference"], "reg.example/a/b:latest")
        for secret in rw.SECRETS:
            self.assertNotIn(secret, done.stderr + done.stdout)


if __name__ == "__main__":
    cases.main()

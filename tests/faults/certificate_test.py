#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Certificates of registries and of ours, and proxies: what is not verified gets no request, and
nobody falls back to plain http. Needs root."""

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

WORLD, PLAIN = rw.World(), rw.World()
PULL = os.path.join(tree(), "libexec/stave/stave-pull")
PROXY = ("198.51.100.3", 3128)


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    work = rw.enter()
    unittest.addModuleCleanup(rw.leave, work)
    ca = rw.Authority(work)
    good = ca.make("web", ["reg.example", "evil.example"])
    rw.serve(WORLD, (rw.WEB, 443), good)
    rw.serve(WORLD, (rw.WEB, 8001), ca.make("stranger", ["other.example"]))
    rw.serve(WORLD, (rw.WEB, 8002), ca.make("expired", ["reg.example"], days=-1))
    rw.serve(WORLD, (rw.WEB, 8003), ca.make("selfsigned", ["reg.example"], signed=False))
    rw.serve(WORLD, (rw.WEB, 8004), good, client_ca=work + "/ca.crt")
    rw.serve(WORLD, (rw.WEB, 8005), good, client_ca=work + "/ca.crt")
    ca.make("client", None)
    for address in ((rw.WEB, 80), (rw.WEB, 8006), ("198.51.100.2", 80)):
        rw.serve(PLAIN, address)
    Base.local = rw.serve(WORLD, ("127.0.0.1", 0)).server_port
    Base.work = work


class Base(unittest.TestCase):
    def setUp(self):
        WORLD.reset()
        PLAIN.reset()
        WORLD.mode = "open"
        self.home = tempfile.mkdtemp(dir=self.work)
        self.addCleanup(shutil.rmtree, self.home)
        self.addCleanup(lambda: self.assertEqual([r.path for r in PLAIN.seen()], []))

    # Pulls; the error's word must be `word` ("" for success), and then nothing has been asked for.
    def pull(self, word="", text="", host="reg.example", ca="ca.crt", **environment):
        state = tempfile.mkdtemp(dir=self.home)
        env = {"PATH": "/usr/bin:/bin", "HOME": self.home, "STAVE_STATE": state, "STAVE_RUN": state + "/run", **environment}
        if ca:
            env["SSL_CERT_FILE"] = os.path.join(self.work, ca)
        done = subprocess.run([PULL, "--store", state, "--v=1", host + "/a/b"], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, text=True, check=False)
        if word:
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"[{word}]", done.stderr)
            self.assertIn(text, done.stderr)
            self.assertEqual(WORLD.seen(), [])
        else:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr


class CertificateTest(Base):
    def certificates(self, folder, host, **files):
        path = os.path.join(folder, host)
        os.makedirs(path, exist_ok=True)
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        for name, source in files.items():
            shutil.copy(os.path.join(self.work, source), os.path.join(path, name.replace("__", ".")))

    def test_what_does_not_hold_is_refused(self):
        self.pull()
        WORLD.reset()
        self.pull("E_TLS", "unable to get local issuer", ca="")
        self.pull("E_TLS", "no alternative certificate subject name matches", host="reg.example:8001")
        self.pull("E_TLS", "expired", host="reg.example:8002")
        self.pull("E_TLS", "self-signed", host="reg.example:8003")
        self.assertIn("/etc/docker/certs.d/reg.example:8003/ca.crt", self.pull("E_TLS", host="reg.example:8003"))

    def test_the_authority_of_a_host(self):
        for folder in ("/etc/docker/certs.d", "/etc/containers/certs.d"):
            for name in ("reg.example", "reg.example:443"):
                with self.subTest(folder=folder, name=name):
                    WORLD.reset()
                    WORLD.mode = "open"
                    self.certificates(folder, name, ca__crt="ca.crt")
                    self.pull(ca="")
                    WORLD.reset()
                    self.pull("E_TLS", host="evil.example", ca="")
                    self.pull("E_TLS", host="reg.example:8004", ca="")
                    os.unlink(os.path.join(folder, name, "ca.crt"))
        self.certificates("/etc/docker/certs.d", "reg.example", ca__pem="ca.crt")
        self.pull("E_TLS", ca="")

    def test_a_certificate_of_ours(self):
        said = self.pull("E_TLS", "handshake failure", host="reg.example:8004")
        self.assertEqual(said.count("GET https"), 1, said)
        self.certificates("/etc/docker/certs.d", "reg.example:8004", c__cert="client.crt", c__key="client.key")
        self.pull(host="reg.example:8004")
        WORLD.reset()
        self.pull("E_TLS", "handshake failure", host="reg.example:8005")

    def test_half_a_pair(self):
        self.certificates("/etc/docker/certs.d", "reg.example", mine__cert="client.crt")
        self.pull("E_TLS", "certs.d/reg.example/mine.cert: its key mine.key is missing")
        self.certificates("/etc/containers/certs.d", "reg.example", mine__key="client.key")
        self.pull("E_TLS", "certs.d/reg.example/mine.key: its certificate mine.cert is missing")

    def test_a_key_that_is_none(self):
        self.certificates("/etc/docker/certs.d", "reg.example", mine__cert="client.crt", mine__key="ca.ext")
        self.pull("E_TLS")

    def test_nobody_falls_back_to_http(self):
        self.pull("E_CONNECT", host="plain.example")
        self.pull("E_TLS", host="reg.example:8006")


class ProxyTest(Base):
    def setUp(self):
        super().setUp()
        self.proxy = rw.Proxy(PROXY, rw.basic("prox", "s3cret"))
        self.addCleanup(self.proxy.close)

    def test_a_proxy_with_a_login(self):
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            with self.subTest(name):
                WORLD.reset()
                WORLD.mode = "open"
                self.proxy.targets.clear()
                said = self.pull(**{name: "http://prox:s3cret@proxy.example:3128"})
                self.assertEqual(set(self.proxy.targets), {"reg.example:443"})
                self.assertNotIn("s3cret", said)
                self.assertTrue(all("Proxy-Authorization" not in r.headers for r in WORLD.seen()))

    def test_a_proxy_that_refuses(self):
        said = self.pull("E_CONNECT", "407", HTTPS_PROXY="http://prox:s3cret-not@proxy.example:3128")
        self.assertNotIn("s3cret", said)
        self.assertEqual(len(self.proxy.targets), 1)

    def test_proxies_that_are_none(self):
        for proxy in ("http://prox:s3cret@proxy.example:1", "foo://prox:s3cret@proxy.example", "http://prox:s3cret@no.example",
                      "http://prox:s3cret@[bad", "http://prox:s3cret@proxy.example:99999"):
            with self.subTest(proxy):
                self.assertNotIn("s3cret", self.pull("E_CONNECT", HTTPS_PROXY=proxy))

    def test_hosts_that_are_not_asked_of_a_proxy(self):
        proxy = "http://prox:s3cret@proxy.example:3128"
        for excepted in ("reg.example", ".example", "*", "x,reg.example"):
            WORLD.reset()
            WORLD.mode = "open"
            self.pull(HTTPS_PROXY=proxy, NO_PROXY=excepted)
        WORLD.reset()
        WORLD.mode = "open"
        for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            self.pull(host=f"127.0.0.1:{self.local}", **{name: proxy})
        self.assertEqual(self.proxy.targets, [])


if __name__ == "__main__":
    cases.main()

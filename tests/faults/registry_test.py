#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What stave-pull says and leaves for each way in which a registry can misbehave."""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import evil_registry  # noqa: E402

TREE = os.environ.get("STAVE_TREE") or os.path.join(HERE, "../../packaging/tree")
PULL = os.path.join(os.path.abspath(TREE), "libexec/stave/stave-pull")

# Repository (or reference) -> word of the error ("" succeeds), text in it, arguments.
CASES = {
    "fine": ("",),
    "manifest-not-the-digest@sha256:" + "0" * 64: ("E_DIGEST", "manifest sha256:000"),
    "header-digest-lies": ("E_DIGEST", "Docker-Content-Digest"),
    "layer-wrong-bytes": ("E_DIGEST", "what came is"),
    "config-wrong-bytes": ("E_DIGEST", "config"),
    "diff-id-wrong": ("E_DIGEST", "diffID"),
    "layer-longer": ("E_SIZE", "longer"),
    "layer-longer-unsaid": ("E_SIZE", "longer"),
    "layer-shorter": ("E_SIZE", "shorter"),
    "child-size-wrong": ("E_SIZE", "descriptor"),
    "layer-truncated": ("E_REMOTE", ""),
    "layer-truncated-once": ("",),
    "layer-truncated-no-ranges": ("",),
    "layer-other-range": ("E_REMOTE", "range"),
    "layer-missing": ("E_NOT_FOUND", "blob sha256:"),
    "layer-count-wrong": ("E_MANIFEST", ""),
    "layer-is-no-gzip": ("E_CORRUPT", "layer sha256:"),
    "layer-escapes": ("E_TAR_ESCAPE", "escaped"),
    "both-kinds": ("E_MANIFEST", ""),
    "schema-one": ("E_MANIFEST", ""),
    "types-differ": ("E_MANIFEST", ""),
    "no-json": ("E_JSON", ""),
    "manifest-huge": ("E_LIMIT", ""),
    "manifest-endless": ("E_LIMIT", ""),
    "config-huge": ("E_LIMIT", "config"),
    "size-negative": ("E_MANIFEST", "size"),
    "digest-is-a-path": ("E_DIGEST", "digest"),
    "foreign-layer": ("E_MANIFEST", ""),
    "index-deep": ("E_MANIFEST", "index"),
    "index-without-us": ("E_PLATFORM", "plan9/mips"),
    "html": ("E_REMOTE", "text/html"),
    "encoded": ("E_REMOTE", "Content-Encoding: gzip"),
    "many-headers": ("E_LIMIT", "header"),
    "length-negative": ("E_REMOTE", ""),
    "status-403": ("E_DENIED", "denies"),
    "status-204": ("E_REMOTE", "204"),
    "status-304": ("E_REMOTE", "304"),
    "rate-once": ("",),
    "rate-forever": ("E_RATE", ""),
    "errors-twice": ("",),
    "errors-forever": ("E_REMOTE", "500"),
    "stall": ("E_TIMEOUT", "", "--stall=1s"),
    "stall-once": ("", "", "--stall=1s"),
    "redirect-loop": ("E_REDIRECT", "more than 10"),
    "redirect-file": ("E_REDIRECT", "file"),
    "redirect-plain-elsewhere": ("E_REDIRECT", "registry.invalid"),
    "redirect-to-other": ("",),
    "token": ("",),
    "token-loop": ("E_DENIED", ""),
    "token-missing": ("E_AUTH", "no token"),
    "token-expires": ("",),
    "token-elsewhere": ("E_AUTH", "169.254.169.254"),
    "challenge-missing": ("E_AUTH", "401"),
    "challenge-broken": ("E_AUTH", "no end"),
    "challenge-basic": ("E_DENIED", "user name"),
}


def pull(work, reference, *options, **environment):
    state = tempfile.mkdtemp(dir=work)
    run = tempfile.mkdtemp(dir=work)
    env = {"PATH": "/usr/bin:/bin", "STAVE_RUN": run, "STAVE_STATE": state, **environment}
    done = subprocess.run([PULL, "--store", state, *options, reference], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    return state, done.returncode, done.stdout, done.stderr.decode()


def named(state):
    """All that has a name in the store."""
    found = []
    for folder in ("refs", "layers", "images/blobs"):
        for root, _, files in os.walk(os.path.join(state, folder)):
            found += [os.path.join(root, name) for name in files if name != ".lock"]
        if folder == "layers" and os.path.isdir(os.path.join(state, folder)):
            found += os.listdir(os.path.join(state, folder))
    return found


def complaints(state, code, out, said, word, text=""):
    """What is wrong with the outcome of a pull that should fail with `word` (or, "", succeed)."""
    found = []
    lines = said.splitlines()
    errors = [line for line in lines if line.startswith("image-fetch: ")]
    if out:
        found.append(f"stdout {out!r}")
    if any(ord(c) < 32 and c != "\n" for c in said):
        found.append("control characters")
    ingest = os.listdir(os.path.join(state, "ingest"))
    if not word:
        if code != 0 or errors or not named(state) or ingest:
            found.append(f"exit {code}, {ingest}")
        return found
    if code != 1 or len(errors) != 1 or not errors[0].endswith(f"[{word}]") or text not in errors[0]:
        found.append(f"exit {code}")
    if named(state):
        found.append(f"named: {named(state)}")
    # Only a part of a good blob may stay, to go on from.
    if any(name.startswith("layer-") or (name.startswith("sha256-") and word in ("E_DIGEST", "E_SIZE"))
           for name in ingest):
        found.append(f"left: {ingest}")
    return found


class FaultsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix="stave-faults.", dir="/dev/shm")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    def test_each_fault_has_its_word_and_leaves_nothing_named(self):
        with evil_registry.Registry() as registry, evil_registry.Registry() as other:
            registry.other = "http://" + other.host
            other.images = registry.images
            evil = [name for name in list(evil_registry.FAULTS) + list(evil_registry.SHAPES)
                    if not any(case.split("@")[0] == name for case in CASES)]
            self.assertEqual(evil, [], "faults without a case")

            def run(case):
                word, text, *options = (*CASES[case], "")[:2] + CASES[case][2:]
                outcome = pull(self.work, f"{registry.host}/{case}", *options)
                return case, complaints(*outcome, word, text), outcome[3]

            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                for case, found, said in pool.map(run, CASES):
                    with self.subTest(case):
                        self.assertEqual(found, [], said)
            ranges = [h.get("Range") for path, h in registry.seen("layer-truncated-once") if "/blobs/" in path]
            self.assertIn("bytes=100000-", ranges)
            self.assertTrue(other.seen("redirect-to-other"))
            for _, headers in other.seen("redirect-to-other"):
                self.assertNotIn("Authorization", headers)
            self.assertTrue(all("stave/" in h.get("User-Agent", "") for _, h in registry.requests))

    def test_a_killed_pull_is_continued(self):
        with evil_registry.Registry() as registry:
            state, run = tempfile.mkdtemp(dir=self.work), tempfile.mkdtemp(dir=self.work)
            env = {"PATH": "/usr/bin:/bin", "STAVE_RUN": run, "STAVE_STATE": state}
            with subprocess.Popen([PULL, "--store", state, f"{registry.host}/stall-once"], env=env,
                                  stderr=subprocess.PIPE) as child:
                for line in child.stderr:
                    if b"Pulling fs layer" in line:
                        break
                # The first 1000 bytes come with the head; then nothing more does.
                layer = os.path.join(state, "ingest", "sha256-" + evil_registry.digest(
                    registry.image_of("stall-once").layer)[7:])
                while not os.path.exists(layer) or os.path.getsize(layer) < 1000:
                    os.sched_yield()
                child.kill()
            self.assertEqual(named(state), [])
            done = subprocess.run([PULL, "--store", state, f"{registry.host}/stall-once"], env=env, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(complaints(state, done.returncode, done.stdout, done.stderr.decode(), ""), [])
            self.assertIn("bytes=1000-", [h.get("Range") for _, h in registry.seen("stall-once")])

    def test_a_broken_rest_of_an_earlier_pull_is_thrown_away(self):
        with evil_registry.Registry() as registry:
            state, run = tempfile.mkdtemp(dir=self.work), tempfile.mkdtemp(dir=self.work)
            os.mkdir(os.path.join(state, "ingest"), 0o700)
            layer = evil_registry.digest(registry.image_of("fine").layer)[7:]
            with open(os.path.join(state, "ingest", "sha256-" + layer), "wb") as file:
                file.write(b"rubbish" * 100)
            env = {"PATH": "/usr/bin:/bin", "STAVE_RUN": run, "STAVE_STATE": state}
            done = subprocess.run([PULL, "--store", state, f"{registry.host}/fine"], env=env, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(complaints(state, done.returncode, done.stdout, done.stderr.decode(), ""), [])

    def test_a_full_disk(self):
        with evil_registry.Registry() as registry:
            mount = tempfile.mkdtemp(dir=self.work)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k,mode=0700", "stave-faults", mount], check=True)
            try:
                done = subprocess.run([PULL, "--store", mount, f"{registry.host}/fine"], check=False,
                                      env={"PATH": "/usr/bin:/bin", "STAVE_RUN": tempfile.mkdtemp(dir=self.work)},
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                said = done.stderr.decode()
                self.assertEqual(complaints(mount, done.returncode, done.stdout, said, "E_NO_SPACE"), [], said)
                self.assertEqual(os.listdir(os.path.join(mount, "ingest")), [])
            finally:
                subprocess.run(["umount", mount], check=True)


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix="stave-tls.", dir="/dev/shm")
        cls.ca = cls.certificate("ca", "CA:TRUE", "/CN=Test CA", days=10)
        cls.good = cls.certificate("good", "CA:FALSE", "/CN=x", "subjectAltName=IP:127.0.0.1", days=10)
        cls.stranger = cls.certificate("stranger", "CA:FALSE", "/CN=x", "subjectAltName=DNS:other.example", days=10)
        cls.expired = cls.certificate("expired", "CA:FALSE", "/CN=x", "subjectAltName=IP:127.0.0.1", days=-1)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.work)

    @classmethod
    def certificate(cls, name, constraint, subject, names="subjectKeyIdentifier=hash", days=1):
        """NAME.pem with a key and its certificate: of the test's CA, or the CA itself."""
        base = os.path.join(cls.work, name)
        with open(base + ".ext", "w", encoding="utf-8") as file:
            file.write(f"basicConstraints=critical,{constraint}\n{names}\n")
        openssl = lambda *args: subprocess.run(["openssl", *args], check=True, cwd=cls.work, stderr=subprocess.DEVNULL)
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject,
                "-keyout", name + ".key", "-out", name + ".csr")
        signer = ["-signkey", "ca.key"] if name == "ca" else ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
        openssl("x509", "-req", "-in", name + ".csr", *signer, "-days", str(days), "-extfile", name + ".ext",
                "-out", name + ".crt")
        with open(base + ".pem", "wb") as out:
            for part in (".key", ".crt"):
                with open(base + part, "rb") as file:
                    out.write(file.read())
        return base + ".pem"

    def outcome(self, certificate, case, word, text="", **environment):
        environment.setdefault("SSL_CERT_FILE", os.path.join(self.work, "ca.crt"))
        with evil_registry.Registry(certificate) as registry, evil_registry.Registry() as plain:
            registry.other = "http://" + plain.host
            outcome = pull(self.work, f"{registry.host}/{case}", **environment)
            self.assertEqual(complaints(*outcome, word, text), [], outcome[3])
            return plain.requests

    def test_the_right_certificate(self):
        self.outcome(self.good, "fine", "")
        self.outcome(self.good, "token", "")

    def test_an_unknown_ca(self):
        self.outcome(self.good, "fine", "E_TLS", SSL_CERT_FILE="/etc/ssl/certs/ca-certificates.crt")

    def test_another_host(self):
        self.outcome(self.stranger, "fine", "E_TLS")

    def test_an_expired_certificate(self):
        self.outcome(self.expired, "fine", "E_TLS", "expired")

    def test_a_redirect_to_plain_http(self):
        requests = self.outcome(self.good, "redirect-to-other", "E_REDIRECT", "from https to http")
        self.assertEqual(requests, [])


if __name__ == "__main__":
    if os.geteuid() != 0:
        os.execv(os.path.join(HERE, "../skip.sh"), ["skip.sh", "registry_test", "needs root"])
    unittest.main(verbosity=2)

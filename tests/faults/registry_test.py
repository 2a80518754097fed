#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What stave-pull says and leaves for each way in which a registry can misbehave."""

import concurrent.futures
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import evil_registry  # noqa: E402

TREE = os.environ.get("STAVE_TREE") or os.path.join(HERE, "../../packaging/tree")
PULL = os.path.join(os.path.abspath(TREE), "libexec/stave/stave-pull")
FETCH = os.path.join(os.path.abspath(TREE), "bin/image-fetch")

# Repository (or reference) -> word of the error ("" succeeds), text in it, arguments.
CASES = {
    "fine": ("",),
    "manifest-not-the-digest@sha256:" + "0" * 64: ("E_DIGEST", "manifest sha256:000"),
    "header-digest-lies": ("E_DIGEST", "Docker-Content-Digest"),
    "layer-wrong-bytes": ("E_DIGEST", "what came is"),
    "config-wrong-bytes": ("E_DIGEST", "config"),
    "blobs-wrong-bytes": ("E_DIGEST", "config"),
    "diff-id-wrong": ("E_DIGEST", "diffID"),
    "layer-longer": ("E_SIZE", "longer"),
    "layer-longer-unsaid": ("E_SIZE", "longer"),
    "layer-shorter": ("E_SIZE", "shorter"),
    "child-size-wrong": ("E_SIZE", "descriptor"),
    "layer-truncated": ("E_REMOTE", ""),
    "layer-truncated-once": ("",),
    "layer-truncated-no-ranges": ("",),
    "layer-other-range": ("",),
    "layer-part-unasked": ("E_REMOTE", "a part of it (status 206), which was not asked for"),
    "layer-no-such-range": ("",),
    "layer-in-pieces": ("",),
    "layer-chunked": ("",),
    "layer-204": ("E_REMOTE", "the registry answers with status 204"),
    # The other's failure ends the wait for a layer that stalls.
    "another-layer-is-missing": ("E_NOT_FOUND", "blob sha256:", "--stall=100s"),
    "layer-encoded": ("E_REMOTE", "the server encoded its answer unasked (Content-Encoding: gzip)"),
    "chunk-bomb": ("E_TIMEOUT", "nothing came for 1s", "--stall=1s"),
    "cut-at-0": ("",),
    "cut-at-1": ("",),
    "cut-at-half": ("",),
    "cut-at-last": ("",),
    "cut-before-the-head": ("",),
    "cut-often": ("",),
    "cut-without-length": ("",),
    "layer-missing": ("E_NOT_FOUND", "blob sha256:"),
    "layer-count-wrong": ("E_MANIFEST", ""),
    "layer-is-no-gzip": ("E_CORRUPT", "layer sha256:"),
    "layer-escapes": ("E_TAR_ESCAPE", "escaped"),
    "both-kinds": ("E_MANIFEST", ""),
    "schema-one": ("E_MANIFEST", ""),
    "types-differ": ("E_MANIFEST", ""),
    "type-with-charset": ("",),
    "type-generic": ("",),
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
    "many-headers": ("E_LIMIT", "the header of the answer is too long"),
    "header-line-long": ("E_LIMIT", "the header of the answer is too long"),
    "length-negative": ("E_REMOTE", "Invalid Content-Length: value"),
    "length-twice": ("E_REMOTE", "two different Content-Length"),
    "length-twice-the-same": ("",),
    "length-and-chunked": ("E_REMOTE", "both Content-Length and Transfer-Encoding"),
    "http-1-0": ("",),
    "http-0-9": ("E_REMOTE", "what answers there is no HTTP"),
    "no-http": ("E_REMOTE", "what answers there is no HTTP"),
    "no-repository": ("E_NOT_FOUND", "the registry has no such repository"),
    "no-manifest": ("E_NOT_FOUND", "the repository has no such image"),
    "denied": ("E_DENIED", "the registry denies access: said \\x1b[31mso"),
    "status-400": ("E_REMOTE", "status 400"),
    "status-206": ("E_REMOTE", "the registry answers with status 206"),
    "status-403": ("E_DENIED", "denies"),
    "status-204": ("E_REMOTE", "the registry answers with status 204"),
    "status-304": ("E_REMOTE", "the registry answers with status 304"),
    "rate-once": ("",),
    "rate-forever": ("E_RATE", "try again in 1h [E_RATE]"),
    "rate-date": ("",),
    "rate-past": ("",),
    "rate-garbage": ("",),
    "rate-endless": ("E_RATE", "slow down; try again in 277777h"),
    "rate-overflow": ("E_RATE", "slow down; try again in "),
    "rate-used-up": ("E_RATE", "slow down; 0 of 100 pulls in 6h are left, counted for 192.0.2.1; try again in 2h"),
    "rate-low": ("",),
    "warns": ("",),
    "errors-alternate": ("",),
    "errors-twice": ("",),
    "errors-forever": ("E_REMOTE", "500"),
    "stall": ("E_TIMEOUT", "nothing came for 1s", "--stall=1s"),
    "loris": ("E_TIMEOUT", "less than 1024 bytes a second came for 2s", "--stall=1s"),
    "stall-once": ("", "", "--stall=1s"),
    "redirect-loop": ("E_REDIRECT", "more than 10"),
    "redirect-10": ("",),
    "redirect-11": ("E_REDIRECT", "more than 10 redirects"),
    "redirect-empty": ("E_REDIRECT", "redirect: to no address"),
    "redirect-nowhere": ("E_REDIRECT", "redirect: to no address"),
    "redirect-javascript": ("E_REDIRECT", "javascript"),
    "redirect-user": ("E_REDIRECT", "must not hold a user name or password"),
    "redirect-signed": ("E_REMOTE", "where the registry sends us, answers with status 403", "--v=1"),
    "redirect-file": ("E_REDIRECT", "file"),
    "redirect-plain-elsewhere": ("E_REDIRECT", "registry.invalid"),
    "redirect-to-other": ("",),
    "token": ("",),
    "token-loop": ("E_DENIED", ""),
    "token-missing": ("E_AUTH", "no token"),
    "token-expires": ("",),
    "token-elsewhere": ("E_AUTH", "169.254.169.254"),
    "challenge-missing": ("E_AUTH", "the registry answers 401 without saying how to authenticate"),
    "challenge-broken": ("E_AUTH", "no end"),
    "challenge-many": ("E_AUTH", "WWW-Authenticate: too many parameters"),
    "challenge-huge": ("E_AUTH", "WWW-Authenticate: the header is too long"),
    "challenge-basic": ("E_DENIED", "user name"),
}


# Faults of HEAD, which only a second pull asks with: it is as good as the first.
HEADS = ["head-404", "head-405", "head-500", "head-denied", "head-without-digest", "head-lies"]
CASES.update({name: ("",) for name in HEADS})


def pull(work, reference, *options, state=None, **environment):
    state = state or tempfile.mkdtemp(dir=work)
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
    errors = [line for line in lines if re.match("image-fetch: (?!warning: )", line)]
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

            with concurrent.futures.ThreadPoolExecutor(24) as pool:
                for case, found, said in pool.map(run, CASES):
                    with self.subTest(case):
                        self.assertEqual(found, [], said)
                    self.assertNotIn("secret", said)
            self.check_what_was_asked(registry, other)

    def check_what_was_asked(self, registry, other):
        ranges = [h.get("Range") for path, h in registry.seen("layer-truncated-once") if "/blobs/" in path]
        self.assertIn("bytes=100000-", ranges)
        for case in ("redirect-to-other", "redirect-signed"):
            self.assertTrue(other.seen(case))
            self.assertTrue(any("Authorization" in h for _, h in registry.seen(case)))
            for _, headers in other.seen(case):
                self.assertNotIn("Authorization", headers)
        self.assertTrue(all("stave/" in h.get("User-Agent", "") for _, h in registry.requests))
        # R11: what was cut off is not fetched twice.
        for case in ("cut-at-0", "cut-at-1", "cut-at-half", "cut-at-last", "cut-before-the-head", "cut-often"):
            layer = registry.image_of(case).layer
            self.assertLessEqual(registry.served.get(evil_registry.digest(layer), 0), 1.05 * len(layer), case)
        # R14: five tries, and none again of what will not change.
        asked = lambda case: len([path for path, _ in registry.seen(case) if "/manifests/" in path])
        self.assertEqual({case: asked(case) for case in ("errors-forever", "status-400", "no-manifest", "denied",
                                                         "rate-forever", "rate-endless", "encoded", "http-0-9")},
                         {"errors-forever": 5, "status-400": 1, "no-manifest": 1, "denied": 1,
                          "rate-forever": 1, "rate-endless": 1, "encoded": 1, "http-0-9": 1})

    def test_what_the_registry_has_to_say_is_told(self):
        with evil_registry.Registry() as registry:
            said = lambda case: pull(self.work, f"{registry.host}/{case}", "--quiet")[3].splitlines()
            self.assertEqual(said("rate-low"), [
                f"image-fetch: warning: {registry.host}: 9 of 100 pulls in 6h are left, counted for 192.0.2.1 "
                f"(a login may be allowed more: registry-login {registry.host})"])
            self.assertEqual(said("warns"), [
                f"image-fetch: warning: {registry.host} warns: moves \\x1b[31mto new.example"])
            self.assertEqual(said("rate-used-up")[1:], [
                f"hint: a login may be allowed more: registry-login {registry.host}; "
                "or pull from a mirror"])
            waits = pull(self.work, f"{registry.host}/rate-once")[3]
            self.assertIn(f"waiting 1 s, as {registry.host} asks\n", waits)

    def test_an_unchanged_image_costs_one_head(self):
        with evil_registry.Registry() as registry:
            state, code, out, said = pull(self.work, f"{registry.host}/fine:a")
            self.assertEqual(complaints(state, code, out, said, ""), [], said)
            for tag in ("a", "b"):  # the second is new here, what it stands for is not
                registry.calls.clear()
                _, code, _, said = pull(self.work, f"{registry.host}/fine:{tag}", state=state)
                self.assertEqual(code, 0, said)
                self.assertEqual(registry.calls, [("GET", "/v2/"), ("HEAD", f"/v2/fine/manifests/{tag}")])
                self.assertIn("Image is up to date" if tag == "a" else "Downloaded newer image", said)
            image = registry.image_of("fine")
            image.value["annotations"] = {"new": "yes"}
            image.pack(image.value, evil_registry.MANIFEST)
            registry.calls.clear()
            _, code, _, said = pull(self.work, f"{registry.host}/fine:a", state=state)
            self.assertEqual(code, 0, said)
            self.assertEqual([method for method, path in registry.calls if "manifests" in path], ["HEAD", "GET"])
            self.assertEqual([path for _, path in registry.calls if "blobs" in path], [])

    def test_what_is_named_by_digest_is_not_asked_for_again(self):
        with evil_registry.Registry() as registry:
            name = f"{registry.host}/fine@{evil_registry.digest(registry.image_of('fine').manifest)}"
            state = pull(self.work, name)[0]
            registry.calls.clear()
            _, code, _, said = pull(self.work, name, state=state)
            self.assertEqual((code, registry.calls), (0, []), said)

    def test_head_may_fail(self):
        with evil_registry.Registry() as registry:
            for case in HEADS:
                with self.subTest(case):
                    state = pull(self.work, f"{registry.host}/{case}")[0]
                    registry.calls.clear()
                    _, code, out, said = pull(self.work, f"{registry.host}/{case}", state=state)
                    self.assertEqual(complaints(state, code, out, said, ""), [], said)
                    self.assertIn("Image is up to date", said)
                    self.assertEqual([method for method, path in registry.calls if "manifests" in path],
                                     ["HEAD", "GET"])

    def test_policy_newer_lives_with_a_registry_that_is_gone(self):
        state = tempfile.mkdtemp(dir=self.work)
        env = {"PATH": "/usr/bin:/bin", "STAVE_RUN": tempfile.mkdtemp(dir=self.work), "STAVE_STATE": state}
        fetch = lambda policy, name: subprocess.run(
            [FETCH, "--policy", policy, name], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=60, check=False, text=True)
        with evil_registry.Registry() as registry:
            name = f"{registry.host}/fine"
            first = fetch("newer", name)
            self.assertEqual(first.returncode, 0, first.stderr)
            self.assertIn("Image is up to date", fetch("newer", name).stderr)
        gone = fetch("newer", name)
        self.assertEqual((gone.returncode, gone.stdout), (0, first.stdout), gone.stderr)
        self.assertIn(f"image-fetch: warning: {name}:latest: http://{registry.host}: ", gone.stderr)
        self.assertIn("; what is here is used\n", gone.stderr)
        for policy, reference in (("always", name), ("newer", name + "-else")):
            done = fetch(policy, reference)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assertIn("[E_CONNECT]", done.stderr)

    def configured(self, text):
        path = os.path.join(tempfile.mkdtemp(dir=self.work), "registries.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return {"CONTAINERS_REGISTRIES_CONF": path}

    def test_what_a_mirror_cannot_give_comes_from_the_next(self):
        with evil_registry.Registry() as registry, evil_registry.Registry() as mirror:
            image = registry.image_of("fine")
            mirror.images["blobs-wrong-bytes"] = image
            locations = ["127.0.0.1:1/gone"] + [f"{mirror.host}/{name}" for name in (
                "layer-missing", "manifest-not-the-digest", "errors-forever", "html", "blobs-wrong-bytes")]
            config = self.configured(f'[[registry]]\nlocation="{registry.host}/fine"\n' + "".join(
                f'[[registry.mirror]]\nlocation="{location}"\n' for location in locations))
            name = f"{registry.host}/fine@{evil_registry.digest(image.manifest)}"
            state, code, out, said = pull(self.work, name, "--v=1", **config)
            self.assertEqual(complaints(state, code, out, said, ""), [], said)
            self.assertIn(f"image-fetch: warning: mirror {mirror.host}: manifest sha256:", said)
            self.assertIn(f"image-fetch: warning: mirror {mirror.host}: blob {evil_registry.digest(image.layer)}: has "
                          "another digest; the next one is asked", said)
            self.assertIn(f"image-fetch: warning: mirror {mirror.host}: blob {image.value['config']['digest']}: has "
                          "another digest; the next one is asked", said)
            self.assertIn("mirror 127.0.0.1:1: ", said)
            # One that is not there is asked once, one that has trouble twice.
            self.assertEqual(said.count("GET http://127.0.0.1:1 /v2/ "), 1, said)
            self.assertEqual(len([p for p, _ in mirror.seen("errors-forever") if "/manifests/" in p]), 2)

    def test_what_neither_mirrors_nor_the_registry_have(self):
        with evil_registry.Registry() as registry, evil_registry.Registry() as mirror:
            config = self.configured(f'[[registry]]\nlocation="{registry.host}"\n' + "".join(
                f'[[registry.mirror]]\nlocation="{host}"\n' for host in ("127.0.0.1:1", mirror.host)))
            _, code, _, said = pull(self.work, f"{registry.host}/no-manifest", **config)
            self.assertEqual(code, 1)
            self.assertRegex(said, r"\[E_NOT_FOUND\]\nhint: mirror 127\.0\.0\.1:1: .*\[E_CONNECT\]; "
                                   rf"mirror {mirror.host}: .*\[E_NOT_FOUND\]\n\Z")

    def test_the_registry_is_not_asked_for_what_a_mirror_has(self):
        with evil_registry.Registry() as registry, evil_registry.Registry() as mirror:
            config = self.configured(f'[[registry]]\nprefix="{registry.host}"\nlocation="{registry.host}"\n'
                                     f'[[registry.mirror]]\nlocation="{mirror.host}"\n')
            outcome = pull(self.work, f"{registry.host}/fine", **config)
            self.assertEqual(complaints(*outcome, ""), [], outcome[3])
            self.assertEqual(registry.calls, [])

    def test_a_host_in_capitals(self):
        with evil_registry.Registry() as registry:
            outcome = pull(self.work, f"LOCALHOST:{registry.server.server_port}/fine")
            self.assertEqual(complaints(*outcome, ""), [], outcome[3])

    def test_a_registry_on_ipv6(self):
        with evil_registry.Registry(address="::1") as registry:
            outcome = pull(self.work, f"{registry.host}/fine")
            self.assertEqual(complaints(*outcome, ""), [], outcome[3])

    def test_a_name_that_dns_does_not_know(self):
        state, code, out, said = pull(self.work, "registry.invalid/x")
        self.assertEqual(complaints(state, code, out, said, "E_CONNECT"), [], said)
        self.assertEqual(said.splitlines(), [
            "image-fetch: registry.invalid/x:latest: https://registry.invalid: DNS knows no address of "
            "registry.invalid [E_CONNECT]",
            "hint: is the name right, and does DNS work (/etc/resolv.conf)?"])

    def test_a_proxy_is_asked_and_its_refusal_told(self):
        asked = []

        class Proxy(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_CONNECT(self):
                asked.append((self.path, dict(self.headers)))
                self.send_error(403)

        with http.server.HTTPServer(("127.0.0.1", 0), Proxy) as proxy:
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            where = f"http://user:secret@127.0.0.1:{proxy.server_port}"
            outcome = pull(self.work, "registry.invalid/x", "--v=1", HTTPS_PROXY=where)
            self.assertEqual(complaints(*outcome, "E_CONNECT", "the proxy answers CONNECT with status 403"), [],
                             outcome[3])
            self.assertEqual([path for path, _ in asked], ["registry.invalid:443"])
            self.assertNotIn("secret", outcome[3])
            outcome = pull(self.work, "registry.invalid/x", HTTPS_PROXY=where, NO_PROXY=".invalid")
            self.assertEqual(complaints(*outcome, "E_CONNECT", "DNS knows no"), [], outcome[3])
            self.assertEqual(len(asked), 1)
            proxy.shutdown()

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
            layer = registry.image_of("stall-once").layer
            self.assertLessEqual(registry.served[evil_registry.digest(layer)], 1.05 * len(layer))

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

    def test_a_ca_under_its_hash_or_in_the_file(self):
        folder = os.path.join(self.work, "certs")
        os.makedirs(folder)
        shutil.copy(os.path.join(self.work, "ca.crt"), folder)
        self.outcome(self.good, "fine", "E_TLS", SSL_CERT_FILE="", SSL_CERT_DIR=folder)
        subprocess.run(["openssl", "rehash", folder], check=True)
        self.outcome(self.good, "fine", "", SSL_CERT_FILE="", SSL_CERT_DIR=folder)

    def test_another_host(self):
        self.outcome(self.stranger, "fine", "E_TLS")

    def test_an_expired_certificate(self):
        self.outcome(self.expired, "fine", "E_TLS", "expired")

    def in_a_network_of_its_own(self, port, script, certificate):
        """Serves TLS (or, without a certificate, http) as reg.test, whose IPv6 address swallows all, in
        namespaces of the test's own; runs the shell script there and returns what it did."""
        with open(os.path.join(self.work, "hosts"), "w", encoding="utf-8") as file:
            file.write("2001:db8::2 reg.test\n10.9.8.7 reg.test\n")
        serve = (f"import evil_registry, sys\nwith evil_registry.Registry({certificate!r}, '10.9.8.7', {port}):\n"
                 "    print('ready', flush=True)\n    sys.stdin.read()\n")
        inside = f"""set -e
            mount --bind {self.work}/hosts /etc/hosts
            ip link set lo up
            ip addr add 10.9.8.7/32 dev lo
            ip link add v0 type veth peer name v1
            ip -6 addr add 2001:db8::1/64 dev v0 nodad
            ip link set v0 up
            ip link set v1 up
            ip -6 neigh add 2001:db8::2 lladdr 02:00:00:00:00:02 nud permanent dev v0
            coproc SERVER {{ PYTHONPATH={HERE} exec python3 -c "$SERVE"; }}
            read -r ready <&"${{SERVER[0]}}"
            set +e
            {script}
            exit 0"""
        return subprocess.run(["unshare", "-n", "-m", "bash", "-c", inside], check=True, timeout=60, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SERVE": serve, "STAVE_RUN": self.work,
                                   "STAVE_STATE": tempfile.mkdtemp(dir=self.work),
                                   "SSL_CERT_FILE": os.path.join(self.work, "ca.crt")})

    def test_an_ipv6_that_swallows_all_does_not_hold_us_up(self):
        pem = self.certificate("named", "CA:FALSE", "/CN=x", "subjectAltName=DNS:reg.test", days=10)
        done = self.in_a_network_of_its_own(443, f"{PULL} reg.test/fine; echo $?", pem)
        self.assertEqual(done.stdout, "0\n", done.stderr)

    def test_an_insecure_registry(self):
        """Neither its certificate is looked at, nor whether it has one; but only its own."""
        config = os.path.join(self.work, "insecure.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write('[[registry]]\nlocation="reg.test"\ninsecure=true\n')
        for certificate in (self.expired, None):
            script = f"CONTAINERS_REGISTRIES_CONF={config} {PULL} reg.test{'' if certificate else ':443'}/fine; echo $?"
            if certificate is None:
                with open(config, "w", encoding="utf-8") as file:
                    file.write('[[registry]]\nlocation="reg.test:443"\ninsecure=true\n')
            done = self.in_a_network_of_its_own(443, script, certificate)
            self.assertEqual(done.stdout, "0\n", done.stderr)

    def test_no_tls_where_tls_is_wanted(self):
        done = self.in_a_network_of_its_own(443, f"{PULL} reg.test/fine; echo $?", None)
        self.assertEqual(done.stdout, "1\n", done.stderr)
        self.assertIn("image-fetch: reg.test/fine:latest: https://reg.test: what answers there is no TLS [E_TLS]\n"
                      "hint: a registry without TLS has to be named insecure in registries.conf\n", done.stderr)

    def test_a_redirect_to_plain_http(self):
        requests = self.outcome(self.good, "redirect-to-other", "E_REDIRECT", "from https to http")
        self.assertEqual(requests, [])


if __name__ == "__main__":
    if os.geteuid() != 0:
        os.execv(os.path.join(HERE, "../skip.sh"), ["skip.sh", "registry_test", "needs root"])
    unittest.main(verbosity=2)

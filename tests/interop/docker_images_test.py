#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What docker and stave print about the same images, side by side: pull, images, history, tag, inspect, rmi,
image prune. Both pull from one registry; ids, names, texts and exit codes must be equal. Differences
that are on purpose are taken out here, and named where that is done. Needs root and Debian's dockerd."""

import hashlib
import http.server
import json
import re
import sys
import threading
import unittest

sys.path[:0] = ["tests", "tests/interop"]
import dockerd
import engine
from dockerd import PARENTS
from place import Place

world = None


def setUpModule():
    global world
    world = dockerd.start()


# An image with a history, as a build leaves it: two layers, of which one step is empty.
def publish(host, name, text, created="2024-05-06T07:08:09Z"):
    base = Place.tar([("base", "f", b"b" * 5600, 0o644)])
    top = Place.tar([("own", "f", text.encode() * 1000, 0o644)])
    config = {"Cmd": ["sh"], "Env": ["PATH=/bin"], "Labels": {"text": text}, "ExposedPorts": {"80/tcp": {}}, "WorkingDir": "/w"}
    source = world.layout("publish", [base, top], config)
    # The history goes into the config, whose digest changes.
    steps = [{"created": created, "created_by": "ADD base /"},
             {"created": created, "created_by": "ENV\tA=b and a long text that does not fit into the column", "empty_layer": True},
             {"created": created, "created_by": "COPY own /", "comment": "buildkit"}]
    rewrite(world.path("publish"), lambda config: config.update(created=created, history=steps, author="me"))
    world.ok(f"skopeo copy -q --insecure-policy --dest-tls-verify=false {source}:latest docker://{host}/{name}")


def rewrite(layout, change):
    def blob(digest):
        return f"{layout}/blobs/sha256/{digest[7:]}"

    def put(value):
        data = json.dumps(value).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        with open(blob(digest), "wb") as out:
            out.write(data)
        return {"digest": digest, "size": len(data)}

    with open(layout + "/index.json", encoding="utf-8") as file:
        index = json.load(file)
    with open(blob(index["manifests"][0]["digest"]), encoding="utf-8") as file:
        manifest = json.load(file)
    with open(blob(manifest["config"]["digest"]), encoding="utf-8") as file:
        config = json.load(file)
    change(config)
    manifest["config"].update(put(config))
    index["manifests"][0].update(put(manifest))
    with open(layout + "/index.json", "w", encoding="utf-8") as out:
        json.dump(index, out)


class Index(http.server.BaseHTTPRequestHandler):
    RESULTS = [{"name": "web", "description": "words\nand more words, which do not fit into forty-five characters", "star_count": 12, "is_official": True},
               {"name": "user/web", "description": "", "star_count": 2, "is_official": False}, {"name": "web/none", "description": "x", "star_count": 0, "is_official": False}]

    def do_GET(self):
        body = json.dumps({"results": self.RESULTS} if "/v1/search?" in self.path else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class DockerImagesTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.host = world.registry()
        cls.addClassCleanup(world.started[-1].kill)
        publish(cls.host, "a/one:1", "one")
        publish(cls.host, "a/two:1", "two", "2023-01-02T03:04:05Z")
        world.ok("$D rmi -f bb:1")

    def tearDown(self):
        world.run("$D images -q | sort -u | xargs -r $D rmi -f; image-list -q | sort -u | xargs -r image-remove -f")

    # Runs both; returns (exit code, stdout) of each, and both stderr.
    def both(self, docker, stave):
        docker, stave = (world.run(line.replace("{h}", self.host)) for line in (docker, stave))
        return docker, stave

    @staticmethod
    def normal(text, drop=()):
        for pattern in drop:
            text = re.sub(pattern, "", text, flags=re.M)
        return text

    def same(self, docker, stave, drop=(), sort=False):
        one, other = self.both(docker, stave)
        texts = [self.normal(done.stdout, drop) for done in (one, other)]
        if sort:
            texts = ["\n".join(sorted(text.splitlines())) for text in texts]
        told = f"{docker}\n{one.stderr}-- {stave}\n{other.stderr}"
        self.assertEqual((one.returncode, texts[0]), (other.returncode, texts[1]), told)
        return texts[0]

    # The text of an error, without who says it and our word.
    def same_error(self, docker, stave):
        one, other = self.both(docker, stave)
        self.assertEqual((one.returncode, one.stdout), (other.returncode, other.stdout), one.stderr + other.stderr)
        own = re.sub(r"^[a-z-]+: (.*?) \[E_\w+\](\nhint: .*)?$", r"\1", other.stderr.strip())
        theirs = re.sub(r"^Error( response from daemon)?: ", "", one.stderr.strip())
        # Docker 20.10 does not tell the tag that goes without saying; Docker 28 does.
        self.assertEqual(theirs.split("\n")[0], own.split("\n")[0].removesuffix("" if theirs.endswith(":latest") else ":latest"))

    def pull(self, *names):
        for name in names:
            world.ok(f"$D pull -q {self.host}/{name} && image-fetch -q {self.host}/{name} > doc")

    # Docker prints also what it verifies, and who waits for a place; the order of layers is its threads'.
    PROGRESS = (r"^.*: (Verifying Checksum|Waiting)\n",)

    def test_pull(self):
        out = self.same("$D pull {h}/a/one:1", "image-fetch --lines --no-document --policy always {h}/a/one:1", self.PROGRESS, sort=True)
        self.assertIn("Status: Downloaded newer image", out)
        out = self.same("$D pull {h}/a/one:1", "image-fetch --lines --no-document --policy always {h}/a/one:1")
        self.assertIn("Status: Image is up to date", out)
        self.assertEqual(self.same("$D pull -q {h}/a/one:1", "image-fetch --lines --no-document -q --policy always {h}/a/one:1"), f"{self.host}/a/one:1\n")
        out = self.same("$D pull {h}/a/two:1", "image-fetch --lines --no-document --policy always {h}/a/two:1", self.PROGRESS, sort=True)
        self.assertIn("Already exists", out)
        digest = json.loads(world.ok("image-list --inspect " + self.host + "/a/one:1"))[0]["RepoDigests"][0]
        self.same(f"$D pull {digest}", f"image-fetch --lines --no-document --policy always {digest}")

    def test_lists(self):
        self.pull("a/one:1", "a/two:1")
        for options in ("", "-q", "--no-trunc", "--digests", "-q --no-trunc", "--format '{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}} {{.CreatedAt}} {{.CreatedSince}}'",
                        "--format 'table {{.ID}}\\t{{.Repository}}'", "--format json",
                        "-f label=text=one", "-f label=text=none", "-f before={h}/a/one:1", "-f since={h}/a/two:1", "-f dangling=true", "-f 'reference=*/a/*'",
                        "{h}/a/one", "{h}/a/one:1", "{h}/a/o*:1", "nothing"):
            with self.subTest(options):
                # `json` as a word is younger than Debian's docker.
                docker = options.replace("--format json", "--format '{{json .}}'")
                # VirtualSize is the same with another number of digits in Docker 28; SharedSize of 20.10 is not in question.
                self.same(f"$D images {docker}", f"image-list {options}")
        self.same_error("$D images -f before=none", "image-list -f before=none")

    def test_history(self):
        self.pull("a/one:1")
        for options in ("", "-q", "--no-trunc", "--human=false", "--format '{{.ID}} {{.CreatedBy}} {{.Size}} {{.Comment}} {{.CreatedAt}}'"):
            with self.subTest(options):
                self.same(f"$D history {options} {{h}}/a/one:1", f"image-list --history {options} {{h}}/a/one:1")
        self.same_error("$D history none", "image-list --history none")

    def test_inspect(self):
        self.pull("a/one:1")
        one, other = (json.loads(world.ok(line + f" {self.host}/a/one:1"))[0] for line in ("$D image inspect", "image-list --inspect"))
        for key in ("Id", "RepoTags", "RepoDigests", "Parent", "Comment", "Created", "DockerVersion", "Author", "Architecture", "Os", "Size", "RootFS"):
            self.assertEqual(one[key], other[key], key)
        for key in ("Cmd", "Entrypoint", "Env", "ExposedPorts", "Labels", "OnBuild", "User", "Volumes", "WorkingDir"):
            self.assertEqual(one["Config"][key], other["Config"][key], key)
        for format in ("{{.Id}}", "{{.Config.Cmd}} {{.Config.Labels}}", "{{index .Config.Labels \"text\"}}", "{{json .RepoTags}}", "{{len .RootFS.Layers}}", "{{range .Config.Env}}<{{.}}>{{end}}",
                       "{{.Size}} {{.Os}}/{{.Architecture}}"):
            with self.subTest(format):
                self.same(f"$D image inspect -f '{format}' {{h}}/a/one:1", f"image-list --inspect --format '{format}' {{h}}/a/one:1")
        one, other = self.both("$D image inspect none", "image-list --inspect none")
        self.assertEqual((one.returncode, one.stdout), (other.returncode, other.stdout))

    def test_tag_and_rmi(self):
        self.pull("a/one:1", "a/two:1")
        self.same("$D tag {h}/a/one:1 mine:1", "image-tag {h}/a/one:1 mine:1")
        self.same("$D tag {h}/a/one:1 {h}/a/one:other", "image-tag {h}/a/one:1 {h}/a/one:other")
        self.same("$D images", "image-list", sort=True)
        self.same("$D images --digests", "image-list --digests", sort=True)
        self.same_error("$D tag none x:1", "image-tag none x:1")
        self.assertEqual(world.run("image-tag mine:1 X").returncode, 2)
        docker, stave = self.both("$D tag mine:1 X", "image-tag mine:1 X")
        for text in (docker.stderr, stave.stderr):
            self.assertIn('"X" is not a valid repository/tag', text)
        self.same("$D rmi mine:1", "image-remove mine:1")
        self.same("$D rmi {h}/a/one:1", "image-remove {h}/a/one:1")
        # Layers have other names: Docker's are chain ids, ours are diffIDs where they depend on nothing.
        deleted = (r"^Deleted: (?!sha256:%s).*\n" % self.image_id("one:other"),)
        self.same("$D rmi {h}/a/one:other", "image-remove {h}/a/one:other", deleted)
        self.same_error("$D rmi none", "image-remove none")
        id_ = self.image_id("two:1")
        self.same(f"$D rmi {id_}", f"image-remove {id_}", (r"^Deleted: (?!sha256:%s).*\n" % id_,))
        self.same_error("$D rmi none:x", "image-remove none:x")

    def image_id(self, name):
        return json.loads(world.ok(f"image-list --inspect {self.host}/a/{name}"))[0]["Id"][7:]

    def test_conflicts(self):
        self.pull("a/one:1")
        name, id_ = f"{self.host}/a/one:1", self.image_id("one:1")
        world.ok(f"$D tag {name} other/name:1 && image-tag {name} other/name:1")
        self.same_error(f"$D rmi {id_[:12]}", f"image-remove {id_[:12]}")
        world.ok("$D rmi other/name:1 && image-remove other/name:1")
        docker = world.ok(f"$D create --name used {name}").strip()
        stave = world.ok(f"image-fetch -q --policy never {name} | ns-run --create --name used").strip()
        one, other = self.both(f"$D rmi {name}", f"image-remove {name}")
        self.assertEqual((one.returncode, other.returncode), (1, 1))
        theirs = one.stderr.replace(docker[:12], "C").split(": ", 1)[1].strip()
        self.assertIn(theirs, other.stderr.replace(stave[:12], "C"))
        one, other = self.both(f"$D rmi {id_[:12]}", f"image-remove {id_[:12]}")
        theirs = one.stderr.replace(docker[:12], "C").split(": ", 1)[1].strip()
        self.assertIn(theirs, other.stderr.replace(stave[:12], "C"))
        world.ok("$D rm used && ps-remove used")

    def test_prune(self):
        self.pull("a/one:1")
        old = self.image_id("one:1")
        publish(self.host, "a/one:1", "a newer one")
        try:
            world.ok(f"$D pull -q {self.host}/a/one:1 && image-fetch -q --policy always {self.host}/a/one:1 > doc")
            # Docker goes on telling the repository of an image whose tag has moved, by its digest.
            moved = (rf"^({re.escape(self.host)}/a/one|<none>) +(?=<none>)",)
            self.same("$D images", "image-list", moved, sort=True)
            self.same("$D images -f dangling=true -q --no-trunc", "image-list -f dangling=true -q --no-trunc")
            self.same("$D image prune -f --filter label=none", "image-remove --prune --report --filter label=none")
            one, other = self.both("$D image prune -f", "image-remove --prune --report")
            for text in (one.stdout, other.stdout):
                self.assertRegex(text, r"(?s)\ADeleted Images:\n.*deleted: sha256:%s\n.*\n\nTotal reclaimed space: [0-9.]+k?B\n\Z" % old)
        finally:
            publish(self.host, "a/one:1", "one")

    # One server plays the index of both: Docker asks a private one as it asks Docker Hub.
    def test_search(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        address = f"127.0.0.1:{server.server_port}"
        fields = "--format '{{.Name}}|{{.Description}}|{{.StarCount}}|{{.IsOfficial}}'"
        for options in ("", "--no-trunc", "--limit 7", "-f stars=3", "-f is-official=true", "-f is-official=false -f stars=1"):
            with self.subTest(options):
                out = self.same(f"$D search {options} {fields} {address}/web", f"STAVE_SEARCH_INDEX=http://{address} image-search {options} {fields} web", sort=True)
                self.assertIn("|", out)

    def test_what_cannot_be_had(self):
        for name in ("a/one:none", "a/none:1"):
            with self.subTest(name):
                one, other = self.both(f"$D pull {{h}}/{name}", f"image-fetch --lines --no-document --policy always {{h}}/{name}")
                self.assertEqual((one.returncode, one.stdout), (other.returncode, other.stdout))
                theirs = one.stderr.strip().split(": ", 1)[1]
                self.assertIn(theirs.split(": manifest unknown")[0].split(": name unknown")[0], other.stderr)
        one, other = self.both("$D create --pull never {h}/a/one:1", "image-fetch --policy never {h}/a/one:1")
        self.assertIn(f"No such image: {self.host}/a/one:1", one.stderr)
        self.assertIn(f"No such image: {self.host}/a/one:1", other.stderr)


if __name__ == "__main__":
    engine.main(PARENTS)

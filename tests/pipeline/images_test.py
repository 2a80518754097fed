#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Docker's image commands as programs: image-list, image-tag, image-search, store-info, and what image-fetch and
image-remove say. Needs root; the registry is Debian's, on loopback."""

import http.server
import json
import os
import re
import sys
import threading
import unittest
import urllib.parse

sys.path.insert(0, "tests")
try:
    import jsonschema
except ImportError:
    jsonschema = None
import cases
from place import Place
from terminal import Terminal


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class Images(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)

    def ok(self, command, **kwargs):
        done = self.place.run(command, **kwargs)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def fails(self, command, code, message, stdout=""):
        done = self.place.run(command)
        self.assertEqual((done.returncode, done.stdout), (code, stdout), done.stderr)
        self.assertIn(message, done.stderr)

    # An image of one small layer under the name localhost/NAME:latest.
    def fetch(self, name, labels=None):
        layer = Place.tar([("file", "f", name.encode() * 500, 0o644)])
        source = self.place.layout(name, [layer], {"Cmd": ["sh"], "Env": ["PATH=/bin"], "Labels": labels or {}})
        return json.loads(self.ok(f"image-fetch -q {source}"))["stave"]["image"]

    # Its columns, by the gaps between them.
    @staticmethod
    def table(text):
        return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


class NothingTest(Images):
    def test_reading_makes_no_store(self):
        header = "REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n"
        self.assertEqual(self.ok("image-list"), header)
        self.assertEqual(self.ok("image-list -q; image-list --json"), "")
        self.fails("image-list --inspect none", 1, "image-list: No such image: none:latest [E_NOT_FOUND]", "[]\n")
        self.fails("image-list --history none", 1, "No such image: none:latest [E_NOT_FOUND]")
        self.fails("image-tag none x", 1, "image-tag: No such image: none:latest [E_NOT_FOUND]")
        self.fails("image-fetch --policy never none", 1, "image-fetch: No such image: none:latest [E_NOT_FOUND]")
        self.assertEqual(self.ok("store-info --format '{{.Containers}} {{.Images}} {{.DockerRootDir}}'"), f"0 0 {self.place.path('state')}\n")
        self.assertEqual(self.table(self.ok("store-info --usage")), [
            ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"],
            ["Images", "0", "0", "0B", "0B"], ["Containers", "0", "0", "0B", "0B"],
            ["Local Volumes", "0", "0", "0B", "0B"], ["Build Cache", "0", "0", "0B", "0B"]])
        self.assertEqual(os.listdir(self.place.dir), [])

    def test_wrong_usage_touches_nothing(self):
        for line in ("image-list a b", "image-list --filter x=1", "image-list --human", "image-list --inspect", "image-list --history", "image-list --json -q",
                     "image-list --inspect --history x", "image-tag a", "image-tag a b c", "image-tag a B", "image-tag a a@sha256:" + "a" * 64,
                     "image-search", "image-search a b", "image-search --limit 0 a", "image-search --limit 101 a", "image-search --filter x a",
                     "store-info x", "store-info -v", "store-info --json --format x",
                     "image-remove --report x", "image-remove --filter label=x x", "image-remove --prune --filter x", "image-remove --prune --no-prune"):
            with self.subTest(line):
                done = self.place.run(line)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        for line in ("image-list --format '{{'", "image-list --format '{{.Nope}}'", "image-list --inspect --format '{{' x", "store-info --format '{{'"):
            with self.subTest(line):
                done = self.place.run(line)
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                self.assertIn("[E_TEMPLATE]", done.stderr)
        self.assertEqual(os.listdir(self.place.dir), [])


class ListTest(Images):
    def test_rows_ids_and_names(self):
        one, two = self.fetch("one", {"tier": "web"}), self.fetch("two")
        short = {name: image["config"][7:19] for name, image in (("one", one), ("two", two))}
        self.assertEqual(sorted(self.table(self.ok("image-list"))[1:]), [
            ["localhost/one", "latest", short["one"], "N/A", "1.5kB"], ["localhost/two", "latest", short["two"], "N/A", "1.5kB"]])
        self.ok("image-tag localhost/one mine:1 && image-tag localhost/one mine:2")
        self.assertEqual(self.ok("image-list -q mine").split(), [short["one"]] * 2)
        self.assertEqual(self.ok("image-list --format '{{.Repository}}:{{.Tag}}' --filter label=tier").split(), ["localhost/one:latest", "mine:1", "mine:2"])
        self.assertEqual(self.ok("image-list --no-trunc -q two*").split(), [])
        self.assertEqual(self.ok("image-list --no-trunc -q 'localhost/t*'").split(), [two["config"]])
        line = json.loads(self.ok("image-list --json mine:1"))
        self.assertEqual((line["id"], line["names"], line["digests"], line["size"], line["labels"], line["containers"]),
                         (one["config"], ["mine:1"], [], 1500, {"tier": "web"}, []))
        self.ok("image-remove localhost/two")
        self.assertEqual(self.ok("image-list -q --filter dangling=true"), "")

    def test_what_has_no_name_and_who_uses_it(self):
        one = self.fetch("one")
        id_ = self.ok("image-fetch --policy never localhost/one | ns-run --create --name c1 -- sh").strip()
        self.fails("image-remove localhost/one", 1, f'conflict: unable to remove repository reference "localhost/one" (must force) - container {id_[:12]} is using its referenced image {one["config"][7:19]}')
        self.ok("image-remove -f localhost/one")
        self.assertEqual(self.table(self.ok("image-list --filter dangling=true"))[1], ["<none>", "<none>", one["config"][7:19], "N/A", "1.5kB"])
        self.assertEqual(json.loads(self.ok("image-list --json"))["containers"], [id_])
        usage = {kind["type"]: kind for kind in map(json.loads, self.ok("store-info --usage --json").splitlines())}
        self.assertEqual((usage["Images"]["total"], usage["Images"]["active"], usage["Images"]["reclaimable"]), (1, 1, 0))
        self.assertEqual((usage["Containers"]["total"], usage["Containers"]["active"]), (1, 0))
        self.ok("ps-remove c1")
        usage = json.loads(self.ok("store-info --usage --json").splitlines()[0])
        self.assertEqual((usage["active"], usage["reclaimable"]), (0, usage["bytes"]))
        removed = json.loads(self.ok("image-remove --prune --json"))
        self.assertEqual(removed["bytes"], usage["bytes"])

    def test_inspect_and_history(self):
        one = self.fetch("one", {"a": "b"})
        done = self.place.run("image-list --inspect localhost/one none " + one["config"])
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "image-list: No such image: none:latest [E_NOT_FOUND]\n")
        first, second = json.loads(done.stdout)
        self.assertEqual(first, second)
        self.assertEqual((first["Id"], first["Size"], first["Config"]["Labels"]), (one["config"], 1500, {"a": "b"}))
        self.assertTrue(os.path.isdir(first["GraphDriver"]["Data"]["UpperDir"]))
        self.assertEqual(self.ok("image-list --inspect -f x localhost/one 2>&1 || true").count("[E_USAGE]"), 1)
        self.assertEqual(self.ok("image-list --inspect --format '{{.Config.Cmd}} {{index .Config.Labels \"a\"}}' localhost/one"), "[sh] b\n")
        self.assertEqual(self.ok("image-list --history localhost/one"), "IMAGE     CREATED   CREATED BY   SIZE      COMMENT\n")

    def test_a_damaged_store_is_listed_as_far_as_it_goes(self):
        one, two = self.fetch("one"), self.fetch("two")
        with open(self.place.path("state/images/blobs/sha256", one["config"][7:]), "w", encoding="utf-8") as out:
            out.write("{}")
        with open(self.place.path("state/refs/localhost/broken"), "w", encoding="utf-8") as out:
            out.write("x")
        rows = self.table(self.ok("image-list"))
        self.assertIn(["localhost/two", "latest", two["config"][7:19], "N/A", "1.5kB"], rows)
        json.loads(self.ok("image-list --inspect localhost/two"))


    def test_lines_are_as_their_schema_says(self):
        self.fetch("one", {"a": "b"})
        lines = self.ok("image-list --json; image-list --history --json localhost/one; store-info --usage --json").splitlines()
        self.assertEqual(len(lines), 5)
        if jsonschema:
            with open("docs/image-lines.schema.json", encoding="utf-8") as file:
                schema = json.load(file)
            jsonschema.Draft7Validator.check_schema(schema)
            for line in lines:
                jsonschema.Draft7Validator(schema).validate(json.loads(line))


class TagTest(Images):
    def test_a_name_moves_and_the_store_stays_whole(self):
        one, two = self.fetch("one"), self.fetch("two")
        self.assertEqual(self.ok("image-tag localhost/one mine"), "")
        self.assertEqual(json.loads(self.ok("image-fetch --policy never mine"))["stave"]["image"]["config"], one["config"])
        self.ok(f"image-tag {two['config'][7:17]} mine:latest")
        self.assertEqual(json.loads(self.ok("image-fetch --policy never mine"))["stave"]["image"]["config"], two["config"])
        self.ok("store-check")
        with open(self.place.path("state/images/index.json"), encoding="utf-8") as index:
            names = [m["annotations"]["org.opencontainers.image.ref.name"] for m in json.load(index)["manifests"]]
        self.assertEqual(names, ["docker.io/library/mine:latest", "localhost/one:latest", "localhost/two:latest"])
        self.assertEqual(self.ok("image-remove mine"), "Untagged: mine:latest\n")
        self.fails("image-tag none mine", 1, "No such image: none:latest")
        self.fails("image-tag localhost/one Mine", 2, 'Error parsing reference: "Mine" is not a valid repository/tag')


class PruneTest(Images):
    def test_filters_and_report(self):
        for name, labels in (("one", {"keep": "1"}), ("two", {})):
            self.fetch(name, labels)
        out = self.ok("image-remove --prune --all --report --filter label!=keep")
        self.assertRegex(out, r"\ADeleted Images:\nuntagged: localhost/two:latest\nuntagged: localhost/two@sha256:\w{64}\n(deleted: sha256:\w{64}\n)+\nTotal reclaimed space: [0-9.]+kB\n\Z")
        self.assertEqual(self.ok("image-list --format '{{.Repository}}'"), "localhost/one\n")
        self.assertEqual(self.ok("image-remove --prune --report --filter until=1h"), "Total reclaimed space: 0B\n")
        self.ok("store-check")

    # What stays shares a layer with what goes.
    def test_a_filter_leaves_what_others_share(self):
        base = Place.tar([("base", "f", b"b" * 900, 0o644)])
        for name, label in (("one", "goes"), ("two", "stays")):
            source = self.place.layout(name, [base, Place.tar([(name, "f", b"x", 0o644)])], {"Cmd": ["sh"], "Labels": {label: "1"}})
            self.ok(f"image-fetch -q {source}")
            self.ok(f"image-fetch --policy never localhost/{name} > {name}.json")
        self.ok("for n in one two; do ns-run --config $n.json --create --name $n -- sh; image-remove -f localhost/$n; done; ps-remove one two")
        out = self.ok("image-remove --prune --filter label=goes")
        self.assertEqual(out.count("deleted: "), 2)
        self.assertEqual(self.ok("image-list --format '{{.Size}}'"), "901B\n")


class PullTest(Images):
    def setUp(self):
        super().setUp()
        self.host = self.place.registry()
        layers = [Place.tar([(name, "f", name.encode() * 100, 0o644)]) for name in ("one", "two")]
        self.source = self.place.layout("pushed", layers)
        self.ok(f"skopeo copy -q --insecure-policy --dest-tls-verify=false {self.source}:latest docker://{self.host}/a/web:latest")
        with open(self.place.path("pushed/index.json"), encoding="utf-8") as file:
            self.digest = json.load(file)["manifests"][0]["digest"]

    def test_dockers_lines(self):
        name = f"{self.host}/a/web"
        out = self.ok(f"image-fetch --lines --no-document --policy always {name}").splitlines()
        self.assertEqual(out[:2], ["Using default tag: latest", "latest: Pulling from a/web"])
        layers = sorted(out[2:-3])
        self.assertEqual([re.sub(r"^[0-9a-f]{12}", "L", line) for line in layers],
                         ["L: Download complete", "L: Pull complete", "L: Pulling fs layer"] * 2)
        self.assertTrue(all(line.endswith("Pulling fs layer") for line in out[2:4]))
        self.assertRegex(out[-3], r"^Digest: sha256:[0-9a-f]{64}$")
        self.assertEqual(out[-2:], [f"Status: Downloaded newer image for {name}:latest", f"{name}:latest"])
        again = self.ok(f"image-fetch --lines --no-document --policy always {name}:latest").splitlines()
        self.assertEqual(again, ["latest: Pulling from a/web", out[-3], f"Status: Image is up to date for {name}:latest", f"{name}:latest"])
        self.assertEqual(self.ok(f"image-fetch --lines --no-document -q --policy always {name}"), f"{name}:latest\n")
        self.assertEqual(self.ok(f"image-fetch --no-document {name}"), "")
        # A layer of two that is there already.
        self.ok(f"image-remove {name}")
        self.place.wait_for_removers()
        self.ok("image-fetch -q oci:" + self.place.layout("half", [Place.tar([("one", "f", b"one" * 100, 0o644)])])[4:])
        out = self.ok(f"image-fetch --lines --no-document {name}").splitlines()
        self.assertEqual([re.sub(r"^[0-9a-f]{12}", "L", line) for line in out[2:4]], ["L: Already exists", "L: Pulling fs layer"])

    def test_what_run_says_of_a_missing_image(self):
        name = f"{self.host}/a/web"
        done = self.place.run(f"image-fetch --lines {name}")
        self.assertEqual(json.loads(done.stdout)["stave"]["image"]["reference"], f"{name}:latest")
        lines = done.stderr.splitlines()
        self.assertEqual(lines[:2], [f"Unable to find image '{name}:latest' locally", "latest: Pulling from a/web"])
        self.assertEqual(lines[-1], f"Status: Downloaded newer image for {name}:latest")
        self.assertEqual(self.place.run(f"image-fetch --lines {name}").stderr, "")
        self.ok(f"image-remove -q {name}")
        self.assertEqual(self.place.run(f"image-fetch --lines -q {name}").stderr, "")

    def test_a_terminal_gets_one_line_a_layer(self):
        terminal = Terminal(self.place, f"TERM=xterm image-fetch --lines --no-document --policy always {self.host}/a/web")
        self.addCleanup(terminal.close)
        self.assertEqual(terminal.end(), 0)
        self.assertIn(b"\x1b[", terminal.raw)
        self.assertEqual(len(re.findall(rb"\n[0-9a-f]{12}: ", terminal.raw)), 2)

    def test_what_cannot_be_had(self):
        self.fails(f"image-fetch {self.host}/a/web:none", 1, f"image-fetch: manifest for {self.host}/a/web:none not found: ")
        self.fails(f"image-fetch --platform linux/s390x {self.host}/a/web", 1, f"image-fetch: {self.host}/a/web:latest: the image is for linux/amd64, not for linux/s390x [E_PLATFORM]")
        self.fails("image-fetch --policy never x/y", 1, "image-fetch: No such image: x/y:latest [E_NOT_FOUND]")

    def test_digests(self):
        name = f"{self.host}/a/web"
        self.ok(f"image-fetch -q {name} && image-tag {name} mine:1")
        digest = json.loads(self.ok(f"image-list --inspect {name}"))[0]["RepoDigests"]
        self.assertEqual(len(digest), 1)
        rows = sorted(self.table(self.ok("image-list --digests"))[1:])
        self.assertEqual([row[:3] for row in rows], [[name, "latest", digest[0].split("@")[1]], ["mine", "1", "<none>"]])
        self.assertEqual(json.loads(self.ok(f"image-list --inspect {digest[0]}"))[0]["RepoTags"], [f"{name}:latest", "mine:1"])
        self.assertEqual(self.ok("image-remove mine:1"), "Untagged: mine:1\n")
        self.assertTrue(self.ok(f"image-remove {name}").startswith(f"Untagged: {name}:latest\nUntagged: {digest[0]}\nDeleted: sha256:"))


class Hub(http.server.BaseHTTPRequestHandler):
    RESULTS = [{"name": "alpine", "description": "A minimal image,\nwith a description that is longer than forty five characters", "star_count": 100, "is_official": True},
               {"name": "user/alpine", "description": "", "star_count": 2, "is_official": False, "is_automated": True},
               {"name": "evil\x1b[31m", "description": "\x1b]0;x\x07", "star_count": 0, "is_official": False}]
    asked = []

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        Hub.asked.append((url.path, query))
        body = json.dumps({"results": self.RESULTS}).encode()
        if query.get("q") == ["broken"]:
            body = b"<html>"
        self.send_response(503 if query.get("q") == ["busy"] else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class SearchTest(Images):
    def setUp(self):
        super().setUp()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.place.env["STAVE_SEARCH_INDEX"] = f"http://127.0.0.1:{server.server_port}"
        Hub.asked.clear()

    def test_docker_hub(self):
        out = self.ok("image-search 'al pine'")
        self.assertEqual(Hub.asked, [("/v1/search", {"q": ["al pine"], "n": ["25"]})])
        self.assertEqual(out.splitlines()[0].split(), ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"])
        self.assertEqual(self.table(out)[1], ["alpine", "A minimal image, with a description that is …", "100", "[OK]"])
        self.assertNotIn("\x1b", out)
        self.assertEqual(self.ok("image-search -f stars=1 --format '{{.Name}} {{.IsOfficial}}' library/alpine"), "alpine [OK]\nuser/alpine \n")
        self.assertEqual(Hub.asked[-1][1]["q"], ["alpine"])
        self.assertEqual(self.ok("image-search -f is-official=false -f stars=1 --format '{{.Name}}' x"), "user/alpine\n")
        self.assertEqual(self.ok("image-search -f is-automated=true --format '{{.Name}}' x"), "")
        self.assertEqual(json.loads(self.ok("image-search --format json -f stars=3 x")),
                         {"Name": "alpine", "Description": "A minimal image, with a description that is …", "StarCount": "100", "IsOfficial": "true"})
        self.assertEqual(json.loads(self.ok("image-search --json -f stars=3 x"))["stars"], 100)
        self.assertIn("forty five", self.ok("image-search --no-trunc x"))
        self.assertEqual(len(self.ok("image-search --limit 1 x").splitlines()), 2)
        self.fails("image-search broken", 1, "is no list of search results [E_REMOTE]")
        self.fails("image-search busy", 1, "status 503 [E_REMOTE]")
        self.assertEqual(os.listdir(self.place.dir), [])

    def test_a_registry_that_lists_its_repositories(self):
        host = self.place.registry()
        source = self.place.layout("pushed", [Place.tar([("one", "f", b"1", 0o644)])])
        for name in ("a/web", "a/db", "webs"):
            self.ok(f"skopeo copy -q --insecure-policy --dest-tls-verify=false {source}:latest docker://{host}/{name}:1")
        self.assertEqual(self.table(self.ok(f"image-search {host}/web"))[1:], [[f"{host}/a/web", "0"], [f"{host}/webs", "0"]])
        self.assertEqual(self.ok(f"image-search --limit 2 --format '{{{{.Name}}}}' {host}/").split(), [f"{host}/a/db", f"{host}/a/web"])
        self.assertEqual(Hub.asked, [])
        self.fails("image-search 127.0.0.1:1/x", 1, "[E_CONNECT]")


class InfoTest(Images):
    def test_info(self):
        self.fetch("one")
        text = self.ok("store-info")
        self.assertTrue(text.startswith("Client: stave\n Version:    "))
        for line in (" Containers: 0", "  Running: 0", " Images: 1", " Storage Driver: overlay2", "  Backing Filesystem: tmpfs", f" Kernel Version: {os.uname().release}",
                     " OSType: linux", f" Name: {os.uname().nodename}", f" Docker Root Dir: {self.place.path('state')}"):
            self.assertIn(line + "\n", text)
        info = json.loads(self.ok("store-info --json"))
        self.assertEqual((info["Images"], info["NCPU"]), (1, len(os.sched_getaffinity(0))))
        self.assertEqual(info, json.loads(self.ok("store-info --format '{{json .}}'")))
        self.assertEqual(self.ok("store-info --format '{{.OSType}}/{{.Architecture}}'"), f"linux/{os.uname().machine}\n")

    def test_usage(self):
        image = self.fetch("one")
        self.ok("image-fetch --policy never localhost/one | ns-run --create --name c1 -- sh -c x")
        self.assertEqual(self.ok("store-info --usage --format '{{.Type}} {{.TotalCount}} {{.Active}}'").splitlines(),
                         ["Images 1 1", "Containers 1 0", "Local Volumes 0 0", "Build Cache 0 0"])
        text = self.ok("store-info --usage -v")
        tables = text.split("\n\n")
        self.assertEqual([tables[i].splitlines()[-1] for i in (0, 2, 4, 6)], ["Images space usage:", "Containers space usage:", "Local Volumes space usage:", "Build cache usage: 0B"]
                         if len(tables) > 6 else [])
        self.assertIn(["localhost/one", "latest", image["config"][7:19], "1.5kB", "0B", "1.5kB", "1"], [[cell for cell in row if cell] for row in self.table(text)])
        self.assertIn("Created", text)
        usage = json.loads(self.ok("store-info --usage -v --format json"))
        self.assertEqual((usage["Images"][0]["Containers"], usage["Containers"][0]["Names"], usage["Volumes"]), ("1", "c1", []))


if __name__ == "__main__":
    cases.main(own_mounts=True)

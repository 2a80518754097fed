#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""image-remove: Docker's rules and texts, what goes and what stays, pruning, damage, and that removal does
not wait for its files. Needs root."""

import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class Store(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.base = Place.busybox()
        self.containers = []

    def tearDown(self):
        for process in self.containers:
            process.kill()
            process.wait()
        self.place.run("ps-lister -aq | xargs -r ps-remove -f")
        self.place.wait_until_quiet()

    def ok(self, command, **kwargs):
        done = self.place.run(command, **kwargs)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    # Exit code, the message (with a hint) and nothing on stdout.
    def fails(self, command, code, message, stdout=""):
        done = self.place.run(command)
        self.assertEqual((done.returncode, done.stdout), (code, stdout), done.stderr)
        self.assertIn(message, done.stderr)
        return done.stderr

    # An image `name` of its own layer over the shared base; returns its document's stave.image.
    def fetch(self, name, content=None):
        content = name if content is None else content
        top = Place.tar([("own", "f", content.encode(), 0o644)])
        source = self.place.layout("src-" + hashlib.sha256(name.encode()).hexdigest()[:8], [self.base, top],
                                   {"Cmd": ["sh"], "Env": ["PATH=/bin"], "Labels": {"content": content}})
        registry_name = f"{source}:latest"
        self.ok(["image-fetch", "-q", registry_name])
        reference = json.loads(self.ok(["image-fetch", "-q", registry_name]))["stave"]["image"]["reference"]
        self.name(reference, name)
        return json.loads(self.ok(["image-fetch", "--policy", "never", name]))["stave"]["image"]

    # Gives the file of `reference` the name `name`, and takes the old one away.
    def name(self, reference, name, keep=False):
        def path(ref):
            host, _, rest = ref.partition("/")
            repository, _, tag = rest.rpartition(":")
            return self.place.path("state/refs", host, repository, ":" + tag)
        whole = name if "/" in name else "docker.io/library/" + name
        os.makedirs(os.path.dirname(path(whole)), exist_ok=True)
        shutil.copy(path(reference), path(whole))
        if not keep:
            os.unlink(path(reference))
            try:
                os.removedirs(os.path.dirname(path(reference)))
            except OSError:
                pass

    def folder(self, *parts):
        return sorted(n for n in os.listdir(self.place.path("state", *parts)) if not n.startswith("."))

    def names(self):
        found = self.ok("find state/refs -type f -name '[:@]*'").split()
        return sorted(path.removeprefix("state/refs/") for path in found)

    def trash_is_emptied(self):
        self.place.wait_for_removers()
        self.assertEqual(self.folder("trash"), [])

    def run_container(self, name, image, *command):
        process = self.place.start(["bash", "-c", f"image-fetch --policy never {image} | ns-run --name {name} -- sh -c 'echo up; {' '.join(command) or 'exec sleep 1000'}'"], stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "up\n")
        self.containers.append(process)
        return process

    def id_of(self, container):
        return json.loads(self.ok(f"ps-lister -a --json | jq -c 'select(.name == \"{container}\")'"))["id"]


class ByNameTest(Store):
    def test_the_last_name_takes_the_image_along(self):
        one, two = self.fetch("one:1"), self.fetch("two:1")
        out = self.ok("image-remove one:1")
        self.assertRegex(out, r"\AUntagged: one:1\nUntagged: one@sha256:[0-9a-f]{64}\n"
                              rf"Deleted: {one['config']}\nDeleted: {one['layers'][1]}\n\Z")
        self.trash_is_emptied()
        self.assertEqual(self.names(), ["docker.io/library/two/:1"])
        self.assertEqual(self.folder("layers"), sorted(l[7:] for l in two["layers"]))
        self.assertEqual(len(self.folder("images/blobs/sha256")), 4)
        with open(self.place.path("state/images/index.json"), encoding="utf-8") as index:
            self.assertEqual([m["annotations"]["org.opencontainers.image.ref.name"] for m in json.load(index)["manifests"]], ["docker.io/library/two:1"])
        self.assertEqual(self.ok("image-fetch --policy never two:1 | ns-run --rm -- cat /own"), "two:1")
        self.fails("image-remove one:1", 1, "image-remove: No such image: one:1 [E_NOT_FOUND]")
        self.assertEqual(self.ok("image-remove two:1").count("Deleted:"), 3)
        self.trash_is_emptied()
        self.assertEqual((self.folder("layers"), self.folder("images/blobs/sha256"), self.folder("refs")), ([], [], []))

    def test_a_name_among_others_is_only_taken_away(self):
        self.fetch("one:1")
        self.name("docker.io/library/one:1", "one:2", keep=True)
        self.name("docker.io/library/one:1", "reg.io/x/one:1", keep=True)
        self.assertEqual(self.ok("image-remove one:1"), "Untagged: one:1\n")
        self.assertRegex(self.ok("image-remove one:2"), r"\AUntagged: one:2\nUntagged: one@sha256:[0-9a-f]{64}\n\Z")
        self.assertEqual(len(self.folder("layers")), 2)
        self.assertIn("Untagged: reg.io/x/one:1\n", self.ok("image-remove reg.io/x/one:1"))
        self.assertEqual(self.folder("layers"), [])

    def test_each_operand_is_dealt_with(self):
        self.fetch("one:1")
        self.fetch("two:1")
        done = self.place.run("image-remove one:1 none two:1")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "image-remove: No such image: none:latest [E_NOT_FOUND]\n")
        self.assertEqual(re.findall("^Untagged: (...:1)$", done.stdout, re.M), ["one:1", "two:1"])
        self.assertEqual(self.names(), [])

    def test_force_and_quiet_and_json(self):
        self.fetch("one:1")
        done = self.place.run("image-remove -f none")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", "image-remove: No such image: none:latest [E_NOT_FOUND]\n"))
        self.assertEqual(self.ok("image-remove -q one:1"), "")
        image = self.fetch("two:1")
        told = json.loads(self.ok("image-remove --json two:1"))
        self.assertEqual(told["untagged"][0], "two:1")
        self.assertEqual(told["deleted"], [image["config"], image["layers"][1], image["layers"][0]])
        self.assertGreater(told["bytes"], os.path.getsize("/bin/busybox"))

    def test_wrong_usage_touches_nothing(self):
        self.fetch("one:1")
        for line in ("image-remove", "image-remove one:1 UPPER", "image-remove --all one:1", "image-remove --prune one:1",
                     "image-remove -f --prune", "image-remove -q --json one:1", "image-remove one:1 ''"):
            self.assertEqual(self.place.run(line).returncode, 2, line)
        self.assertEqual(self.names(), ["docker.io/library/one/:1"])

    def test_a_digest_is_a_name_of_its_own(self):
        self.fetch("one:1")
        path = self.place.path("state/refs/docker.io/library/one")
        with open(path + "/:1", encoding="utf-8") as file:
            digest = json.load(file)["digest"]
        shutil.copy(path + "/:1", f"{path}/@{digest}")
        self.assertEqual(self.ok(f"image-remove one@{digest}"), f"Untagged: one@{digest}\n")
        self.fails(f"image-remove one@{digest}", 1, f"No such image: one@{digest}")
        # With the last tag it goes, too, and is told once.
        shutil.copy(path + "/:1", f"{path}/@{digest}")
        self.assertEqual(self.ok("image-remove one:1").count(f"Untagged: one@{digest}\n"), 1)
        self.assertEqual((self.names(), self.folder("layers")), ([], []))


class InUseTest(Store):
    def test_a_name_that_a_container_uses(self):
        image = self.fetch("used:1")
        self.ok("image-fetch --policy never used:1 | ns-run --name ended -- true")
        short, container = image["config"][7:19], self.id_of("ended")[:12]
        self.assertIn("hint: remove container ended first", self.fails(
            "image-remove used:1", 1,
            f'image-remove: conflict: unable to remove repository reference "used:1" (must force) - container {container} is using its referenced image {short} [E_IN_USE]'))
        # One name of two is no matter.
        self.name("docker.io/library/used:1", "used:2", keep=True)
        self.assertEqual(self.ok("image-remove used:2"), "Untagged: used:2\n")
        done = self.place.run("image-remove -f used:1")
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("Deleted", done.stdout)
        self.assertIn(f"{short}: its files stay until container ended is removed", done.stderr)
        self.assertEqual(len(self.folder("layers")), 2)
        self.ok("ps-remove ended")
        self.assertIn(f"deleted: {image['config']}\n", self.ok("image-remove --prune"))
        self.assertEqual(self.folder("layers"), [])

    def test_an_id_that_a_container_uses(self):
        image = self.fetch("used:1")
        short = image["config"][7:19]
        self.run_container("runs", "used:1")
        container = self.id_of("runs")[:12]
        for force in ("", "-f "):
            self.assertIn("hint: ps-remove -f runs", self.fails(
                f"image-remove {force}{short}", 1,
                f"conflict: unable to delete {short} (cannot be forced) - image is being used by running container {container} [E_IN_USE]"))
        self.assertEqual(self.names(), ["docker.io/library/used/:1"])
        # By name it may be forced, and the container runs on.
        self.assertIn("Untagged: used:1\n", self.ok("image-remove -f used:1"))
        self.assertEqual(self.ok("image-remove --prune"), "Total reclaimed space: 0B\n")
        self.assertEqual(self.ok(f"cat state/layers/{image['layers'][1][7:]}/fs/own"), "used:1")

    def test_an_id_that_an_ended_container_uses(self):
        image = self.fetch("used:1")
        short = image["config"][7:19]
        self.ok("image-fetch --policy never used:1 | ns-run --name ended -- true")
        container = self.id_of("ended")[:12]
        self.fails(f"image-remove {short}", 1, f"conflict: unable to delete {short} (must be forced) - image is being used by stopped container {container} [E_IN_USE]")
        self.assertRegex(self.ok(f"image-remove -f {short}"), r"\AUntagged: used:1\nUntagged: used@sha256:\w{64}\n\Z")
        # It has no name any more and is still an image.
        self.fails(f"image-remove sha256:{short[:6]}", 1, "(must be forced)")
        self.ok("ps-remove ended")
        self.assertEqual(self.ok(f"image-remove {short}").count("Deleted:"), 3)
        self.trash_is_emptied()

    def test_an_id_with_several_names(self):
        image = self.fetch("one:1")
        short = image["config"][7:19]
        self.name("docker.io/library/one:1", "one:2", keep=True)
        self.fails(f"image-remove {short}", 1, f"conflict: unable to delete {short} (must be forced) - image is referenced in multiple repositories [E_IN_USE]")
        out = self.ok(f"image-remove -f {image['config'][7:]}")
        self.assertRegex(out, rf"\AUntagged: one:1\nUntagged: one:2\nUntagged: one@sha256:\w{{64}}\nDeleted: {image['config']}\n")

    def test_what_is_mounted_stays(self):
        self.fetch("one:1")
        os.mkdir(self.place.path("mnt"))
        self.ok("image-fetch --policy never one:1 | layer-mount --now mnt > mounted.json")
        self.ok("image-remove one:1")
        self.assertEqual(self.ok("cat mnt/own"), "one:1")
        self.ok("image-remove --prune")
        self.assertEqual(self.ok("cat mnt/own; mnt/bin/busybox true"), "one:1")
        self.ok("layer-mount --unmount mnt")
        self.ok("image-remove --prune")
        self.assertEqual(self.folder("layers"), [])

    # Of a single layer, mounted read-only, there is no overlay: the layer itself is bound.
    def test_a_single_layer_that_is_bound_stays(self):
        source = self.place.layout("single", [self.base], {"Cmd": ["sh"]})
        self.ok(["image-fetch", "-q", source])
        os.mkdir(self.place.path("mnt"))
        self.ok(f"image-fetch -q {source} | layer-mount --read-only --now mnt > mounted.json")
        self.assertNotIn("overlay", self.ok("findmnt -n -o FSTYPE mnt"))
        self.ok("image-remove localhost/single")
        self.ok("image-remove --prune")
        self.trash_is_emptied()
        self.assertEqual(len(self.folder("layers")), 1)
        self.ok("mnt/bin/busybox true")
        self.ok("layer-mount --unmount mnt")
        self.ok("image-remove --prune")
        self.assertEqual(self.folder("layers"), [])

    def test_a_document_that_outlived_its_image(self):
        self.fetch("one:1")
        self.ok("image-fetch --policy never one:1 > t.json && image-remove one:1")
        self.assertIn("image-fetch docker.io/library/one:1 brings it back", self.fails("ns-run --rm -- true < t.json", 125, "[E_NO_LAYER]"))
        self.place.wait_until_quiet()


class PruneTest(Store):
    def test_what_a_newer_image_replaced(self):
        old = self.fetch("one:1", "old")
        new = self.fetch("one:1", "new")
        out = self.ok("image-remove --prune")
        self.assertRegex(out, rf"\ADeleted Images:\ndeleted: {old['config']}\ndeleted: {old['layers'][1]}\n\nTotal reclaimed space: [0-9.]+k?B\n\Z")
        self.assertEqual(self.ok("image-remove --prune"), "Total reclaimed space: 0B\n")
        self.assertEqual(self.folder("layers"), sorted(l[7:] for l in new["layers"]))
        self.trash_is_emptied()

    def test_all_that_no_container_uses(self):
        used, unused = self.fetch("used:1"), self.fetch("unused:1")
        self.ok("image-fetch --policy never used:1 | ns-run --name ended -- true")
        out = self.ok("image-remove --prune --all")
        self.assertRegex(out, rf"\ADeleted Images:\nuntagged: unused:1\nuntagged: unused@sha256:\w{{64}}\ndeleted: {unused['config']}\n")
        self.assertEqual(self.names(), ["docker.io/library/used/:1"])
        self.ok("ps-remove ended")
        self.assertRegex(self.ok("image-remove --prune -a"), rf"untagged: used:1\nuntagged: used@sha256:\w{{64}}\ndeleted: {used['config']}\n")
        self.trash_is_emptied()
        self.assertEqual((self.folder("layers"), self.folder("images/blobs/sha256"), self.folder("refs")), ([], [], []))

    def test_quiet_and_json(self):
        self.fetch("one:1")
        self.assertEqual(self.ok("image-remove --prune -q"), "")
        self.assertEqual(json.loads(self.ok("image-remove --prune --json")), {"untagged": [], "deleted": [], "bytes": 0})

    # What a killed remover left in trash/ goes with the next command that writes.
    def test_trash_of_a_dead_one(self):
        self.fetch("one:1")
        for command in ("image-fetch -q one:1 | ns-run --rm -- true", "image-remove one:1"):
            os.makedirs(self.place.path("state/trash/gone-0123456789abcdef/layer-x/fs/usr"))
            self.ok(command)
            self.place.wait_until_quiet()
            self.trash_is_emptied()


class DamageTest(Store):
    def damaged(self, path, content):
        with open(self.place.path(path), "w", encoding="utf-8") as file:
            file.write(content)

    def test_nothing_is_deleted_for_want_of_knowing(self):
        self.fetch("one:1")
        two = self.fetch("two:1")
        before = (self.folder("layers"), self.folder("images/blobs/sha256"), self.names())
        self.damaged("state/refs/docker.io/library/one/:1", "{")
        for line in ("image-remove two:1", "image-remove -f " + two["config"][7:19], "image-remove --prune", "image-remove --prune --all"):
            self.assertIn("hint: store-check", self.fails(line, 1, "nothing was deleted: the reference file of docker.io/library/one:1 is damaged"))
        self.assertEqual((self.folder("layers"), self.folder("images/blobs/sha256"), self.names()), before)
        # The damaged name itself can be removed.
        self.assertEqual(self.ok("image-remove one:1"), "Untagged: one:1\n")
        self.assertIn("Deleted Images:", self.ok("image-remove --prune"))
        self.assertIn("Deleted:", self.ok("image-remove two:1"))

    def test_a_damaged_container_keeps_all(self):
        self.fetch("one:1")
        self.ok("image-fetch --policy never one:1 | ns-run --name ended -- true")
        path = f"state/containers/{self.id_of('ended')}/config.json"
        self.damaged(path, "")
        self.fails("image-remove -f one:1", 1, f"nothing was deleted: {self.place.path(path)}: ")
        self.fails("image-remove --prune", 1, "[E_CORRUPT]")
        self.ok("ps-remove ended && image-remove one:1")


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class ManyFilesTest(Store):
    # Removes an image of so many files; returns the system calls of each process, image-remove's own first.
    def calls(self, files):
        entries = [(f"d{d}", "d", b"", 0o755) for d in range(files // 100)]
        entries += [(f"d{n // 100}/f{n}", "f", b"", 0o644) for n in range(files)]
        self.ok(["image-fetch", "-q", self.place.layout("many", [Place.tar(entries)])])
        [layer] = self.folder("layers")
        reference = self.names()[0].replace("/:", ":")
        out = self.ok(f"strace -f -qq -o log image-remove {reference}")
        self.assertIn(f"Deleted: sha256:{layer}\n", out)
        self.assertEqual((self.folder("layers"), self.names(), self.folder("trash")), ([], [], []))
        calls = {}
        with open(self.place.path("log"), encoding="utf-8") as log:
            for line in log:
                pid, _, call = line.partition(" ")
                calls.setdefault(pid, []).append(call.strip())
        return list(calls.values())

    # 40 000 files cost the command not one system call more than a hundred; another process, in a session of its
    # own, which nobody waits for, deletes them.
    def test_the_command_does_not_deal_with_files(self):
        def unlinks(calls):
            return sum(call.startswith("unlinkat") for call in calls)

        few, many = self.calls(100), self.calls(40000)
        self.assertLess(abs(len(many[0]) - len(few[0])), 10)
        between, deleter = sorted(many[1:], key=unlinks)
        self.assertGreater(unlinks(deleter), 40000)
        self.assertLess(unlinks(many[0]) + unlinks(between), 20)
        self.assertTrue(any(call.startswith("setsid(") for call in between))
        self.assertFalse(any(call.startswith("wait") for call in between))

    # What it has renamed is there when it returns, as long as the one that deletes is held; that one needs nothing
    # of the caller: its streams are closed, so a reader of them sees the end.
    def test_its_streams_end_with_it(self):
        entries = [(f"f{n}", "f", b"", 0o644) for n in range(20000)]
        self.ok(["image-fetch", "-q", self.place.layout("many", [Place.tar(entries)])])
        reference = self.names()[0].replace("/:", ":")
        done = self.place.start(["image-remove", reference], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertIn("Deleted: ", done.communicate(timeout=60)[0])
        self.trash_is_emptied()

    def test_fetched_again_at_once(self):
        entries = [(f"f{n}", "f", b"", 0o644) for n in range(20000)]
        source = self.place.layout("many", [Place.tar(entries)])
        self.ok(["image-fetch", "-q", source])
        reference = self.names()[0].replace("/:", ":")
        for _ in range(3):
            self.ok(f"image-remove -q {reference} && image-fetch -q {source}")
            [layer] = self.folder("layers")
            self.assertEqual(len(os.listdir(self.place.path("state/layers", layer, "fs"))), 20000)
        self.ok(f"image-remove -q {reference}")
        self.trash_is_emptied()

    def test_two_at_once(self):
        names = [f"img{n}:1" for n in range(6)]
        for name in names:
            self.fetch(name)
        removers = [self.place.start(["image-remove", *order], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    for order in (names, names[::-1])]
        told = [remover.communicate(timeout=60) for remover in removers]
        untagged = re.findall("^Untagged: (img.:1)$", told[0][0] + told[1][0], re.M)
        self.assertEqual(sorted(untagged), names)  # each by one of them; the other says that there is none
        self.assertEqual((told[0][1] + told[1][1]).count("[E_NOT_FOUND]"), 6)
        self.assertEqual(sum((told[0][0] + told[1][0]).count(word) for word in ("Deleted:",)), 6 * 2 + 1)
        self.trash_is_emptied()
        self.assertEqual((self.folder("layers"), self.names()), ([], []))


# A registry with one repository, which serves the layouts of a place, and the layer `slow` only when it is let.
class Registry(http.server.ThreadingHTTPServer):
    def __init__(self, place):
        super().__init__(("127.0.0.1", 0), RegistryRequest)
        self.place, self.layout, self.slow = place, None, None
        self.asked, self.let = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    # The address to pull from.
    def name(self):
        return f"127.0.0.1:{self.server_address[1]}/a/slow"

    def serve(self, layout):
        self.layout = self.place.path(layout)
        with open(self.layout + "/index.json", encoding="utf-8") as index:
            self.manifest = json.load(index)["manifests"][0]


class RegistryRequest(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        kind, _, what = self.path.removeprefix("/v2/").removeprefix("a/slow/").partition("/")
        body, headers = b"{}", {"Content-Type": "application/json"}
        if kind in ("manifests", "blobs"):
            digest = self.server.manifest["digest"] if what == "latest" else what
            if digest == self.server.slow:
                self.server.asked.set()
                self.server.let.wait(60)
            with open(f"{self.server.layout}/blobs/sha256/{digest[7:]}", "rb") as file:
                body = file.read()
            if kind == "manifests":
                headers = {"Content-Type": self.server.manifest["mediaType"], "Docker-Content-Digest": digest}
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET


class PullUnderWayTest(Store):
    # The second meaning shares its base with the first. While its own layer is awaited, the name is removed and all
    # is pruned: the base stays, the pull ends well, and the name is there again.
    def test_what_a_pull_has_found_stays(self):
        registry = Registry(self.place)
        self.addCleanup(registry.server_close)
        self.addCleanup(registry.shutdown)
        for word in ("first", "second"):
            self.place.layout(word, [self.base, Place.tar([("own", "f", word.encode(), 0o644)])])
        registry.serve("first")
        first = json.loads(self.ok(["image-fetch", "-q", registry.name()]))["stave"]["image"]
        registry.serve("second")
        with open(self.place.path("second/blobs/sha256", registry.manifest["digest"][7:]), encoding="utf-8") as file:
            registry.slow = json.load(file)["layers"][1]["digest"]
        pull = self.place.start(["image-fetch", "-q", "--policy", "always", registry.name()], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertTrue(registry.asked.wait(60))

        out = self.ok(["image-remove", registry.name()])
        self.assertIn(f"Deleted: {first['config']}\nDeleted: {first['layers'][1]}\n", out)
        self.assertNotIn(first["layers"][0], out)
        self.ok("image-remove --prune --all")
        self.assertEqual(self.folder("layers"), [first["layers"][0][7:]])

        registry.let.set()
        out, err = pull.communicate(timeout=60)
        self.assertEqual(pull.returncode, 0, err)
        self.assertEqual(self.ok("ns-run --rm -- cat /own", input=out), "second")
        self.ok("image-remove " + registry.name())
        self.trash_is_emptied()
        self.assertEqual((self.folder("layers"), self.folder("images/blobs/sha256"), self.folder("ingest")), ([], [], []))


if __name__ == "__main__":
    cases.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Images of 1 to 500 layers, which is what the kernel's overlayfs takes, and of more: fetched, run, mounted at
once, and refused by name. A model here says what the merged tree is. Needs root."""

import json
import os
import sys
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

MOST = 500  # OVL_MAX_STACK
FEW_FILES = ["prlimit", "--nofile=1024:1024"]

place = None


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    unittest.addModuleCleanup(place.close)


# Layer `number` above the base, and what it does to `merged`, {path: text}: a file of its own; each tenth deletes
# one that came five layers before, here and in a folder; each fortieth begins the folder "anew" again.
def layer(number, merged):
    entries = [("data", "d", b"", 0o755), (f"data/{number}", "f", b"%d\n" % number, 0o644), ("same", "f", b"%d\n" % number, 0o644)]
    merged[f"data/{number}"] = merged["same"] = f"{number}\n"
    if number % 10 == 0:
        entries.append((f"data/.wh.{number - 5}", "f", b"", 0o644))
        del merged[f"data/{number - 5}"]
    entries.append(("anew", "d", b"", 0o755))
    if number % 40 == 0:
        entries.append(("anew/.wh..wh..opq", "f", b"", 0o644))
        for path in [path for path in merged if path.startswith("anew/")]:
            del merged[path]
    entries.append((f"anew/{number}", "f", b"", 0o644))
    merged[f"anew/{number}"] = ""
    return Place.tar(entries)


# The reference of an image, and its tree but for the base.
def image(count):
    merged = {}
    layers = [Place.busybox()] + [layer(number, merged) for number in range(1, count)]
    return place.layout(f"image-{count}", layers), merged


FIND = "find /data /anew /same -type f 2>/dev/null | while read -r path; do echo \"$path $(cat \"$path\")\"; done"


def listed(merged, top="/"):
    return sorted(f"{top}{path} {text.strip()}" for path, text in merged.items())


class LayersTest(unittest.TestCase):
    def tearDown(self):
        place.check_nothing_is_left(self)

    def ok(self, command, **kwargs):
        done = place.run(command, **kwargs)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stderr}")
        return done.stdout

    def fetched(self, count, before=()):
        reference, merged = image(count)
        document = self.ok([*before, "image-fetch", "-q", reference])
        with open(place.path("document.json"), "w", encoding="utf-8") as out:
            out.write(document)
        return json.loads(document), merged

    def tree_at(self, top):
        found = {}
        for folder in ("data", "anew", "."):
            for name in os.listdir(f"{top}/{folder}") if os.path.isdir(f"{top}/{folder}") else ():
                path = os.path.normpath(f"{folder}/{name}")
                if path == "same" or folder != ".":
                    with open(f"{top}/{path}", encoding="utf-8") as file:
                        found[path] = file.read()
        return found

    def check_merged(self, count):
        document, merged = self.fetched(count)
        self.assertEqual(len(document["stave"]["image"]["layers"]), count)
        found = self.ok(["sh", "-c", "layer-mount <document.json | ns-run --rm -- sh -c '" + FIND.replace("'", "'\\''") + "; touch /written'"])
        self.assertEqual(sorted(line.rstrip() for line in found.splitlines()), [line.rstrip() for line in listed(merged)])
        top = place.path("mounted")
        os.makedirs(top, exist_ok=True)
        for options, writable in (([], True), (["--read-only"], False)):
            self.ok(["layer-mount", *options, "--now", top], input=json.dumps(document))
            self.assertEqual(self.tree_at(top), merged)
            self.assertEqual(place.run(["touch", top + "/written"]).returncode == 0, writable)
            self.ok(["layer-mount", "--unmount", top])

    def test_one_layer(self):
        self.check_merged(1)

    def test_two_layers(self):
        self.check_merged(2)

    def test_120_layers(self):
        self.check_merged(120)

    def test_400_layers(self):
        self.check_merged(400)

    def test_as_many_as_the_kernel_takes(self):
        self.check_merged(MOST)

    def test_400_layers_with_few_files(self):
        self.fetched(400, FEW_FILES)
        for words in (["ns-run", "--rm", "--", "cat", "/same"], ["layer-mount", "--now", place.dir + "/mounted"]):
            os.makedirs(place.path("mounted"), exist_ok=True)
            done = place.run([*FEW_FILES, "sh", "-c", '"$@" <document.json', "sh", *words])
            self.assertEqual(done.returncode, 0, done.stderr)
        self.ok(["layer-mount", "--unmount", place.path("mounted")])

    def test_400_layers_in_a_user_namespace(self):
        document, merged = self.fetched(400)
        maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        document["linux"]["namespaces"].append({"type": "user"})
        document["linux"].update(uidMappings=maps, gidMappings=maps)
        found = self.ok(["ns-run", "--rm", "--", "sh", "-c", FIND + "; echo 1 >/written && stat -c %u /same /written"], input=json.dumps(document))
        self.assertEqual(sorted(line.rstrip() for line in found.splitlines()[:-2]), [line.rstrip() for line in listed(merged)])
        self.assertEqual(found.splitlines()[-2:], ["0", "0"])

    # Of layers that are there several times, only one is mounted.
    def test_the_same_layer_600_times(self):
        merged = {}
        layers = [Place.busybox()] + [layer(1, merged)] * 600
        document = self.ok(["image-fetch", "-q", place.layout("same", layers)])
        self.assertEqual(self.ok(["ns-run", "--rm", "--", "cat", "/same"], input=document), "1\n")

    def test_more_than_the_kernel_takes(self):
        document, _ = self.fetched(MOST + 1)
        os.makedirs(place.path("refused"), exist_ok=True)
        maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        mapped = json.loads(json.dumps(document))
        mapped["linux"]["namespaces"].append({"type": "user"})
        mapped["linux"].update(uidMappings=maps, gidMappings=maps)
        for code, given, words in ((125, document, ["ns-run", "--rm", "--", "true"]), (125, mapped, ["ns-run", "--rm", "--", "true"]),
                                   (1, document, ["layer-mount", "--now", place.path("refused")])):
            done = place.run(words, input=json.dumps(given))
            self.assertEqual(done.returncode, code)
            self.assertEqual(done.stderr, f"{words[0]}: overlay: {MOST + 1} layers, and the kernel takes {MOST} at the most [E_LIMIT]\n"
                                          "hint: build the image with fewer layers, or squash it\n")
            self.assertEqual(done.stdout, "")

    # The store may hold what cannot be mounted.
    def test_1000_layers_are_fetched(self):
        document, _ = self.fetched(1000)
        self.assertEqual(len(document["stave"]["image"]["layers"]), 1000)

    def test_1000_layers_with_few_files(self):
        reference, _ = image(1000)
        place.run("rm -rf state")
        done = place.run([*FEW_FILES, "image-fetch", "-q", reference])
        self.ok(["image-fetch", "-q", reference])
        if done.returncode != 0:
            self.assertRegex(done.stderr, r"^image-fetch: [^\n]*Too many open files \[E_NO_FILES\]\nhint: [^\n]*ulimit -Hn[^\n]*\n$")


if __name__ == "__main__":
    cases.main()

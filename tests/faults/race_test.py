#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Commands at the same time: one name, one image, lists, forced removals. Needs root."""

import json
import os
import random
import re
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

place = None


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    image = place.layout("shell", [Place.busybox()])
    subprocess.run(["bash", "-ec", f"image-fetch -q {image} > t.json"], env=place.env, cwd=place.dir, check=True)


def tearDownModule():
    if place:
        place.close()


class RaceTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    def start(self, *command):
        return place.start(list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ns_run(self, *words):
        return self.start("ns-run", "--config", place.path("t.json"), *words)

    def test_one_name_goes_to_one_of_twenty(self):
        os.mkdir(place.path("shared"))
        for options in (["--rm"], []):
            # Who gets the name keeps it until all have tried: it waits for a file.
            running = [self.ns_run("--name", "one", *options, "-v", place.path("shared") + ":/shared", "--", "sh", "-c", "until [ -e /shared/go ]; do sleep 0.05; done") for _ in range(20)]
            losers = []
            while len(losers) < 19:
                losers = [process for process in running if process.poll() is not None]
                self.assertLess(len(losers), 20, "nobody got the name")
                time.sleep(0.005)
            with open(place.path("shared/go"), "w", encoding="utf-8"):
                pass
            for process in running:
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 125 if process in losers else 0, out + err)
                if process in losers:
                    self.assertIn("[E_NAME_TAKEN]", err)
            os.unlink(place.path("shared/go"))
            self.assertEqual(len(place.run("ps-lister -aq").stdout.split()), 0 if options else 1)
            place.check_nothing_is_left(self)

    def test_twenty_drawn_names_are_twenty(self):
        running = [self.ns_run("--", "true") for _ in range(20)]
        for process in running:
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, err)
        names = {json.loads(line)["name"] for line in place.run("ps-lister -a --json").stdout.splitlines()}
        self.assertEqual(len(names), 20)

    def test_lists_never_fail_while_containers_come_and_go(self):
        stop = threading.Event()
        wrong = []

        def lister():
            while not stop.is_set():
                done = subprocess.run(["ps-lister", "-a", "--json"], env=place.env, capture_output=True, text=True, check=False)
                shown = [json.loads(line) for line in done.stdout.splitlines()]
                if done.returncode != 0 or done.stderr or any(one["damage"] for one in shown):
                    wrong.append((done.returncode, done.stderr, shown))

        thread = threading.Thread(target=lister)
        thread.start()
        for _ in range(8):
            running = [self.ns_run(*options, "--", "true") for options in (["--rm"], [], ["--rm"], [])]
            for process in running:
                _, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 0, err)
            place.run("ps-lister -aq | xargs -r ps-remove -f")
        stop.set()
        thread.join()
        self.assertEqual(wrong[:1], [])

    def test_forced_removal_against_starts(self):
        chance = random.Random(1)
        for _ in range(25):
            process = self.ns_run(*(["--rm"] if chance.random() < 0.5 else []), "--name", "raced", "--", "sleep", "1000")
            # -f of what is not there yet is no error; so until the run has ended.
            while process.poll() is None:
                done = place.run(["ps-remove", "-f", "raced"])
                if done.returncode != 0:
                    self.assertIn("is being made [E_STATE]", done.stderr)
            _, err = process.communicate(timeout=60)
            # 137: killed while it ran. 125: made undone before it ran.
            self.assertIn(process.returncode, (137, 125), err)
            place.run("ps-remove -f raced")
            self.assertEqual(place.run("ps-lister -aq").stdout, "")
            place.wait_until_quiet()
            self.assertEqual(place.leftovers(), [])

    def test_eight_pulls_of_one_image_fetch_it_once(self):
        host = place.registry()
        layers = [Place.tar([(f"file{n}", "f", random.Random(n).randbytes(2 << 20), 0o644)]) for n in range(3)]
        source = place.layout("large", layers)
        subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", source + ":latest", f"docker://{host}/a/large:latest"], check=True)
        with open(place.path("large/index.json"), encoding="utf-8") as index:
            manifest = json.load(index)["manifests"][0]["digest"]
        with open(place.path("large/blobs/sha256", manifest[7:]), encoding="utf-8") as file:
            size = sum(layer["size"] for layer in json.load(file)["layers"])
        pulls = [self.start("image-fetch", "-q", f"{host}/a/large") for _ in range(8)]
        documents = set()
        for process in pulls:
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, err)
            documents.add(out)
        self.assertEqual(len(documents), 1)
        sent = 0
        with open(place.path("registry.log"), encoding="utf-8") as log:
            for line in log:
                found = re.search(r'"GET /v2/a/large/blobs/[^"]*" (\d+) (\d+)', line)
                if found and found[1] in ("200", "206"):
                    sent += int(found[2])
        self.assertGreaterEqual(sent, size)
        self.assertLess(sent, 1.1 * size)


if __name__ == "__main__":
    cases.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Eight workers pull, run, remove, prune, and kill each other's commands, on images that share layers and whose
names change their meaning. Meanwhile, over and over: every name leads to a whole image, every running container
has its layers, and reads what it should. At the end a prune leaves what names lead to, and the last one nothing.
Three minutes (STAVE_RACE=SECONDS); STAVE_SLICE=3/10 takes a tenth of that. Needs root."""

import collections
import fcntl
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

SECONDS = float(os.environ.get("STAVE_RACE", "180")) / int(os.environ.get("STAVE_SLICE", "0/1").partition("/")[2] or 1)
WORKERS = 8
IMAGES = 4
FILES = 120
place = None


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place(size="1g")


def tearDownModule():
    if place:
        place.run("ps-lister -aq | xargs -r ps-remove -f")  # what a failed test left
        place.wait_until_quiet()
        place.close()


class Broken(Exception):
    pass


# An image with two meanings, of which `flip` makes one current. Its second layer implies its parents, and so is
# filed under its chainID; two images share the layer `shared`.
class Image:
    def __init__(self, number):
        self.number = number
        self.meanings = []
        shared = Place.tar([(f"shared{number // 2}/f{n}", "f", b"shared", 0o644) for n in range(FILES)])
        base = Place.busybox()
        for version in "ab":
            word = f"{number}{version}"
            own = Place.tar([(f"opt/own/f{n}", "f", word.encode(), 0o644) for n in range(FILES)])
            self.source = place.layout(f"src{number}{version}", [base, shared, own], {"Cmd": ["sh"], "Env": ["PATH=/bin"], "Labels": {"word": word}})
            with open(place.path(f"src{number}{version}", "index.json"), encoding="utf-8") as index:
                self.meanings.append(index.read())
        # Both meanings in one layout.
        self.layout = place.path(f"src{number}b")
        subprocess.run(["cp", "-rn", place.path(f"src{number}a", "blobs"), self.layout], check=False)
        self.reference = None

    def flip(self, chance):
        beside = f"{self.layout}/index.json.{threading.get_ident()}"
        with open(beside, "w", encoding="utf-8") as out:
            out.write(chance.choice(self.meanings))
        os.rename(beside, self.layout + "/index.json")


class CollectRaceTest(unittest.TestCase):
    def setUp(self):
        self.images = [Image(n) for n in range(IMAGES)]
        for image in self.images:
            done = place.run(["image-fetch", "-q", image.source])
            self.assertEqual(done.returncode, 0, done.stderr)
            image.reference = json.loads(done.stdout)["stave"]["image"]["reference"]
        self.wrong = []
        self.counts = collections.Counter()
        self.stop = threading.Event()
        os.makedirs(place.path("shared"), exist_ok=True)

    # --- workers -------------------------------------------------------------------------------------

    # Runs a line; with `lives`, it is killed after so many seconds. Returns (code, out, err); code None: killed.
    def line(self, line, lives=None):
        process = subprocess.Popen(["bash", "-c", "set -o pipefail; " + line], env=place.env, cwd=place.dir, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            out, err = process.communicate(timeout=lives or 60)
            return process.returncode, out, err
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            if lives is None:
                raise Broken(f"{line}: has not ended: {out}{err}")
            return None, out, err

    # `words`: what it may fail with, because of the others.
    def expect(self, what, line, *words, lives=None):
        code, out, err = self.line(line, lives)
        if code is None:
            self.counts[what + " killed"] += 1
        elif code == 0:
            self.counts[what] += 1
        elif any(word in err for word in words):
            self.counts[what + " " + next(word for word in words if word in err)] += 1
        else:
            raise Broken(f"{line}: exit {code}: {out}{err}")
        return code, out

    def pull(self, image, chance):
        image.flip(chance)
        lives = chance.random() * 0.15 if chance.random() < 0.3 else None
        # Removed between the end of the pull and the reading of the document.
        self.expect("pull", f"image-fetch -q {image.source} > /dev/null", "No such image: ", "no such image here", "is not unpacked here", "no such blob", "no such layer", lives=lives)

    # Reads files that it has not read before, so that no cache answers for them.
    def run_new(self, image, chance):
        script = f"n=0; while [ $n -lt {FILES} ]; do cat /opt/own/f$n /shared{image.number // 2}/f$n || exit 9; echo; n=$((n+{chance.choice((1, 7))})); done"
        lives = chance.random() * 0.3 if chance.random() < 0.2 else None
        keep = chance.choice(("--rm", ""))
        source = chance.choice((image.source, "--policy never " + image.reference))
        code, out = self.expect("run", f"image-fetch -q {source} | ns-run {keep} -- sh -c '{script}'",
                                "No such image: ", "no such image here", "[E_NO_LAYER]", "is not unpacked here", "no such blob", "no such layer", lives=lives)
        if code == 0 and set(out.split()) - {f"{image.number}{version}shared" for version in "ab"}:
            raise Broken(f"a container of {image.reference} read {set(out.split())}")

    # A template: its image may be long gone, or be another by now.
    def run_template(self, image, chance):
        template = f"t{threading.get_ident()}.json"
        code, _ = self.expect("template", f"image-fetch -q --policy never {image.reference} > {template}", "No such image: ", "no such image here", "is not unpacked", "no such blob", "no such layer")
        time.sleep(chance.random() * 0.05)
        if code == 0:
            self.expect("run of a template", f"ns-run --rm --config {template} -- cat /opt/own/f{chance.randrange(FILES)}", "[E_NO_LAYER]")

    def remove(self, image, chance):
        lives = chance.random() * 0.03 if chance.random() < 0.2 else None
        force = chance.choice(("", "-f "))
        self.expect("remove", f"image-remove {force}{image.reference}", "[E_NOT_FOUND]", "[E_IN_USE]", lives=lives)

    def prune(self, image, chance):
        lives = chance.random() * 0.03 if chance.random() < 0.2 else None
        self.expect("prune", "image-remove --prune" + chance.choice(("", " --all")), lives=lives)

    def remove_containers(self, image, chance):
        self.expect("ps-remove", "ps-lister -aq | shuf -n 3 | xargs -r ps-remove", "[E_RUNNING]", "[E_NO_CONTAINER]", "[E_STATE]", "is being made")

    def work(self, seed):
        chance = random.Random(seed)
        acts = [self.pull, self.pull, self.pull, self.run_new, self.run_new, self.run_template, self.remove, self.prune, self.remove_containers]
        try:
            while not self.stop.is_set():
                chance.choice(acts)(chance.choice(self.images), chance)
        except Broken as broken:
            self.wrong.append(str(broken))
            self.stop.set()

    # --- what must be true ------------------------------------------------------------------------------

    def blob(self, digest, why):
        path = place.path("state/images/blobs/sha256", digest[7:])
        try:
            with open(path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            raise Broken(f"{why} needs blob {digest}, which is not there") from None
        if "sha256:" + hashlib.sha256(content).hexdigest() != digest:
            raise Broken(f"{why}: {digest} is not what its name says")
        return content

    def check_layer(self, keys, why):
        for key in keys:
            folder = place.path("state/layers", key[7:], "fs")
            for sub in ("opt/own", "shared0", "shared1"):
                path = os.path.join(folder, sub)
                if os.path.isdir(path) and len(os.listdir(path)) != FILES:
                    raise Broken(f"{why}: layer {key} has {len(os.listdir(path))} files in {sub}")
            if os.path.isdir(folder):
                return
        raise Broken(f"{why}: no layer {' or '.join(keys)}")

    # With the collector kept out: each name's image is whole.
    def check_names(self):
        lock = os.open(place.path("state/collect.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            for parent, _, files in os.walk(place.path("state/refs")):
                for name in files:
                    if name[0] not in ":@":
                        continue
                    why = os.path.join(parent, name)
                    with open(why, encoding="utf-8") as file:
                        manifest = json.loads(self.blob(json.load(file)["digest"], why))
                    config = json.loads(self.blob(manifest["config"]["digest"], why))
                    chain = None
                    for layer, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"]):
                        self.blob(layer["digest"], why)
                        chain = diff_id if chain is None else "sha256:" + hashlib.sha256(f"{chain} {diff_id}".encode()).hexdigest()
                        self.check_layer({diff_id, chain}, why)
        finally:
            os.close(lock)

    def running(self):
        return set(place.run(["ps-lister", "-q", "--no-trunc"]).stdout.split())

    def check_containers(self):
        for container in self.running():
            try:
                with open(place.path("state/containers", container, "config.json"), encoding="utf-8") as file:
                    layers = json.load(file)["stave"]["image"]["layers"]
                for key in layers:
                    self.check_layer({key}, f"container {container}")
            except FileNotFoundError:
                continue
            except Broken:
                if container in self.running():
                    raise

    def test_no_invariant_is_broken(self):
        workers = [threading.Thread(target=self.work, args=(n,)) for n in range(WORKERS)]
        for worker in workers:
            worker.start()
        checks = 0
        deadline = time.monotonic() + SECONDS
        try:
            while not self.stop.is_set() and time.monotonic() < deadline:
                self.check_names()
                self.check_containers()
                checks += 1
                self.stop.wait(0.2)
        except Broken as broken:
            self.wrong.append(str(broken))
        self.stop.set()
        for worker in workers:
            worker.join()
        print(f"{checks} checks;", ", ".join(f"{what}: {count}" for what, count in sorted(self.counts.items())), flush=True)
        self.assertEqual(self.wrong, [], "\n".join(self.wrong))
        self.check_what_is_left()

    # What killed commands left goes with the next ones.
    def check_what_is_left(self):
        self.line("ps-lister -aq | xargs -r ps-remove -f")
        place.wait_until_quiet()
        self.assertEqual(self.line("image-remove --prune")[0], 0)
        self.check_names()
        if os.path.exists(os.path.join(place.env["PATH"].split(":")[0], "store-check")):
            code, out, err = self.line("store-check")
            self.assertEqual(code, 0, out + err)
        for image in self.images:
            code, _, err = self.line(f"image-fetch -q {image.source} | ns-run --rm -- cat /opt/own/f1")
            self.assertEqual(code, 0, err)
        place.wait_until_quiet()
        code, out, err = self.line("image-remove --prune --all")
        self.assertEqual(code, 0, err)
        folders = {folder: [n for n in os.listdir(place.path("state", folder)) if not n.startswith(".")] for folder in ("refs", "layers", "images/blobs/sha256", "containers", "names")}
        self.assertEqual({folder: names for folder, names in folders.items() if names}, {})
        # Partial blobs are kept for a day, leases and trees are not.
        left = [n for n in os.listdir(place.path("state/ingest")) if n.startswith(("pull-", "layer-"))]
        self.assertEqual(left, [])
        place.wait_for_removers()
        self.assertEqual(os.listdir(place.path("state/trash")), [])


if __name__ == "__main__":
    cases.main()

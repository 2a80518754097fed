# SPDX-License-Identifier: Apache-2.0
"""Runs every sh block of docs/recipes.md; a line's comment is what it prints.

In the blocks `alpine` is the demo image: what is fetched is `oci:` of it. Each block runs in a folder
and with a store of its own, on tmpfs, and must leave neither mount nor cgroup.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

BIN = os.path.abspath("packaging/tree/bin")
DEMO = os.path.abspath("packaging/demo")
MEANWHILE = 60  # seconds for a block


def blocks():
    """(heading, lines) of each sh block."""
    with open("docs/recipes.md", encoding="utf-8") as file:
        text = file.read()
    heading = ""
    for match in re.finditer(r"^## ([^\n]*)$|^```sh\n(.*?)^```$", text, re.M | re.S):
        if match.group(1):
            heading = match.group(1)
        else:
            yield heading, match.group(2)


def script_of(block):
    return re.sub(r"\bimage-fetch alpine\b", "image-fetch oci:" + DEMO, block)


def wanted_of(block):
    """What the block prints: the comments at the ends of its lines."""
    return [line.rsplit(" # ", 1)[1].strip() for line in block.splitlines() if " # " in line]


def left_behind(top):
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        below = [line.split()[4] for line in mounts if top + "/" in line.split()[4]]
    cgroups = subprocess.run(["find", "/sys/fs/cgroup", "-type", "d", "-path", "*stave*"], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, check=False).stdout.split()
    return below, set(cgroups)


class RecipesTest(unittest.TestCase):
    def test_every_recipe(self):
        count = 0
        for heading, block in blocks():
            with self.subTest(heading):
                self.run_block(block)
                count += 1
        self.assertGreater(count, 5)

    def run_block(self, block):
        with tempfile.TemporaryDirectory(prefix="stave-recipe.", dir="/tmp") as top:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "stave-recipe", top], check=True)
            try:
                _, cgroups = left_behind(top)
                self.run_script(block, top)
                self.wait_until_quiet(top)
                self.assertEqual(left_behind(top)[0], [])
                # Somebody else's containers may come and go meanwhile; what is ours stays.
                deadline = time.monotonic() + 20
                left = left_behind(top)[1] - cgroups
                while left and time.monotonic() < deadline:
                    time.sleep(0.05)
                    left &= left_behind(top)[1]
                self.assertEqual(left, set())
            finally:
                subprocess.run(["umount", "-R", "-l", top], check=True)

    # The clean-up of an ended container goes on behind the command's back; its entry goes last.
    def wait_until_quiet(self, top):
        entries = os.path.join(top, "run", "foreground")
        deadline = time.monotonic() + 20
        while os.path.isdir(entries) and os.listdir(entries):
            self.assertLess(time.monotonic(), deadline, "the clean-up does not end")
            time.sleep(0.01)

    def run_script(self, block, top):
        work = os.path.join(top, "work")
        os.mkdir(work)
        environment = {
            "PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": top, "LC_ALL": "C.UTF-8",
            "STAVE_STATE": f"{top}/state", "STAVE_RUN": f"{top}/run",
        }
        done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script_of(block)], cwd=work, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=MEANWHILE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.split("\n")[:-1], wanted_of(block), done.stderr)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit(subprocess.call(["tests/skip.sh", "recipes_test", "needs root"]))
    unittest.main()

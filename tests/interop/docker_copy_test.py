#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""file-copy and layer-diff against docker cp and docker diff: the same acts in a container of dockerd's and in one
of stave's, the same copies, and then the same lines and trees. Needs root."""

import io
import os
import subprocess
import sys
import tarfile
import unittest

sys.path[:0] = ["tests", "tests/interop", "tests/root"]
import dockerd
import engine
import file_copy_test
from dockerd import PARENTS
from layer_diff_test import ACTS, BASE, NEEDS, SECOND

# docker diff compares by mtime where overlay2 does it, and not where it walks both trees.
ONLY_TIME = "C /opt/touched"
SCENE = file_copy_test.FileCopyTest.SCENE.format(top="/s")

world = None


def setUpModule():
    global world
    world = dockerd.start()
    world.layout("both", [world.busybox(NEEDS + BASE), world.tar(SECOND)])
    world.ok("skopeo copy -q --insecure-policy oci:both:latest docker-archive:both.tar:both:1 && $D load -qi both.tar && image-fetch -q oci:both > both.json")


class DockerCopyTest(unittest.TestCase):
    def both(self, script):
        with open(world.path("script"), "w", encoding="utf-8") as out:
            out.write(script)
        world.ok("$D run --network none --name web both:1 sh -c \"$(cat script)\" && ns-run --config both.json --name web -- sh -c \"$(cat script)\"")
        world.wait_until_quiet()
        self.addCleanup(world.run, "$D rm -f web; ps-remove -f web")

    def test_diff(self):
        self.both(ACTS)
        theirs = sorted(world.ok("$D diff web").splitlines())
        ours = sorted(line for line in world.ok("layer-diff web").splitlines() if line != ONLY_TIME or line in theirs)
        self.assertEqual(ours, theirs)

    # What is below /s in the container, with types and sizes.
    def below(self, copy):
        data = subprocess.run(["bash", "-c", copy + " web:/s -"], env=world.env, cwd=world.dir, stdout=subprocess.PIPE, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return sorted((os.path.normpath(member.name), member.type, member.size, member.mode & 0o7777) for member in tar)

    def test_cp_into_a_container(self):
        self.both(SCENE)
        for source, dest, _ in file_copy_test.FileCopyTest.TABLE:
            with self.subTest(source=source, dest=dest):
                world.ok("rm -rf here; mkdir here; cd here;" + file_copy_test.FileCopyTest.SCENE.format(top="s"))
                codes = [world.run(f"{copy} here/s/{source} web:/s/{dest}").returncode for copy in ("$D cp", "file-copy")]
                self.assertEqual(codes[0], codes[1])
                self.assertEqual(self.below("$D cp"), self.below("file-copy"))

    def test_cp_out_of_a_container(self):
        self.both(SCENE)
        for source, dest, _ in file_copy_test.FileCopyTest.TABLE:
            with self.subTest(source=source, dest=dest):
                told = []
                for copy in ("$D cp", "file-copy"):
                    world.ok("rm -rf here; mkdir here; cd here;" + file_copy_test.FileCopyTest.SCENE.format(top="s"))
                    code = world.run(f"{copy} web:/s/{source} here/s/{dest}").returncode
                    told.append((code, world.ok("cd here; find . -printf '%P %y %m %U:%G ' -type f -printf '%s' -o -printf '\\n' | sort")))
                self.assertEqual(told[0], told[1])

    def test_streams_have_the_same_names(self):
        self.both(SCENE + "; ln -s /s/src /link")
        for path in ("/s", "/s/", "/s/.", "/s/src/.", "/s/file", "/link", "/link/", "/link/."):
            with self.subTest(path):
                names = [sorted(os.path.normpath(name) for name in world.ok(f"{copy} web:{path} - | tar -t").splitlines()) for copy in ("$D cp", "file-copy")]
                self.assertEqual(names[0], names[1])


if __name__ == "__main__":
    engine.main(PARENTS)

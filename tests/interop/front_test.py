#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""stave beside Debian's docker: each line of front_lines.txt is given to both, one after the other, each with
its own containers and images. Differences on purpose are told in docs/docker-differences.md, by the words that
the lines bear. Needs root."""

import os
import re
import sys
import unittest

sys.path[:0] = ["tests", "tests/interop"]
import dockerd
import engine
from dockerd import PARENTS

LINES = os.environ.get("STAVE_FRONT_LINES", "tests/interop/front_lines.txt")
DIFFERENCES = os.environ.get("STAVE_DIFFERENCES", "docs/docker-differences.md")

# What no two runs have alike.
ALIKE = [
    (r"sha256:[0-9a-f]{64}", "SHA256"), (r"\b[0-9a-f]{64}\b", "ID"), (r"\b[0-9a-f]{12}\b", "SHORT"),
    (r"\b(\d+|About an?|Less than a) (second|minute|hour)s?( ago)?", "TIME"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"), (r"\bdocker\b", "@"), (r"\bstave\b", "@"), (r"[ \t]+\n", "\n"), (r'"', "'"), (r"requires exactly", "requires"), (r"\b\d+(\.\d+)?([kMG]?B)\b", "SIZE"),
]

world = None


def setUpModule():
    global world
    world = dockerd.start()
    world.ok("$D tag bb:1 shell:1 && $D rmi bb:1 && $D save shell:1 -o shell.tar")


def alike(text):
    for pattern, word in ALIKE:
        text = re.sub(pattern, word, text)
    return text


# What docker complains of, without who says it: its last line of those that are no hint.
def complaint(text):
    lines = [line for line in text.splitlines() if line and not re.match(r"See '|Usage:|Unable to find image|Options:|\s", line)]
    if not lines:
        return ""
    line = re.sub(r"^(docker: |Error: )*(Error response from daemon: )?", "", lines[0])
    return alike(line).rstrip(".")


# [(line, {what: key})] of each part.
def parts():
    found = {}
    with open(LINES, encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if line.startswith("= "):
                part = found.setdefault(line[2:], [])
            elif line and not line.startswith("#"):
                marks = re.findall(r"\{(code|out|words) ([a-z0-9-]+)\} ", line)
                part.append((re.sub(r"\{(code|out|words) [a-z0-9-]+\} ", "", line), dict(marks)))
    return found


class FrontTest(unittest.TestCase):
    # Both have the same image and no container.
    def setUp(self):
        world.ok("$D load -qi shell.tar; image-fetch -q docker-archive:shell.tar > /dev/null && image-tag localhost/shell.tar:latest shell:1 && image-remove -q localhost/shell.tar:latest")
        self.addCleanup(world.run, "$D ps -aq | xargs -r $D rm -f; ps-lister -aq | xargs -r ps-remove -f")

    def both(self, line):
        done = []
        for name in ("$D", "stave"):
            os.makedirs(world.path(name.strip("$")), exist_ok=True)
            words = re.sub(r"(^|[\s|])@ ", lambda found: f"{found.group(1)}{name} ", line)
            words = re.sub(r" N ", " --network none ", words)
            done.append(world.run(f"cd {name.strip('$')}; {words.removeprefix('$ ')}"))
        return done

    def compare(self, part):
        wrong = []
        for line, marks in parts()[part]:
            docker, stave = self.both(line)
            if "code" not in marks and docker.returncode != stave.returncode:
                wrong.append(f"{line}\n  code {docker.returncode}, stave {stave.returncode} {stave.stderr[-300:]!r} docker {docker.stderr[-300:]!r}")
            if "out" not in marks and alike(docker.stdout) != alike(stave.stdout):
                wrong.append(f"{line}\n  out {alike(docker.stdout)[-400:]!r}\n  stave {alike(stave.stdout)[-400:]!r} {stave.stderr[-200:]!r}")
            said = complaint(docker.stderr)
            if "words" not in marks and said.lower() not in alike(stave.stderr).lower():
                wrong.append(f"{line}\n  words {said!r}\n  stave {alike(stave.stderr)[-400:]!r}")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_run(self):
        self.compare("run")

    def test_life(self):
        self.compare("life")

    def test_images(self):
        self.compare("images")

    def test_words(self):
        self.compare("words")

    def test_every_difference_is_told(self):
        with open(DIFFERENCES, encoding="utf-8") as file:
            told = set(re.findall(r"^\| `([a-z0-9-]+)` \|", file.read(), re.M))
        used = {key for part in parts().values() for _, marks in part for key in marks.values()}
        self.assertEqual(used - told, set())


if __name__ == "__main__":
    engine.main(PARENTS)

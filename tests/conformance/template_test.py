#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""libs/template against Go's own text/template (Debian's golang): the same templates over the same data give the same
output and the same words of errors; and the columns of tables against its text/tabwriter."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = ["tests", "tests/conformance"]
import cases
import template_cases

HERE = os.path.dirname(os.path.realpath(__file__))
OURS = os.environ.get("TEMPLATE_DRIVER", "tests/conformance/template_driver")

SEED = 1
RANDOM = 4000

# Where ours is not Go 1.19's, on purpose.
KNOWN = (
    # Go 1.22 and 1.23 know these; so do we.
    lambda case, theirs: re.search(r"range can't iterate over -?\d+$", theirs[1]),
    lambda case, theirs: theirs[1].endswith("unexpected <with> in else"),
    # Complex numbers: we have none.
    lambda case, theirs: re.search(r"[\d.]i", case["template"]),
    # A nil pointer of ours does not know the fields of its type.
    lambda case, theirs: theirs[1].endswith("in type *main.Sub"),
    # Our bound is lower, and another node may reach it.
    lambda case, theirs: "exceeded maximum template depth" in theirs[1],
)


def answers(driver, questions):
    text = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run([driver, json.dumps(template_cases.PLAIN)], input=text.encode(), stdout=subprocess.PIPE, check=True, timeout=60)
    lines = done.stdout.decode().splitlines()
    return [tuple(bytes.fromhex(part).decode("utf-8", "backslashreplace") for part in line.split(" ")) for line in lines]


class Template(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("go") is None:
            raise unittest.SkipTest("go is missing (golang-go)")
        cls.folder = tempfile.mkdtemp(prefix="stave-template.", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        theirs = cls.folder + "/driver"
        env = dict(os.environ, GO111MODULE="off", GOFLAGS="", GOCACHE=cls.folder + "/cache", HOME=cls.folder)
        source = shutil.copy(HERE + "/template_driver.go", cls.folder + "/main.go")
        subprocess.run(["go", "build", "-o", theirs, source], env=env, check=True, timeout=300)
        cls.driver = theirs

    def compare(self, questions):
        """The answers of Go; fails where ours are others."""
        theirs = answers(self.driver, questions)
        ours = answers(OURS, questions)
        self.assertEqual((len(theirs), len(ours)), (len(questions), len(questions)))
        for question, their, our in zip(questions, theirs, ours):
            if their != our and not any(known(question, their) for known in KNOWN):
                with self.subTest(**question):
                    self.assertEqual(our, their)
        return theirs

    def test_cases(self):
        questions = list(template_cases.cases())
        theirs = self.compare(questions)
        self.assertGreaterEqual(len(questions), 300)
        # Neither all fine nor all wrong.
        self.assertGreaterEqual(sum(not error for _, error in theirs), 100)
        self.assertGreaterEqual(sum(bool(error) for _, error in theirs), 100)

    def test_random_cases(self):
        self.compare(list(template_cases.random_cases(SEED, RANDOM)))

    def test_columns(self):
        self.compare(list(template_cases.random_columns(SEED, RANDOM)))


if __name__ == "__main__":
    cases.main()

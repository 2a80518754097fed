# SPDX-License-Identifier: Apache-2.0
"""Runs dev/check-source over the source, and over a small tree of planted faults."""

import os
import subprocess
import sys
import tempfile
import unittest

CHECK = os.path.realpath("dev/check-source")

HEADER = """// SPDX-License-Identifier: Apache-2.0
#ifndef STAVE_LIBS_PTY_A_H_
#define STAVE_LIBS_PTY_A_H_
#endif
"""
PLANTED = {
    "libs/pty/a.h": HEADER,
    "libs/pty/a.cc": """// SPDX-License-Identifier: Apache-2.0
#include "libs/pty/a.h"
#include "libs/mount/b.h"
#include "absl/strings/str_cat.h"
// system("in a comment is fine")
int F() { return open("x", O_RDONLY); }
int G() { return atoi("1"); }
int H() { return open("x", O_RDONLY); }  // lint: the reason
""",
    "libs/pty/BUILD": """
cc_library(name = "a", srcs = ["a.cc"], hdrs = ["a.h"], deps = ["//libs/mount:b", "@zlib"])
""",
    "libs/mount/b.h": HEADER,
    "libs/mount/BUILD": 'cc_library(name = "b", hdrs = ["b.h"])\n',
    "libs/runtime/c.cc": "// SPDX-License-Identifier: Apache-2.0\nint F() { return mkdir(path, 0755); }\n",
    "libs/runtime/BUILD": 'cc_library(name = "c", srcs = ["c.cc"])\n',
    "tools/stave/BUILD": 'cc_library(name = "d", deps = ["//libs/base:error", "//libs/store"])\n',
}
WANTED = [
    "libs/mount/b.h:1: the include guard is not STAVE_LIBS_MOUNT_B_H_",
    "libs/pty/BUILD:1: //libs/pty:a: libs/pty does not see libs/mount (//libs/mount:b)",
    "libs/pty/BUILD:2: a label of another repository: only third_party/ names those",
    "libs/pty/a.cc:4: //libs/pty:a includes absl/strings/str_cat.h without //third_party/absl:strings in deps",
    "libs/pty/a.cc:6: open without O_CLOEXEC",
    "libs/pty/a.cc:7: atoi(: libs/base/number.h",
    "libs/runtime/c.cc:2: mkdir by path in an engine: libs/rootpath gives descriptors",
    "tools/stave/BUILD:1: //tools/stave:d: the front-end does not use //libs/store:store",
]


def check(*arguments):
    return subprocess.run([sys.executable, CHECK, *arguments], stdout=subprocess.PIPE, text=True, check=False)


class CheckSourceTest(unittest.TestCase):
    def test_the_source_has_no_findings(self):
        done = check()
        self.assertEqual(done.returncode, 0, "\n" + done.stdout)

    def test_planted_faults_are_found(self):
        with tempfile.TemporaryDirectory() as top:
            for path, text in PLANTED.items():
                os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
                with open(os.path.join(top, path), "w", encoding="utf-8") as file:
                    file.write(text)

            done = check(top)

        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.splitlines(), WANTED)


if __name__ == "__main__":
    unittest.main()

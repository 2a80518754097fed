# SPDX-License-Identifier: Apache-2.0
"""docs/errors.md and the code name the same E_ words."""

import os
import re
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.realpath("dev/check-source")))
# The status that ends a program without a word.
NOT_OURS = {"E_SILENT"}


def words_of_the_code():
    found = {}
    for folder in ("libs", "tools"):
        for here, _, names in os.walk(os.path.join(TOP, folder)):
            for name in names:
                if name.endswith((".cc", ".h")) and not name.endswith("_test.cc"):
                    path = os.path.join(here, name)
                    with open(path, encoding="utf-8") as file:
                        for word in re.findall(r'"(E_[A-Z_]+)"', file.read()):
                            found.setdefault(word, os.path.relpath(path, TOP))
    return found


class ErrorsTest(unittest.TestCase):
    def test_the_table_lists_every_word_and_no_other(self):
        with open("docs/errors.md", encoding="utf-8") as file:
            listed = set(re.findall(r"^\| `(E_[A-Z_]+)`", file.read(), re.M))
        used = words_of_the_code()
        self.assertEqual({word: path for word, path in used.items() if word not in listed | NOT_OURS}, {})
        self.assertEqual(listed - set(used), set())


if __name__ == "__main__":
    unittest.main()

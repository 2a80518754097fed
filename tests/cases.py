# SPDX-License-Identifier: Apache-2.0
"""unittest for Bazel: main() runs the test cases of the calling module and writes test.xml, so that
dev/test counts each of them. A skip prints its reason. With own_mounts the tests run in a mount namespace
of their own: what they mount cannot stay busy in one that somebody else makes meanwhile."""

import os
import sys
import time
import unittest
import xml.sax.saxutils as sax


class _Result(unittest.TextTestResult):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.lines = []
        self.started = 0.0

    def startTest(self, test):
        self.started = time.monotonic()
        super().startTest(test)

    def _add(self, test, inner=""):
        name = sax.quoteattr(test.id().removeprefix("__main__."))
        self.lines.append(f'<testcase name={name} time="{time.monotonic() - self.started:.3f}">{inner}</testcase>')

    def addSuccess(self, test):
        super().addSuccess(test)
        self._add(test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._add(test, "<failure/>")

    def addError(self, test, err):
        super().addError(test, err)
        self._add(test, "<error/>")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._add(test, f"<skipped message={sax.quoteattr(reason)}/>")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._add(test)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self._add(test, "<failure/>")


def main(own_mounts=False):
    if own_mounts and os.geteuid() == 0 and os.environ.get("STAVE_OWN_MOUNTS") != "1":
        os.environ["STAVE_OWN_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "slave", sys.executable, *sys.argv])
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=_Result)
    result = runner.run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    if "XML_OUTPUT_FILE" in os.environ:
        with open(os.environ["XML_OUTPUT_FILE"], "w", encoding="utf-8") as out:
            out.write("<testsuites><testsuite>" + "".join(result.lines) + "</testsuite></testsuites>\n")
    sys.exit(not result.wasSuccessful())

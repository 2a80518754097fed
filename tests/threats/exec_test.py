#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A container that hunts those who enter it: rows 1 and 3 of threats-and-faults.md, table 1A. Its first
process watches /proc for new processes while hundreds of `exec` come in, opens their executables to write to
them, their descriptors, roots and working directories, and traces them. Needs root."""

import os
import re
import select
import signal
import sys
import unittest

sys.path[:0] = ["tests", "tests/threats"]
import cases
from ground import NsExecSkin, OciSkin, break_ground

ground = None
TIMES = int(os.environ.get("STAVE_EXECS", "150"))


def setUpModule():
    global ground
    ground = break_ground()


class Hunts:
    def hunter(self, edit, options=()):
        open(ground.path("oci.out"), "w", encoding="utf-8").close()
        ident = self.background("plain", ["/probe", "hunt", ground.sentinel + "/secret"], edit=edit, options=options)
        while "hunting" not in self.report():
            pass
        return ident

    def report(self):
        with open(ground.path("oci.out"), encoding="utf-8") as file:
            return file.read()

    # Ends the hunt; returns what was found, and how many new processes were seen.
    def end(self, ident):
        pidfd = os.pidfd_open(self.pid(ident))
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        self.assertEqual(select.select([pidfd], [], [], 20)[0], [pidfd])
        os.close(pidfd)
        report = self.report()
        counts = re.search("^born ([0-9]+) looked ([0-9]+) seized ([0-9]+)$", report, re.M)
        print(f"  {counts.group()}; " + ", ".join(sorted({line.split(" ", 2)[2] for line in report.splitlines() if line.startswith("exe ")})), flush=True)
        return [line for line in report.splitlines() if line.startswith("found")], int(counts.group(1))

    # A payload has the descriptors 0-2; what else a newcomer holds is stave's, and only who may trace anything
    # may see it.
    def hunted(self, edit, options=(), users=("0", "1000"), traces=False):
        ident = self.hunter(edit, options)
        for number in range(TIMES):
            self.assertEqual(self.inside(ident, "true", options=["--user", users[number % len(users)]]).returncode, 0)
        found, born = self.end(ident)
        self.assertGreater(born, 0, "new processes that it saw")
        self.assertEqual([line for line in found if not traces or " descriptor " not in line], [])

    def test_rows_01_03_exec_into_a_container_that_hunts(self):
        self.hunted(None)

    def test_rows_01_03_exec_into_a_hunter_without_a_filter(self):
        def edit(config):
            del config["linux"]["seccomp"]
        self.hunted(edit)

    # The capability lets it look into every process of its pid namespace: what it sees there must be the
    # container's already.
    def test_rows_01_03_exec_into_a_hunter_that_may_trace(self):
        self.hunted(None, options=["--cap-add", "SYS_PTRACE"], traces=True)

    def test_rows_01_03_exec_into_a_hunter_that_may_do_all(self):
        def all_that_there_is(config):  # root of the test machines lacks one itself
            for names in config["process"]["capabilities"].values():
                if "CAP_SYS_RESOURCE" in names:
                    names.remove("CAP_SYS_RESOURCE")
        self.hunted(all_that_there_is, options=["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"], users=("0",), traces=True)


class NsExec(Hunts, NsExecSkin, unittest.TestCase):
    pass


class StaveOci(Hunts, OciSkin, unittest.TestCase):
    # Kubernetes' shareProcessNamespace: a second container is made in the pid namespace of the hunter. (One
    # with CAP_SYS_PTRACE there is trusted, as with runc: docs/security.md.)
    def test_rows_01_03_a_container_made_in_the_hunters_pid_namespace(self):
        ident = self.hunter(None)
        pid = self.pid(ident)

        def joined(config):
            for one in config["linux"]["namespaces"]:
                if one["type"] == "pid":
                    one["path"] = f"/proc/{pid}/ns/pid"
        for _ in range(TIMES // 5):
            self.ok("plain", ["true"], edit=joined)
        found, born = self.end(ident)
        self.assertGreater(born, 0)
        self.assertEqual(found, [])


if __name__ == "__main__":
    cases.main()

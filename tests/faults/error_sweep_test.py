#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ENOSPC and EIO from each system call that writes, at its first, second .. call in any task (strace's
injection): the command fails with one line, or does all that it says; then it works. An fsync that
fails is never passed over. STAVE_SLICE=3/10 tries a tenth. Needs root."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import kill_sweep_test as whole
import sweep
from place import Place

CALLS = "write pwrite64 ftruncate fsync fdatasync syncfs mkdir mkdirat rename renameat renameat2 link linkat symlink symlinkat unlinkat fallocate copy_file_range mknodat fchownat fchmod utimensat".split()
SYNCS = ("fsync", "fdatasync", "syncfs")
MAX_CALL = 40  # of one task


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class ErrorSweepTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.number = 0
        self.tried = 0

    # Runs `command` with one error; None once no task makes the call so often. strace exits as the
    # program does.
    def inject(self, command, call, error, n):
        trace = self.place.path("trace")
        # If it is not the program that is traced but its child, the child's calls count for themselves.
        done = self.place.run(["strace", "-f", "-qq", "-o", trace, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={n}", *command], timeout=60)
        with open(trace, encoding="utf-8", errors="replace") as lines:
            return done if any("(INJECTED)" in line for line in lines) else None

    def points(self):
        share, of = sweep.share_of_slice()
        for call in CALLS:
            for error in ("ENOSPC", "EIO"):
                for n in range(1, MAX_CALL + 1):
                    self.number += 1
                    yield call, error, n, self.number % of == share % of

    def sweep(self, command, failure_code, check):
        failures, skipped = [], set()
        for call, error, n, chosen in self.points():
            if not chosen or any(c == call and n >= m for c, m in skipped):
                continue
            done = self.inject(command, call, error, n)
            if done is None:
                skipped.add((call, n))
                check(None)
                continue
            self.tried += 1
            try:
                self.assertIn(done.returncode, (0, failure_code), done.stderr)
                if done.returncode != 0:
                    said = [line for line in done.stderr.splitlines() if not line.startswith("hint:")]
                    self.assertTrue(re.search(r"\[E_[A-Z_]+\]$", said[-1]) if said else call == "write", done.stderr)
                check(done)
                if call in SYNCS:
                    self.assertNotEqual(done.returncode, 0, "the error was passed over")
            except (AssertionError, OSError) as wrong:
                failures.append(f"{call} {error} {n}: {str(wrong)[:800]}")
                print(failures[-1], flush=True)
                if len(failures) == sweep.MAX_FAILURES:
                    break
        print(f"{command[0]}: {self.tried} points, {len(failures)} wrong", flush=True)
        self.assertEqual(failures, [], "\n".join(failures))

    def test_image_fetch(self):
        command = ["image-fetch", "-q", whole.layered(self.place)]
        state = self.place.path("state")
        self.assertEqual(self.place.run(command).returncode, 0)
        right = sweep.snapshot(state)
        shutil.rmtree(state)

        def check(done):
            if done is not None:
                found = sweep.snapshot(state)
                for path, entry in found.items():
                    self.assertEqual(entry, right.get(path), f"{path} has its name and is not whole")
                if done.returncode == 0:
                    self.assertEqual(found, right)
                    json.loads(done.stdout)
                again = self.place.run(command)
                self.assertEqual(again.returncode, 0, again.stderr)
                self.assertEqual(sweep.snapshot(state), right)
                self.assertEqual(os.listdir(state + "/ingest"), [])
            shutil.rmtree(state)

        self.sweep(command, 1, check)

    def test_ns_run(self):
        whole.prepare(self.place)
        command = ["ns-run", "--config", self.place.path("limited.json"), "--name", "web", "--", "true"]

        def check(done):
            clean = self.place.run(["ns-run", "--rm", "--config", self.place.path("t.json"), "--", "echo", "next"])
            self.assertEqual((clean.returncode, clean.stdout), (0, "next\n"), clean.stderr)
            self.place.wait_until_quiet(10)
            shown = [json.loads(line) for line in self.place.run("ps-lister -a --json").stdout.splitlines()]
            if done is not None:
                # What ran and could not be written down is kept, with an unknown end.
                self.assertIn(len(shown), (1,) if done.returncode == 0 else (0, 1), f"exit {done.returncode}, {done.stderr}, shown: {shown}")
                self.assertTrue(all(one["state"] == "exited" for one in shown), shown)
            self.place.run("ps-remove -f web")
            self.place.wait_until_quiet(10)
            self.assertEqual(self.place.leftovers(), [])

        self.sweep(command, 125, check)


if __name__ == "__main__":
    cases.main()

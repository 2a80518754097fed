#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ENOSPC, EDQUOT and EIO from each system call that writes, and what calls say where descriptors, processes
or memory are short, at the first, second .. such call in any task (strace's injection): the command
fails with one line that has the right word, or does all that it says; then it works. An fsync that fails is
never passed over. And SIGTERM at each of them. STAVE_SLICE=3/10 tries a tenth. Needs root."""

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
OTHER_CALLS = "openat openat2 fsetxattr fchown lchown fchmodat chmod read pread64 getdents64 flock".split()
WORDS = {"ENOSPC": "E_NO_SPACE", "EDQUOT": "E_NO_SPACE", "EIO": "E_IO", "EMFILE": "E_NO_FILES", "ENFILE": "E_NO_FILES", "ENOMEM": "E_NO_MEMORY"}
SYNCS = ("fsync", "fdatasync", "syncfs")
INGEST = re.compile("((sha256|layer)-[0-9a-f]{64}([.]lock)?|pull-[0-9a-f]{16})$")
PART = re.compile("sha256-[0-9a-f]{64}([.]lock)?$")
FIRST = {"mmap": 2}  # the first is the loader's own, which does not look
MAX_CALL = 40  # of one task

# (call, error): what is tried of any command, and what more of one that fetches.
FAULTS = [(call, error) for call in CALLS for error in ("ENOSPC", "EIO")]
FETCH_FAULTS = FAULTS + [(call, "EDQUOT") for call in CALLS] + [(call, "EIO") for call in OTHER_CALLS] + [
    ("openat", "EMFILE"), ("openat", "ENFILE"), ("openat2", "EMFILE"), ("pipe2", "EMFILE"), ("fcntl", "EMFILE"), ("dup2", "EMFILE"),
    ("clone", "EAGAIN"), ("clone3", "EAGAIN"), ("mmap", "ENOMEM")]


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class ErrorSweepTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.number = 0
        self.ended = False
        self.words = {}  # those that its errors must have
        self.tried = 0

    # Runs `command` with one error (or SIGTERM); None once no task makes the call so often. strace exits as
    # the program does.
    def inject(self, command, call, error, n):
        trace = self.place.path("trace")
        what = "signal=TERM" if error == "SIGTERM" else "error=" + error
        # If it is not the program that is traced but its child, the child's calls count for themselves.
        done = self.place.run(["strace", "-f", "-qq", "-o", trace, "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={n}", *command], timeout=60)
        with open(trace, encoding="utf-8", errors="replace") as lines:
            return done if any("(INJECTED)" in line or "--- SIGTERM" in line for line in lines) else None

    def points(self, faults):
        share, of = sweep.share_of_slice()
        for call, error in faults:
            for n in range(FIRST.get(call, 1), MAX_CALL + 1):
                self.number += 1
                yield call, error, n, self.number % of == share % of

    # One line that names the error; the loader of shared libraries has words of its own.
    def check_words(self, call, error, done):
        said = [line for line in done.stderr.splitlines() if not line.startswith("hint:")]
        if call == "write" and not said:
            return
        if any("error while loading shared libraries" in line for line in said):
            return
        self.assertTrue(said and re.search(r"\[E_[A-Z_]+\]$", said[-1]), done.stderr)
        if error in self.words:
            self.assertTrue(said[-1].endswith(f"[{self.words[error]}]") or "E_CONFINE" in said[-1], done.stderr)
            self.assertEqual(len(said), 1, done.stderr)

    def sweep(self, command, failure_code, check, faults=tuple(FAULTS)):
        failures, skipped = [], set()
        for call, error, n, chosen in self.points(faults):
            if not chosen or any(c == call and n >= m for c, m in skipped):
                continue
            done = self.inject(command, call, error, n)
            if done is None:
                skipped.add((call, n))
                check(None)
                continue
            self.tried += 1
            try:
                self.assertIn(done.returncode, (0, failure_code, *((-15,) if error == "SIGTERM" else ())), done.stderr)
                if done.returncode > 0:
                    self.check_words(call, error, done)
                check(done, call)
                if call in SYNCS and error != "SIGTERM":
                    self.assertNotEqual(done.returncode, 0, "the error was passed over")
            except (AssertionError, OSError) as wrong:
                failures.append(f"{call} {error} {n}: {str(wrong)[:800]}")
                print(failures[-1], flush=True)
                if len(failures) == sweep.MAX_FAILURES:
                    break
        print(f"{command[0]}: {self.tried} points, {len(failures)} wrong", flush=True)
        self.assertEqual(failures, [], "\n".join(failures))

    def check_of_fetch(self, command):
        state = self.place.path("state")
        self.assertEqual(self.place.run(command).returncode, 0)
        right = sweep.snapshot(state)
        shutil.rmtree(state)

        def check(done, call=None):
            if done is not None:
                left = os.listdir(state + "/ingest") if os.path.exists(state + "/ingest") else []
                self.assertEqual([name for name in left if not (PART if self.ended else INGEST).match(name)], [])
                if "[E_NO_SPACE]" in done.stderr and call != "unlinkat":
                    self.assertEqual(left, [], done.stderr)
                found = sweep.snapshot(state)
                for path, entry in found.items():
                    if not (self.ended and os.path.basename(path).startswith(".")):  # beside a file: the next one removes it
                        self.assertEqual(entry, right.get(path), f"{path} has its name and is not whole")
                if done.returncode == 0:
                    self.assertEqual(found, right)
                    json.loads(done.stdout)
                again = self.place.run(command)
                self.assertEqual(again.returncode, 0, again.stderr)
                self.assertEqual(sweep.snapshot(state), right)
                self.assertEqual(os.listdir(state + "/ingest"), [])
            shutil.rmtree(state)

        return check

    def test_image_fetch(self):
        command = ["image-fetch", "-q", whole.layered(self.place)]
        self.words = WORDS
        self.sweep(command, 1, self.check_of_fetch(command), FETCH_FAULTS)

    # The task that makes the call is told to end: it, or who waits for it, tidies.
    def test_image_fetch_is_told_to_end(self):
        command = ["image-fetch", "-q", whole.layered(self.place)]
        self.ended = True
        self.sweep(command, 1, self.check_of_fetch(command), [(call, "SIGTERM") for call in (*CALLS, *OTHER_CALLS, "wait4", "close")])

    def test_ns_run(self):
        whole.prepare(self.place)
        command = ["ns-run", "--config", self.place.path("limited.json"), "--name", "web", "--", "true"]

        def check(done, _=None):
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

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two containers share a volume: one exchanges names in it at full speed (renameat2, RENAME_EXCHANGE), the
other is started over and over. Whichever name a start meets, nothing happens outside of it: the sentinel, the
programs, the mounts and the kernel's knobs stay as they were. A minute for each shape; STAVE_SLICE=3/10 takes a
tenth of that. Prints how many starts were raced, and how many of them were refused. Needs root."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path[:0] = ["tests", "tests/threats"]
import cases
from ground import PROBE, NsRunSkin, OciSkin, break_ground, knobs

ground = None
SECONDS = float(os.environ.get("STAVE_RACE", "60")) / int(os.environ.get("STAVE_SLICE", "0/1").partition("/")[2] or 1)
OUT = "../../../../../../../../../../.."


def setUpModule():
    global ground
    ground = break_ground()


def tmpfs(destination):
    return {"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev"]}


def bind(source, destination):
    return {"destination": destination, "type": "bind", "source": source, "options": ["rbind", "rw"]}


class Races:
    # The volume with `name`, which is exchanged with a symlink to each of `targets` in turn, for a share of the
    # time; `started(done)` looks at each start.
    def race(self, name, targets, args, edit, started=lambda done: None, terminal=False, reset=lambda: None, seconds=SECONDS):
        begun, starts, refused, exchanges = time.monotonic(), 0, 0, 0
        command = self.prepared(args, edit)
        for number, target in enumerate(targets):
            other = self.volume + "/.other"
            if os.path.islink(other):
                os.unlink(other)
            os.symlink(target, other)
            racer = subprocess.Popen([PROBE, "exchange", f"{self.volume}/{name}", other], stdout=subprocess.PIPE, text=True)
            try:
                while time.monotonic() < begun + seconds * (number + 1) / len(targets):
                    done = self.once(command, terminal)
                    started(done)
                    self.unharmed()
                    reset()
                    starts += 1
                    refused += done.returncode != 0
            finally:
                racer.send_signal(signal.SIGTERM)
                exchanges += int(racer.communicate()[0])
            if os.path.islink(f"{self.volume}/{name}"):
                os.rename(f"{self.volume}/{name}", other + "2")
                os.rename(other, f"{self.volume}/{name}")
                os.rename(other + "2", other)
        print(f"  {starts} starts raced, {refused} refused, {exchanges} exchanges, {time.monotonic() - begun:.1f} s", flush=True)
        self.assertGreater(starts, refused, "it never starts, so nothing is tried")

    def unharmed(self):
        self.assertEqual(sorted(os.listdir(ground.sentinel)), ["folder", "secret"])
        self.assertEqual(os.listdir(ground.sentinel + "/folder"), [])
        with open(ground.sentinel + "/secret", encoding="utf-8") as file:
            self.assertEqual(file.read(), "the host's\n")
        self.assertEqual(knobs(), ground.before[3])

    def once(self, command, terminal):
        if not terminal:
            return ground.run(command(), timeout=60)
        master, slave = pty.openpty()
        process = subprocess.Popen(command(), env=ground.env, cwd=ground.dir, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        out = b""
        try:
            while data := os.read(master, 4096):
                out += data
        except OSError:  # the last one has closed the terminal
            pass
        os.close(master)
        return subprocess.CompletedProcess([], process.wait(), out.decode(errors="replace"), "")

    def setUp(self):
        super().setUp()
        self.volume = ground.path("volume")
        shutil.rmtree(self.volume, ignore_errors=True)
        os.mkdir(self.volume)

    # --- the shapes --------------------------------------------------------------------------------

    def test_row_04_mounts_over_what_is_exchanged(self):  # CVE-2021-30465
        os.mkdir(self.volume + "/x")

        def edit(config):
            config["mounts"] += [bind(self.volume, "/vol"), tmpfs("/vol/x"), bind("/etc/hostname", "/vol/x/y")]
        self.race("x", [ground.sentinel, OUT + ground.sentinel, "/", OUT], ["true"], edit)

    def test_row_05_masks_and_a_null_device_that_is_exchanged(self):  # CVE-2025-31133
        os.mkdir(self.volume + "/pts")
        os.mknod(self.volume + "/null", 0o666 | 0o020000, os.makedev(1, 3))
        with open(self.volume + "/file", "w", encoding="utf-8"):
            pass

        def edit(config):
            config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]
            config["mounts"] += [bind(self.volume, "/dev"), bind(self.volume, "/vol")]
            config["linux"]["maskedPaths"].append("/vol/null")
        evil = ["sh", "-c", "for f in /proc/keys /proc/kcore /proc/timer_list /vol/null; do echo evil > $f; done; cat /proc/keys"]

        def started(done):
            self.assertNotIn("keyring", done.stdout)
        targets = ["/proc/sys/kernel/core_pattern", ground.sentinel + "/secret", OUT + "/proc/sys/kernel/core_pattern"]
        self.race("null", targets, evil, edit, started)

    def test_row_06_a_console_that_is_exchanged(self):  # CVE-2025-52565
        os.mkdir(self.volume + "/pts")

        def edit(config):
            points = [m for m in config["mounts"] if m["destination"] == "/dev/pts"]
            config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]
            config["mounts"] += [bind(self.volume, "/dev"), *points]
            config["process"]["terminal"] = True
        evil = ["sh", "-c", "echo evil > /dev/console; echo evil > /dev/pts/0; true"]
        for name in ("console", "pts"):
            if name == "console":
                with open(self.volume + "/console", "w", encoding="utf-8"):
                    pass
            files, folders = ["/proc/sys/kernel/core_pattern", ground.sentinel + "/secret"], [ground.sentinel + "/folder", OUT + ground.sentinel]
            self.race(name, files if name == "console" else folders, evil, edit, terminal=True, seconds=SECONDS / 2)

    def test_row_07_what_is_written_in_proc_while_mounts_move(self):  # CVE-2025-52881
        os.mkdir(self.volume + "/x")

        def edit(config):
            config["mounts"] += [bind(self.volume, "/vol"), tmpfs("/vol/x")]
            config["linux"]["sysctl"] = {"kernel.shm_rmid_forced": "1"}
            config["process"]["oomScoreAdj"] = 500

        def started(done):
            self.assertIn(done.stdout, ("", "1\n500\n"), done.stderr)
        look = ["cat", "/proc/sys/kernel/shm_rmid_forced", "/proc/self/oom_score_adj"]
        self.race("x", ["/proc/sys/kernel", "/proc/self", "/proc/thread-self/attr", "/proc/sys", "/proc"], look, edit, started)

    def test_row_07_a_file_of_proc_behind_what_is_exchanged(self):
        with open(self.volume + "/f", "w", encoding="utf-8"):
            pass

        def edit(config):
            config["mounts"] += [bind(self.volume, "/vol"), bind(ground.sentinel + "/secret", "/vol/f")]
            config["linux"]["sysctl"] = {"kernel.shm_rmid_forced": "1"}

        def started(done):
            self.assertIn(done.stdout, ("", "1\n"), done.stderr)
        targets = ["/proc/sys/kernel/shm_rmid_forced", "/proc/sysrq-trigger", "/proc/self/attr/exec"]
        self.race("f", targets, ["cat", "/proc/sys/kernel/shm_rmid_forced"], edit, started)

    def test_rows_10_22_folders_made_below_what_is_exchanged(self):  # CVE-2024-45310
        os.mkdir(self.volume + "/a")
        folder = os.open(self.volume + "/a", os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, folder)

        def edit(config):
            config["mounts"] += [bind(self.volume, "/vol"), tmpfs("/vol/a/b/c/d"), bind("/etc/hostname", "/vol/a/e/f")]
            config["process"]["cwd"] = "/vol/a/w/v"

        def reset():
            for path in ("b/c/d", "b/c", "b", "e/f", "e", "w/v", "w"):
                try:
                    os.unlink(path, dir_fd=folder) if path == "e/f" else os.rmdir(path, dir_fd=folder)
                except FileNotFoundError:
                    pass
        self.race("a", [ground.sentinel, OUT + ground.sentinel, "/proc/1/root" + ground.sentinel], ["true"], edit, reset=reset)


class NsRun(Races, NsRunSkin, unittest.TestCase):
    def prepared(self, args, edit):
        words = self.command("plain", args, [], edit)
        with open(ground.path("document.json"), encoding="utf-8") as file:
            terminal = json.load(file)["process"].get("terminal", False)
        if terminal:
            words[1:1] = ["-t", "-i"]
        return lambda: words


class StaveOci(Races, OciSkin, unittest.TestCase):
    def prepared(self, args, edit):
        words = self.command("plain", args, (), edit)
        return lambda: words


if __name__ == "__main__":
    cases.main()

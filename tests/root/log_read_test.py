#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""log-read: options, texts, exit codes; following through rotation, to the end of the container and of
whoever reads. The containers are folders made here, and processes that stand for those who watch them."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

place = None
WEB = "ab" * 32


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place("100m")
    for folder in ("state/containers", "state/names", "run/containers"):
        os.makedirs(place.path(folder), mode=0o700)
    for root in ("state", "run"):
        os.chmod(place.path(root), 0o700)
    write("state/store.json", '{"version":1,"kind":"rootful"}')


def tearDownModule():
    if place:
        place.close()


def write(path, text, mode="w"):
    with open(place.path(path), mode, encoding="utf-8") as out:
        out.write(text)


def replace(path, text):
    write(path + ".new", text)
    os.rename(place.path(path + ".new"), place.path(path))


def line(text, stream="stdout", second=0, **more):
    return json.dumps({"log": text, "stream": stream, **more, "time": f"2026-11-21T09:00:{second:02}.5Z"}) + "\n"


def identity(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        start = int(file.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
        return {"boot": file.read().strip(), "pid": pid, "start": start}


class LogReadTest(unittest.TestCase):
    def setUp(self):
        place.run("rm -rf state/containers/* state/names/* run/containers/*", check=True)
        self.make()

    # A container with a log of three lines, or of those that are given: json.log first.
    def make(self, *files, name="web", id=WEB, log=None, started=True):
        home = f"state/containers/{id}"
        os.makedirs(place.path(home, "log"))
        os.symlink(id, place.path("state/names", name))
        write(home + "/record.json", json.dumps({
            "version": 1, "id": id, "name": name, "image": "x", "imageDigest": "sha256:" + "0" * 64, "command": ["sh"],
            "created": "2026-11-21T08:00:00Z", "labels": {}, "rm": False, "started": started}))
        write(home + "/config.json", json.dumps({"ociVersion": "1.2.0", "stave": {"version": 1, "life": {"log": log or {}}}}))
        if not files:
            files = [line("one\n") + line("two\n", "stderr", 1) + line("three\n", second=2)]
        self.put(*files, id=id)

    def put(self, *files, id=WEB):
        for number, text in enumerate(files):
            write(f"state/containers/{id}/log/json.log" + (f".{number}" if number else ""), text)

    def read(self, *arguments, code=0, err=""):
        done = place.run(["log-read", *arguments])
        self.assertEqual((done.returncode, done.stderr), (code, err), done.stdout)
        return done.stdout

    # One that runs: its state names a process of ours as the one that watches it.
    def run_it(self, status="running"):
        watcher = place.start(["sleep", "1000"])
        os.makedirs(place.path("run/containers", WEB), exist_ok=True)
        write(f"run/containers/{WEB}/state.json", json.dumps({
            "version": 1, "status": status, "init": None, "runner": identity(watcher.pid),
            "started": "2026-11-21T09:00:00Z", "finished": None, "cgroup": ""}))
        return watcher

    def follow(self, *arguments, **kwargs):
        kwargs = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **kwargs}
        return place.start(["log-read", "-f", *arguments, "web"], **kwargs)

    def append(self, text):
        write(f"state/containers/{WEB}/log/json.log", text, "a")

    def rotate(self, files=3):
        log = place.path(f"state/containers/{WEB}/log/json.log")
        for number in range(files - 1, 0, -1):
            source = log + (f".{number - 1}" if number > 1 else "")
            if os.path.exists(source):
                os.rename(source, f"{log}.{number}")
        write(f"state/containers/{WEB}/log/json.log", "")

    def finish(self, process, out="", err="", code=0):
        self.assertEqual((*process.communicate(timeout=60), process.returncode), (out, err, code))

    def test_streams_go_to_their_own_and_keep_their_order(self):
        self.assertEqual(self.read("web", err="two\n"), "one\nthree\n")
        self.assertEqual(place.run("log-read web 2>&1").stdout, "one\ntwo\nthree\n")
        for other in (WEB, WEB[:7]):
            self.assertEqual(self.read(other, err="two\n"), "one\nthree\n")

    def test_files_are_read_oldest_first(self):
        self.put(line("5\n"), line("3\n") + line("4\n"), line("1\n") + line("2\n"))
        self.assertEqual(self.read("web"), "1\n2\n3\n4\n5\n")
        self.assertEqual(self.read("--tail", "2", "web"), "4\n5\n")

    def test_tail(self):
        self.put("".join(line(f"{n}\n") for n in range(5)))
        for text, count in {"0": 0, "1": 1, "4": 4, "5": 5, "99": 5, "+2": 2, "all": 5, "": 5, "-1": 5, "bad": 5, "2x": 5,
                            "9" * 30: 5, "0x2": 5}.items():
            with self.subTest(text):
                self.assertEqual(self.read("--tail=" + text, "web").split(), [str(n) for n in range(5 - count, 5)])
        self.assertEqual(self.read("-n1", "web"), "4\n")

    def test_periods(self):
        self.put("".join(line(f"{n}\n", second=n) for n in range(5)))
        at = int(time.mktime(time.strptime("2026-11-21 09:00 UTC", "%Y-%m-%d %H:%M %Z"))) - time.timezone
        for arguments, wanted in (
                (["--since", "2026-11-21T09:00:03Z"], "34"), (["--since", "2026-11-21T09:00:03.5Z"], "34"),
                (["--since", "2026-11-21T09:00:03.6Z"], "4"), (["--since", "2026-11-21T10:00:03+01:00"], "34"),
                (["--since", str(at + 3)], "34"), (["--since", f"{at + 3}.6"], "4"), (["--since", "2026-11-20"], "01234"),
                (["--until", "2026-11-21T09:00:01.5Z"], "01"), (["--until", str(at)], ""), (["--until", "0"], "01234"),
                (["--since", "2026-11-21T09:00:01Z", "--until", "2026-11-21T09:00:03Z"], "12"),
                (["--until", "2026-11-21T09:00:03Z", "-n", "1"], "2"), (["--since", ""], "01234"),
                (["--since", "2100-01-01"], ""), (["--until", "-876000h"], "01234")):
            with self.subTest(arguments):
                self.assertEqual(self.read(*arguments, "web").replace("\n", ""), wanted)

    def test_durations_are_so_long_ago(self):
        now = time.time()
        def stamp(ago):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - ago))
        self.put("".join(json.dumps({"log": f"{ago}\n", "stream": "stdout", "time": stamp(ago)}) + "\n" for ago in (7200, 1800, 60)))
        self.assertEqual(self.read("--since", "1h", "web"), "1800\n60\n")
        self.assertEqual(self.read("--since", "1h", "--until", "10m", "web"), "1800\n")

    def test_times_and_details(self):
        self.put(line("out\n") + line("err\n", "stderr", 1, attrs={"b": "2 3", "a": "1"}))
        self.assertEqual(self.read("-t", "web", err="2026-11-21T09:00:01.500000000Z err\n"), "2026-11-21T09:00:00.500000000Z out\n")
        self.assertEqual(self.read("--details", "web", err="a=1,b=2+3 err\n"), " out\n")
        self.assertEqual(self.read("-t", "--details", "web", err="2026-11-21T09:00:01.500000000Z a=1,b=2+3 err\n"),
                         "2026-11-21T09:00:00.500000000Z  out\n")

    def test_a_long_line_is_one_line(self):
        self.put(line("first\n") + line("x" * 16384) + line("y" * 16384) + line("z\n") + line("prompt $ "))
        long = "x" * 16384 + "y" * 16384 + "z\n"
        self.assertEqual(self.read("web"), "first\n" + long + "prompt $ ")
        self.assertEqual(self.read("-n", "2", "web"), long + "prompt $ ")
        self.assertEqual(self.read("-t", "-n", "2", "web").count("2026-"), 2)

    def test_bytes_come_back_as_they_were(self):
        write(f"state/containers/{WEB}/log/json.log", '{"log":"a\\ufffd\ufffd\\ufffd\\u0000\\n","stream":"stdout","bytes":"ff80","time":"2026-11-21T09:00:00Z"}\n')
        done = subprocess.run(["log-read", "web"], env=place.env, stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, b"a\xff\xef\xbf\xbd\x80\0\n")

    def test_damage_is_left_out_with_one_warning(self):
        self.put(line("1\n") + "rubbish\n" + "\0" * 5000 + "\n" + line("2\n") + line("3\n")[:30], line("0\n") + "{}\n")
        self.assertEqual(self.read("web", err="log-read: warning: 4 lines of the log cannot be read and were left out\n"), "0\n1\n2\n")
        self.put(line("1\n") + line("2\n")[:30], "")
        self.assertEqual(self.read("web", err="log-read: warning: 1 line of the log cannot be read and was left out\n"), "1\n")
        self.run_it()  # the rest of that line is about to be written
        self.assertEqual(self.read("web"), "1\n")

    def test_a_log_cut_at_each_byte_harms_no_other_line(self):
        whole = line("first\n") + line("second\n", "stdout", 1)
        for size in range(len(line("first\n")), len(whole)):
            self.put(whole[:size])
            self.assertEqual(place.run("log-read web").stdout, "first\n")

    def test_an_empty_log_and_none(self):
        self.put("")
        self.assertEqual(self.read("web"), "")
        self.assertEqual(self.read("-f", "-n5", "web"), "")
        os.unlink(place.path(f"state/containers/{WEB}/log/json.log"))
        self.assertEqual(self.read("web"), "")
        other = "cd" * 32
        self.make(name="new", id=other, started=False)
        place.run(f"rm -r state/containers/{other}/log", check=True)
        self.assertEqual(self.read("new"), "")
        self.assertEqual(self.read("-f", "new"), "")

    def test_what_keeps_no_log(self):
        message = "log-read: configured logging driver does not support reading [E_UNSUPPORTED]\nhint: "
        self.make(name="none", id="1" * 64, log={"driver": "none"})
        self.read("none", code=1, err=message + "its output is kept nowhere: --log-driver none\n")
        self.make(name="journal", id="2" * 64, log={"driver": "journald"})
        self.read("journal", code=1, err=message + "journalctl CONTAINER_ID_FULL=" + "2" * 64 + "\n")
        place.run(f"rm -r state/containers/{WEB}/log", check=True)
        self.read("-f", "web", code=1, err=message + "a container that ns-run runs in the foreground has no log: use -d\n")

    def test_bad_usage_and_unknown_containers(self):
        self.read("no", code=1, err="log-read: No such container: no [E_NO_CONTAINER]\n")
        self.read("", code=1, err="log-read: No such container:  [E_NO_CONTAINER]\n")
        self.make(name="other", id=WEB[:63] + "0")
        self.read(WEB[:9], code=1, err=f"log-read: Multiple IDs found with provided prefix: {WEB[:9]} [E_AMBIGUOUS]\n")
        for arguments in ([], ["web", "other"]):
            self.read(*arguments, code=2, err="log-read: one CONTAINER is wanted [E_USAGE]\n")
        for option in ("since", "until"):
            for text in ("x", "2026-11-31", "5x", "10:00"):
                self.read(f"--{option}", text, "web", code=2,
                          err=f'log-read: --{option}: failed to parse value as time or duration: "{text}" [E_USAGE]\n')
        for arguments in (["--no-such", "web"], ["-f", "-f", "web"], ["--tail"]):
            self.assertEqual(place.run(["log-read", *arguments]).returncode, 2)

    def test_a_damaged_config_does_not_hide_the_log(self):
        for text in ("", "{", "[]", '{"stave":{"life":{"log":{"driver":7}}}}'):
            write(f"state/containers/{WEB}/config.json", text)
            self.assertEqual(self.read("web", err="two\n"), "one\nthree\n")

    def test_a_log_that_is_no_file_is_an_error(self):
        log = place.path(f"state/containers/{WEB}/log/json.log")
        os.unlink(log)
        os.symlink(place.path("elsewhere"), log)
        write("elsewhere", line("secret\n"))
        self.assertEqual(place.run("log-read web").returncode, 1)
        os.unlink(log)
        os.mkfifo(log)
        done = place.run("log-read web", timeout=20)
        self.assertEqual((done.returncode, done.stdout), (1, ""))

    def test_following_goes_through_rotation_to_the_end(self):
        watcher = self.run_it()
        self.put("")
        process = self.follow()
        wanted = []
        for number in range(60):
            if number % 4 == 3:
                self.rotate()
            half = line(f"{number}\n")
            self.append(half[:20])
            self.append(half[20:])
            wanted.append(f"{number}\n")
            self.assertEqual(process.stdout.readline(), wanted[-1])
        self.append(line("last\n") + line("prompt"))
        watcher.kill()
        watcher.wait()
        self.finish(process, "last\nprompt")

    def test_following_a_writer_that_does_not_wait(self):
        watcher = self.run_it()
        self.put("")
        process = self.follow("--tail", "0")
        for number in range(20000):
            if number % 1000 == 999:
                self.rotate(30)
            self.append(line(f"{number}\n"))
        watcher.kill()
        watcher.wait()
        out, err = process.communicate(timeout=60)
        numbers = [int(text) for text in out.split()]
        self.assertEqual(numbers, list(range(20000 - len(numbers), 20000)))  # it began somewhere
        self.assertEqual((err, process.returncode), ("", 0))

    def test_following_ends_with_the_container(self):
        state = f"run/containers/{WEB}/state.json"
        def exited():
            text = open(place.path(state), encoding="utf-8").read()
            replace(state, text.replace('"running"', '"exited"'))
        for name, act in (("state gone", lambda: os.unlink(place.path(state))), ("exited", exited),
                          ("removed", lambda: place.run(f"mv state/containers/{WEB} gone && rm -r run/containers/{WEB}", check=True))):
            with self.subTest(name):
                self.run_it()
                process = self.follow("-n1")
                self.assertEqual(process.stdout.readline(), "three\n")
                self.assertIsNone(process.poll())
                act()
                self.finish(process)
        place.run("rm -r gone", check=True)

    def test_following_one_that_does_not_run_ends_at_once(self):
        self.assertEqual(self.read("-f", "web", err="two\n"), "one\nthree\n")
        watcher = self.run_it()
        watcher.kill()
        watcher.wait()
        self.assertEqual(self.read("-f", "web", err="two\n"), "one\nthree\n")

    def test_following_goes_on_while_it_is_restarting(self):
        watcher = self.run_it("restarting")
        process = self.follow("-n1")
        self.assertEqual(process.stdout.readline(), "three\n")
        self.append(line("again\n"))
        self.assertEqual(process.stdout.readline(), "again\n")
        watcher.kill()
        watcher.wait()
        self.finish(process)

    def test_following_until(self):
        self.run_it()
        self.assertEqual(self.read("-f", "--until", "2026-11-21T09:00:01Z", "web"), "one\n")
        self.assertEqual(self.read("-f", "--until", f"{time.time() + 0.3:.3f}", "--tail", "0", "web"), "")

    def test_following_ends_silently_when_its_reader_goes(self):
        self.run_it()
        process = self.follow("-n1")
        self.assertEqual(process.stdout.readline(), "three\n")
        process.stdout.close()  # while nothing is printed
        self.assertEqual((process.wait(timeout=60), process.stderr.read()), (-signal.SIGPIPE, ""))

    def test_a_reader_that_goes_ends_it_silently(self):
        self.put("".join(line("x" * 1000 + "\n") for _ in range(5000)))
        done = place.run("log-read web | head -n1; echo ${PIPESTATUS[*]}")
        self.assertEqual((done.stdout[-6:], done.stderr), ("141 0\n", ""))

    def test_ctrl_c_ends_it_by_the_signal(self):
        self.run_it()
        process = self.follow()
        self.assertEqual([process.stdout.readline() for _ in range(2)], ["one\n", "three\n"])
        process.send_signal(signal.SIGINT)
        self.assertEqual((process.wait(timeout=60), process.stderr.read()), (-signal.SIGINT, "two\n"))

    def test_a_full_disk_is_told(self):
        done = place.run("log-read web > /dev/full")
        self.assertEqual((done.returncode, done.stderr), (1, "log-read: stdout: write: No space left on device [E_NO_SPACE]\n"))


if __name__ == "__main__":
    cases.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hooks and seccomp listeners of a document that ns-run runs: their order, what they are told, what it
means if one fails, and that an ns-run that dies among them leaves nothing. Needs root."""

import array
import errno
import fcntl
import io
import json
import os
import select
import signal
import socket
import struct
import sys
import tarfile
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

CREATE = ("prestart", "createRuntime", "createContainer")
ALL = (*CREATE, "startContainer", "poststart", "poststop")
INSIDE = ("createContainer", "startContainer")  # in the container's namespaces
NOTIF_RECV, NOTIF_SEND = 0xC0502100, 0xC0182101  # linux/seccomp.h

place = None
template = None


def setUpModule():
    global place, template
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    unittest.addModuleCleanup(place.close)
    image = place.layout("shell", [Place.busybox()])
    template = place.run(f"image-fetch {image}", check=True).stdout


class HooksTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))
        place.run("rm -rf notes; mkdir notes", check=True)
        self.document = json.loads(template)
        self.document["annotations"] = {"com.example.key": "value"}
        self.document["mounts"].append({"destination": "/notes", "type": "bind", "source": place.path("notes"), "options": ["bind"]})
        self.hooks = self.document["hooks"] = {}

    # Adds a hook that runs a script of the shell, in which @ is the folder of notes.
    def hook(self, kind, script, **members):
        folder = "/notes" if kind == "startContainer" else place.path("notes")
        self.hooks.setdefault(kind, []).append(
            {"path": "/bin/sh", "args": ["sh", "-c", script.replace("@", folder)], "env": ["PATH=/usr/bin:/bin"], **members})

    def command(self, *words):
        with open(place.path("doc.json"), "w", encoding="utf-8") as out:
            json.dump(self.document, out)
        return ["ns-run", "--config", "doc.json", *words]

    def ns_run(self, options, script, code=0):
        done = place.run(self.command(*options, "--", "sh", "-c", script))
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    @staticmethod
    def note(name):
        with open(place.path("notes", name), encoding="utf-8") as file:
            return file.read()

    # --- what they are and see ---------------------------------------------------------------------

    def test_order(self):
        for options in (["--rm"], ["--rm", "--init"], []):
            self.hooks.clear()
            place.run("rm -f notes/log")
            for kind in reversed(ALL):
                for number in (1, 2):
                    self.hook(kind, f"echo {kind}{number} >> @/log")
            # It ends when it has seen the hooks that run beside it.
            self.ns_run(options, "echo payload >> /notes/log; until grep -q poststart2 /notes/log; do :; done; exit 3", 3)
            words = self.note("log").split()
            before = [f"{kind}{n}" for kind in ALL[:4] for n in (1, 2)]
            self.assertEqual(words[:8], before)
            self.assertEqual(sorted(words[8:11]), ["payload", "poststart1", "poststart2"])
            self.assertEqual(words[11:], ["poststop1", "poststop2"])

    def test_state(self):
        for kind in ALL:
            self.hook(kind, f"cat > @/{kind}")
        self.hook("createContainer", "cat $(sed 's/.*\"bundle\":\"\\([^\"]*\\).*/\\1/')/config.json > @/config")
        self.ns_run(["--name", "told"], "echo $HOSTNAME; until [ -s /notes/poststart ]; do :; done")
        record = json.loads(place.run("ps-lister -a --json", check=True).stdout)
        states = {kind: json.loads(self.note(kind)) for kind in ALL}
        pid = states["createRuntime"]["pid"]
        self.assertGreater(pid, 1)
        for kind, status in zip(ALL, ("created", "creating", "creating", "created", "running", "stopped")):
            want = {"ociVersion": self.document["ociVersion"], "id": record["id"], "status": status,
                    "pid": 1 if kind in INSIDE else 0 if kind == "poststop" else pid,
                    "bundle": place.path("state/containers", record["id"]),
                    "rootfs": place.path("run/containers", record["id"], "rootfs"),
                    "annotations": {"com.example.key": "value"}}
            self.assertEqual(states[kind], want, kind)
        self.assertEqual(self.note("config"), place.run(f"cat state/containers/{record['id']}/config.json").stdout)

    def test_poststop_comes_when_the_end_is_written_down_and_the_cgroup_has_gone(self):
        program = place.env["PATH"].split(":")[0]
        folders = "find /sys/fs/cgroup -path '*/stave/*' -name \"$id\""
        self.hook("poststop", f"id=$(sed 's/.*\"id\":\"\\([^\"]*\\).*/\\1/'); {folders} > @/groups; "
                              f"STAVE_STATE={place.env['STAVE_STATE']} STAVE_RUN={place.env['STAVE_RUN']} {program}/ps-lister -a --json > @/record")
        self.ns_run([], "exit 5", 5)
        record = json.loads(self.note("record"))
        self.assertEqual((record["state"], record["exitCode"], self.note("groups")), ("exited", 5, ""))

    def test_create_hooks_see_the_root_where_the_state_says(self):
        self.document["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "seen-by-hook"})
        rootfs = "rootfs=$(sed 's/.*\"rootfs\":\"\\([^\"]*\\).*/\\1/')"
        self.hook("createContainer", f"{rootfs}; grep -c \" $rootfs/tmp .* seen-by-hook\" /proc/self/mountinfo > @/mounts; "
                                     "mount -t tmpfs by-hook $rootfs/var && echo made > $rootfs/var/file")
        for kind in CREATE[:2]:  # in the container's mount tree, from outside
            self.hook(kind, "state=$(cat); rootfs=$(echo $state | sed 's/.*\"rootfs\":\"\\([^\"]*\\).*/\\1/'); "
                            "pid=$(echo $state | sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); "
                            f"ls /proc/$pid/root$rootfs/bin/busybox && ls -A $rootfs > @/{kind}")
        out = self.ns_run(["--rm"], "cat /var/file; grep -c seen-by-hook /proc/self/mountinfo").stdout
        self.assertEqual(out, "made\n1\n")
        self.assertEqual([self.note(name) for name in ("mounts", *CREATE[:2])], ["1\n", "", ""])

    def test_a_root_that_the_document_names_is_seen_there(self):
        tree = place.path("tree")
        with tarfile.open(fileobj=io.BytesIO(Place.busybox())) as tar:
            tar.extractall(tree)
        self.document["root"] = {"path": tree}
        self.hook("createContainer", "cat > @/state; mount -t tmpfs by-hook $(sed 's/.*\"rootfs\":\"\\([^\"]*\\).*/\\1/' @/state)/var")
        self.assertEqual(self.ns_run(["--rm"], "grep -c by-hook /proc/self/mountinfo").stdout, "1\n")
        self.assertEqual(json.loads(self.note("state"))["rootfs"], tree)

    # --- failures ----------------------------------------------------------------------------------

    def test_a_hook_of_the_start_that_fails_ends_all(self):
        for kind in ALL[:4]:
            for options in ([], ["--rm"], ["--init"]):
                with self.subTest(kind=kind, options=options):
                    self.hooks.clear()
                    place.run("rm -f notes/*")
                    self.hook(kind, "echo why it failed >&2; exit 4")
                    self.hook(kind, "echo further >> @/log")
                    for later in ALL[ALL.index(kind) + 1:5]:
                        self.hook(later, "echo later >> @/log")
                    self.hook("poststop", "cat >> @/log")
                    done = self.ns_run(options, "echo payload", 125)
                    self.assertEqual(done.stdout, "")
                    self.assertRegex(done.stderr, rf"^ns-run: /hooks/{kind}/0: /bin/sh: exit status 4: why it failed \[E_HOOK\]\n$")
                    self.assertEqual(json.loads(self.note("log"))["status"], "stopped")
                    place.wait_until_quiet()
                    self.assertEqual(place.leftovers(), [])

    def test_a_hook_that_takes_too_long(self):
        self.hook("createRuntime", "exec sleep 1000", timeout=1)
        self.assertIn("has not ended within 1s [E_HOOK]", self.ns_run([], "true", 125).stderr)

    def test_a_payload_that_cannot_be_executed_has_its_poststop(self):
        self.hook("poststop", "echo gone > @/log")
        self.document["process"]["args"] = ["nope"]
        self.assertEqual(place.run(self.command()).returncode, 127)
        self.assertEqual(self.note("log"), "gone\n")

    def test_what_a_failed_poststart_means_depends_on_the_version(self):
        self.hook("poststart", "exit 1")
        self.hook("poststart", "echo second > @/log")
        self.hook("poststop", "echo gone > @/gone")
        script = "until [ -e /notes/log ]; do :; done; exit 7"
        for version in ("1.0.2", "1.2.0"):
            self.document["ociVersion"] = version
            place.run("rm -f notes/*")
            done = self.ns_run(["--rm"], script, 7)
            self.assertEqual(done.stderr, "ns-run: warning: /hooks/poststart/0: /bin/sh: exit status 1\n")
        place.run("rm -f notes/*")
        self.document["ociVersion"] = "1.3.0"
        done = self.ns_run([], script, 125)
        self.assertEqual(done.stderr, "ns-run: /hooks/poststart/0: /bin/sh: exit status 1 [E_HOOK]\n")
        self.assertEqual(os.listdir(place.path("notes")), ["gone"])
        place.wait_until_quiet()
        self.assertEqual(place.leftovers(), [])

    def test_a_failed_poststop_is_a_warning(self):
        self.hooks["poststop"] = [{"path": "/nowhere/hook"}]
        self.hook("poststop", "echo second > @/log")
        done = self.ns_run(["--rm"], "exit 9", 9)
        self.assertRegex(done.stderr, "^ns-run: warning: /hooks/poststop/0: /nowhere/hook: .*No such file or directory\n$")
        self.assertEqual(self.note("log"), "second\n")

    # --- an ns-run that dies -----------------------------------------------------------------------

    # What ns-run `process` has started, as (pid, pidfd).
    def children(self, process):
        found = []
        for task in os.listdir(f"/proc/{process.pid}/task"):
            with open(f"/proc/{process.pid}/task/{task}/children", encoding="utf-8") as file:
                for word in file.read().split():
                    fd = os.pidfd_open(int(word))
                    self.addCleanup(os.close, fd)
                    found.append((int(word), fd))
        return found

    def test_killed_during_a_hook(self):
        # With a record, one that has started keeps it.
        for kind, options in [(kind, ["--rm"]) for kind in ALL] + [(kind, []) for kind in ALL[:4]]:
            with self.subTest(kind=kind, options=options):
                self.hooks.clear()
                place.run("rm -f notes/*; mkfifo notes/up", check=True)
                self.hook(kind, "echo $$ > @/up; exec sleep 1000")
                payload = "true" if kind == "poststop" else "sleep 1000"
                process = place.start(self.command(*options, "--", "sh", "-c", payload), stderr=-1)
                hook = int(self.note("up"))
                children = self.children(process)
                process.kill()
                process.wait()
                for pid, fd in children:
                    # One outside of the container goes on: it is ours to end.
                    if kind not in INSIDE and pid == hook:
                        signal.pidfd_send_signal(fd, signal.SIGKILL)
                    self.assertTrue(select.select([fd], [], [], 20)[0], "still there")
                done = place.run("ps-remove nobody")
                self.assertIn("nobody", done.stderr)
                place.wait_until_quiet()
                self.assertEqual(place.leftovers(), [])

    # --- a seccomp listener ------------------------------------------------------------------------

    def test_a_seccomp_listener(self):
        path = place.path("agent.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
            agent.bind(path)
            agent.listen(1)
            self.document["linux"]["seccomp"] = {
                "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path, "listenerMetadata": "opaque",
                "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}
            process = place.start(self.command("--name", "heard", "--", "mkdir", "/x"), stderr=-1)
            agent.settimeout(20)
            connection, _ = agent.accept()
        text, fds = b"", array.array("i")
        with connection:
            while True:
                data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4 * fds.itemsize))
                text += data
                for _, _, words in ancillary:
                    fds.frombytes(words)
                if not data:
                    break
        [fd] = fds
        self.addCleanup(os.close, fd)
        request = bytearray(80)
        fcntl.ioctl(fd, NOTIF_RECV, request)
        fcntl.ioctl(fd, NOTIF_SEND, bytearray(struct.pack("=QqiI", struct.unpack_from("=Q", request)[0], 0, -errno.EXDEV, 0)))
        self.assertIn("Invalid cross-device link", process.communicate(timeout=20)[1])
        self.assertEqual(process.returncode, 1)
        told = json.loads(text)
        record = json.loads(place.run("ps-lister -a --json", check=True).stdout)
        self.assertEqual((told["fds"], told["metadata"], told["pid"]), (["seccompFd"], "opaque", told["state"]["pid"]))
        self.assertEqual((told["state"]["id"], told["state"]["status"], told["state"]["bundle"]),
                         (record["id"], "creating", place.path("state/containers", record["id"])))

    def test_nobody_listens(self):
        self.document["linux"]["seccomp"] = {
            "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": place.path("nowhere.sock"),
            "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
        self.assertIn("/linux/seccomp/listenerPath: ", self.ns_run([], "true", 125).stderr)


if __name__ == "__main__":
    cases.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""image-fetch | layer-mount | cgroup-limit | ns-run on small images: templates, streams, isolation,
whiteouts, what stays and what does not. Needs root."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

place = None
image = None


def setUpModule():
    global place, image
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    image = place.layout("shell", [Place.busybox()])


def tearDownModule():
    if place:
        place.close()


class PipelineTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    def ok(self, command, **kwargs):
        done = place.run(command, **kwargs)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def fails(self, command, code, text, **kwargs):
        done = place.run(command, **kwargs)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}{done.stderr}")
        self.assertIn(text, done.stderr)
        return done

    # --- the main job ------------------------------------------------------------------------------

    def test_joined_programs_run_an_image_limited(self):
        out = self.ok(f"image-fetch {image} | layer-mount | cgroup-limit --memory 64M --pids-limit 100 |"
                      " ns-run --rm -- sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max; id -u; hostname'")
        words = out.split()
        self.assertEqual(words[:3], ["67108864", "100", "0"])
        self.assertRegex(words[3], "^[0-9a-f]{12}$")

    def test_exit_code_is_the_payloads(self):
        for code in (0, 1, 13, 255):
            done = place.run(f"image-fetch {image} | ns-run --rm -- sh -c 'exit {code}'")
            self.assertEqual(done.returncode, code)
        done = place.run(f"image-fetch {image} | ns-run --rm --init -- sh -c 'kill -9 $$'")
        self.assertEqual(done.returncode, 137)
        self.fails(f"image-fetch {image} | ns-run -- nope", 127, 'exec "nope": executable file not found in $PATH [E_NOT_FOUND]')
        self.fails(f"image-fetch {image} | ns-run -- /etc", 126, "permission denied [E_NOT_EXECUTABLE]")

    def test_a_record_stays_and_ps_remove_takes_it_away(self):
        self.ok(f"image-fetch {image} | ns-run --name kept -- sh -c 'echo data > /file; exit 3' || [ $? = 3 ]")
        place.wait_until_quiet()
        record = json.loads(self.ok("ps-lister -a --json"))
        self.assertEqual((record["name"], record["state"], record["exitCode"]), ("kept", "exited", 3))
        self.assertEqual(self.ok("ps-lister -q"), "")
        self.assertEqual(self.ok(f"cat state/containers/{record['id']}/upper/file"), "data\n")
        self.fails(f"image-fetch {image} | ns-run --name kept -- true", 125, 'The container name "/kept" is already in use')
        self.assertEqual(self.ok("ps-remove kept"), "kept\n")

    def test_ps_lister_shows_it_while_it_runs(self):
        running = place.start(["bash", "-c", f"image-fetch {image} | ns-run --name shown --init -- sh -c 'echo up; sleep 1000'"], stdout=-1)
        self.assertEqual(running.stdout.readline(), "up\n")
        record = json.loads(self.ok("while ps-lister --json > list && [ ! -s list ]; do :; done; cat list"))  # the payload may be faster
        self.assertEqual((record["name"], record["state"]), ("shown", "running"))
        self.assertIn("Up ", self.ok("ps-lister"))
        self.fails("ps-remove shown", 1, "container is running")
        self.ok("ps-remove -f shown")
        self.assertEqual(running.wait(20), 137)

    # --- templates ---------------------------------------------------------------------------------

    def test_one_template_runs_three_times_at_once(self):
        self.ok(f"image-fetch {image} | cgroup-limit --memory 64M > small.json")
        self.ok("for n in a b c; do ns-run --name t$n --config small.json -- sh -c 'echo $HOSTNAME > /mine; cat /mine' > out.$n & done; wait")
        names = {self.ok(f"cat out.{n}") for n in "abc"}
        self.assertEqual(len(names), 3)
        self.assertEqual(self.ok("jq -r '.stave.id, .id, .linux.cgroupsPath, .root' small.json"), "null\n" * 4)

    def test_two_containers_of_one_image_do_not_see_each_others_files(self):
        self.ok(f"image-fetch {image} > t.json")
        self.ok("ns-run --name one --config t.json -- sh -c 'echo 1 > /tmp/x; rm /etc/group'")
        self.assertEqual(self.ok("ns-run --rm --config t.json -- sh -c 'ls /tmp; ls /etc/group'"), "/etc/group\n")

    def test_jq_in_the_middle(self):
        out = self.ok(f"image-fetch {image} | cgroup-limit --memory 64M | jq '.process.env += [\"JQ=1\"] | .process.cwd = \"/tmp\"' |"
                      " ns-run --rm -- sh -c 'echo $JQ; pwd; cat /sys/fs/cgroup/memory/memory.limit_in_bytes'")
        self.assertEqual(out, "1\n/tmp\n67108864\n")

    def test_print_resolves_and_runs_nothing(self):
        config = json.loads(self.ok(f"image-fetch {image} | ns-run --print -u user -w /tmp -e A=b -- sh -c true"))
        self.assertEqual(config["process"]["user"]["uid"], 1000)
        self.assertEqual(config["process"]["user"]["additionalGids"], [1000, 2000])
        self.assertRegex(config["linux"]["cgroupsPath"], "^/stave/[0-9a-f]{64}$")
        self.assertNotIn("root", config)
        self.assertEqual(self.ok("ps-lister -aq"), "")

    # --- stages that fail --------------------------------------------------------------------------

    def test_a_failed_stage_stops_the_pipe(self):
        done = self.fails("image-fetch oci:/nowhere | layer-mount | cgroup-limit --memory 1G | ns-run -- true", 125,
                          "ns-run: no document: the stage before failed [E_NO_DOCUMENT]")
        self.assertEqual(len([l for l in done.stderr.splitlines() if not l.startswith("hint:")]), 2, done.stderr)

    # 32 and 33 belong to the C library, which does not let them be reset.
    def test_no_signal_is_ignored_that_the_caller_ignores(self):
        def ignore():
            act, call = (ctypes.c_ulong * 4)(1, 0, 0, 0), {"x86_64": 13, "aarch64": 134}[os.uname().machine]
            for number in (2, 13, 32, 33, 64):
                ctypes.CDLL(None).syscall(call, number, act, None, 8)
        self.ok(f"image-fetch -q {image} > i.json")
        found = self.ok(["ns-run", "--rm", "--config", "i.json", "--", "grep", "SigIgn", "/proc/self/status"], preexec_fn=ignore)
        self.assertEqual(found.split(), ["SigIgn:", "0" * 16])

    # As any program's: no line about it, and the signal's status.
    def test_a_reader_that_is_gone(self):
        self.ok(f"image-fetch {image} > i.json")
        for command in (["image-fetch", "-q", image], ["ps-lister", "-a"], ["layer-mount"]):
            with self.subTest(command[0]):
                reader, writer = os.pipe()
                os.close(reader)
                with open(place.path("i.json"), encoding="utf-8") as source:
                    done = subprocess.run(command, env=place.env, cwd=place.dir, stdin=source, stdout=writer, stderr=subprocess.PIPE, text=True)
                os.close(writer)
                self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, ""))

    def test_broken_input_at_each_stage(self):
        stages = {"layer-mount": 1, "cgroup-limit --memory 64M": 1, "ns-run -- true": 125}
        inputs = {"": "no document", "{": "[E_JSON]", '{"a":1,"a":2}': "appears twice", "[" * 1000: "[E_LIMIT]",
                  "[]": "[E_DOCUMENT]", '{"stave":{"version":99}}': "newer stave", "{} {}": "[E_JSON]"}
        for stage, code in stages.items():
            for text, word in inputs.items():
                with self.subTest(stage=stage, text=text[:20]):
                    done = place.run(f"{stage} > out", input=text)
                    self.assertEqual(done.returncode, code, done.stderr)
                    self.assertIn(word, done.stderr)
                    self.assertEqual(os.path.getsize(place.path("out")), 0)

    def test_a_truncated_document_runs_nothing(self):
        text = self.ok(f"image-fetch {image}")
        for cut in (1, len(text) // 2, len(text) - 3):
            self.fails("ns-run -- true", 125, "the document ends too early [E_JSON]", input=text[:cut])

    def test_a_store_that_is_not_mine_is_refused(self):
        self.fails(f"image-fetch {image} | jq '.stave.store = \"/elsewhere\"' | ns-run -- true", 125, "is not this store")

    # --- streams -----------------------------------------------------------------------------------

    def test_stdin_is_the_payloads_only_with_i(self):
        self.ok(f"image-fetch {image} > t.json")
        self.assertEqual(place.run("ns-run --rm --config t.json -- cat", input="x").stdout, "")
        self.assertEqual(place.run("ns-run --rm -i --config t.json -- cat", input="x").stdout, "x")
        self.assertEqual(self.ok(f"image-fetch {image} | ns-run --rm --stdin-fd 5 -- cat 5<<<five"), "five\n")
        self.fails(f"image-fetch {image} | ns-run --rm -i -- cat", 125, "stdin has carried the document")
        self.fails(f"image-fetch {image} | setsid -w ns-run --rm -t -- true", 125, "the input device is not a TTY")

    def test_streams_are_kept_apart_and_whole(self):
        done = place.run(f"image-fetch -q {image} | ns-run --rm -- sh -c 'echo out; echo err >&2; yes | head -c 3000000 | tail -c 1'")
        self.assertEqual((done.stdout, done.stderr), ("out\n\n", "err\n"))

    # --- layers ------------------------------------------------------------------------------------

    def layered(self):
        upper = Place.tar([("etc/.wh.group", "f", b"", 0o644), ("tmp/x", "f", b"x", 0o644),
                           ("only/.wh.void", "f", b"", 0o644), ("opq/.wh..wh..opq", "f", b"", 0o644), ("opq/new", "f", b"n", 0o644)])
        base = Place.busybox([("only", "d", b"", 0o755), ("only/a", "f", b"a", 0o644), ("opq", "d", b"", 0o755), ("opq/old", "f", b"o", 0o644)])
        return place.layout("layered", [base, upper])

    def test_whiteouts_and_implied_parents(self):
        reference = self.layered()
        out = self.ok(f"image-fetch {reference} | ns-run --rm -- sh -c 'ls /etc/group; ls -a /only /opq; stat -c %a /tmp; cat /tmp/x'; true")
        self.assertEqual(out.split(), "/only: . .. a /opq: . .. new 1777 x".split())

    def test_the_root_directory_is_that_of_the_layer_that_names_it(self):
        base = Place.busybox([("./", "d", b"", 0o711)])
        for layers, mode in (([base], "711"), ([base, Place.tar([("x", "f", b"", 0o644)])], "711"),
                             ([base, Place.tar([("./", "d", b"", 0o755)])], "755")):
            reference = place.layout("root%d%s" % (len(layers), mode), layers)
            self.assertEqual(self.ok(f"image-fetch {reference} | ns-run --rm -- stat -c %a /"), mode + "\n")

    def test_deleted_files_stay_deleted_in_a_user_namespace(self):
        reference = self.layered()
        maps = '[{"containerID":0,"hostID":100000,"size":65536}]'
        out = self.ok(f"image-fetch {reference} | jq '.linux.namespaces += [{{\"type\":\"user\"}}] | .linux.uidMappings = {maps} | .linux.gidMappings = {maps}' |"
                      " ns-run --rm -- sh -c 'ls /etc/group; ls /only /opq; cat /proc/self/uid_map; stat -c %u:%a /tmp; touch /root/mine; stat -c %u /root/mine'; true")
        self.assertEqual(out.split(), "/only: a /opq: new 0 100000 65536 0:1777 0".split())

    def test_a_user_namespace_writes_with_the_images_ids(self):
        maps = '[{"containerID":0,"hostID":200000,"size":65536}]'
        self.ok(f"image-fetch {image} | jq '.linux.namespaces += [{{\"type\":\"user\"}}] | .linux.uidMappings = {maps} | .linux.gidMappings = {maps}' |"
                " ns-run --name mapped -- sh -c 'echo x > /home.txt; chown 1000:1000 /home.txt'")
        place.wait_until_quiet()
        self.assertEqual(self.ok("stat -c %u:%g state/containers/*/upper/home.txt"), "1000:1000\n")
        self.ok("ps-remove mapped")

    def test_a_read_only_root_is(self):
        self.fails(f"image-fetch {image} | layer-mount --read-only | ns-run --rm --tmpfs /tmp -- sh -c 'touch /tmp/x && touch /x'", 1, "Read-only file system")
        self.fails(f"image-fetch {image} | ns-run --rm --read-only -- touch /x", 1, "Read-only file system")

    # --- options -----------------------------------------------------------------------------------

    def test_users_names_and_environment(self):
        out = self.ok(f"FROM=caller; export FROM; image-fetch {image} | ns-run --rm -u user -h box -w /new/dir -e A=b -e FROM -- sh -c 'id; hostname; pwd; echo $A $FROM $HOME $HOSTNAME'")
        self.assertEqual(out, "uid=1000(user) gid=1000(user) groups=1000(user),2000(extra)\nbox\n/new/dir\nb caller /home/user box\n")

    def test_capabilities(self):
        show = "-- grep -h Cap /proc/self/status"
        sets = lambda options: [int(l.split()[1], 16) for l in self.ok(f"image-fetch {image} | ns-run --rm {options} {show}").splitlines()]
        self.assertEqual(sets(""), [0, 0xA80425FB, 0xA80425FB, 0xA80425FB, 0])
        self.assertEqual(sets("--cap-drop ALL"), [0, 0, 0, 0, 0])
        self.assertEqual(sets("--cap-drop all --cap-add net_admin"), [0, 1 << 12, 1 << 12, 1 << 12, 0])
        self.assertEqual(sets("-u 1000")[:3], [0, 0, 0])

    def test_volumes(self):
        os.makedirs(place.path("vol"), exist_ok=True)
        self.ok(f"image-fetch {image} | ns-run --rm -v $PWD/vol:/v -- sh -c 'echo w > /v/f'")
        self.assertEqual(self.ok("cat vol/f"), "w\n")
        self.fails(f"image-fetch {image} | ns-run --rm -v $PWD/vol:/v:ro -- touch /v/g", 1, "Read-only file system")
        self.fails(f"image-fetch {image} | ns-run --rm -v $PWD/none:/v -- true", 125, "No such file or directory")

    def test_sysctls_of_the_containers_namespaces(self):
        out = self.ok(f"image-fetch {image} | jq '.linux.sysctl = {{\"net.ipv4.ip_forward\":\"1\", \"kernel.msgmax\":\"9000\"}}' |"
                      " ns-run --rm -- cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax")
        self.assertEqual(out.split(), ["1", "9000"])
        self.fails(f"image-fetch {image} | jq '.linux.sysctl = {{\"kernel.core_pattern\":\"|x\"}}' | ns-run --rm -- true", 125, "belongs to the host")

    def test_no_descriptor_reaches_a_payload(self):
        shut = '.linux.seccomp = {"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["close_range","openat2","faccessat2"],"action":"SCMP_ACT_ERRNO"}]}'
        for filter in (".", shut):
            out = self.ok(f"image-fetch {image} | jq '{filter}' | ns-run --rm -- ls /proc/self/fd 9</etc/passwd 251</etc/passwd")
            self.assertEqual(out.split(), ["0", "1", "2", "3"])  # 3 is ls's own

    def test_a_cgroup_of_the_document_is_the_parent(self):
        out = self.ok(f"image-fetch {image} | jq '.linux.cgroupsPath = \"/stave/group\"' | ns-run --print -- true | jq -r .linux.cgroupsPath")
        self.assertRegex(out, "^/stave/group/[0-9a-f]{64}\n$")
        self.ok(f"image-fetch {image} | jq '.linux.cgroupsPath = \"/stave-test\"' | ns-run --rm -- true")
        place.wait_until_quiet()
        self.ok("find /sys/fs/cgroup -depth -type d -path '*/stave-test*' -exec rmdir {} +")

    def test_a_user_may_open_its_streams(self):
        self.assertEqual(self.ok(f"image-fetch {image} | ns-run --rm -u 1000 -- sh -c 'echo x > /dev/stdout' | cat"), "x\n")

    def test_networks(self):
        own = self.ok(f"image-fetch {image} | ns-run --rm -- sh -c 'ls /proc/sys/net/ipv4/conf; ping -c1 127.0.0.1 >/dev/null && echo up'")
        self.assertEqual(own.split(), "all default lo up".split())
        host = self.ok(f"image-fetch {image} | ns-run --rm --network host -- sh -c 'ls /proc/sys/net/ipv4/conf'")
        self.assertEqual(sorted(host.split()), sorted(os.listdir("/proc/sys/net/ipv4/conf")))
        first = place.start(["bash", "-c", f"image-fetch {image} | ns-run --rm --name first -- sh -c 'ls -l /proc/self/ns/net; sleep 1000'"], stdout=-1)
        mine = first.stdout.readline().split("->")[1]
        shared = self.ok(f"image-fetch {image} | ns-run --rm --network container:first -- ls -l /proc/self/ns/net")
        self.assertEqual(shared.split("->")[1], mine)
        self.ok("ps-remove -f first")
        first.wait(20)
        self.fails(f"image-fetch {image} | ns-run --rm --network container:first -- true", 125, "No such container: first")

    def test_rootfs_leaves_no_record(self):
        self.ok(f"mkdir -p bundle && image-fetch {image} | layer-mount --now bundle > doc.json 2>/dev/null")
        self.assertEqual(self.ok("ns-run --rootfs bundle -- sh -c 'echo $PATH; id -u'").split()[1], "0")
        self.assertEqual(self.ok("ps-lister -aq"), "")
        self.ok("layer-mount --unmount bundle")
        self.fails("layer-mount --unmount bundle", 1, "[E_NOT_MOUNTED]")

    # --- other runtimes ----------------------------------------------------------------------------

    def test_the_printed_config_runs_under_runc(self):
        self.ok("mkdir -p b/rootfs")
        self.ok(f"image-fetch {image} | cgroup-limit --memory 64M | layer-mount --now b/rootfs 2>/dev/null | ns-run --print -- sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes; grep Seccomp: /proc/self/status' > b/config.json")
        out = self.ok("runc --root $PWD/runc run -b b stave-test-$$")
        self.ok("layer-mount --unmount b/rootfs")
        self.assertEqual(out.split(), ["67108864", "Seccomp:", "2"])

    def test_earlier_documents_are_refused_by_runc(self):
        self.ok("mkdir -p c/rootfs")
        for stages in ("", "| layer-mount", "| layer-mount | cgroup-limit --memory 64M", "| ns-run --print -- sh"):
            self.ok(f"image-fetch {image} {stages} > c/config.json")
            done = place.run("runc --root $PWD/runc run -b c stave-test-$$")
            self.assertNotEqual(done.returncode, 0, stages)
            self.assertIn("root", done.stderr.lower())


if __name__ == "__main__":
    cases.main()

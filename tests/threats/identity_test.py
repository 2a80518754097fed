#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Threats of users, groups, capabilities and what else a process is: rows 14-20 and 42 of
threats-and-faults.md, table 1A, each with what must go on working. Needs root."""

import json
import os
import resource
import subprocess
import sys
import unittest

sys.path[:0] = ["tests", "tests/threats"]
import cases
from ground import NsExecSkin, NsRunSkin, OciSkin, break_ground

ground = None
PASSWD = b"root:x:0:0:root:/root:/bin/sh\n1000:x:0:0::/:/bin/sh\n01:x:0:0::/:/bin/sh\napp:x:1001:1001::/home/app:/bin/sh\n"
GROUP = b"root:x:0:\n1000:x:0:app\napp:x:1001:\nweb:x:2000:app\nlog:x:2001:app\n"
MEMORY = 64 << 20


def setUpModule():
    global ground
    ground = break_ground("users", [("etc/passwd", "f", PASSWD, 0o644), ("etc/group", "f", GROUP, 0o644)])


STATUS = ["grep", "-E", "^(Uid|Gid|Groups|Cap...|NoNewPrivs):", "/proc/self/status"]
DOCKER = 0xa80425fb  # its fourteen capabilities


def fields(status):
    return {line.split(":")[0]: line.split(":")[1].split() for line in status.splitlines()}


class Rows:
    # A user that the document names, as an engine has written it.
    def status(self, user, args=STATUS, **kwargs):
        return fields(self.ok("users", args, edit=lambda config: config["process"]["user"].update(user), **kwargs))

    def test_rows_17_18_capability_sets(self):
        root = self.status({"uid": 0, "gid": 0})
        self.assertEqual([int(root[name][0], 16) for name in ("CapInh", "CapAmb", "CapPrm", "CapEff", "CapBnd")], [0, 0, DOCKER, DOCKER, DOCKER])
        user = self.status({"uid": 1000, "gid": 1000})
        self.assertEqual([int(user[name][0], 16) for name in ("CapInh", "CapAmb", "CapPrm", "CapEff", "CapBnd")], [0, 0, 0, 0, DOCKER])
        self.assertEqual(user["Uid"], ["1000"] * 4)

    def test_row_17_what_a_document_asks_for_is_given(self):
        def edit(config):
            config["process"]["capabilities"] = {name: ["CAP_NET_BIND_SERVICE"] for name in ("bounding", "permitted", "effective", "inheritable", "ambient")}
            config["process"]["user"].update(uid=1000, gid=1000)
        found = fields(self.ok("users", STATUS, edit=edit))
        self.assertEqual({int(found[name][0], 16) for name in ("CapInh", "CapAmb", "CapPrm", "CapEff", "CapBnd")}, {1 << 10})

    def test_row_19_the_callers_groups_stay_outside(self):
        def with_groups():
            os.setgroups([4, 24, 27, 999])
        for user, groups in (({"uid": 0, "gid": 0, "additionalGids": []}, []), ({"uid": 1000, "gid": 1000, "additionalGids": [2000]}, ["2000"])):
            found = self.status(user, preexec_fn=with_groups)
            self.assertEqual(found["Groups"], groups)
        for user in ({"uid": 1000, "gid": 1000}, {"uid": 0, "gid": 0}):
            found = self.status(user, preexec_fn=with_groups)
            self.assertTrue(set(found["Groups"]) <= {"0"}, found)

    def test_row_15_numbers_that_are_no_users(self):
        for field in ("uid", "gid"):
            for value in (-1, 4294967295, 4294967296, 4294967297, 18446744073709551616, 1.5, "1", "0x1", True, [0]):
                with self.subTest(field, value=value):
                    self.refused("users", ["id"], edit=lambda config: config["process"]["user"].update({field: value}))
        self.refused("users", ["id"], edit=lambda config: config["process"]["user"].update(additionalGids=[4294967295]))
        # Above what an int holds, but a user: as it is, never another.
        self.assertEqual(self.status({"uid": 2147483648, "gid": 4294967294})["Uid"], ["2147483648"] * 4)


class NsRun(Rows, NsRunSkin, unittest.TestCase):
    def test_row_14_a_number_is_not_looked_up_as_a_name(self):
        for user, uid in (("1000", "1000"), ("1000:1000", "1000"), ("1001", "1001"), ("app", "1001")):
            self.assertEqual(self.ok("users", ["id", "-u"], options=["-u", user]), uid + "\n")
        self.assertEqual(self.ok("users", ["id", "-g"], options=["-u", "0:1000"]), "1000\n")
        done = ground.run(["ns-run", "--rm", "--", "id", "-u"], input=json.dumps(ground.document("users", {"User": "1000", "Env": ["PATH=/bin"]})))
        self.assertEqual(done.stdout, "1000\n", done.stderr)

    def test_row_15_words_that_are_no_users(self):
        for user in ("4294967295", "4294967296", "18446744073709551616", "-1", "0x1", "1e3", "+1", " 1", "1 ", "1\n", ":", "a:b:c", "1:-1",
                     "0:4294967296", "１", "nobody-here"):
            with self.subTest(user):
                self.refused("users", ["id"], options=["-u", user])
        self.assertEqual(self.ok("users", ["id", "-u"], options=["-u", "2147483648"]), "2147483648\n")

    # What run and exec must agree on: for names, tests/root/ns_exec_test.py.
    def test_row_16_forms_of_users(self):
        for user, want in (("1", "1 0"), ("1:1", "1 1"), ("0:1", "0 1"), ("01", "1 0"), ("app", "1001 1001"), ("app:web", "1001 2000"),
                           ("app:0", "1001 0"), (":1", "0 1"), ("1:", "1 0")):
            with self.subTest(user):
                self.assertEqual(self.ok("users", ["sh", "-c", "echo $(id -u) $(id -g)"], options=["-u", user]).strip(), want)
        for user in ("a:b", "app:nope", "1000:app:1"):
            with self.subTest(user):
                self.refused("users", ["id"], options=["-u", user])

    def test_row_19_groups_of_the_image(self):
        for user, groups in (("app", "1001 0 2000 2001"), ("1001", "1001 0 2000 2001"), ("app:web", "2000"), ("1000", "0"), ("5:7", "7")):
            with self.subTest(user):
                out = self.ok("users", ["id", "-G"], options=["-u", user], preexec_fn=lambda: os.setgroups([4, 24, 27]))
                self.assertEqual(out, groups + "\n")

    # Row 20: files that never end, that block, that are too long.
    def test_row_20_passwd_and_group_that_are_no_small_files(self):
        def replace(name, make):
            path = ground.path("trees/hostile/etc", name)
            os.unlink(path)
            make(path)

        def sparse(path):
            with open(path, "wb") as out:
                out.truncate(1 << 31)

        def crowded(path):
            with open(path, "wb") as out:
                out.write(b"root:x:0:\nweb:x:2000:" + b"a," * (10 << 20) + b"\n")

        def link(target):
            return lambda path: os.symlink(target, path)

        for name in ("passwd", "group"):
            for make in (sparse, crowded, os.mkfifo, link("/dev/zero"), link("/proc/self/mem"), link(name), link("../../../../../../dev/zero"), os.mkdir):
                ground.tree("hostile")
                replace(name, make)
                for user in ("app", "1000", "root:web"):
                    with self.subTest(name, user=user):
                        self.small(["ns-run", "--rootfs", ground.path("trees/hostile"), "-u", user, "--", "true"])
        ground.tree("hostile", [("etc/passwd", "l", "/srv/passwd", 0o777), ("srv", "d", b"", 0o755), ("srv/passwd", "f", PASSWD, 0o644)])
        self.assertEqual(self.ok("hostile", ["id", "-u"], options=["-u", "app"]), "1001\n")

    # With so little memory that reading all of it would end ns-run.
    def small(self, command):
        done = ground.run(command, timeout=20, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)))
        self.assertIn(done.returncode, (0, 125), done.stderr)
        if done.returncode == 125:
            self.assertRegex(done.stderr, r"^ns-run: .*\[E_")

    def test_row_42_sixty_starts_at_once_have_an_environment_each(self):
        running = [(number, ground.start(["ns-run", "--rootfs", ground.path("trees/users"), "-e", f"X=value-{number}", "-e", f"ONLY{number}=1", "--",
                                          "sh", "-c", "echo $X; env | grep -c ^ONLY"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)) for number in range(60)]
        for number, process in running:
            self.assertEqual(process.communicate(timeout=120)[0], f"value-{number}\n1\n")
            ground.started.remove(process)


class ExecRows:
    def status_of_exec(self, ident, *options):
        done = self.inside(ident, *STATUS, options=options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return fields(done.stdout)

    def test_rows_16_17_18_19_exec(self):
        ident = self.background("users", ["sleep", "1000"])
        for user, uid, gid in (("1", "1", "0"), ("1:1", "1", "1"), ("0:1", "0", "1"), ("1000", "1000", "0"), ("1001:2000", "1001", "2000")):
            with self.subTest(user):
                found = self.status_of_exec(ident, "--user", user)
                self.assertEqual((found["Uid"], found["Gid"]), ([uid] * 4, [gid] * 4))
                self.assertTrue(set(found["Groups"]) <= {gid, "0"}, found)
                have = DOCKER if uid == "0" else 0
                self.assertEqual([int(found[name][0], 16) for name in ("CapInh", "CapAmb", "CapPrm", "CapEff", "CapBnd")], [0, 0, have, have, DOCKER])
        for user in ("a:b", "-1", "4294967295", "4294967296", "0x1", "1e3", "+1", " 1", "1:2:3"):
            with self.subTest(user):
                done = self.inside(ident, "id", options=["--user", user])
                self.assertNotEqual(done.returncode, 0, done.stdout)
        for user, want in ((":1", "0 1\n"), ("1:", "1 0\n")):  # right or refused, never another
            self.assertIn(self.inside(ident, "sh", "-c", "echo $(id -u) $(id -g)", options=["--user", user]).stdout, (want, ""))

    def test_row_42_parallel_execs_have_an_environment_each(self):
        ident = self.background("users", ["sleep", "1000"])
        running = [(number, ground.start(self.words_inside(ident, "sh", "-c", "echo $X", options=["--env", f"X=value-{number}"]),
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)) for number in range(40)]
        for number, one in running:
            self.assertEqual(one.communicate(timeout=120)[0], f"value-{number}\n")
            ground.started.remove(one)


class NsExec(ExecRows, NsExecSkin, unittest.TestCase):
    pass


class StaveOci(Rows, ExecRows, OciSkin, unittest.TestCase):
    # The same by a process document, as engines do it.
    def test_rows_15_16_exec_of_a_process_document(self):
        ident = self.background("users", ["sleep", "1000"])
        process = {"args": ["id", "-u"], "cwd": "/", "env": ["PATH=/bin"]}
        for uid in (0, 1, 1000, 2147483648):
            self.assertEqual(self.document(ident, {**process, "user": {"uid": uid, "gid": 0}}).stdout, f"{uid}\n")
        for uid in (-1, 4294967295, 4294967296, 1.5, "1"):
            with self.subTest(uid=uid):
                self.assertNotEqual(self.document(ident, {**process, "user": {"uid": uid, "gid": 0}}).returncode, 0)

    def document(self, ident, process):
        path = ground.path("process.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(process, out)
        return ground.oci("exec", "--process", path, ident)


if __name__ == "__main__":
    cases.main()

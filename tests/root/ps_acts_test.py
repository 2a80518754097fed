#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ps-rename, ps-remove --prune, ps-stat, cgroup-limit --update and ps-lister --events on containers
that run and that have ended. Needs root."""

import json
import os
import sys
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

place = None
KIND = "trap 'exit 3' TERM; echo up; while :; do sleep 1000 & wait; done"


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    image = place.layout("shell", [Place.busybox()])
    place.run(f"image-fetch {image} > i.json", check=True)


def tearDownModule():
    if place:
        place.close()


class Case(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    def ok(self, command, **kwargs):
        done = place.run(command, **kwargs)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def fails(self, command, text, code=1):
        done = place.run(command)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}{done.stderr}")
        self.assertIn(text, done.stderr)

    # Runs until it is stopped, and is in the list of those that run.
    def start(self, name, words=KIND, *options, config="i.json"):
        process = place.start(["ns-run", "--config", config, "--name", name, *options, "--", "sh", "-c", words], stdout=-1)
        self.assertEqual(process.stdout.readline(), "up\n")
        while name not in self.names("ps-lister --json"):
            pass
        return process

    def made(self, name, words="true", config="i.json"):
        self.ok(f"ns-run --config {config} --name {name} -- sh -c '{words}'")

    def records(self, command="ps-lister -a --json"):
        return list(map(json.loads, self.ok(command).splitlines()))

    def names(self, command="ps-lister -a --json"):
        return sorted(one["name"] for one in self.records(command))

    def whole(self, name):
        return [one["id"] for one in self.records() if one["name"] == name][0]


class RenameTest(Case):
    def test_running_or_not_it_has_the_new_name(self):
        self.start("first")
        self.made("second")
        self.assertEqual(self.ok("ps-rename first uno; ps-rename second dos"), "")
        self.assertEqual(self.names(), ["dos", "uno"])
        self.made("first")
        config = json.loads(self.ok(f"cat state/containers/{self.whole('uno')}/config.json"))
        self.assertEqual(config["stave"]["name"], "uno")
        self.assertEqual(self.ok("ps-signal --stop uno; ps-wait uno"), "uno\n3\n")

    def test_texts(self):
        self.made("aa")
        self.made("bb")
        self.fails("ps-rename aa bb", 'Error when allocating new name: Conflict. The container name "/bb" is already in use')
        self.fails("ps-rename aa aa", "Renaming a container with the same name as its current name")
        self.fails("ps-rename nobody cc", "No such container: nobody")
        self.fails("ps-rename aa '?'", "Invalid container name (?), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
        self.fails("ps-rename aa ''", "Neither old nor new names may be empty", 2)
        self.fails("ps-rename aa", "[E_USAGE]", 2)

    def test_one_of_many_gets_a_name(self):
        for n in range(20):
            self.made(f"racer{n}")
        for n in range(5):
            won = self.ok(f"for n in $(seq 0 19); do (ps-rename racer$n prize{n} 2>> lost && echo $n) & done; wait")
            self.assertEqual(len(won.split()), 1, won)
            self.ok(f"ps-rename prize{n} racer{won.strip()}")

    def test_one_that_removes_itself_leaves_no_name(self):
        process = self.start("selfish", KIND, "--rm")
        self.ok("ps-rename selfish other; ps-signal --stop other")
        process.wait(20)


class PruneTest(Case):
    def test_what_does_not_run_goes(self):
        self.start("stays")
        self.made("writes", "head -c 5000 /dev/zero > /file")
        self.made("idle")
        ids = {self.whole("writes"), self.whole("idle")}
        lines = self.ok("ps-remove --prune --report").splitlines()
        self.assertEqual((lines[0], set(lines[1:3]), lines[3:]), ("Deleted Containers:", ids, ["", "Total reclaimed space: 5kB"]))
        self.assertEqual(self.names(), ["stays"])
        self.assertEqual(self.ok("ps-remove --prune --report"), "Total reclaimed space: 0B\n")
        self.made("again")
        whole = self.whole("again")
        self.assertEqual(self.ok("ps-remove --prune"), whole + "\n")

    def test_filters(self):
        self.ok("jq '.stave.labels = {keep: \"yes\"}' i.json > l.json")
        self.made("kept", config="l.json")
        self.made("other")
        self.ok("ps-remove --prune --filter until=24h")
        self.assertEqual(self.names(), ["kept", "other"])
        self.ok("ps-remove --prune --filter label!=keep --filter until=0s")
        self.assertEqual(self.names(), ["kept"])
        self.ok("ps-remove --prune --filter label=keep=yes")
        self.assertEqual(self.names(), [])
        for words in ("--prune x", "--prune -f", "--filter until=1h x", "--report x", "--prune --filter x=1", "--prune --filter until=soon"):
            self.fails(f"ps-remove {words}", "[E_USAGE]", 2)


class StatTest(Case):
    def test_numbers_of_one_that_works(self):
        self.ok("cgroup-limit -m 64M --pids-limit 50 < i.json > m.json")
        self.start("busy", "echo up; while :; do :; done", config="m.json")
        self.made("ended")
        one, = self.records("ps-stat --json busy")
        self.assertEqual((one["name"], one["memoryLimit"], one["pidsLimit"], one["pids"]), ("busy", 67108864, 50, 1))
        self.assertGreater(one["cpuPercent"], 0)
        self.assertGreater(one["cpuSeconds"], 0)
        self.assertTrue(0 < one["memory"] < 67108864)
        self.assertEqual((one["received"], one["sent"]), (0, 0))  # nothing but a loopback
        header, row = self.ok("ps-stat busy").splitlines()
        self.assertEqual(header.split("  ")[0], "CONTAINER ID")
        self.assertRegex(row, r"^[0-9a-f]{12} +busy +\d+\.\d\d% +\S+ / 64MiB +\d+\.\d\d% +0B / 0B +\S+ / \S+ +1$")
        none = self.records("ps-stat --json ended")[0]
        self.assertEqual({none[key] for key in none if key not in ("id", "name")}, {None})
        self.assertEqual([one["name"] for one in self.records("ps-stat --json")], ["busy"])
        self.assertEqual(len(self.records("ps-stat --json -a")), 2)
        self.fails("ps-stat nobody", "No such container: nobody")
        self.ok("ps-signal busy")

    def test_again_and_again(self):
        self.start("steady")
        self.assertEqual(self.ok("ps-stat --json --interval 20ms | head -3 | jq -r .name"), "steady\n" * 3)
        self.ok("ps-signal --stop steady")

    def test_processes_are_those_of_ps(self):
        self.start("group", "sleep 1234 & sleep 5678 & echo up; wait")
        while [one["comm"] for one in self.records("ps-stat --top --json -o comm group")].count("sleep") < 2:
            pass
        lines = self.ok("ps-stat --top group").splitlines()
        self.assertEqual(lines[0].split(), ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"])
        pids = [line.split()[1] for line in lines[1:]]
        ours = self.ok("ps-stat --top -o pid,ppid,pgid,sid,uid,user,tty,nice,nlwp,vsz,comm,args group").splitlines()[1:]
        theirs = self.ok(f"ps -o pid,ppid,pgid,sid,uid,user,tty,ni,nlwp,vsz,comm,args -p {','.join(pids)}").splitlines()[1:]
        self.assertEqual([line.split() for line in ours], [line.split() for line in theirs])
        self.assertEqual(len(ours), 3)
        self.assertEqual({one["comm"] for one in self.records("ps-stat --top --json -o comm group")}, {"sh", "sleep"})
        self.ok("ps-signal group")
        self.fails("ps-stat --top group", "is not running [E_NOT_RUNNING]")
        for words in ("--top", "--top a b", "-o pid a", "--top -o nope a", "--once -i 1 a", "-i 0 a"):
            self.fails(f"ps-stat {words}", "[E_USAGE]", 2)


class UpdateTest(Case):
    # Row 36 of the threats: the container's own programs and libraries are not what tells of it.
    def test_top_executes_nothing(self):
        self.start("baited", "echo exec > /bin/ps; chmod 755 /bin/ps; echo up; sleep 1000")
        done = place.run("strace -f -e trace=execve,open,openat,openat2,setns -o trace ps-stat --top baited")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(place.path("trace"), encoding="utf-8") as file:
            lines = file.read()
        self.assertEqual(lines.count("execve("), 1)
        self.assertNotRegex(lines, r"setns\(|\.so\b|nsswitch|/proc/[^/]+/root")
        self.ok("ps-signal baited")

    def test_a_running_one_and_its_next_start(self):
        self.start("grows")
        self.assertEqual(self.ok("cgroup-limit --update grows -m 64M --pids-limit 77"), "grows\n")
        one, = self.records("ps-stat --json grows")
        self.assertEqual((one["memoryLimit"], one["pidsLimit"]), (67108864, 77))
        self.ok("cgroup-limit --update grows -m 128M")
        resources = json.loads(self.ok(f"cat state/containers/{self.whole('grows')}/config.json"))["linux"]["resources"]
        self.assertEqual((resources["memory"]["limit"], resources["pids"]["limit"]), (134217728, 77))
        self.ok("ps-signal --stop grows")
        self.ok("cgroup-limit --update grows --cpus 0.5")
        resources = json.loads(self.ok(f"cat state/containers/{self.whole('grows')}/config.json"))["linux"]["resources"]
        self.assertEqual((resources["cpu"]["quota"], resources["memory"]["limit"]), (50000, 134217728))

    def test_another_restart_policy(self):
        self.ok("ns-run -d --restart always --config i.json --name loop -- sh -c 'sleep 0.02; exit 4'")
        self.ok("ps-wait loop; cgroup-limit --update loop --restart no")
        place.wait_until_quiet()
        self.assertEqual([one["state"] for one in self.records()], ["exited"])
        config = json.loads(self.ok(f"cat state/containers/{self.whole('loop')}/config.json"))
        self.assertEqual(config["stave"]["life"]["restart"]["policy"], "no")
        self.start("brief", KIND, "--rm")
        self.fails("cgroup-limit --update brief --restart always", "[E_STATE]")
        self.fails("cgroup-limit --update brief --restart sometimes", "[E_USAGE]", 2)
        self.fails("cgroup-limit --restart no < i.json", "[E_USAGE]", 2)
        self.ok("ps-signal --stop brief")

    def test_what_is_refused_is_not_written(self):
        self.made("still")
        before = self.ok(f"cat state/containers/{self.whole('still')}/config.json")
        for words in ("", "-m 1", "-m x", "-m 64M -- true", "--usage -m 64M", "-m 64M --memory-swap 32M"):
            self.fails(f"cgroup-limit --update still {words}", "[E_USAGE]", 125 if "--" in words.split() else 2)
        self.fails("cgroup-limit --update nobody -m 64M", "No such container: nobody")
        self.assertEqual(self.ok(f"cat state/containers/{self.whole('still')}/config.json"), before)


class EventsTest(Case):
    def test_they_come_as_they_happen(self):
        following = place.start(["ps-lister", "--events"], stdout=-1)
        # The first line that comes shows that it listens.
        self.made("first")
        seen = []
        while not seen:
            self.ok("ps-rename first second; ps-rename second first")
            seen.append(json.loads(following.stdout.readline()))
        self.start("told")
        self.ok("ps-signal --pause told; ps-signal --unpause told; ps-signal -s USR1 told; ps-signal --stop told; ps-remove told")
        while seen[-1]["action"] != "destroy":
            seen.append(json.loads(following.stdout.readline()))
        following.terminate()
        mine = [one["action"] for one in seen if one["name"] == "told"]
        wanted = ["pause", "unpause", "kill", "stop", "destroy"]
        self.assertEqual([action for action in wanted if action not in mine], [])
        again = self.records("ps-lister --events --since 1h --until 0s")
        self.assertEqual([one for one in seen if one not in again], [])
        self.assertEqual(self.ok("ps-lister --events --since 2h --until 1h"), "")
        for words in ("--since 1h", "--events -a", "--events --since soon", "--events x"):
            self.fails(f"ps-lister {words}", "[E_USAGE]", 2)


if __name__ == "__main__":
    cases.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ps-lister on containers that run, are paused, have ended, were never started, and whose files are damaged: the
list, --filter, --format, --json, --inspect and --events. What Docker says of the same: tests/interop. Needs root."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

try:
    import jsonschema
except ImportError:
    jsonschema = None

place = None
CONFIG = {"Entrypoint": ["/bin/busybox"], "Cmd": ["true"], "ExposedPorts": {"80/tcp": {}, "81/tcp": {}}, "Env": ["PATH=/bin"], "User": "7", "WorkingDir": "/tmp", "Labels": {"from": "image"}}


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    place.run(f"image-fetch -q {place.layout('shell', [Place.busybox()])} > i.json", check=True)
    place.run(f"image-fetch -q {place.layout('words', [Place.busybox()], CONFIG)} > w.json", check=True)
    place.run("image-tag localhost/shell site:1 && image-fetch --policy never docker.io/library/site:1 > s.json", check=True)
    place.run("mkdir srv", check=True)


def tearDownModule():
    if place:
        place.close()


class PsListerTest(unittest.TestCase):
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
        return done.stdout

    def names(self, options):
        return self.ok(f"ps-lister {options} --format '{{{{.Names}}}}'").split()

    def inspect(self, name, options=""):
        return json.loads(self.ok(f"ps-lister --inspect {options} {name}"))[0]

    def made(self):
        self.ok("ns-run -d --config i.json --name up -l tier=front -v $PWD/srv:/data:ro -- sleep 1000")
        self.ok("ns-run --config i.json --name ended -- sh -c 'head -c 5000 /dev/zero > /file'")
        self.ok("ns-run --create --config s.json --name made -l tier=back -- sh")

    def test_filters_and_limits(self):
        self.made()
        self.ok("ps-signal --pause up")
        self.assertEqual(self.names("-a"), ["made", "ended", "up"])
        self.assertEqual(self.names(""), ["up"])
        self.assertEqual(self.names("-n 2"), ["made", "ended"])
        self.assertEqual(self.names("-l"), ["made"])
        self.assertEqual(self.names("-f status=paused"), ["up"])
        self.assertEqual(self.names("-f status=created -f status=exited"), ["made", "ended"])
        self.assertEqual(self.names("-a -f label=tier -f name=^.p$"), ["up"])
        self.assertEqual(self.names("-a -f since=up -f exited=0"), ["ended"])
        self.assertEqual(self.names("-f volume=/data"), ["up"])
        self.assertEqual(self.names("-a -f ancestor=site:1"), ["made", "ended", "up"])  # the same image by another name
        self.assertEqual(self.names("-a -f ancestor=localhost/words"), [])
        self.ok("ps-signal --unpause up")

    def test_the_image_is_called_as_the_user_did_while_that_is_true(self):
        self.made()
        self.assertEqual(self.ok("ps-lister -l --format '{{.Image}}'"), "site:1\n")
        self.assertEqual(self.ok("ps-lister -l --no-trunc --format '{{.Image}}'"), "docker.io/library/site:1\n")
        self.ok("image-tag localhost/words site:1")
        identity = self.inspect("made")["Image"]
        self.assertEqual(self.ok("ps-lister -l --format '{{.Image}}'"), identity[7:19] + "\n")
        self.assertEqual(self.names("-a -f ancestor=site:1"), [])
        self.ok("image-tag localhost/shell site:1")

    def test_sizes(self):
        self.made()
        written, whole = self.ok("ps-lister -s -n 2 -f name=ended --format '{{.Size}}'").split(" (virtual ")
        self.assertEqual(written, "5kB")
        self.assertRegex(whole, r"^[0-9.]+MB\)\n$")
        ended = self.inspect("ended", "-s")
        self.assertEqual(ended["SizeRw"], 5000)
        self.assertGreater(ended["SizeRootFs"], 1000000)
        self.assertNotIn("SizeRw", self.inspect("ended"))

    def test_json_is_as_its_schema_says(self):
        self.made()
        self.ok("echo junk > state/containers/$(ps-lister -l -q --no-trunc)/record.json")
        lines = [json.loads(line) for line in self.ok("ps-lister -as --json").splitlines()]
        self.assertEqual(sorted(one["state"] for one in lines), ["dead", "exited", "running"])
        if not jsonschema:
            self.skipTest("no jsonschema")
        with open("docs/ps-lister.schema.json", encoding="utf-8") as file:
            schema = json.load(file)
        for one in lines + [json.loads(self.ok("ps-lister --inspect --json up"))["container"]]:
            jsonschema.Draft7Validator(schema).validate(one)

    def test_inspect_knows_what_was_asked_for(self):
        self.ok("cgroup-limit -m 64M --cpus 1.5 < w.json > l.json && ns-run -d --config l.json --name full -u 5:6 -w / -e A=1 --cap-drop ALL --cap-add CHOWN --read-only --tmpfs /t:size=1m "
                "--restart on-failure:3 --stop-timeout 3 --log-opt max-size=1m --init -- sleep 1000")
        full = self.inspect("full")
        self.assertEqual((full["Path"], full["Args"]), ("/bin/busybox", ["sleep", "1000"]))
        self.assertEqual((full["Config"]["Entrypoint"], full["Config"]["Cmd"]), (["/bin/busybox"], ["sleep", "1000"]))
        self.assertEqual((full["Config"]["User"], full["Config"]["StopTimeout"], full["Config"]["Env"]), ("5:6", 3, ["PATH=/bin", "A=1"]))
        self.assertEqual(full["Config"]["ExposedPorts"], {"80/tcp": {}, "81/tcp": {}})
        self.assertEqual(self.ok("ps-lister --format '{{.Ports}}'"), "80-81/tcp\n")
        host = full["HostConfig"]
        self.assertEqual((host["Memory"], host["NanoCpus"], host["ReadonlyRootfs"], host["Init"]), (64 << 20, 1500000000, True, True))
        self.assertEqual((host["RestartPolicy"], host["Tmpfs"].keys()), ({"Name": "on-failure", "MaximumRetryCount": 3}, {"/t"}))
        self.assertEqual(host["LogConfig"]["Config"], {"max-size": "1048576", "max-file": "3"})
        self.assertEqual(host["CapAdd"], None)
        self.assertIn("CAP_KILL", host["CapDrop"])
        state = full["State"]
        self.assertEqual((state["Status"], state["Running"]), ("running", True))
        for path in (full["HostsPath"], full["HostnamePath"], full["ResolvConfPath"], full["LogPath"], full["stave"]["bundle"], full["stave"]["config"], full["GraphDriver"]["Data"]["UpperDir"],
                     full["GraphDriver"]["Data"]["MergedDir"], full["NetworkSettings"]["SandboxKey"], *full["GraphDriver"]["Data"]["LowerDir"].split(":")):
            self.assertTrue(os.path.exists(path), path)
        self.assertEqual(self.inspect("full")["Config"]["WorkingDir"], "/tmp")  # the image's, as "/" says nothing
        self.assertEqual(self.inspect(full["Id"][:10])["Name"], "/full")
        self.assertEqual(self.inspect("/full")["Id"], full["Id"])
        with open(full["stave"]["config"], encoding="utf-8") as config:
            self.assertEqual(json.loads(self.ok("ps-lister --inspect --json full"))["document"], json.load(config))
        self.ok("ns-run --create --config w.json --name plain; ns-run --create --config w.json --name other --entrypoint sh -- -c :")
        self.assertEqual((self.inspect("plain")["Config"]["User"], self.inspect("plain")["Config"]["Cmd"]), ("7", ["true"]))
        self.assertEqual((self.inspect("other")["Config"]["Entrypoint"], self.inspect("other")["Config"]["Cmd"]), (["sh"], ["-c", ":"]))

    def test_inspect_of_what_is_not_there(self):
        self.made()
        self.assertEqual(self.fails("ps-lister --inspect nope", "No such container: nope [E_NO_CONTAINER]"), "[]\n")
        self.assertEqual(self.fails("ps-lister --inspect --or-image nope", "no such object: nope [E_NO_OBJECT]"), "[]\n")
        self.assertEqual(self.fails("ps-lister --inspect --format '{{.Name}}' nope up", "No such container: nope"), "/up\n")
        self.assertEqual(self.fails("ps-lister --inspect --format '{{.Nope}}' up", 'map has no entry for key "Nope"'), "\n")
        both = json.loads(self.ok("ps-lister --inspect --or-image up site:1"))
        self.assertEqual((both[0]["Name"], sorted(both[1]["RepoTags"])), ("/up", ["localhost/shell:latest", "site:1"]))
        self.assertEqual(self.ok("ps-lister --inspect --or-image --format '{{.Id}}' made site:1").splitlines()[1], both[1]["Id"])

    def test_inspect_tells_of_ends_and_damage(self):
        self.made()
        self.assertEqual(self.inspect("ended")["State"]["ExitCode"], 0)
        self.ok("rm state/containers/$(ps-lister -aq --no-trunc -f name=ended)/exit.json")
        self.assertEqual(self.inspect("ended")["State"]["ExitCode"], -1)
        self.ok("echo junk > state/containers/$(ps-lister -aq --no-trunc -f name=made)/config.json")
        self.assertEqual(self.inspect("made")["Path"], "sh")
        identity = self.ok("ps-lister -l -q --no-trunc").strip()
        self.ok(f"echo junk > state/containers/{identity}/record.json")
        self.assertEqual(self.inspect(identity)["State"]["Status"], "dead")

    def test_events_as_docker_tells_them(self):
        self.made()
        window = "--events --since 1h --until 0s -f container=up"
        self.assertRegex(self.ok(f"ps-lister {window} --lines -f event=start"), r"^\S+Z container start [0-9a-f]{64} \(image=localhost/shell:latest, name=up, tier=front\)\n$")
        self.assertEqual(self.ok(f"ps-lister {window} --format '{{{{.Action}}}}:{{{{.Actor.Attributes.tier}}}}'"), "create:front\nstart:front\n")
        told = [json.loads(line) for line in self.ok(f"ps-lister {window} --format json").splitlines()]
        self.assertEqual([one["Action"] for one in told], ["create", "start"])
        own = [json.loads(line) for line in self.ok(f"ps-lister {window} -f label=tier=front").splitlines()]
        self.assertEqual([(one["action"], one["name"]) for one in own], [("create", "up"), ("start", "up")])
        self.assertEqual(self.ok(f"ps-lister {window} -f label=tier=back"), "")
        self.ok("ps-remove -f up")
        self.assertRegex(self.ok(f"ps-lister {window} --lines -f event=start -f label=tier"), r"\(image=localhost/shell:latest, name=up, tier=front\)\n$")

    def test_it_takes_no_lock_and_writes_nothing(self):
        self.made()
        for command in ("ps-lister -as", "ps-lister --inspect -s up ended made", "ps-lister -a --format '{{json .}}'"):
            done = place.run(f"strace -f -e trace=flock,openat,mkdirat,unlinkat,renameat,renameat2,kill,connect -o trace {command}")
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(place.path("trace"), encoding="utf-8") as lines:
                bad = [line for line in lines if any(word in line for word in ("flock(", "O_WRONLY", "O_RDWR", "O_CREAT", "mkdirat(", "unlinkat(", "renameat", "kill(", "connect("))]
            self.assertEqual(bad, [])

    def test_without_a_store_there_is_nothing(self):
        env = dict(place.env, STAVE_STATE=place.path("none"), STAVE_RUN=place.path("none-run"))
        done = subprocess.run(["ps-lister", "-a", "--format", "table {{.Names}}"], env=env, stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(done.stdout, "NAMES\n")
        self.assertEqual(subprocess.run(["ps-lister", "--inspect", "x"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False).stdout, "[]\n")
        self.assertFalse(os.path.exists(place.path("none")))


if __name__ == "__main__":
    cases.main()

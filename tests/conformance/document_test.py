#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stage changes the members that docs/document.md says it writes, and no other: an OCI config with
every member there is, and some hundred random documents, go through each stage. What is written is what
the schemas in docs/ say. Needs root."""

import copy
import json
import os
import random
import re
import sys
import unittest

sys.path[:0] = ["tests", "tests/conformance"]
import cases
import exact_json as exact
from exact_json import Number
from place import Place

try:
    import jsonschema
except ImportError:
    jsonschema = None

ROUNDS = 60  # of random documents, a test
# Objects in which every member is one that is read.
MAPS = ("/annotations", "/stave/labels", "/linux/sysctl", "/linux/resources/unified", "/linux/resources/rdma", "/hooks")

place = None
real = None  # the document of a small image


def setUpModule():
    global place, real
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    unittest.addModuleCleanup(place.close)
    config = {"Cmd": ["sh"], "Entrypoint": None, "Env": ["PATH=/bin", "TEXT=\u00fc"], "Labels": {"a.b": "\u6f22", "n": "1.0"}, "User": "user",
              "WorkingDir": "/var", "Volumes": {"/v": {}}, "ExposedPorts": {"80/tcp": {}}, "StopSignal": "SIGINT",
              "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30000000000, "Retries": 3}}
    image = place.layout("shell", [Place.busybox()], config)
    real = exact.parse(stage(f"image-fetch {image}"))


def stage(command, document=None):
    done = place.run(command, input=document)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr}\n{(document or '')[:3000]}")
    return done.stdout


def full_config():
    with open("tests/conformance/full_config.json", encoding="utf-8") as file:
        return exact.parse(file.read())


class PassThroughTest(unittest.TestCase):
    number = None  # of the random document

    # Sends `document` through `command`; what comes out must be `wanted`.
    def check(self, command, document, wanted, text=None):
        out = stage(command, text or exact.dump(document))
        self.assertTrue(out.endswith("}\n") and out.count("\n") == 1, "one line")
        if found := exact.difference(exact.parse(out), wanted):
            self.fail(f"document {self.number}: {command}: {found[0] or 'top'}: {found[1]!r:.500}, not {found[2]!r:.500}")

    # The real document with more in it: `count` of them, always the same ones.
    def documents(self, count=ROUNDS):
        for number in range(count):
            chance = random.Random(number)
            document = copy.deepcopy(real)
            exact.sprinkle(chance, document, MAPS)
            self.number = number
            yield document, exact.dump(document, chance)

    # --- layer-mount: stave.rootfs -----------------------------------------------------------------

    def test_layer_mount(self):
        for document, text in self.documents():
            wanted = copy.deepcopy(document)
            wanted.set("stave", "rootfs", "readonly", False)
            self.check("layer-mount", document, wanted, text)

    def test_layer_mount_of_a_document_that_says_how(self):
        for document, text in self.documents(10):
            document.set("stave", "rootfs", exact.parse('{"readonly":true,"x":1.0,"size":1e3}'))
            self.check("layer-mount", document, document)

    def test_layer_mount_read_only(self):
        for document, text in self.documents():
            wanted = copy.deepcopy(document)
            wanted.set("stave", "rootfs", "readonly", True)
            self.check("layer-mount --read-only", document, wanted, text)

    def test_layer_mount_now_sets_root(self):
        os.makedirs(place.path("now"), exist_ok=True)
        for document, text in self.documents(5):
            wanted = copy.deepcopy(document)
            wanted.set("root", exact.parse(json.dumps({"path": place.path("now")})))
            try:
                self.check("layer-mount --now now 2>/dev/null", document, wanted, text)
            finally:
                stage("layer-mount --unmount now")

    # --- cgroup-limit: members of linux.resources --------------------------------------------------

    def test_cgroup_limit_without_options_changes_nothing(self):
        for document, text in self.documents():
            self.check("cgroup-limit", document, document, text)

    def test_cgroup_limit(self):
        options = "--memory 64M --memory-swap 1G --pids-limit 100 --cpus 1.5 --cpu-shares 512 --unified memory.high=50000000 --blkio-weight 100"
        for document, text in self.documents():
            wanted = copy.deepcopy(document)
            for part, key, value in (("memory", "limit", "67108864"), ("memory", "swap", "1073741824"),
                                     ("cpu", "shares", "512"), ("cpu", "period", "100000"), ("cpu", "quota", "150000"),
                                     ("pids", "limit", "100"), ("blockIO", "weight", "100")):
                wanted.set("linux", "resources", part, key, Number(value))
            wanted.set("linux", "resources", "unified", "memory.high", "50000000")
            self.check("cgroup-limit " + options, document, wanted, text)

    def test_cgroup_limit_takes_a_document_that_is_not_staves(self):
        for number in range(ROUNDS):
            chance = random.Random(number)
            document = exact.random_members(chance, 6)
            exact.sprinkle(chance, document)
            self.check("cgroup-limit", document, document, exact.dump(document, chance))

    # --- ns-run --print ----------------------------------------------------------------------------

    # What ns-run resolves where the document leaves it open: name and path come from the id.
    def printed(self, options, document, change, text=None):
        out = exact.parse(stage(f"ns-run --print {options}", text or exact.dump(document)))
        wanted = copy.deepcopy(document)
        change(wanted)
        path = out.find("linux", "cgroupsPath")
        parent, number = path.rsplit("/", 1)
        self.assertEqual(parent, wanted.find("linux", "cgroupsPath") or "/stave")
        self.assertRegex(number, "^[0-9a-f]{64}$")
        wanted.set("linux", "cgroupsPath", path)
        if wanted.find("hostname") is None:
            wanted.set("hostname", number[:12])
        env = wanted.find("process", "env")
        env.append("HOSTNAME=" + wanted.find("hostname"))
        if found := exact.difference(out, wanted):
            self.fail(f"document {self.number}: {options}: {found[0] or 'top'}: {found[1]!r:.500}, not {found[2]!r:.500}")

    def test_ns_run_print(self):
        for document, text in self.documents():
            self.printed("-- echo hello", document, lambda wanted: wanted.set("process", "args", ["echo", "hello"]), text)

    def test_ns_run_print_without_a_command_keeps_the_images(self):
        for document, text in self.documents(10):
            self.printed("", document, lambda wanted: None, text)

    def test_ns_run_print_with_options(self):
        def change(wanted):
            wanted.set("stave", "name", "n1")
            wanted.set("process", "args", ["sh"])
            wanted.set("process", "cwd", "/tmp")
            wanted.set("hostname", "box")
            wanted.set("stave", "rootfs", "readonly", True)
            wanted.find("process", "env").append("A=\u00fc")
            wanted.set("stave", "network", "mode", "none")
            namespaces = wanted.find("linux", "namespaces")
            namespaces[:] = [one for one in namespaces if one.find("type") != "network"]
            namespaces.append(exact.parse('{"type":"network"}'))
            wanted.set("process", "noNewPrivileges", True)
            wanted.find("mounts").append(exact.parse('{"destination":"/t","type":"tmpfs","source":"tmpfs","options":["nosuid","nodev","noexec"]}'))

        for document, text in self.documents(20):
            self.printed("--name n1 -w /tmp -h box --read-only -e A=\u00fc --network none --security-opt no-new-privileges --tmpfs /t -- sh",
                         document, change, text)

    # --- everything an OCI config can have ---------------------------------------------------------

    def test_a_config_with_every_member(self):
        document = full_config()
        self.check("cgroup-limit", document, document)
        document.append(["stave", real.find("stave")])
        wanted = copy.deepcopy(document)
        wanted.set("stave", "rootfs", "readonly", False)
        self.check("layer-mount", document, wanted)
        wanted = copy.deepcopy(document)
        wanted.set("linux", "resources", "pids", "limit", Number("5"))
        wanted.set("linux", "resources", "memory", "limit", Number("-1"))
        self.check("cgroup-limit --pids-limit 5 --memory max", document, wanted)

    # What ns-run does not support it refuses by name; the rest of the config goes through.
    def test_ns_run_takes_what_it_supports(self):
        document = full_config()
        supported = full_config()
        unsupported = [("linux", key) for key in ("netDevices", "intelRdt", "memoryPolicy")]
        for *path, key in unsupported:
            parent = supported.find(*path) if path else supported
            parent.pop(key) if isinstance(key, int) else parent.remove_member(key)
        for *path, key in unsupported:
            document = copy.deepcopy(supported)
            parent = document.find(*path) if path else document
            value = full_config().find(*path)[key] if isinstance(key, int) else full_config().find(*path, key)
            parent.insert(key, value) if isinstance(key, int) else parent.set(key, value)
            done = place.run("ns-run --print", input=exact.dump(document))
            self.assertEqual(done.returncode, 125, key)
            self.assertIn("ns-run: /" + "/".join(map(str, [*path, key])), done.stderr)
            self.assertIn("[E_UNSUPPORTED]", done.stderr)
        out = exact.parse(stage("ns-run --print", exact.dump(supported)))
        supported.find("process", "env").append("HOSTNAME=one")
        path = out.find("linux", "cgroupsPath")
        self.assertRegex(path, "^/boxes/one/[0-9a-f]{64}$")
        supported.set("linux", "cgroupsPath", path)
        self.assertIsNone(exact.difference(out, supported))

    def test_a_user_id_is_a_number_however_it_is_written(self):
        for text in ("0", "0.0", "-0", "0e5"):
            document = copy.deepcopy(real)
            document.set("process", "user", "uid", Number(text))
            out = exact.parse(stage("ns-run --print --cap-drop all --cap-add kill -- true", exact.dump(document)))
            self.assertEqual(out.find("process", "capabilities", "effective"), ["CAP_KILL"], text)
            self.assertEqual(out.find("process", "user", "uid"), Number(text))


@unittest.skipUnless(jsonschema, "needs python3-jsonschema")
class SchemaTest(unittest.TestCase):
    def validate(self, name, value):
        with open("docs/" + name, encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.Draft7Validator(schema).validate(value)

    def test_the_stave_member_of_each_stage(self):
        text = exact.dump(real)
        for command in ("cat", "layer-mount", "layer-mount --read-only", "cgroup-limit --memory 64M",
                        "ns-run --print -- true", "ns-run --print --name a1 --network host --read-only -- true",
                        "ns-run --print --network container:other -- true"):
            with self.subTest(command=command):
                self.validate("stave.schema.json", json.loads(stage(command, text))["stave"])

    def test_the_schema_refuses(self):
        good = json.loads(exact.dump(real.find("stave")))
        for bad in ({"version": 2}, {}, {**good, "store": "relative"}, {**good, "name": "-x"}, {**good, "labels": {"a": 1}},
                    {**good, "image": {**good["image"], "layers": ["sha256:x"]}}, {**good, "network": {"mode": "other"}}):
            with self.assertRaises(jsonschema.ValidationError):
                self.validate("stave.schema.json", bad)

    def test_lines_of_ps_lister(self):
        text = exact.dump(real)
        for options, payload, code in (("--name odd1 -u root", "exit 3", 3), ("--name odd2 --read-only", "kill -9 $$", 0)):
            place.run(f"ns-run {options} --init -- sh -c '{payload}'", input=text)
        place.run("cat > doc.json", input=text)
        running = place.start(["ns-run", "--config", "doc.json", "--rm", "--name", "odd3", "--", "sh", "-c", "echo up; exec sleep 1000"], stdout=-1)
        self.assertEqual(running.stdout.readline(), "up\n")
        os.makedirs(place.path("state/containers", "0" * 64), exist_ok=True)  # damaged
        try:
            lines = [json.loads(line) for line in place.run("ps-lister -a --json").stdout.splitlines()]
        finally:
            os.rmdir(place.path("state/containers", "0" * 64))
            place.run("ps-lister -aq | xargs -r ps-remove -f")
            running.wait(20)
            place.wait_until_quiet()
        states = {line["name"]: (line["state"], line["exitCode"]) for line in lines}
        self.assertEqual(states["odd1"], ("exited", 3))
        self.assertEqual(states["odd2"], ("exited", 137))
        self.assertEqual(states["odd3"], ("running", None))
        for line in lines:
            with self.subTest(name=line["name"]):
                self.validate("ps-lister.schema.json", line)

    # The manual names each member.
    def test_the_manual_of_ps_lister(self):
        with open("docs/ps-lister.schema.json", encoding="utf-8") as file:
            members = json.load(file)["required"]
        with open(place.env["PATH"].split("/bin:")[0] + "/share/man/man1/ps-lister.1", encoding="utf-8") as file:
            page = re.sub(r"\\f[BIRP]|\\&", "", file.read())
        self.assertEqual([name for name in members if not re.search(rf"\b{name}\b", page)], [])


if __name__ == "__main__":
    cases.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ps-lister against docker ps, docker inspect and docker events: the same containers in dockerd and in stave,
the same filters and formats, and then the same names, texts and members. Needs root."""

import json
import re
import sys
import unittest

sys.path[:0] = ["tests", "tests/interop"]
import dockerd
import engine
from dockerd import PARENTS

world = None

CONFIG = {
    "Cmd": ["sh"], "Env": ["PATH=/bin"], "Labels": {"from": "image"}, "StopSignal": "SIGINT",
    "ExposedPorts": {"80/tcp": {}, "81/tcp": {}, "443/tcp": {}, "53/udp": {}},
}

# Name, options that both have, words; in the order in which they are made.
LIVES = "sleep 1000"
CONTAINERS = [
    ("first", "-d -l tier=front -l keep", f"sh -c '{LIVES}'"),
    ("web-1", "-d -l tier=back", f"sh -c \"echo 'a b'; {LIVES}\""),
    ("web-2", "-d -v {dir}/srv:/data:ro", "sleep 1000"),
    ("stopped", "-d", f"{LIVES}"),
    ("zero", "", "true"),
    ("three", "-l tier=front", "sh -c 'exit 3'"),
    ("well", "-d --health-cmd true --health-interval 1s", f"{LIVES}"),
]

FILTERS = [
    "", "-a", "-q -n 2", "-l", "-n 3", "-n 0", "-n -1", "-n 2 -f name=web", "-a -n 1", "-l -f status=exited",
    "-a -f name=web", "-a -f name=^web-1$", "-a -f name=^/web-1$", "-a -f name=web -f name=zero", "-a -f name=WEB", "-a -f name=e.$", "-a -f name=nope",
    "-a -f label=tier", "-a -f label=tier=front", "-a -f label=tier=front -f label=keep", "-a -f label=keep", "-a -f label=nope", "-a -f label=tier= ", "-a -f label=from=image",
    "-f status=exited", "-f status=running", "-f status=paused", "-f status=created", "-f status=exited -f status=paused", "-f status=dead", "-f status=restarting",
    "-a -f exited=0", "-a -f exited=3 -f exited=137", "-f exited=0", "-a -f exited=77",
    "-a -f ancestor=site:1", "-a -f ancestor=site", "-a -f ancestor=nope", "-a -f ancestor=$I", "-a -f ancestor=${I:7:12}", "-a -f ancestor=site:1 -f name=web",
    "-a -f before=web-2", "-a -f since=web-2", "-a -f since=first -f before=three", "-f since=first", "-a -f before=web-2 -f label=tier",
    "-a -f volume=/data", "-a -f volume={dir}/srv", "-a -f volume=/nope", "-a -f volume=/dat",
    "-a -f network=none", "-a -f network=host", "-a -f network=nope",
    "-a -f publish=80", "-a -f publish=80-90/tcp", "-a -f is-task=false", "-a -f is-task=true",
    "-a -f health=none -f name=w", "-f health=unhealthy", "-a -f health=healthy",
    "-a -f NAME=web", "-a -f 'name = web-1'", "-a -f status=exited -f label=tier=front", "-a -f ''",
]

REFUSED = ["-f nope=1", "-f web", "-f status=gone", "-f health=good", "-f exited=x", "-f is-task=maybe", "-f publish=x", "-f expose=80:80", "-f before=nope", "-f since=nope", "-n x",
           "--format '{{.Nope}}'", "--format '{{'", "--format '{{nope .ID}}'", "operand"]

FORMATS = [
    "{{.Names}}|{{.Image}}|{{.Command}}|{{.Labels}}|{{.LocalVolumes}}|{{.Mounts}}|{{.Networks}}|{{.Ports}}|{{.State}}",
    "{{.Names}} {{.Status}} {{.RunningFor}}", "{{.Label \"tier\"}}{{.Label \"nope\"}}", "{{len .ID}} {{len .CreatedAt}}",
    "table {{.Names}}\\t{{.State}}\\t{{.Label \"tier\"}}", "table {{.Image}}\\t{{.Command}}\\t{{.Names}}", "table {{upper .Names}} {{.Ports}}",
    "{{json .Names}}", "{{json .Command}}", "{{if eq .State \"exited\"}}{{.Names}}{{end}}", "{{.Names}}: {{printf \"%q\" .Status | len | print | len}}",
    "{{range split .Image \":\"}}<{{.}}>{{end}}", "{{pad .State 1 2}}|", "{{.Size}}",
]

# What another time of day, a second later or another machine's image changes.
AGES = [(r"\d+ seconds?|Less than a second|About a minute|\d+ minutes", "AGE"), (r"virtual [^)]*", "virtual")]

# Members of dockerd 20.10 that later ones do not have.
GONE = {"HostConfig.KernelMemory", "HostConfig.KernelMemoryTCP"}


def plain(text):
    for pattern, word in AGES:
        text = re.sub(pattern, word, text)
    text = re.sub(r"\b\w+=\w*(,\w+=\w*)+", lambda found: ",".join(sorted(found.group().split(","))), text)  # labels have no order in 20.10
    return re.sub(r" +", " ", text)


# "State.Pid", "Mounts[].Type", "NetworkSettings.Networks.*": paths of members, and what they hold.
def members(value, path=""):
    if isinstance(value, dict) and path.rsplit(".", 1)[-1] not in ("Labels", "ExposedPorts", "Ports", "Networks", "Data", "Tmpfs", "Config_"):
        for key, member in value.items():
            yield from members(member, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield path, list
        yield from members(value[0], path + "[]")
    else:
        yield path, type(value)


def setUpModule():
    global world
    world = dockerd.start()
    world.layout("site", [world.busybox()], CONFIG)
    world.ok("skopeo copy -q --insecure-policy oci:site:latest docker-archive:site.tar:site:1 && $D load -qi site.tar")
    world.ok("image-fetch -q oci:site > /dev/null && image-tag localhost/site site:1 && image-fetch --policy never site:1 > site.json && mkdir srv")
    world.env["I"] = world.ok("jq -r .stave.image.config site.json").strip()
    for name, options, words in CONTAINERS:
        make(name, options.format(dir=world.dir), words)
    world.ok("$D create --network none --name made site:1 && ns-run --create --config site.json --network none --name made")
    world.ok("$D stop -t 0 stopped && ps-signal --stop -t 0 stopped && $D pause first && ps-signal --pause first")
    for command in ("$D inspect", "ps-lister --inspect"):
        while world.ok(f"{command} -f '{{{{.State.Health.Status}}}}' well".replace("--inspect -f", "--inspect --format")) != "healthy\n":
            pass


def tearDownModule():
    if world:
        world.run("$D unpause first; ps-signal --unpause first; $D rm -f $($D ps -aq); ps-lister -aq | xargs -r ps-remove -f")
        world.wait_until_quiet()


def make(name, options, words):
    for command in (f"$D run --network none {options} --name {name} site:1 {words}", f"ns-run --config site.json --network none {options} --name {name} -- {words}"):
        done = world.run(command)
        if done.returncode not in (0, 3):
            raise AssertionError(f"{command}\n{done.stdout}{done.stderr}")


class DockerListTest(unittest.TestCase):
    maxDiff = None
    longMessage = True

    def both(self, arguments):
        arguments = arguments.replace("{dir}", world.dir)
        return world.run("$D ps " + arguments), world.run("ps-lister " + arguments)

    def test_filters_take_the_same(self):
        for filters in FILTERS:
            with self.subTest(filters):
                shown = filters.replace("-q ", "") + " --format '{{.Names}}'"
                theirs, ours = self.both(shown)
                self.assertEqual((ours.returncode, ours.stdout), (theirs.returncode, theirs.stdout), ours.stderr + theirs.stderr)

    def test_ids(self):
        for name in ("first", "made"):
            for command in ("$D ps -a", "ps-lister -a"):
                identity = world.ok(f"{command} --no-trunc -q -f name=^{name}$").strip()
                self.assertRegex(identity, "^[0-9a-f]{64}$")
                for part in (identity, identity[:12], identity[:6], "^" + identity[:8]):
                    if part[0] != "^" or command[0] != "$":  # dockerd wants the beginning of an id here
                        self.assertEqual(world.ok(f"{command} -f id={part} --format '{{{{.Names}}}}'"), name + "\n")
                self.assertEqual(world.ok(f"{command} -f id={identity[1:]} -q"), "")

    def test_what_is_refused(self):
        for arguments in REFUSED:
            with self.subTest(arguments):
                theirs, ours = self.both(arguments)
                self.assertNotEqual(theirs.returncode, 0)
                self.assertNotEqual(ours.returncode, 0)
                self.assertEqual((theirs.stdout, ours.stdout), ("", ""))

    def test_formats_show_the_same(self):
        for text in FORMATS:
            for options in ("-a", "-a --no-trunc", "-f name=nope"):
                with self.subTest(text, options=options):
                    theirs, ours = self.both(f"{options} --format '{text}'")
                    self.assertEqual((ours.returncode, plain(ours.stdout)), (theirs.returncode, plain(theirs.stdout)), ours.stderr)

    def test_tables(self):
        for options in ("-a", "-as", "", "-a -f name=nope", "-q -f name=nope", "-a --format table", "-a --format raw"):
            with self.subTest(options):
                theirs, ours = ([re.sub(r"\b[0-9a-f]{12}\b", "ID", plain(one.stdout)) for one in self.both(options)])
                self.assertEqual(re.sub("created_at: .*", "", ours), re.sub("created_at: .*", "", theirs))

    def test_json_has_the_same_members(self):
        theirs, ours = self.both("-a --format '{{json .}}'")
        for their, our in zip(theirs.stdout.splitlines(), ours.stdout.splitlines()):
            their, our = json.loads(their), json.loads(our)
            for key in set(their) - {"ID", "CreatedAt", "RunningFor", "Status", "Size", "Platform"}:
                self.assertEqual(plain(our[key]), plain(their[key]), key)
            self.assertLessEqual(set(their), set(our))

    def test_inspect_has_the_same_members(self):
        for name in ("first", "web-2", "three", "made", "well"):
            their, our = (json.loads(world.ok(f"{command} {name}"))[0] for command in ("$D inspect", "ps-lister --inspect"))
            theirs, ours = dict(members(their)), dict(members(our))
            self.assertEqual(set(theirs) - set(ours) - GONE, set(), name)
            none = type(None)
            differ = {path for path, kind in theirs.items() if path in ours and kind != ours[path] and none not in (kind, ours[path])}
            self.assertEqual(differ, set(), name)

    SAME = ["Path", "Args", "Name", "RestartCount", "Platform", "Mounts", "State.Status", "State.Running", "State.Paused", "State.Restarting", "State.OOMKilled", "State.Dead", "State.ExitCode", "State.Error",
            "Config.Cmd", "Config.Entrypoint", "Config.Env", "Config.Image", "Config.Labels", "Config.ExposedPorts", "Config.WorkingDir", "Config.User", "Config.Tty", "Config.OpenStdin", "Config.StopSignal",
            "Config.Domainname", "Config.Volumes", "Config.OnBuild", "HostConfig.Binds", "HostConfig.NetworkMode", "HostConfig.RestartPolicy", "HostConfig.AutoRemove", "HostConfig.PortBindings", "HostConfig.CapAdd", "HostConfig.CapDrop",
            "HostConfig.Privileged", "HostConfig.ReadonlyRootfs", "HostConfig.ShmSize", "HostConfig.Memory", "HostConfig.NanoCpus", "HostConfig.CpuShares", "HostConfig.CpuQuota", "HostConfig.CpuPeriod",
            "HostConfig.PidMode", "HostConfig.IpcMode", "HostConfig.UTSMode", "HostConfig.UsernsMode", "HostConfig.SecurityOpt", "HostConfig.CgroupParent", "HostConfig.Ulimits", "HostConfig.Devices", "GraphDriver.Name", "Driver"]

    def compare(self, name):
        for path in self.SAME:
            told = []
            for command in ("$D inspect", "ps-lister --inspect"):
                value = json.loads(world.ok(f"{command} {name}"))[0]
                for key in path.split("."):
                    value = value.get(key)
                told.append(value)
            if path.startswith("HostConfig.Cap") and told[0]:
                told[0] = ["CAP_" + one.replace("CAP_", "") for one in told[0]]
            with self.subTest(path, name=name):
                self.assertEqual(told[1] or None, told[0] or None)

    def test_inspect_says_the_same(self):
        for name in ("first", "web-2", "stopped", "three", "made"):
            self.compare(name)

    def test_inspect_of_one_with_options(self):
        options = "-d -i -t -u 5:6 -w /tmp -e A=1 -e B=2 -h box --read-only --cap-add NET_ADMIN --cap-drop CHOWN --restart on-failure:3 --security-opt no-new-privileges --entrypoint sleep"
        self.addCleanup(world.run, "$D rm -f many; ps-remove -f many")
        world.ok(f"$D run --network none -m 64m --cpus 0.5 {options} --name many site:1 1000")
        world.ok(f"cgroup-limit -m 64M --cpus 0.5 < site.json > limited.json && ns-run --config limited.json --network none {options} --name many -- 1000")
        for path in ("Config.Env", "HostConfig.SecurityOpt"):  # Docker has -e first
            self.assertIn(path, self.SAME)
        self.compare_but("many", {"Config.Env", "Path", "Args"})
        env = [json.loads(world.ok(f"{command} many"))[0]["Config"]["Env"] for command in ("$D inspect", "ps-lister --inspect")]
        self.assertEqual(sorted(env[0]), sorted(env[1]))

    def compare_but(self, name, but):
        same, self.SAME = self.SAME, [path for path in self.SAME if path not in but]
        try:
            self.compare(name)
        finally:
            self.SAME = same

    def test_inspect_formats(self):
        for text in ("{{.Name}} {{.State.Status}} {{.State.ExitCode}}", "{{json .Config.Cmd}}", "{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}", "{{.Config.Labels}}", "{{index .Config.Labels \"from\"}}",
                     "{{if .State.Running}}up{{else}}down{{end}}", "{{.HostConfig.RestartPolicy.Name}}", "{{len .Args}} {{.Args}}", "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}};{{end}}",
                     "{{.NetworkSettings.IPAddress}}", "{{with .State.Health}}{{.Status}}{{end}}", "{{.State.Health.Status}}", "{{.Nope}}", "{{.State.Nope}}", "{{json .State.Paused}}"):
            for names in ("first", "three web-2", "nope", "first nope"):
                with self.subTest(text, names=names):
                    theirs, ours = world.run(f"$D inspect -f '{text}' {names}"), world.run(f"ps-lister --inspect --format '{text}' {names}")
                    self.assertEqual((ours.returncode, ours.stdout), (theirs.returncode, theirs.stdout), ours.stderr + theirs.stderr)
        theirs, ours = world.run("$D inspect nope"), world.run("ps-lister --inspect --or-image nope")
        self.assertEqual((ours.returncode, ours.stdout), (theirs.returncode, theirs.stdout))
        self.assertIn("no such object: nope", theirs.stderr.lower())
        self.assertIn("no such object: nope", ours.stderr)

    def test_tables_of_stats_and_top(self):
        theirs, ours = world.ok("$D top web-1"), world.ok("ps-stat --top web-1")
        self.assertEqual(ours.splitlines()[0], theirs.splitlines()[0])
        theirs, ours = (re.sub(r"[0-9a-f]{12}", "ID", world.ok(command + " made")) for command in ("$D stats --no-stream", "ps-stat --once"))
        self.assertEqual(ours, theirs)
        words = "--format '{{.Container}} {{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.NetIO}} {{.BlockIO}} {{.PIDs}}' made"
        self.assertEqual(world.ok(f"ps-stat --once {words}"), world.ok(f"$D stats --no-stream {words}"))

    def test_events(self):
        words = "--format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.image}} {{.Actor.Attributes.tier}} {{.Actor.Attributes.exitCode}}' --since 1h --until 0s"
        for filters in ("-f event=start", "-f event=die", "-f event=pause", "-f container=web-1 -f event=start", "-f container=web -f event=start", "-f label=tier=front -f event=start", "-f type=image -f event=start",
                        "-f image=site:1 -f event=start", "-f image=site -f event=start", "-f scope=local -f event=die", "-f volume=x"):
            with self.subTest(filters):
                theirs, ours = world.ok(f"$D events {words} {filters}"), world.ok(f"ps-lister --events {words} {filters}")
                self.assertEqual(sorted(ours.splitlines()), sorted(theirs.splitlines()))
        line = r"^\S+ container start ID \(from=image, image=site:1, keep=, name=first, tier=front\)$"
        for command in ("$D events", "ps-lister --events --lines"):
            told = re.sub(r"[0-9a-f]{64}", "ID", world.ok(f"{command} --since 1h --until 0s -f event=start -f container=first"))
            self.assertRegex(told, line)


if __name__ == "__main__":
    engine.main(PARENTS)

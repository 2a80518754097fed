#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What stave does and what it explains are the same: `sh -c "$(stave run --explain ARGS)"` against
`stave run ARGS`, by output, exit code and the document that is left, for combinations of flags; and
the last document of some of them under runc. Needs root.

STAVE_COMBINATIONS: how many (60). The seed is fixed, so a number is always the same combination."""

import json
import os
import random
import re
import shutil
import sys
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place

COUNT = int(os.environ.get("STAVE_COMBINATIONS", "60"))

place = None
image = None

# Flags that may stand together, each with values to choose from.
FLAGS = [
    ("--rm",), ("-i",), ("--init",), ("--read-only",), ("--privileged",),
    ("--entrypoint", "echo"), ("--entrypoint", ""),
    ("-e", "A=1"), ("-e", "B=two words"), ("-e", "C=a'b\"c"), ("-e", "D=$HOME `id`"), ("-e", "E=l1\nl2"), ("-e", "F=\u00e9\u4e2d"), ("-e", "G="), ("-e", "HOME"), ("--env", "H=*"),
    ("--env-file", "vars"), ("-l", "a"), ("-l", "b=c d"), ("--label=e=\\n",), ("--label-file", "vars"), ("--annotation", "x=y z"),
    ("-u", "user"), ("-u", "12:34"), ("--user=0:0",), ("-w", "/tmp"), ("-w", "/new dir"), ("-h", "box"), ("--hostname=q",), ("--domainname", "d.org"),
    ("--network", "none"), ("--net=host",), ("-v", "HERE/sub:/there"), ("-v", "./sub:/ro:ro"), ("--tmpfs", "/t"), ("--tmpfs", "/t:size=1m,exec"),
    ("--mount", "type=tmpfs,dst=/m,tmpfs-mode=1777"), ("--mount", "type=bind,src=HERE/sub,dst=/bound,readonly"),
    ("--cap-add", "NET_ADMIN"), ("--cap-drop", "ALL"), ("--cap-drop=CHOWN",), ("--security-opt", "no-new-privileges"), ("--security-opt", "seccomp=unconfined"),
    ("-m", "64m"), ("--memory=128M",), ("--memory-reservation", "32m"), ("--cpus", "0.5"), ("-c", "512"), ("--pids-limit", "50"), ("--cpuset-cpus", "0"),
    ("--ulimit", "nofile=100:200"), ("--shm-size", "1m"), ("--sysctl", "net.core.somaxconn=77"), ("--oom-score-adj", "100"), ("--group-add", "7"), ("--group-add", "extra"),
    ("--add-host", "h:10.0.0.1"), ("--dns", "10.0.0.2"), ("--dns-search", "a.b"), ("--dns-opt", "ndots:1"), ("--device", "/dev/null:/dev/also:r"), ("--ipc", "host"), ("--ipc", "shareable"),
    ("--pid", "private"), ("--pid=host",), ("--cgroupns", "host"), ("--uts", "private"), ("--userns=host",),
    ("--stop-signal", "INT"), ("--stop-timeout", "3"), ("--log-driver", "none"), ("--log-opt", "max-file=2"), ("--health-cmd", "true it's"), ("--no-healthcheck",),
    ("--pull", "never"), ("--quiet",), ("--platform", "linux/amd64"), ("--sig-proxy=false",), ("--detach-keys", "ctrl-a,b"), ("--disable-content-trust",),
]
COMMANDS = [
    [], ["id"], ["sh", "-c", "env | sort; pwd; id; hostname; exit 3"], ["cat", "/proc/mounts"], ["sh", "-c", "cat; echo err >&2"], ["nowhere"],
    ["printf", "%s|", "", "a b", "$x", "'", "\"", "\\", "*", "\n", "\u00e9"], ["cat", "/etc/hosts", "/etc/resolv.conf"], ["sh", "-c", "grep -E 'Cap|Sec|NoNew' /proc/self/status"],
    ["--", "x"], ["false"], ["sh", "-c", "ulimit -n; cat /proc/self/oom_score_adj"],
]


def setUpModule():
    global place, image
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    os.makedirs(place.path("sub"))
    with open(place.path("vars"), "w", encoding="utf-8") as out:
        out.write("V1=one\n# no\nV2=two words \"q\"\n")
    local = place.layout("box", [Place.busybox()])
    place.run(f"image-fetch {local} > i.json", check=True)
    image = "localhost/box"


def tearDownModule():
    if place:
        place.close()


def combination(number):
    chance = random.Random(number)
    # Docker's flags are not all for each other: what one refuses both ways refuse alike.
    chosen = chance.sample(FLAGS, chance.randint(1, 7))
    words = [word.replace("HERE", place.dir) for flag in chosen for word in flag]
    if not any(word == "--pull" for word in words) and chance.random() < 0.1:
        words += ["--pull=missing"]
    return words + [image] + chance.choice(COMMANDS)


def without_chance(text):
    """Without ids, times and the names that are drawn."""
    text = re.sub(r"[0-9a-f]{64}", "ID", text)
    text = re.sub(r"\b[0-9a-f]{12}\b", "SHORT", text)
    text = re.sub(r"\b[a-z]+_[a-z]+[0-9]?\b(?=\")", "NAME", text)
    return re.sub(r"upperdir=\S+|workdir=\S+|lowerdir\S*=\S+|/l/[^:, ]+|/dev/pts/[0-9]+", "PATH", text)


class ExplainTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    # Exit code, output, and the document of the container that is left, if there is one.
    def outcome(self, command):
        done = place.run(command, input="typed\n")
        records = []
        folder = place.path("state/containers")
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            with open(f"{folder}/{name}/config.json", encoding="utf-8") as file:
                records.append(without_chance(json.dumps(json.load(file))))
        place.run("ps-lister -aq | xargs -r ps-remove -f", check=True)
        place.wait_until_quiet()
        return done.returncode, without_chance(done.stdout), without_chance(done.stderr), records

    def explained(self, words):
        done = place.run(["stave", "run", "--explain"] + words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_shell_does_what_stave_does(self):
        ran = 0
        for number in range(COUNT):
            words = combination(number)
            with self.subTest(number, words=words):
                own = self.outcome(["stave", "run"] + words)
                shell = self.outcome(["sh", "-c", self.explained(words)])
                self.assertEqual(shell, own)
                ran += own[0] != 125
        self.assertGreater(ran, COUNT * 2 // 3)  # most of them are no refusals

    def test_every_form_of_plan(self):
        for command in ("create --name one IMAGE", "start one", "stop -t 0 one", "restart -t 0 one", "rename one two", "kill two", "wait two", "pause two",
                        "ps -a", "logs two", "start -a two", "diff two", "rm two", "run -d --name one IMAGE sleep 100", "exec one echo x", "top one", "rm -f one"):
            with self.subTest(command):
                words = command.replace("IMAGE", image).split()
                script = place.run(["stave", words[0], "--explain"] + words[1:]).stdout
                self.assertTrue(script.endswith("\n"), script)
                parsed = place.run(["dash", "-n", "-c", script])
                self.assertEqual((parsed.returncode, parsed.stderr), (0, ""), script)
                plan = json.loads(place.run(["stave", words[0], "--explain=json"] + words[1:]).stdout)
                self.assertTrue(plan["stages"][-1]["inPlace"])
                for stage in plan["stages"]:
                    self.assertIn(stage["program"], script)
                done = place.run(["sh", "-c", script])
                self.assertIn(done.returncode, (0, 1, 137), script + done.stderr)

    # The last document, with its root filesystem mounted, is what any OCI runtime takes.
    @unittest.skipUnless(shutil.which("runc"), "no runc")
    def test_the_last_document_runs_under_runc(self):
        runs = 0
        for number in range(COUNT):
            words = combination(number)
            plan = json.loads(place.run(["stave", "run", "--explain=json"] + words).stdout)
            stages = plan["stages"]
            last = [word for word in stages[-1]["args"] if word not in ("--attachable", "--interactive", "--rm", "--init")]
            if "--stdin-fd" in last:
                at = last.index("--stdin-fd")
                del last[at:at + 2]
            # What only stave's own monitor does, or what differs by design, is not runc's.
            if set(last) & {"--detach-keys", "--sig-proxy", "--privileged", "--ipc", "--sysctl", "--log-driver", "--log-opt", "--health-cmd", "--network", "--domainname", "--device"} or "/etc/hosts" in words or "/proc/mounts" in words:
                continue
            if runs >= COUNT // 4:
                break
            runs += 1
            with self.subTest(number, words=words):
                self.under_runc(f"r{number}", stages[:-1], last, words)

    def under_runc(self, name, stages, last, words):
        quoted = [[stage["program"]] + stage["args"] for stage in stages]
        own = place.run(["stave", "run", "--rm"] + [w for w in words if w not in ("-i", "--rm")])
        place.run(f"mkdir -p {name}/rootfs", check=True)
        pipeline = " | ".join(" ".join(map(shell_word, stage)) for stage in quoted)
        final = " ".join(map(shell_word, ["ns-run", "--print"] + last))
        made = place.run(f"{pipeline} | layer-mount --now {name}/rootfs | {final} > {name}/config.json")
        try:
            if made.returncode != 0:
                self.assertEqual(own.returncode, 125, made.stderr)
                return
            done = place.run(f"runc --root {place.dir}/runc run -b {name} {name}", timeout=60)
            self.assertEqual(without_chance(done.stdout), without_chance(own.stdout), done.stderr)
            if own.returncode < 125:
                self.assertEqual(done.returncode, own.returncode, done.stderr)
        finally:
            place.run(f"layer-mount --unmount {name}/rootfs || umount {name}/rootfs")


def shell_word(word):
    return "'" + word.replace("'", "'\\''") + "'"


if __name__ == "__main__":
    cases.main(own_mounts=True)

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at each system call of each task of each program of the pipeline, one run a point: the next
command repairs, nothing leaks, a repetition works. STAVE_SLICE=3/10 tries the points whose number is
3 modulo 10. Needs root."""

import json
import glob
import os
import shutil
import subprocess
import sys
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import sweep
from place import Place


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


# Templates: t.json, one with limits, one with a user namespace.
def prepare(where):
    image = where.layout("shell", [Place.busybox()])
    for line in (f"image-fetch -q {image} > t.json",
                 "cgroup-limit --memory 64M --pids-limit 64 < t.json > limited.json"):
        subprocess.run(["bash", "-ec", line], env=where.env, cwd=where.dir, check=True)
    with open(where.path("t.json"), encoding="utf-8") as file:
        document = json.load(file)
    document["linux"]["namespaces"].append({"type": "user"})
    document["linux"]["uidMappings"] = document["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    with open(where.path("user.json"), "w", encoding="utf-8") as file:
        json.dump(document, file)


# Two small layers; the upper one hides, makes opaque and implies a parent.
def layered(where):
    base = Place.tar([("etc", "d", b"", 0o755), ("etc/old", "f", b"o", 0o644), ("opq", "d", b"", 0o750), ("opq/old", "f", b"o", 0o600)])
    upper = Place.tar([("etc/.wh.old", "f", b"", 0o644), ("opq/.wh..wh..opq", "f", b"", 0o644), ("opq/new", "f", b"n", 0o644), ("none/.wh.void", "f", b"", 0o644)])
    return where.layout("layered", [base, upper])


class KillSweepTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        prepare(self.place)

    def sweep(self, *scenarios):
        failures = sweep.sweep(scenarios, *sweep.share_of_slice())
        self.assertEqual(failures, [], "\n".join(failures))

    def run_of(self, name, *words, template="t.json", code=0):
        return sweep.Run(self.place, "ns-run " + name, ["ns-run", "--config", self.place.path(template), *words], code)

    def test_ns_run_that_leaves_nothing(self):
        self.sweep(self.run_of("--rm", "--rm", "--", "true"))

    def test_ns_run_with_a_record(self):
        command = ["ns-run", "--name", "kept", "--config", self.place.path("limited.json"), "--", "true"]
        self.sweep(sweep.RunKept(self.place, "ns-run --name", command))

    def test_ns_run_with_an_init_and_a_user_namespace(self):
        self.sweep(self.run_of("--init", "--rm", "--init", "--", "true", template="user.json"))

    def test_ns_run_that_fails(self):
        self.sweep(self.run_of("of what is not there", "--rm", "--", "nope", template="limited.json", code=127))

    def test_ns_run_of_a_directory(self):
        subprocess.run(["bash", "-ec", "mkdir bundle; cp -a state/layers/*/fs/. bundle"], env=self.place.env, cwd=self.place.dir, check=True)
        self.sweep(sweep.Run(self.place, "ns-run --rootfs", ["ns-run", "--rootfs", self.place.path("bundle"), "--", "true"]))

    def test_ps_remove(self):
        self.sweep(sweep.Remove(self.place, "ps-remove", ["ps-remove", "kept"], running=False))

    def test_ps_remove_of_what_runs(self):
        self.sweep(sweep.Remove(self.place, "ps-remove -f", ["ps-remove", "-f", "kept"], running=True))

    def test_what_lives_by_itself(self):
        self.sweep(*sweep.detached_scenarios(self.place))

    def test_ns_exec(self):
        for name, options in (("ns-exec", []), ("ns-exec -d", ["-d"])):
            scenario = sweep.Exec(self.place, name, options)
            self.addCleanup(scenario.close)
            self.sweep(scenario)
            scenario.close()

    def test_filters(self):
        self.sweep(sweep.Filter(self.place, "layer-mount", ["layer-mount"], "t.json"),
                   sweep.Filter(self.place, "cgroup-limit", ["cgroup-limit", "--memory", "64M"], "t.json"),
                   sweep.Filter(self.place, "ps-lister", ["ps-lister", "-a"]))

    # The parent of --parent is the caller's and stays.
    def remove_parents(self, parent):
        for folder in glob.glob("/sys/fs/cgroup/*" + parent) + glob.glob("/sys/fs/cgroup" + parent):
            os.rmdir(folder)

    def test_cgroup_limit_around_a_command(self):
        parent = f"/stave-sweep-{os.getpid()}"
        self.addCleanup(self.remove_parents, parent)
        command = ["cgroup-limit", "--memory", "64M", "--parent", parent, "--", "true", self.place.dir]
        self.sweep(sweep.Limit(self.place, "cgroup-limit --", command))

    def test_layer_mount_now(self):
        self.sweep(sweep.MountNow(self.place, "layer-mount --now", ["layer-mount", "--now", self.place.path("mnt")], unmounts=False),
                   sweep.MountNow(self.place, "layer-mount --unmount", ["layer-mount", "--unmount", self.place.path("mnt")], unmounts=True))


class KillEngineTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        prepare(self.place)

    def test_stave_oci(self):
        scenarios = sweep.engine_scenarios(self.place)
        self.addCleanup(scenarios[0].close)
        failures = sweep.sweep(scenarios, *sweep.share_of_slice())
        self.assertEqual(failures, [], "\n".join(failures))


# Two images that share a layer, and what is swept of their removal: references are those of the layouts.
def removals(where):
    base = Place.tar([("etc", "d", b"", 0o755), ("etc/old", "f", b"o", 0o644)])
    own = Place.tar([("none/.wh.void", "f", b"", 0o644), ("new/file", "f", b"n", 0o644)])
    kept, gone = where.layout("kept", [base]), where.layout("gone", [base, own])
    return [sweep.RemoveImage(where, "image-remove", ["image-remove", "localhost/gone:latest"], kept, gone),
            sweep.RemoveImage(where, "image-remove --prune", ["image-remove", "--prune"], kept, gone, prunes=True)]


class Tag(sweep.Scenario):
    """image-tag with a name that means another image: wherever it is killed, the name means the one or the other,
    the same command works, and the store is sound."""

    def __init__(self, place):
        self.images = [place.layout(name, [Place.tar([(name, "f", b"x", 0o644)])]) for name in ("one", "two")]
        super().__init__(place, "image-tag", ["image-tag", "localhost/two", "moved"])

    def points(self, stride=1):
        shutil.rmtree(self.place.path("state"), ignore_errors=True)
        for reference in self.images:
            self.ok(["image-fetch", "-q", reference])
        self.ids = [self.id_of("localhost/" + name) for name in ("one", "two")]
        return super().points(stride)

    def id_of(self, name):
        return json.loads(self.ok(["image-fetch", "--policy", "never", name]))["stave"]["image"]["config"]

    def prepare(self):
        self.ok(["image-tag", "localhost/one", "moved"])

    def check(self):
        if self.id_of("moved") not in self.ids:
            raise AssertionError("the name means neither image")
        self.ok(self.command)
        if self.id_of("moved") != self.ids[1]:
            raise AssertionError("the repetition did not move the name")
        self.ok(["store-check"])
        self.nothing_is_left()


class KillTagTest(unittest.TestCase):
    def test_image_tag(self):
        place = Place()
        self.addCleanup(place.close)
        failures = sweep.sweep([Tag(place)], *sweep.share_of_slice())
        self.assertEqual(failures, [], "\n".join(failures))


class KillRemovalTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)

    def test_image_remove(self):
        failures = sweep.sweep(removals(self.place), *sweep.share_of_slice())
        self.assertEqual(failures, [], "\n".join(failures))

    def test_image_fetch_and_then_a_prune(self):
        pulls = [sweep.FetchPruned(self.place, "image-fetch, pruned", ["image-fetch", "-q", layered(self.place)])]
        failures = sweep.sweep(pulls, *sweep.share_of_slice())
        self.assertEqual(failures, [], "\n".join(failures))


class KillFetchTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)

    def sweep(self, name, reference):
        failures = sweep.sweep([sweep.Fetch(self.place, name, ["image-fetch", "-q", reference])], *sweep.share_of_slice())
        self.assertEqual(failures, [], "\n".join(failures))

    def test_image_fetch_from_a_layout(self):
        self.sweep("image-fetch oci:", layered(self.place))

    def test_image_fetch_from_a_registry(self):
        host = self.place.registry()
        source = layered(self.place)
        subprocess.run(["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", source + ":latest", f"docker://{host}/a/layered:latest"], check=True)
        self.sweep("image-fetch REGISTRY", f"{host}/a/layered:latest")


class KillCheckTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)

    def test_store_check_repair(self):
        failures = sweep.sweep([sweep.Mend(self.place, "store-check --repair", layered(self.place))], *sweep.share_of_slice())
        self.assertEqual(failures, [], "\n".join(failures))


if __name__ == "__main__":
    cases.main()

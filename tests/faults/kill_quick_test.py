#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The most telling kill points of kill_sweep_test.py, a few seconds of them: ns-run with and without a
record, ns-exec, image-fetch, the removals, the mount, stave-oci. Needs root."""

import os
import subprocess
import sys
import unittest

sys.path[:0] = ["tests", "tests/faults"]
import cases
import kill_sweep_test as whole
import sweep
from place import Place


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class KillQuickTest(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        whole.prepare(self.place)
        self.template = self.place.path("limited.json")

    def sweep(self, stride, *scenarios):
        failures = sweep.sweep(scenarios, stride=stride)
        self.assertEqual(failures, [], "\n".join(failures))

    def test_ns_run(self):
        self.sweep(11, sweep.Run(self.place, "ns-run --rm", ["ns-run", "--rm", "--config", self.template, "--", "true"]),
                   sweep.RunKept(self.place, "ns-run --name", ["ns-run", "--name", "kept", "--config", self.template, "--", "true"]))

    def test_ps_remove(self):
        self.sweep(9, sweep.Remove(self.place, "ps-remove", ["ps-remove", "kept"], running=False))

    def test_what_lives_by_itself(self):
        *others, restart = sweep.detached_scenarios(self.place)
        self.sweep(41, *others)
        self.sweep(211, restart)  # a wait each

    def test_ns_exec(self):
        scenario = sweep.Exec(self.place, "ns-exec")
        self.addCleanup(scenario.close)
        self.sweep(19, scenario)

    def test_layer_mount_now(self):
        self.sweep(5, sweep.MountNow(self.place, "layer-mount --now", ["layer-mount", "--now", self.place.path("mnt")], unmounts=False),
                   sweep.MountNow(self.place, "layer-mount --unmount", ["layer-mount", "--unmount", self.place.path("mnt")], unmounts=True))

    def test_stave_oci(self):
        scenarios = sweep.engine_scenarios(self.place)
        self.addCleanup(scenarios[0].close)
        self.sweep(61, *scenarios)

    def test_image_fetch(self):
        subprocess.run(["rm", "-rf", self.place.path("state")], check=True)
        self.sweep(17, sweep.Fetch(self.place, "image-fetch oci:", ["image-fetch", "-q", whole.layered(self.place)]))

    def test_image_remove(self):
        self.sweep(13, *whole.removals(self.place))

    def test_image_tag(self):
        self.sweep(7, whole.Tag(self.place))

    def test_store_check_repair(self):
        subprocess.run(["rm", "-rf", self.place.path("state")], check=True)
        self.sweep(61, sweep.Mend(self.place, "store-check --repair", whole.layered(self.place)))


if __name__ == "__main__":
    cases.main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""buildah drives the runtime: see engine.py. Needs root."""

import os
import sys

sys.path.insert(0, "tests")
sys.path.insert(0, "tests/interop")
import engine
from engine import both

PARENTS = ["buildah-test"]
IMAGE = "localhost/bb:1"
LIMITS = "--ulimit nofile=1024:1024 --ulimit nproc=1024:1024"
RUN = "$B run --runtime {rt} --isolation oci --network none c"
BUILD = f"$B bud --runtime {{rt}} --isolation oci --network none {LIMITS} --cgroup-parent /buildah-test --no-cache -q"

world = None


def setUpModule():
    global world
    world = engine.make_world(["buildah"], PARENTS)
    os.mkdir(world.path("data"))
    world.lasting.add(world.path("buildah", "overlay"))
    world.env["B"] = f"buildah --root {world.dir}/buildah --runroot {world.dir}/buildah-run"
    world.ok(f"$B tag $($B pull -q oci:shell:latest) {IMAGE}")
    world.settle()


class BuildahTest(engine.EngineTest):
    def remove_all(self):
        world.run("$B rm -a")

    @both
    def test_run(self, run):
        run(f"$B from -q --name c {LIMITS} --cgroup-parent /buildah-test {IMAGE}", out="^c$")
        run(f"{RUN} echo hi", out="^hi\n$")
        run(f"{RUN} -- sh -c 'echo out; echo err >&2; exit 3'", 3, "^out\n$")
        run(f"{RUN} cat", input="some\ninput\n", out="^some\ninput\n$")
        run(f"{RUN} ls /proc/self/fd", out="^0\n1\n2\n3\n$")
        run.look(f"{RUN} sh")
        run(f"$B run --runtime {{rt}} --isolation oci --network none --user user --workingdir /tmp --env A=b -v {world.dir}/data:/data:ro c sh -c 'id; pwd; echo $A; touch /data/x'",
            1, out="^uid=1000")
        run(f"{RUN} /nonexistent", (1, 125, 127), err="(?i)no such file or directory")
        run(f"{RUN} nonexistent", (1, 125, 127), err="executable file .*not found in ")
        run(f"{RUN} -- sh -c 'kill -9 $$; exit 4'", 4)

    @both
    def test_at_a_terminal(self, run):
        run(f"$B from -q --name c {LIMITS} --cgroup-parent /buildah-test {IMAGE}")
        run.at_terminal(f"$B run --runtime {{rt}} --isolation oci --network none -t c sh", ["# $", ">tty; echo do''ne", "^/dev/pts/0\ndone\n", "# $", ">exit 4"], 4)

    @both
    def test_build(self, run):
        file = f"FROM {IMAGE}\nRUN echo built > /made && id -u && ls /proc/self/fd && cat /sys/fs/cgroup/memory/memory.limit_in_bytes || true\nUSER user\nRUN id && umask\n"
        run(f"{BUILD} --layers=false -m 64m -t made -f - .", input=file, normal=[("^[0-9a-f]{64}$", "ID")])
        run(f"{BUILD} --layers=false -f - .", (1, 3), input=f"FROM {IMAGE}\nRUN exit 3\n", err="exit status 3")
        run("$B from -q --name c made")
        run("cat $($B mount c)/made", out="^built$")
        run("$B umount c; $B rm c; $B rmi -f made", normal=[("^[0-9a-f]{64}$", "ID")])


if __name__ == "__main__":
    engine.main(PARENTS)

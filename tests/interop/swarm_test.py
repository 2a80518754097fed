#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A swarm of one node whose default runtime is the one under test: see engine.py. Needs root."""

import sys

sys.path.insert(0, "tests")
sys.path.insert(0, "tests/interop")
import dockerd
import engine
from dockerd import IMAGE, PARENTS
from engine import both

CREATE = "$D service create -q -d --network host --no-resolve-image"

world = None


def setUpModule():
    global world
    world = dockerd.start()
    world.ok(f"$D swarm init --advertise-addr 127.0.0.1 && {CREATE} --name s0 {IMAGE} sleep 1000 && $D service rm s0")
    world.settle()


class SwarmTest(engine.EngineTest):
    def remove_all(self):
        world.run("$D service ls -q | xargs -r $D service rm; $D ps -aq | xargs -r $D rm -f")

    @both
    def test_service(self, run):
        dockerd.make_default(run)
        replicas = "$D service ls --format '{{.Replicas}}'"
        run(f"{CREATE} --name s1 --replicas 2 --limit-memory 64m {IMAGE} sh -c 'echo up; sleep 1000'", out=".", normal=[(r"^\w{25}$", "ID")])
        run.until(replicas, "^2/2$")
        run("$D ps --format '{{.Image}} {{.Command}}' | sort")
        run("$D ps -q | xargs $D inspect -f '{{.HostConfig.Runtime}} {{.State.Status}} {{.HostConfig.Memory}}'", out=f"{run.name} running 67108864\n{run.name} running", normal=[(f"^{run.name}", "it")])
        run("$D service scale -d s1=3", out="scaled to 3")
        run.until(replicas, "^3/3$")
        run("$D ps -q | head -n 1 | xargs $D kill", normal=[(r"^\w+$", "ID")])
        run.until("$D ps -aq -f status=exited | wc -l", "^1$")
        run.until(replicas, "^3/3$")  # and a new one has taken its place
        run("$D service rm s1", out="^s1$")
        run.until("$D ps -aq | wc -l", "^0$")


if __name__ == "__main__":
    engine.main(PARENTS)

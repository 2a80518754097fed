# SPDX-License-Identifier: Apache-2.0
"""A dockerd of a test's own that knows both runtimes: "right" is runc, "tested" the one under test. $D is
its client. See engine.py."""

import json
import os
import signal

import engine

PARENTS = ["docker", "docker/buildkit"]
IMAGE = "bb:1"


def _settings(world, default):
    with open(world.path("daemon.json"), "w", encoding="utf-8") as out:
        json.dump({"runtimes": {"right": {"path": engine.ORACLE}, "tested": {"path": engine.SUBJECT}}, "default-runtime": default}, out)


def start():
    world = engine.make_world(["dockerd", "docker", "containerd"], PARENTS)
    world.state_roots.append(world.path("docker-run/runtime-runc/moby"))
    _settings(world, "right")
    # BuildKit takes "runc" from dockerd's PATH, whatever the settings say.
    os.mkdir(world.path("first"))
    os.symlink(engine.ORACLE, world.path("first", "runc"))
    world.env["PATH"] = world.path("first") + ":" + world.env["PATH"]
    world.env["DOCKER_BUILDKIT"] = "0"
    world.env["D"] = f"/usr/bin/docker -H unix://{world.dir}/docker.sock"
    world.daemon(
        ["dockerd", "--data-root", world.path("docker"), "--exec-root", world.path("docker-run"), "-H", f"unix://{world.dir}/docker.sock",
         "--pidfile", world.path("docker.pid"), "--config-file", world.path("daemon.json"), "--storage-driver=overlay2"],
        "$D info")
    world.ok(f"skopeo copy -q --insecure-policy oci:shell:latest docker-archive:bb.tar:{IMAGE} && $D load -qi bb.tar")
    return world


# The pass's runtime becomes the one for what names none: builds, services.
def make_default(run):
    world = engine.world
    _settings(world, run.name)
    os.kill(world.daemons[0].pid, signal.SIGHUP)
    run.until("$D info -f '{{.DefaultRuntime}}'", f"^{run.name}$")
    os.unlink(world.path("first", "runc"))
    os.symlink(run.runtime, world.path("first", "runc"))

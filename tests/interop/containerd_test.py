#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""containerd drives the runtime, through its shim and ctr: see engine.py. Needs root."""

import os
import sys

sys.path.insert(0, "tests")
sys.path.insert(0, "tests/interop")
import engine
from engine import LOOK, OWN_WAYS, both

PARENTS = ["default"]
IMAGE = "docker.io/library/bb:1"
RUN = "$C run --runc-binary {rt} --runc-root $PWD/states"
DATA = "--mount type=bind,src=$PWD/data,dst=/data,options=rbind:ro"
SLEEP = f"{RUN} -d {IMAGE} c1 sleep 1000"
READY = "sh -c 'trap \"echo got; exit 5\" USR1; echo ready; while :; do sleep 0.02; done'"

world = None


def setUpModule():
    global world
    world = engine.make_world(["containerd", "ctr"], PARENTS)
    world.tries = 4  # ctr gives up the pipes of a process that ends at once: one in 100, with runc as well
    world.state_roots += [world.path("states/default"), "/run/containerd/runc/default"]
    os.mkdir(world.path("data"))
    with open(world.path("data", "look"), "w", encoding="utf-8") as out:  # ctr does not pass the end of its input on
        out.write(LOOK)
    with open(world.path("config.toml"), "w", encoding="utf-8") as out:
        out.write(f'version = 2\nroot = "{world.dir}/containerd"\nstate = "{world.dir}/containerd-run"\n'
                  'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                  f'[grpc]\naddress = "{world.dir}/c.sock"\n[plugins."io.containerd.internal.v1.opt"]\npath = "{world.dir}/opt"\n')
    world.env["C"] = f"ctr -a {world.dir}/c.sock"
    world.daemon(["containerd", "--config", world.path("config.toml")], "$C version")
    world.ok("skopeo copy -q --insecure-policy oci:shell:latest docker-archive:bb.tar:bb:1 && $C image import bb.tar")
    world.ok(f"$C run --rm {IMAGE} c0 true")
    world.settle()


class ContainerdTest(engine.EngineTest):
    def remove_all(self):
        world.run("for c in $($C task ls -q); do $C task delete -f $c; done; for c in $($C c ls -q); do $C c rm $c; done")

    @both
    def test_run(self, run):
        run(f"{RUN} --rm {IMAGE} c1 echo hi", out="^hi\n$")
        run(f"{RUN} --rm {IMAGE} c1 sh -c 'echo out; echo err >&2; exit 3'", 3, "^out\n$")
        run(f"{RUN} --rm {IMAGE} c1 ls /proc/self/fd", out="^0\n1\n2\n3\n$")
        run(f"{RUN} --rm {IMAGE} c1 head -n 1", input="some\ninput\n", out="^some\n$")
        run(f"{RUN} --rm --cwd /tmp --env A=b {IMAGE} c1 sh -c 'id; pwd; echo $A; hostname; umask'", out="^uid=0")
        run(f"{RUN} --rm {IMAGE} c1 /nonexistent", 1, err="(?i)no such file or directory")
        run(f"{RUN} --rm {IMAGE} c1 nonexistent", 1, err="executable file .*not found in ")
        run(f"{RUN} --rm {IMAGE} c1 /etc/passwd", 1, err="permission denied")
        run("$C c ls -q", out="^$")

    @both
    def test_what_the_container_sees(self, run):
        run.look(f"{RUN} --rm {DATA} {IMAGE} c1 sh /data/look", input=None)
        run.look(f"{RUN} --rm --memory-limit 67108864 --cpus 0.5 --read-only --net-host --seccomp --cap-drop CAP_CHOWN --rootfs-propagation rprivate"
            f" --device /dev/fuse {DATA} {IMAGE} c1 sh /data/look", input=None)
        run(f"{RUN} -d --memory-limit 67108864 --cpus 0.5 {IMAGE} c1 sleep 1000")
        run("cd /sys/fs/cgroup; cat memory/default/c1/memory.limit_in_bytes cpu/default/c1/cpu.cfs_quota_us default/c1/memory.max default/c1/cpu.max 2>/dev/null", 1, out="67108864\n50000")

    @both
    def test_privileged(self, run):
        run(f"{RUN} --rm --privileged {IMAGE} c1 sh -c 'grep ^Cap /proc/self/status; mount -t tmpfs x /tmp && echo mounted; cut -d\" \" -f4- /proc/self/mountinfo | sort -k 2'", normal=OWN_WAYS,
            out="mounted")

    @both
    def test_user_namespace(self, run):
        run.look(f"{RUN} --rm --uidmap 0:100000:65536 --gidmap 0:100000:65536 {DATA} {IMAGE} c1 sh -c 'cat /proc/self/uid_map; . /data/look'",
                 input=None, out="0 +100000 +65536")

    @both
    def test_at_a_terminal(self, run):
        sized = ">until [ \"$(stty size)\" = '30 100' ]; do :; done; tty; echo do''ne"
        run.at_terminal(f"{RUN} --rm -t {IMAGE} c1 sh", ["# $", sized, "^/dev/pts/0\ndone\n", "# $", ">exit 4"], 4)
        run(SLEEP)
        run.at_terminal("$C task exec -t --exec-id e1 c1 sh", ["# $", sized, "^/dev/pts/0\ndone\n", "# $", ">exit 7"], 7)

    @both
    def test_life(self, run):
        run("rm -f log.c1")
        run(f"{RUN} -d --log-uri file://{world.dir}/log.c1 {IMAGE} c1 {READY}")
        run.until("cat log.c1", "ready")
        run("$C task ls", out="c1 .*RUNNING", normal=[(r"\d+", "PID"), (" +", " ")])
        run("$C task ps c1 | grep -cE '^[0-9]+ +-'", out="^[12]$", normal=[("2", "1")])
        run("$C task kill -s SIGUSR1 c1")
        run.until("$C task ls", "c1 .*STOPPED")
        run("$C task kill -s SIGKILL c1", 1, err="process already finished|not found|container not running")
        run("$C task delete c1", err="exit code 5\"")
        run("cat log.c1", out="^ready\ngot\n$")
        run("$C task start -d c1 >/dev/null")
        run("$C task kill -a -s SIGKILL c1")
        run.until("$C task ls", "c1 .*STOPPED")
        run("$C task delete c1", err="exit code 137\"")
        run("$C c rm c1")

    @both
    def test_pause_and_metrics(self, run):
        run(SLEEP)
        run("$C task pause c1")
        run("$C task ls", out="PAUSED", normal=[(r"\d+", "PID"), (" +", " ")])
        run("$C task resume c1")
        run("$C task exec --exec-id e1 c1 echo hi", out="^hi\n$")
        run("$C task metrics c1 | grep -c .", out="^[1-9]")
        run("$C task delete c1", 1, err="must be stopped before deletion")
        run("$C task delete -f c1", err="exit code 137\"")

    @both
    def test_exec(self, run):
        run(f"{RUN} -d --env FROM=run {IMAGE} c1 sleep 1000")
        e = "$C task exec --exec-id e1"
        run(f"{e} c1 cat", input="typed\n", out="^typed\n$")
        run(f"{e} --cwd /tmp --user 1000 c1 sh -c 'id; pwd; echo $FROM; grep -E \"^(Cap|NoNew|Seccomp:)\" /proc/self/status; cut -d: -f2- /proc/self/cgroup'", out="^uid=1000")
        run(f"{e} c1 ls /proc/self/fd", out="^0\n1\n2\n3\n$")
        run(f"{e} c1 sh -c 'exit 3'", 3)
        run(f"{e} c1 sh -c 'kill -9 $$'", 137)
        run(f"{e} c1 nonexistent", 1, err="executable file .*not found in ")
        run(f"{e} c1 /nonexistent", 1, err="(?i)no such file or directory")
        run(f"{e} c1 /etc/passwd", 1, err="permission denied")
        run(f"{e} -d c1 sleep 999")
        run("$C task ps c1 | grep -cE '^[0-9]'", out="^2$")
        run("$C task kill --exec-id e1 -s SIGKILL c1")
        run.until("$C task ps c1 | grep -cE '^[0-9]'", "^1$")

    @both
    def test_out_of_memory(self, run):
        run(f"{RUN} --rm --memory-limit 16777216 {IMAGE} c1 tail /dev/zero", 137)


if __name__ == "__main__":
    engine.main(PARENTS)

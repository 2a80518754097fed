#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""dockerd drives the runtime, through its containerd and shim: see engine.py. Needs root."""

import sys

sys.path.insert(0, "tests")
sys.path.insert(0, "tests/interop")
import dockerd
import engine
from dockerd import IMAGE, PARENTS
from engine import CAN_PRIVILEGED, OWN_WAYS, both

RUN = "$D run --runtime {name}"
QUIET = f"{RUN} --rm --network none {IMAGE}"
SLEEP = f"{RUN} -d --network none --name c1 {IMAGE} sleep 1000"
READY = "sh -c 'trap \"echo got; exit 5\" USR1; trap \"exit 6\" TERM; echo ready; while :; do sleep 0.02; done'"
# Where root lacks a capability runc refuses, and stave-oci gives what there is.
PRIVILEGED = {} if CAN_PRIVILEGED else {"code": (0, 125, 126), "err": "", "normal": [("(?s).*", "")]}

world = None


def setUpModule():
    global world
    world = dockerd.start()
    # For volumes whose mounts propagate.
    world.ok("mkdir data; mount -t tmpfs data data; mount --make-shared data")
    world.ok(f"$D run --rm {IMAGE} true")
    world.settle()


class DockerTest(engine.EngineTest):
    def remove_all(self):
        world.run("$D ps -aq | xargs -r $D rm -f")

    # --- run -----------------------------------------------------------------------------------------

    @both
    def test_run(self, run):
        run(f"{RUN} --rm {IMAGE} echo hi", out="^hi\n$")
        run(f"{QUIET} sh -c 'echo out; echo err >&2; exit 3'", 3, "^out\n$")
        run(f"{RUN} --rm --network none --init {IMAGE} sh -c 'kill -9 $$'", 137)
        run(f"{QUIET} ls /proc/self/fd", out="^0\n1\n2\n3\n$")
        run(f"{RUN} --rm -i --network none {IMAGE} cat", out="^some\ninput\n$", input="some\ninput\n")
        run(f"{QUIET} cat", out="^$")
        run(f"{RUN} --rm --network none -u user -w /tmp -e A=b --hostname h {IMAGE} sh -c 'id; pwd; echo $A; hostname; umask'",
            out=r"^uid=1000\(user\) gid=1000\(user\) groups=1000\(user\),2000\(extra\)\n/tmp\nb\nh\n0022\n$")


    @both
    def test_what_the_container_sees(self, run):
        run.look(f"{RUN} --rm -i {IMAGE} sh")

    @both
    def test_what_a_limited_container_sees(self, run):
        run.look(f"{RUN} --rm -i --network none --init --read-only -m 64m --pids-limit 50 --cpus 0.5 --cap-drop ALL --cap-add CHOWN"
            f" --security-opt no-new-privileges --tmpfs /scratch:size=1m --sysctl net.ipv4.ip_forward=1 --group-add 77 -u user"
            f" -v {world.dir}/data:/data:ro --device /dev/null:/dev/x:r --shm-size 1m --oom-score-adj 100 --ulimit nofile=99:100"
            f" --cpuset-cpus 0 {IMAGE} sh", out="67108864\n50\n50000\n")

    @both
    def test_programs_that_cannot_run(self, run):
        run(f"{QUIET} /nonexistent", 127, err="(?i)no such file or directory")
        run(f"{QUIET} nonexistent", 127, err="executable file .*not found in ")
        run(f"{QUIET} /etc", 126, err="permission denied|is a directory")
        run(f"{QUIET} /etc/passwd", 126, err="permission denied")
        run(f"{QUIET} noshell", (1, 127), err="(?i)no such file or directory")
        run(f"{RUN} --rm --network none -v {world.dir}/data:/etc/passwd {IMAGE} true", (125, 127), err="(?i)not a directory|onto a file")
        run("$D ps -aq", out="^$")

    @both
    def test_at_a_terminal(self, run):
        resized = ">until [ \"$(stty size)\" = '30 100' ]; do :; done; tty; echo do''ne"
        run.at_terminal(f"{RUN} --rm -it --network none --name c1 {IMAGE} sh", [
            "# $", resized, "^/dev/pts/0\ndone\n", "# $", ">trap 'echo int' INT; echo o''k", "^ok\n", "# $", ">exit 4"], 4)
        run(SLEEP)
        run.at_terminal("$D exec -it c1 sh", ["# $", resized, "^/dev/pts/0\ndone\n", "# $", ">ps -o comm | grep -c sleep", "^1\n", "# $", ">exit 7"], 7)
        run.at_terminal(f"{RUN} --rm -t --network none {IMAGE} sh -c 'test -t 0 && test -t 1 && test -t 2 && echo all'", ["^all\n"])

    @both
    def test_security_options(self, run):
        run(f"{QUIET} sh -c 'unshare -U true || echo refused'", out="^refused", err="not permitted")
        run(f"{QUIET} sh -c 'mount -t tmpfs x /tmp || echo refused'", out="^refused", err="denied")
        with open(world.path("profile.json"), "w", encoding="utf-8") as out:
            out.write('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}')
        run(f"{RUN} --rm --network none --security-opt seccomp=profile.json {IMAGE} chmod 700 /tmp", 1, err="No space left on device")
        run(f"{RUN} --rm --network none --security-opt seccomp=unconfined {IMAGE} grep Seccomp: /proc/self/status", out="0")
        run(f"{RUN} --rm --network none --security-opt systempaths=unconfined {IMAGE} sh -c 'cut -d\" \" -f4- /proc/self/mountinfo | sort -k 2'", normal=OWN_WAYS)
        run(f"{RUN} --rm -i --privileged --network none {IMAGE} sh -c 'grep -E ^Cap.*: /proc/self/status; mount -t tmpfs x /tmp && echo mounted; ls /dev | grep -c .'",
            **PRIVILEGED)

    # --- a container's life --------------------------------------------------------------------------

    @both
    def test_life(self, run):
        run(f"{RUN} -d --network none --name c1 {IMAGE} {READY}", out="^[0-9a-f]{64}\n$")
        run.until("$D logs c1", "ready")
        run("$D inspect -f '{{.State.Status}} {{.State.OOMKilled}} {{.Config.Image}}' c1", out="^running false")
        run("$D top c1 -o pid,comm | sed '1!s/^[0-9 ]*//' | grep -v sleep", out="COMMAND\nsh\n")
        run("$D kill -s USR1 c1", out="^c1\n$")
        run("$D wait c1", out="^5\n$")
        run("$D logs c1", out="^ready\ngot\n$")
        run("$D start c1", out="^c1\n$")
        run.until("$D logs c1", "ready\ngot\nready")
        run("$D stop -t 20 c1", out="^c1\n$")
        run("$D inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}' c1", out="^exited 6 0$")
        run("$D start c1")
        run("$D restart -t 20 c1")
        run("$D inspect -f '{{.State.Status}}' c1", out="^running$")
        run("$D rm c1", 1, err="cannot remove a running container|Stop the container")
        run("$D rm -f c1")
        run("$D ps -aq", out="^$")
        run(SLEEP)
        run("$D stop -t 1 c1")
        run("$D inspect -f '{{.State.ExitCode}}' c1", out="^137$")
        run("$D start -a c1 & until $D exec c1 true 2>/dev/null; do :; done; $D kill c1; wait $!", 137, out="^c1$")

    @both
    def test_create_and_start(self, run):
        run(f"$D create --runtime {{name}} --network none --name c1 {IMAGE} sh -c 'echo first; exit 2'")
        run("$D inspect -f '{{.State.Status}} {{.HostConfig.Runtime}}' c1 | cut -d' ' -f1", out="^created$")
        run("$D start -a c1", 2, out="^first$")
        run("$D start -a c1", 2, out="^first$")
        run("$D rm c1")

    @both
    def test_pause_and_update(self, run):
        run(SLEEP)
        run("$D pause c1")
        run("$D inspect -f '{{.State.Status}}' c1", out="^paused$")
        run("$D exec c1 true", 1, err="paused")
        run("$D unpause c1")
        run("$D exec c1 true")
        run("$D update --memory 48m --memory-swap 64m --cpus 0.25 --pids-limit 33 --cpu-shares 512 --cpuset-cpus 0 c1")
        run("$D exec c1 sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max cpu/cpu.shares memory.max cpu.max pids.max 2>/dev/null'",
            1, out="50331648")
        run("$D exec c1 grep Cpus_allowed_list /proc/self/status", out="\t0\n")
        run("$D stats --no-stream --format '{{.Name}} {{.PIDs}}' c1", out="^c1 1$")
        run("$D stats --no-stream --format '{{.MemUsage}}' c1 | cut -d/ -f2", out="48MiB")

    @both
    def test_out_of_memory(self, run):
        run(f"{RUN} --name c1 --network none -m 16m {IMAGE} tail /dev/zero", 137, err="")
        run("$D inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' c1", out="^true 137$")

    # --- exec ----------------------------------------------------------------------------------------

    @both
    def test_exec(self, run):
        run(f"{RUN} -d --network none --name c1 --cap-drop CHOWN -e FROM=run {IMAGE} sleep 1000")
        e = "$D exec"
        run(f"{e} c1 echo hi", out="^hi\n$")
        run(f"{e} -i c1 cat", input="typed\n", out="^typed\n$")
        run(f"{e} -u user -w /tmp -e A=b c1 sh -c 'id; pwd; echo $A $FROM; umask; grep -E \"^(Cap|NoNew|Seccomp:)\" /proc/self/status'")
        run(f"{e} --privileged c1 grep ^Cap /proc/self/status", **PRIVILEGED)
        run(f"{e} c1 ls /proc/self/fd", out="^0\n1\n2\n3\n$")
        run(f"{e} c1 sh -c 'cat /proc/self/limits /proc/self/oom_score_adj; cut -d: -f2- /proc/self/cgroup; env | sort'")
        run(f"{e} c1 sh -c 'exit 3'", 3)
        run(f"{e} c1 sh -c 'kill -9 $$'", 137)
        run(f"{e} c1 nonexistent", (126, 127), out="executable file .*not found in ", normal=[(".*executable file.*", "")])
        run(f"{e} c1 /nonexistent", (126, 127), out="(?i)no such file or directory", normal=[("(?i).*no such file.*", "")])
        run(f"{e} c1 /etc/passwd", 126, out="permission denied", normal=[(".*permission denied.*", "")])
        run(f"{e} -w /absent c1 true", (126, 127), out="(?i)no such file or directory", normal=[("(?i).*no such file.*", "")])
        run(f"{e} -d c1 sh -c 'echo $$ > /tmp/detached; exec sleep 999'")
        run.until(f"{e} c1 ps", "sleep 999")
        run(f"{e} c1 sh -c 'kill -9 $(cat /tmp/detached)'")
        run("$D stop -t 0 c1")
        run(f"{e} c1 true", 1, err="is not running")

    # --- with others ---------------------------------------------------------------------------------

    @both
    def test_namespaces_of_others(self, run):
        run(f"{RUN} -d --name c1 --ipc shareable {IMAGE} sleep 1000")
        run(f"{RUN} --rm --pid container:c1 --network container:c1 --ipc container:c1 {IMAGE} sh -c 'tr \"\\0\" \" \" < /proc/1/cmdline; ip -o link | wc -l; cat /etc/hostname'", out="^sleep 1000")
        run(f"{RUN} --rm --network none --pid host --ipc host --uts host {IMAGE} sh -c 'cd /proc/self/ns; for n in pid ipc uts cgroup; do readlink $n; done'")
        run(f"{RUN} --rm --network host --cgroupns private {IMAGE} sh -c 'ip -o link | grep -v veth | wc -l; cut -d: -f3 /proc/self/cgroup | sort -u'")
        run(f"{RUN} -d --pid host --name d1 --network none {IMAGE} sh -c 'sleep 1001 & sleep 1002'")
        run("$D stop -t 0 d1")

    @both
    def test_bridge(self, run):
        run(f"{RUN} -d --name c1 -p 127.0.0.1:8099:80 {IMAGE} nc -ll -p 80 -e echo served")
        run.until(f"{RUN} --rm --link c1 {IMAGE} nc c1 80", "served")
        run.until("busybox nc 127.0.0.1 8099", "served")

    @both
    def test_propagation(self, run):
        run(f"{RUN} -d --network none --name c1 -v {world.dir}/data:/data:rslave -v {world.dir}/data:/apart {IMAGE} sleep 1000")
        run("mkdir data/late && mount -t tmpfs late data/late")
        run("$D exec c1 grep -c late /proc/mounts", out="^1$")
        run("$D exec c1 cut -d' ' -f5,7 /proc/self/mountinfo | grep -E '^/(data|apart)' | sort", normal=[(r":\d+", "")])
        run("umount data/late && rmdir data/late")
        run("$D exec c1 grep -c late /proc/mounts", 1, out="^0$")

    # --- build ---------------------------------------------------------------------------------------

    @both
    def test_build(self, run):
        dockerd.make_default(run)
        file = f"FROM {IMAGE}\nRUN echo built > /made && id -u && ls /proc/self/fd\nUSER user\nRUN id\n"
        run("$D build -q --no-cache --network none -t made -", input=file, normal=[("sha256:ID", "ID")])
        run(f"{RUN} --rm --network none made cat /made", out="^built$")
        run("$D build -q --no-cache --network none -", 3, input=f"FROM {IMAGE}\nRUN exit 3\n", err="returned a non-zero code: 3")
        run("$D rmi -f made", out="Deleted", normal=[(".*\n", "")])

    @both
    def test_buildkit(self, run):
        dockerd.make_default(run)
        build = "DOCKER_BUILDKIT=1 $D build --progress plain --no-cache"
        run(f"{build} --network none -t made -", input=f"FROM {IMAGE}\nRUN echo built > /made && id -u && ls /proc/self/fd\nUSER user\nRUN id\n", err="uid=1000")
        run(f"{RUN} --rm --network none made cat /made", out="^built$")
        run(f"{build} --network none -", 1, input=f"FROM {IMAGE}\nRUN exit 3\n", err="exit code: 3")
        run("$D rmi -f made; $D builder prune -af", out="Deleted", normal=[(".*\n", "")])


if __name__ == "__main__":
    engine.main(PARENTS)

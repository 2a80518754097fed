#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""podman drives the runtime: see engine.py. Needs root."""

import os
import sys

sys.path.insert(0, "tests")
sys.path.insert(0, "tests/interop")
import engine
from engine import LOOK, OWN_WAYS, both

PARENTS = ["libpod_parent", "libpod_parent/conmon"]
IMAGE = "localhost/bb:1"
RUN = "$P --runtime {rt} run"
QUIET = f"{RUN} --rm --network none {IMAGE}"
SLEEP = f"{RUN} -d --network none --name c {IMAGE} sleep 1000"
READY = "sh -c 'trap \"echo got; exit 5\" USR1; trap \"exit 6\" TERM; echo ready; while :; do sleep 0.02; done'"

world = None


def setUpModule():
    global world
    world = engine.make_world(["podman", "conmon"], PARENTS)
    with open(world.path("containers.conf"), "w", encoding="utf-8") as conf:
        # Root of some machines may not raise limits; and only a runtime named here is asked for its errors in JSON.
        conf.write('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\ninit_path = "/usr/bin/docker-init"\n'
                   '[engine]\nruntime_supports_json = ["crun", "runc", "stave-oci"]\nevents_logger = "file"\ncgroup_manager = "cgroupfs"\n')
    os.mkdir(world.path("data"))
    world.lasting.add(world.path("podman", "overlay"))
    world.env["CONTAINERS_CONF"] = world.path("containers.conf")
    world.env["P"] = f"podman --root {world.dir}/podman --runroot {world.dir}/podman-run --tmpdir {world.dir}/podman-tmp"
    world.ok(f"$P tag $($P pull -q oci:shell:latest) {IMAGE}")
    world.ok(f"$P --runtime {engine.ORACLE} run --rm {IMAGE} true")  # its lasting mounts and bridge
    world.settle()


class PodmanTest(engine.EngineTest):
    def remove_all(self):
        world.run("$P rm -fa -t 0; $P pod rm -fa -t 0")

    # --- run -----------------------------------------------------------------------------------------

    @both
    def test_run(self, run):
        run(f"{RUN} --rm {IMAGE} echo hi", out="^hi\n$")
        run(f"{QUIET} sh -c 'echo out; echo err >&2; exit 3'", 3, "^out\n$")
        run(f"{RUN} --rm --network none --init {IMAGE} sh -c 'kill -9 $$'", 137)
        run(f"{QUIET} ls /proc/self/fd", out="^0\n1\n2\n3\n$")
        run(f"{RUN} --rm -i --network none {IMAGE} cat", out="^some\ninput\n$", input="some\ninput\n")
        run(f"{QUIET} cat", out="^$")
        run(f"{RUN} --rm --network none -u user -w /tmp -e A=b --hostname h --umask 077 {IMAGE} sh -c 'id; pwd; echo $A; hostname; umask'",
            out=r"^uid=1000\(user\) gid=1000\(user\) groups=1000\(user\),2000\(extra\)\n/tmp\nb\nh\n0077\n$")

    @both
    def test_what_the_container_sees(self, run):
        run.look(f"{RUN} --rm -i {IMAGE} sh")

    @both
    def test_what_a_limited_container_sees(self, run):
        run.look(f"{RUN} --rm -i --network none --init --read-only -m 64m --pids-limit 50 --cpus 0.5 --cap-drop ALL --cap-add CHOWN"
            f" --security-opt no-new-privileges --tmpfs /scratch:size=1m --sysctl net.ipv4.ip_forward=1 --group-add 77 -u user"
            f" -v {world.dir}/data:/data:ro --device /dev/null:/dev/x:r --shm-size 1m --oom-score-adj 100 {IMAGE} sh",
            out="67108864\n50\n50000\n")

    @both
    def test_programs_that_cannot_run(self, run):
        run(f"{QUIET} /nonexistent", 127, err="(?i)no such file or directory")
        run(f"{QUIET} nonexistent", 127, err="executable file .*not found in ")
        run(f"{QUIET} /etc", 126, err="permission denied|is a directory")
        run(f"{QUIET} /etc/passwd", 126, err="permission denied")
        run(f"{QUIET} noshell", (1, 127), err="(?i)no such file or directory")
        run(f"{RUN} --rm --network none -w /etc/passwd {IMAGE} true", 126, err="(?i)not a directory")
        run("$P ps -aq", out="^$")

    @both
    def test_errors_of_a_runtime_that_podman_does_not_know(self, run):
        run("ln -sf {rt} other && $P --runtime $PWD/other run --rm --network none " + IMAGE + " /nonexistent", 127, err="(?i)no such file or directory")

    @both
    def test_at_a_terminal(self, run):
        run.at_terminal(f"{RUN} --rm -it --network none --name c {IMAGE} sh", [
            "# $", ">tty; stty size", "^/dev/pts/0\n30 100\n", "# $", ">trap 'echo int' INT; echo o''k", "^ok\n", "# $", ">exit 4"], 4)
        run(SLEEP)
        run.at_terminal(f"$P --runtime {{rt}} exec -it c sh", ["# $", ">tty; ps -o comm | grep -c sleep", "^/dev/pts/0\n1\n", "# $", ">exit 7"], 7)
        run.at_terminal(f"{RUN} --rm -t --network none {IMAGE} sh -c 'test -t 0 && test -t 1 && test -t 2 && echo all'", ["^all\n"])

    @both
    def test_privileged(self, run):
        run(f"{RUN} --rm -i --privileged --network none {IMAGE} sh -c 'grep -E ^Cap.*: /proc/self/status; mount -t tmpfs x /tmp && echo mounted; echo a > /proc/sys/kernel/domainname && echo wrote; ls /dev | grep -c .'",
            out="mounted\nwrote\n")
        run(f"{RUN} --rm --security-opt seccomp=unconfined --security-opt unmask=ALL --network none {IMAGE} sh -c 'grep Seccomp: /proc/self/status; grep -c masked /proc/mounts; ls -ld /proc/kcore | cut -c1-20'")
        run(f"{RUN} --rm --systemd=always --network none {IMAGE} sh -c 'cut -d\" \" -f4- /proc/self/mountinfo | sort -k 2'", normal=OWN_WAYS)

    @both
    def test_seccomp(self, run):
        run(f"{QUIET} sh -c 'mount -t tmpfs x /tmp || echo refused'", out="^refused", err="denied")
        profile = world.path("profile.json")
        with open(profile, "w", encoding="utf-8") as out:
            out.write('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}')
        run(f"{RUN} --rm --network none --security-opt seccomp={profile} {IMAGE} chmod 700 /tmp", 1, err="No space left on device")

    # --- a container's life --------------------------------------------------------------------------

    @both
    def test_life(self, run):
        run(f"{RUN} -d --network none --name c {IMAGE} {READY}", out="^[0-9a-f]{64}\n$")
        run.until("$P logs c", "ready")
        run("$P inspect -f '{{{{.State.Status}}}} {{{{.State.OOMKilled}}}} {{{{.OCIRuntime}}}}' c | cut -d' ' -f1,2".replace("{{{{", "{{").replace("}}}}", "}}"), out="^running false$")
        run("$P top c user comm | grep -v sleep", out="USER +COMMAND\nroot +sh\n")
        run("$P kill -s USR1 c", out="^c\n$")
        run("$P wait c", out="^5\n$")
        run("$P logs c", out="^ready\ngot\n$")
        run("$P start c", out="^c\n$")
        run.until("$P logs c", "ready\ngot\nready")
        run("$P stop -t 20 c", out="^c\n$")
        run("$P inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}' c", out="^exited 6 0$")
        run("$P start c")
        run("$P restart -t 20 c", normal=[("^[0-9a-f]{64}$", "c")])
        run("$P inspect -f '{{.State.Status}}' c", out="^running$")
        run("$P rm c", 2, err="container state improper")
        run("$P rm -f -t 0 c")
        run("$P ps -aq", out="^$")
        run(SLEEP)
        run("$P stop -t 1 c", err="SIGKILL")
        run("$P inspect -f '{{.State.ExitCode}}' c", out="^137$")
        run("$P start --attach c & until $P exec c true 2>/dev/null; do :; done; $P kill c; wait $!", 137, out="^c$")

    @both
    def test_create_and_start(self, run):
        run(f"$P --runtime {{rt}} create --network none --name c {IMAGE} sh -c 'echo first; exit 2'")
        run("$P inspect -f '{{.State.Status}}' c", out="^created$")
        run("$P start -a c", 2, out="^first$")
        run("$P start -a c", 2, out="^first$")
        run("$P rm c")

    @both
    def test_pause_and_update(self, run):
        run(SLEEP)
        run("$P pause c")
        run("$P inspect -f '{{.State.Status}}' c", out="^paused$")
        run("$P exec c true", 255, err="container state improper")
        run("$P unpause c")
        run("$P exec c true")
        run("$P update --memory 48m --cpus 0.25 c")
        run("$P exec c sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max memory.max cpu.max pids.max 2>/dev/null'",
            1, out="50331648")
        run("$P update --cpu-shares 512 --cpuset-cpus 0 c")
        run("$P exec c grep Cpus_allowed_list /proc/self/status", out="\t0\n")
        run("$P stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemLimit}}' c", out="^c 1 ")

    @both
    def test_out_of_memory(self, run):
        run(f"{RUN} --name c --network none -m 16m {IMAGE} sh -c 'tail /dev/zero; exit $?'", 137)
        run("$P inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' c", out=" 137$")

    # --- exec ----------------------------------------------------------------------------------------

    @both
    def test_exec(self, run):
        run(f"{RUN} -d --network none --name c --cap-drop CHOWN -e FROM=run {IMAGE} sleep 1000")
        e = "$P exec"
        run(f"{e} c echo hi", out="^hi\n$")
        run(f"{e} -i c cat", input="typed\n", out="^typed\n$")
        run(f"{e} -u user -w /tmp -e A=b c sh -c 'id; pwd; echo $A $FROM; umask; grep -E \"^(Cap|NoNew|Seccomp:)\" /proc/self/status'")
        run(f"{e} --privileged c grep ^Cap /proc/self/status")
        run(f"{e} c ls /proc/self/fd", out="^0\n1\n2\n3\n$")
        run(f"{e} c sh -c 'cat /proc/self/limits /proc/self/oom_score_adj; cut -d: -f2- /proc/self/cgroup; env | sort'")
        run(f"{e} c sh -c 'exit 3'", 3)
        run(f"{e} c sh -c 'kill -9 $$'", 137)
        run(f"{e} c nonexistent", 127, err="executable file .*not found in ")
        run(f"{e} c /nonexistent", 127, err="(?i)no such file or directory")
        run(f"{e} c /etc/passwd", 126, err="permission denied")
        run(f"{e} -w /absent c true", 127, err="(?i)no such file or directory")
        run(f"{e} -d c sh -c 'echo $$ > /tmp/detached; exec sleep 999'")
        run.until(f"{e} c ps", "sleep 999")
        run(f"{e} c sh -c 'kill -9 $(cat /tmp/detached)'")
        run("$P stop -t 0 c")
        run(f"{e} c true", 255, err="container state improper|can only create exec sessions on running containers")

    # --- with others ---------------------------------------------------------------------------------

    @both
    def test_namespaces_of_others(self, run):
        run(f"{RUN} -d --name c --ipc shareable {IMAGE} sleep 1000")
        run(f"{RUN} --rm --pid container:c --network container:c --ipc container:c {IMAGE} sh -c 'tr \"\\0\" \" \" < /proc/1/cmdline; ip -o addr | wc -l; hostname'", out="^sleep 1000")
        run(f"{RUN} --rm --network none --pid host --ipc host --uts host {IMAGE} sh -c 'cd /proc/self/ns; for n in pid ipc uts cgroup; do readlink $n; done'")
        run(f"{RUN} --rm --network host --cgroupns private {IMAGE} sh -c 'ip -o link | wc -l; cut -d: -f3 /proc/self/cgroup | sort -u'")
        run(f"{RUN} --rm --network none --cgroupns host {IMAGE} sh -c 'cut -d: -f3 /proc/self/cgroup | sort -u'")
        run(f"{RUN} -d --pid host --name d --network none {IMAGE} sh -c 'sleep 1001 & sleep 1002'")
        run("$P stop -t 0 d")

    @both
    def test_bridge(self, run):
        run(f"{RUN} -d --name c {IMAGE} nc -ll -p 80 -e echo served")
        run.until(f"{RUN} --rm {IMAGE} sh -c \"nc $($P inspect -f '{{{{.NetworkSettings.IPAddress}}}}' c) 80\"", "served")

    @both
    def test_user_namespaces(self, run):
        run.look(f"{RUN} --rm -i --network none --uidmap 0:100000:65536 {IMAGE} sh", input="cat /proc/self/uid_map /proc/self/gid_map\n" + LOOK, out="0 +100000 +65536")
        run(f"{RUN} -d --name c --network none --uidmap 0:100000:65536 {IMAGE} sleep 1000")
        run("$P exec -u user c sh -c 'id; cat /proc/self/uid_map; grep ^Cap /proc/self/status'", out="0 +100000 +65536")

    @both
    def test_pod(self, run):
        run(f"$P --runtime {{rt}} pod create --name p --infra-image {IMAGE} --infra-command 'sleep 1000' --network none")
        run(f"{RUN} -d --pod p --name c {IMAGE} sleep 1000")
        run(f"{RUN} --rm --pod p {IMAGE} sh -c 'ip -o link | wc -l; hostname'", out="p$")
        run("$P pod stop -t 0 p", normal=[("^[0-9a-f]{64}", "ID")])
        run("$P pod rm -f -t 0 p")

    # --- build ---------------------------------------------------------------------------------------

    @both
    def test_build(self, run):
        file = f"FROM {IMAGE}\nRUN echo built > /made && id -u && ls /proc/self/fd\nUSER user\nRUN id\n"
        run("$P --runtime {rt} build -q --no-cache --layers=false --network none --isolation oci -t made -f - .", input=file, normal=[("^[0-9a-f]{64}$", "ID")])
        run(f"{RUN} --rm --network none made cat /made", out="^built$")
        run("$P --runtime {rt} build -q --no-cache --layers=false --network none --isolation oci -f - .", 3, input=f"FROM {IMAGE}\nRUN exit 3\n", err="exit status 3")
        run("$P rmi -f made")


if __name__ == "__main__":
    engine.main(PARENTS)

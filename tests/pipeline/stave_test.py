#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""stave: Docker's command lines end to end, on images made here and served by a registry of this test.
Needs root."""

import json
import os
import re
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place, tree
from terminal import Terminal

place = None
host = None     # the registry
image = None    # "HOST/library/box:latest"
local = None    # the same, as a layout


def setUpModule():
    global place, host, image, local
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    host = place.registry()
    hello = Place.tar([("hello.txt", "f", b"Hello from Docker!\n", 0o644)])
    local = place.layout("box", [Place.busybox()], {
        "Cmd": ["sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "A=image"], "Labels": {"made": "here"}})
    place.layout("hello", [Place.busybox(), hello], {"Cmd": ["cat", "/hello.txt"], "Env": ["PATH=/bin"]})
    for name in ("box", "hello"):
        place.run(f"skopeo copy --dest-tls-verify=false oci:{place.dir}/{name}:latest docker://{host}/library/{name}:latest", check=True)
    image = f"{host}/library/box:latest"
    place.run(f"stave pull -q {image}", check=True)


def tearDownModule():
    if place:
        place.close()


class Case(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    def run_it(self, command, **kwargs):
        return place.run(command, **kwargs)

    def ok(self, command, **kwargs):
        done = place.run(command, **kwargs)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def fails(self, command, code, text):
        done = place.run(command)
        self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}{done.stderr}")
        self.assertIn(text, done.stderr)
        return done


class LifeTest(Case):
    def test_run_prints_what_the_payload_does(self):
        done = self.run_it(f"stave run --rm {image} sh -c 'echo out; echo err >&2; exit 7'")
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("out\n", "err\n", 7))
        self.assertEqual(self.ok("stave ps -aq"), "")

    def test_run_exit_codes(self):
        for command, code in (("nowhere", 127), ("/etc/passwd", 126), ("false", 1)):
            self.assertEqual(self.run_it(f"stave run --rm {image} {command}").returncode, code, command)

    # Whoever fails says so, and nobody else.
    def test_run_tells_a_failure_once(self):
        for words, code, line in (("--pull never nosuch:1", 125, "image-fetch: No such image: nosuch:1 [E_NOT_FOUND]"),
                                  (f"--rm -m 12x {image} true", 125, 'cgroup-limit: --memory: "12x": is not a size (bytes, or with k, m, g, t) [E_USAGE]'),
                                  (f"--rm {image} nosuch", 127, 'ns-run: exec "nosuch": executable file not found in $PATH [E_NOT_FOUND]')):
            done = place.run(f"stave run {words}")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (code, "", line + "\n"))

    def test_run_reads_stdin(self):
        self.assertEqual(self.ok(f"stave run -i --rm {image} cat", input="typed\n"), "typed\n")
        self.assertEqual(self.ok(f"stave run --rm {image} cat", input="typed\n"), "")

    def test_run_attaches_to_what_is_asked_for(self):
        done = self.run_it(f"stave run --rm -i -a stdout {image} sh -c 'echo out; echo err >&2'", input="typed\n")
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("out\n", "", 0))
        done = self.run_it(f"stave run --name said -i -a stdin -a STDERR {image} sh -c 'cat; echo err >&2'", input="typed\n")
        self.assertEqual((done.stdout, done.stderr), ("", "err\n"))
        self.assertEqual(self.ok("stave logs said 2>&1"), "typed\nerr\n")

    def test_what_is_set_for_dockers_client(self):
        self.addCleanup(self.ok, "rm -rf client")
        config = {"psFormat": "{{.Names}}!", "detachKeys": "ctrl-x", "proxies": {"default": {"httpProxy": "http://proxy:3128"}}}
        self.ok("mkdir client; cat > client/config.json", input=json.dumps(config))
        one = "DOCKER_CONFIG=client stave"
        self.assertEqual(self.ok(f"{one} run --name proxied {image} sh -c 'echo $HTTP_PROXY $http_proxy'"), "http://proxy:3128 http://proxy:3128\n")
        self.assertEqual(self.ok(f"{one} run --rm -e http_proxy=own {image} sh -c 'echo $HTTP_PROXY $http_proxy'"), "http://proxy:3128 own\n")
        self.assertEqual(self.ok(f"{one} ps -a"), "proxied!\n")
        self.assertRegex(self.ok(f"{one} ps -aq"), "^[0-9a-f]{12}\n$")
        self.assertEqual(self.ok(f"{one} start -a proxied"), "http://proxy:3128 http://proxy:3128\n")
        self.assertIn("--detach-keys ctrl-x", self.ok(f"{one} exec --explain -it proxied sh"))
        self.ok("echo '{' > client/config.json")
        done = self.run_it(f"{one} ps -a --format '{{{{.Names}}}}'")
        self.assertEqual((done.stdout, done.returncode), ("proxied\n", 0))
        self.assertRegex(done.stderr, r"^stave ps: warning: client/config.json: .*\n$")

    # Whoever mistypes a name, or forgets sudo, gets no store for it.
    def test_without_a_store_none_is_made(self):
        words = [(f"{verb} nosuch", 1) for verb in ("rmi", "start", "start -a", "stop", "kill", "rm", "pause", "unpause", "restart", "wait", "logs", "attach", "top", "diff", "inspect", "history", "update -m 64m", "stats --no-stream")]
        words += [("rmi -f nosuch", 0), ("rm -f nosuch", 0), ("tag nosuch other", 1), ("rename nosuch other", 1), ("exec nosuch true", 1), ("cp nosuch:/x .", 1), ("export -o x nosuch", 1), ("ps -a", 0), ("images", 0), ("info", 0),
                  ("image prune -f", 0), ("image prune -af", 0), ("container prune -f", 0), ("system prune -f", 0), ("system df", 0)]
        for line, code in words:
            with self.subTest(line):
                done = self.run_it(f"STAVE_STATE=$PWD/none STAVE_RUN=$PWD/none-run stave {line}")
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual([name for name in ("none", "none-run") if os.path.exists(place.path(name))], [])
                if "nosuch" in line and code:
                    self.assertIn("nosuch", done.stderr)

    def test_a_life(self):
        done = self.run_it(f"stave run -d --name web -e B=2 --label a=b {image} sh -c 'echo $A $B; trap \"exit 0\" TERM; while :; do sleep 1 & wait; done'")
        whole = done.stdout.strip()
        self.assertRegex(whole, "^[0-9a-f]{64}$", done.stderr)
        self.assertRegex(self.ok("stave ps"), rf"(?m)^{whole[:12]} +{re.escape(image[:-7])}.* Up .* web$")
        self.assertEqual(self.ok("stave exec web echo hello world"), "hello world\n")
        self.assertEqual(self.run_it("stave exec web sh -c 'exit 5'").returncode, 5)
        self.assertEqual(self.ok("stave container logs web"), "image 2\n")
        self.assertEqual(self.ok("stave pause web; stave unpause web; stave rename web www; stave stop www"), "web\nweb\nwww\n")
        self.assertEqual(self.ok("stave wait www"), "0\n")
        self.assertEqual(self.ok("stave start www; stave restart -t 1 www; stave kill www; stave wait www"), "www\nwww\nwww\n137\n")
        self.assertEqual(self.ok("stave logs www").splitlines(), ["image 2"] * 3)
        self.assertIn("www", self.ok("stave container ls --all"))
        self.assertEqual(self.ok("stave rm www"), "www\n")

    def test_create_start_attach(self):
        whole = self.ok(f"stave create -i --name made {image} cat").strip()
        self.assertRegex(self.ok("stave ps -a"), rf"(?m)^{whole[:12]} .* Created +made$")
        self.assertEqual(self.ok("stave start -a -i made", input="x\n"), "x\n")
        self.assertEqual(self.ok("stave rm -v made"), "made\n")

    def test_several_at_once(self):
        for name in ("a1", "b2"):
            self.ok(f"stave create --name {name} {image} sleep 1000")
        done = self.run_it("stave start a1 nobody b2")
        self.assertEqual((done.stdout, done.returncode), ("a1\nb2\n", 1))
        self.assertIn("No such container: nobody", done.stderr)
        self.assertIn("failed to start containers: nobody", done.stderr)
        done = self.run_it("stave restart -t 0 a1 nobody b2")
        self.assertEqual((done.stdout, done.returncode), ("a1\nb2\n", 1))
        self.assertEqual(self.ok("stave update -m 64m --restart no a1 b2"), "a1\nb2\n")
        self.assertEqual(self.ok("stave rm -f $(stave ps -aq) | wc -l"), "2\n")
        self.assertEqual(self.ok("stave rm -f nobody"), "")

    def test_files(self):
        self.ok(f"stave run --name files {image} sh -c 'echo new > /new; rm /etc/group'")
        self.assertEqual(self.ok("stave diff files"), "C /etc\nD /etc/group\nA /new\n")
        self.ok("echo mine > mine; stave cp mine files:/root/; stave cp -q files:/new got")
        self.assertEqual(self.ok("cat got; stave cp files:/root/mine - | tar -xO"), "new\nmine\n")
        self.assertIn("root/mine\n", self.ok("stave export files | tar -t"))
        self.ok("stave export -o whole.tar files")
        self.assertIn("new\n", self.ok("tar -tf whole.tar"))
        self.fails("stave export -o whole.tar nobody", 1, "No such container")
        self.assertIn("new\n", self.ok("tar -tf whole.tar; rm whole.tar got mine"))

    def test_top_and_stats(self):
        self.ok(f"stave run -d --name busy {image} sleep 1000")
        self.assertRegex(self.ok("stave top busy"), r"(?m)^UID +PID +PPID +C +STIME +TTY +TIME +CMD\n.* sleep 1000$")
        self.assertRegex(self.ok("stave top busy -o pid,args"), r"^PID +COMMAND\n[0-9]+ +sleep 1000\n$")
        self.assertIn("sleep 1000", self.ok("stave top busy aux"))
        self.fails("stave top busy --forest", 1, "is an option of ps that is not supported")
        self.assertRegex(self.ok("stave stats --no-stream"), r"(?m)^CONTAINER ID +NAME .*\n[0-9a-f]{12} +busy ")


class PruneTest(Case):
    def test_the_question(self):
        asked = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] "
        self.ok(f"stave run --name done {image} true")
        for answer in ("n\n", "", "yes\n"):
            done = self.run_it("stave container prune", input=answer)
            self.assertEqual((done.stdout, done.returncode), (asked, 0))
        whole = self.ok("stave ps -aq --no-trunc").strip()
        for command in ("stave container prune", "sh -c \"$(stave container prune --explain)\""):
            done = self.run_it(command, input="y\n")
            deleted = f"Deleted Containers:\n{whole}\n\n" if "explain" not in command else ""
            self.assertEqual(done.stdout, f"{asked}{deleted}Total reclaimed space: 0B\n")

    def test_force_and_filter(self):
        self.ok(f"stave run --name kept -l keep {image} true; stave run --name other {image} true")
        self.assertIn("Deleted Containers:\n", self.ok("stave container prune -f --filter label!=keep"))
        self.assertIn("kept", self.ok("stave ps -a"))


class OptionsTest(Case):
    def look(self, options, command):
        return self.ok(f"stave run --rm {options} {image} sh -c '{command}'")

    def test_the_process(self):
        self.ok("printf 'F=file\\n# no\\nPATH\\n' > vars; printf 'x=y\\n' > labels")
        self.assertEqual(self.look("--env-file vars -e G=1 -e A", "echo $F $G [$A]"), "file 1 []\n")
        self.assertEqual(self.look("-u user -w /tmp --group-add 7", "id -u; pwd; id -G"), "1000\n/tmp\n1000 7 2000\n")
        self.assertEqual(self.look("--entrypoint echo", "x"), "sh -c x\n")
        self.assertEqual(self.look("--ulimit nofile=99:100", "ulimit -n; ulimit -Hn"), "99\n100\n")
        self.assertEqual(self.look("--oom-score-adj 321", "cat /proc/self/oom_score_adj"), "321\n")

    def test_the_surroundings(self):
        self.assertEqual(self.look("-h box --domainname d.org", "hostname; cat /proc/sys/kernel/domainname"), "box\nd.org\n")
        self.assertIn("10.1.2.3\tother\n", self.look("--add-host other:10.1.2.3", "cat /etc/hosts"))
        self.assertEqual(self.look("--dns 10.9.9.9 --dns-search a.b --dns-opt ndots:2", "grep -vE ^# /etc/resolv.conf"),
                         "nameserver 10.9.9.9\nsearch a.b\noptions ndots:2\n")
        self.assertIn(" /dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k", self.look("--shm-size 1m", "cat /proc/mounts"))
        self.assertEqual(self.look("--sysctl net.core.somaxconn=99", "cat /proc/sys/net/core/somaxconn"), "99\n")
        self.assertIn("1, ", self.look("--device /dev/null:/dev/also:r", "ls -l /dev/also"))
        self.assertEqual(self.look("--pid host", f"test -d /proc/{os.getpid()} && echo all"), "all\n")
        self.assertEqual(self.look("--uts host --cgroupns host --userns host", "hostname"), os.uname().nodename + "\n")
        self.assertEqual(self.look("--network host", "test -e /sys/class/net/lo && echo net"), "net\n")

    def test_mounts(self):
        self.ok("mkdir -p here && echo there > here/file")
        self.assertEqual(self.look(f"-v {place.dir}/here:/there:ro", "cat /there/file; touch /there/x 2>&1 | grep -c Read-only"), "there\n1\n")
        self.assertEqual(self.look("-v ./here:/there", "cat /there/file"), "there\n")
        self.assertEqual(self.look(f"--mount type=bind,src={place.dir}/here,dst=/there,readonly", "cat /there/file"), "there\n")
        self.assertIn("size=1024k", self.look("--mount type=tmpfs,target=/t,tmpfs-size=1m --tmpfs /u", "grep -E \" /[tu] \" /proc/mounts"))

    def test_limits(self):
        self.assertEqual(self.ok("stave run --rm --pids-limit 7 -m 64m --explain x"),
                         "image-fetch --lines x | cgroup-limit --memory 64m --pids-limit 7 | ns-run --attachable --rm\n")
        self.ok(f"stave run -d --name small -m 64m --pids-limit 7 {image} sleep 100")
        got = json.loads(open(place.path("state/containers", self.ok("stave ps -q --no-trunc").strip(), "config.json"), encoding="utf-8").read())
        self.assertEqual(got["linux"]["resources"]["memory"]["limit"], 64 << 20)
        self.assertEqual(got["linux"]["resources"]["pids"]["limit"], 7)

    def test_security(self):
        self.assertEqual(self.look("--cap-drop ALL --cap-add CHOWN", "grep CapEff /proc/self/status"), "CapEff:\t0000000000000001\n")
        whole = self.look("--privileged", "grep -E \"CapEff|Seccomp:\" /proc/self/status; test -w /proc/sys/kernel/domainname && echo open")
        self.assertRegex(whole, r"^CapEff:\t000001ff[0-9a-f]{2}ffffff\nSeccomp:\t0\nopen\n$")
        self.assertEqual(self.look("--read-only", "touch /x 2>/dev/null || echo no"), "no\n")

    def test_the_cidfile(self):
        self.ok(f"stave run -d --cidfile id {image} sleep 10")
        self.assertEqual(self.ok("cat id"), self.ok("stave ps -q --no-trunc").strip())
        self.fails(f"stave run --cidfile id {image} true", 125, "container ID file found")
        self.ok("rm id")


class StoreTest(Case):
    def setUp(self):
        super().setUp()
        self.ok(f"stave pull -q {image}")

    def test_images_and_names(self):
        self.assertRegex(self.ok("stave images"), rf"^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n{host}/library/box +latest +[0-9a-f]{{12}} ")
        self.ok(f"stave tag {image} other:v1; stave image tag other:v1 other:v2")
        self.assertEqual(self.ok("stave image ls --format '{{.Repository}}:{{.Tag}}' other"), "other:v1\nother:v2\n")
        self.assertEqual(self.ok("stave inspect -f '{{.Config.Labels.made}}' other:v1"), "here\n")
        self.assertEqual(self.ok("stave image inspect --format '{{index .RepoTags 0}}' other:v2"), f"{host}/library/box:latest\n")
        self.assertIn("IMAGE", self.ok("stave history other:v1"))
        self.assertEqual(self.ok("stave rmi other:v1 other:v2"), "Untagged: other:v1\nUntagged: other:v2\n")
        self.fails("stave rmi other:v1", 1, "No such image: other:v1")
        self.assertEqual(self.ok("stave rmi -f other:v1"), "")

    def test_inspect_finds_both(self):
        self.ok(f"stave create --name both {image}")
        found = json.loads(self.ok(f"stave inspect both {image}"))
        self.assertEqual((found[0]["Name"], found[1]["Os"]), ("/both", "linux"))
        self.fails("stave inspect --type image both", 1, "No such image")
        self.fails("stave container inspect nobody", 1, "No such container: nobody")
        self.fails("stave inspect --type volume x", 1, "unknown type")

    def test_what_is_there(self):
        self.assertEqual(self.ok("stave version -f '{{.Server.Version}}'"), "28.5.2\n")
        self.assertRegex(self.ok("stave info --format '{{.Images}} {{.ContainersRunning}}'"), r"^[0-9]+ 0\n$")
        self.assertEqual(self.ok("stave system info -f json"), self.ok("stave info -f json"))
        self.assertRegex(self.ok("stave system df"), r"^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages ")
        self.assertIn("no damage", self.ok("stave fsck --quick 2>&1"))

    def test_events(self):
        self.ok(f"stave run --rm --name told {image} true")
        lines = self.ok("stave events --since 1h --until 0s --filter container=told").splitlines()
        self.assertEqual([line.split()[2] for line in lines], ["create", "start", "attach", "die", "destroy"])
        self.assertRegex(lines[0], r"^[0-9T:.+-]+Z? container create [0-9a-f]{64} \(.*name=told\)$")
        self.assertEqual(self.ok("stave system events --since 1h --until 0s -f container=told -f event=die --format '{{.Action}}'"), "die\n")

    def test_why(self):
        self.run_it(f"stave run --name dies {image} nowhere")
        self.assertIn("nowhere", self.ok("stave why dies"))

    def test_prune(self):
        self.ok(f"stave tag {image} kept:1; stave run --name over {image} true")
        asked = self.run_it("stave system prune", input="n\n").stdout
        self.assertEqual(asked, "WARNING! This will remove:\n  - all stopped containers\n  - all dangling images\n\nAre you sure you want to continue? [y/N] ")
        self.assertIn("Deleted Containers:\n", self.ok("stave system prune -f"))
        self.assertIn("Total reclaimed space: ", self.ok("stave image prune", input="Y\n"))
        self.assertIn("kept", self.ok("stave images"))
        self.assertIn("untagged: kept:1\n", self.ok("stave image prune -a -f"))
        self.ok(f"stave pull -q {image}")

    def test_login(self):
        env = f"HOME={place.dir} DOCKER_CONFIG={place.dir}/docker-config"
        self.assertIn("Login Succeeded", self.ok(f"{env} stave login -u me --password-stdin {host}", input="secret\n"))
        self.assertIn("Removing login credentials", self.ok(f"{env} stave logout {host}"))


class TerminalTest(Case):
    def terminal(self, command, **kwargs):
        made = Terminal(place, command, **kwargs)
        self.addCleanup(made.close)
        return made

    # A registry that takes a connection and says nothing.
    def test_ctrl_c_while_an_image_is_pulled(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            name = "127.0.0.1:%d/x" % silent.getsockname()[1]
            for command in (f"stave run -it {name}", f"stave pull {name}"):
                screen = self.terminal("exec " + command)
                connection, _ = silent.accept()
                screen.type("\x03")
                self.assertIn(screen.end(), (-2, 130, 1, 125), screen.seen)
                self.assertEqual(screen.mode(), screen.before)
                with connection:  # who pulled is gone, too
                    connection.settimeout(20)
                    while connection.recv(4096):
                        pass
        self.assertEqual(self.ok("stave ps -aq"), "")

    # Whoever is refused by the last stage must not be left with a pull behind the prompt.
    def test_a_pull_ends_with_the_program_that_it_is_for(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            name = "127.0.0.1:%d/x" % silent.getsockname()[1]
            runs = place.start(["stave", "run", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            connection, _ = silent.accept()
            runs.kill()
            self.assertEqual(runs.wait(), -9)
            with connection:
                connection.settimeout(20)
                while connection.recv(4096):
                    pass
        self.fails(f"stave run --restart sometimes {name}", 125, "--restart")

    def test_one_process_stays_and_it_is_the_programs(self):
        screen = self.terminal(f"exec stave run --rm -it --name one -m 64m {image} sh -c 'echo up; read x; exit 6'")
        screen.wait_for("^up\n")
        self.assertEqual(self.ok(f"ps -o comm= {screen.process.pid}"), "ns-run\n")
        children = self.ok(f"ps -o stat=,comm= --ppid {screen.process.pid}")
        self.assertRegex(children, r"^[SR]\S* +stave-monitor\n$")  # no zombies of the stages before
        screen.type("\r")
        self.assertEqual(screen.end(), 6)

    def test_a_narrow_window(self):
        screen = self.terminal("exec stave ps -a", rows=5, columns=20)
        self.assertEqual(screen.end(), 0)
        self.assertTrue(screen.seen.startswith("CONTAINER ID   IMAGE     COMMAND"), screen.seen)

    def test_what_is_ignored_stays_ignored(self):
        ignored = self.ok(f"trap '' PIPE USR1; stave run --rm {image} grep SigIgn /proc/self/status")
        self.assertEqual(int(ignored.split()[1], 16) & 0x7fffffff, 0)  # the payload begins anew
        done = self.run_it(f"trap '' HUP; stave run --rm {image} sh -c 'echo on'")
        self.assertEqual(done.stdout, "on\n")


class CompletionTest(Case):
    def complete(self, line):
        script = f"""source {tree()}/share/bash-completion/completions/stave
COMP_LINE={json.dumps(line)}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({line} {'""' if line.endswith(' ') else ''})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _stave_stave; printf '%s\\n' "${{COMPREPLY[@]}}\""""
        return self.ok(script).split()

    @unittest.skipUnless(os.path.exists(tree() + "/share/bash-completion/completions/stave"), "no completion is staged")
    def test_names_that_there_are(self):
        self.ok(f"stave create --name webserver {image}; stave create --name worker {image}")
        self.assertEqual(sorted(self.complete("stave rm w")), ["webserver", "worker"])
        self.assertEqual(self.complete("stave container rm web"), ["webserver"])
        self.assertEqual(self.complete("stave rena"), ["rename"])
        self.assertEqual(self.complete("stave container re"), ["restart", "remove", "rename"])
        self.assertEqual(self.complete("stave run --cidf"), ["--cidfile"])
        self.assertEqual(self.complete("stave rmi 127.0.0.1"), [image])


class RefusalTest(Case):
    def test_what_is_not_there_is_refused_by_name(self):
        for words in ("-p 80:80", "--publish 80:80", "-P", "--link a:b", "--expose 80", "--ip 10.0.0.1", "--network-alias x",
                      "--volumes-from x", "--gpus all", "--runtime runc", "--storage-opt size=1G", "--isolation x"):
            done = self.fails(f"stave run {words} {image} true", 125, "is not supported: ")
            self.assertIn("[E_UNSUPPORTED]", done.stderr)
        for words in ("build .", "push x", "commit x y", "save x", "load", "import x", "port x", "network ls", "volume create x",
                      "compose up", "swarm init", "image build .", "context ls"):
            self.fails("stave " + words, 1, "is not supported: ")
        self.fails("stave -H tcp://x ps", 125, "there is no daemon")
        self.fails(f"stave run --network bridge {image} true", 125, "--network")
        self.fails(f"stave run -v name:/there {image} true", 125, "--volume")
        self.fails(f"stave run --mount type=volume,dst=/there {image} true", 125, "type=volume")
        self.assertEqual(self.ok("stave ps -aq"), "")

    def test_nothing_of_help_speaks_of_it(self):
        text = self.ok("stave run --help")
        for flag in ("publish", "link", "gpus", "expose"):
            self.assertNotIn(f"--{flag} ", text)

    def test_usage(self):
        usage = "\nUsage:  stave rm [OPTIONS] CONTAINER [CONTAINER...]\n\nRun 'stave rm --help' for more information\n"
        self.assertEqual(self.fails("stave rm", 1, "").stderr, "stave rm: 'stave rm' requires at least 1 argument [E_USAGE]\n" + usage)
        self.fails("stave --nosuch ps", 125, "stave: unknown flag: --nosuch [E_USAGE]\n\nUsage:  stave [OPTIONS] COMMAND [ARG...]\n")
        self.fails("stave run", 1, "'stave run' requires at least 1 argument")
        self.fails("stave rename a", 1, "'stave rename' requires 2 arguments")
        self.fails("stave ps web", 1, "'stave ps' accepts no arguments")
        self.fails("stave rm --forse x", 125, "unknown flag: --forse [E_USAGE]\nhint: did you mean --force?\n")
        self.fails("stave run -z x", 125, "unknown shorthand flag: 'z' in -z")
        self.fails("stave run --memory", 125, "flag needs an argument: --memory")
        self.fails("stave strat x", 1, "unknown command: stave strat [E_USAGE]\nhint: did you mean stave start?\n")
        self.fails("stave container strat x", 1, "hint: did you mean stave container start?\n")

    def test_wrong_values_are_told_before_anything_is_made(self):
        for words in ("--restart sometimes", "-m 1", "--ulimit nofile", "--ulimit x=1", "--device x", "--pid other", "--shm-size x", "--add-host x",
                      "--dns x", "--sysctl x", "--name _", "--oom-score-adj 5000", "--mount type=bind", "--mount type=bind,x=y", "--label-file /nowhere"):
            self.fails(f"stave run -d {words} {image} true", 125, words.split()[0].lstrip("-") if words[1] == "-" else "memory")
        self.assertEqual(self.ok("stave ps -aq"), "")


class HintTest(Case):
    def test_dashes_of_web_pages(self):
        done = self.run_it(f"stave run \u2013name dash \u2014rm {image} echo hi")
        self.assertEqual(done.stdout, "hi\n", done.stderr)
        self.assertIn("taken as --name\n", done.stderr)

    def test_a_forgotten_dash(self):
        done = self.run_it(f"stave run --explain -it name mywebserver -p 80:80 ubuntu:14.04")
        self.assertIn('hint: "name" is taken as the image; did you mean --name mywebserver?\n', done.stderr)
        done = self.run_it("stave run --explain /bin/sh")
        self.assertIn("the command comes after it", done.stderr)
        done = self.run_it("stave run --explain ubuntu -it bash")
        self.assertIn("flags come before the image: -it ubuntu\n", done.stderr)
        done = self.run_it("stave run --explain ubuntu --name x bash")
        self.assertIn("flags come before the image: --name x ubuntu\n", done.stderr)

    def test_images_ls(self):
        self.assertIn("did you mean image ls?", self.run_it("stave images --explain ls").stderr)

    # Whoever forgot sudo: here root without what lets it look into every folder.
    def test_a_store_of_somebody_else(self):
        less = "setpriv --bounding-set=-dac_override,-dac_read_search stave ps"
        done = self.run_it(f"chmod 0 {place.dir}/state; {less}; code=$?; chmod 700 {place.dir}/state; exit $code")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.endswith("open directory: Permission denied [E_PERMISSION]\nhint: run it as root\n"), done.stderr)

    # In a mount namespace of its own, with a /var/lib of its own.
    def test_a_forgotten_sudo(self):
        script = (f"mount -t tmpfs -o mode=755 lib /var/lib && mkdir -p /var/lib/own /var/lib/bin $1 && cp {tree()}/bin/stave {tree()}/bin/ps-lister /var/lib/bin && chown 65534 /var/lib/own && "
                  "exec env -u STAVE_STATE -u STAVE_RUN HOME=/var/lib/own XDG_DATA_HOME=/var/lib/own XDG_RUNTIME_DIR=/var/lib/own setpriv --reuid=65534 --regid=65534 --clear-groups /var/lib/bin/stave ps")
        hint = "hint: this is a store of your own; root's containers and images are seen with sudo\n"
        for folder, told in (("/var/lib/stave", hint), ("/var/lib/other", "")):
            done = place.run(["unshare", "-m", "sh", "-c", script, "sh", folder])
            self.assertEqual((done.returncode, done.stdout[:12], done.stderr), (0, "CONTAINER ID", told))

    def test_version_and_name(self):
        self.assertRegex(self.ok("stave --version"), r"^stave version [0-9.]+\nin the words of Docker 28\.5\.2\n$")
        os.symlink(tree() + "/bin/stave", place.path("docker"))
        self.assertRegex(self.ok("./docker -v"), r"^Docker version 28\.5\.2, build stave-[0-9.]+\n$")
        self.assertIn("'docker rm' requires at least 1 argument", self.run_it("./docker rm").stderr)
        self.assertEqual(self.ok(f"./docker run --rm {image} echo hi"), "hi\n")

    def test_help(self):
        self.assertEqual(self.ok("stave help rm"), self.ok("stave rm --help"))
        self.assertIn("Usage:  stave container COMMAND\n", self.ok("stave container"))
        self.fails("stave image nothing", 1, "\n\nRun 'stave image --help' for more information\n")
        self.assertIn("  run ", self.ok("stave"))


if __name__ == "__main__":
    cases.main(own_mounts=True)

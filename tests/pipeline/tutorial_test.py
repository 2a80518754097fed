#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command lines of Docker tutorials, as they are written there, with stave in place of docker: each
about containers and images, on a terminal where a person has one, and the texts that Docker 28 prints
for them. The images bear the tutorials' names and come from a registry of this test. Needs root."""

import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, "tests")
import cases
from place import Place
from terminal import Terminal

PROMPT = r"^[/\w@: ~]*[#$] "
LEAVE = "\x10\x11"
WHOLE = r"[0-9a-f]{64}"
HEADER = "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n"

place = None


# A shell, as the base of all; the programs of the images are its.
def image(name, command, extra=(), **config):
    return place.layout(name, [Place.busybox([("bin/bash", "f", b"#!/bin/sh\nexec sh \"$@\"\n", 0o755), *extra])],
                        {"Cmd": command, "Env": ["PATH=/usr/local/bin:/bin"], **config})


def setUpModule():
    global place
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")
    place = Place()
    host = place.registry()
    config = place.path("registries.conf")
    with open(config, "w", encoding="utf-8") as out:
        out.write(f'[[registry]]\nprefix = "docker.io"\nlocation = "{host}"\ninsecure = true\n')
    place.env["CONTAINERS_REGISTRIES_CONF"] = config
    image("shell", ["/bin/sh"])
    image("focal", ["/bin/sh"], [("etc/lsb-release", "f", b"DISTRIB_RELEASE=20.04\n", 0o644)])
    image("hello", ["cat", "/hello"], [("hello", "f", b"\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n\n", 0o644)])
    image("mysqld", ["sh", "-c", "test -n \"$MYSQL_ROOT_PASSWORD\" && echo ready for connections && exec sleep 1000"], ExposedPorts={"3306/tcp": {}, "33060/tcp": {}},
          Volumes={"/var/lib/mysql": {}})
    for source, names in (("shell", ("ubuntu:14.04", "ubuntu:16.04", "ubuntu:latest", "centos:7")), ("focal", ("ubuntu:20.04",)), ("hello", ("hello-world:latest", "helloworld:latest")),
                          ("mysqld", ("mysql:latest",))):
        for name in names:
            subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{place.dir}/{source}:latest", f"docker://{host}/library/{name}"], check=True)


def tearDownModule():
    if place:
        place.close()


class Tutorial(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.addCleanup(lambda: place.check_nothing_is_left(self))

    def run_it(self, command, **kwargs):
        return place.run(command, **kwargs)

    def ok(self, command, **kwargs):
        done = place.run(command, **kwargs)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def terminal(self, command, **kwargs):
        made = Terminal(place, command, **kwargs)
        self.addCleanup(made.close)
        return made

    def states(self):
        return dict(line.split("\t") for line in self.ok("stave ps -a --format '{{.Names}}\\t{{.Status}}'").splitlines())


class FirstTest(Tutorial):
    def test_version(self):
        for line in ("-v", "--version"):
            self.assertRegex(self.ok(f"stave {line}"), r"^stave version [0-9.]+\n")

    def test_pull_says_what_docker_says(self):
        self.run_it("stave rmi ubuntu:20.04")
        lines = self.ok("stave pull ubuntu:20.04").splitlines()
        self.assertEqual(lines[0], "20.04: Pulling from library/ubuntu")
        self.assertRegex("\n".join(lines), r"(?m)^[0-9a-f]{12}: (Pull complete|Already exists)$")
        self.assertRegex(lines[-3], r"^Digest: sha256:[0-9a-f]{64}$")
        self.assertEqual(lines[-2:], ["Status: Downloaded newer image for ubuntu:20.04", "docker.io/library/ubuntu:20.04"])
        again = self.ok("stave image pull ubuntu:20.04").splitlines()
        self.assertEqual(again[-2], "Status: Image is up to date for ubuntu:20.04")
        self.assertEqual(self.ok("stave pull -q ubuntu:20.04"), "docker.io/library/ubuntu:20.04\n")
        self.assertEqual(self.ok("stave pull mysql").splitlines()[:2], ["Using default tag: latest", "latest: Pulling from library/mysql"])

    def test_hello_world(self):
        self.run_it("stave rmi -f hello-world")
        done = self.run_it("stave run hello-world")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stderr.startswith("Unable to find image 'hello-world:latest' locally\nlatest: Pulling from library/hello-world\n"), done.stderr)
        self.assertIn("Status: Downloaded newer image for hello-world:latest\n", done.stderr)
        self.assertIn("Hello from Docker!\n", done.stdout)
        again = self.run_it("stave container run helloworld:latest; stave container run helloworld:latest")
        self.assertEqual(again.stdout.count("Hello from Docker!"), 2)
        self.assertIn("Exited (0) Less than a second ago", self.states().values())

    def test_images(self):
        self.ok("stave pull -q ubuntu:20.04; stave pull -q centos:7")
        for line in ("images", "image ls", "image list"):
            text = self.ok(f"stave {line}")
            self.assertRegex(text, r"^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n")
            self.assertRegex(text, r"(?m)^ubuntu +20\.04 +[0-9a-f]{12} +.* +[0-9.]+[kM]B$")
        self.assertRegex(self.run_it("stave images ls").stdout, r"^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n$")


class ShellTest(Tutorial):
    def test_run_it_and_leave(self):
        shell = self.terminal("exec stave run --name ubuntu-container -it ubuntu")
        shell.wait_for(PROMPT)
        shell.type("id -u; tty\r")
        shell.wait_for("^0\n/dev/pts/0\n")
        shell.type("exit 13\r")
        self.assertEqual(shell.end(), 13)
        self.assertRegex(self.states()["ubuntu-container"], r"^Exited \(13\) ")
        again = self.terminal("exec stave start -a -i ubuntu-container")
        again.wait_for(PROMPT)
        again.type("\x04")
        self.assertEqual(again.end(), 0)
        self.assertEqual(self.ok("stave rm ubuntu-container"), "ubuntu-container\n")

    def test_create_start_attach_leave_return(self):
        self.assertRegex(self.ok("stave create -i -t --name mycentos centos:7"), rf"^{WHOLE}\n$")
        self.assertEqual(self.states(), {"mycentos": "Created"})
        self.assertEqual(self.ok("stave start mycentos"), "mycentos\n")
        shell = self.terminal("exec stave attach mycentos")
        shell.type("\r")
        shell.wait_for(PROMPT)
        shell.type("kept=1\r")
        shell.type(LEAVE)
        self.assertEqual(shell.end(), 1)
        self.assertIn("read escape sequence", shell.seen)
        self.assertRegex(self.ok("stave ps"), r"(?m)^[0-9a-f]{12} +centos:7 +\"/bin/sh\" .* Up .* mycentos$")
        back = self.terminal("exec stave attach mycentos")
        back.type("echo [$kept]\r")
        back.wait_for(r"^\[1\]\n")
        back.type("exit\r")
        self.assertEqual(back.end(), 0)
        done = self.run_it("stave attach mycentos")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot attach to a stopped container, start it first", done.stderr)
        self.assertEqual(self.ok("stave start mycentos; stave start mycentos"), "mycentos\nmycentos\n")
        self.assertEqual(self.ok("stave rm -f mycentos"), "mycentos\n")

    def test_dit_exec_and_keys(self):
        self.assertRegex(self.ok("stave run -dit --name box ubuntu:14.04"), rf"^{WHOLE}\n$")
        shell = self.terminal("exec stave exec -it box bash")
        shell.wait_for(PROMPT)
        shell.type("echo $$ is not 1; exit 5\r")
        self.assertEqual(shell.end(), 5)
        done = self.terminal("exec stave exec -it box echo hello world")
        self.assertEqual(done.end(), 0)
        self.assertIn("hello world", done.seen)
        watching = self.terminal("exec stave run --rm --name counts ubuntu sh -c 'trap \"exit 9\" INT; echo up; while :; do sleep 1 & wait; done'")
        watching.wait_for("^up\n")
        watching.type("\x03")
        self.assertEqual(watching.end(), 9)

    # Docker stops at once where standard input is empty.
    def test_a_shell_without_i_ends_at_once(self):
        self.assertEqual(self.run_it("stave run --name gone ubuntu").returncode, 0)
        self.assertRegex(self.states()["gone"], r"^Exited \(0\) ")

    def test_attached_by_two(self):
        self.ok("stave run -dit --name shared ubuntu")
        one, two = (self.terminal("exec stave attach shared") for _ in range(2))
        one.type("echo from-$((1+1))\r")
        for screen in (one, two):
            screen.wait_for("from-2")
        two.type(LEAVE)
        self.assertEqual(two.end(), 1)
        one.type("exit\r")
        self.assertEqual(one.end(), 0)


class RecordsTest(Tutorial):
    def test_ps_of_none(self):
        for line in ("ps", "container ps", "container ls", "ps -a", "container ps -a"):
            self.assertEqual(self.ok(f"stave {line}"), HEADER)

    def test_mysql(self):
        whole = self.ok("stave run --name mysql-container -e MYSQL_ROOT_PASSWORD=[password] -d mysql")
        self.assertRegex(whole, rf"^{WHOLE}\n$")
        line = self.ok("stave ps").splitlines()[1]
        self.assertRegex(line, rf"^{whole[:12]} +mysql +\".*\" +.* ago +Up .* 3306/tcp, 33060/tcp +mysql-container$")
        self.assertEqual(self.ok("stave logs -f mysql-container & stave stop -t 0 mysql-container; wait"), "ready for connections\nmysql-container\n")
        self.assertEqual(self.ok("stave inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.Name}}' mysql-container"), "exited 137 /mysql-container\n")
        self.assertIn('"Path": "sh"', self.ok("stave inspect mysql-container"))
        done = self.run_it("stave inspect nobody")
        self.assertEqual((done.stdout, done.returncode), ("[]\n", 1))

    def test_the_format_of_the_tutorial(self):
        self.ok("stave run -d --name sleeps ubuntu:16.04 sleep 1000")
        short = self.ok("stave ps -q").strip()
        text = self.ok(r'stave ps --format "table {{.ID}}\t{{.Status}}\t{{.Image}}\t{{.Names}}"')
        self.assertRegex(text, rf"^CONTAINER ID   STATUS +IMAGE +NAMES\n{short}   Up .* +ubuntu:16\.04 +sleeps\n$")
        self.assertEqual(self.ok("stave rename sleeps naps"), "")
        done = self.run_it("stave rename naps naps")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Renaming a container with the same name as its current name", done.stderr)
        self.assertEqual(self.ok("stave restart -t 0 naps; stave stop -t 0 naps; stave stop naps"), "naps\nnaps\nnaps\n")
        done = self.run_it("stave stop nobody")
        self.assertEqual(done.returncode, 1)
        self.assertIn("No such container: nobody", done.stderr)

    def test_removal(self):
        self.ok("stave run -d --name runs ubuntu sleep 1000; stave run --name ran ubuntu true")
        done = self.run_it("stave rm runs")
        self.assertEqual(done.returncode, 1)
        self.assertIn('cannot remove container "runs": container is running: stop the container before removing or force remove', done.stderr)
        self.assertEqual(self.ok("stave rm -f runs"), "runs\n")
        self.assertEqual(self.ok("stave rm -f nobody"), "")
        short = self.ok("stave ps -a -q")
        self.assertEqual(self.ok("stave rm $(stave ps -a -q)"), short)
        done = self.run_it("stave rm $(stave ps -a -q)")
        self.assertEqual(done.returncode, 1)
        self.assertIn("'stave rm' requires at least 1 argument", done.stderr)

    def test_container_prune(self):
        self.ok("stave run --name old ubuntu sh -c 'head -c 212 /dev/zero > /file'")
        whole = self.ok("stave ps -aq --no-trunc")
        screen = self.terminal("exec stave container prune")
        screen.wait_for(r"^WARNING! This will remove all stopped containers\.\nAre you sure you want to continue\? \[y/N\] ")
        screen.type("y\r")
        screen.wait_for(f"^Deleted Containers:\n{whole}\nTotal reclaimed space: 212B\n")
        self.assertEqual(screen.end(), 0)

    def test_rmi(self):
        self.run_it("stave rmi helloworld")
        self.ok("stave run --name uses hello-world")
        done = self.run_it("stave rmi hello-world")
        self.assertEqual(done.returncode, 1)
        short = self.ok("stave ps -aq").strip()
        self.assertIn("conflict: unable to remove repository reference \"hello-world\" (must force) - container "
                      f"{short} is using its referenced image ", done.stderr)
        self.ok("stave rm uses")
        lines = self.ok("stave rmi hello-world").splitlines()
        self.assertEqual(lines[0], "Untagged: hello-world:latest")
        self.assertRegex(lines[1], "^Untagged: hello-world@sha256:[0-9a-f]{64}$")

    def test_a_missing_image(self):
        done = self.run_it("stave run -i -t name mywebserver ubuntu:14.04")
        self.assertEqual(done.returncode, 125)
        self.assertIn("Unable to find image 'name:latest' locally\n", done.stderr)
        self.assertIn("did you mean --name mywebserver?", done.stderr)


if __name__ == "__main__":
    cases.main(own_mounts=True)

# SPDX-License-Identifier: Apache-2.0
"""runtime.md and runtime-linux.md: state, the operations, errors that leave nothing."""

import os
import signal

from oci import bundle as bundles
from oci import kernel
from oci.bundle import Check, cgroups


class State(Check):
    def test_members_of_the_state(self):
        """runtime.md#state: ociVersion, id, status, pid, absolute bundle."""
        pid = self.bundle.running()
        state = self.bundle.state()
        self.assertRegex(state["ociVersion"], r"^\d+\.\d+\.\d+")
        self.assertEqual((state["id"], state["status"], state["pid"], state["bundle"]),
                         (self.bundle.id, "running", pid, self.bundle.dir))

    def test_bundle_of_the_state_is_absolute(self):
        """runtime.md#state: bundle is the absolute path, also where create was told a relative one."""
        self.bundle.write()
        self.bundle.must("create", "--bundle", ".", "--pid-file", self.bundle.dir + "/pid", self.bundle.id, stdout=self.bundle.writer)
        self.bundle.hold()
        self.assertEqual(self.bundle.state()["bundle"], self.bundle.dir)

    def test_status_follows_the_life(self):
        """runtime.md#state: created, running, stopped; the pid is the container process's."""
        self.process["args"] = ["sh", "-c", "trap 'exit 7' TERM; echo up; while :; do sleep 1000 & wait; done"]
        self.bundle.create()
        state = self.bundle.state()
        self.assertEqual((state["status"], state["pid"]), ("created", self.bundle.pid))
        self.bundle.start()
        self.assertEqual(self.bundle.line(), "up")
        self.assertEqual(self.bundle.state()["status"], "running")
        self.bundle.kill("TERM")
        self.assertEqual(self.bundle.ended(), 7)
        self.assertEqual(self.bundle.state()["status"], "stopped")

    def test_annotations_in_the_state(self):
        """runtime.md#state, config.md#annotations: kept as they are, empty values too."""
        self.config["annotations"] = {"com.example.key": "value \u00e9 \"quoted\"", "com.example.empty": ""}
        self.bundle.create()
        state = self.bundle.state()["annotations"]
        self.assertEqual({k: v for k, v in state.items() if k.startswith("com.example")}, self.config["annotations"])

    def test_state_without_an_id(self):
        """runtime.md#query-state: an error."""
        self.assertNotEqual(self.bundle.call("state").returncode, 0)

    def test_state_of_nobody(self):
        """runtime.md#query-state: an error for a container that does not exist."""
        done = self.bundle.call("state", "nobody")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("does not exist", done.stderr)
        self.assertEqual(done.stdout, b"")


class Create(Check):
    def test_without_arguments(self):
        """runtime.md#create: an error without id."""
        self.bundle.write()
        self.assertNotEqual(self.bundle.call("create", "--bundle", self.bundle.dir).returncode, 0)
        self.assertEqual(self.bundle.traces(), [])

    def test_without_a_bundle(self):
        """runtime.md#create: an error for a bundle that is not there, or has no config."""
        for path in ("/nowhere", bundles.scene.dir):
            self.assertNotEqual(self.bundle.call("create", "--bundle", path, self.bundle.id).returncode, 0)
            self.no_trace(self.bundle)

    def test_does_not_run_the_program(self):
        """runtime.md#lifecycle 2: the user's program is not run by create."""
        self.process["args"] = ["sh", "-c", "touch /ran"]
        self.bundle.create()
        self.assertFalse(os.path.exists(self.bundle.rootfs + "/ran"))
        self.bundle.start()
        self.assertEqual(self.bundle.ended(), 0)
        self.assertTrue(os.path.exists(self.bundle.rootfs + "/ran"))

    def test_makes_the_environment(self):
        """runtime.md#create: all but `process` is applied by create."""
        self.config["hostname"] = "created"
        self.linux["resources"] = {"memory": {"limit": 67108864}}
        self.mounts.append({"destination": "/data", "type": "tmpfs", "source": "early", "options": ["ro"]})
        self.bundle.create()
        with open(f"/proc/{self.bundle.pid}/mountinfo", encoding="utf-8") as file:
            self.assertIn("ro", kernel.mount_at(kernel.parse_mounts(file.read()), "/data").options)
        with open(f"/sys/fs/cgroup/memory/{self.bundle.id}/memory.limit_in_bytes", encoding="utf-8") as file:
            self.assertEqual(file.read(), "67108864\n")
        with open(f"/sys/fs/cgroup/memory/{self.bundle.id}/cgroup.procs", encoding="utf-8") as file:
            self.assertEqual(file.read().split(), [str(self.bundle.pid)])

    def test_later_changes_of_the_config(self):
        """runtime.md#lifecycle 2: updates of config.json after create do not affect the container."""
        self.process["args"] = ["sh", "-c", "echo $WORD"]
        self.process["env"].append("WORD=first")
        self.config["annotations"] = {"com.example.when": "first"}
        self.config["hooks"] = {"poststop": [{"path": "/bin/busybox", "args": ["touch", self.bundle.dir + "/first"]}]}
        self.bundle.create()
        self.process["env"][-1] = "WORD=second"
        self.config["annotations"] = {"com.example.when": "second"}
        self.config["hooks"] = {"poststop": [{"path": "/bin/busybox", "args": ["touch", self.bundle.dir + "/second"]}]}
        self.bundle.write()
        self.bundle.start()
        self.assertEqual(self.bundle.read(), "first\n")
        self.bundle.ended()
        self.assertEqual(self.bundle.state()["annotations"]["com.example.when"], "first")
        os.unlink(self.bundle.dir + "/config.json")
        self.bundle.delete()
        self.assertEqual([n for n in ("first", "second") if os.path.exists(f"{self.bundle.dir}/{n}")], ["first"])

    def test_an_id_is_used_once(self):
        """runtime.md#create: an id in use is an error, and the container that has it is unharmed."""
        self.bundle.running()
        other = self.another()
        self.bundle_of(other).write()
        done = other.call("create", "--bundle", other.dir, self.bundle.id)
        self.assertNotEqual(done.returncode, 0)
        state = self.bundle.state()
        self.assertEqual((state["status"], state["bundle"], state["pid"]), ("running", self.bundle.dir, self.bundle.pid))
        self.assertNotEqual(cgroups(self.bundle.id), [])

    def bundle_of(self, other):
        other.config["linux"]["cgroupsPath"] = "/" + other.id
        return other

    def test_an_id_of_a_stopped_container_is_still_used(self):
        """runtime.md#create: unique across all containers, not only running ones."""
        self.bundle.create()
        self.bundle.start()
        self.bundle.ended()
        other = self.another()
        other.write()
        self.assertNotEqual(other.call("create", "--bundle", other.dir, self.bundle.id).returncode, 0)
        self.assertEqual(self.bundle.state()["bundle"], self.bundle.dir)

    def test_an_id_may_come_back(self):
        """runtime.md#delete: after delete the id may be used again."""
        for _ in range(2):
            self.bundle.run("true")
            self.bundle.code = self.bundle.pid = None
            os.close(self.bundle.pidfd)
            self.bundle.pidfd = None
            os.close(self.bundle.reader)
            self.bundle.reader, self.bundle.writer = os.pipe()

    def test_bad_ids(self):
        """runtime.md#create: an id that is not valid is an error and nothing is made."""
        self.bundle.write()
        for name in ("", "..", "../x", "a/b", "/x"):
            done = self.bundle.call("create", "--bundle", self.bundle.dir, name)
            self.assertNotEqual(done.returncode, 0, repr(name))
            self.assertEqual(self.bundle.traces(), [])

    def test_a_failing_create_leaves_nothing(self):
        """runtime.md#errors: as if it was never attempted; here a late failure, after cgroup and mounts."""
        self.mounts.append({"destination": "/data", "type": "tmpfs", "source": "x", "options": ["nosuchoption=1"]})
        self.refused()

    def test_descriptors_of_the_caller_stay_outside(self):
        """runtime-linux.md#file-descriptors: stdin, stdout and stderr only."""
        with open("/etc/passwd", encoding="utf-8") as leak:
            os.dup2(leak.fileno(), 77)
            self.addCleanup(os.close, 77)
            self.process["args"] = ["sh", "-c", "ls /proc/$$/fd; true"]
            self.bundle.create(pass_fds=(leak.fileno(), 77))
        self.bundle.start()
        self.assertEqual(self.bundle.read().split(), ["0", "1", "2"])

    def test_links_in_dev(self):
        """runtime-linux.md#dev-symbolic-links: fd, stdin, stdout, stderr."""
        out = self.bundle.sh("for n in fd stdin stdout stderr; do readlink /dev/$n; done; test -e /dev/fd/0")
        self.assertEqual(out.split(), ["/proc/self/fd", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"])


class Start(Check):
    def test_without_an_id(self):
        """runtime.md#start: an error."""
        self.assertNotEqual(self.bundle.call("start").returncode, 0)

    def test_of_nobody(self):
        """runtime.md#start: an error."""
        self.assertNotEqual(self.bundle.call("start", "nobody").returncode, 0)

    def test_twice(self):
        """runtime.md#start: of a running container is an error without effect."""
        pid = self.bundle.running()
        self.assertNotEqual(self.bundle.call("start", self.bundle.id).returncode, 0)
        state = self.bundle.state()
        self.assertEqual((state["status"], state["pid"]), ("running", pid))

    def test_after_the_end(self):
        """runtime.md#start: of a stopped container is an error without effect."""
        self.process["args"] = ["sh", "-c", "echo run >> /runs"]
        self.bundle.create()
        self.bundle.start()
        self.bundle.ended()
        self.assertNotEqual(self.bundle.call("start", self.bundle.id).returncode, 0)
        self.assertEqual(self.bundle.state()["status"], "stopped")
        with open(self.bundle.rootfs + "/runs", encoding="utf-8") as file:
            self.assertEqual(file.read(), "run\n")

    def test_without_a_process(self):
        """config.md#process, runtime.md#start: may be absent at create; start is then an error."""
        del self.config["process"]
        self.bundle.create()
        self.assertEqual(self.bundle.state()["status"], "created")
        self.assertNotEqual(self.bundle.call("start", self.bundle.id).returncode, 0)

    def test_a_program_that_is_not_there(self):
        """runtime.md#start: it must run the program; that it cannot is an error, of create or start."""
        self.process["args"] = ["no-such-program"]
        self.refused_at_start()


class Kill(Check):
    def test_without_an_id(self):
        """runtime.md#kill: an error."""
        self.assertNotEqual(self.bundle.call("kill").returncode, 0)

    def test_of_nobody(self):
        """runtime.md#kill: an error."""
        self.assertNotEqual(self.bundle.call("kill", "nobody", "TERM").returncode, 0)

    def test_signals_by_name_and_number(self):
        """runtime.md#kill: the signal that is named reaches the container process."""
        self.process["args"] = ["sh", "-c", "for s in HUP USR1 USR2 TERM; do trap \"echo $s\" $s; done; mkfifo /f; exec 9<>/f; echo up; while :; do read x <&9; done"]
        self.bundle.create()
        self.bundle.start()
        self.assertEqual(self.bundle.line(), "up")
        for given, seen in (("HUP", "HUP"), ("SIGUSR1", "USR1"), (str(int(signal.SIGUSR2)), "USR2"), ("TERM", "TERM")):
            self.bundle.kill(given)
            self.assertEqual(self.bundle.line(), seen)
        self.bundle.kill("KILL")
        self.assertEqual(self.bundle.ended(), -9)

    def test_of_a_created_container(self):
        """runtime.md#kill: works in the state created."""
        self.bundle.create()
        self.bundle.kill("KILL")
        self.bundle.ended()
        self.assertEqual(self.bundle.state()["status"], "stopped")

    def test_of_a_stopped_container(self):
        """runtime.md#kill: an error without effect."""
        self.bundle.create()
        self.bundle.start()
        self.bundle.ended()
        self.assertNotEqual(self.bundle.call("kill", self.bundle.id, "KILL").returncode, 0)
        self.assertEqual(self.bundle.state()["status"], "stopped")

    def test_a_signal_that_is_none(self):
        """runtime.md#kill: it cannot be sent, so an error without effect."""
        self.bundle.running()
        self.assertNotEqual(self.bundle.call("kill", self.bundle.id, "NONSENSE").returncode, 0)
        self.assertEqual(self.bundle.state()["status"], "running")


class Delete(Check):
    def test_without_an_id(self):
        """runtime.md#delete: an error."""
        self.assertNotEqual(self.bundle.call("delete").returncode, 0)

    def test_of_nobody(self):
        """runtime.md#delete: an error."""
        self.assertNotEqual(self.bundle.call("delete", "nobody").returncode, 0)

    def test_of_a_running_container(self):
        """runtime.md#delete: an error without effect."""
        pid = self.bundle.running()
        self.assertNotEqual(self.bundle.call("delete", self.bundle.id).returncode, 0)
        state = self.bundle.state()
        self.assertEqual((state["status"], state["pid"]), ("running", pid))
        os.kill(pid, 0)

    def test_of_a_created_container(self):
        """runtime.md#delete: not stopped, so an error without effect."""
        self.bundle.create()
        self.assertNotEqual(self.bundle.call("delete", self.bundle.id).returncode, 0)
        self.assertEqual(self.bundle.state()["status"], "created")

    def test_undoes_create(self):
        """runtime.md#delete: what create made is gone."""
        self.bundle.run("true")
        self.no_trace(self.bundle)

    def test_takes_nothing_else(self):
        """runtime.md#delete: what create did not make stays: files, mounts, the parent cgroup, a sibling."""
        source = self.bundle.dir + "/volume"
        os.mkdir(source)
        kernel.mount("kept", source, "tmpfs", 0)
        parent = f"/sys/fs/cgroup/memory/{self.bundle.id}"
        os.makedirs(parent + "/sibling")
        self.addCleanup(os.rmdir, parent)
        self.addCleanup(os.rmdir, parent + "/sibling")
        self.linux["cgroupsPath"] = f"/{self.bundle.id}/container"
        self.mounts.append({"destination": "/data", "source": source, "options": ["rbind"]})
        self.bundle.sh("echo kept > /data/file; touch /file")
        self.assertTrue(os.path.isdir(parent + "/sibling"))
        self.assertFalse(os.path.exists(parent + "/container"))
        self.assertEqual(sorted(os.listdir(source)), ["file"])
        self.assertTrue(os.path.exists(self.bundle.rootfs + "/file"))
        self.assertTrue(os.path.exists(self.bundle.dir + "/config.json"))
        self.assertTrue(os.path.ismount(source))

    def test_processes_that_outlive_the_first(self):
        """runtime.md#delete: the container's resources go, with a process that init left behind."""
        self.namespaces("mount", "ipc", "uts")
        self.process["args"] = ["sh", "-c", "sleep 1000 > /dev/null 2>&1 < /dev/null & echo $!"]
        self.bundle.create()
        self.bundle.start()
        left = int(self.bundle.line())
        self.bundle.ended()
        pidfd = os.pidfd_open(left)
        self.addCleanup(os.close, pidfd)
        self.bundle.delete()
        kernel.wait_readable(pidfd, "the end of a process that stayed in the container")

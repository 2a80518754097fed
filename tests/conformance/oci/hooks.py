# SPDX-License-Identifier: Apache-2.0
"""config.md#posix-platform-hooks and the lifecycle's rules for hooks that fail."""

import json
import os

from oci import bundle as scene
from oci import kernel
from oci.bundle import NEW, Check, runtime

BEFORE = ("prestart", "createRuntime", "createContainer")  # in create
ALL = (*BEFORE, "startContainer", "poststart", "poststop")
IN_CONTAINER = ("createContainer", "startContainer")


class HookCheck(Check):
    def setUp(self):
        super().setUp()
        self.config["hooks"] = {}

    # Where hooks leave things; a startContainer hook finds it under another name.
    def path(self, name, inside=False):
        return "/hooks/" + name if inside else f"{self.bundle.dir}/hooks/{name}"

    def mount_notes(self):
        os.makedirs(self.path(""), exist_ok=True)
        self.mounts.append({"destination": "/hooks", "source": self.path(""), "options": ["bind"]})

    # Adds a hook that runs a shell script, in which %s is the folder of notes.
    def hook(self, kind, script, **members):
        inside = kind == "startContainer"
        if not os.path.isdir(self.path("")):
            self.mount_notes()
        words = ["sh", "-c", script.replace("%s", self.path("", inside))]
        entry = {"path": "/bin/sh", "args": words, "env": ["PATH=/usr/bin:/bin"], **members}
        self.config["hooks"].setdefault(kind, []).append(entry)

    def note(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def has(self, name):
        return os.path.exists(self.path(name))


class Hooks(HookCheck):
    def test_order(self):
        """config.md#hooks, runtime.md#lifecycle: prestart, createRuntime, createContainer in create; startContainer
        before and poststart after the program in start; poststop in delete; each array in its order."""
        for kind in reversed(ALL):
            for number in (1, 2):
                self.hook(kind, f"echo {kind}{number} >> %slog")
        self.process["args"] = ["sh", "-c", "echo program >> /hooks/log; exec sleep 1000"]
        self.bundle.create()
        seen = [f"{kind}{n}" for kind in BEFORE for n in (1, 2)]
        self.assertEqual(self.note("log").split(), seen)
        self.bundle.start()
        words = self.note("log").split()
        self.assertEqual(words[:8], [*seen, "startContainer1", "startContainer2"])
        self.assertEqual([w for w in words if w.startswith("poststart")], ["poststart1", "poststart2"])
        self.assertNotIn("poststop1", words)
        self.bundle.kill("KILL")
        self.bundle.ended()
        self.assertNotIn("poststop1", self.note("log"))
        self.bundle.delete()
        self.assertEqual(self.note("log").split()[-2:], ["poststop1", "poststop2"])

    def test_poststart_comes_after_the_program(self):
        """config.md#poststart: after the user's process is executed, before start returns."""
        self.hook("poststart", "sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p' > %spid; "
                               "tr '\\0' ' ' < /proc/$(cat %spid)/cmdline > %scmdline")
        self.process["args"] = ["sleep", "1234"]
        self.bundle.create()
        self.assertFalse(self.has("cmdline"))
        self.bundle.start()
        self.assertEqual(self.note("cmdline"), "sleep 1234 ")

    def test_state_on_stdin(self):
        """config.md#hooks: the state comes on stdin: id, bundle, annotations, status and pid as seen from there."""
        self.config["annotations"] = {"com.example.key": "value"}
        for kind in ALL:
            self.hook(kind, f"cat > %s{kind}")
        self.bundle.run("true")
        # runtime-tools wants `created` in prestart, where runc says `creating`: the text allows both.
        early = ("creating", "created")
        for kind, status in zip(ALL, (early, early, early, ("created",), ("running",), ("stopped",))):
            state = json.loads(self.note(kind))
            self.assertEqual((kind, state["id"], state["bundle"]), (kind, self.bundle.id, self.bundle.dir))
            self.assertIn(state["status"], status, kind)
            self.assertRegex(state["ociVersion"], r"^1\.")
            self.assertEqual(state["annotations"].get("com.example.key"), "value")
            if kind in IN_CONTAINER:
                self.assertEqual(state["pid"], 1, kind)
            elif kind != "poststop":
                self.assertEqual(state["pid"], self.bundle.pid, kind)

    def test_namespaces_of_hooks(self):
        """config.md#hooks: prestart, createRuntime, poststart, poststop in the runtime's namespaces, the others in
        the container's; what the notes show was read through each hook's own /proc."""
        show = " ".join(f"/proc/self/ns/{name}" for name in kernel.NAMESPACES.values())
        self.namespaces(*NEW, "network", "cgroup")
        for kind in ALL:
            self.hook(kind, f"for n in {show}; do readlink $n; done > %s{kind}")
        pid = self.bundle.running()
        inside, outside = kernel.namespaces(pid), kernel.namespaces()
        self.bundle.kill("KILL")
        self.bundle.ended()
        self.bundle.delete()
        for kind in ALL:
            want = inside if kind in IN_CONTAINER else outside
            seen = [int(line.split("[")[1].rstrip("]")) for line in self.note(kind).split()]
            self.assertEqual((kind, seen), (kind, [want[name] for name in kernel.NAMESPACES]))

    def test_the_runtime_hooks_come_before_the_pivot(self):
        """config.md#prestart, #createRuntime: the namespaces exist, the root is still the runtime's."""
        for kind in ("prestart", "createRuntime"):
            self.hook(kind, f"sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p' > %spid; pid=$(cat %spid); "
                            f"readlink /proc/$pid/ns/mnt > %s{kind}; test -e /proc/$pid/root{self.bundle.dir}/config.json && echo before >> %s{kind}")
        self.bundle.create()
        want = [f"mnt:[{kernel.namespaces(self.bundle.pid)['mount']}]", "before"]
        self.assertEqual([self.note(kind).split() for kind in ("prestart", "createRuntime")], [want, want])

    def test_create_container_sees_the_runtimes_files_and_the_containers_mounts(self):
        """config.md#createContainer: its path resolves in the runtime's namespace, it runs in the container's,
        after the mounts and before pivot_root."""
        self.mounts.append({"destination": "/data", "type": "tmpfs", "source": "seen-by-hook"})
        self.hook("createContainer", "cat /proc/self/mountinfo > %smounts; ls -A / | LC_ALL=C sort > %sroot")
        self.bundle.create()
        points = {m.source: m.point for m in kernel.parse_mounts(self.note("mounts"))}
        self.assertEqual(points.get("seen-by-hook"), self.bundle.rootfs + "/data")
        self.assertEqual(self.note("root").split(), sorted(os.listdir("/")))

    def test_what_create_container_mounts_is_in_the_container(self):
        """config.md#createContainer: it runs in the container's mount namespace, so its mounts stay there."""
        self.hook("createContainer", f"mount -t tmpfs by-hook {self.bundle.rootfs}/data")
        mounts = kernel.parse_mounts(self.bundle.run("cat", "/proc/self/mountinfo"))
        self.assertEqual(kernel.mount_at(mounts, "/data").source, "by-hook")

    def test_start_container_resolves_in_the_container(self):
        """config.md#startContainer: path and execution in the container, before the program."""
        self.config["hooks"]["startContainer"] = [{"path": "/only-here/hook", "args": ["touch", "/by-hook"]}]
        os.mkdir(self.bundle.rootfs + "/only-here")
        os.link(self.bundle.rootfs + "/bin/busybox", self.bundle.rootfs + "/only-here/hook")
        self.process["args"] = ["sh", "-c", "ls /by-hook"]
        self.bundle.create()
        self.assertFalse(os.path.exists(self.bundle.rootfs + "/by-hook"))
        self.bundle.start()
        self.assertEqual(self.bundle.read(), "/by-hook\n")
        self.assertEqual(self.bundle.ended(), 0)

    def test_others_resolve_in_the_runtime(self):
        """config.md#hooks: the path of the other five is the runtime's file."""
        program = self.bundle.dir + "/outside"
        os.link(self.bundle.rootfs + "/bin/busybox", program)
        kinds = [k for k in ALL if k != "startContainer"]
        for kind in kinds:
            self.config["hooks"][kind] = [{"path": program, "args": ["touch", f"{self.bundle.dir}/{kind}"]}]
        self.bundle.run("true")
        self.assertEqual([k for k in kinds if not os.path.exists(f"{self.bundle.dir}/{k}")], [])

    def test_args_and_env_are_the_hooks_own(self):
        """config.md#hooks: args are execv's argv (the first is not the path), env is the whole environment."""
        self.mount_notes()
        for kind in ALL:
            to = self.path(kind, kind == "startContainer")
            words = [["cp", "/proc/self/environ", to + ".env"], ["cp", "/proc/self/cmdline", to + ".args"],
                     ["sh", "-c", f"echo \"$0|$1|$2\" > {to}.words", "zero", "a b", ""]]
            self.config["hooks"][kind] = [{"path": "/bin/busybox", "args": w, "env": ["ONE=1", "TWO=a b=c"]} for w in words]
        self.bundle.run("true")
        for kind in ALL:
            self.assertEqual((kind, self.note(kind + ".env"), self.note(kind + ".words")), (kind, "ONE=1\0TWO=a b=c\0", "zero|a b|\n"))
            self.assertTrue(self.note(kind + ".args").startswith("cp\0/proc/self/cmdline\0"), kind)

    def test_a_hook_that_ignores_its_stdin(self):
        """config.md#hooks: the state is offered; a hook that does not read it has not failed."""
        self.config["annotations"] = {"com.example.big": "x" * 200000}
        for kind in ALL:
            self.config["hooks"][kind] = [{"path": "/bin/true"}]
        self.bundle.run("true")

    def test_a_hook_may_ask_for_the_state(self):
        """runtime.md#query-state: works while an operation runs that waits for its hooks."""
        for kind in ("createRuntime", "poststart"):
            self.hook(kind, f"{runtime()} --root {scene.scene.state} state {self.bundle.id} > %s{kind}")
        pid = self.bundle.running()
        for kind, status in (("createRuntime", ("creating", "created")), ("poststart", ("running",))):
            state = json.loads(self.note(kind))
            self.assertIn(state["status"], status)
            if state["status"] != "creating":
                self.assertEqual(state["pid"], pid)

    def test_a_relative_path(self):
        """config.md#hooks: path must be absolute."""
        for kind in ALL:
            bundle = self.another()
            bundle.config["hooks"] = {kind: [{"path": "bin/true"}]}
            self.refused(bundle, kind)

    def test_a_timeout_that_is_not_above_zero(self):
        """config.md#hooks: timeout must be greater than zero."""
        for timeout in (0, -1):
            bundle = self.another()
            bundle.config["hooks"] = {"createRuntime": [{"path": "/bin/true", "timeout": timeout}]}
            self.refused(bundle, timeout)

    def test_a_hook_in_time(self):
        """config.md#hooks: a timeout that is not reached changes nothing."""
        for kind in ALL:
            self.hook(kind, f"echo in time > %s{kind}", timeout=60)
        self.bundle.run("true")
        self.assertEqual([k for k in ALL if not self.has(k)], [])

    def test_a_hook_out_of_time(self):
        """config.md#hooks: after timeout seconds a hook is ended and has failed, also one that ignores SIGTERM."""
        self.hook("createRuntime", "trap '' TERM; echo $$ > %spid; exec sleep 1000", timeout=1)
        self.refused()
        self.assertFalse(os.path.exists(f"/proc/{self.note('pid').strip()}"))


class FailingHooks(HookCheck):
    def fails_in_create(self, kind):
        self.hook(kind, "exit 3")
        self.hook(kind, "touch %ssecond")
        self.hook("poststop", "echo poststop >> %slog")
        self.refused()
        self.assertFalse(self.has("second"))

    def test_prestart(self):
        """runtime.md#lifecycle 3: an error, the container is stopped and destroyed; later hooks do not run."""
        self.fails_in_create("prestart")

    def test_create_runtime(self):
        """runtime.md#lifecycle 4: the same."""
        self.fails_in_create("createRuntime")

    def test_create_container(self):
        """runtime.md#lifecycle 5: the same."""
        self.fails_in_create("createContainer")

    def test_a_program_that_is_not_there(self):
        """runtime.md#lifecycle 3-5: a hook that cannot be executed has failed."""
        for kind in BEFORE:
            bundle = self.another()
            bundle.config["hooks"] = {kind: [{"path": "/nowhere/hook"}]}
            self.refused(bundle, kind)

    def test_a_signal_is_a_failure(self):
        """runtime.md#lifecycle 4: so has one that a signal ends."""
        self.hook("createRuntime", "kill -9 $$")
        self.refused()

    def test_poststop_runs_after_a_failed_create(self):
        """runtime.md#lifecycle 3-5, 12, 13: after a failing hook the lifecycle goes on with poststop."""
        for kind in BEFORE:
            self.bundle = self.another()
            self.config["hooks"] = {}
            self.fails_in_create(kind)
            self.assertTrue(self.has("log"), f"no poststop after {kind}")

    def starts_badly(self, kind):
        self.hook(kind, "exit 3")
        self.process["args"] = ["sh", "-c", "echo ran; exec sleep 1000"]
        self.bundle.create()
        done = self.bundle.call("start", self.bundle.id)
        self.assertNotEqual(done.returncode, 0)
        return done

    def is_over(self):
        self.bundle.ended()
        if self.bundle.exists():
            self.assertEqual(self.bundle.state()["status"], "stopped")

    def test_start_container(self):
        """runtime.md#lifecycle 7: an error of start, the container is stopped, the program never runs."""
        self.starts_badly("startContainer")
        self.is_over()
        self.assertEqual(self.bundle.read(), "")

    def test_start_container_is_destroyed(self):
        """runtime.md#lifecycle 7, 12, 13: then it is destroyed, and poststop runs."""
        self.hook("poststop", "echo poststop >> %slog")
        self.starts_badly("startContainer")
        self.no_trace(self.bundle)
        self.bundle.ended()
        self.assertTrue(self.has("log"))

    def test_poststart(self):
        """runtime.md#lifecycle 9 (since 1.3): an error of start, the container is stopped."""
        self.config["ociVersion"] = "1.3.0"
        self.starts_badly("poststart")
        self.is_over()

    def test_poststart_is_destroyed(self):
        """runtime.md#lifecycle 9, 12, 13 (since 1.3): then it is destroyed, and poststop runs."""
        self.config["ociVersion"] = "1.3.0"
        self.hook("poststop", "echo poststop >> %slog")
        self.starts_badly("poststart")
        self.bundle.ended()
        self.no_trace(self.bundle)
        self.assertTrue(self.has("log"))

    def test_poststart_of_an_older_config(self):
        """runtime.md#lifecycle 9 of 1.2, which a config of that version is written for: a warning, the rest runs."""
        self.config["ociVersion"] = "1.2.0"
        self.hook("poststart", "exit 3")
        self.hook("poststart", "touch %ssecond")
        self.bundle.running()
        self.assertTrue(self.has("second"))

    def test_poststop(self):
        """runtime.md#lifecycle 13: a warning; the remaining hooks run and the container is gone."""
        self.hook("poststop", "exit 3")
        self.config["hooks"]["poststop"].append({"path": "/nowhere/hook"})
        self.hook("poststop", "touch %slast")
        self.bundle.run("true")
        self.assertTrue(self.has("last"))
        self.no_trace(self.bundle)

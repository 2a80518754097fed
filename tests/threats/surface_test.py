#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Threats of devices, cgroups, sysctls, the kernel's surface, keys, sockets and state folders: rows 24-41 of
threats-and-faults.md, table 1A, each with what must go on working. Needs root."""

import ctypes
import glob
import json
import os
import platform
import signal
import stat
import subprocess
import sys
import unittest

sys.path[:0] = ["tests", "tests/threats"]
import cases
from ground import NsExecSkin, NsRunSkin, OciSkin, break_ground, runtime, tree
from terminal import Terminal

ground = None
GOLDEN = os.path.realpath("tests/threats/syscalls.golden")
AF_ALG, AF_VSOCK = 38, 40
HIGH = 1 << 32


def setUpModule():
    global ground
    ground = break_ground()


def quoted(words):
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)


class Rows:
    def call(self, *words, **kwargs):
        return self.ok("plain", ["/probe", "call", *(str(word) for word in words)], **kwargs).strip()

    # --- devices and cgroups -----------------------------------------------------------------------

    def devices(self, edit=None):
        script = """cd /tmp; rm -f disk mem kmsg tun fuse zero
        mknod disk b 8 0; mknod mem c 1 1; mknod kmsg c 1 11; mknod tun c 10 200; mknod fuse c 10 229; mknod zero c 1 5
        for d in disk mem kmsg tun fuse; do dd if=/tmp/$d of=/dev/null bs=1 count=1; dd if=/dev/null of=/tmp/$d conv=notrunc; done
        dd if=/tmp/zero bs=3 count=1 | wc -c; dd if=/dev/urandom bs=5 count=1 | wc -c; echo x > /dev/null && echo null"""
        done = self.start("plain", ["sh", "-c", script + "\n"], edit=edit)
        self.assertEqual(done.stderr.count("Operation not permitted"), 10, done.stderr)
        self.assertEqual(done.stdout.split(), ["3", "5", "null"])

    def test_row_24_devices_are_denied_unless_named(self):
        self.devices()

    def test_row_25_cgroups_are_the_containers_own_and_read_only(self):
        script = """cat /proc/self/cgroup
        for f in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $f/x && echo made; echo 1 > $f/cgroup.procs && echo moved; echo x > $f/release_agent && echo agent; done
        mkdir -p /tmp/c; mount -t cgroup -o memory c /tmp/c && echo mounted; true"""
        found = self.ok("plain", ["sh", "-c", script])
        for word in ("made", "moved", "agent", "mounted"):
            self.assertNotIn(word, found)
        for line in found.splitlines():
            self.assertRegex(line, "^[0-9]+:[^:]*:/$")
        script = "mkdir -p /tmp/c; mount -t cgroup -o memory c /tmp/c && echo mounted; ls /tmp/c/release_agent"
        privileged = self.start("plain", ["sh", "-c", script], options=["--cap-add", "SYS_ADMIN"])
        self.assertNotIn("/release_agent", privileged.stdout)  # the root of the hierarchy is not in reach
        self.assertIn("4096", self.ok("plain", ["sh", "-c", "cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max"]))

    def test_row_25_the_path_of_a_cgroup(self):
        for path in ("/../x", "/stave/../../x", "a/..", "/a\nb"):
            with self.subTest(path):
                self.refuse_cgroup(path)

    # --- sysctls and annotations -----------------------------------------------------------------

    def test_row_26_sysctls_of_the_host(self):
        for key, value in (("kernel.core_pattern", "|/evil"), ("kernel.shm_rmid_forced", "1+kernel.core_pattern=|/evil"),
                           ("kernel/core_pattern", "x"), ("net.ipv4.../../kernel/core_pattern", "x"), ("net/ipv4/../../kernel/core_pattern", "x"),
                           ("../kernel/core_pattern", "x"), ("kernel.msgmax/../core_pattern", "x"), ("vm.swappiness", "1"), ("fs.file-max", "1"),
                           ("kernel.domainname\n", "x"), ("", "x"), ("kernel.shm_rmid_forced=1", "1")):
            with self.subTest(key):
                done = self.start("plain", ["cat", "/proc/sys/kernel/core_pattern"], edit=lambda config: config["linux"].update(sysctl={key: value}))
                self.assertNotEqual(done.returncode, 0)
        def shared(config):
            config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] not in ("network", "ipc")]
        for key in ("net.ipv4.ip_forward", "kernel.msgmax", "fs.mqueue.msg_max"):
            self.refused("plain", ["true"], edit=lambda config: (shared(config), config["linux"].update(sysctl={key: "1"})))
        out = self.ok("plain", ["cat", "/proc/sys/kernel/msgmax", "/proc/sys/net/ipv4/ip_forward"],
                      edit=lambda config: config["linux"].update(sysctl={"kernel.msgmax": "4242", "net/ipv4/ip_forward": "1"}))
        self.assertEqual(out, "4242\n1\n")

    def test_row_27_annotations_are_opaque(self):
        annotations = {"org.systemd.property.ExecStartPre": f"['touch','{ground.sentinel}/x']", "org.systemd.property.TimeoutStopUSec": "uint64 1",
                       "run.oci.hooks.stderr": ground.sentinel + "/x", "run.oci.mount_context_type": "x", "run.oci.delegate-cgroup": "/x",
                       "io.stave.rootfs": "/", "module.wasm.image/variant": "compat"}
        self.assertEqual(self.ok("plain", ["echo", "fine"], edit=lambda config: config.update(annotations=annotations)), "fine\n")

    def test_row_28_long_id_maps(self):
        def maps(count):
            def edit(config):
                config["linux"]["namespaces"].append({"type": "user"})
                entries = [{"containerID": i, "hostID": 100000 + i, "size": 1} for i in range(count)]
                config["linux"].update(uidMappings=entries, gidMappings=entries)
            return edit
        self.refused("plain", ["true"], edit=maps(5000))   # 70 KB of text
        self.refused("plain", ["true"], edit=maps(341))

    # --- the terminal ----------------------------------------------------------------------------

    # The caller's terminal is the container's stdin, without -t; nothing may arrive in it.
    def test_row_29_nothing_is_typed_for_the_caller(self):
        for options in ([], ["--security-opt", "seccomp=unconfined"]):
            command = quoted(self.command("plain", ["/probe", "type"], [*options, *self.interactive]))
            shell = Terminal(ground, command + "; echo ended; read -t 0 && echo typed || echo nothing")
            shell.wait_for("^ended$")
            self.assertEqual(shell.wait_for("^(typed|nothing)$").group(), "nothing", shell.seen)
            self.assertNotRegex(shell.seen.split("ended")[0], "(?m)^ok$")
            shell.close()

    # --- system calls ----------------------------------------------------------------------------

    @unittest.skipUnless(platform.machine() == "x86_64", "the table of calls is x86-64's")
    def test_row_30_the_calls_that_are_allowed(self):
        with open(GOLDEN, encoding="utf-8") as file:
            want = [line.split()[:2] for line in file if line.strip() and not line.startswith("#")]
        for abi in ("64", "32"):
            found = self.ok("plain", ["/probe", "allowed", abi, "0", "600"]).split()
            self.assertEqual(found, [number for kind, number in want if kind == abi], f"the {abi}-bit calls")
        # The way through the x32 numbers opens nothing that the others do not.
        found = {int(number) for number in self.ok("plain", ["/probe", "allowed", "x32", "0", "511"]).split()}
        self.assertLessEqual(found, {int(number) for kind, number in want if kind == "64"})

    def test_row_33_what_is_out_of_reach(self):
        for name, words in {"AF_ALG": (41, AF_ALG, 5, 0), "AF_VSOCK": (41, AF_VSOCK, 1, 0), "io_uring_setup": (425, 1), "add_key": (248,),
                            "request_key": (249,), "keyctl": (250,), "userfaultfd": (323,), "bpf": (321,), "perf_event_open": (298,),
                            "open_by_handle_at": (304,), "kexec_load": (246,), "init_module": (175,), "finit_module": (313,), "syslog": (103, 3),
                            "quotactl": (179,), "swapon": (167,), "settimeofday": (164,), "iopl": (172, 3), "reboot": (169,)}.items():
            with self.subTest(name):
                self.assertEqual(self.call(*words), "EPERM")
        # The kernel looks at 32 bits of the family, a filter at 64.
        for family in (AF_ALG, AF_VSOCK):
            self.assertEqual(self.call(41, HIGH | family, 5, 0), "EPERM")
        self.assertNotEqual(self.ok("plain", ["/probe", "socketcall", str(AF_ALG)]), "ok\n")
        for family, kind in ((1, 1), (2, 1), (2, 2), (10, 1), (16, 3)):
            self.assertEqual(self.call(41, family, kind, 0), "ok")

    @unittest.skipUnless(platform.machine() == "x86_64", "x86-64's second entry")
    def test_row_33_without_the_32_bit_calls(self):
        def native(config):
            config["linux"]["seccomp"]["architectures"] = ["SCMP_ARCH_X86_64"]
        done = self.start("plain", ["/probe", "socketcall", str(AF_ALG)], edit=native)
        self.assertTrue(done.returncode != 0 or done.stdout in ("EPERM\n", "ENOSYS\n"), done.stdout)
        self.assertEqual(self.call(41, 2, 1, 0, edit=native), "ok")

    def test_row_41_new_namespaces_and_mounts(self):
        newuser = 0x10000000
        for name, words in {"unshare": (272, newuser), "clone": (56, newuser | signal.SIGCHLD), "mount": (165,), "fsopen": (430,),
                            "open_tree": (428,), "move_mount": (429,), "fsmount": (432,), "mount_setattr": (442,), "setns": (308,),
                            "pivot_root": (155,), "umount2": (166,)}.items():
            with self.subTest(name):
                self.assertEqual(self.call(*words), "EPERM")
        self.assertEqual(self.call(435, 0, 0), "ENOSYS")  # clone3: its flags cannot be seen, so C libraries fall back
        self.assertEqual(self.ok("plain", ["sh", "-c", "(echo child) | cat"]), "child\n")

    # --- keys, sockets ---------------------------------------------------------------------------

    def test_row_34_keys_of_the_host(self):
        libc = ctypes.CDLL(None, use_errno=True)
        key = libc.syscall(248, b"user", b"stave-threat", b"secret", 6, ctypes.c_long(-4))  # @u
        self.assertGreater(key, 0, os.strerror(ctypes.get_errno()))
        session = libc.syscall(250, 0, -3, 0)
        self.addCleanup(lambda: libc.syscall(250, 9, key, ctypes.c_long(-4)))
        self.assertEqual(self.ok("plain", ["sh", "-c", "cat /proc/keys"]), "")
        self.assertEqual(self.call(250, 11, key, 0, 0), "EPERM")
        # Even where everything is allowed, the session is another. (A user's keyring is the user's: a user namespace parts those.)
        free = {"options": ["--security-opt", "seccomp=unconfined"]}
        own = self.ok("plain", ["/probe", "value", "250", "0", "-3", "0"], **free).strip()
        self.assertRegex(own, "^[0-9]+$")
        self.assertNotEqual(int(own), session)

    def test_row_35_no_sockets_without_a_name_in_the_file_system(self):
        def abstract():
            with open("/proc/net/unix", encoding="utf-8") as sockets:
                return {line.split()[-1] for line in sockets if " @" in line}
        before = abstract()
        found = self.ok("plain", ["sh", "-c", "grep -e stave -e @ /proc/net/unix; true"], options=["--network", "host"])
        found = {line.split()[-1] for line in found.splitlines()}
        others = {path for path in found if path.startswith("/tmp/stave-place.") and not path.startswith(ground.dir)}  # tests beside this one
        self.assertEqual(found - before - others, set())

    # --- the host's tools ------------------------------------------------------------------------

    def test_row_36_programs_and_libraries_of_the_image_stay_in_it(self):
        bait = f"#!/bin/sh\nid > {ground.sentinel}/caught\n".encode()
        names = [f"{folder}/{name}" for folder in ("bin", "usr/bin", "usr/sbin", "sbin")
                 for name in "xz unpigz gzip zstd ps nsenter newuidmap getsubids iptables mount stave-unpack runc".split()]
        libraries = [f"lib/x86_64-linux-gnu/{name}" for name in ("libnss_files.so.2", "libnss_dns.so.2", "libc.so.6", "libstdc++.so.6")]
        ground.tree("bait", [(name, "f", bait, 0o755) for name in names + libraries] +
                    [("etc/nsswitch.conf", "f", b"passwd: evil\n", 0o644), ("etc/ld.so.preload", "f", b"/lib/evil.so\n", 0o644)])
        self.assertEqual(self.ok("bait", ["id", "-u"]), "0\n")
        self.act_on("bait")

    # --- user namespaces -------------------------------------------------------------------------

    def test_row_40_root_of_a_user_namespace_owns_nothing_of_the_host(self):
        def edit(config):
            config["linux"]["namespaces"].append({"type": "user"})
            for kind in ("uidMappings", "gidMappings"):
                config["linux"][kind] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
            config["mounts"].append({"destination": "/host", "type": "bind", "source": ground.sentinel, "options": ["rbind", "rw"]})
        top = ground.tree("mapped")
        subprocess.run(["chown", "-R", "100000:100000", top], check=True)
        script = "id -u; touch /host/x; echo y > /host/secret; chmod 777 /host; chown 5 /host/secret; ls /var/lib/stave; echo mine > /tmp/x && echo wrote"
        done = self.start("mapped", ["sh", "-c", script], edit=edit)
        self.assertEqual(done.stdout, "0\nwrote\n", done.stderr)


class NsRun(Rows, NsRunSkin, unittest.TestCase):
    interactive = ["-i"]

    def refuse_cgroup(self, path):
        self.refused("plain", ["true"], edit=lambda config: config["linux"].update(cgroupsPath=path))

    def act_on(self, name):
        document = ground.document(name)
        out = ground.run(["ns-run", "--name", "bait", "-u", "user", "--", "id", "-u"], input=json.dumps(document))
        self.assertEqual(out.stdout, "1000\n", out.stderr)
        for command in (["ps-lister", "-a"], ["ps-lister", "-a", "--json"], ["ps-remove", "bait"]):
            self.assertEqual(ground.run(command).returncode, 0)

    # Row 36: nothing that runs in a container, or beside one, loads libraries.
    def test_row_36_what_enters_a_container_is_static(self):
        for name in ("ns-run", "ns-exec", "stave-oci"):
            path = os.path.join(tree(), "bin", name)
            if os.path.exists(path):
                with self.subTest(name):
                    done = ground.run(["readelf", "-l", path])
                    self.assertEqual(done.returncode, 0)
                    self.assertNotIn("INTERP", done.stdout)

    def test_row_32_nothing_is_setuid(self):
        found = 0
        for parent, below, names in os.walk(tree()):
            for name in below + names:
                path = os.path.join(parent, name)
                self.assertEqual(os.lstat(path).st_mode & (stat.S_ISUID | stat.S_ISGID), 0, path)
                self.assertNotIn("security.capability", os.listxattr(path, follow_symlinks=False), path)
                found += 1
        self.assertGreater(found, 5)

    def test_row_39_state_folders_are_roots_alone(self):
        for mask in ("000", "077"):
            top = ground.path("umask" + mask)
            environment = f"umask {mask}; export STAVE_STATE={top}/state STAVE_RUN={top}/run; mkdir -m 755 {top};"
            ground.tree("plain")
            reference = ground.layout("modes", [ground.trees["plain"]], compress=False)
            script = "touch /file; mkdir /folder; umask; stat -c %a /file /folder"
            done = ground.run(f"{environment} image-fetch -q {reference} | ns-run --name kept -- sh -c '{script}'")
            self.assertEqual((done.stdout, done.stderr), ("0022\n644\n755\n", ""))
            for folder in ("state", "run"):
                self.assertEqual(stat.S_IMODE(os.stat(f"{top}/{folder}").st_mode), 0o700)
                denied = ground.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "find", f"{top}/{folder}"])
                self.assertIn("Permission denied", denied.stderr)
            subprocess.run(["chmod", "755", ground.dir], check=True)
            self.addCleanup(os.chmod, ground.dir, 0o700)
            outside = ground.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "ls", f"{top}/state", f"{top}/run"])
            self.assertEqual((outside.stdout, outside.stderr.count("Permission denied")), ("", 2))
            for path in glob.glob(f"{top}/**", recursive=True):
                if "/layers/" not in path and "/upper" not in path and not os.path.islink(path):
                    self.assertEqual(os.stat(path).st_mode & 0o022, 0, path)
            self.assertEqual(ground.run(f"{environment} ps-remove kept").returncode, 0)


class ExecRows:
    def test_rows_25_30_33_exec_is_as_confined_as_run(self):
        ident = self.background("plain", ["sleep", "1000"])
        self.assertEqual(self.inside(ident, "cat", "/proc/self/cgroup").stdout, self.inside(ident, "cat", "/proc/1/cgroup").stdout)
        for line in self.inside(ident, "cat", "/proc/self/cgroup").stdout.splitlines():
            self.assertRegex(line, "^[0-9]+:[^:]*:/$")
        one, two = (self.inside(ident, "grep", "-E", "^(Cap...|Seccomp|NoNewPrivs):", f"/proc/{who}/status").stdout for who in ("self", "1"))
        self.assertEqual(one, two)
        self.assertEqual(self.inside(ident, "/probe", "call", "425", "1", "0").stdout, "EPERM\n")
        self.assertEqual(self.inside(ident, "/probe", "call", "41", str(HIGH | AF_ALG), "5", "0").stdout, "EPERM\n")
        spaces = "for n in cgroup ipc mnt net pid uts user; do readlink /proc/$0/ns/$n; done"
        self.assertEqual(self.inside(ident, "sh", "-c", spaces, "self").stdout, self.inside(ident, "sh", "-c", spaces, "1").stdout)
        with open(f"/proc/{self.pid(ident)}/cgroup", encoding="utf-8") as file:
            groups = file.read()
        self.assertIn(ident if "stave-threats" in groups else "/stave/", groups)
        newcomer = ground.start(self.words_inside(ident, "sh", "-c", "echo up; exec sleep 1000"), stdout=subprocess.PIPE)
        self.assertEqual(newcomer.stdout.readline(), "up\n")
        with open(f"/proc/{self.only_child(newcomer)}/cgroup", encoding="utf-8") as file:
            self.assertEqual(file.read(), groups)

    # Who has come in; whoever has brought it in goes at once.
    def only_child(self, process):
        while True:
            with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="utf-8") as file:
                children = file.read().split()
            if len(children) == 1:
                return children[0]

    def test_row_34_exec_has_a_session_keyring_of_the_container(self):
        libc = ctypes.CDLL(None, use_errno=True)
        session = libc.syscall(250, 0, -3, 1)
        def free(config):
            del config["linux"]["seccomp"]
        ident = self.background("plain", ["sleep", "1000"], edit=free)
        own = self.inside(ident, "/probe", "value", "250", "0", "-3", "0").stdout.strip()
        self.assertRegex(own, "^[0-9]+$")
        self.assertNotEqual(int(own), session)


class NsExec(ExecRows, NsExecSkin, unittest.TestCase):
    def test_row_36_names_are_looked_up_without_libraries(self):
        bait = f"#!/bin/sh\nid > {ground.sentinel}/caught\n".encode()
        ground.tree("bait", [(f"lib/x86_64-linux-gnu/{name}", "f", bait, 0o755) for name in ("libnss_files.so.2", "libc.so.6")] +
                    [("etc/nsswitch.conf", "f", b"passwd: evil\n", 0o644), ("etc/ld.so.preload", "f", b"/lib/evil.so\n", 0o644)])
        ident = self.background("bait", ["sleep", "1000"])
        self.assertEqual(self.inside(ident, "id", "-u", options=["--user", "user"]).stdout, "1000\n")


class StaveOci(Rows, ExecRows, OciSkin, unittest.TestCase):
    interactive = []

    def refuse_cgroup(self, path):
        config = ground.config("plain", ["true"])
        ident, top = ground.bundle(config)
        config["linux"]["cgroupsPath"] = path
        with open(top + "/config.json", "w", encoding="utf-8") as out:
            json.dump(config, out)
        done = ground.oci("run", "--bundle", top, ident)
        self.assertNotEqual(done.returncode, 0)

    def act_on(self, name):
        ident = self.background(name, ["sleep", "1000"])
        self.assertEqual(self.inside(ident, "id", "-u", options=["--user", "1000"]).stdout, "1000\n")
        for words in (["ps", ident], ["state", ident], ["list"], ["pause", ident], ["resume", ident], ["kill", ident, "KILL"]):
            self.assertEqual(ground.oci(*words).returncode, 0, words)

    def test_row_24_with_an_empty_resources_block(self):
        def bare(config):
            config["linux"]["resources"] = {}
        self.devices(bare)
        def absent(config):
            del config["linux"]["resources"]
        self.devices(absent)

    def test_row_39_the_state_folder(self):
        for mask in ("000", "077"):
            top = ground.path("oci-umask" + mask)
            ident, bundle = ground.bundle(ground.config("plain", ["sleep", "1000"]))
            done = ground.run(f"umask {mask}; {runtime()} --root {top} create --bundle {bundle} {ident} > /dev/null 2>&1 < /dev/null")
            self.assertEqual(done.returncode, 0)
            try:
                self.assertEqual(stat.S_IMODE(os.stat(top).st_mode), 0o700)
                self.assertEqual(stat.S_IMODE(os.stat(f"{top}/{ident}").st_mode), 0o700)
                for path in glob.glob(f"{top}/**", recursive=True):
                    self.assertEqual(os.stat(path).st_mode & 0o077 if os.path.isdir(path) else os.stat(path).st_mode & 0o022, 0, path)
            finally:
                ground.run([runtime(), "--root", top, "delete", "--force", ident])


if __name__ == "__main__":
    cases.main()

# SPDX-License-Identifier: Apache-2.0
"""Where the pull bench works: a registry on loopback, and a file system of its own, ext4 with a journal
on a loop device, that holds the store of every engine. Call enter() first: from then on everything is in
mount, network and pid namespaces of its own, which end with it, so that nothing stays."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

import images
import laps
from place import tree

INSIDE = "STAVE_BENCH_INSIDE"
DISK_SIZE = "14G"
# What engines keep where no option moves it.
PRIVATE = ["/run", "/var/tmp", "/var/lib/cni", "/var/lib/containers", "/etc/docker"]


# Executes the script `words` once more, in the namespaces, and exits as it does. Returns inside.
def enter(words):
    if INSIDE in os.environ:
        return
    if os.geteuid() != 0:
        raise SystemExit("needs root")
    # bash is the namespace's first process and reaps, as an init does.
    code = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
         "bash", "-c", '"$@"; exit $?', "bash", sys.executable, *words], env=dict(os.environ, **{INSIDE: "1"}), check=False).returncode
    raise SystemExit(code)


class Stores:
    """`folder` keeps images and the registry's files for the next time; a temporary one goes. `disk` is where the file of the loop
    device lies, if elsewhere."""

    def __init__(self, folder=None, disk=None):
        self.kept, self.syncs, self.processes = folder, True, []
        self.dir = os.path.abspath(folder) if folder else tempfile.mkdtemp(prefix="stave-pulls.", dir=os.environ.get("TMPDIR", "/var/tmp"))
        os.makedirs(self.dir, exist_ok=True)
        self.programs = tempfile.mkdtemp(prefix="stave-pulls.", dir="/tmp")
        for path in PRIVATE:
            if os.path.isdir(path):
                self._shell(f"mount -t tmpfs -o mode=0755 stave-pulls {path}")
        self._shell("ip link set lo up")
        self.disk = os.path.join(self.programs, "disk")
        os.mkdir(self.disk)
        with tempfile.NamedTemporaryFile(prefix="disk.", dir=disk or self.dir) as image:  # the loop device holds it
            self._shell(f"truncate -s {DISK_SIZE} {image.name}; mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 {image.name}; mount -o loop {image.name} {self.disk}")
        self.env = dict(os.environ, PATH=tree() + "/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME=self.disk, TMPDIR=self.disk + "/tmp",
                        STAVE_STATE=self.disk + "/stave", STAVE_RUN="/run/stave", OTEL_TRACES_EXPORTER="none")
        self.env.pop("XDG_RUNTIME_DIR", None)
        os.mkdir(self.env["TMPDIR"])
        laps.program("laps", self.programs)
        laps.program("nosync", self.programs)
        self.registry_pid, self.registry = self._registry()

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @staticmethod
    def _shell(line, **kwargs):
        return subprocess.run(["bash", "-ec", line], check=True, **kwargs)

    # The words that run a command as this bench does: with no call that syncs doing anything, if so asked.
    def words(self, command):
        return command if self.syncs else [os.path.join(self.programs, "nosync"), *command]

    # Starts a daemon, at the priority of what laps runs; waits until `ready` succeeds. Returns its pid, or says why it does not run.
    def daemon(self, command, ready, words=None):
        log = open(os.path.join(self.programs, os.path.basename(command[0]) + ".log"), "w+", encoding="utf-8", errors="replace")
        process = subprocess.Popen(["nice", "-n", "-20", *(words or self.words)(command)], env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        while process.poll() is None:
            if subprocess.run(ready, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0:
                return process.pid
            time.sleep(0.05)
        log.seek(0)
        raise OSError(f"{command[0]} does not run here: {log.read()[-400:]}")

    def _registry(self):
        host = "127.0.0.1:5000"  # of a network namespace of our own
        with open(os.path.join(self.programs, "registry.yml"), "w", encoding="utf-8") as out:
            out.write(f"version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {self.dir}/registry}}}}\nhttp:\n  addr: {host}\n")
        pid = self.daemon(["docker-registry", "serve", out.name], ["curl", "-sf", f"http://{host}/v2/"], lambda command: command)
        return pid, host

    # Makes the images, and puts into the registry what is not there. Returns images.make()'s.
    def images(self, tar=None):
        made = images.make(self.path("images"), tar)
        for name, (top, _) in made.items():
            there = subprocess.run(["curl", "-sfI", "-o", "/dev/null", "-H", "Accept: " + images.KIND + "manifest.v1+json", f"http://{self.registry}/v2/{name}/manifests/latest"], check=False)
            if there.returncode:
                self._shell(f"skopeo copy -q --insecure-policy --dest-tls-verify=false oci:{top}:latest docker://{self.registry}/{name}:latest", env=self.env)
        return made

    # Everything that was written is on the disk; returns the seconds this took.
    def sync(self):
        begin = time.perf_counter()
        subprocess.run(["sync", "-f", self.disk], check=True)
        return time.perf_counter() - begin

    # All but the registry.
    def stop_daemons(self):
        for process in reversed(self.processes[1:]):
            if process.poll() is None:
                process.terminate()
                process.wait()
        del self.processes[1:]

    def close(self):
        self.stop_daemons()
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                process.wait()
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            within = [line.split()[4] for line in mounts if line.split()[4].startswith(self.disk)]
        for path in reversed(within):
            subprocess.run(["umount", "-l", path], check=False)
        os.rmdir(self.disk)
        shutil.rmtree(self.programs)
        if not self.kept:
            shutil.rmtree(self.dir)

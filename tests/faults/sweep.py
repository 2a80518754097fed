# SPDX-License-Identifier: Apache-2.0
"""Kill points: a command is killed at one system call of one of its tasks (kill_at.cc), then the next
command repairs, nothing is left, and the same command works.

A Scenario says what is killed, what must be true afterwards, and how the command is repeated."""

import glob
import hashlib
import json
import os
import shutil
import stat
import subprocess
import time

KILL_AT = os.path.realpath(os.environ.get("STAVE_KILL_AT", "tests/faults/kill_at"))
MAX_FAILURES = 10


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if not found:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: {found}")
        time.sleep(0.005)


# That of the monitors stays, as their parent does.
def cgroups():
    return {path for path in glob.glob("/sys/fs/cgroup/stave*/*/") + glob.glob("/sys/fs/cgroup/*/stave*/*/") if not path.endswith("/stave/monitors/")}


# What the named objects of a store hold, by path: kind, mode, owner, content, what makes it opaque.
def snapshot(state):
    found = {}
    for folder in ("images/blobs", "layers", "refs"):
        for parent, below, files in os.walk(os.path.join(state, folder)):
            for name in below + files:
                path = os.path.join(parent, name)
                info = os.lstat(path)
                entry = [stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, info.st_rdev]
                if stat.S_ISLNK(info.st_mode):
                    entry.append(os.readlink(path))
                elif stat.S_ISREG(info.st_mode):
                    with open(path, "rb") as file:
                        entry += [hashlib.sha256(file.read()).hexdigest()]
                if not stat.S_ISLNK(info.st_mode):
                    entry.append([(x, os.getxattr(path, x)) for x in sorted(os.listxattr(path))])
                found[os.path.relpath(path, state)] = entry
    return found


class Scenario:
    stdin = None  # a file of the place

    def __init__(self, place, name, command):
        self.place = place
        self.name = name
        self.command = command
        self.before = cgroups()
        self.suspects = {}

    # Before each point, and before the count.
    def prepare(self):
        pass

    # After each point.
    def check(self):
        raise NotImplementedError

    # Whatever happened, nothing of it runs on.
    def stop(self):
        pass

    def open_stdin(self):
        return open(self.place.path(self.stdin) if self.stdin else "/dev/null", "rb")

    def kill_at(self, *words):
        with self.open_stdin() as stdin:
            return subprocess.run([KILL_AT, *words, *self.command], env=self.place.env, cwd=self.place.dir, stdin=stdin,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    def ok(self, command, stdin=None):
        with open(self.place.path(stdin) if stdin else "/dev/null", "rb") as file:
            done = subprocess.run(command, env=self.place.env, cwd=self.place.dir, stdin=file, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    # (task, call, whether all die), every `stride`-th of each task; a point in five kills all.
    def points(self, stride=1):
        self.prepare()
        done = self.kill_at("count", self.place.path("count"))
        if done.returncode != 0:
            raise AssertionError(f"{self.name}: {done.stderr}")
        self.check()
        with open(self.place.path("count"), encoding="utf-8") as lines:
            counts = [int(line) for line in lines]
        return [(task, call, (call // stride) % 5 == 0) for task, calls in enumerate(counts)
                for call in range(1 + task % stride, calls + 1, stride)]

    # True: killed; False: the program took another way and the point was not reached.
    def try_point(self, point):
        task, call, everything = point
        self.prepare()
        done = self.kill_at(("all:" if everything else "") + str(task), str(call))
        if done.returncode not in (0, 3):
            raise AssertionError(f"kill_at: exit {done.returncode}: {done.stderr}")
        self.check()
        for path in cgroups() - self.before:
            self.suspects.setdefault(path, point)
        return done.returncode == 0

    def processes(self):
        own = {str(process.pid) for process in self.place.started}
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                with open(path, "rb") as file:
                    words = file.read()
            except OSError:
                continue
            if self.place.dir.encode() in words and path.split("/")[2] not in own:
                found.append(words.replace(b"\0", b" ").decode("utf-8", "replace"))
        return found

    # No entry, container, name, half of an object, mount or process.
    def nothing_is_left(self):
        self.place.wait_until_quiet(10)
        wait_until(self.place.leftovers, 5, "left behind")
        wait_until(self.processes, 5, "still running")

    # Cgroups of others come and go, and have processes; those that a point left stay, and are empty.
    def no_cgroup_is_left(self):
        def left():
            found = {}
            for path, point in self.suspects.items():
                try:
                    with open(path + "/cgroup.procs", encoding="utf-8") as processes:
                        if not processes.read():
                            found[path] = point
                except OSError:
                    pass
            return found
        wait_until(left, 20, "cgroups left behind")


class Run(Scenario):
    """ns-run that leaves no record: --rm, --rootfs, or a start that fails with `code`."""

    def __init__(self, place, name, command, code=0):
        super().__init__(place, name, command)
        self.code = code

    def no_ghost(self, running=0):
        shown = [json.loads(line) for line in self.ok(["ps-lister", "-a", "--json"]).splitlines()]
        if sum(one["state"] == "running" for one in shown) != running:
            raise AssertionError(f"ps-lister shows as running what does not: {shown}")
        return shown

    # Another command: it sweeps.
    def next(self):
        out = self.ok(["ns-run", "--rm", "--config", self.place.path("t.json"), "--", "echo", "next"])
        if out != "next\n":
            raise AssertionError(f"the next ns-run printed {out!r}")

    def again(self):
        done = subprocess.run(self.command, env=self.place.env, cwd=self.place.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != self.code:
            raise AssertionError(f"again: exit {done.returncode}: {done.stderr}")

    def check(self):
        self.no_ghost()
        self.next()
        self.nothing_is_left()
        self.again()
        self.nothing_is_left()


class RunKept(Run):
    """ns-run --name kept: what is left is either nothing, or a record that can be read and removed."""

    def check(self):
        self.no_ghost()
        self.next()
        self.place.wait_until_quiet(10)
        shown = self.no_ghost()
        for one in shown:
            if (one["name"], one["state"]) != ("kept", "exited") or one["exitCode"] not in (None, 0, 137):
                raise AssertionError(f"ps-lister shows {one}")
            self.ok(["ps-remove", "kept"])
        self.nothing_is_left()
        self.again()
        self.ok(["ps-remove", "kept"])
        self.nothing_is_left()


class Detached(Run):
    """A container `kept` that a monitor starts and watches until its short payload has ended, with `code`: made
    by the command, or before it by `create`. Who is killed may be ns-run, the monitor, or the payload. What was
    there before, or has been told by its id or name, is there; and what is there can be started anew."""

    def __init__(self, place, name, command, code=0, create=None):
        super().__init__(place, name, command)
        self.payload_code = code
        self.create = create

    def prepare(self):
        if self.create:
            self.ok(self.create)

    def kill_at(self, *words):
        with self.open_stdin() as stdin, open(self.place.path("told"), "wb") as told:
            return subprocess.run([KILL_AT, *words, *self.command], env=self.place.env, cwd=self.place.dir, stdin=stdin,
                                  stdout=told, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    def is_there(self):
        with open(self.place.path("told"), encoding="utf-8") as told:
            return bool(self.create or told.read())

    # The last of its runs has its code.
    def end(self):
        def other():
            [one] = map(json.loads, self.ok(["ps-lister", "-a", "--json"]).splitlines())
            return (one["state"], one["exitCode"]) != ("exited", self.payload_code) and one
        wait_until(other, 10, "has not ended as it should")
        wait_until(self.processes, 10, "still running")
        self.ok(["ps-remove", "kept"])
        self.nothing_is_left()

    def check(self):
        self.no_ghost()
        self.next()
        self.place.wait_until_quiet(10)
        shown = self.no_ghost()
        if not shown and self.is_there():
            raise AssertionError("what was there is lost")
        for one in shown:
            # 125: no start anew. 128: a start that has failed, as its first process was killed.
            codes = {"created": (None, 128), "exited": (None, self.payload_code, 137, 125, 128)}.get(one["state"], ())
            if one["name"] != "kept" or one["exitCode"] not in codes:
                raise AssertionError(f"ps-lister shows {one}")
            self.ok(["ns-run", "--start", "kept"])
            self.end()
        if not self.create:
            self.again()
            self.end()
        self.nothing_is_left()


class Failing(Run):
    """ns-run -d --name kept of what cannot be started: it stays as created, or came to nothing."""

    def removed(self, codes, least):
        self.place.wait_until_quiet(10)
        shown = self.no_ghost()
        if len(shown) < least or any((one["name"], one["state"]) != ("kept", "created") or one["exitCode"] not in codes for one in shown):
            raise AssertionError(f"ps-lister shows {shown}")
        if shown:
            self.ok(["ps-remove", "kept"])
        self.nothing_is_left()

    def check(self):
        self.no_ghost()
        self.next()
        self.removed((None, 127, 128), 0)
        self.again()
        self.removed((127,), 1)


# What is swept of containers that live by themselves.
def detached_scenarios(place):
    def words(*options, payload="true", template="t.json"):
        return ["ns-run", *options, "--config", place.path(template), "--", payload, place.dir]
    return [
        Detached(place, "ns-run -d", words("-d", "--name", "kept", template="limited.json")),
        Run(place, "ns-run -d --rm", words("-d", "--rm")),
        Detached(place, "ns-run --start", ["ns-run", "--start", "kept"], create=words("--create", "--name", "kept")),
        Failing(place, "ns-run -d of what is not there", words("-d", "--name", "kept", payload="nope"), code=127),
        Detached(place, "ns-run -d --restart", words("-d", "--name", "kept", "--restart", "on-failure:1", payload="false"), code=1),
    ]


class Remove(Run):
    """ps-remove of a container that has ended, or with -f of one that runs."""

    def __init__(self, place, name, command, running):
        super().__init__(place, name, command)
        self.running = running
        self.watcher = None

    def prepare(self):
        run = ["ns-run", "--name", "kept", "--config", self.place.path("t.json"), "--"]
        if not self.running:
            self.ok(run + ["true"])
            self.place.wait_until_quiet(10)
            return
        self.watcher = subprocess.Popen(run + ["sh", "-c", "echo up; sleep 1000"], env=self.place.env, cwd=self.place.dir,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.watcher.stdout.readline()
        wait_until(lambda: not self.ok(["ps-lister", "-q"]), 5, "does not run")

    def stop(self):
        if self.watcher:
            self.watcher.kill()
            self.watcher.communicate()

    def check(self):
        self.ok(["ps-lister", "-a"])
        self.next()
        self.ok(["ps-remove", "-f", "kept"])
        if self.watcher:
            self.watcher.wait(20)
            self.watcher.stdout.close()
            self.watcher = None
        self.nothing_is_left()
        self.ok(["ns-run", "--name", "kept", "--config", self.place.path("t.json"), "--", "true"])
        self.place.wait_until_quiet(10)
        self.again()
        self.nothing_is_left()


class Exec(Run):
    """ns-exec in the container `kept`, which goes on as if nothing had been: its first process, nobody else."""

    def __init__(self, place, name, options=()):
        super().__init__(place, name, ["ns-exec", *options, "kept", "true", place.dir])
        self.watcher = None

    def prepare(self):
        if self.watcher:
            return
        run = ["ns-run", "--name", "kept", "--config", self.place.path("t.json"), "--", "sh", "-c", "echo up; exec sleep 1000"]
        self.watcher = subprocess.Popen(run, env=self.place.env, cwd=self.place.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.watcher.stdout.readline()
        wait_until(lambda: not self.ok(["ps-lister", "-q"]), 5, "does not run")
        [one] = self.no_ghost(running=1)
        self.groups = [path for path in cgroups() if one["id"] in path]
        self.pid = one["pid"]

    def close(self):
        subprocess.run(["ps-remove", "-f", "kept"], env=self.place.env, stdout=subprocess.DEVNULL, check=False)
        if self.watcher:
            self.watcher.communicate(timeout=20)
        self.watcher = None

    def processes(self):
        return [one for one in super().processes() if not one.startswith("ns-run --name kept ")]

    def others(self):
        found = set()
        for path in self.groups:
            with open(path + "cgroup.procs", encoding="utf-8") as processes:
                found |= set(map(int, processes.read().split()))
        return found - {self.pid}

    def check(self):
        self.no_ghost(running=1)
        wait_until(self.others, 5, "still in the container")
        self.again()
        wait_until(self.others, 5, "still in the container")
        wait_until(self.processes, 5, "still running")


class Filter(Scenario):
    """What only reads: a document through, or a list."""

    def __init__(self, place, name, command, stdin=None):
        super().__init__(place, name, command)
        self.stdin = stdin

    def check(self):
        self.ok(self.command, self.stdin)
        self.nothing_is_left()


class Limit(Scenario):
    """cgroup-limit around a command: the next one removes the cgroup."""

    def check(self):
        self.ok(self.command)
        folder = self.place.path("run/cgroup-limit")
        wait_until(lambda: os.listdir(folder), 5, "left behind")
        wait_until(self.processes, 5, "still running")


class MountNow(Scenario):
    """layer-mount --now, or --unmount: mounted or not, both go on from there."""

    stdin = "t.json"

    def __init__(self, place, name, command, unmounts):
        super().__init__(place, name, command)
        self.unmounts = unmounts
        self.now = ["layer-mount", "--now", place.path("mnt")]
        self.unmount = ["layer-mount", "--unmount", place.path("mnt")]
        os.makedirs(place.path("mnt"), exist_ok=True)

    def prepare(self):
        if self.unmounts:
            self.ok(self.now, "t.json")

    def check(self):
        if os.path.ismount(self.place.path("mnt")):
            self.ok(["test", "-x", self.place.path("mnt/bin/sh")])
            self.ok(self.unmount)
        self.ok(self.now, "t.json")
        self.ok(["touch", self.place.path("mnt/new")])
        mounts = os.listdir(self.place.path("state/mounts"))
        if len([m for m in mounts if not m.startswith(".")]) != 1:
            raise AssertionError(f"folders in mounts/: {mounts}")
        self.ok(self.unmount)
        self.nothing_is_left()


class Fetch(Scenario):
    """image-fetch into an empty store: nothing has a name that is not whole, and the same command
    makes the rest."""

    def prepare(self):
        shutil.rmtree(self.place.path("state"), ignore_errors=True)

    def learn(self):
        self.prepare()
        self.ok(self.command)
        self.whole = snapshot(self.place.path("state"))

    def points(self, stride=1):
        self.learn()
        return super().points(stride)

    def check(self):
        found = snapshot(self.place.path("state"))
        for path, entry in found.items():
            if self.whole.get(path) != entry and not os.path.basename(path).startswith("."):
                raise AssertionError(f"{path} has its name and is {entry}, not {self.whole.get(path)}")
        self.ok(["ps-lister", "-a"])
        document = self.ok(self.command)
        wrong = {path for path in set(found | self.whole) if snapshot(self.place.path("state")).get(path) != self.whole.get(path)}
        if wrong:
            raise AssertionError(f"after the repetition: {wrong}")
        reference = json.loads(document)["stave"]["image"]["reference"]
        with open(self.place.path("state/images/index.json"), encoding="utf-8") as index:
            if [m["annotations"]["org.opencontainers.image.ref.name"] for m in json.load(index)["manifests"]] != [reference]:
                raise AssertionError("index.json does not name the image")
        # What a pull named that was killed after it had set its name waits for the next pull or prune.
        left = [name for name in os.listdir(self.place.path("state/ingest")) if not name.startswith("pull-")]
        if left:
            raise AssertionError(f"ingest/ holds {left}")
        wait_until(self.processes, 5, "still running")


class FetchPruned(Fetch):
    """image-fetch into an empty store, and a prune after it: either all of the image stays or nothing."""

    def check(self):
        self.ok(["image-remove", "--prune", "--quiet"])
        found = snapshot(self.place.path("state"))
        files = {path for path in found if path.startswith("refs/") and os.path.basename(path)[0] in ":@"}
        objects = {path for path in found if not path.startswith("refs/") and path != "images/blobs/sha256"}
        if files and found != self.whole or not files and objects:
            raise AssertionError(f"after the prune there are {files} and {objects}")
        super().check()


class RemoveImage(Scenario):
    """image-remove of one of two images that share a layer, or a prune of it when it has lost its name. Wherever
    it is killed, the other image is whole, a name that is there leads to all of its image, and the same command,
    or at last a prune, leaves nothing of it."""

    def __init__(self, place, name, command, kept, gone, prunes=False):
        super().__init__(place, name, command)
        self.kept, self.gone, self.prunes = kept, gone, prunes

    def state(self):
        found = snapshot(self.place.path("state"))  # folders of names may stay, empty
        return {path: entry for path, entry in found.items() if not path.startswith("refs/") or os.path.basename(path)[0] in ":@"}

    def points(self, stride=1):
        shutil.rmtree(self.place.path("state"), ignore_errors=True)
        self.ok(["image-fetch", "-q", self.kept])
        self.only = self.state()
        [self.kept_name] = [path for path in self.only if path.startswith("refs/")]
        self.ok(["image-fetch", "-q", self.gone])
        self.both = self.state()
        [self.gone_name] = [path for path in self.both if path.startswith("refs/") and path != self.kept_name]
        return super().points(stride)

    def prepare(self):
        self.ok(["image-fetch", "-q", self.gone])
        if self.prunes:
            os.unlink(self.place.path("state", self.gone_name))
        if self.state() != {path: entry for path, entry in self.both.items() if not self.prunes or path != self.gone_name}:
            raise AssertionError("image-fetch did not bring back what was there")

    def check(self):
        found = self.state()
        for path, entry in found.items():
            if self.both.get(path) != entry:
                raise AssertionError(f"{path} has its name and is {entry}, not {self.both.get(path)}")
        missing = [path for path in (self.both if self.gone_name in found else self.only) if path not in found]
        if missing:
            raise AssertionError(f"missing: {missing}")
        self.ok(["image-fetch", "-q", "--policy", "never", self.kept_name.removeprefix("refs/").replace("/:", ":")])
        subprocess.run(self.command, env=self.place.env, cwd=self.place.dir, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        if self.gone_name in self.state():
            raise AssertionError("the repetition left the name")
        self.ok(["image-remove", "--prune", "--quiet"])
        if self.state() != self.only:
            raise AssertionError(f"after the prune: {set(self.state()) ^ set(self.only)}")
        with open(self.place.path("state/images/index.json"), encoding="utf-8") as index:
            if len(json.load(index)["manifests"]) != 1:
                raise AssertionError("index.json does not name the one image")
        self.nothing_is_left()


class Mend(Scenario):
    """store-check --repair of a store with damages of each kind that it mends: wherever it is killed, the
    next one finishes, and then the store is sound and its image runs."""

    def __init__(self, place, name, reference):
        super().__init__(place, name, ["store-check", "--repair"])
        self.reference = reference
        self.ok(["image-fetch", "-q", reference])
        self.ok(["bash", "-ec", """
            cp -a state sound
            rm -r run
            ls -d state/layers/* | while read -r layer; do
              [ -n "${first-}" ] || { first=1; echo x >> "$(find "$layer/fs" -type f | head -n 1)"; mkdir "$layer/fs/extra"; continue; }
              rm -r "$layer"
            done
            ref=$(find state/refs -type f -name :latest)
            : > "$ref"
            : > state/images/oci-layout
            : > state/store.json
            mkdir state/layers/nobodys state/trash/gone-0
            echo x > state/images/blobs/sha256/$(echo x | sha256sum | cut -d ' ' -f 1)
            ln -s $(printf '%064d' 0) state/names/lost
            mv state damaged"""])

    def prepare(self):
        self.ok(["bash", "-ec", "rm -rf state run; cp -a damaged state"])

    def check(self):
        self.ok(["store-check", "--repair"])
        done = subprocess.run(["store-check"], env=self.place.env, capture_output=True, text=True, timeout=60, check=False)
        if (done.returncode, done.stdout) != (0, ""):
            raise AssertionError(f"still there: {done.stdout}{done.stderr}")
        if snapshot(self.place.path("state")) != snapshot(self.place.path("sound")):
            raise AssertionError("the store is not what it was")
        wait_until(self.processes, 5, "still running")
        wait_until(lambda: os.listdir(self.place.path("state/ingest")) + os.listdir(self.place.path("state/trash")), 5, "left behind")


class Engine(Scenario):
    """stave-oci: one verb on the container `swept`, which `steps` bring to where the verb finds it. Wherever
    it is killed, delete --force removes all of it, and a container beside it goes on."""

    def __init__(self, place, name, steps, verb):
        super().__init__(place, name, ["stave-oci", *verb])
        self.steps = steps
        self.parents = [folder + f"/stave-sweep-{os.getpid()}" for folder in ["/sys/fs/cgroup", *glob.glob("/sys/fs/cgroup/*")]]
        if not os.path.exists(place.path("bundle")):
            self.make_bundle()

    def make_bundle(self):
        self.ok(["bash", "-ec", "mkdir -p bundle; cp -a state/layers/*/fs bundle/rootfs; stave-oci spec --bundle bundle"])
        with open(self.place.path("bundle/config.json"), encoding="utf-8") as file:
            config = json.load(file)
        config["process"].update(terminal=False, args=["sh", "-c", "while :; do sleep 1000; done", self.place.dir])
        for name in ("swept", "beside"):
            config["linux"]["cgroupsPath"] = f"/stave-sweep-{os.getpid()}/{name}"
            os.makedirs(self.place.path(name), exist_ok=True)
            os.symlink(self.place.path("bundle/rootfs"), self.place.path(name, "rootfs"))
            with open(self.place.path(name, "config.json"), "w", encoding="utf-8") as file:
                json.dump(config, file)
        self.ok(["stave-oci", "run", "--detach", "--bundle", self.place.path("beside"), "beside"])

    # What stays behind must not hold the streams of this process.
    def quietly(self, command):
        with open(self.place.path("stderr"), "w+", encoding="utf-8") as said:
            done = subprocess.run(command, env=self.place.env, cwd=self.place.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, timeout=60, check=False)
            said.seek(0)
            done.stderr = said.read()
        return done

    def ok(self, command, stdin=None):
        done = self.quietly(command)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")

    def kill_at(self, *words):
        return self.quietly([KILL_AT, "leave", *words, *self.command])

    def prepare(self):
        for step in self.steps:
            self.ok(["stave-oci", *step])

    def status(self, name):
        done = subprocess.run(["stave-oci", "state", name], env=self.place.env, capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout)["status"] if done.returncode == 0 else None

    def stop(self):
        self.quietly(["stave-oci", "delete", "--force", "swept"])

    def left(self):
        found = [name for name in os.listdir(self.place.path("run/oci")) if name != "beside"]
        return found + [f"{parent}/swept" for parent in self.parents if os.path.exists(parent + "/swept")]

    def check(self):
        if self.status("swept") not in (None, "creating", "created", "running", "paused", "stopped"):
            raise AssertionError(f"status {self.status('swept')}")
        self.ok(["stave-oci", "delete", "--force", "swept"])
        wait_until(self.left, 5, "left behind")
        wait_until(self.place.leftovers, 5, "left behind")
        wait_until(lambda: self.processes()[1:], 5, "still running")  # the first is the other one
        if self.status("beside") != "running":
            raise AssertionError("the container beside it does not run any more")

    def close(self):
        self.quietly(["stave-oci", "delete", "--force", "beside"])
        for parent in self.parents:
            if os.path.exists(parent):
                os.rmdir(parent)


# What is swept of stave-oci.
def engine_scenarios(place):
    create = ["create", "--bundle", place.path("swept"), "--pid-file", place.path("pid"), "swept"]
    return [
        Engine(place, "stave-oci create", [], create),
        Engine(place, "stave-oci start", [create], ["start", "swept"]),
        Engine(place, "stave-oci exec", [create, ["start", "swept"]], ["exec", "swept", "true"]),
        Engine(place, "stave-oci delete", [create], ["delete", "swept"]),
        Engine(place, "stave-oci delete --force", [create, ["start", "swept"]], ["delete", "--force", "swept"]),
    ]


# Tries the points of `scenarios` whose running number is `share` modulo `of`; returns the messages.
def sweep(scenarios, share=0, of=1, stride=1):
    number, failures = 0, []
    for scenario in scenarios:
        begun = time.monotonic()
        tried = killed = 0
        wrong = []
        for point in scenario.points(stride):
            number += 1
            if number % of != share % of:
                continue
            tried += 1
            try:
                killed += scenario.try_point(point)
            except (AssertionError, subprocess.TimeoutExpired, OSError, json.JSONDecodeError) as error:
                scenario.stop()
                wrong.append(f"{scenario.name}: task {point[0]}, call {point[1]}{', all killed' if point[2] else ''}: {str(error)[:1500]}")
                print(wrong[-1], flush=True)
                if len(wrong) == MAX_FAILURES:
                    break
        try:
            scenario.no_cgroup_is_left()
        except AssertionError as error:
            wrong.append(f"{scenario.name}: {error}")
            print(wrong[-1], flush=True)
        print(f"{scenario.name}: {tried} points, {killed} killed, {len(wrong)} wrong, {time.monotonic() - begun:.1f} s", flush=True)
        failures += wrong
    return failures


def share_of_slice():
    share, _, of = os.environ.get("STAVE_SLICE", "0/1").partition("/")
    return int(share), int(of)

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""stave-unpack against hostile layers, GNU tar and umoci. Needs root; leaves nothing behind.

unpack_test.py STAVE_UNPACK [PART-OF-A-NAME]
"""

import collections
import gzip
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile

import tar_corpus

PATHS = {6: "implied_parents", 7: "whiteouts", 8: "opaque"}
NUMBERS = {2: "bytes", 3: "file_bytes", 4: "entries", 5: "root_named", 10: "dropped_xattrs"}


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        yield key >> 3, value


def parse_report(data):
    report = collections.defaultdict(int, {name: [] for name in PATHS.values()}, lower_links=[])
    for number, value in fields(data):
        if number == 1:
            report["diff_id"] = value.decode()
        elif number == 9:
            report["lower_links"].append(tuple(v for _, v in fields(value)))
        elif number in PATHS:
            report[PATHS[number]].append(value)
        else:
            report[NUMBERS[number]] = value
    return report


class Result:
    def __init__(self, program, layer, root, args=()):
        directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        with tempfile.TemporaryFile() as report, tempfile.TemporaryFile() as packed, \
                tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as error:
            packed.write(layer)
            packed.seek(0)
            # High numbers first: nothing must be overwritten before it is copied.
            high = [os.dup2(directory, 100), os.dup2(report.fileno(), 101)]
            command = 'exec "$0" "$@" 3<&100 4<&101 100<&- 101<&-'
            with subprocess.Popen(["bash", "-c", command, program, *args], stdin=packed,
                                  stdout=output, stderr=error, pass_fds=high) as child:
                _, status, usage = os.wait4(child.pid, 0)
                self.code = child.returncode = os.waitstatus_to_exitcode(status)
            for fd in high + [directory]:
                os.close(fd)
            for file in (report, output, error):
                file.seek(0)
            self.peak = usage.ru_maxrss  # KiB
            self.error, self.output, self.raw = error.read(), output.read(), report.read()
            self.report = parse_report(self.raw)


def describe(path):
    try:
        st = os.lstat(path)
    except OSError:
        return None
    mode = st.st_mode
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:
            return b"f:" + file.read()
    if stat.S_ISLNK(mode):
        return b"l:" + os.readlink(path)
    if stat.S_ISDIR(mode):
        return b"d:%o" % stat.S_IMODE(mode)
    if stat.S_ISFIFO(mode):
        return b"p"
    device = b"%d:%d" % (os.major(st.st_rdev), os.minor(st.st_rdev))
    if device == b"0:0" and stat.S_ISCHR(mode):
        return b"w"
    return (b"c:" if stat.S_ISCHR(mode) else b"b:") + device


def walk(top):
    """Every entry below `top`, by descriptors: paths may be longer than PATH_MAX."""
    for path, directories, files, fd in os.fwalk(os.fsencode(top), follow_symlinks=False):
        for name in [b"."] + sorted(directories) + sorted(files):
            if name == b"." and path != os.fsencode(top):
                continue
            full = os.path.join(path, name)
            st = os.stat(name, dir_fd=fd, follow_symlinks=False)
            words = [oct(st.st_mode), st.st_uid, st.st_gid, st.st_rdev]
            if not stat.S_ISDIR(st.st_mode):
                words += [st.st_size, st.st_nlink]
            words.append(st.st_mtime_ns)
            if stat.S_ISLNK(st.st_mode):
                words.append(os.readlink(name, dir_fd=fd))
            elif stat.S_ISREG(st.st_mode):
                file = os.open(name, os.O_RDONLY, dir_fd=fd)
                with open(file, "rb") as data:
                    words.append(hashlib.sha256(data.read()).hexdigest())
                    words.append([(x, os.getxattr(file, x)) for x in sorted(os.listxattr(file))])
            yield os.path.relpath(full, os.fsencode(top)), words


def to_bytes(text):
    return text.encode() if isinstance(text, str) else text


def lookup(root, path):
    """What is at `path`, walked by descriptors."""
    names = [n for n in to_bytes(path).split(b"/") if n]
    fd = os.open(root, os.O_RDONLY)
    try:
        for name in names[:-1]:
            try:
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            except OSError:
                return None
            os.close(fd)
            fd = below
        return describe(os.path.join(b"/proc/self/fd/%d" % fd, names[-1]))
    finally:
        os.close(fd)


class Tests:
    def __init__(self, program, top):
        self.program, self.top, self.failures, self.count = program, top, 0, 0

    def fail(self, name, why):
        self.failures += 1
        print(f"FAILED {name}: {why}")

    def remove(self, path):
        subprocess.run(["rm", "-rf", path], check=True)

    def corpus(self, only):
        outer = os.path.join(self.top, "corpus")
        canary = os.path.join(outer, "canary")
        os.makedirs(canary)
        with open(os.path.join(canary, "secret"), "w", encoding="utf-8") as file:
            file.write("secret")
        os.chdir(canary)  # a name relative to the working directory must not be found either
        for case in tar_corpus.cases(os.fsencode(canary)):
            if only not in case.name:
                continue
            self.count += 1
            root = os.path.join(outer, "root")
            os.mkdir(root, 0o755)
            before = list(walk(canary))
            result = Result(self.program, case.data, root, case.args)
            if before != list(walk(canary)) or sorted(os.listdir(outer)) != ["canary", "root"]:
                self.fail(case.name, "THE CANARY HAS CHANGED")
            self.judge(case, result, root)
            self.remove(root)
        os.chdir("/")

    def judge(self, case, result, root):
        if result.peak > 64 * 1024:
            self.fail(case.name, f"{result.peak} KiB")
        if result.output:
            self.fail(case.name, f"stdout: {result.output[:100]}")
        if case.word:
            line = result.error
            if result.code != 1 or not line.startswith(b"stave-unpack: ") or line.count(b"\n") != 1 \
                    or not line.endswith(b" [%s]\n" % case.word.encode()) or result.raw:
                self.fail(case.name, f"want {case.word}, got {result.code} {line[-300:]}")
            return
        if result.code != 0 or result.error:
            self.fail(case.name, f"{result.code} {result.error[-300:]}")
            return
        plain = gzip.decompress(case.data) if case.data[:2] == b"\x1f\x8b" else case.data
        if plain[:3] != b"\x28\xb5\x2f" and plain[1:4] != b"\x2a\x4d\x18" and \
                result.report["diff_id"] != "sha256:" + hashlib.sha256(plain).hexdigest():
            self.fail(case.name, "wrong diffID")
        for path, want in case.tree.items():
            got = describe(root) if path == "." else lookup(root, path)
            want = to_bytes(want)
            if got != want:
                self.fail(case.name, f"{path[:80]}: want {want}, got {got}")
        for path, want in case.xattrs.items():
            path = os.path.join(root, path)
            got = {name: os.getxattr(path, name) for name in os.listxattr(path)}
            if got != want:
                self.fail(case.name, f"{path}: want {want}, got {got}")
        for path, want in case.blocks.items():
            got = os.stat(os.path.join(root, path)).st_blocks
            if got > want:
                self.fail(case.name, f"{path}: {got} blocks, at most {want}")
        for member, want in case.report.items():
            if result.report[member] != want:
                self.fail(case.name, f"{member}: want {want}, got {result.report[member]}")

    def same_as_gnu_tar(self):
        """The same tree in three formats, packed and unpacked by GNU tar: entry by entry."""
        source = os.path.join(self.top, "source")
        subprocess.run(["bash", "-ec", """
            mkdir -p "$0"/{bin,etc,dev,var/run,deep/a/b/c}; cd "$0"
            cp /bin/busybox bin/; for n in sh ls cat; do ln bin/busybox bin/$n; done
            ln -s /etc/passwd etc/link; ln bin/busybox deep/a/b/c/hard; mkfifo dev/fifo
            mknod dev/null c 1 3; mknod dev/loop0 b 7 0; chown -h 3:4 etc/link
            echo x > etc/passwd; chown 12:34 etc/passwd; chmod 4751 etc/passwd
            head -c 1000000 /dev/zero > var/zero; : > var/empty; chmod 1777 var; chmod 2770 var/run
            chown 5:6 var/run; touch -d @1.5 etc/passwd; touch -d @86400 bin deep/a
            touch "$(printf 'odd\\nname')" "$(printf '%0200d' 1)"; chmod 700 .; touch -d @5 .
        """, source], check=True)
        for form in ("ustar", "gnu", "pax"):
            self.count += 1
            layer = subprocess.run(["tar", "-C", source, f"--format={form}", "-cz", "--exclude",
                                    "./0*" if form == "ustar" else "none", "."],
                                   stdout=subprocess.PIPE, check=True).stdout
            trees = [os.path.join(self.top, name) for name in ("gnu", "stave")]
            for tree in trees:
                os.mkdir(tree)
            subprocess.run(["tar", "-C", trees[0], "-xzp"], input=layer, check=True)
            result = Result(self.program, layer, trees[1])
            if result.code:
                self.fail(f"as GNU tar, {form}", result.error)
            for want, got in zip(walk(trees[0]), walk(trees[1]), strict=True):
                if want != got:
                    self.fail(f"as GNU tar, {form}", f"want {want}, got {got}")
            for tree in trees:
                self.remove(tree)

    def same_as_umoci(self):
        if not shutil.which("umoci"):
            print("without umoci")
            return
        self.count += 1
        source, image = os.path.join(self.top, "source"), os.path.join(self.top, "image")
        layer = subprocess.run(["tar", "-C", source, "-c", "."], stdout=subprocess.PIPE,
                               check=True).stdout
        packed = gzip.compress(layer, mtime=0)
        blobs = os.path.join(image, "blobs/sha256")
        os.makedirs(blobs)

        def blob(data, kind):
            digest = hashlib.sha256(data).hexdigest()
            with open(os.path.join(blobs, digest), "wb") as file:
                file.write(data)
            return {"mediaType": f"application/vnd.oci.image.{kind}", "size": len(data),
                    "digest": "sha256:" + digest}

        diff_id = "sha256:" + hashlib.sha256(layer).hexdigest()
        config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
            "type": "layers", "diff_ids": [diff_id]}}).encode(), "config.v1+json")
        manifest = blob(json.dumps({"schemaVersion": 2, "config": config, "layers": [
            blob(packed, "layer.v1.tar+gzip")]}).encode(), "manifest.v1+json")
        manifest["annotations"] = {"org.opencontainers.image.ref.name": "t"}
        for name, value in (("index.json", {"schemaVersion": 2, "manifests": [manifest]}),
                            ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
            with open(os.path.join(image, name), "w", encoding="utf-8") as file:
                json.dump(value, file)
        bundle, mine = os.path.join(self.top, "bundle"), os.path.join(self.top, "mine")
        subprocess.run(["umoci", "unpack", "--image", f"{image}:t", bundle], check=True,
                       stdout=subprocess.DEVNULL)
        os.mkdir(mine)
        result = Result(self.program, packed, mine)
        if result.report["diff_id"] != diff_id:
            self.fail("as umoci", "diffID")

        def comparable(tree):  # umoci sets directories' times to the second
            return [(path, words) for path, words in walk(tree)]

        for want, got in zip(comparable(os.path.join(bundle, "rootfs")), comparable(mine),
                             strict=True):
            if want != got:
                self.fail("as umoci", f"want {want}, got {got}")
        for path in (bundle, mine, image):
            self.remove(path)

    def confinement(self):
        """What the helper still can do when it has begun to read."""
        self.count += 1
        root = os.path.join(self.top, "locked")
        os.mkdir(root)
        directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        high = [os.dup2(directory, 100), os.open("/dev/null", os.O_WRONLY)]
        command = f'exec "$0" 3<&100 4<&{high[1]} 100<&-'
        with subprocess.Popen(["bash", "-c", command, self.program], stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE, pass_fds=high) as child:
            # More than pipe and buffers hold: when write returns, it has read.
            child.stdin.write(tar_corpus.header(b"x", size=1 << 22) + bytes(2 << 20))
            child.stdin.flush()
            proc = f"/proc/{child.pid}"
            with open(f"{proc}/status", encoding="utf-8") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            with open(f"{proc}/mountinfo", encoding="utf-8") as file:
                mounts = file.read().splitlines()
            facts = {
                "CapEff": status["CapEff"], "CapPrm": status["CapPrm"], "CapInh": status["CapInh"],
                "CapBnd": status["CapBnd"], "NoNewPrivs": status["NoNewPrivs"],
                "Seccomp": status["Seccomp"], "Umask": status["Umask"],
                "root": os.listdir(f"{proc}/root"), "mounts": len(mounts),
                "options": mounts[0].split()[5],
                "net": os.readlink(f"{proc}/ns/net") != os.readlink("/proc/self/ns/net"),
                "fds": sorted(int(fd) for fd in os.listdir(f"{proc}/fd"))[:5],
                "up": os.path.samefile(f"{proc}/fd/3", f"{proc}/root"),
            }
            child.stdin.close()
            error = child.stderr.read()
        for fd in high + [directory]:
            os.close(fd)
        want = {"CapEff": "000000008800001b", "CapPrm": "000000008800001b",
                "CapInh": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2",
                "Umask": "0000", "root": ["x"], "mounts": 1, "net": True, "up": True,
                "options": "rw,nosuid,nodev,noexec,relatime", "fds": [0, 1, 2, 3, 4]}
        for name, value in want.items():
            if facts[name] != value:
                self.fail("confinement", f"{name}: want {value}, got {facts[name]}")
        if child.returncode != 1 or not error.endswith(b"cut short [E_TAR]\n"):
            self.fail("confinement", error)
        self.remove(root)

    def many_links(self):
        """ext4 has 65000 links to a file: one more is said, not left out."""
        self.count += 1
        image, root = os.path.join(self.top, "ext4"), os.path.join(self.top, "links")
        os.mkdir(root)
        subprocess.run(["truncate", "-s", "64M", image], check=True)
        subprocess.run(["mkfs.ext4", "-qF", image], check=True)
        if subprocess.run(["mount", "-o", "loop", image, root], check=False).returncode:
            print("without a loop device: T34 is left out")
            return
        try:
            for count, word in ((64999, b""), (65000, b"[E_LIMIT]")):
                inside = os.path.join(root, "layer")
                os.mkdir(inside)
                result = Result(self.program, tar_corpus.many_links(count), inside)
                if bool(word) != bool(result.code) or word not in result.error:
                    self.fail(f"T34 {count} hard links", result.error)
                links = os.stat(os.path.join(inside, "f")).st_nlink
                if links != 65000:
                    self.fail(f"T34 {count} hard links", f"{links} links")
                self.remove(inside)
        finally:
            subprocess.run(["umount", root], check=True)

    def memory(self):
        """Many entries and a bomb in little memory."""
        self.count += 1
        root = os.path.join(self.top, "many")
        os.mkdir(root)
        for name, layer in (("100000 files", tar_corpus.many_entries(100000)),
                            ("256 MiB of zeros", tar_corpus.zeros(1))):
            result = Result(self.program, layer, root)
            if result.code:
                self.fail(name, result.error)
            print(f"{name}: {result.peak} KiB")
            if result.peak > 64 * 1024:  # and this includes what fork left of ours
                self.fail(name, f"{result.peak} KiB")
        self.remove(root)


def main():
    program = os.path.abspath(sys.argv[1])
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    os.umask(0o022)
    top = tempfile.mkdtemp(prefix="stave-unpack-", dir="/dev/shm")
    tests = Tests(program, top)
    try:
        tests.corpus(only)
        if not only:
            tests.same_as_gnu_tar()
            tests.same_as_umoci()
            tests.confinement()
            tests.many_links()
            tests.memory()
    finally:
        os.chdir("/")
        tests.remove(top)
    print(f"{tests.count} cases, {tests.failures} failures")
    return 1 if tests.failures else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""run.py CASEFILE...: feeds bad input to programs and checks how they react.

Each case must end in the promised way: the exit code, one line `program: what: why [E_WORD]` and at
most one `hint:` line on stderr, nothing on stdout, no control characters, no signal, under 5 seconds,
at most 64 MiB of memory; and wrong usage must leave no trace in the store.

A case file is named after the entry of the list of bad inputs that it covers, and holds any number
of cases. A case is a line with the command, and indented lines that say the rest:

    # a comment
    cgroup-limit --memory {'9'*20}       words as in sh; {..} is a Python expression
      stdin b'{"a":'                     an expression, or closed, or tty; default: a whole document
      argv0 ''                           what the program is told as its own name
      stdout /dev/full                   where stdout goes; default: a pipe
      exit 1                             usage, failure (of that program), or a number
      word E_JSON
      says offset 5                      a pattern that stderr matches; may be repeated
      prints pattern                     a pattern that stdout matches (then exit is 0)
      silent                             stderr is empty
      root                               the case needs root
      store                              the demo image is in the store, and DOC its document; needs root

and for stave-oci, whose cases all need root, where `create|run` is a case for either:

      config doc('/root', 1)             the config.json of BUNDLE, here from CONFIG, which is good and the default
      before stave-oci create ...        a command that works, ahead of the case; may be repeated
      env LISTEN_FDS=x                   one more variable; may be repeated
      then stopped                       the container's status after it; default: as before it
      within 65536                       KiB of memory that it may take

After a case nothing is left that was not there before it, and after a `delete --force` nothing at all.

`default ...` at the top of a file says what its cases do not say. Names in expressions: DOC (bytes of
a whole document), doc(pointer, value[, base]) (DOC, or base, with one member set), without(pointer), ROOTFS (the demo
image's root), DIR (an empty folder), and what FILES below makes.
"""

import json
import os
import pty
import re
import resource
import shlex
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.sax.saxutils

import oci

TREE = os.path.abspath("packaging/tree")
DEMO = os.path.abspath("packaging/demo")
HERE = os.path.dirname(os.path.abspath(__file__))
RUNS_PAYLOAD = ("ns-run",)
SECONDS = 5
MEMORY_KIB = 64 * 1024
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")

# A document whose image is in no store; cases with `store` get that of the demo image instead.
with open(os.path.join(HERE, "document.json"), "rb") as file:
    DOC = file.read().strip()


def doc(pointer, value, base):
    """`base` with the member at `pointer` set to `value`; members on the way are made."""
    document = json.loads(base)
    at = document
    *way, last = pointer.strip("/").split("/")
    for key in way:
        at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
    at[int(last) if isinstance(at, list) else last] = value
    return json.dumps(document).encode()


def without(pointer, base):
    document = json.loads(base)
    at = document
    *way, last = pointer.strip("/").split("/")
    for key in way:
        at = at[key]
    del at[last]
    return json.dumps(document).encode()


class World:
    """The folder that the cases run in, and the names that their expressions know."""

    def __init__(self):
        shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.top = tempfile.mkdtemp(prefix="stave-bad.", dir=shared)
        self.state, self.run = (os.path.join(self.top, name) for name in ("state", "run"))
        self.full = os.path.join(self.top, "full")  # a store that holds the demo image
        self.demo_document = self.fetch_demo()
        self.names = {"STATE": self.state}
        self.names.update({name: self.path(name.lower()) for name in ("ROOTFS", "DIR", "FILE", "FIFO", "SOCKET", "LOOP", "MISSING", "BINARY", "BIG")})
        os.mkdir(self.names["DIR"])
        self.write("FILE", b"not a program, not JSON\n")
        self.write("BINARY", bytes(range(256)))
        with open(self.names["BIG"], "wb") as big:
            big.truncate(1 << 30)
        os.mkfifo(self.names["FIFO"])
        os.symlink("loop", self.names["LOOP"])
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self.names["SOCKET"])
        self.unpack_rootfs()
        self.containers = oci.Containers(f"{TREE}/bin/stave-oci", self.environment({}), self.top, self.run + "/oci", DOC, self.names["ROOTFS"])
        self.names.update(self.containers.names())

    def environment(self, settings):
        own = dict(variable.split("=", 1) for variable in settings.get("env", []))
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.top, "LC_ALL": "C.UTF-8",
            "STAVE_STATE": self.full if "store" in settings else self.state, "STAVE_RUN": self.run, "XDG_RUNTIME_DIR": self.top, **own,
        }

    def path(self, name):
        return os.path.join(self.top, name)

    def fetch_demo(self):
        if os.geteuid() != 0:
            return None
        environment = dict(os.environ, STAVE_STATE=self.full, STAVE_RUN=self.run)
        done = subprocess.run([f"{TREE}/bin/image-fetch", "-q", "oci:" + DEMO], env=environment, stdout=subprocess.PIPE, check=True)
        shutil.rmtree(self.run)
        return done.stdout.strip()

    def write(self, name, data):
        with open(self.names[name], "wb") as out:
            out.write(data)

    def unpack_rootfs(self):
        """The demo image, and programs that cannot be run."""
        with open(f"{DEMO}/index.json", encoding="utf-8") as index:
            manifest = json.load(index)["manifests"][0]["digest"]
        with open(f"{DEMO}/blobs/sha256/{manifest[7:]}", encoding="utf-8") as file:
            layers = json.load(file)["layers"]
        root = self.names["ROOTFS"]
        os.mkdir(root)
        for layer in layers:
            with tarfile.open(f"{DEMO}/blobs/sha256/{layer['digest'][7:]}") as tar:
                tar.extractall(root)
        programs = {
            "no-interpreter": b"#!/no/such/interpreter\n",
            "arm64": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(40),
            "not-executable": b"#!/bin/sh\n",
        }
        for name, data in programs.items():
            with open(f"{root}/bin/{name}", "wb") as program:
                program.write(data)
            os.chmod(f"{root}/bin/{name}", 0o644 if name == "not-executable" else 0o755)

    def evaluate(self, expression, document=DOC):
        names = dict(self.names, DOC=document)
        names["doc"] = lambda pointer, value, base=document: doc(pointer, value, base)
        names["without"] = lambda pointer, base=document: without(pointer, base)
        return eval(expression, names)  # pylint: disable=eval-used

    def clean(self):
        for folder in (self.state, self.run):
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self):
        self.containers.close()
        shutil.rmtree(self.top, ignore_errors=True)


class Case:
    def __init__(self, path, line, command, defaults):
        self.path, self.line, self.command = path, line, command
        self.settings = {key: list(value) if isinstance(value, list) else value for key, value in defaults.items()}
        self.says = []

    def name(self):
        return f"{os.path.basename(self.path)[:-len('.case')]}:{self.line}{self.verb}"

    verb = ""  # which of `create|run` it is

    def set(self, text):
        key, _, value = text.partition(" ")
        if key == "says":
            self.says.append(value)
        elif key in ("argv0", "stdin", "stdout", "exit", "word", "prints", "silent", "root", "store", "config", "then", "within"):
            self.settings[key] = value or "yes"
        elif key in ("before", "env"):
            self.settings.setdefault(key, []).append(value)
        else:
            raise SystemExit(f"{self.path}:{self.line}: {key}: is no setting")

    def words(self, world, command=None):
        """The words of its command, or of another one. {expression} is replaced; {{ is a brace."""
        def value(match):
            result = world.evaluate(match.group(1))
            return result.decode("utf-8", "surrogateescape") if isinstance(result, bytes) else str(result)
        kept = []

        def keep(match):
            kept.append(value(match))
            return f"\ue000{len(kept) - 1}\ue001"
        text = re.sub(r"(?<!\{)\{([^{}]+)\}", keep, self.command if command is None else command)
        words = shlex.split(text)
        words = [re.sub("\ue000(\\d+)\ue001", lambda m: kept[int(m.group(1))], word) for word in words]
        return [word.replace("{{", "{").replace("}}", "}") for word in words]

    def wanted_exit(self, words):
        wanted = self.settings.get("exit", "0" if "prints" in self.settings else "usage")
        if words[0] == "stave-oci" and wanted in ("usage", "failure"):
            return 255 if "exec" in words else 1
        payload = words[0] in RUNS_PAYLOAD or (words[0] == "cgroup-limit" and "--" in words)
        if wanted == "usage":
            return 125 if payload else 2
        if wanted == "failure":
            return 125 if payload else 1
        return int(wanted)


def read_cases(path):
    defaults, cases = {}, []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if line.startswith("default "):
                setting = Case(path, number, "", {})
                setting.set(line[len("default "):])
                defaults.update(setting.settings)
            elif line.startswith(" "):
                for case in cases[-both:]:
                    case.set(line.strip())
            else:
                verbs = ("create", "run") if "create|run" in line else ("",)
                both = len(verbs)
                for verb in verbs:
                    cases.append(Case(path, number, line.replace("create|run", verb), defaults))
                    cases[-1].verb = verb and " " + verb
    return cases


class Outcome:
    pass


def execute(world, case, words):
    """Runs the case; an Outcome with code, signal, out, err, seconds, kib."""
    stdin = case.settings.get("stdin", "DOC")
    stdout = case.settings.get("stdout", "pipe")
    close, extra, feed, out_path = [], [], None, world.path("stdout")
    if stdin == "tty":
        master, slave = pty.openpty()
        extra, source = [master, slave], slave
    elif stdin == "closed":
        close.append(0)
        source = subprocess.DEVNULL
    else:
        feed = stdin
        source = subprocess.PIPE
    if stdout == "closed":
        close.append(1)
        target = subprocess.DEVNULL
    elif stdout == "pipe":
        reader, target = os.pipe()
        extra += [reader, target]
    else:
        target = os.open(out_path if stdout == "file" else stdout, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        extra.append(target)

    def before():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for fd in close:
            os.close(fd)

    result = Outcome()
    environment = world.environment(case.settings)
    start = time.monotonic()
    program = f"{TREE}/bin/{words[0]}"
    called = world.evaluate(case.settings["argv0"]) if "argv0" in case.settings else program
    child = subprocess.Popen(
        [os.fsencode(word) for word in [called, *words[1:]]], executable=program,
        stdin=source, stdout=target, stderr=subprocess.PIPE, env=environment, cwd=world.top, preexec_fn=before,
        start_new_session=True)
    if stdout == "pipe":
        os.close(target)
        extra.remove(target)
    if feed is not None:  # made only now: a child counts what its parent held when it forked
        feed = world.evaluate(feed, world.demo_document if "store" in case.settings else DOC)
    result.out, result.err, result.late = talk(child, feed, reader if stdout == "pipe" else None, start + SECONDS)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    result.seconds = time.monotonic() - start
    result.kib = usage.ru_maxrss
    result.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    result.code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    for fd in extra:
        os.close(fd)
    return result


def talk(child, feed, reader, deadline):
    """Feeds stdin and collects stdout and stderr, all at once; kills the child at the deadline."""
    import selectors  # pylint: disable=import-outside-toplevel
    waiting, collected = selectors.DefaultSelector(), {"out": b"", "err": b""}
    waiting.register(child.stderr, selectors.EVENT_READ, "err")
    if reader is not None:
        waiting.register(reader, selectors.EVENT_READ, "out")
    rest = None
    if feed is not None:
        os.set_blocking(child.stdin.fileno(), False)
        rest = memoryview(feed)
        waiting.register(child.stdin, selectors.EVENT_WRITE, "in")
    late = False
    while waiting.get_map():
        ready = waiting.select(max(0.0, deadline - time.monotonic()))
        if not ready:
            late = True
            os.killpg(child.pid, 9)
            break
        for key, _ in ready:
            if key.data == "in":
                try:
                    rest = rest[os.write(key.fd, rest[:1 << 16]):] if rest else rest
                except BrokenPipeError:
                    rest = b""
                if not rest:
                    waiting.unregister(child.stdin)
                    child.stdin.close()
            else:
                data = os.read(key.fd, 1 << 16)
                collected[key.data] += data if len(collected[key.data]) < 16 << 20 else b""
                if not data:
                    waiting.unregister(key.fileobj)
    child.stderr.close()
    if child.stdin and not child.stdin.closed:
        child.stdin.close()
    return collected["out"], collected["err"], late


def complaints(case, words, result, world):
    """What is wrong with the reaction; empty if nothing is."""
    wrong = []
    if result.late:
        return [f"took more than {SECONDS} s"]
    if result.signal:
        wrong.append(f"died of signal {result.signal}")
    wanted = case.wanted_exit(words)
    if result.code is not None and result.code != wanted:
        wrong.append(f"exit {result.code}, wanted {wanted}")
    if result.kib > int(case.settings.get("within", MEMORY_KIB)):
        wrong.append(f"used {result.kib} KiB")
    try:
        err = result.err.decode("utf-8")
    except UnicodeDecodeError:
        err = result.err.decode("utf-8", "replace")
        wrong.append("stderr is not UTF-8")
    if CONTROL.search(err):
        wrong.append("control characters on stderr")
    if err and not err.endswith("\n"):
        wrong.append("stderr ends without a newline")
    if case.settings.get("exit") not in ("126", "127") or "word" in case.settings:
        wrong += check_lines(case, words, err.splitlines(), wanted)
    for pattern in case.says:
        if not re.search(pattern, err):
            wrong.append(f"stderr does not say {pattern!r}")
    if "prints" in case.settings:
        if not re.search(case.settings["prints"], result.out.decode("utf-8", "replace")):
            wrong.append(f"stdout does not match {case.settings['prints']!r}: {result.out[:300]!r}")
    elif result.out:
        wrong.append(f"stdout is not empty: {result.out[:100]!r}")
    if case.settings.get("exit", "usage") == "usage" and "prints" not in case.settings and "before" not in case.settings:
        wrong += [f"wrong usage, yet {folder} was made" for folder in (world.state, world.run) if os.path.exists(folder)]
    return wrong


def check_lines(case, words, lines, wanted):
    wrong = []
    if "silent" in case.settings:
        return [f"not silent: {lines!r}"] if lines else []
    if wanted == 0:
        return wrong
    if not 1 <= len(lines) <= 2 or (len(lines) == 2 and not lines[1].startswith("hint: ")):
        return [f"{len(lines)} lines on stderr, wanted an error and perhaps a hint"]
    match = re.fullmatch(rf"{words[0]}: (.+) \[(E_[A-Z_]+)\]", lines[0])
    if not match:
        return ["the error is not `program: what: why [E_WORD]`"]
    word = case.settings.get("word", "E_USAGE")
    if match.group(2) not in word.split("|"):
        wrong.append(f"[{match.group(2)}], wanted {word}")
    return wrong


def try_case(world, case, words):
    result = execute(world, case, words)
    return result, complaints(case, words, result, world)


def try_container(world, case, words):
    """The same with the container that the case begins with."""
    containers, wrong = world.containers, []
    containers.write_config(world.evaluate(case.settings.get("config", "CONFIG"), containers.config))
    for command in case.settings.get("before", []):
        code, said = containers.call(case.words(world, command)[1:])
        if code != 0:
            wrong.append(f"{command}: {code} {said}")
    left, statuses = containers.left(), containers.statuses()
    result, complained = try_case(world, case, words)
    wrong += complained
    if "then" in case.settings:
        statuses = {name: case.settings["then"] for name in statuses}
    else:
        wrong += [f"left: {what}" for what in containers.left() if what not in left]
    now = containers.statuses()
    if now != statuses:
        wrong.append(f"now {now}, wanted {statuses}")
    return result, wrong + containers.remove()


def needs_root(case, words):
    return words[0] == "stave-oci" or "root" in case.settings or "store" in case.settings


def report(results, path):
    """Bazel's test.xml, so that each case counts."""
    with open(path, "w", encoding="utf-8") as out:
        out.write("<testsuites><testsuite>\n")
        for case, seconds, wrong in results:
            out.write(f'<testcase classname="bad" name={xml.sax.saxutils.quoteattr(case.name())} time="{seconds:.3f}">')
            if wrong is None:
                out.write('<skipped message="needs root"/>')
            elif wrong:
                out.write(f"<failure message={xml.sax.saxutils.quoteattr('; '.join(wrong))}/>".encode("ascii", "xmlcharrefreplace").decode())
            out.write("</testcase>\n")
        out.write("</testsuite></testsuites>\n")


def main(paths):
    world, results = World(), []
    try:
        for path in sorted(paths):
            for case in read_cases(path):
                words = case.words(world)
                if needs_root(case, words) and os.geteuid() != 0:
                    results.append((case, 0, None))
                    continue
                world.clean()
                attempt = try_container if words[0] == "stave-oci" else try_case
                result, wrong = attempt(world, case, words)
                results.append((case, result.seconds, wrong))
                if wrong:
                    print(f"{case.path}:{case.line}: {case.command[:120]}")
                    for complaint in wrong:
                        print(f"    {complaint}")
                    print("    stderr: " + repr(result.err[:400].decode("utf-8", "replace")))
    finally:
        world.remove()
    if "XML_OUTPUT_FILE" in os.environ:
        report(results, os.environ["XML_OUTPUT_FILE"])
    failed = sum(1 for _, _, wrong in results if wrong)
    print(f"{len(results)} cases, {failed} failed")
    return 1 if failed or not results else 0


sys.exit(main(sys.argv[1:]))

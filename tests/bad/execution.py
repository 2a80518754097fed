# SPDX-License-Identifier: Apache-2.0
"""Runs the command of a case, feeds it and watches it."""

import os
import pty
import resource
import selectors
import subprocess
import time

from world import DOC, TREE

SECONDS = 5


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

# SPDX-License-Identifier: Apache-2.0
"""A command on a terminal of its own, as a person has it: what is typed, what is seen, how it ends.
Nothing sleeps: wait_for() returns when the text is there."""

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time


class Terminal:
    def __init__(self, place, command, rows=24, columns=80):
        self.master, self.line = os.openpty()
        self.raw = b""
        self.seen = ""      # all output, without carriage returns and what only moves or colours
        self.at = 0         # what wait_for() has not passed yet
        self.resize(rows, columns)
        self.before = self.mode()

        def take():
            os.setsid()
            fcntl.ioctl(self.line, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(["bash", "-c", command], env=place.env, cwd=place.dir, stdin=self.line,
                                        stdout=self.line, stderr=self.line, preexec_fn=take)
        self.pidfd = os.pidfd_open(self.process.pid)

    def mode(self):
        return termios.tcgetattr(self.line)

    # As a terminal's window does: the kernel tells the foreground processes.
    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        data = text.encode()
        while data:
            data = data[os.write(self.master, data):]

    def _read(self):
        self.raw += os.read(self.master, 65536)
        self.seen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", self.raw.decode(errors="replace"))

    # Waits until `pattern` is seen after what the call before has found; returns the match.
    def wait_for(self, pattern, seconds=30):
        deadline = time.monotonic() + seconds
        while not (found := re.compile(pattern, re.M).search(self.seen, self.at)):
            ready, _, _ = select.select([self.master, self.pidfd], [], [], max(0, deadline - time.monotonic()))
            if self.master in ready:
                self._read()
            else:
                why = "it has ended" if ready else "the time is over"
                raise AssertionError(f"{pattern!r} is not seen and {why}: {self.seen[self.at:][-2000:]!r}")
        self.at = found.end()
        return found

    # Waits until the command has ended; returns its exit code. All its output is in `seen`.
    def end(self, seconds=30):
        deadline = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self.master, self.pidfd], [], [], max(0, deadline - time.monotonic()))
            if self.master in ready:
                self._read()
            elif ready:
                return self.process.wait()
            else:
                raise AssertionError(f"it does not end: {self.seen[-2000:]!r}")

    # Closes the window: the line is dead, and the kernel tells who is on it.
    def hang_up(self):
        os.close(self.master)
        self.master = os.open("/dev/null", os.O_RDONLY)

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        for fd in (self.master, self.line, self.pidfd):
            os.close(fd)

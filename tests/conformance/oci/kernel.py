# SPDX-License-Identifier: Apache-2.0
"""What the kernel says of a process and of this machine, and the calls that Python has no name for."""

import array
import ctypes
import os
import select
import socket
import struct

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET = 0x20000, 0x4000000, 0x8000000, 0x40000000
NAMESPACES = {"cgroup": "cgroup", "ipc": "ipc", "mount": "mnt", "network": "net", "pid": "pid", "time": "time",
              "user": "user", "uts": "uts"}


def _checked(result):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def unshare(flags):
    _checked(_libc.unshare(flags))


def become_subreaper():
    _checked(_libc.prctl(36, 1, 0, 0, 0))  # PR_SET_CHILD_SUBREAPER


# mount(8)'s arguments, without a process.
def mount(source, target, kind, flags, data=None):
    words = [None if w is None else w.encode() for w in (source, target, kind, data)]
    _checked(_libc.mount(words[0], words[1], words[2], flags, words[3]))


MS_REC, MS_PRIVATE, MS_SHARED, MS_BIND = 0x4000, 1 << 18, 1 << 20, 0x1000


def umount(path):
    _checked(_libc.umount2(path.encode(), 2))  # MNT_DETACH


# (class, priority) of a process's I/O.
def io_priority(pid):
    value = _checked(_libc.syscall(252, 1, pid))  # ioprio_get(IOPRIO_WHO_PROCESS)
    return value >> 13, value & 0x1FFF


# sched_getattr(2) as a dict.
def scheduling(pid):
    raw = ctypes.create_string_buffer(56)
    _checked(_libc.syscall(315, pid, raw, 56, 0))
    names = ("size", "policy", "flags", "nice", "priority", "runtime", "deadline", "period", "min", "max")
    return dict(zip(names, struct.unpack("=IIQiIQQQII", raw.raw)))


# The inode behind each name of NAMESPACES.
def namespaces(pid="self"):
    return {kind: os.stat(f"/proc/{pid}/ns/{name}").st_ino for kind, name in NAMESPACES.items()}


# /proc/PID/status as a dict of texts.
def status(pid="self"):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return parse_status(file.read())


def parse_status(text):
    return {name: value.strip() for name, value in (line.split(":", 1) for line in text.splitlines() if ":" in line)}


class Mount:
    """A line of /proc/PID/mountinfo."""

    def __init__(self, line):
        words = line.split()
        dash = words.index("-")
        self.root, self.point = words[3], words[4]
        self.options = set(words[5].split(","))
        self.propagation = words[6:dash]
        self.kind, self.source = words[dash + 1], words[dash + 2]
        self.data = set(words[dash + 3].split(","))


# All mounts of a mountinfo text, in order; what lies on top comes last.
def parse_mounts(text):
    return [Mount(line) for line in text.splitlines() if " - " in line]


def mount_at(mounts, point):
    found = [m for m in mounts if m.point == point]
    if not found:
        raise AssertionError(f"nothing is mounted at {point}: {[m.point for m in mounts]}")
    return found[-1]


# Waits until `fd` has something to read or has ended; an event, so the time is for a hung runtime only.
def wait_readable(fd, what, seconds=10):
    if not select.select([fd], [], [], seconds)[0]:
        raise AssertionError(f"nothing comes: {what}")


class Receiver:
    """A listening unix stream socket that takes one connection with descriptors on it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(path)
        self.socket.listen(4)
        self.fds = []

    # Takes the next connection: (all that was sent until it was closed, descriptors that came with the
    # first message, descriptors that came later).
    def take(self, until_closed=True):
        wait_readable(self.socket, "a connection to the socket")
        connection, _ = self.socket.accept()
        text, first, late, number = b"", [], [], 0
        with connection:
            while True:
                wait_readable(connection, "a message or the end of the connection")
                data, control, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
                for level, kind, raw in control:
                    if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                        fds = array.array("i", raw[:len(raw) // 4 * 4])
                        (late if number else first).extend(fds)
                        self.fds.extend(fds)
                text, number = text + data, number + 1
                if not data or not until_closed:
                    return text, first, late

    # Nobody else has connected.
    def is_idle(self):
        return not select.select([self.socket], [], [], 0)[0]

    def close(self):
        self.socket.close()
        for fd in self.fds:
            os.close(fd)

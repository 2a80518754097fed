# SPDX-License-Identifier: Apache-2.0
"""A disk with a write cache that a power cut empties: an NBD server for one qemu, on a unix socket.

  disk = CutDisk("/tmp/x/disk.img", "/tmp/x/nbd")     the file is what the platters hold
  disk.serve()                                        ... qemu runs, and is killed ...
  disk.cut(random, share)                             each cached block is written, or not

A write is in the cache once it is answered; a flush puts what is there on the platters. cut() keeps each cached write of a block of 4 KiB with the probability `share`, whatever its age: so a
later write may be there and an earlier one not. What is not simulated: a block that is half written,
and a disk that lies about flushes (`lies` makes it one)."""

import os
import shutil
import socket
import struct
import threading

BLOCK = 4096
LARGEST = 64 << 10  # of one request: many places for a cut
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
INFO, GO = 6, 7
HAS_FLAGS, CAN_FLUSH = 1, 4
UNSUPPORTED = 0x80000001


class CutDisk:
    def __init__(self, path, address):
        self.path, self.address = path, address
        self.size = os.path.getsize(path)
        self.lies = False

    # Takes one client; on_request(count) is called before each write or flush since serve(), and
    # True from it ends the service at once.
    def serve(self, on_request=lambda count: False):
        self.on_request = on_request
        self.cached, self.count, self.flushes = [], 0, 0
        self.seen = os.open(self.path + ".seen", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(self.path, "rb") as platters, open(self.path + ".seen", "wb") as seen:
            shutil.copyfileobj(platters, seen, 1 << 20)
        self.platters = os.open(self.path, os.O_RDWR)
        if os.path.exists(self.address):
            os.unlink(self.address)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.address)
        listener.listen(1)
        self.thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
        self.thread.start()

    # Once the client is gone. Returns how many writes were cached, and how many are kept.
    def cut(self, rng, share):
        self.thread.join(30)
        assert not self.thread.is_alive(), "the client of the disk is still there"
        kept = [write for write in self.cached if rng.random() < share]
        total, self.cached = len(self.cached), kept
        self._flush()
        os.close(self.platters)
        os.close(self.seen)
        return total, len(kept)

    def _flush(self):
        for offset, data in self.cached:
            os.pwrite(self.platters, data, offset)
        self.cached = []

    def _serve(self, listener):
        with listener:
            client, _ = listener.accept()
        with client, client.makefile("rb") as stream:
            try:
                if self._greet(client, stream):
                    while self._answer(client, stream):
                        pass
            except (ConnectionError, struct.error):
                pass  # struct.error: it ended in the middle of a request

    def _greet(self, client, stream):
        client.sendall(b"NBDMAGIC" + b"IHAVEOPT" + struct.pack(">H", 3))
        stream.read(4)
        while True:
            _, option, length = struct.unpack(">QII", stream.read(16))
            stream.read(length)
            def reply(kind, data=b"", option=option):
                client.sendall(struct.pack(">QIII", 0x3E889045565A9, option, kind, len(data)) + data)
            if option not in (INFO, GO):
                reply(UNSUPPORTED)
                continue
            reply(3, struct.pack(">HQH", 0, self.size, HAS_FLAGS | CAN_FLUSH))
            reply(3, struct.pack(">HIII", 3, 512, BLOCK, LARGEST))
            reply(1)
            if option == GO:
                return True

    def _answer(self, client, stream):
        _, _, kind, handle, offset, length = struct.unpack(">IHHQQI", stream.read(28))
        data = stream.read(length) if kind == WRITE else b""
        if kind == DISCONNECT or len(data) < length and kind == WRITE:
            return False
        if kind in (WRITE, FLUSH):
            self.count += 1
            if self.on_request(self.count):
                return False
        if kind == READ:
            data = os.pread(self.seen, length, offset)
        elif kind == WRITE:
            os.pwrite(self.seen, data, offset)
            self._cache(offset, data)
        elif kind == FLUSH and not self.lies:
            self.flushes += 1
            self._flush()
        client.sendall(struct.pack(">IIQ", 0x67446698, 0, handle) + (data if kind == READ else b""))
        return True

    def _cache(self, offset, data):
        while data:
            size = BLOCK - offset % BLOCK
            self.cached.append((offset, data[:size]))
            offset, data = offset + size, data[size:]

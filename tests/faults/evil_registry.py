#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves, one fault for each repository name.

  with Registry() as registry: run("stave-pull", f"{registry.host}/layer-truncated")

Without a fault it serves one small image (gzip layer, OCI manifest) under any tag. What is wrong with the
image itself is in evil_images, with the answers in evil_answers."""

import fcntl
import http.server
import json
import os
import socket
import ssl
import struct
import termios
import threading

from evil_answers import FAULTS
from evil_images import INDEX, MANIFEST, SHAPES, Image, descriptor, digest

__all__ = ["FAULTS", "INDEX", "MANIFEST", "SHAPES", "Image", "Registry", "descriptor", "digest"]


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.registry = self.server.registry

    def count(self, what):
        """How often this was counted for the repository, this time included."""
        with self.registry.lock:
            key = (self.repository, what)
            self.registry.counts[key] = self.registry.counts.get(key, 0) + 1
            return self.registry.counts[key]

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            with self.registry.lock:
                self.registry.served[self.name] = self.registry.served.get(self.name, 0) + len(body)
        return True

    def raw(self, data):
        """An answer of these very bytes, after which the connection is closed."""
        self.wfile.write(data)
        return self.cut()

    def cut(self):
        self.close_connection = True
        return True

    def reset(self):
        """What was written arrives; then the connection is reset."""
        while struct.unpack("i", fcntl.ioctl(self.connection, termios.TIOCOUTQ, bytes(4)))[0]:
            os.sched_yield()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        os.close(self.connection.detach())
        return True

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self):
        with self.registry.lock:
            self.registry.requests.append((self.path, dict(self.headers)))
            self.registry.calls.append((self.command, self.path))
        parts = self.path.split("?")[0].split("/")
        if self.path == "/v2/":
            self.name = ""
            self.reply(200, b"{}")
            return
        self.repository = parts[2]  # of /v2/NAME/KIND/.. and of /token/NAME
        self.kind = "token" if parts[1] == "token" else parts[3]
        self.name = parts[-1]
        self.image = self.registry.image_of(self.repository)
        self.is_manifest, self.is_layer = self.kind == "manifests", self.name == digest(self.image.layer)
        function = FAULTS.get(self.repository)
        if function is None or not function(self):
            self.serve()

    def serve(self):
        if self.kind == "manifests" and ":" not in self.name:
            return self.reply(200, self.image.manifest, Content_Type=self.image.media_type,
                              Docker_Content_Digest=digest(self.image.manifest))
        data = self.image.blobs.get(self.name)
        if data is None:
            body = json.dumps({"errors": [{"code": "UNKNOWN", "message": "no such \x1b[31mthing"}]}).encode()
            return self.reply(404, body, Content_Type="application/json")
        span = self.headers.get("Range", "")
        if span.startswith("bytes="):
            start = int(span[6:].split("-")[0])
            return self.reply(206, data[start:], Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")
        if self.kind == "manifests":
            return self.reply(200, data, Content_Type=json.loads(data)["mediaType"])
        return self.reply(200, data, Content_Type="application/octet-stream")


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, address, handler):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)


class Registry:
    """On an address of this machine; with TLS if `certificate` names a PEM file with key and certificate."""

    def __init__(self, certificate=None, address="127.0.0.1", port=0):
        self.lock, self.requests, self.counts, self.images = threading.Lock(), [], {}, {}
        self.calls, self.served = [], {}  # (method, path); digest -> bytes of bodies
        self.server = Server((address, port), Request)
        self.server.daemon_threads = True
        self.server.registry = self
        self.server.handle_error = lambda *_: None
        self.host = ("[%s]:%d" if ":" in address else "%s:%d") % (address, self.server.server_port)
        self.other = self.token = None
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
            self.scheme = "https"

    def image_of(self, repository):
        with self.lock:
            if repository not in self.images:
                image = Image()
                SHAPES.get(repository, lambda _: None)(image)
                self.images[repository] = image
            return self.images[repository]

    def seen(self, repository):
        """The (path, headers) of all requests that name the repository."""
        with self.lock:
            return [r for r in self.requests if f"/{repository}/" in r[0] or f"/{repository}?" in r[0]]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

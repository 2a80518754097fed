# SPDX-License-Identifier: Apache-2.0
"""A registry that counts what it serves, and can be told to stop in the middle of a blob.

  with CountingRegistry() as registry:
      registry.add("name", [tar, tar])         run("image-fetch", f"{registry.host}/name")
      registry.sent, registry.requests         bytes of all bodies; (path, Range or "") of each GET"""

import gzip
import hashlib
import http.server
import json
import threading

OCI = "application/vnd.oci.image."
PIECE = 65536


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Gate:
    """At `blob`, after `at` bytes: `reached` is set, and what comes next waits for `open`; with `cut` set the
    connection ends then, and the blob is not there for who asks next."""

    def __init__(self, blob, at):
        self.blob, self.at, self.cut = blob, at, False
        self.reached, self.open = threading.Event(), threading.Event()


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET(body=False)

    def do_GET(self, body=True):
        try:
            self.answer(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self, body):
        registry = self.server.registry
        name = self.path.split("?")[0].rsplit("/", 1)[-1]
        repository = self.path.removeprefix("/v2/").rsplit("/", 2)[0]
        data, kind = registry.blobs.get(name if ":" in name else registry.names.get(repository), (None, "text/plain"))
        if self.path == "/v2/":
            data = b"{}"
        if body:
            registry.note(self.path, self.headers.get("Range", ""))
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        if data is None or body and registry.refuse(name):
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Docker-Content-Digest", digest(data))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if body:
            self.send(name, data, start)

    def send(self, name, data, at):
        registry = self.server.registry
        while at < len(data):
            gate = registry.gate
            end = min(at + PIECE, len(data))
            if gate and gate.blob == name and not gate.open.is_set():
                if at >= gate.at:
                    gate.reached.set()
                    gate.open.wait(60)
                    if gate.cut:
                        registry.refusals[name] = 1
                        self.close_connection = True
                        return
                else:
                    end = min(end, gate.at)
            self.wfile.write(data[at:end])
            registry.count(end - at)
            at = end


class CountingRegistry:
    def __init__(self):
        self.lock = threading.Lock()
        self.blobs, self.names, self.requests = {}, {}, []
        self.sent = 0
        self.gate = None
        self.refusals = {}  # name of a blob: how often it is not there
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Request)
        self.server.daemon_threads = True
        self.server.request_queue_size = 128
        self.server.socket.listen(128)
        self.server.registry = self
        self.server.handle_error = lambda *_: None
        self.host = "127.0.0.1:%d" % self.server.server_port

    # An image of tars; returns the digests of its packed layers.
    def add(self, name, tars):
        layers = [gzip.compress(tar, 1, mtime=0) for tar in tars]
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
                             "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]}}).encode()

        def put(data, kind):
            self.blobs[digest(data)] = (data, kind)
            return {"mediaType": kind, "digest": digest(data), "size": len(data)}

        kind = OCI + "manifest.v1+json"
        manifest = {"schemaVersion": 2, "mediaType": kind, "config": put(config, OCI + "config.v1+json"),
                    "layers": [put(layer, OCI + "layer.v1.tar+gzip") for layer in layers]}
        self.names[name] = put(json.dumps(manifest).encode(), kind)["digest"]
        return [digest(layer) for layer in layers]

    # Of all blobs, once each.
    def size(self):
        return sum(len(data) for data, _ in self.blobs.values())

    def count(self, number):
        with self.lock:
            self.sent += number

    def note(self, path, span):
        with self.lock:
            self.requests.append((path, span))

    def refuse(self, name):
        with self.lock:
            self.refusals[name] = self.refusals.get(name, 0) - 1
            return self.refusals[name] >= 0

    # Lets nobody have more than `at` bytes of the blob; returns the gate, for its events.
    def hold(self, blob, at):
        self.gate = Gate(blob, at)
        return self.gate

    # The Range of each request for a blob, in order.
    def spans(self, blob):
        with self.lock:
            return [span for path, span in self.requests if path.endswith(blob)]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

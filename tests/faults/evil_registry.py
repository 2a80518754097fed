#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves, one fault for each repository name.

  with Registry() as registry: run("stave-pull", f"{registry.host}/layer-truncated")

Without a fault it serves one small image (gzip layer, OCI manifest) under any tag. FAULTS holds the
functions, each given the request; one that returns False lets the request go on as usual."""

import gzip
import hashlib
import http.server
import io
import json
import os
import ssl
import tarfile
import threading

OCI = "application/vnd.oci.image."
INDEX = OCI + "index.v1+json"
MANIFEST = OCI + "manifest.v1+json"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(data, media_type, **more):
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


class Image:
    """The bytes of an image; members may be changed before seal()."""

    def __init__(self):
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            info = tarfile.TarInfo("file")
            info.size = 300000
            archive.addfile(info, io.BytesIO(os.urandom(info.size)))
        self.tar = tar.getvalue()
        self.layer = gzip.compress(self.tar, 1)
        self.config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
                       "rootfs": {"type": "layers", "diff_ids": [digest(self.tar)]}}
        self.blobs = {}
        self.seal()

    def seal(self):
        config = json.dumps(self.config).encode()
        self.value = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, OCI + "config.v1+json"),
                      "layers": [descriptor(self.layer, OCI + "layer.v1.tar+gzip")]}
        self.blobs = {digest(config): config, digest(self.layer): self.layer}
        self.pack(self.value, MANIFEST)
        return self

    def pack(self, value, media_type):
        self.manifest, self.media_type = json.dumps(value).encode(), media_type
        self.blobs[digest(self.manifest)] = self.manifest


FAULTS = {}


def fault(function):
    FAULTS[function.__name__.replace("_", "-")] = function
    return function


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
        self.wfile.write(body)
        return True

    def cut(self):
        self.close_connection = True
        return True

    def do_GET(self):
        try:
            self.answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self):
        with self.registry.lock:
            self.registry.requests.append((self.path, dict(self.headers)))
        parts = self.path.split("?")[0].split("/")
        if self.path == "/v2/":
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


class Registry:
    """On 127.0.0.1; with TLS if `certificate` names a PEM file with key and certificate."""

    def __init__(self, certificate=None):
        self.lock, self.requests, self.counts, self.images = threading.Lock(), [], {}, {}
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Request)
        self.server.daemon_threads = True
        self.server.registry = self
        self.server.handle_error = lambda *_: None
        self.host = "127.0.0.1:%d" % self.server.server_port
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
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


# Shapes: images that are wrong in themselves. Faults: answers that are.

SHAPES = {}


def shape(function):
    SHAPES[function.__name__.replace("_", "-")] = function
    return function


@shape
def diff_id_wrong(image):
    image.config["rootfs"]["diff_ids"] = [digest(b"something else")]
    image.seal()


@shape
def layer_count_wrong(image):
    image.config["rootfs"]["diff_ids"] *= 2
    image.seal()


@shape
def layer_is_no_gzip(image):
    image.layer = image.layer[:1000] + bytes(100) + image.layer[1100:]
    image.seal()


@shape
def layer_escapes(image):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../escaped"))
    image.layer = tar.getvalue()
    image.config["rootfs"]["diff_ids"] = [digest(image.layer)]
    image.seal()


@shape
def both_kinds(image):
    image.pack({**image.value, "manifests": []}, MANIFEST)


@shape
def schema_one(image):
    image.pack({"schemaVersion": 1, "name": "x", "fsLayers": []},
               "application/vnd.docker.distribution.manifest.v1+prettyjws")


@shape
def types_differ(image):
    image.pack(image.value, INDEX)


@shape
def no_json(image):
    image.manifest = b'{"schemaVersion":2,'


@shape
def manifest_huge(image):
    image.pack({**image.value, "annotations": {"x": "y" * (4 << 20)}}, MANIFEST)


@shape
def config_huge(image):
    image.value["config"]["size"] = 5 << 20
    image.pack(image.value, MANIFEST)


@shape
def size_negative(image):
    image.value["layers"][0]["size"] = -1
    image.pack(image.value, MANIFEST)


@shape
def digest_is_a_path(image):
    image.value["layers"][0]["digest"] = "sha256:../../../../etc/passwd"
    image.pack(image.value, MANIFEST)


@shape
def foreign_layer(image):
    image.value["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    image.value["layers"][0]["urls"] = ["http://127.0.0.1:1/"]
    image.pack(image.value, MANIFEST)


@shape
def index_deep(image):
    for _ in range(5):
        image.pack({"schemaVersion": 2, "mediaType": INDEX,
                    "manifests": [descriptor(image.manifest, image.media_type)]}, INDEX)


@shape
def index_without_us(image):
    platform = {"os": "plan9", "architecture": "mips"}
    image.pack({"schemaVersion": 2, "mediaType": INDEX,
                "manifests": [descriptor(image.manifest, MANIFEST, platform=platform)]}, INDEX)


@shape
def child_size_wrong(image):
    child = descriptor(image.manifest, MANIFEST, platform={"os": "linux", "architecture": "amd64"})
    child["size"] += 1
    image.pack({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}, INDEX)


@fault
def manifest_not_the_digest(request):
    return request.is_manifest and request.reply(200, request.image.manifest, Content_Type=MANIFEST)


@fault
def header_digest_lies(request):
    return request.is_manifest and request.reply(200, request.image.manifest, Content_Type=MANIFEST,
                                                 Docker_Content_Digest=digest(b"lie"))


@fault
def layer_wrong_bytes(request):
    data = bytearray(request.image.layer)
    data[5000] ^= 1
    return request.is_layer and request.reply(200, bytes(data))


@fault
def config_wrong_bytes(request):
    config = request.image.value["config"]
    return request.name == config["digest"] and request.reply(200, b" " * config["size"])


@fault
def layer_longer(request):
    return request.is_layer and request.reply(200, request.image.layer + b"x")


@fault
def layer_longer_unsaid(request):
    if not request.is_layer:
        return False
    request.close_connection = True
    return request.reply(200, request.image.layer + b"x" * 100000, Content_Length=None, Connection="close")


@fault
def layer_shorter(request):
    return request.is_layer and request.reply(200, request.image.layer[:-1])


def truncate(request, at):
    data = request.image.layer
    request.reply(200, data[:at], Content_Length=str(len(data)))
    return request.cut()


@fault
def layer_truncated(request):
    return request.is_layer and truncate(request, 100000)


@fault
def layer_truncated_once(request):
    return request.is_layer and request.count("layer") == 1 and truncate(request, 100000)


@fault
def layer_truncated_no_ranges(request):
    if not request.is_layer:
        return False
    if request.count("layer") == 1:
        return truncate(request, 100000)
    return request.reply(200, request.image.layer)


@fault
def layer_other_range(request):
    if not request.is_layer:
        return False
    if request.count("layer") == 1:
        return truncate(request, 100000)
    return request.reply(206, request.image.layer, Content_Range="bytes 0-9/10")


@fault
def layer_missing(request):
    return request.is_layer and request.reply(404)


@fault
def html(request):
    return request.is_manifest and request.reply(200, b"<html>log in</html>", Content_Type="text/html; charset=utf-8")


@fault
def manifest_endless(request):
    if not request.is_manifest:
        return False
    request.reply(200, Content_Length=None, Content_Type=MANIFEST, Connection="close")
    for _ in range(100):
        request.wfile.write(b" " * 100000)
    return request.cut()


@fault
def encoded(request):
    return request.is_manifest and request.reply(200, gzip.compress(request.image.manifest), Content_Type=MANIFEST,
                                                 Content_Encoding="gzip")


@fault
def many_headers(request):
    return request.is_manifest and request.reply(200, request.image.manifest, **{f"X{i}": "y" for i in range(10000)})


@fault
def length_negative(request):
    return request.is_manifest and request.reply(200, request.image.manifest, Content_Length="-5") and request.cut()


@fault
def status_403(request):
    return request.reply(403)


@fault
def status_204(request):
    return request.is_manifest and request.reply(204)


@fault
def status_304(request):
    return request.is_manifest and request.reply(304)


@fault
def rate_once(request):
    return request.is_manifest and request.count("rate") == 1 and request.reply(429, Retry_After="1")


@fault
def rate_forever(request):
    return request.is_manifest and request.reply(429, Retry_After="3600")


@fault
def errors_twice(request):
    return request.count(request.name) <= 2 and request.reply(503)


@fault
def errors_forever(request):
    return request.is_manifest and request.reply(500, b"\x1b[31m")


@fault
def stall(request):
    if not request.is_layer:
        return False
    request.reply(200, request.image.layer[:1000], Content_Length=str(len(request.image.layer)))
    request.wfile.flush()
    request.rfile.read(1)  # until the client is gone
    return request.cut()


@fault
def stall_once(request):
    return request.is_layer and request.count("layer") == 1 and stall(request)


def redirect(request, where):
    return request.reply(307, Location=where)


@fault
def redirect_loop(request):
    return request.is_manifest and redirect(request, request.path)


@fault
def redirect_file(request):
    return request.is_layer and redirect(request, "file:///etc/passwd")


@fault
def redirect_plain_elsewhere(request):
    return request.is_layer and redirect(request, "http://registry.invalid/x")


@fault
def redirect_to_other(request):
    """The layer is at another port (of the registry that has no other); tokens must not go there."""
    if request.registry.other is None:
        return False
    return challenge(request) or (request.is_layer and redirect(request, f"{request.registry.other}{request.path}"))


def challenge(request, realm=None, token="right"):
    realm = realm or f"{request.registry.scheme}://{request.registry.host}/token/{request.repository}"
    if request.kind == "token":
        return request.reply(200, json.dumps({"token": token}).encode())
    if request.headers.get("Authorization") == "Bearer right":
        return False
    return request.reply(401, WWW_Authenticate=f'Bearer realm="{realm}",service="s",scope="repository:x:pull"')


@fault
def token(request):
    return challenge(request)


@fault
def token_loop(request):
    return challenge(request, token="wrong")


@fault
def token_missing(request):
    return request.reply(200, b'{"tok":"secret-text"}') if request.kind == "token" else challenge(request)


@fault
def token_expires(request):
    """A token is good for two requests."""
    if request.kind == "token":
        n = request.count("tokens")
        return request.reply(200, json.dumps({"access_token": f"t{n}"}).encode())
    good = request.headers.get("Authorization", "")
    if good.startswith("Bearer t") and request.count(good) <= 2:
        return False
    return challenge(request)


@fault
def token_elsewhere(request):
    return challenge(request, realm="http://169.254.169.254/token")


@fault
def challenge_missing(request):
    return request.reply(401)


@fault
def challenge_broken(request):
    return request.reply(401, WWW_Authenticate='Bearer realm="x')


@fault
def challenge_basic(request):
    return request.reply(401, WWW_Authenticate='Basic realm="x"')

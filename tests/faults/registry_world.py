# SPDX-License-Identifier: Apache-2.0
"""A small internet of its own for tests of logins, certificates and proxies: enter() puts the process
into private mount and network namespaces, where HOSTS have addresses that are not loopback and /etc
may be written. Servers there record what they are sent; Authority makes certificates."""

import base64
import ctypes
import http.server
import json
import os
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import types
import urllib.parse

sys.path[:0] = ["tests", "tests/faults"]
from evil_registry import MANIFEST, Image, digest

WEB = "198.51.100.1"
HOSTS = {
    WEB: ["reg.example", "auth.example", "evil.example", "cdn.example", "registry-1.docker.io", "auth.docker.io",
          "reg.example.evil.example", "notreg.example", "trap.example"],
    "198.51.100.2": ["plain.example"],
    "198.51.100.3": ["proxy.example"],
    # Not in any certificate.
    "198.51.100.4": ["stranger.example"],
}
PASSWORD = "s3cret-pass:word"
IDENTITY = "s3cret-identity"
# Whatever of these is in an output, a log or a store is a leak.
SECRETS = ["s3cret", base64.b64encode(("ann:" + PASSWORD).encode()).decode(), base64.b64encode(PASSWORD.encode()).decode()[4:-4]]


def basic(user="ann", password=PASSWORD):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def auths(**logins):
    """{"auths": ..} with a login for each host; "__" stands for a dot."""
    return json.dumps({"auths": {host.replace("__", "."): {"auth": login[6:]} for host, login in logins.items()}})


def enter():
    """Once, before there is a thread."""
    if ctypes.CDLL(None, use_errno=True).unshare(0x00020000 | 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    work = tempfile.mkdtemp(prefix="stave-world.", dir="/dev/shm")
    subprocess.run(["mount", "-t", "tmpfs", "stave-world", work], check=True)
    for name in ("upper", "work"):
        os.mkdir(os.path.join(work, name))
    subprocess.run(["mount", "-t", "overlay", "stave-etc", "/etc", "-o",
                    f"lowerdir=/etc,upperdir={work}/upper,workdir={work}/work"], check=True)
    for folder in ("/etc/docker/certs.d", "/etc/containers/certs.d"):
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with open("/etc/hosts", "w", encoding="utf-8") as file:
        file.write("127.0.0.1 localhost\n")
        for address, names in HOSTS.items():
            subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)
            file.write(address + " " + " ".join(names) + "\n")
    return work


def leave(work):
    for path in ("/etc", work):
        subprocess.run(["umount", "-l", path], check=False)
    os.rmdir(work)


class Authority:
    """A CA of its own in `folder`; make() gives NAME.pem with a key and its certificate."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = self.make("ca", None, ca=True)

    def openssl(self, *args):
        subprocess.run(["openssl", *args], check=True, cwd=self.folder, stderr=subprocess.DEVNULL)

    def make(self, name, names, ca=False, days=10, signed=True):
        with open(os.path.join(self.folder, name + ".ext"), "w", encoding="utf-8") as file:
            file.write("basicConstraints=critical,CA:" + ("TRUE" if ca else "FALSE") + "\n")
            if names:
                file.write("subjectAltName=" + ",".join(
                    ("IP:" if n[0].isdigit() else "DNS:") + n for n in names) + "\n")
        self.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                     "/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr")
        signer = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
        self.openssl("x509", "-req", "-in", name + ".csr", *(["-signkey", name + ".key"] if ca or not signed else signer),
                     "-days", str(days), "-extfile", name + ".ext", "-out", name + ".crt")
        path = os.path.join(self.folder, name)
        with open(path + ".pem", "wb") as out:
            for part in (".key", ".crt"):
                with open(path + part, "rb") as file:
                    out.write(file.read())
        return path + ".pem"


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", **headers):
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        self.form = {}
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length).decode()
        self.host = (self.headers.get("Host") or "").split(":")[0]
        self.login = self.headers.get("Authorization", "")
        self.url, _, query = self.path.partition("?")
        self.form = urllib.parse.parse_qs(query or self.body)
        world = self.server.world
        with world.lock:
            world.requests.append(types.SimpleNamespace(  # this object lives on with its connection
                command=self.command, host=self.host, port=self.server.server_port, path=self.path, url=self.url,
                login=self.login, body=self.body, form=self.form, headers=dict(self.headers)))
        try:
            world.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_POST = do_HEAD = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, *_):
        pass


def serve(world, address, certificate=None, client_ca=None):
    """Starts a server of `world`; returns it. With `client_ca` it wants a certificate of that CA."""
    server = Server(address, Request)
    server.world = world
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 refuses after the handshake: a race with the request
            context.load_verify_locations(client_ca)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class World:
    """Registries on all hosts (/v2/) and token servers on all hosts (/token); what they want is in
    the members, which each test may change."""

    def __init__(self):
        self.lock = threading.Lock()
        self.image = Image()
        self.reset()

    def reset(self):
        with self.lock:
            self.requests = []
        self.mode = "bearer"               # "basic", "open"
        self.realm = "https://reg.example/token"
        self.challenge = ""                # more parameters
        self.login = basic()               # what a token server, or mode basic, wants; None: nothing
        self.uses = 10**9                  # how many requests a token is good for
        self.extra = {}                    # more members of the token's answer
        self.no_post = 0                   # status for POST to a token server
        self.before = lambda request: False  # answers first
        self.tokens = {}
        self.scopes = {}

    def seen(self, host=None, path=""):
        with self.lock:
            return [r for r in self.requests if (host is None or r.host == host) and r.path.startswith(path)]

    def answer(self, request):
        if self.before(request):
            return None
        if request.url == "/token":
            return self.give_token(request)
        if not self.lets_in(request):
            kind = f'Bearer realm="{self.realm}",service="s e"{self.challenge}' if self.mode == "bearer" else 'Basic realm="x"'
            return request.reply(401, {"errors": [{"code": "UNAUTHORIZED", "message": "log in"}]}, WWW_Authenticate=kind)
        return self.serve(request)

    def lets_in(self, request):
        if self.mode == "open":
            return True
        if self.mode == "basic":
            return request.login == self.login
        with self.lock:
            left = self.tokens.get(request.login, 0)
            self.tokens[request.login] = left - 1
            return left > 0

    def give_token(self, request):
        if request.command == "POST":
            if self.no_post:
                return request.reply(self.no_post)
            good = request.form.get("refresh_token") == [IDENTITY] and request.form.get("grant_type") == ["refresh_token"]
        else:
            good = request.login == self.login or (IDENTITY and request.login == basic("<token>", IDENTITY))
        if self.login is not None and not good:
            return request.reply(401, {"details": "incorrect username or password"})
        with self.lock:
            token = f"s3cret-token-{len(self.tokens)}"
            self.tokens["Bearer " + token] = self.uses
            self.scopes["Bearer " + token] = request.form.get("scope", [])
        return request.reply(200, {"token": token, **self.extra})

    def serve(self, request):
        name = request.url.split("/")[-1]
        image = self.image
        if request.url == "/v2/":
            return request.reply(200, b"{}")
        if "/manifests/" in request.url:
            return request.reply(200, image.manifest, Content_Type=MANIFEST, Docker_Content_Digest=digest(image.manifest))
        data = image.blobs.get(name)
        if data is None:
            return request.reply(404)
        return request.reply(200, data, Content_Type="application/octet-stream")


class Proxy:
    """A proxy for CONNECT that wants `login` (a header's value); records the targets."""

    def __init__(self, address, login=None):
        self.targets, self.logins, self.wanted = [], [], login
        self.listener = socket.create_server(address)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(peer,), daemon=True).start()

    def relay(self, peer):
        head = b""
        while b"\r\n\r\n" not in head:
            data = peer.recv(4096)
            if not data:
                return peer.close()
            head += data
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        target = lines[0].split()[1]
        self.targets.append(target)
        self.logins.append(headers.get("Proxy-Authorization"))
        if self.wanted and self.logins[-1] != self.wanted:
            peer.sendall(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"p\"\r\nContent-Length: 0\r\n\r\n")
            return peer.close()
        host, port = target.rsplit(":", 1)
        far = socket.create_connection((host, int(port)))
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        ends = {peer: far, far: peer}
        while True:
            for one in select.select(list(ends), [], [])[0]:
                try:
                    data = one.recv(65536)
                    if data:
                        ends[one].sendall(data)
                        continue
                except OSError:
                    pass
                peer.close()
                far.close()
                return None

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

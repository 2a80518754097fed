# SPDX-License-Identifier: Apache-2.0
"""Wrong answers of evil_registry, one for each repository name: FAULTS holds the functions, each given the
request; one that returns False lets it go on as usual."""

import gzip
import json
import time

from evil_images import MANIFEST, digest

FAULTS = {}


def fault(function):
    FAULTS[function.__name__.replace("_", "-")] = function
    return function


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
def blobs_wrong_bytes(request):
    data = request.kind == "blobs" and request.image.blobs[request.name]
    return data and request.reply(200, bytes([data[0] ^ 1]) + data[1:])


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


def cut_at(where):
    """The connection is reset after so many bytes of the layer's first answer."""

    def function(request):
        if not request.is_layer or request.count("layer") > 1:
            return False
        data = request.image.layer[:where(len(request.image.layer))]
        request.reply(200, data, Content_Length=str(len(request.image.layer)))
        return request.reset()

    return function


FAULTS["cut-at-0"] = cut_at(lambda size: 0)
FAULTS["cut-at-1"] = cut_at(lambda size: 1)
FAULTS["cut-at-half"] = cut_at(lambda size: size // 2)
FAULTS["cut-at-last"] = cut_at(lambda size: size - 1)


@fault
def cut_before_the_head(request):
    return request.is_layer and request.count("layer") == 1 and request.reset()


@fault
def cut_often(request):
    """Each answer brings a quarter: more breaks than there are tries, and progress each time."""
    if not request.is_layer:
        return False
    data = request.image.layer
    start = int(request.headers.get("Range", "bytes=0-")[6:].split("-")[0])
    end = min(start + 70000, len(data))
    where = {"Content_Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
    request.reply(206 if start else 200, data[start:end], Content_Length=str(len(data) - start), **where)
    return request.reset() if end < len(data) else True


@fault
def cut_without_length(request):
    """The end of the connection is the end of the answer, and comes too early, once."""
    if not request.is_layer or request.count("layer") > 1:
        return False
    request.reply(200, request.image.layer[:100000], Content_Length=None, Connection="close")
    return request.cut()


@fault
def layer_chunked(request):
    if not request.is_layer:
        return False
    request.reply(200, Content_Length=None, Transfer_Encoding="chunked")
    data = request.image.layer
    for i in range(0, len(data), 9999):
        piece = data[i:i + 9999]
        request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    request.wfile.write(b"0\r\n\r\n")
    return True


@fault
def chunk_bomb(request):
    """A chunk whose extension does not end."""
    if not request.is_layer:
        return False
    request.reply(200, Content_Length=None, Transfer_Encoding="chunked")
    request.wfile.write(b"5;x=")
    while True:
        request.wfile.write(b"y" * 1000)
        time.sleep(0.01)


@fault
def layer_other_range(request):
    """Wrong to whoever asks for a part."""
    if not request.is_layer:
        return False
    if request.count("layer") == 1:
        return truncate(request, 100000)
    return "Range" in request.headers and request.reply(206, request.image.layer, Content_Range="bytes 0-9/10")


@fault
def layer_part_unasked(request):
    return request.is_layer and request.reply(
        206, request.image.layer, Content_Range=f"bytes 0-{len(request.image.layer) - 1}/{len(request.image.layer)}")


@fault
def layer_no_such_range(request):
    if not request.is_layer:
        return False
    if request.count("layer") == 1:
        return truncate(request, 100000)
    return "Range" in request.headers and request.reply(416, Content_Range="bytes */5")


@fault
def layer_in_pieces(request):
    """Shorter parts than were asked for, as the standard allows."""
    if not request.is_layer:
        return False
    data = request.image.layer
    if request.count("layer") == 1:
        return truncate(request, 100000)
    start = int(request.headers["Range"][6:].split("-")[0])
    end = min(start + 100000, len(data))
    return request.reply(206, data[start:end], Content_Range=f"bytes {start}-{end - 1}/{len(data)}")


@fault
def layer_204(request):
    return request.is_layer and request.reply(204)


@fault
def layer_encoded(request):
    return request.is_layer and request.reply(200, gzip.compress(request.image.layer), Content_Encoding="gzip")


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
def header_line_long(request):
    return request.is_manifest and request.reply(200, request.image.manifest, X="y" * (1 << 20))


@fault
def length_twice(request):
    return request.is_manifest and request.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\n"
                                               + request.image.manifest)


@fault
def length_twice_the_same(request):
    size = len(request.image.manifest)
    return request.is_manifest and request.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Length: %d\r\n"
                                               b"Content-Type: %s\r\n\r\n" % (size, size, MANIFEST.encode())
                                               + request.image.manifest)


@fault
def length_and_chunked(request):
    return request.is_manifest and request.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                                               b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")


@fault
def http_1_0(request):
    return request.raw(b"HTTP/1.0 200 OK\r\nContent-Type: %s\r\n\r\n" % MANIFEST.encode()
                       + request.image.manifest) if request.is_manifest else False


@fault
def http_0_9(request):
    return request.is_manifest and request.raw(request.image.manifest)


@fault
def no_http(request):
    return request.is_manifest and request.raw(b"\x15\x03\x01\x00\x02\x02\x46\r\n")


@fault
def length_negative(request):
    return request.is_manifest and request.reply(200, request.image.manifest, Content_Length="-5") and request.cut()


@fault
def status_403(request):
    return request.reply(403)


@fault
def status_400(request):
    return request.is_manifest and request.reply(400)


@fault
def status_206(request):
    return request.is_manifest and request.reply(206, request.image.manifest, Content_Type=MANIFEST)


def errors(request, status, code):
    body = json.dumps({"errors": [{"code": code, "message": "said \x1b[31mso", "detail": 1}]}).encode()
    return request.reply(status, body, Content_Type="application/json")


@fault
def no_repository(request):
    return errors(request, 404, "NAME_UNKNOWN")


@fault
def no_manifest(request):
    return request.is_manifest and errors(request, 404, "MANIFEST_UNKNOWN")


@fault
def denied(request):
    return errors(request, 403, "DENIED")


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


def limited(request, **headers):
    return request.is_manifest and request.count("rate") == 1 and errors_with(request, 429, **headers)


def errors_with(request, status, **headers):
    body = json.dumps({"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]}).encode()
    return request.reply(status, body, Content_Type="application/json", **headers)


@fault
def rate_date(request):
    return limited(request, Retry_After=time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2)))


@fault
def rate_past(request):
    return limited(request, Retry_After="Tue, 15 Nov 1994 08:12:31 GMT")


@fault
def rate_garbage(request):
    return limited(request, Retry_After="when I say so \x1b[31m")


@fault
def rate_endless(request):
    return limited(request, Retry_After="1000000000")


@fault
def rate_overflow(request):
    return limited(request, Retry_After="9" * 30)


@fault
def rate_used_up(request):
    return request.is_manifest and errors_with(
        request, 429, ratelimit_limit="100;w=21600", ratelimit_remaining="0;w=21600",
        docker_ratelimit_source="192.0.2.1", Retry_After="7200")


@fault
def rate_low(request):
    return request.is_manifest and request.reply(
        200, request.image.manifest, Content_Type=MANIFEST, ratelimit_limit="100;w=21600",
        ratelimit_remaining="9;w=21600", docker_ratelimit_source="192.0.2.1")


@fault
def warns(request):
    return request.is_manifest and request.reply(
        200, request.image.manifest, Content_Type=MANIFEST, Warning='299 - "moves \x1b[31mto new.example"')


@fault
def errors_alternate(request):
    n = request.count(request.name)
    return request.is_layer and n <= 4 and request.reply([500, 502, 503, 504][n - 1])


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
def another_layer_is_missing(request):
    return stall(request)


@fault
def stall_once(request):
    return request.is_layer and request.count("layer") == 1 and stall(request)


@fault
def loris(request):
    """A few bytes now and then: never still, never done."""
    if not request.is_layer:
        return False
    request.reply(200, Content_Length=str(len(request.image.layer)))
    for i in range(0, len(request.image.layer), 10):
        request.wfile.write(request.image.layer[i:i + 10])
        time.sleep(0.05)
    return True


def redirect(request, where):
    return request.reply(307, Location=where)


@fault
def redirect_loop(request):
    return request.is_manifest and redirect(request, request.path)


@fault
def redirect_file(request):
    return request.is_layer and redirect(request, "file:///etc/passwd")


def hops(request, count):
    n = int(request.path.partition("hop=")[2] or 0)
    return request.is_layer and n < count and redirect(request, f"{request.path.split('?')[0]}?hop={n + 1}")


@fault
def redirect_10(request):
    return hops(request, 10)


@fault
def redirect_11(request):
    return hops(request, 11)


@fault
def redirect_empty(request):
    return request.is_layer and redirect(request, "")


@fault
def redirect_nowhere(request):
    return request.is_layer and request.reply(307)


@fault
def redirect_javascript(request):
    return request.is_layer and redirect(request, "javascript:alert(1)")


@fault
def redirect_user(request):
    return request.is_layer and redirect(request, f"http://user:secret@{request.registry.host}{request.path}")


@fault
def redirect_signed(request):
    """As to a CDN, which does not let us in: the signature is a secret."""
    if request.registry.other is None:
        return request.is_layer and request.reply(403, b"<Error>secret-signature</Error>")
    return challenge(request) or (request.is_layer and redirect(
        request, f"{request.registry.other}{request.path}?X-Amz-Signature=secret-signature"))


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
def challenge_many(request):
    return request.reply(401, WWW_Authenticate="Bearer " + ",".join(f'p{i}="x"' for i in range(100)))


@fault
def challenge_huge(request):
    return request.reply(401, WWW_Authenticate='Bearer realm="' + "x" * (64 << 10) + '"')


@fault
def challenge_basic(request):
    return request.reply(401, WWW_Authenticate='Basic realm="x"')


# Wrong answers to HEAD only: the second pull of an image asks with it.

@fault
def head_404(request):
    return request.command == "HEAD" and request.reply(404)


@fault
def head_405(request):
    return request.command == "HEAD" and request.reply(405)


@fault
def head_500(request):
    return request.command == "HEAD" and request.reply(500)


@fault
def head_denied(request):
    return request.command == "HEAD" and request.reply(403)


@fault
def head_without_digest(request):
    return request.command == "HEAD" and request.reply(200, request.image.manifest, Content_Type=MANIFEST)


@fault
def head_lies(request):
    """A digest that nobody has, of a size that nobody has."""
    return request.command == "HEAD" and request.reply(200, b"x" * 77, Content_Type=MANIFEST,
                                                       Docker_Content_Digest=digest(b"lie"))

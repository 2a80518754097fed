# SPDX-License-Identifier: Apache-2.0
"""Hostile tar layers and their harmless twins.

cases(canary) yields Case objects; `canary` is the path of a directory on the host that must stay
as it is, 80 bytes at most. `word` is the kind of the error that an unpacker must report, or None
if it must accept the layer; then `tree` says what must be there afterwards:

    "f:TEXT" a file   "d" "d:MODE" a directory   "l:TARGET" a symlink   "p" a FIFO
    "c:MAJOR:MINOR" "b:MAJOR:MINOR" a device     "w" a whiteout          None nothing

and `report` what the report must say (members of UnpackReport).
"""

import dataclasses
import gzip
import io
import struct
import subprocess

BLOCK = 512
END = bytes(2 * BLOCK)


@dataclasses.dataclass
class Case:
    name: str
    data: bytes
    word: str | None = None
    tree: dict = dataclasses.field(default_factory=dict)
    report: dict = dataclasses.field(default_factory=dict)
    args: tuple = ()


def octal(value, size):
    return b"%0*o\0" % (size - 1, value)


def header(name, kind=b"0", size=0, mode=0o644, uid=0, gid=0, mtime=1_600_000_000, link=b"",
           major=0, minor=0, raw=None):
    """One header block; `raw` replaces fields by offset."""
    block = bytearray(BLOCK)

    def put(offset, value):
        block[offset:offset + len(value)] = value

    put(0, name[:100])
    put(100, octal(mode, 8))
    put(108, octal(uid, 8))
    put(116, octal(gid, 8))
    put(124, octal(size, 12))
    put(136, octal(mtime, 12))
    put(156, kind)
    put(157, link[:100])
    put(257, b"ustar\00000")
    put(329, octal(major, 8))
    put(337, octal(minor, 8))
    for offset, value in (raw or {}).items():
        put(offset, value)
    put(148, b"        ")
    put(148, b"%06o\0 " % sum(block))
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def entry(name, data=b"", **fields):
    fields.setdefault("size", len(data))
    return header(name, **fields) + padded(data)


def folder(name, mode=0o755, **fields):
    return header(name, kind=b"5", mode=mode, **fields)


def symlink(name, target):
    return header(name, kind=b"2", mode=0o777, link=target)


def hardlink(name, target):
    return header(name, kind=b"1", link=target)


def pax(*records, kind=b"x"):
    data = b"".join(record(key, value) for key, value in records)
    return header(b"pax", kind=kind, size=len(data)) + padded(data)


def raw_pax(data):
    return header(b"pax", kind=b"x", size=len(data)) + padded(data)


def record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length += 1
    return b"%d" % length + body


def gnu_long(kind, name):
    return header(b"././@LongLink", kind=kind, size=len(name) + 1) + padded(name + b"\0")


def escapes(canary):
    yield Case("T1 dot-dot", entry(b"../x", b"bad") + END, "E_TAR_ESCAPE")
    yield Case("T2 absolute", entry(b"/etc/x", b"in") + END, tree={"etc/x": "f:in"})
    yield Case("T3 dot-dot inside", entry(b"a/../../x", b"bad") + END, "E_TAR_ESCAPE")
    yield Case("T3 twin: stays inside", entry(b"a/../x", b"in") + END, tree={"x": "f:in"})
    yield Case("T4 absolute symlink parent", symlink(b"a", canary) + entry(b"a/x", b"in") + END,
               tree={"a": b"l:" + canary, canary[1:] + b"/x": "f:in"})
    yield Case("T4 twin: var/run", folder(b"run/") + folder(b"var/") + symlink(b"var/run", b"/run")
               + entry(b"var/run/x", b"in") + END, tree={"var/run": "l:/run", "run/x": "f:in"})
    yield Case("T5 relative symlink parent", symlink(b"a", b"..") + entry(b"a/x", b"in") + END,
               tree={"x": "f:in", "a": "l:.."})
    yield Case("T5 deep", folder(b"d/") + symlink(b"d/a", b"../../../../canary")
               + entry(b"d/a/x", b"in") + END, tree={"canary/x": "f:in"})
    chain = b"".join(symlink(b"s%d" % i, b"s%d" % (i + 1)) for i in range(39))
    yield Case("T6 chain of 40", chain + symlink(b"s39", b"end") + entry(b"s0/x", b"in") + END,
               tree={"end/x": "f:in"})
    yield Case("T6 chain of 60", b"".join(symlink(b"s%d" % i, b"s%d" % (i + 1)) for i in range(60))
               + entry(b"s0/x", b"bad") + END, "E_TAR")
    yield Case("T6 loop", symlink(b"a", b"b") + symlink(b"b", b"a") + entry(b"a/x", b"bad") + END,
               "E_TAR")
    yield Case("file as parent", entry(b"a", b"f") + entry(b"a/x", b"bad") + END, "E_TAR")


def hard_links(canary):
    yield Case("T7 hard link out", hardlink(b"h", b"../../etc/passwd") + END, "E_TAR_ESCAPE")
    yield Case("T7 hard link to a name of the working directory", hardlink(b"h", b"passwd") + END,
               tree={"h": None}, report={"lower_links": [(b"h", b"passwd")]})
    yield Case("T7 twin: absolute target", entry(b"f", b"in") + hardlink(b"h", b"/f") + END,
               tree={"h": "f:in"})
    yield Case("T8 hard link to a symlink, then a file over it",
               symlink(b"s", canary + b"/secret") + hardlink(b"h", b"s") + entry(b"h", b"in") + END,
               tree={"h": "f:in", "s": b"l:" + canary + b"/secret"})
    yield Case("T8 twin: it is a link to the link", symlink(b"s", b"x") + hardlink(b"h", b"s") + END,
               tree={"h": "l:x"})
    yield Case("hard link through a symlink parent", symlink(b"a", canary)
               + hardlink(b"h", b"a/secret") + END, tree={"h": None},
               report={"lower_links": [(b"h", b"a/secret")]})
    yield Case("T10 to itself", entry(b"h", b"in") + hardlink(b"h", b"h") + END, "E_TAR")
    yield Case("T10 to a directory", folder(b"d/") + hardlink(b"h", b"d") + END, "E_TAR")
    yield Case("T10 to the root", hardlink(b"h", b".") + END, "E_TAR")
    yield Case("T10 to a later entry", hardlink(b"h", b"f") + entry(b"f", b"in") + END,
               tree={"h": None, "f": "f:in"}, report={"lower_links": [(b"h", b"f")]})
    yield Case("lower link, then a file", hardlink(b"h", b"low") + entry(b"h", b"in") + END,
               tree={"h": "f:in"}, report={"lower_links": []})
    yield Case("a hard link with a size has no data",
               entry(b"f", b"in") + header(b"h", kind=b"1", link=b"f", size=2) + END,
               tree={"h": "f:in"})


def roots():
    for name in (b".", b"./", b"/"):
        text = name.decode()
        yield Case(f"T11 root {text} as symlink", symlink(name, b"/") + entry(b"x", b"bad") + END,
                   "E_TAR")
        yield Case(f"T11 root {text} as device", header(name, kind=b"3", major=1, minor=3) + END,
                   "E_TAR")
        yield Case(f"T11 root {text} as hard link", hardlink(name, b"x") + END, "E_TAR")
    yield Case("T11 root . as file", entry(b".", b"bad") + END, "E_TAR")
    yield Case("T11 twin", folder(b"./", mode=0o711) + entry(b"./x", b"in") + END,
               tree={".": "d:711", "x": "f:in"}, report={"root_named": True})


def names():
    yield Case("T12 empty name", entry(b"", b"bad") + END, "E_TAR")
    yield Case("T12 8 KiB", gnu_long(b"L", b"n/" * 4096) + entry(b"x", b"bad") + END, "E_LIMIT")
    yield Case("T12 component of 300", gnu_long(b"L", b"n" * 300) + entry(b"x", b"bad") + END,
               "E_TAR")
    yield Case("T12 NUL in a PAX path", pax((b"path", b"a\0b")) + entry(b"x", b"bad") + END,
               "E_TAR")
    yield Case("T12 not UTF-8", entry(b"\xff\xfe", b"in") + END, tree={b"\xff\xfe": "f:in"})
    yield Case("T12 long names", gnu_long(b"L", b"d/" * 60 + b"f")
               + entry(b"x", b"in") + gnu_long(b"K", b"t" * 150)
               + symlink(b"s", b"t") + pax((b"path", b"p" * 200)) + entry(b"x", b"pax") + END,
               tree={"d/" * 60 + "f": "f:in", "s": "l:" + "t" * 150, "p" * 200: "f:pax"})
    yield Case("ustar prefix", entry(b"f", b"in", raw={345: b"pre/fix"}) + END,
               tree={"pre/fix/f": "f:in"})
    yield Case("T38 twins", entry(b"a", b"1") + entry(b"A", b"2") + entry("ﬁ".encode(), b"3") + END,
               tree={"a": "f:1", "A": "f:2", "ﬁ": "f:3"})
    yield Case("T39 odd names", entry(b"\n", b"1") + entry(b"-rf", b"2") + entry(b"\x1b[31m", b"3")
               + END, tree={"\n": "f:1", "-rf": "f:2", "\x1b[31m": "f:3"})


def replacements(canary):
    yield Case("T13 directory, file, symlink",
               folder(b"a/") + entry(b"a/x", b"1") + entry(b"a", b"2") + symlink(b"a", b"b")
               + entry(b"a/y", b"in") + END, tree={"a": "l:b", "b/y": "f:in", "b/x": None})
    yield Case("cached parent replaced", folder(b"a/") + entry(b"a/x", b"1")
               + symlink(b"a", canary) + entry(b"a/y", b"in") + END,
               tree={"a": b"l:" + canary, canary[1:] + b"/y": "f:in"})
    yield Case("T14 directory over a symlink",
               folder(b"b/") + symlink(b"a", b"b") + folder(b"a/", mode=0o700) + entry(b"a/x", b"in")
               + END, tree={"a": "d:700", "a/x": "f:in", "b": "d:755", "b/x": None})
    yield Case("T15 file over a directory", folder(b"a/") + entry(b"a/b/c", b"1") + entry(b"a", b"in")
               + END, tree={"a": "f:in"}, report={"implied_parents": []})
    yield Case("directory over a directory", folder(b"a/") + entry(b"a/x", b"in")
               + folder(b"a/", mode=0o700) + END, tree={"a": "d:700", "a/x": "f:in"})
    yield Case("last wins", entry(b"a", b"1") + entry(b"a", b"2") + END, tree={"a": "f:2"})
    yield Case("file over a hard link leaves the other name",
               entry(b"a", b"1") + hardlink(b"b", b"a") + entry(b"b", b"2") + END,
               tree={"a": "f:1", "b": "f:2"})


def whiteouts():
    for name in (b".wh.", b".wh..", b".wh...", b"d/.wh."):
        yield Case(f"T16 {name.decode()}", entry(name) + END, "E_TAR")
    yield Case("T19 whiteout as directory", entry(b".wh.a/b") + END, "E_TAR")
    yield Case("a whiteout that is a directory", folder(b".wh.a/") + END, "E_TAR")
    yield Case("whiteout", folder(b"d/") + entry(b"d/.wh.x") + END, tree={"d/x": "w"},
               report={"whiteouts": [b"d/x"], "opaque": []})
    yield Case("whiteout by hard link", hardlink(b".wh.x", b".wh..wh.aufs") + END, tree={"x": "w"})
    yield Case("opaque, nested, after siblings",
               entry(b"d/e/x", b"in") + entry(b"d/e/.wh..wh..opq") + END,
               tree={"d/e/x": "f:in"},
               report={"opaque": [b"d/e"], "implied_parents": [b"d", b"d/e"]})
    yield Case("opaque root", entry(b".wh..wh..opq") + entry(b"x", b"in") + END,
               tree={"x": "f:in"}, report={"opaque": [b"."]})
    for order in (1, -1):
        both = [entry(b".wh.x"), entry(b"x", b"in")][::order]
        yield Case(f"whiteout and the same name {order}", b"".join(both) + END, tree={"x": "f:in"},
                   report={"whiteouts": []})
        both = [entry(b".wh.d"), folder(b"d/") + entry(b"d/x", b"in")][::order]
        yield Case(f"whiteout and directory {order}", b"".join(both) + END, tree={"d/x": "f:in"},
                   report={"whiteouts": [], "opaque": [b"d"]})
    yield Case("AUFS", folder(b".wh..wh.plnk/") + entry(b".wh..wh.plnk/1.2", b"x")
               + entry(b".wh..wh.aufs") + END, tree={".wh..wh.plnk": None, ".wh..wh.aufs": None})
    yield Case("whiteout through a symlink", folder(b"r/") + symlink(b"a", b"/r") + entry(b"a/.wh.x")
               + END, tree={"r/x": "w"}, report={"whiteouts": [b"r/x"]})
    yield Case("T23 char device 0:0", header(b"x", kind=b"3") + END, "E_TAR")


def kinds():
    yield Case("T24 devices", header(b"c", kind=b"3", major=1, minor=3, mode=0o666)
               + header(b"b", kind=b"4", major=8, minor=1, mode=0o660, gid=6)
               + header(b"p", kind=b"6") + END, tree={"c": "c:1:3", "b": "b:8:1", "p": "p"})
    yield Case("T24 contiguous", entry(b"x", b"in", kind=b"7") + END, tree={"x": "f:in"})
    yield Case("T24 unknown", entry(b"x", b"bad", kind=b"Z") + END, "E_TAR")
    yield Case("v7 directory", header(b"d/", kind=b"\0", mode=0o755) + END, tree={"d": "d:755"})
    yield Case("T25 modes and owners", entry(b"x", b"in", mode=0o7777, uid=1234, gid=4321)
               + folder(b"d/", mode=0o7777, uid=7) + END, tree={"x": "f:in", "d": "d:7777"})
    yield Case("T25 uid 2^31", entry(b"x", b"in", raw={108: b"\x80\0\0\0\x80\0\0\0"}) + END,
               tree={"x": "f:in"})
    yield Case("T25 uid 2^32-1", entry(b"x", b"bad", raw={108: b"\x80\0\0\0\xff\xff\xff\xff"}) + END,
               "E_TAR")
    yield Case("T25 uid -1", entry(b"x", b"bad", raw={108: b"\xff" * 8}) + END, "E_TAR")
    yield Case("T26 mtime -1", entry(b"x", b"in", raw={136: b"\xff" * 12}) + END,
               tree={"x": "f:in"})
    yield Case("T26 mtime 1e18", pax((b"mtime", b"1" + b"0" * 18)) + entry(b"x", b"in") + END,
               tree={"x": "f:in"})
    yield Case("T26 mtime nan", pax((b"mtime", b"nan")) + entry(b"x", b"bad") + END, "E_TAR")
    yield Case("T26 mtime garbage", pax((b"mtime", b"1.5x")) + entry(b"x", b"bad") + END, "E_TAR")


def sizes():
    yield Case("T27 octal overflow", entry(b"x", raw={124: b"\x80" + b"\xff" * 11}) + END, "E_TAR")
    yield Case("T27 negative", entry(b"x", raw={124: b"\xff" * 12}) + END, "E_TAR")
    yield Case("T27 not a number", entry(b"x", raw={124: b"12x45678901\0"}) + END, "E_TAR")
    yield Case("T27 more than there is", header(b"x", size=10000) + b"bad", "E_TAR")
    yield Case("T27 of a directory", folder(b"d/", size=4096) + entry(b"x", b"in") + END,
               tree={"d": "d:755", "x": "f:in"})
    yield Case("T28 checksum", header(b"x")[:-1] + b"!" + END, "E_TAR")
    yield Case("T28 zeros amid", entry(b"x", b"1") + bytes(BLOCK) + entry(b"y", b"bad") + END,
               "E_TAR")
    yield Case("T28 no end", entry(b"x", b"in"), tree={"x": "f:in"})
    yield Case("T28 half an end", entry(b"x", b"in") + bytes(BLOCK), tree={"x": "f:in"})
    yield Case("T28 padding", entry(b"x", b"in") + bytes(20 * BLOCK), tree={"x": "f:in"})
    yield Case("T28 much padding", entry(b"x", b"in") + bytes(1 << 20), "E_LIMIT")
    yield Case("T28 a header cut short", entry(b"x", b"in") + header(b"y")[:100], "E_TAR")
    yield Case("empty archive", END)
    yield Case("entries over the limit", b"".join(entry(b"f%d" % i) for i in range(20)) + END,
               "E_LIMIT", args=("--max-entries", "10"))
    yield Case("implied directories over the limit", entry(b"d/" * 40 + b"f") + END, "E_LIMIT",
               args=("--max-entries", "10"))
    yield Case("bytes over the limit", entry(b"x", bytes(100000)) + END, "E_LIMIT",
               args=("--max-bytes", "50000"))


def extensions():
    yield Case("T29 length lies", raw_pax(b"5 a=b\n") + entry(b"x", b"bad") + END, "E_TAR")
    yield Case("T29 length too large", raw_pax(b"99 a=b\n") + entry(b"x", b"bad") + END, "E_TAR")
    yield Case("T29 no equals", raw_pax(b"6 abc\n") + entry(b"x", b"bad") + END, "E_TAR")
    yield Case("T29 2 MiB of records", raw_pax(record(b"comment", b"c" * 100) * 20000)
               + entry(b"x", b"bad") + END, "E_LIMIT")
    yield Case("T29 1 MiB of records", raw_pax(record(b"c", b"") * 174000) + entry(b"x", b"in") + END,
               tree={"x": "f:in"})
    yield Case("T29 global path", pax((b"path", b"bad"), kind=b"g") + entry(b"x", b"bad") + END,
               "E_TAR")
    yield Case("T29 global size", pax((b"size", b"0"), kind=b"g") + entry(b"x", b"bad") + END,
               "E_TAR")
    yield Case("T29 global comment", pax((b"comment", b"c"), kind=b"g") + entry(b"x", b"in") + END,
               tree={"x": "f:in"})
    yield Case("T29 duplicate path", pax((b"path", b"a"), (b"path", b"b")) + entry(b"x", b"in") + END,
               tree={"b": "f:in", "a": None})
    yield Case("T29 PAX size", pax((b"size", b"2")) + header(b"x", size=0) + padded(b"in") + END,
               tree={"x": "f:in"})
    yield Case("T29 PAX sparse", pax((b"GNU.sparse.major", b"1")) + entry(b"x", b"bad") + END, "E_TAR")
    yield Case("T30 long name of 1 GiB", header(b"././@LongLink", kind=b"L", size=1 << 30), "E_LIMIT")
    yield Case("T30 no entry follows", gnu_long(b"L", b"n" * 200) + END, "E_TAR")
    yield Case("T30 twice", gnu_long(b"L", b"a") + gnu_long(b"L", b"b") + entry(b"x", b"bad") + END,
               "E_TAR")
    yield Case("PAX header of 512 MiB", header(b"pax", kind=b"x", size=512 << 20), "E_LIMIT")
    yield Case("T31 old GNU sparse", entry(b"x", b"bad", kind=b"S") + END, "E_TAR")


def xattrs():
    dropped = [b"trusted.overlay.opaque", b"trusted.overlay.redirect", b"user.overlay.opaque",
               b"security.selinux", b"security.ima", b"system.posix_acl_access", b"user."]
    yield Case("T32 not allowed", pax(*((b"SCHILY.xattr." + n, b"y") for n in dropped))
               + entry(b"x", b"in") + END, tree={"x": "f:in"},
               report={"dropped_xattrs": len(dropped)})
    yield Case("T32 64 KiB + 1", pax((b"SCHILY.xattr.user.a", b"v" * 65537)) + entry(b"x", b"bad")
               + END, "E_LIMIT")
    yield Case("T32 bad capability", pax((b"SCHILY.xattr.security.capability", b"garbage"))
               + entry(b"x", b"bad") + END, "E_TAR")
    capability = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
    yield Case("T32 capability", pax((b"SCHILY.xattr.security.capability", capability))
               + entry(b"x", b"in", mode=0o755, uid=3) + END, tree={"x": "f:in"},
               report={"dropped_xattrs": 0})


def depth():
    name, parts = b"", []
    for _ in range(2000):
        name += b"d/"
        parts.append(pax((b"path", name)) + folder(b"x/"))
    yield Case("T33 nested 2000 deep", b"".join(parts) + END, tree={"d/" * 1999 + "d": "d:755"})
    yield Case("T33 and replaced by a file", b"".join(parts) + entry(b"d", b"in") + END,
               tree={"d": "f:in"})
    far = pax((b"path", b"d/" * 2000)) + folder(b"x/")
    links = symlink(b"l", b"d/" * 60)
    yield Case("T33 deeper than a name", far + b"".join(
        pax((b"linkpath", b"/l0/" + b"e/" * 2000 if i else b"/" + b"d/" * 2000),
            (b"path", b"l%d" % i)) + symlink(b"x", b"x") for i in range(2)) + links
        + entry(b"l1/f", b"in") + END, tree={})
    yield Case("T33 too deep", b"".join(
        pax((b"linkpath", b"l%d/" % (i - 1) * (i > 0) + b"e/" * 2000), (b"path", b"l%d" % i))
        + symlink(b"x", b"x") for i in range(5)) + entry(b"l4/f", b"bad") + END, "E_LIMIT")


def packed():
    layer = entry(b"x", b"in") + END
    small = gzip.compress(layer)
    yield Case("T35 gzip", small, tree={"x": "f:in"})
    yield Case("T35 truncated", small[:-9], "E_CORRUPT")
    yield Case("T35 trailer cut", small[:-3], "E_CORRUPT")
    yield Case("T35 bad CRC", small[:-8] + bytes([small[-8] ^ 1]) + small[-7:], "E_CORRUPT")
    yield Case("T35 bad length", small[:-1] + b"\1", "E_CORRUPT")
    yield Case("T35 members", gzip.compress(layer[:700]) + gzip.compress(layer[700:]),
               tree={"x": "f:in"})
    yield Case("T35 trailing garbage", small + b"garbage", "E_CORRUPT")
    yield Case("T35 trailing byte", small + b"\x1f", "E_CORRUPT")
    yield Case("T35 trailing member", small + gzip.compress(bytes(1 << 20)), "E_LIMIT")
    yield Case("T35 header only", b"\x1f\x8b\x08", "E_CORRUPT")
    name = b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * (8 << 20) + b"\0" + small[10:]
    yield Case("T35 long FNAME", name, tree={"x": "f:in"})
    zstd = subprocess.run(["zstd", "-qc"], input=layer, stdout=subprocess.PIPE, check=True).stdout
    skippable = struct.pack("<II", 0x184D2A50, 1000) + bytes(1000)
    yield Case("T36 zstd", zstd, tree={"x": "f:in"})
    yield Case("T36 skippable frames", skippable + zstd + skippable, tree={"x": "f:in"})
    half = [subprocess.run(["zstd", "-qc"], input=part, stdout=subprocess.PIPE, check=True).stdout
            for part in (layer[:700], layer[700:])]
    yield Case("T36 frames", half[0] + half[1], tree={"x": "f:in"})
    yield Case("T36 truncated", zstd[:-2], "E_CORRUPT")
    yield Case("T36 trailing garbage", zstd + b"garbage!", "E_CORRUPT")
    yield Case("T36 window of 2 GiB", b"\x28\xb5\x2f\xfd\0" + bytes([21 << 3]) + bytes(100),
               "E_LIMIT")
    yield Case("T36 dictionary", b"\x28\xb5\x2f\xfd\x01\x58\x07" + bytes(100), "E_UNSUPPORTED")
    yield Case("bomb", zeros(1), "E_LIMIT",
               args=("--max-bytes", "1000000"))
    for kind, magic in (("xz", b"\xfd7zXZ\0"), ("bzip2", b"BZh91AY"), ("zip", b"PK\3\4"),
                        ("7z", b"7z\xbc\xaf\x27\x1c"), ("rar", b"Rar!"), ("cpio", b"070701")):
        yield Case(f"T40 {kind}", magic + bytes(2000), "E_UNSUPPORTED")
    yield Case("T40 iso", bytes(32769) + b"CD001" + bytes(100000), "E_LIMIT")
    yield Case("T40 text", b"hello world\n" * 100, "E_TAR")
    yield Case("T37 plain tar that begins as bzip2", entry(b"BZh9", b"in") + END,
               tree={"BZh9": "f:in"})


def cases(canary):
    for group in (escapes, hard_links, replacements):
        yield from group(canary)
    for group in (roots, names, whiteouts, kinds, sizes, extensions, xattrs, depth, packed):
        yield from group()


def zeros(count):
    """A gzip stream of `count` files of 256 MiB, without holding it."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as packer:
        for i in range(count):
            packer.write(header(b"zero%d" % i, size=1 << 28))
            for _ in range(256):
                packer.write(bytes(1 << 20))
        packer.write(END)
    return out.getvalue()


def many_entries(count):
    """A gzip stream of `count` empty files, without holding it."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as packer:
        for i in range(count):
            packer.write(header(b"d%d/f%d" % (i // 1000, i)))
        packer.write(END)
    return out.getvalue()

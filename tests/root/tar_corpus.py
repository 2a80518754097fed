# SPDX-License-Identifier: Apache-2.0
"""Hostile tar layers and their harmless twins.

cases(canary) yields Case objects; `canary` is the path of a directory on the host that must stay
as it is, 80 bytes at most. `word` is the kind of the error that an unpacker must report, or None
if it must accept the layer; then `tree` says what must be there afterwards:

    "f:TEXT" a file   "d" "d:MODE" a directory   "l:TARGET" a symlink   "p" a FIFO
    "c:MAJOR:MINOR" "b:MAJOR:MINOR" a device     "w" a whiteout          None nothing

`xattrs` the attributes of a path, `blocks` how much of a file may be on the disk (in 512 bytes), and
`report` what the report must say (members of UnpackReport).
"""

import dataclasses
import gzip
import io
import itertools
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
    xattrs: dict = dataclasses.field(default_factory=dict)
    blocks: dict = dataclasses.field(default_factory=dict)


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
    yield Case("T9 link to a lower file through a symlink", symlink(b"a", canary)
               + hardlink(b"h", b"a/secret") + END, tree={"h": None},
               report={"lower_links": [(b"h", b"a/secret")]})
    yield Case("T10 to itself", entry(b"h", b"in") + hardlink(b"h", b"h") + END, "E_TAR")
    yield Case("T10 to a directory", folder(b"d/") + hardlink(b"h", b"d") + END, "E_TAR")
    yield Case("T10 to the root", hardlink(b"h", b".") + END, "E_TAR")
    yield Case("T10 to a later entry", hardlink(b"h", b"f") + entry(b"f", b"in") + END,
               tree={"h": None, "f": "f:in"}, report={"lower_links": [(b"h", b"f")]})
    yield Case("T9 link to a lower file, then a file", hardlink(b"h", b"low") + entry(b"h", b"in") + END,
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
    deep = b"n/" * 2048
    yield Case("T12 4096 bytes", gnu_long(b"L", deep) + folder(b"x") + END,
               tree={deep: "d:755"})
    yield Case("T12 4097 bytes", gnu_long(b"L", deep + b"n") + entry(b"x", b"bad") + END, "E_LIMIT")
    yield Case("T12 4096 bytes in PAX", pax((b"path", deep)) + folder(b"x") + END,
               tree={deep: "d:755"})
    yield Case("T12 4097 bytes in PAX", pax((b"path", deep + b"n")) + entry(b"x", b"bad") + END,
               "E_LIMIT")
    yield Case("T12 target of 4095", pax((b"linkpath", b"t" * 4095)) + symlink(b"s", b"x") + END,
               tree={"s": b"l:" + b"t" * 4095})
    yield Case("T12 target of 4096", pax((b"linkpath", b"t" * 4096)) + symlink(b"s", b"x") + END,
               "E_TAR")
    yield Case("T12 target of 4097", pax((b"linkpath", b"t" * 4097)) + symlink(b"s", b"x") + END,
               "E_LIMIT")
    yield Case("T12 no target", symlink(b"s", b"") + END, "E_TAR")
    yield Case("T12 component of 255", gnu_long(b"L", b"n" * 255) + entry(b"x", b"in") + END,
               tree={"n" * 255: "f:in"})
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
    for row, name in ((16, b".wh."), (16, b"d/.wh."), (17, b".wh.."), (18, b".wh..."), (19, b".wh./x"),
                      (19, b"d/.wh.x/y")):
        yield Case(f"T{row} {name.decode()}", entry(name) + END, "E_TAR")
    yield Case("T16 twin: odd names", entry(b".wh.-rf") + entry(b".wh.....") + entry(b".wh.a b")
               + entry(b".wh.wh.x") + entry(b"a.wh.b", b"in") + END,
               tree={"-rf": "w", "....": "w", "a b": "w", "wh.x": "w", "a.wh.b": "f:in"})
    yield Case("T19 whiteout as directory", entry(b".wh.a/b") + END, "E_TAR")
    yield Case("a whiteout that is a directory", folder(b".wh.a/") + END, "E_TAR")
    yield Case("whiteout", folder(b"d/") + entry(b"d/.wh.x") + END, tree={"d/x": "w"},
               report={"whiteouts": [b"d/x"], "opaque": []})
    yield Case("whiteout by hard link", hardlink(b".wh.x", b".wh..wh.aufs") + END, tree={"x": "w"})
    yield Case("T20 opaque, nested, after siblings",
               entry(b"d/e/x", b"in") + entry(b"d/e/.wh..wh..opq") + END,
               tree={"d/e/x": "f:in"},
               report={"opaque": [b"d/e"], "implied_parents": [b"d", b"d/e"]})
    yield Case("T20 opaque root", entry(b".wh..wh..opq") + entry(b"x", b"in") + END,
               tree={"x": "f:in"}, report={"opaque": [b"."]})
    for order in (1, -1):
        both = [entry(b".wh.x"), entry(b"x", b"in")][::order]
        yield Case(f"T21 whiteout and the same name {order}", b"".join(both) + END, tree={"x": "f:in"},
                   report={"whiteouts": []})
        both = [entry(b".wh.d"), folder(b"d/") + entry(b"d/x", b"in")][::order]
        yield Case(f"T21 whiteout and directory {order}", b"".join(both) + END, tree={"d/x": "f:in"},
                   report={"whiteouts": [], "opaque": [b"d"]})
    both = [entry(b"d/.wh..wh..opq"), folder(b"d/", mode=0o700), entry(b"d/x", b"in"),
            entry(b"d/.wh.x"), entry(b"d/.wh.y")]
    for order in itertools.islice(itertools.permutations(range(len(both))), 0, None, 5):
        yield Case(f"T20 opaque, whiteouts, siblings {order}", b"".join(both[i] for i in order) + END,
                   tree={"d": "d:700", "d/x": "f:in", "d/y": None},
                   report={"opaque": [b"d"], "whiteouts": [], "implied_parents": []})
    yield Case("opaque twice, and of a link's target", folder(b"r/") + symlink(b"a", b"r")
               + entry(b"a/.wh..wh..opq") + entry(b"r/.wh..wh..opq") + END, tree={"a": "l:r"},
               report={"opaque": [b"r"]})
    yield Case("opaque, then the directory goes", entry(b"d/.wh..wh..opq") + entry(b"d", b"in") + END,
               tree={"d": "f:in"}, report={"opaque": [], "implied_parents": []})
    yield Case("whiteout twice", entry(b".wh.x") * 2 + END, tree={"x": "w"},
               report={"whiteouts": [b"x"]})
    yield Case("whiteout, then its directory goes", entry(b"d/.wh.x") + symlink(b"d", b"e") + END,
               tree={"d": "l:e"}, report={"whiteouts": [], "implied_parents": []})
    yield Case("whiteout of a parent made here", entry(b"a/b/x", b"in") + entry(b".wh.a") + END,
               tree={"a/b/x": "f:in"},
               report={"opaque": [b"a"], "whiteouts": [], "implied_parents": []})
    yield Case("whiteout and a link to a lower file", hardlink(b"h", b"low") + entry(b".wh.h") + END,
               tree={"h": None}, report={"whiteouts": [], "lower_links": [(b"h", b"low")]})
    yield Case("T22 AUFS", folder(b".wh..wh.plnk/") + entry(b".wh..wh.plnk/1.2", b"x")
               + entry(b".wh..wh.aufs") + END, tree={".wh..wh.plnk": None, ".wh..wh.aufs": None})
    yield Case("whiteout through a symlink", folder(b"r/") + symlink(b"a", b"/r") + entry(b"a/.wh.x")
               + END, tree={"r/x": "w"}, report={"whiteouts": [b"r/x"]})
    yield Case("T23 char device 0:0", header(b"x", kind=b"3") + END, "E_TAR")


def kinds():
    yield Case("T24 devices", header(b"c", kind=b"3", major=1, minor=3, mode=0o666)
               + header(b"b", kind=b"4", major=8, minor=1, mode=0o660, gid=6)
               + header(b"p", kind=b"6") + END, tree={"c": "c:1:3", "b": "b:8:1", "p": "p"})
    yield Case("T24 contiguous", entry(b"x", b"in", kind=b"7") + END, tree={"x": "f:in"})
    # Z unknown; s would be a socket; D, M, V, N are old GNU's, A Solaris'.
    for kind in (b"Z", b"s", b"D", b"M", b"V", b"N", b"A", b"8", b"X"):
        yield Case(f"T24 type {kind.decode()}", entry(b"x", b"bad", kind=kind) + END, "E_TAR")
    yield Case("T24 FIFO over a device over a file", entry(b"x", b"in") + header(b"x", kind=b"3", major=1,
               minor=3) + header(b"x", kind=b"6", mode=0o600) + END, tree={"x": "p"})
    yield Case("T24 device number", header(b"x", kind=b"4", raw={329: b"\x80\0\0\0\0\0\x0f\xff",
               337: b"\x80\0\0\0\0\x0f\xff\xff"}) + END, tree={"x": "b:4095:1048575"})
    for field in (329, 337):
        yield Case(f"T24 device number too large, at {field}", header(b"x", kind=b"4", raw={
            field: b"\x80\0\0\0\0\x10\0\0"}) + END, "E_TAR")
    yield Case("T24 a file by its name is one", entry(b"f/", b"in") + END, tree={"f": "f:in"})
    yield Case("prefix of old Go in a GNU header", entry(b"f", b"in", raw={
        257: b"ustar  \0", 345: b"from/docker"}) + END, tree={"from/docker/f": "f:in"})
    yield Case("times in a GNU header are no prefix", entry(b"f", b"in", raw={
        257: b"ustar  \0", 345: b"14000000000\00014000000000\0"}) + END, tree={"f": "f:in"})
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
    yield Case("T26 ten digits of nanoseconds", pax((b"mtime", b"1.9999999999")) + entry(b"x", b"in")
               + END, tree={"x": "f:in"})
    yield Case("T26 no digits", pax((b"mtime", b"-.5")) + entry(b"x", b"bad") + END, "E_TAR")
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
    yield Case("T28 64 KiB after the end", entry(b"x", b"in") + END + bytes(65536),
               tree={"x": "f:in"})
    yield Case("T28 one byte more", entry(b"x", b"in") + END + bytes(65537), "E_LIMIT")
    yield Case("T28 garbage after the end", entry(b"x", b"in") + END + b"garbage", tree={"x": "f:in"})
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
    full = (1 << 20) - len(record(b"path", b"p"))
    comment = b"%d comment=" % full
    comment += b"c" * (full - 1 - len(comment)) + b"\n"
    yield Case("T29 1 MiB", raw_pax(comment + record(b"path", b"p")) + entry(b"x", b"in") + END,
               tree={"p": "f:in"})
    yield Case("T29 1 MiB + 1", raw_pax(comment + record(b"path", b"pp")) + entry(b"x", b"bad") + END,
               "E_LIMIT")
    yield Case("T29 1 MiB together", gnu_long(b"L", b"n") + raw_pax(comment + record(b"path", b"p"))
               + entry(b"x", b"bad") + END, "E_LIMIT")
    yield Case("T29 two extended headers", pax((b"path", b"a")) + pax((b"path", b"b"))
               + entry(b"x", b"bad") + END, "E_TAR")
    for key in (b"linkpath", b"SCHILY.xattr.user.a", b"GNU.sparse.name"):
        yield Case(f"T29 global {key.decode()}", pax((key, b"bad"), kind=b"g") + entry(b"x", b"bad")
                   + END, "E_TAR")
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
    yield Case("T30 long name of 1 GiB", header(b"././@LongLink", kind=b"L", size=1 << 30), "E_LIMIT")
    yield Case("T30 no entry follows", gnu_long(b"L", b"n" * 200) + END, "E_TAR")
    yield Case("T30 twice", gnu_long(b"L", b"a") + gnu_long(b"L", b"b") + entry(b"x", b"bad") + END,
               "E_TAR")
    yield Case("PAX header of 512 MiB", header(b"pax", kind=b"x", size=512 << 20), "E_LIMIT")


def old_sparse(name, size, pairs, stored, more=b"", data=b"", **fields):
    """An old GNU sparse entry; `more` is the blocks of pairs that follow the header."""
    raw = {257: b"ustar  \0", 386: b"".join(pairs[:4]), 482: b"\1" if more else b"\0",
           483: size if isinstance(size, bytes) else octal(size, 12), **fields.pop("raw", {})}
    return header(name, kind=b"S", size=stored, raw=raw, **fields) + more + padded(data)


def pair(offset, size):
    return octal(offset, 12) + octal(size, 12)


def more_pairs(pairs, last=True):
    """Blocks of 21 pairs."""
    blocks = [b"".join(pairs[i:i + 21]) for i in range(0, len(pairs), 21)]
    return b"".join(block.ljust(504, b"\0") + (b"\0" if last and block is blocks[-1] else b"\1")
                    + bytes(7) for block in blocks)


def sparse_10(text, size, data=b"", name=b"s", version=(b"1", b"0")):
    body = padded(text) + data
    return pax((b"GNU.sparse.major", version[0]), (b"GNU.sparse.minor", version[1]),
               (b"GNU.sparse.name", name), (b"GNU.sparse.realsize", size)) + entry(b"x", body)


def sparse_01(pairs, size, count, data=b"", **fields):
    return pax((b"GNU.sparse.size", size), (b"GNU.sparse.numblocks", count),
               (b"GNU.sparse.name", b"s"), (b"GNU.sparse.map", pairs)) + entry(b"x", data, **fields)


def sparse():
    whole = b"ab" + bytes(8) + b"cd" + bytes(4)
    text = "f:" + whole.decode()
    yield Case("T31 old GNU", old_sparse(b"s", 16, [pair(0, 2), pair(10, 2), pair(16, 0)], 4, data=b"abcd")
               + entry(b"after", b"in") + END, tree={"s": text, "after": "f:in"},
               report={"file_bytes": 6})
    yield Case("T31 old GNU, base-256", old_sparse(b"s", b"\x80" + bytes(10) + b"\x10", [
        b"\x80" + bytes(11) + b"\x80" + bytes(10) + b"\2", pair(10, 2)], 4, data=b"abcd") + END,
        tree={"s": text})
    many = [pair(2 * i, 1) for i in range(4 + 30)]
    yield Case("T31 old GNU, more pairs", old_sparse(b"s", 67, many, 34, more=more_pairs(many[4:]),
               data=b"x" * 34) + entry(b"after", b"in") + END,
               tree={"s": "f:" + "\0".join("x" * 34), "after": "f:in"})
    yield Case("T31 old GNU, long name", gnu_long(b"L", b"n" * 200) + old_sparse(b"s", 16, [
        pair(0, 2), pair(10, 2)], 4, data=b"abcd") + END, tree={"n" * 200: text, "s": None})
    yield Case("T31 PAX 0.0", pax((b"GNU.sparse.size", b"16"), (b"GNU.sparse.numblocks", b"2"),
               (b"GNU.sparse.offset", b"0"), (b"GNU.sparse.numbytes", b"2"),
               (b"GNU.sparse.offset", b"10"), (b"GNU.sparse.numbytes", b"2")) + entry(b"s", b"abcd")
               + entry(b"after", b"in") + END, tree={"s": text, "after": "f:in"})
    yield Case("T31 PAX 0.1", sparse_01(b"0,2,10,2", b"16", b"2", b"abcd") + entry(b"after", b"in") + END,
               tree={"s": text, "after": "f:in", "x": None})
    yield Case("T31 PAX 1.0", sparse_10(b"2\n0\n2\n10\n2\n", b"16", b"abcd") + entry(b"after", b"in")
               + END, tree={"s": text, "after": "f:in", "x": None})
    digits = b"300\n" + b"".join(b"%d\n1\n" % (5000 * i) for i in range(300))
    yield Case("T31 PAX 1.0, map of several blocks", sparse_10(digits, b"2000000", b"x" * 300)
               + entry(b"after", b"in") + END, tree={"after": "f:in"}, blocks={"s": 300 * 8})
    yield Case("T31 nothing but a hole of 4 GiB", sparse_10(b"1\n4294967296\n0\n", b"4294967296") + END,
               tree={}, blocks={"s": 0}, report={"file_bytes": 0})
    yield Case("T31 as large as may be", sparse_10(b"0\n", b"1000000") + END, blocks={"s": 0},
               args=("--max-bytes", "1000000"))
    yield Case("T31 one byte larger", sparse_10(b"0\n", b"1000001") + END, "E_LIMIT",
               args=("--max-bytes", "1000000"))
    yield Case("T31 2^63 - 1 bytes", sparse_10(b"0\n", b"9223372036854775807") + END, "E_LIMIT")
    pages = b"1000\n" + b"".join(b"%d\n1\n" % (10000 * i) for i in range(1000))
    yield Case("T31 more pages than bytes", sparse_10(pages, b"10000000", b"x" * 1000) + END, "E_LIMIT",
               args=("--max-bytes", "4000000"))
    yield Case("T31 twin: they fit", sparse_10(pages.replace(b"0000\n", b"000\n", 999), b"10000000",
               b"x" * 1000) + END, blocks={"s": 8000}, args=("--max-bytes", "10000000"))
    yield Case("T31 file over it, setuid", sparse_10(b"1\n1\n1\n", b"3", b"x") + entry(b"s", b"in",
               mode=0o4755) + END, tree={"s": "f:in"})
    yield Case("T31 hard link to it", sparse_10(b"1\n1\n1\n", b"3", b"x") + hardlink(b"h", b"s") + END,
               tree={"h": "f:\0x\0"})
    yield from hostile_sparse()


def hostile_sparse():
    for what, pairs in (("overlap", [pair(0, 2), pair(1, 2)]), ("disorder", [pair(10, 2), pair(0, 2)]),
                        ("twice", [pair(0, 2), pair(0, 2)]), ("behind the end", [pair(0, 2), pair(15, 2)]),
                        ("less than is stored", [pair(0, 2)]),
                        ("more than is stored", [pair(0, 2), pair(10, 3)]),
                        ("half a pair", [pair(0, 2), bytes(12) + octal(2, 12)]),
                        ("no number", [pair(0, 2), b"1x" + pair(0, 2)[2:]]),
                        ("negative", [pair(0, 2), b"\xff" * 12 + octal(2, 12)]),
                        ("wraps", [pair(0, 2), b"\x80\0\0\0\x7f" + b"\xff" * 7 + octal(2, 12)])):
        yield Case(f"T31 old GNU: {what}", old_sparse(b"s", 16, pairs, 4, data=b"abcd") + END, "E_TAR")
    yield Case("T31 old GNU: negative size", old_sparse(b"s", b"\xff" * 12, [pair(0, 1)], 1, data=b"a")
               + END, "E_TAR")
    yield Case("T31 old GNU: a block after the end", old_sparse(b"s", 16, [pair(0, 2)], 2, more_pairs(
        [pair(10, 0)]), b"ab") + END, "E_TAR")
    yield Case("T31 old GNU: block missing", old_sparse(b"s", 16, [pair(0, 0)] * 4, 0, b"\1"), "E_TAR")
    yield Case("T31 type S in ustar", entry(b"x", b"bad", kind=b"S") + END, "E_TAR")
    yield Case("T31 old GNU: blocks without end", old_sparse(b"s", 1 << 20, [pair(0, 0)] * 4, 0, more_pairs(
        [pair(0, 0)] * 21 * 2100, last=False)), "E_LIMIT")
    yield Case("T31 old GNU: 2^32 entries of nothing", header(b"s", kind=b"S", raw={
        257: b"ustar  \0", 386: pair(0, 0) * 4, 482: b"\1", 483: octal(1, 12)})
        + (pair(0, 0) * 21 + b"\1" + bytes(7)) * 2200, "E_LIMIT")
    for what, text in (("2^32 entries", b"4294967296\n0\n1\n"), ("not a number", b"x\n"),
                       ("empty lines", b"\n\n\n"), ("negative", b"1\n-1\n1\n"),
                       ("no lines", b"1" * 512), ("sign", b"+1\n0\n1\n"), ("hex", b"1\n0x0\n1\n"),
                       ("overlap", b"2\n0\n1\n0\n1\n"), ("behind the end", b"1\n16\n1\n"),
                       ("cut short", b"3\n0\n1\n"), ("2^64", b"1\n18446744073709551616\n1\n")):
        word = "E_LIMIT" if what == "2^32 entries" else "E_TAR"
        yield Case(f"T31 PAX 1.0: {what}", sparse_10(text, b"16", b"a") + END, word)
    yield Case("T31 PAX 1.0: 262144 empty parts in 1 MiB", sparse_10(
        (b"262140\n" + b"0\n" * 524280), b"16") + END, tree={"s": "f:" + "\0" * 16})
    yield Case("T31 PAX 1.0: a byte more", sparse_10(b"262141\n" + b"0\n" * 524281 + b"0" * 2000, b"16")
               + END, "E_LIMIT")
    yield Case("T31 PAX 1.0: no data", sparse_10(b"", b"16") + END, "E_TAR")
    for version in ((b"1", b"1"), (b"2", b"0"), (b"0", b"2"), (b"x", b"0")):
        yield Case(f"T31 PAX {version}", sparse_10(b"0\n", b"16", version=version) + END, "E_TAR")
    for what, pairs, size, count in (
            ("count", b"0,2", b"16", b"2"), ("count of 2^32", b"0,2", b"16", b"4294967296"),
            ("half a pair", b"0,2,3", b"16", b"1"), ("comma", b"0,2,", b"16", b"1"),
            ("blank", b"0, 2", b"16", b"1"), ("size", b"0,2", b"1", b"1"), ("no size", b"0,2", b"", b"1")):
        yield Case(f"T31 PAX 0.1: {what}", sparse_01(pairs, size, count, b"ab") + END, "E_TAR")
    yield Case("T31 a sparse directory", sparse_01(b"0,2", b"16", b"1", kind=b"5") + END, "E_TAR")
    yield Case("T31 a sparse symlink", sparse_01(b"0,2", b"16", b"1", kind=b"2", link=b"t") + END, "E_TAR")
    yield Case("T31 in two ways", pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.size", b"16"))
               + old_sparse(b"s", 16, [pair(0, 2)], 2, data=b"ab") + END, "E_TAR")
    yield Case("T31 nothing but a name", pax((b"GNU.sparse.name", b"bad")) + entry(b"x", b"bad") + END,
               "E_TAR")
    yield Case("T31 its name leaves the root", sparse_10(b"0\n", b"16", name=b"../x") + END, "E_TAR_ESCAPE")


def xattrs():
    dropped = [b"trusted.overlay.opaque", b"trusted.overlay.redirect", b"user.overlay.opaque",
               b"security.selinux", b"security.ima", b"system.posix_acl_access", b"user."]
    yield Case("T32 not allowed", pax(*((b"SCHILY.xattr." + n, b"y") for n in dropped))
               + entry(b"x", b"in") + END, tree={"x": "f:in"},
               report={"dropped_xattrs": len(dropped)})
    every = [b"trusted.overlay.opaque", b"trusted.overlay.redirect", b"trusted.overlay.metacopy",
             b"trusted.overlay.whiteout", b"trusted.other", b"user.overlay.redirect",
             b"user.overlay.metacopy", b"user.overlay.", b"security.selinux", b"security.ima",
             b"security.evm", b"security.SMACK64", b"system.posix_acl_access",
             b"system.posix_acl_default", b"user", b"odd"]
    for what, thing in (("directory", folder(b"x/")), ("file", entry(b"x", b"in"))):
        yield Case(f"T32 the list, {what}", pax(*((b"SCHILY.xattr." + n, b"y") for n in every),
                   (b"SCHILY.xattr.user.kept", b"1\0=\n2"), (b"SCHILY.xattr.user.twice", b"a"),
                   (b"SCHILY.xattr.user.twice", b"b"), (b"SCHILY.xattr.user.overlayer", b""))
                   + thing + END, report={"dropped_xattrs": len(every), "opaque": []},
                   xattrs={"x": {"user.kept": b"1\0=\n2", "user.twice": b"b", "user.overlayer": b""}})
    yield Case("T32 name of 256", pax((b"SCHILY.xattr.user." + b"n" * 251, b"v")) + entry(b"x", b"bad")
               + END, "E_TAR")
    yield Case("T32 64 KiB", pax((b"SCHILY.xattr.user.a", b"v" * 65536)) + entry(b"x", b"in") + END,
               xattrs={"x": {"user.a": b"v" * 65536}})
    yield Case("T32 64 KiB + 1", pax((b"SCHILY.xattr.user.a", b"v" * 65537)) + entry(b"x", b"bad")
               + END, "E_LIMIT")
    yield Case("T32 bad capability", pax((b"SCHILY.xattr.security.capability", b"garbage"))
               + entry(b"x", b"bad") + END, "E_TAR")
    capability = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
    yield Case("T32 capability", pax((b"SCHILY.xattr.security.capability", capability))
               + entry(b"x", b"in", mode=0o755, uid=3) + END, tree={"x": "f:in"},
               report={"dropped_xattrs": 0}, xattrs={"x": {"security.capability": capability}})
    capability = struct.pack("<IIIIII", 0x03000001, 1 << 10, 0, 0, 0, 1000)
    yield Case("T32 capability of a user namespace", pax((b"SCHILY.xattr.security.capability",
               capability)) + entry(b"x", b"in", mode=0o755) + END,
               xattrs={"x": {"security.capability": capability}})


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
    name = b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * (2 << 20) + b"\0" + small[10:]
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
    wide = subprocess.run(["zstd", "-qc", "--long=27"], input=layer, stdout=subprocess.PIPE,
                          check=True).stdout
    assert wide[4] & 0x20 == 0  # so that the byte after it is the window
    yield Case("T36 window of 128 MiB", wide[:5] + bytes([17 << 3]) + wide[6:], tree={"x": "f:in"})
    yield Case("T36 window of 144 MiB", b"\x28\xb5\x2f\xfd\0" + bytes([17 << 3 | 1]) + bytes(100),
               "E_LIMIT")
    yield Case("T36 skippable frame of 1 MiB", struct.pack("<II", 0x184D2A5F, 1 << 20)
               + bytes(1 << 20) + zstd, tree={"x": "f:in"})
    yield Case("T36 skippable frame cut short", zstd + struct.pack("<II", 0x184D2A50, 100) + b"x",
               "E_CORRUPT")
    yield Case("T36 dictionary", b"\x28\xb5\x2f\xfd\x01\x58\x07" + bytes(100), "E_UNSUPPORTED")
    yield Case("bomb", zeros(1), "E_LIMIT",
               args=("--max-bytes", "1000000"))
    for kind, magic in (("xz", b"\xfd7zXZ\0"), ("bzip2", b"BZh91AY"), ("zip", b"PK\3\4"),
                        ("7z", b"7z\xbc\xaf\x27\x1c"), ("rar", b"Rar!"), ("cpio", b"070701"),
                        ("squashfs", b"hsqs"), ("ar", b"!<arch>\n")):
        yield Case(f"T40 {kind}", magic + bytes(2000), "E_UNSUPPORTED")
    yield Case("T40 iso", bytes(32769) + b"CD001" + bytes(100000), "E_UNSUPPORTED")
    yield Case("T40 bootable iso", b"\x45\x52\x08\0" * 8192 + b"\1CD001" + bytes(100000),
               "E_UNSUPPORTED")
    yield Case("T40 twin: an empty archive that is filled up", bytes(65536), tree={})
    yield Case("T40 text", b"hello world\n" * 100, "E_TAR")
    yield Case("T37 plain tar that begins as bzip2", entry(b"BZh9", b"in") + END,
               tree={"BZh9": "f:in"})


def cases(canary):
    for group in (escapes, hard_links, replacements):
        yield from group(canary)
    for group in (roots, names, whiteouts, kinds, sizes, extensions, sparse, xattrs, depth, packed):
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


def many_links(count):
    """A gzip stream of a file and `count` more names of it."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as packer:
        packer.write(header(b"f"))
        for i in range(count):
            packer.write(header(b"d%d/f%d" % (i // 1000, i), kind=b"1", link=b"f"))
        packer.write(END)
    return out.getvalue()

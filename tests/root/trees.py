# SPDX-License-Identifier: Apache-2.0
"""Trees as dicts, path -> facts of the entry, and in what two of them differ."""

import hashlib
import os
import stat


def _content(fd, size):
    """SHA-256 of what is no zero, and where: files may have holes of many GiB."""
    digest, at = hashlib.sha256(), 0
    while at < size:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        end = os.lseek(fd, at, os.SEEK_HOLE)
        at -= at % 4096
        while at < end:
            block = os.pread(fd, 4096, at)
            if block.strip(b"\0"):
                digest.update(b"%d:" % at + block)
            at += 4096
    return digest.hexdigest()


def describe(path, st):
    kind = stat.S_IFMT(st.st_mode)
    facts = {"type": oct(kind), "mode": oct(stat.S_IMODE(st.st_mode)), "uid": st.st_uid, "gid": st.st_gid,
             "mtime": st.st_mtime_ns}
    if kind == stat.S_IFLNK:
        facts["target"] = os.readlink(path)
    elif kind == stat.S_IFREG:
        fd = os.open(path, os.O_RDONLY)
        facts.update(size=st.st_size, content=_content(fd, st.st_size))
        os.close(fd)
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        facts["device"] = st.st_rdev
    if kind != stat.S_IFDIR:
        facts["links"] = st.st_nlink
    if kind in (stat.S_IFREG, stat.S_IFDIR):
        facts["xattrs"] = {n: os.getxattr(path, n) for n in os.listxattr(path)
                           if n == "security.capability" or n.startswith("user.")}
    return facts


def listing(root):
    """Of all below `root`, and of itself as "."."""
    found = {b".": describe(root, os.lstat(root))}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            try:
                facts = describe(path, os.lstat(path))
            except FileNotFoundError:  # overlayfs shows a whiteout in a folder that it does not merge
                facts = {"type": "a name of nothing"}
            found[os.path.relpath(path, os.fsencode(root))] = facts
    return found


def differences(ours, theirs, without=()):
    """The names of the facts of `theirs` in which an entry differs, "names" if one has what the other has
    not. Paths of `without` are left out."""
    different = set()
    for path in {*ours, *theirs} - {*without}:
        mine, other = ours.get(path), theirs.get(path)
        if mine is None or other is None:
            different.add("names")
            continue
        different |= {fact for fact, value in other.items() if mine.get(fact) != value}
    return different


def tell(ours, theirs, peer="peer"):
    """What a failure prints."""
    return "".join(f"\n{path}\n  stave {ours.get(path)}\n  {peer} {theirs.get(path)}" for path in sorted({*ours, *theirs})
                   if ours.get(path) != theirs.get(path))

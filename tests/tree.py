#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tree.py DIR [--no-mtime] [--overlay]: one line for each entry of a tree, sorted by path; for diff(1).

path type mode uid:gid size-or-rdev mtime(ns) links xattrs content-or-target

Regular files end with the SHA-256 of their content, symlinks with their target. Names are quoted as
Python does. Files with several links name the first path of their inode ("=PATH"), so that two trees
are the same only if the same names are linked together. The size and link count of directories are
the file system's business and left out. --no-mtime leaves times out; --overlay leaves out
trusted.overlay.* attributes (what a layer's folder has beside the image's own)."""

import hashlib
import os
import stat
import sys


def attributes(path, skip_overlay):
    names = sorted(os.listxattr(path, follow_symlinks=False))
    if skip_overlay:
        names = [n for n in names if not n.startswith(("trusted.overlay.", "user.overlay."))]
    return ",".join(f"{n}={os.getxattr(path, n, follow_symlinks=False).hex()}" for n in names) or "-"


def content(path, info):
    if stat.S_ISLNK(info.st_mode):
        return repr(os.readlink(path))
    if not stat.S_ISREG(info.st_mode):
        return "-"
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def size(info):
    if stat.S_ISBLK(info.st_mode) or stat.S_ISCHR(info.st_mode):
        return f"{os.major(info.st_rdev)},{os.minor(info.st_rdev)}"
    return str(info.st_size) if stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode) else "-"


def line(root, name, first, options):
    path = os.path.join(root, name)
    info = os.lstat(path)
    folder = stat.S_ISDIR(info.st_mode)
    links = "-" if folder else str(info.st_nlink)
    if not folder and info.st_nlink > 1:
        links += "=" + repr(first.setdefault(info.st_ino, name))
    mtime = "-" if "--no-mtime" in options else str(info.st_mtime_ns)
    kind = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "symlink", stat.S_IFCHR: "char",
            stat.S_IFBLK: "block", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}[stat.S_IFMT(info.st_mode)]
    return " ".join([repr(name), kind, f"{stat.S_IMODE(info.st_mode):04o}", f"{info.st_uid}:{info.st_gid}",
                     size(info), mtime, links, attributes(path, "--overlay" in options), content(path, info)])


def names(root):
    found = ["."]
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def main(root, *options):
    # Bytes that are no UTF-8 are kept apart: file names come as surrogates and repr() escapes them.
    first = {}
    for name in names(root):
        print(line(root, name, first, options))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])

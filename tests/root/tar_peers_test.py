#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""stave-unpack against GNU tar, bsdtar (libarchive) and Python's tarfile, entry by entry: on the archives
that Go's archive/tar is tested with, and on the same tree as each of these writes it, in each format.

Who refuses what is pinned: REFUSED is what stave refuses, with the reason; PEERS what else a peer
makes of an archive. Whoever changes their mind, the test fails. Needs root; leaves nothing behind.

tar_peers_test.py STAVE_UNPACK
"""

import bz2
import decimal
import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest

from trees import differences, listing, tell
from unpack_test import Result

sys.path.insert(0, "tests")
import cases

PROGRAM = os.path.abspath(sys.argv[1])

GO = "/usr/share/go-1.19/src/archive/tar/testdata"
LIMIT = str(1 << 37)  # pax-sparse-big.tar says 60 GB

# What stave refuses of Go's archives: the word, and why. Go refuses those marked *.
REFUSED = {
    "gnu-incremental.tar": ("E_TAR", "type D is no type of a layer: dockerd and umoci say so, too"),
    "gnu-multi-hdrs.tar": ("E_TAR", "two long names for one entry: readers disagree on which counts"),
    "issue10968.tar": ("E_TAR", "* negative size"),
    "issue11169.tar": ("E_TAR", "* a header without records, then nothing"),
    "issue12435.tar": ("E_TAR", "* size is no number"),
    "neg-size.tar": ("E_TAR", "* negative size"),
    "pax-bad-hdr-file.tar": ("E_TAR", "* length of a record"),
    "pax-bad-hdr-large.tar.bz2": ("E_LIMIT", "* extended header over 1 MiB"),
    "pax-bad-mtime-file.tar": ("E_TAR", "* mtime is no number"),
    "pax-global-records.tar": ("E_TAR", "a global path: some readers give it to every entry"),
    "pax-multi-hdrs.tar": ("E_TAR", "two extended headers for one entry: readers disagree"),
    "pax-nul-path.tar": ("E_TAR", "* NUL in a name"),
    "pax-nul-xattrs.tar": ("E_TAR", "* NUL in the name of an attribute"),
    "pax-path-hdr.tar": ("E_TAR", "an extended header without an entry: something is missing"),
    "writer-big-long.tar": ("E_TAR", "* a header of 16 GiB, without the data"),
    "writer-big.tar": ("E_TAR", "* a header of 16 GiB, without the data"),
}
# Where a peer does otherwise: "refuses", "takes" (what stave refuses), "names" (one has an entry that the
# other has not), or the fields that differ; and why.
ALL, LOOSE = ("GNU tar", "bsdtar", "Python"), "it reads on"
PEERS = {
    **{("gnu-incremental.tar", peer): ("takes", "") for peer in ALL},
    **{("gnu-multi-hdrs.tar", peer): ("takes", "the first or the last") for peer in ALL},
    **{("issue10968.tar", peer): ("refuses", "") for peer in ALL},
    **{("issue11169.tar", peer): ("refuses", "") for peer in ALL},
    **{("issue12435.tar", peer): ("refuses", "") for peer in ALL},
    **{("neg-size.tar", peer): ("refuses", "") for peer in ALL},
    **{("writer-big.tar", peer): ("refuses", "") for peer in ALL},
    **{("writer-big-long.tar", peer): ("refuses", "") for peer in ALL},
    ("pax-global-records.tar", "GNU tar"): ("refuses", "its global path is empty in the end"),
    **{("pax-global-records.tar", peer): ("takes", "global records") for peer in ("bsdtar", "Python")},
    **{("pax-nul-path.tar", peer): ("takes", "the name up to NUL") for peer in ALL},
    **{("invalid-go17.tar", peer): ("names", "a prefix in a GNU header, as Go before 1.8 wrote them; Go and stave "
                                             "read it, others leave it out") for peer in ("GNU tar", "bsdtar")},
    ("nil-uid.tar", "bsdtar"): ("content size", "a size with blanks behind it is read as another"),
    ("pax-bad-hdr-file.tar", "GNU tar"): ("refuses", ""),
    ("pax-bad-hdr-file.tar", "bsdtar"): ("refuses", ""),
    ("pax-bad-hdr-file.tar", "Python"): ("either", "Debian's security updates made it strict"),
    ("pax-bad-hdr-large.tar.bz2", "GNU tar"): ("refuses", ""),
    ("pax-bad-hdr-large.tar.bz2", "bsdtar"): ("refuses", ""),
    ("pax-bad-hdr-large.tar.bz2", "Python"): ("takes", "no bound"),
    ("pax-bad-mtime-file.tar", "GNU tar"): ("takes", LOOSE),
    ("pax-bad-mtime-file.tar", "bsdtar"): ("takes", LOOSE),
    ("pax-bad-mtime-file.tar", "Python"): ("refuses", ""),
    ("pax-multi-hdrs.tar", "GNU tar"): ("takes", "the last"),
    ("pax-multi-hdrs.tar", "bsdtar"): ("refuses", ""),
    ("pax-multi-hdrs.tar", "Python"): ("takes", "the first"),
    ("pax-nul-xattrs.tar", "GNU tar"): ("refuses", ""),
    ("pax-nul-xattrs.tar", "bsdtar"): ("refuses", ""),
    ("pax-nul-xattrs.tar", "Python"): ("takes", LOOSE),
    ("pax-path-hdr.tar", "GNU tar"): ("takes", "an empty archive"),
    ("pax-path-hdr.tar", "bsdtar"): ("refuses", ""),
    ("pax-path-hdr.tar", "Python"): ("refuses", ""),
    ("sparse-formats.tar", "GNU tar"): ("refuses", "it wants every part to fill its blocks, Go and others do not"),
    **{(file, "Python"): ("size", "it takes the size with the map where a size record stands beside it")
       for file in ("pax-nil-sparse-data.tar", "pax-nil-sparse-hole.tar", "pax-sparse-big.tar")},
}

LARGE = ["long*", "hole", "ids", "old", "late"]  # what v7 and ustar cannot hold
SPECIAL = ["fifo", "char", "block"]  # nor v7
TREE = """
mkdir -p "$0"/{bin,dir/a/b,empty}; cd "$0"
printf '#!' >bin/set; chown 3:4 bin/set; chmod 6755 bin/set; ln bin/set dir/hard; ln -s /bin/set dir/link
ln -s "$(printf '%090d' 0)" dir/link90; mkfifo dir/fifo; mknod dir/char c 1 3; mknod dir/block b 8 255
printf x >"dir/$(printf 'line\nend')"; printf y >'dir/with  space'; printf z >dir/caf$'\xc3\xa9'; : >dir/a/b/none
printf 1 >"long$(printf '%0150d' 1)"; ln -s "$(printf '%0150d' 1)" longlink; mkdir -p "long/$(printf '%0120d' 1)/d"
head -c 70000 /dev/urandom >dir/random; chmod 1777 dir; chmod 2750 dir/a; chmod 0 dir/random; chmod 0400 empty
printf 2 >ids; chown 3000000:4294967294 ids; printf 3 >old; printf 4 >late
truncate -s 10M hole; for i in 1 2 3 5 8 13 21 34 55 89; do printf 'data at %d' $i | dd of=hole bs=1 seek=$((i * 100000)) conv=notrunc status=none; done
cp --sparse=always hole dir/end; printf end >>dir/end; truncate -s 5M dir/nothing; mv dir/end dir/nothing long/
if setfattr -n user.note -v value dir/random; then setfattr -n user.note -v dirs dir; setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 bin/set; fi
touch -d @1500000000.123456789 dir/random; touch -h -d @1000000000 dir/link; touch -d @86400 dir/a; touch -d @0 empty
touch -d '1960-01-02 03:04:05 UTC' old; touch -d @9000000000 late
"""


def clean(name):
    return os.path.normpath(os.fsencode(name).lstrip(b"/"))


class Refused(Exception):
    pass


def python_members(data):
    """The listing that tarfile's members make, and their names."""
    kinds = {tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.CHRTYPE: stat.S_IFCHR,
             tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO}
    found = {}
    try:
        archive = tarfile.open(fileobj=io.BytesIO(data), mode="r:", encoding="utf-8", errors="surrogateescape")
        members = archive.getmembers()
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
        raise Refused(error) from error
    for member in members:
        kind = kinds.get(member.type, stat.S_IFREG)
        text = member.pax_headers.get("mtime", str(int(member.mtime)))
        try:
            mtime = int(decimal.Decimal(text).scaleb(9).to_integral_value(decimal.ROUND_FLOOR))
        except decimal.InvalidOperation as error:
            raise Refused(error) from error
        facts = {"type": oct(kind), "mode": oct(member.mode & 0o7777), "uid": member.uid, "gid": member.gid,
                 "mtime": mtime}
        if member.issym():
            del facts["mode"]
            facts["target"] = os.fsencode(member.linkname)
        elif member.isfile():
            facts["size"] = member.size
        elif member.islnk():
            facts = {}  # those of its target
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            facts["device"] = os.makedev(member.devmajor, member.devminor)
        found[clean(member.name)] = facts
    return found


class TarPeersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root")
        if not shutil.which("bsdtar"):
            raise unittest.SkipTest("bsdtar is missing")
        os.umask(0)
        cls.top = tempfile.mkdtemp(prefix="stave-tar-", dir="/dev/shm")
        cls.addClassCleanup(shutil.rmtree, cls.top)

    def fresh(self, name):
        root = os.path.join(self.top, name)
        shutil.rmtree(root, ignore_errors=True)
        os.mkdir(root)
        return root

    def stave(self, data):
        root = self.fresh("stave")
        result = Result(PROGRAM, data, root, ("--max-bytes", LIMIT))
        if result.code:
            raise Refused(result.error.decode().strip())
        return listing(root), {os.path.join(p) for p in result.report["implied_parents"]}

    def extracted(self, command, data):
        root = self.fresh("peer")
        done = subprocess.run([*command, "-C", root, "-f", "-"], input=data, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
        if done.returncode:
            raise Refused(done.stderr.decode(errors="replace").strip()[-300:])
        return listing(root)

    def peers(self, data):
        yield "GNU tar", lambda: self.extracted(
            ["tar", "-xp", "--numeric-owner", "--delay-directory-restore", "--xattrs", "--xattrs-include=user.*",
             "--xattrs-include=security.capability"], data)
        yield "bsdtar", lambda: self.extracted(["bsdtar", "-xp", "--numeric-owner", "--xattrs"], data)
        yield "Python", lambda: python_members(data)

    def compare(self, name, data):
        with self.subTest(archive=name):
            ours, implied, why = None, set(), None
            try:
                ours, implied = self.stave(data)
            except Refused as error:
                why = str(error)
            want = REFUSED.get(name)
            if want is None:
                self.assertIsNone(why)
            else:
                self.assertRegex(why or "not at all", f"\\[{want[0]}\\]$", "should be refused")
            for peer, run in self.peers(data):
                with self.subTest(archive=name, peer=peer):
                    self.compare_with(run, PEERS.get((name, peer), ("",))[0], ours, implied)

    def compare_with(self, run, expected, ours, implied):
        try:
            theirs = run()
        except Refused as error:
            self.assertIn(expected, ("refuses", "either"), error)
            return
        if ours is None:
            self.assertIn(expected, ("takes", "either"), f"the peer takes what stave refuses: {list(theirs)}")
            return
        different = differences(ours, theirs, {*implied, b"."})
        self.assertEqual(different, set(expected.split()), tell(ours, theirs))

    @unittest.skipUnless(os.path.isdir(GO), "golang-1.19-src is missing")
    def test_archives_of_go(self):
        seen = set()
        for file in sorted(os.listdir(GO)):
            if ".tar" not in file:
                continue
            with open(os.path.join(GO, file), "rb") as archive:
                data = archive.read()
            self.compare(file, bz2.decompress(data) if file.endswith(".bz2") else data)
            seen.add(file)
        self.assertLessEqual({*REFUSED, *(name for name, _ in PEERS)}, seen)

    def test_the_same_tree_by_each_writer(self):
        source = os.path.join(self.top, "source")
        subprocess.run(["bash", "-ec", TREE, source], check=True)
        names = sorted(os.fsencode(n) for n in os.listdir(source))
        for form in ("v7", "ustar", "oldgnu", "gnu", "posix"):
            small = form in ("v7", "ustar")
            left_out = LARGE + (SPECIAL if form == "v7" else []) if small else []
            left_out = [f"--exclude={name}" for name in left_out]
            for sparse in ([] if small else ["--sparse"], ["--sparse", "--sparse-version=0.0"],
                           ["--sparse", "--sparse-version=0.1"], ["--sparse", "--sparse-version=1.0"]):
                if len(sparse) == 2 and form != "posix":
                    continue
                xattrs = ["--xattrs", "--xattrs-include=*"] if form == "posix" else []
                data = subprocess.run(["tar", "-C", source, f"--format={form}", *sparse, *xattrs, *left_out,
                                       "-c", "."], stdout=subprocess.PIPE, check=True).stdout
                self.compare(" ".join(["our GNU tar", form, *sparse]), data)
        for form in ("v7tar", "ustar", "gnutar", "pax", "paxr"):
            left_out = LARGE + (SPECIAL if form == "v7tar" else []) if form in ("v7tar", "ustar") else []
            left_out = [arg for name in left_out for arg in ("--exclude", name)]
            done = subprocess.run(["bsdtar", "-C", source, f"--format={form}", *left_out, "-cf", "-", "."],
                                  stdout=subprocess.PIPE, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
            self.compare(f"our bsdtar {form}", done.stdout)
        for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as tar:
                for name in names:
                    if os.fsdecode(name) != "hole":
                        tar.add(os.path.join(source, os.fsdecode(name)), arcname=os.fsdecode(name))
            self.compare(f"our Python {form}", out.getvalue())


if __name__ == "__main__":
    cases.main()

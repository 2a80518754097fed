#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""images.py FOLDER [--tar FILE]: the images that pulls.py pulls, as OCI layouts with one tag, "latest".

    FOLDER/one-gzip, one-zstd    one layer of about 170 MB: a Debian root by mmdebstrap, or FILE; without
                                 either, as much of this machine's /usr
    FOLDER/many-gzip, many-zstd  12 layers of 610 MB together: 40 000 small files of text in ten of them,
                                 large files in two, of which each second megabyte does not compress

The same bytes each time, given the same packages and compressors; what is there is not made again.
"""

import argparse
import hashlib
import io
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile

KIND = "application/vnd.oci.image."
EPOCH = 1700000000
PACKERS = {"gzip": ["gzip", "-6", "-n", "-c"], "zstd": ["zstd", "-q", "-3", "-T1", "-c"]}
ONE_BYTES = 165 << 20
LAYERS, LARGE_LAYERS, FOLDERS, FILES = 12, (4, 9), 40, 100
MEGABYTE = 1 << 20


class Tar:
    def __init__(self, path):
        self.tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)

    def add(self, name, kind=tarfile.REGTYPE, data=b"", mode=0o644, link=""):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.mtime, info.linkname, info.size = kind, mode, EPOCH, link, len(data)
        self.tar.addfile(info, io.BytesIO(data))

    def folder(self, name):
        self.add(name, tarfile.DIRTYPE, mode=0o755)


# Words as a language has them, a few often and most seldom: deflate makes a third of it.
def text(rng, size):
    letters = "eeeetttaaooiinnsshhrrdlcumwfgypbvk"
    words = ["".join(rng.choices(letters, k=rng.randint(1, 10))) for _ in range(9000)]
    often = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words))))
    return " ".join(rng.choices(words, cum_weights=often, k=size // 4)).encode()[:size]


def slice_of(pool, rng, size):
    start = rng.randrange(len(pool) - size)
    return pool[start:start + size]


def large_layer(tar, rng, pool, top):
    for number in range(3):
        parts = [slice_of(pool, rng, MEGABYTE) if part % 2 else rng.randbytes(MEGABYTE) for part in range(58)]
        tar.add(f"{top}/large{number}", data=b"".join(parts))


def small_layer(tar, rng, pool, top, below):
    for folder in range(FOLDERS):
        tar.folder(f"{top}/{folder:02}")
        for number in range(FILES):
            size = min(60000, int(rng.expovariate(1 / 5300)))
            tar.add(f"{top}/{folder:02}/{number:02}", data=slice_of(pool, rng, size), mode=0o755 if number % 25 == 0 else 0o644)
    tar.add(f"{top}/symlink", tarfile.SYMTYPE, link="00/01", mode=0o777)
    tar.add(f"{top}/hardlink", tarfile.LNKTYPE, link=f"{top}/00/02")
    if below:
        tar.folder(below)
        tar.folder(f"{below}/00")
        tar.add(f"{below}/00/.wh.03")


# Writes the twelve tars; returns their paths.
def many_tars(folder):
    rng = random.Random(4)
    pool, paths, below = text(rng, 8 * MEGABYTE), [], None
    for layer in range(LAYERS):
        paths.append(os.path.join(folder, f"layer{layer}.tar"))
        top, tar = f"part{layer}", Tar(paths[-1])
        tar.folder(top)
        if layer in LARGE_LAYERS:
            large_layer(tar, rng, pool, top)
        else:
            small_layer(tar, rng, pool, top, below)
            below = top
        tar.tar.close()
    return paths


def owned_by_root(info):
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    info.mtime = EPOCH
    return info


# For machines without mmdebstrap: the same kind of files, as many as make the size.
def machine_tar(path):
    total = 0
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add("/usr", "usr", recursive=False, filter=owned_by_root)
        for top, folders, files in os.walk("/usr"):
            folders.sort()
            for name in sorted(files) + folders:
                full = os.path.join(top, name)
                tar.add(full, full[1:], recursive=False, filter=owned_by_root)
                total += 0 if os.path.islink(full) else os.path.getsize(full)
            if total > ONE_BYTES:
                return


def one_tar(path, given):
    if given:
        shutil.copyfile(given, path)
    elif shutil.which("mmdebstrap"):
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", path], check=True, env=dict(os.environ, SOURCE_DATE_EPOCH=str(EPOCH)))
    else:
        print("mmdebstrap is missing: the machine's own /usr instead", file=sys.stderr)
        machine_tar(path)


# --- layouts -------------------------------------------------------------------------------------


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(MEGABYTE):
            digest.update(chunk)
    return "sha256:" + digest.hexdigest()


class Layout:
    def __init__(self, top):
        self.top, self.layers, self.diffs = top, [], []
        os.makedirs(top + "/blobs/sha256")

    def _blob(self, kind, path):
        digest, size = digest_of(path), os.path.getsize(path)
        os.rename(path, f"{self.top}/blobs/sha256/{digest[7:]}")
        return {"mediaType": KIND + kind, "digest": digest, "size": size}

    def _json(self, kind, value):
        path = self.top + "/value"
        with open(path, "w", encoding="utf-8") as out:
            json.dump(value, out)
        return self._blob(kind, path)

    def layer(self, tar, packer):
        path = self.top + "/layer"
        with open(tar, "rb") as source, open(path, "wb") as out:
            subprocess.run(PACKERS[packer], stdin=source, stdout=out, check=True)
        self.layers.append(self._blob("layer.v1.tar+" + packer, path))
        self.diffs.append(digest_of(tar))

    def finish(self):
        image = {"created": "2023-11-14T22:13:20Z", "architecture": "amd64", "os": "linux", "config": {"Cmd": ["true"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
                 "rootfs": {"type": "layers", "diff_ids": self.diffs}, "history": [{"created": "2023-11-14T22:13:20Z", "created_by": "bench"} for _ in self.diffs]}
        manifest = {"schemaVersion": 2, "mediaType": KIND + "manifest.v1+json", "config": self._json("config.v1+json", image), "layers": self.layers}
        entry = dict(self._json("manifest.v1+json", manifest), annotations={"org.opencontainers.image.ref.name": "latest"})
        for name, value in (("index.json", {"schemaVersion": 2, "manifests": [entry]}), ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
            with open(f"{self.top}/{name}", "w", encoding="utf-8") as out:
                json.dump(value, out)


# The packed layers of a layout that is there, lowest first.
def layers(top):
    def blob(digest):
        return f"{top}/blobs/sha256/{digest[7:]}"

    with open(top + "/index.json", encoding="utf-8") as file:
        manifest = json.load(file)["manifests"][0]["digest"]
    with open(blob(manifest), encoding="utf-8") as file:
        return [blob(layer["digest"]) for layer in json.load(file)["layers"]]


# Makes what is missing; returns {name of the layout: (its folder, the tars in it)}.
def make(folder, given=None):
    tars = os.path.join(folder, "tars")
    os.makedirs(tars, exist_ok=True)
    sets = {"one": [tars + "/one.tar"], "many": [f"{tars}/layer{layer}.tar" for layer in range(LAYERS)]}
    if not all(map(os.path.exists, sets["one"])):
        one_tar(sets["one"][0] + ".new", given)
        os.rename(sets["one"][0] + ".new", sets["one"][0])
    if not all(map(os.path.exists, sets["many"])):
        many_tars(tars)
    made = {}
    for name, packer in itertools.product(sets, PACKERS):
        top = os.path.join(folder, f"{name}-{packer}")
        made[f"{name}-{packer}"] = (top, sets[name])
        if not os.path.exists(top):
            shutil.rmtree(top + ".new", ignore_errors=True)
            layout = Layout(top + ".new")
            for tar in sets[name]:
                layout.layer(tar, packer)
            layout.finish()
            os.rename(top + ".new", top)
    return made


def main():
    parser = argparse.ArgumentParser(description="The images of the pull bench.")
    parser.add_argument("folder")
    parser.add_argument("--tar", help="the root of the image of one layer")
    options = parser.parse_args()
    for name, (top, tars) in make(options.folder, options.tar).items():
        packed = sum(map(os.path.getsize, layers(top)))
        print(f"{name}: {len(tars)} layers, {packed / 1e6:.0f} MB, unpacked {sum(map(os.path.getsize, tars)) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()

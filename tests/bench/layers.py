# SPDX-License-Identifier: Apache-2.0
"""What the number of an image's layers costs a start: the same small image, in one layer and with more on top
of it, each with a file of its own; up to what the kernel's overlayfs takes. In turn, round by round."""

import json

COUNTS = (1, 2, 40, 120, 400, 500)


def document(place, count):
    layers = [place.busybox()] + [place.tar([(f"f{number}", "f", b"%d" % number, 0o644)]) for number in range(1, count)]
    done = place.run(["image-fetch", "-q", place.layout(f"layers-{count}", layers)], check=True)
    path = place.path(f"layers-{count}.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump(json.loads(done.stdout), out)
    return path


# `rounds` and `table` are bench.py's.
def run(place, count, rounds, table):
    documents = {layers: document(place, layers) for layers in COUNTS}

    def name(layers):
        return f"{layers} layers" if layers > 1 else "1 layer"

    starts = {name(layers): ["ns-run", "--rm", "--config", path, "--", "true"] for layers, path in documents.items()}
    table("A start, by the layers of its image", rounds(starts, count, place), name(1))
    place.run("mkdir -p layers-mounted")
    mounts = {name(layers): ["sh", "-c", f"layer-mount --now layers-mounted <{path} && layer-mount --unmount layers-mounted"]
              for layers, path in documents.items()}
    table("layer-mount --now and --unmount, by layers", rounds(mounts, count, place), name(1))

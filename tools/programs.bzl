"""The programs there are: what //packaging:tree stages and tests/manual_test compares."""

PROGRAMS = [
    "cgroup-limit",
    "image-fetch",
    "image-remove",
    "layer-mount",
    "ns-run",
    "ps-lister",
    "ps-remove",
    "registry-login",
    "registry-logout",
    "stave",
    "stave-oci",
    "store-check",
]

# Executed by programs only; they live in libexec/stave and have no page.
HELPERS = [
    "stave-pull",
    "stave-scope",
    "stave-unpack",
]

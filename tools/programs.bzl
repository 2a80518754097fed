"""The programs there are: what //packaging:tree stages and tests/manual_test compares."""

PROGRAMS = [
    "cgroup-limit",
    "file-copy",
    "image-fetch",
    "image-list",
    "image-remove",
    "image-search",
    "image-tag",
    "layer-diff",
    "layer-mount",
    "log-read",
    "ns-exec",
    "ns-run",
    "ps-lister",
    "ps-remove",
    "ps-rename",
    "ps-signal",
    "ps-stat",
    "ps-wait",
    "ps-why",
    "registry-login",
    "registry-logout",
    "stave",
    "stave-oci",
    "store-check",
    "store-info",
    "tty-attach",
]

# Executed by programs only; they live in libexec/stave and have no page.
HELPERS = [
    "stave-monitor",
    "stave-pull",
    "stave-scope",
    "stave-unpack",
]

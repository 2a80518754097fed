"""Rules for the programs under tools/."""

load("@rules_cc//cc:defs.bzl", "cc_binary")
load("//tools:cc.bzl", "LIBRARY_COPTS", "cc_test", "with_precompiled")

# The date that the manual pages show.
_PAGE_DATE = "1795132800"  # 2026-11-20

def stave_tool(name, static = True, deps = [], copts = [], linkopts = [], **kwargs):
    """A program. Linked statically, it starts in a fraction of the time.

    Where NAME.1.scd or NAME.8.scd lies beside it, also its manual page and its completion files."""
    copts = LIBRARY_COPTS + copts
    if static:
        kwargs.update(with_precompiled("library", deps, copts))
    else:
        kwargs.update(deps = deps, copts = copts)
    cc_binary(
        name = name,
        linkopts = linkopts + (select({
            "//tools:sanitized": [],
            "//conditions:default": ["-static", "-Wl,--gc-sections"],
        }) if static else []),
        visibility = ["//visibility:public"],
        **kwargs
    )
    for page in native.glob([name + ".*.scd"]):
        _stave_manual(name, page)

def _stave_manual(name, page):
    """:NAME_manual is NAME.1 or NAME.8, with `@OPTIONS@` replaced by `NAME --help=man`; :NAME_completion is
    what the shells need, made from `NAME --help=complete`."""

    # The program is among srcs, not tools: else it is compiled twice.
    native.genrule(
        name = name + "_manual",
        srcs = [
            page,
            name,
        ],
        outs = [page[:-len(".scd")]],
        cmd = """
            $(location {name}) --help=man > $(@D)/options.scd
            sed -e '/^@OPTIONS@$$/r '$(@D)/options.scd -e '/^@OPTIONS@$$/d' $(location {page}) |
              SOURCE_DATE_EPOCH={date} scdoc > $@
            rm $(@D)/options.scd
        """.format(name = name, page = page, date = _PAGE_DATE),
        visibility = [
            "//:packaging_layer",
            "//:tests_layer",
        ],
    )
    native.genrule(
        name = name + "_completion",
        srcs = [name],
        outs = [
            name + ".bash",
            "_" + name,
            name + ".fish",
        ],
        cmd = """
            $(location {name}) --help=complete > $(@D)/table
            for shell in bash:{name}.bash zsh:_{name} fish:{name}.fish; do
              python3 $(location //tools:completion.py) $${{shell%%:*}} {name} < $(@D)/table > $(@D)/$${{shell#*:}}
            done
            rm $(@D)/table
        """.format(name = name),
        tools = ["//tools:completion.py"],
        visibility = [
            "//:packaging_layer",
            "//:tests_layer",
        ],
    )

def stave_page(name, src):
    """A manual page without options: NAME is as in stave-document.5."""
    native.genrule(
        name = name + "_page",
        srcs = [src],
        outs = [name],
        cmd = "SOURCE_DATE_EPOCH=" + _PAGE_DATE + " scdoc < $< > $@",
        visibility = [
            "//:packaging_layer",
            "//:tests_layer",
        ],
    )

def stave_fuzz(name, srcs, deps = [], corpus = [], **kwargs):
    """A libFuzzer program, built with --config=fuzz and run by hand.

    Other builds make a test of it that runs the corpus (labels) once."""
    cc_test(
        name = name,
        srcs = srcs + select({
            "//tools:fuzz": [],
            "//conditions:default": ["//tests/fuzz:replay.cc"],
        }),
        args = select({
            "//tools:fuzz": [],
            "//conditions:default": ["$(locations %s)" % c for c in corpus],
        }),
        data = corpus,
        size = "small",
        deps = deps,
        linkopts = select({
            "//tools:fuzz": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        **kwargs
    )

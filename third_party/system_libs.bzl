"""Repositories made from the libraries that are installed on this machine.

pkg_config_repository makes one repository out of pkg-config modules:

    targets   "package:name" -> pkg-config modules, separated by spaces
    debian    the package to install when a module is missing
    drop      link flags to leave out
    shared    True where the distribution has no archive that can be used

An archive is taken where there is one, and so a program needs few shared
libraries (it starts faster), or, with -static, none. Headers under /usr/include
are the compiler's own to Bazel: after an upgrade of a library, bazel clean.
"""

_PLAIN = ["-I/usr/include", "-I/usr/include/x86_64-linux-gnu", "-I/usr/include/aarch64-linux-gnu"]

def _pkg_config(ctx, args, modules):
    tool = ctx.which("pkg-config")
    if not tool:
        fail("\n\n  pkg-config is missing. On Debian: apt-get install pkgconf\n")
    done = ctx.execute([tool] + args + modules)
    if done.return_code != 0:
        fail("\n\n  @{}: {} is missing. On Debian: apt-get install {}\n\n{}".format(
            ctx.name,
            " ".join(modules),
            ctx.attr.debian,
            done.stderr,
        ))
    return [word for word in done.stdout.strip().split(" ") if word]

# Parts of glibc since 2.34.
_IN_LIBC = ["-ldl", "-lpthread", "-lrt", "-lm"]

def _archive(ctx, flag, known):
    """-lNAME as -l:libNAME.a where the linker finds that file."""
    if not flag.startswith("-l") or ctx.attr.shared:
        return flag
    if flag not in known:
        name = "lib%s.a" % flag[2:]
        found = ctx.execute([ctx.which("gcc") or "cc", "-print-file-name=" + name])
        known[flag] = "-l:" + name if found.stdout.strip() != name else flag
    return known[flag]

def _include(ctx, flag):
    """Links the directory of an -I flag into the repository; returns its name."""
    name = flag[2:].strip("/").replace("/", "_")
    if not ctx.path(name).exists:
        ctx.symlink(flag[2:], name)
    return name

_TARGET = """
cc_library(
    name = "{name}",
    defines = {defines},
    linkopts = {linkopts},
    deps = {deps},
)
"""

_HEADERS = """
cc_library(
    name = "{name}",
    hdrs = glob(["{name}/**"]),
    includes = ["{name}"],
)
"""

def _pkg_config_repository_impl(ctx):
    builds = {"": ""}
    headers = {}
    known = {}
    for label, modules in ctx.attr.targets.items():
        package, name = label.split(":")
        modules = modules.split(" ")
        cflags = _pkg_config(ctx, ["--cflags"], modules)
        includes = [_include(ctx, f) for f in cflags if f.startswith("-I") and f not in _PLAIN]
        for include in includes:
            headers[include] = True
        libs = _pkg_config(ctx, ["--libs"] + ([] if ctx.attr.shared else ["--static"]), modules)
        libs = [_archive(ctx, f, known) for f in libs if f not in ctx.attr.drop + _IN_LIBC]
        builds[package] = builds.get(package, "") + _TARGET.format(
            name = name,
            defines = repr([f[2:] for f in cflags if f.startswith("-D")]),
            deps = repr(["//:" + i for i in includes] + ctx.attr.deps),
            linkopts = repr(["-Wl,--as-needed"] + libs),
        )
    builds[""] += "".join([_HEADERS.format(name = h) for h in headers]) + ctx.attr.extra
    for package, text in builds.items():
        ctx.file(
            (package + "/" if package else "") + "BUILD.bazel",
            'package(default_visibility = ["//visibility:public"])\n' + text,
            executable = False,
        )
    for path, name in ctx.attr.links.items():
        if not ctx.path(path).exists:
            fail("\n\n  @{}: {} is missing. On Debian: apt-get install {}\n".format(ctx.name, path, ctx.attr.debian))
        ctx.symlink(path, name)

pkg_config_repository = repository_rule(
    implementation = _pkg_config_repository_impl,
    attrs = {
        "targets": attr.string_dict(mandatory = True),
        "debian": attr.string(mandatory = True),
        "deps": attr.string_list(doc = "More deps for each target."),
        "drop": attr.string_list(default = ["-Wl,--push-state,--as-needed", "-latomic", "-Wl,--pop-state"]),
        "extra": attr.string(doc = "More text for the top BUILD file."),
        "links": attr.string_dict(doc = "File on the machine -> its name in the repository."),
        "shared": attr.bool(),
    },
    environ = ["PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"],
    configure = True,
)

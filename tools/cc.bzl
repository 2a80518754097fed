"""cc_library and cc_test as every package here uses them: the headers that nearly every file includes (the
standard library's, Abseil's, GoogleTest's) are compiled once. A build from nothing takes half the time.

A source still includes what it uses: clang's builds (--config=fuzz, dev/lint) have no precompiled
headers, and GCC reads the text where a flag differs from those that made them."""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _precompiled_header(ctx):
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    header = ctx.actions.declare_file(ctx.label.name + ".h")
    compiled = ctx.actions.declare_file(ctx.label.name + ".h.gch")
    ctx.actions.write(header, "".join(["#include <%s>\n" % name for name in ctx.attr.headers]))
    defines = [dep[CcInfo].compilation_context.defines for dep in ctx.attr.deps]
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = toolchain,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + ctx.attr.copts,
        source_file = header.path,
        output_file = compiled.path,
        preprocessor_defines = depset(transitive = defines),
        use_pic = True,
    )
    arguments = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
        variables = variables,
    )
    ctx.actions.run(
        executable = cc_common.get_tool_for_action(feature_configuration = features, action_name = CPP_COMPILE_ACTION_NAME),
        arguments = ["-x", "c++-header"] + arguments,
        env = cc_common.get_environment_variables(
            feature_configuration = features,
            action_name = CPP_COMPILE_ACTION_NAME,
            variables = variables,
        ),
        inputs = depset([header], transitive = [toolchain.all_files]),
        outputs = [compiled],
        mnemonic = "CppPrecompile",
    )
    files = depset([header, compiled])
    return [
        DefaultInfo(files = files),
        CcInfo(compilation_context = cc_common.create_compilation_context(headers = files)),
    ]

precompiled_header = rule(
    implementation = _precompiled_header,
    doc = "NAME.h, which includes the headers, and NAME.h.gch, which GCC takes instead of it.",
    attrs = {
        "copts": attr.string_list(),
        "deps": attr.label_list(providers = [CcInfo]),
        "headers": attr.string_list(mandatory = True),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

# Nothing here catches: what is thrown by a library ends the program (libs/cli/last_words.h), and does so
# without code to clean up on the way.
LIBRARY_COPTS = ["-fno-exceptions"]

# A test is sooner compiled than it would be faster.
TEST_COPTS = ["-O0"]

def with_precompiled(kind, deps, copts):
    return {
        "copts": copts + select({
            "//tools:clang": [],
            "//conditions:default": ["-include", "$(BINDIR)/tools/precompiled/%s.h" % kind],
        }),
        "deps": deps + select({
            "//tools:clang": [],
            "//conditions:default": ["//tools/precompiled:" + kind],
        }),
    }

def cc_library(name, deps = [], copts = [], srcs = [], **kwargs):
    compiled = [src for src in srcs if not src.endswith(".h")]
    if compiled and not [src for src in compiled if src.endswith(".c")]:
        kwargs.update(with_precompiled("library", deps, LIBRARY_COPTS + copts))
    else:
        kwargs.update(deps = deps, copts = copts)
    native.cc_library(name = name, srcs = srcs, **kwargs)

def cc_test(name, deps = [], copts = [], **kwargs):
    kwargs.update(with_precompiled("test", deps, TEST_COPTS + copts))
    native.cc_test(name = name, **kwargs)

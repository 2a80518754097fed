"""The repositories of this workspace: all of them are on the machine."""

load("//third_party:protobuf.bzl", "PROTOBUF_EXTRA", "PROTOBUF_LINKS")
load("//third_party:system_libs.bzl", "pkg_config_repository")

def rule_sets():
    native.local_repository(name = "remote_coverage_tools", path = "third_party/coverage_tools")
    native.local_repository(name = "rules_cc", path = "third_party/rules_cc")
    native.local_repository(name = "rules_java", path = "/usr/share/bazel/rules/java")
    native.local_repository(name = "rules_proto", path = "/usr/share/bazel/rules/proto")
    native.local_repository(name = "platforms", path = "/usr/share/bazel/platforms")

def system_libraries():
    pkg_config_repository(
        name = "com_google_absl",
        debian = "libabsl-dev",
        targets = {
            "absl/algorithm:container": "absl_algorithm_container",
            "absl/base:base": "absl_base",
            "absl/cleanup:cleanup": "absl_cleanup",
            "absl/container:btree": "absl_btree",
            "absl/container:flat_hash_map": "absl_flat_hash_map",
            "absl/container:flat_hash_set": "absl_flat_hash_set",
            "absl/container:inlined_vector": "absl_inlined_vector",
            "absl/functional:function_ref": "absl_function_ref",
            "absl/memory:memory": "absl_memory",
            "absl/status:status": "absl_status",
            "absl/status:statusor": "absl_statusor",
            "absl/strings:strings": "absl_strings absl_str_format",
            "absl/synchronization:synchronization": "absl_synchronization",
            "absl/time:time": "absl_time",
            "absl/types:span": "absl_span",
        },
    )
    pkg_config_repository(
        name = "com_github_gflags_gflags",
        debian = "libgflags-dev",
        targets = {":gflags": "gflags"},
    )

    # Debian's libunwind.a has its own _Unwind_Resume, which clashes with
    # libgcc_eh's, and is not position-independent: see glog_static.c.
    pkg_config_repository(
        name = "com_github_google_glog",
        debian = "libgoogle-glog-dev",
        drop = ["-lunwind"],
        targets = {":glog": "libglog"},
        deps = ["@stave//third_party:glog_static"],
    )
    pkg_config_repository(
        name = "com_googlesource_code_re2",
        debian = "libre2-dev",
        targets = {":re2": "re2"},
    )
    pkg_config_repository(
        name = "com_google_protobuf",
        debian = "libprotobuf-dev protobuf-compiler",
        targets = {
            ":protobuf": "protobuf",
            ":protobuf_lite": "protobuf-lite",
        },
        extra = PROTOBUF_EXTRA,
        links = PROTOBUF_LINKS,
    )
    pkg_config_repository(
        name = "com_google_googletest",
        debian = "libgtest-dev libgmock-dev",
        targets = {
            ":gtest": "gmock gtest",
            ":gtest_main": "gmock_main gmock gtest",
        },
    )
    pkg_config_repository(
        name = "com_github_google_benchmark",
        debian = "libbenchmark-dev",
        targets = {":benchmark": "benchmark"},
    )
    for name, module, debian, shared in [
        ("curl", "libcurl", "libcurl4-openssl-dev", True),
        ("deflate", "libdeflate", "libdeflate-dev", False),
        ("isal", "libisal", "libisal-dev", True),
        ("nftables", "libnftables", "libnftables-dev", True),  # tests only: the oracle
        ("nl_route", "libnl-route-3.0", "libnl-route-3-dev", False),
        ("rapidjson", "RapidJSON", "rapidjson-dev", False),
        ("seccomp", "libseccomp", "libseccomp-dev", False),
        ("crypto", "libcrypto", "libssl-dev", False),
        ("ssl", "libssl", "libssl-dev", False),
        ("systemd", "libsystemd", "libsystemd-dev", True),
        ("zlib", "zlib", "zlib1g-dev", False),
        ("zstd", "libzstd", "libzstd-dev", False),
    ]:
        pkg_config_repository(
            name = name,
            debian = debian,
            shared = shared,
            targets = {":" + name: module},
        )

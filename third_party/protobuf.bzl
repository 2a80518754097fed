"""What Bazel's own proto rules look for in @com_google_protobuf, from the
machine's protoc and headers."""

_WELL_KNOWN = ["any", "api", "descriptor", "duration", "empty", "field_mask", "source_context", "struct", "timestamp", "type", "wrappers"]

PROTOBUF_LINKS = dict(
    [("/usr/bin/protoc", "protoc")] +
    [("/usr/include/google/protobuf/%s.proto" % n, "include/google/protobuf/%s.proto" % n) for n in _WELL_KNOWN],
)

PROTOBUF_EXTRA = """
exports_files(["protoc"])

proto_lang_toolchain(
    name = "cc_toolchain",
    command_line = "--cpp_out=$(OUT)",
    runtime = ":protobuf",
    blacklisted_protos = [":well_known"],
)

proto_library(
    name = "well_known",
    srcs = glob(["include/google/protobuf/*.proto"]),
    strip_import_prefix = "include",
)
""" + "".join(["""
alias(
    name = "%s_proto",
    actual = ":well_known",
)
""" % n for n in _WELL_KNOWN])

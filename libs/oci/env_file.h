// SPDX-License-Identifier: Apache-2.0
//
// A file of environment variables, as of --env-file.
//
//   # a comment
//   NAME=a value, "quotes" and all     a value is what follows the first '=', whole
//   OTHER                              the caller's value, if it has one
//
// White space before a name, empty lines and a byte order mark at the beginning are passed over.
// Source: docker run --env-file.

#ifndef STAVE_LIBS_OCI_ENV_FILE_H_
#define STAVE_LIBS_OCI_ENV_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::oci {

inline constexpr size_t kMaxEnvFile = size_t{1} << 20;

// "NAME=VALUE" or "NAME", in the order of the lines.
// Errors: InvalidArgument [E_USAGE] beginning with "line N: " for a name that is empty or has white
// space in it, and for a NUL.
absl::StatusOr<std::vector<std::string>> ParseEnvFile(absl::string_view text);

// The same of the caller's own file, which may be a pipe. Errors: those of open(2) and read(2);
// those of ParseEnvFile beginning with the path.
absl::StatusOr<std::vector<std::string>> ReadEnvFile(const std::string& path);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_ENV_FILE_H_

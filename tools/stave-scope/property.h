// SPDX-License-Identifier: Apache-2.0
//
// A unit's property as it is written on the command line of stave-scope. Pure.
//
//   MemoryMax=t:67108864    t: a number of 64 bits (18446744073709551615: no limit)
//   AllowedCPUs=ay:0500     ay: bytes, in hexadecimal digits
//
// Names and types: org.freedesktop.systemd1(5), "Scope Unit Objects".

#ifndef STAVE_TOOLS_STAVE_SCOPE_PROPERTY_H_
#define STAVE_TOOLS_STAVE_SCOPE_PROPERTY_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::stave_scope {

struct Property {
  std::string name;
  std::variant<uint64_t, std::vector<uint8_t>> value;
};

// Errors: InvalidArgument [E_USAGE] `"Memory": is not NAME=t:NUMBER or NAME=ay:HEX`.
absl::StatusOr<Property> ParseProperty(absl::string_view text);

}  // namespace stave::stave_scope

#endif  // STAVE_TOOLS_STAVE_SCOPE_PROPERTY_H_

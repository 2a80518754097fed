// SPDX-License-Identifier: Apache-2.0
//
// JSON text: what is accepted prints to text that parses to the same value, compact and indented.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

using stave::json::Parse;
using stave::json::Print;
using stave::json::PrintIndented;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto value = Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!value.ok()) return 0;
  const auto again = Parse(Print(*value));
  const auto indented = Parse(PrintIndented(*value));
  if (!again.ok() || !(*again == *value)) std::abort();
  // Indentation of deep nesting may pass the limit of bytes.
  if (indented.ok() && !(*indented == *value)) std::abort();
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// References: what is accepted reads back the same, and makes no path that leaves its folder.

#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "libs/oci/reference.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using stave::oci::Reference;
  const auto reference =
      Reference::Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!reference.ok()) return 0;
  const auto whole = Reference::Parse(reference->String());
  Require(whole.ok() && *whole == *reference);
  const auto familiar = Reference::Parse(reference->Familiar());
  Require(familiar.ok() && *familiar == *reference);
  Require(reference->path().find("..") == std::string::npos);
  Require(reference->Leaf().find('/') == std::string::npos);
  Require(reference->domain() != "." && reference->domain() != "..");
  return 0;
}

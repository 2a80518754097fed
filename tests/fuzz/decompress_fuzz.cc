// SPDX-License-Identifier: Apache-2.0
//
// The decoders' glue: they end, give no more than they were asked for, stay dead after an error,
// and how the bytes arrive makes no difference.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/decompress.h"

namespace {

constexpr size_t kEnough = 4 << 20;

void Require(bool condition) {
  if (!condition) std::abort();
}

// The plain bytes, or the first kEnough of them, and the error's code.
std::string Read(absl::string_view bytes, size_t piece_in, size_t piece_out) {
  stave::archive::MemorySource packed(bytes, piece_in);
  auto plain = stave::archive::Decompress(&packed);
  if (!plain.ok()) return absl::StrCat("refused ", plain.status().message());
  std::string all;
  std::vector<char> buffer(piece_out);
  while (all.size() < kEnough) {
    const auto got = (*plain)->Read(buffer.data(), std::min(piece_out, kEnough - all.size()));
    if (!got.ok()) {
      Require((*plain)->Read(buffer.data(), piece_out).status() == got.status());
      return absl::StrCat("error ", got.status().code());
    }
    Require(*got <= piece_out);
    if (*got == 0) {
      Require((*plain)->Read(buffer.data(), piece_out).value() == 0);
      return all;
    }
    all.append(buffer.data(), *got);
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  Require(Read(bytes, 1 << 20, 256 * 1024) == Read(bytes, 61, 4096));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// Answers of token servers: what becomes a header is one line of graphic characters, lifetimes stay
// within their bounds, and a refusal is one of a few texts of our own.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/registry/token.h"

namespace {

constexpr size_t kMaxMessage = 60;

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto answer = stave::registry::ParseTokenAnswer(text);
  if (!answer.ok()) {
    const absl::string_view message = answer.status().message();
    Require(absl::StartsWith(message, "the token server sent no ") && message.size() < kMaxMessage);
    return 0;
  }
  Require(!answer->token.empty());
  for (const unsigned char c : answer->token.Reveal()) Require(c > 0x20 && c < 0x7f);
  Require(answer->lifetime >= absl::Minutes(1) && answer->lifetime <= absl::Hours(24));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "libs/pty/detach_keys.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"

namespace stave::pty {
namespace {

constexpr char kDelete = 127;

// ctrl- clears all but the lower five bits of what is on the key: ascii(7).
std::optional<char> Code(absl::string_view key) {
  if (key.size() == 1) return key[0];
  if (key == "DEL") return kDelete;
  if (!absl::ConsumePrefix(&key, "ctrl-") || key.size() != 1) return std::nullopt;
  const bool known = absl::ascii_islower(static_cast<unsigned char>(key[0])) ||
                     absl::string_view("@[\\]^_").find(key[0]) != absl::string_view::npos;
  return known ? std::optional<char>(static_cast<char>(key[0] & 0x1F)) : std::nullopt;
}

}  // namespace

absl::StatusOr<DetachKeys> DetachKeys::Parse(absl::string_view text) {
  DetachKeys made;
  if (text.empty()) return made;
  for (const absl::string_view key : absl::StrSplit(text, ',')) {
    const std::optional<char> code = Code(key);
    if (!code) {
      return base::WithHint(
          base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                      absl::StrCat("\"", base::Printable(key, 64), "\": is no key")),
          "keys are joined by commas: a character, or ctrl- and one of a-z @ [ \\ ] ^ _");
    }
    made.keys_ += *code;
  }
  return made;
}

bool DetachKeys::Feed(absl::string_view typed, std::string* passed) {
  if (keys_.empty()) {
    absl::StrAppend(passed, typed);
    return false;
  }
  const absl::string_view keys = keys_;
  for (const char key : typed) {
    // What is held and is no beginning with this key goes on, but for its own end that may be one.
    size_t kept = held_;
    while (kept > 0 &&
           (keys[kept] != key || keys.substr(held_ - kept, kept) != keys.substr(0, kept))) {
      --kept;
    }
    absl::StrAppend(passed, keys.substr(0, held_ - kept));
    held_ = kept;
    if (keys[held_] != key) {
      passed->push_back(key);
    } else if (++held_ == keys.size()) {
      held_ = 0;
      return true;
    }
  }
  return false;
}

std::string DetachKeys::TakeHeld() {
  std::string held = keys_.substr(0, held_);
  held_ = 0;
  return held;
}

}  // namespace stave::pty

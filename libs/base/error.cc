// SPDX-License-Identifier: Apache-2.0
#include "libs/base/error.h"

#include <cstdint>
#include <cstdio>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace stave::base {
namespace {

constexpr char kWord[] = "stave/word";
constexpr char kHint[] = "stave/hint";

std::string Payload(const absl::Status& status, const char* key) {
  const auto value = status.GetPayload(key);
  return value ? std::string(*value) : std::string();
}

// Length of the UTF-8 sequence at text[i] that may be shown as it is; 0 if none.
size_t ShowableAt(absl::string_view text, size_t i) {
  const auto byte = [&](size_t k) -> uint32_t {
    return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0;
  };
  const auto continues = [&](size_t k) { return (byte(k) & 0xC0) == 0x80; };
  const uint32_t first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  uint32_t rune = 0;
  size_t length = 0;
  if (first >= 0xC2 && first < 0xE0 && continues(1)) {
    rune = (first & 0x1F) << 6 | (byte(1) & 0x3F);
    length = 2;
  } else if (first >= 0xE0 && first < 0xF0 && continues(1) && continues(2)) {
    rune = (first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    length = rune < 0x800 || (rune >= 0xD800 && rune < 0xE000) ? 0 : 3;
  } else if (first >= 0xF0 && first < 0xF5 && continues(1) && continues(2) && continues(3)) {
    rune = (first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    length = rune < 0x10000 || rune > 0x10FFFF ? 0 : 4;
  }
  if (length == 0 || rune < 0xA0) return 0;  // C1
  const bool format = (rune >= 0x200B && rune <= 0x200F) || (rune >= 0x2028 && rune <= 0x202E) ||
                      (rune >= 0x2060 && rune <= 0x206F) || rune == 0xFEFF || rune == 0x061C;
  return format ? 0 : length;
}

}  // namespace

absl::Status Error(absl::StatusCode code, absl::string_view word, absl::string_view message) {
  absl::Status status(code, message);
  status.SetPayload(kWord, absl::Cord(word));
  return status;
}

absl::Status WithHint(absl::Status status, absl::string_view hint) {
  if (!status.ok() && !status.GetPayload(kHint)) status.SetPayload(kHint, absl::Cord(hint));
  return status;
}

absl::Status WithContext(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  absl::Status longer(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload(
      [&](absl::string_view key, const absl::Cord& value) { longer.SetPayload(key, value); });
  return longer;
}

std::string ErrorWord(const absl::Status& status) {
  if (status.ok()) return "";
  if (std::string word = Payload(status, kWord); !word.empty()) return word;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return "E_USAGE";
    case absl::StatusCode::kNotFound:
      return "E_NOT_FOUND";
    case absl::StatusCode::kAlreadyExists:
      return "E_EXISTS";
    case absl::StatusCode::kPermissionDenied:
      return "E_PERMISSION";
    case absl::StatusCode::kResourceExhausted:
      return "E_LIMIT";
    case absl::StatusCode::kFailedPrecondition:
      return "E_STATE";
    case absl::StatusCode::kUnimplemented:
      return "E_UNSUPPORTED";
    case absl::StatusCode::kUnavailable:
      return "E_REMOTE";
    case absl::StatusCode::kUnauthenticated:
      return "E_AUTH";
    case absl::StatusCode::kDataLoss:
      return "E_CORRUPT";
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
      return "E_TIMEOUT";
    default:
      return "E_INTERNAL";
  }
}

std::string ErrorHint(const absl::Status& status) { return Payload(status, kHint); }

std::string Printable(absl::string_view text, size_t max) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (out.size() >= max) return out + "...";
    if (const size_t length = ShowableAt(text, i); length > 0) {
      absl::StrAppend(&out, text.substr(i, length));
      i += length;
    } else {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(text[i]));
      out += escaped;
      ++i;
    }
  }
  return out;
}

std::string Quoted(absl::string_view text, size_t max) {
  return absl::StrCat("\"", Printable(text, max), "\"");
}

}  // namespace stave::base

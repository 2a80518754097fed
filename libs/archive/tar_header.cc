// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_header.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "libs/archive/tar_number.h"

namespace stave::archive {
namespace {

constexpr TarField kChecksum = {148, 8}, kMagic = {257, 6}, kGnuMagic = {257, 8},
                   kPrefix = {345, 155}, kStarPrefix = {345, 131}, kStarMark = {508, 4},
                   kAtime = {345, 12}, kCtime = {357, 12};

bool IsTime(absl::string_view field) {
  return field.front() == '\0' || ParseTarNumber(field).has_value();
}

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

absl::string_view Prefix(absl::string_view block) {
  if (IsOldGnu(block)) {
    if (IsTime(kAtime.In(block)) && IsTime(kCtime.In(block))) return "";
    const absl::string_view prefix = UpToNul(kPrefix.In(block));
    return IsAscii(prefix) ? prefix : "";
  }
  if (kMagic.In(block) != absl::string_view("ustar\0", 6)) return "";
  const bool star = kStarMark.In(block) == absl::string_view("tar\0", 4);
  return UpToNul((star ? kStarPrefix : kPrefix).In(block));
}

}  // namespace

absl::string_view UpToNul(absl::string_view text) { return text.substr(0, text.find('\0')); }

bool ChecksumFits(absl::string_view block) {
  const std::optional<int64_t> want = ParseTarNumber(kChecksum.In(block));
  int64_t as_unsigned = 0, as_signed = 0;
  for (size_t i = 0; i < block.size(); ++i) {
    const bool own = i - kChecksum.offset < kChecksum.size;
    const char c = own ? ' ' : block[i];
    as_unsigned += static_cast<unsigned char>(c);
    as_signed += static_cast<signed char>(c);
  }
  return want == as_unsigned || want == as_signed;
}

bool IsOldGnu(absl::string_view block) {
  return kGnuMagic.In(block) == absl::string_view("ustar  \0", 8);
}

std::string HeaderName(absl::string_view block) {
  const absl::string_view name = UpToNul(kTarName.In(block)), prefix = Prefix(block);
  return prefix.empty() ? std::string(name) : absl::StrCat(prefix, "/", name);
}

}  // namespace stave::archive

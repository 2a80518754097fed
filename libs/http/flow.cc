// SPDX-License-Identifier: Apache-2.0
#include "libs/http/flow.h"

#include "absl/strings/str_cat.h"

namespace stave::http {

void Flow::Took(size_t bytes, absl::Time from, absl::Time to) {
  bytes_ += static_cast<int64_t>(bytes);
  last_ = to;
  if (window_ != absl::InfinitePast()) window_ += to - from;
}

std::string Flow::Check(absl::Time now) {
  if (last_ == absl::InfinitePast()) last_ = now;
  if (now - last_ >= stall_) {
    return absl::StrCat("nothing came for ", absl::FormatDuration(stall_));
  }
  if (bytes_ == 0) return "";
  if (window_ == absl::InfinitePast()) window_ = now;
  const absl::Duration measured = now - window_;
  if (measured < 2 * stall_) return "";
  if (static_cast<double>(bytes_ - window_bytes_) < kMinRate * absl::ToDoubleSeconds(measured)) {
    return absl::StrCat("less than ", kMinRate, " bytes a second came for ",
                        absl::FormatDuration(2 * stall_));
  }
  window_ = now;
  window_bytes_ = bytes_;
  return "";
}

}  // namespace stave::http

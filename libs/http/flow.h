// SPDX-License-Identifier: Apache-2.0
//
// Whether the bytes of an answer still come: none for so long is a stall, and so is less than 1 KiB
// a second over twice as long, from the first byte on. What takes the bytes may be slow: its time
// does not count.

#ifndef STAVE_LIBS_HTTP_FLOW_H_
#define STAVE_LIBS_HTTP_FLOW_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace stave::http {

inline constexpr int64_t kMinRate = 1024;  // bytes a second

class Flow {
 public:
  explicit Flow(absl::Duration stall) : stall_(stall) {}

  // Bytes came, and what takes them was busy with them from `from` to `to`.
  void Took(size_t bytes, absl::Time from, absl::Time to);

  // To be called now and then while the connection stands; the first call is the beginning. What is
  // wrong, "nothing came for 30s", or "".
  std::string Check(absl::Time now);

 private:
  const absl::Duration stall_;
  absl::Time last_ = absl::InfinitePast();    // when a byte came
  absl::Time window_ = absl::InfinitePast();  // since when the rate is measured
  int64_t bytes_ = 0;
  int64_t window_bytes_ = 0;
};

}  // namespace stave::http

#endif  // STAVE_LIBS_HTTP_FLOW_H_

// SPDX-License-Identifier: Apache-2.0
//
// Which answers of a registry are worth another try, and after how long.
//
//   429, 500, 502, 503, 504   yes, after Retry-After (seconds or a date; at most a minute), else
//                             after back_off, doubled with each try
//   connection broken off     yes
//   stalled, timed out        once
//   all else                  no: not found, denied, a wrong certificate, nobody listening ..
//
// Source: RFC 9110 section 10.2.3.

#ifndef STAVE_LIBS_IMAGE_RETRY_H_
#define STAVE_LIBS_IMAGE_RETRY_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/http/transfer.h"

namespace stave::image {

inline constexpr int kMaxTries = 5;

// How long to wait before the next try; nullopt: none. `tries` have been made (1 after the first),
// the last at `now` with this outcome. A Retry-After of more than a minute is not waited for.
std::optional<absl::Duration> NextTry(int tries, absl::Duration back_off,
                                      const absl::StatusOr<http::Response>& outcome,
                                      absl::Time now);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_RETRY_H_

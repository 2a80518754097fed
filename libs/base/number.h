// SPDX-License-Identifier: Apache-2.0
//
// The one strict parser of numbers, sizes, ids and durations, used by every program. The whole text
// must be the number: no spaces, no sign unless said, no other digits than 0-9, no overflow.

#ifndef STAVE_LIBS_BASE_NUMBER_H_
#define STAVE_LIBS_BASE_NUMBER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace stave::base {

// Decimal digits only, in [low, high]. Leading zeros are allowed ("01" is 1).
// Errors: InvalidArgument `"x": is not a number` or `"9": is not within 1..5`.
absl::StatusOr<uint64_t> ParseUint(absl::string_view text, uint64_t low, uint64_t high);

// As ParseUint with an optional leading '-'.
absl::StatusOr<int64_t> ParseInt(absl::string_view text, int64_t low, int64_t high);

// A uid or gid: 0..4294967294; 4294967295 is (uid_t)-1, which chown(2) takes for "leave it".
absl::StatusOr<uint32_t> ParseUserId(absl::string_view text);

// A size in bytes: digits with an optional fraction, then an optional unit b k m g t p, or kb kib
// mb mib .., any case, powers of 1024 as in Docker ("64M" is 67108864, "1.5g" is 1610612736).
// Errors: InvalidArgument, also above 2^53 (jq and JavaScript lose digits there).
absl::StatusOr<int64_t> ParseSize(absl::string_view text);

// A non-negative decimal fraction, "1.5", with at most 9 digits after the point, as billionths.
// Errors: InvalidArgument, also for exponents, "inf", "nan" and above 2^53 billionths.
absl::StatusOr<int64_t> ParseBillionths(absl::string_view text);

// Seconds or Go's duration: "90", "1.5s", "1h30m", "250ms". Errors: InvalidArgument.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

// Bytes in Docker's decimal units with three significant digits: "0B", "5.6kB", "127MB".
std::string FormatSizeDecimal(int64_t bytes);

// Bytes in binary units with four significant digits: "64MiB", "1.465GiB".
std::string FormatSizeBinary(int64_t bytes);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_NUMBER_H_

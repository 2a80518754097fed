// SPDX-License-Identifier: Apache-2.0
//
// A moment as somebody types it for --since and --until, as Docker takes it.

#ifndef STAVE_LIBS_CLI_MOMENT_H_
#define STAVE_LIBS_CLI_MOMENT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace stave::cli {

// One of
//   1795165200, 1795165200.5              seconds since 1970
//   10m, 1h30m, 1.5s, -10s                so long before `now` (or after it)
//   2026-11-21, 2026-11-21T09, 2026-11-21T09:30, 2026-11-21T09:30:00.5
//                                         in `zone`; with Z, +09:00 or -05:00 behind it, in that
//                                         one
// Errors: InvalidArgument `failed to parse value as time or duration: "x"`.
absl::StatusOr<absl::Time> ParseMoment(absl::string_view text, absl::Time now, absl::TimeZone zone);

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_MOMENT_H_

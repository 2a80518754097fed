// SPDX-License-Identifier: Apache-2.0
//
// Durations as Docker tells them: "Less than a second", "31 seconds", "About a minute",
// "5 minutes", "About an hour", "3 hours", "2 days", "4 weeks", "3 months", "2 years".

#ifndef STAVE_LIBS_CLI_HUMAN_TIME_H_
#define STAVE_LIBS_CLI_HUMAN_TIME_H_

#include <string>

#include "absl/time/time.h"

namespace stave::cli {

// Up to 59 s in seconds, 59 min in minutes, 47 h in hours (rounded), 13 days in days, 59 days in
// weeks, 2 years in months of 30 days, then years of 365. Negative ones (a clock that was set back)
// are "Less than a second".
std::string HumanDuration(absl::Duration duration);

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_HUMAN_TIME_H_

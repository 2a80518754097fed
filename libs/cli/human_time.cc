// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/human_time.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace stave::cli {

std::string HumanDuration(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return absl::StrCat(seconds, " seconds");
  const int64_t minutes = seconds / 60;
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return absl::StrCat(minutes, " minutes");
  const int64_t hours = seconds / 3600 + (seconds % 3600 >= 1800 ? 1 : 0);
  if (hours == 1) return "About an hour";
  if (hours < 48) return absl::StrCat(hours, " hours");
  if (hours < 24 * 14) return absl::StrCat(hours / 24, " days");
  if (hours < 24 * 60) return absl::StrCat(hours / 24 / 7, " weeks");
  if (hours < 24 * 365 * 2) return absl::StrCat(hours / 24 / 30, " months");
  return absl::StrCat(seconds / 3600 / 24 / 365, " years");
}

}  // namespace stave::cli

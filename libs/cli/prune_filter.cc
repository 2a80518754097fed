// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/prune_filter.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/cli/moment.h"

namespace stave::cli {

absl::StatusOr<PruneFilter> PruneFilter::Parse(const std::vector<std::string>& filters,
                                               absl::Time now, absl::TimeZone zone) {
  PruneFilter parsed;
  bool has_until = false;
  for (const std::string& filter : filters) {
    absl::string_view text = filter;
    if (absl::ConsumePrefix(&text, "until=")) {
      if (std::exchange(has_until, true)) {
        return absl::InvalidArgumentError("until may be given once");
      }
      STAVE_ASSIGN_OR_RETURN(parsed.until_, ParseMoment(text, now, zone));
      continue;
    }
    Label label;
    if (absl::ConsumePrefix(&text, "label!=")) {
      label.wanted = false;
    } else if (!absl::ConsumePrefix(&text, "label=")) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", base::Printable(filter), "\": is none of until=, label=, label!="));
    }
    const size_t equals = text.find('=');
    label.key = std::string(text.substr(0, equals));
    if (equals != text.npos) label.value = std::string(text.substr(equals + 1));
    parsed.labels_.push_back(std::move(label));
  }
  return parsed;
}

bool PruneFilter::Takes(absl::Time created,
                        const std::map<std::string, std::string>& labels) const {
  if (created >= until_) return false;
  for (const Label& label : labels_) {
    const auto found = labels.find(label.key);
    const bool has = found != labels.end() && (!label.value || *label.value == found->second);
    if (has != label.wanted) return false;
  }
  return true;
}

}  // namespace stave::cli

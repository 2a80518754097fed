// SPDX-License-Identifier: Apache-2.0
//
// Which of the containers that have ended --prune takes: Docker's --filter.
//
//   until=24h  until=2026-01-02T15:04:05Z    made before that moment
//   label=KEY  label=KEY=VALUE               that have it
//   label!=KEY label!=KEY=VALUE              that do not
//
// All of them must hold; until may be given once.

#ifndef STAVE_TOOLS_PS_REMOVE_PRUNE_FILTER_H_
#define STAVE_TOOLS_PS_REMOVE_PRUNE_FILTER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/store/record.h"

namespace stave::tools {

class PruneFilter {
 public:
  // Errors: InvalidArgument for a filter that is none of these, or a second until.
  static absl::StatusOr<PruneFilter> Parse(const std::vector<std::string>& filters, absl::Time now,
                                           absl::TimeZone zone);

  bool Takes(const store::Record& record) const;

 private:
  struct Label {
    bool wanted = true;
    std::string key;
    std::optional<std::string> value;
  };
  absl::Time until_ = absl::InfiniteFuture();
  std::vector<Label> labels_;
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_REMOVE_PRUNE_FILTER_H_

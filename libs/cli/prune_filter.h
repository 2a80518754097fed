// SPDX-License-Identifier: Apache-2.0
//
// What of all that might go --prune takes: Docker's --filter.
//
//   until=24h  until=2026-01-02T15:04:05Z    made before that moment
//   label=KEY  label=KEY=VALUE               that have it
//   label!=KEY label!=KEY=VALUE              that do not
//
// All of them must hold; until may be given once.

#ifndef STAVE_LIBS_CLI_PRUNE_FILTER_H_
#define STAVE_LIBS_CLI_PRUNE_FILTER_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace stave::cli {

class PruneFilter {
 public:
  // Errors: InvalidArgument for a filter that is none of these, or a second until.
  static absl::StatusOr<PruneFilter> Parse(const std::vector<std::string>& filters, absl::Time now,
                                           absl::TimeZone zone);

  // Of what was made at `created` and has `labels`.
  bool Takes(absl::Time created, const std::map<std::string, std::string>& labels) const;

 private:
  struct Label {
    bool wanted = true;
    std::string key;
    std::optional<std::string> value;
  };
  absl::Time until_ = absl::InfiniteFuture();
  std::vector<Label> labels_;
};

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_PRUNE_FILTER_H_

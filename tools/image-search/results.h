// SPDX-License-Identifier: Apache-2.0
//
// Search results as `docker search` filters and shows them.

#ifndef STAVE_TOOLS_IMAGE_SEARCH_RESULTS_H_
#define STAVE_TOOLS_IMAGE_SEARCH_RESULTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/cli/format.h"
#include "libs/json/value.h"
#include "libs/registry/search.h"

namespace stave::tools {

// stars=N (at least so many; the largest counts), is-official=true|false, is-automated=true|false.
// Nothing is automated any more.
class ResultFilter {
 public:
  // Errors: InvalidArgument `invalid filter "x"`.
  static absl::StatusOr<ResultFilter> Parse(const std::vector<std::string>& filters);
  bool Takes(const registry::SearchResult& result) const;

 private:
  int64_t stars_ = 0;
  std::optional<bool> official_;
  bool automated_ = false;
};

// What the listing's --format knows: Name Description StarCount IsOfficial.
const cli::Listing& SearchListing();

// `whole`: the description is not cut; `json`: IsOfficial is "true" or "false", not "[OK]" or "".
cli::Row RowOf(const registry::SearchResult& result, bool whole, bool json);

// {"name":"alpine","description":"..","stars":10,"official":true}
json::Value JsonLine(const registry::SearchResult& result);

// "HOST/TERM" taken apart; a term without host is Docker Hub's: host "docker.io".
struct Query {
  std::string host;
  std::string term;  // without "library/" before it on Docker Hub
};
Query SplitTerm(const std::string& text);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_IMAGE_SEARCH_RESULTS_H_

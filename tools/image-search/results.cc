// SPDX-License-Identifier: Apache-2.0
#include "tools/image-search/results.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/cli/table.h"
#include "libs/template/value.h"

namespace stave::tools {
namespace {

using templates::Value;

constexpr size_t kDescriptionWidth = 45;
constexpr size_t kNoLimit = size_t{1} << 20;
constexpr char kHub[] = "docker.io";

constexpr cli::Field kFields[] = {
    {"Name", "NAME"},
    {"Description", "DESCRIPTION"},
    {"StarCount", "STARS"},
    {"IsOfficial", "OFFICIAL"},
};

constexpr cli::Listing kListing = {
    .type = "*registry.searchContext",
    .fields = kFields,
    .table = "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}"};

absl::Status Invalid(const std::string& filter) {
  return absl::InvalidArgumentError(absl::StrCat("invalid filter ", base::Quoted(filter)));
}

bool IsTrue(absl::string_view text) { return text == "true" || text == "1"; }

bool IsTruth(absl::string_view text) { return IsTrue(text) || text == "false" || text == "0"; }

}  // namespace

absl::StatusOr<ResultFilter> ResultFilter::Parse(const std::vector<std::string>& filters) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  ResultFilter parsed;
  for (const std::string& filter : filters) {
    absl::string_view value = filter;
    if (absl::ConsumePrefix(&value, "stars=")) {
      const auto stars = base::ParseUint(value, 0, kMost);
      if (!stars.ok()) return Invalid(filter);
      parsed.stars_ = std::max(parsed.stars_, static_cast<int64_t>(*stars));
    } else if (absl::ConsumePrefix(&value, "is-official=") && IsTruth(value)) {
      parsed.official_ = IsTrue(value);
    } else if (absl::ConsumePrefix(&value, "is-automated=") && IsTruth(value)) {
      parsed.automated_ = IsTrue(value);
    } else {
      return Invalid(filter);
    }
  }
  return parsed;
}

bool ResultFilter::Takes(const registry::SearchResult& result) const {
  return !automated_ && result.stars >= stars_ &&
         (!official_.has_value() || *official_ == result.is_official);
}

const cli::Listing& SearchListing() { return kListing; }

cli::Row RowOf(const registry::SearchResult& result, bool whole, bool json) {
  std::string description = absl::StrReplaceAll(result.description, {{"\n", " "}, {"\r", " "}});
  if (!whole) description = cli::Ellipsis(description, kDescriptionWidth);
  const char* yes = json ? "true" : "[OK]";
  const char* no = json ? "false" : "";
  return {{Value::String(base::Printable(result.name, kNoLimit)),
           Value::String(base::Printable(description, kNoLimit)),
           Value::String(absl::StrCat(result.stars)),
           Value::String(result.is_official ? yes : no)}};
}

json::Value JsonLine(const registry::SearchResult& result) {
  return json::Value::Object({{"name", json::Value::String(result.name)},
                              {"description", json::Value::String(result.description)},
                              {"stars", json::Value::Number(result.stars)},
                              {"official", json::Value::Bool(result.is_official)}});
}

Query SplitTerm(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string first = text.substr(0, slash);
  Query query = {kHub, text};
  if (slash != std::string::npos &&
      (first == "localhost" || first.find_first_of(".:") != std::string::npos)) {
    query = {first == "index.docker.io" ? kHub : first, text.substr(slash + 1)};
  }
  if (query.host == kHub && absl::StartsWith(query.term, "library/")) {
    query.term = query.term.substr(sizeof("library/") - 1);
  }
  return query;
}

}  // namespace stave::tools

// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/search.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/registry/refusal.h"

namespace stave::registry {
namespace {

std::string TextOf(const json::Value& result, absl::string_view key) {
  const json::Value* member = result.Find(key);
  return member != nullptr && member->is_string() ? member->text() : "";
}

}  // namespace

absl::StatusOr<std::vector<SearchResult>> ParseSearchAnswer(absl::string_view json) {
  const auto parsed = json::Parse(json);
  const json::Value* list = parsed.ok() ? parsed->Find("results") : nullptr;
  if (list == nullptr || (!list->is_array() && !list->is_null())) {
    return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE",
                       "the answer is no list of search results");
  }
  std::vector<SearchResult> results;
  for (const json::Value& one : list->elements()) {
    SearchResult result;
    result.name = TextOf(one, "name");
    if (result.name.empty()) continue;
    result.description = TextOf(one, "description");
    if (const json::Value* stars = one.Find("star_count")) {
      result.stars = stars->AsInt64().value_or(0);
    }
    const json::Value* official = one.Find("is_official");
    result.is_official = official != nullptr && official->boolean();
    results.push_back(result);
  }
  return results;
}

absl::StatusOr<std::vector<SearchResult>> SearchIndex(http::Connection& connection,
                                                      const http::Url& index,
                                                      absl::string_view term, int limit) {
  http::Request request;
  request.url = index;
  absl::string_view base = index.target;
  absl::ConsumeSuffix(&base, "/");
  request.url.target = absl::StrCat(base, "/v1/search?q=", http::EscapeQuery(term), "&n=", limit);
  request.headers = {{"Accept", "application/json"}};
  STAVE_ASSIGN_OR_RETURN(const http::Response answer, connection.Perform(request));
  if (answer.status != 200) return RefusalOf(answer, request.url, "", absl::Now());
  return ParseSearchAnswer(answer.body);
}

}  // namespace stave::registry

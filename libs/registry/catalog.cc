// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/catalog.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/http/transfer.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/reference.h"

namespace stave::registry {
namespace {

constexpr char kFirstPage[] = "_catalog?n=1000";
constexpr size_t kMaxPage = size_t{4} << 20;

bool IsRepository(const std::string& name) {
  return oci::Reference::FromParts("registry.invalid", name, "latest").ok();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseCatalog(absl::string_view json) {
  const auto parsed = json::Parse(json);
  const json::Value* names = parsed.ok() ? parsed->Find("repositories") : nullptr;
  if (names == nullptr || (!names->is_array() && !names->is_null())) {
    return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE",
                       "the registry's answer is no catalog");
  }
  std::vector<std::string> repositories;
  for (const json::Value& name : names->elements()) {
    if (name.is_string() && IsRepository(name.text())) repositories.push_back(name.text());
  }
  return repositories;
}

std::string NextPage(absl::string_view link) {
  const size_t open = link.find('<');
  const size_t close = link.find('>');
  if (open == link.npos || close == link.npos || close < open) return "";
  if (!absl::StrContains(link.substr(close), "rel=\"next\"")) return "";
  const absl::string_view target = link.substr(open + 1, close - open - 1);
  const size_t at = target.find("/v2/_catalog?");
  return at == target.npos ? "" : std::string(target.substr(at + 4));
}

absl::StatusOr<std::vector<std::string>> SearchCatalog(Client& client, absl::string_view term,
                                                       size_t limit) {
  std::vector<std::string> found;
  std::string page = kFirstPage;
  for (size_t seen = 0; !page.empty() && seen < kMaxRepositories;) {
    STAVE_ASSIGN_OR_RETURN(const http::Response answer, client.GetJson(page, kMaxPage));
    STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ParseCatalog(answer.body));
    for (const std::string& name : names) {
      if (absl::StrContains(name, term)) found.push_back(name);
      if (found.size() == limit) return found;
    }
    if (names.empty()) break;
    seen += names.size();
    page = NextPage(answer.Header("link"));
  }
  return found;
}

}  // namespace stave::registry

// SPDX-License-Identifier: Apache-2.0
//
// Searching Docker Hub, and what has its API.
//
//   GET https://index.docker.io/v1/search?q=alpine&n=25
//   {"results":[{"name":"alpine","description":"..","star_count":10,"is_official":true}]}
//
// Source: what docker's registry client sends and reads.

#ifndef STAVE_LIBS_REGISTRY_SEARCH_H_
#define STAVE_LIBS_REGISTRY_SEARCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/http/transfer.h"
#include "libs/http/url.h"

namespace stave::registry {

inline constexpr char kHubIndex[] = "https://index.docker.io";

struct SearchResult {
  std::string name;         // "alpine", "user/web"
  std::string description;  // as it came
  int64_t stars = 0;
  bool is_official = false;
};

// What `index`, the address of a server, finds for `term`, in its order; it is asked for `limit`
// results.
// Errors: those of RefusalOf (refusal.h), ParseSearchAnswer and http::Connection.
absl::StatusOr<std::vector<SearchResult>> SearchIndex(http::Connection& connection,
                                                      const http::Url& index,
                                                      absl::string_view term, int limit);

// Results without a name are left out; other members may be missing.
// Errors: Unavailable [E_REMOTE].
absl::StatusOr<std::vector<SearchResult>> ParseSearchAnswer(absl::string_view json);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_SEARCH_H_

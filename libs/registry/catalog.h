// SPDX-License-Identifier: Apache-2.0
//
// The names of the repositories that a registry has, as far as it tells.
//
//   GET /v2/_catalog?n=1000      {"repositories":["a/web","a/db"]}
//   Link: </v2/_catalog?last=a%2Fdb&n=1000>; rel="next"
//
// Docker Hub and many others do not tell. Source: distribution docs/spec/api.md "Catalog".

#ifndef STAVE_LIBS_REGISTRY_CATALOG_H_
#define STAVE_LIBS_REGISTRY_CATALOG_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/registry/client.h"

namespace stave::registry {

// What a token for it has to be for: ClientOptions.scopes.
inline constexpr char kCatalogScope[] = "registry:catalog:*";

inline constexpr size_t kMaxRepositories = 100000;

// The names that hold `term`, in the registry's order, at most `limit` of them. Reads page after
// page as far as that needs; at most kMaxRepositories are looked at.
// Errors: those of Client::GetJson; Unavailable [E_REMOTE] for an answer that is no catalog.
absl::StatusOr<std::vector<std::string>> SearchCatalog(Client& client, absl::string_view term,
                                                       size_t limit);

// The names in one answer. Names that are no repository's are left out. Errors: as above.
absl::StatusOr<std::vector<std::string>> ParseCatalog(absl::string_view json);

// Where the next page is, below /v2/ ("_catalog?last=x"), of a Link header; "" if there is none.
std::string NextPage(absl::string_view link);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_CATALOG_H_

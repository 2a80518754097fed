// SPDX-License-Identifier: Apache-2.0
#include "libs/store/image_user.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/store/layered_tree.h"
#include "libs/store/layers.h"

namespace stave::store {
namespace {

// What is not there is empty: oci/user.h.
absl::StatusOr<std::string> ReadOrEmpty(absl::Span<const int> layers, absl::string_view path) {
  auto text = ReadLayeredFile(layers, path, oci::kMaxUserFile);
  if (absl::IsNotFound(text.status())) return std::string();
  return text;
}

}  // namespace

absl::StatusOr<oci::User> ResolveImageUser(const Store& store,
                                           const std::vector<oci::Digest>& layers,
                                           absl::string_view spec) {
  std::vector<base::UniqueFd> open;
  std::vector<int> topmost_first;
  for (auto key = layers.rbegin(); key != layers.rend(); ++key) {
    STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd, OpenLayer(store, *key));
    topmost_first.push_back(fd.get());
    open.push_back(std::move(fd));
  }
  STAVE_ASSIGN_OR_RETURN(const std::string passwd, ReadOrEmpty(topmost_first, "etc/passwd"));
  STAVE_ASSIGN_OR_RETURN(const std::string group, ReadOrEmpty(topmost_first, "etc/group"));
  return oci::ResolveUser(spec, passwd, group);
}

}  // namespace stave::store

// SPDX-License-Identifier: Apache-2.0
//
// The names in a folder of the store.

#ifndef STAVE_LIBS_STORE_FOLDER_H_
#define STAVE_LIBS_STORE_FOLDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace stave::store {

// The names in the directory `path` of `dirfd`, in no order, without those that begin with a dot.
// Empty if the directory is not there or `dirfd` is -1 (a root that does not exist).
// Errors: those of open(2) and readdir(3).
absl::StatusOr<std::vector<std::string>> ListFolder(int dirfd, const std::string& path);

// Whether the directory has no entry at all, dots or not. Errors: those of open(2) and readdir(3).
absl::StatusOr<bool> IsEmptyFolder(int dirfd, const std::string& path);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_FOLDER_H_

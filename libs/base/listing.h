// SPDX-License-Identifier: Apache-2.0
//
// The names in a directory.

#ifndef STAVE_LIBS_BASE_LISTING_H_
#define STAVE_LIBS_BASE_LISTING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::base {

// All but "." and "..", in no order. `dir` is read from where it stands, so give one of its own:
// OpenDirAt(fd, "."). `noun` names it in the message. Errors: those of readdir(3), NotFound for one
// that has been removed meanwhile.
absl::StatusOr<std::vector<std::string>> ListNames(UniqueFd dir, absl::string_view noun);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_LISTING_H_

// SPDX-License-Identifier: Apache-2.0
//
// What overlayfs would show at a path of the layers below: the topmost layer that has it decides,
// unless a whiteout, an opaque directory or something that is no directory hides what is below.

#ifndef STAVE_LIBS_IMAGE_LOWER_LOOKUP_H_
#define STAVE_LIBS_IMAGE_LOWER_LOOKUP_H_

#include <sys/stat.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/base/unique_fd.h"

namespace stave::image {

struct Found {
  base::UniqueFd parent;  // the directory of the layer that has it
  std::string name;       // in there
  struct stat stat;       // not followed
};

// Looks `path` (clean, not ".") up in `lowers`, the topmost first. `opaque` is the xattr of opaque
// directories. Links on the way are followed in the merged view, inside the root. nullopt if
// nothing is to be seen. Errors: FailedPrecondition if links loop; those of the system calls.
absl::StatusOr<std::optional<Found>> LookUpLower(absl::Span<const int> lowers,
                                                 absl::string_view path, const char* opaque);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_LOWER_LOOKUP_H_

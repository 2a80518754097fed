// SPDX-License-Identifier: Apache-2.0
//
// Which extended attributes of a layer's files count: user.* and security.capability. Forged
// overlay attributes would show other layers' files; labels and ACLs of the builder's machine mean
// nothing here.

#ifndef STAVE_LIBS_IMAGE_XATTR_H_
#define STAVE_LIBS_IMAGE_XATTR_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::image {

// Whether a layer may set `name`: "user.NAME" but not "user.overlay.*", or "security.capability".
bool IsLayerXattr(absl::string_view name);

// Those of the file or directory `fd` that IsLayerXattr, sorted. `noun` names it in messages. A
// file system without such attributes has none.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadLayerXattrs(
    int fd, absl::string_view noun);

// Sets those of `from` that IsLayerXattr on `to`; both are readable descriptors of files or
// directories. A file system without such attributes has nothing to copy.
absl::Status CopyLayerXattrs(int from, int to);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_XATTR_H_

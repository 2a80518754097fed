// SPDX-License-Identifier: Apache-2.0
//
// A tmpfs that begins with what it will cover: the mount option "tmpcopyup".

#ifndef STAVE_LIBS_RUNTIME_COPY_UP_H_
#define STAVE_LIBS_RUNTIME_COPY_UP_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace stave::runtime {

// Copies the directory `path` of the tree `root`, if it is there, into the empty tree `to`: files,
// directories, links and special files with their owners, modes, times and extended attributes. No
// link is followed and no mount is crossed. Errors: those of the copying system calls.
absl::Status CopyUp(int root, absl::string_view path, int to);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_COPY_UP_H_

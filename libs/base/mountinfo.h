// SPDX-License-Identifier: Apache-2.0
//
// Paths as the kernel writes them in mountinfo: "/a\040b" is "/a b". Source: proc_pid_mountinfo(5).

#ifndef STAVE_LIBS_BASE_MOUNTINFO_H_
#define STAVE_LIBS_BASE_MOUNTINFO_H_

#include <string>

#include "absl/strings/string_view.h"

namespace stave::base {

// With each \NNN, three octal digits of a byte, as that byte; what is no such thing stays.
std::string UnescapeMountinfo(absl::string_view text);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_MOUNTINFO_H_

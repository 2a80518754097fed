// SPDX-License-Identifier: Apache-2.0
//
// Where a command's warnings go: what did not keep it from doing what was asked.

#ifndef STAVE_LIBS_LIFECYCLE_WARN_H_
#define STAVE_LIBS_LIFECYCLE_WARN_H_

#include <functional>
#include <string>

namespace stave::lifecycle {

// Takes one line. May be empty: then nobody wants to know.
using Warn = std::function<void(const std::string& message)>;

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_WARN_H_

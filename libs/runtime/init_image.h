// SPDX-License-Identifier: Apache-2.0
//
// The bytes of init/stave_init.cc's program, to be executed from a sealed memfd.

#ifndef STAVE_LIBS_RUNTIME_INIT_IMAGE_H_
#define STAVE_LIBS_RUNTIME_INIT_IMAGE_H_

#include "absl/strings/string_view.h"

namespace stave::runtime {

absl::string_view InitImage();

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_INIT_IMAGE_H_

// SPDX-License-Identifier: Apache-2.0
//
// Container ids: 64 lower-case hexadecimal digits from getrandom(2), as Docker's.

#ifndef STAVE_LIBS_BASE_ID_H_
#define STAVE_LIBS_BASE_ID_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace stave::base {

inline constexpr size_t kIdLength = 64;
inline constexpr size_t kShortIdLength = 12;

// A fresh id. Its first twelve digits are never all decimal, so that a short id is never taken for
// a number.
std::string NewId();

// Whether `text` is a whole id: what may name a folder under containers/.
bool IsId(absl::string_view text);

// `size` bytes as lower-case hexadecimal.
std::string Hex(const unsigned char* data, size_t size);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_ID_H_

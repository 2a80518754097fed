// SPDX-License-Identifier: Apache-2.0
//
// Numbers of tar headers.
//
//   "0000644\0", " 644 ", ""       octal; empty is 0
//   80 00 00 00 .. 01, ff ff .. fe   GNU's base-256, big endian, two's complement
//   "1700000000.123456789", "-1.5"  a PAX time

#ifndef STAVE_LIBS_ARCHIVE_TAR_NUMBER_H_
#define STAVE_LIBS_ARCHIVE_TAR_NUMBER_H_

#include <time.h>

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace stave::archive {

// A field of a header. nullopt if it is neither, or does not fit.
std::optional<int64_t> ParseTarNumber(absl::string_view field);

// Decimal digits and nothing else. nullopt if not, or if it does not fit.
std::optional<int64_t> ParsePaxNumber(absl::string_view text);

// Seconds with an optional sign and fraction, of which nine digits count; 0 <= tv_nsec < 10^9, also
// before 1970. nullopt for anything else ("nan", "1e9").
std::optional<timespec> ParsePaxTime(absl::string_view text);

}  // namespace stave::archive

#endif  // STAVE_LIBS_ARCHIVE_TAR_NUMBER_H_

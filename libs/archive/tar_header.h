// SPDX-License-Identifier: Apache-2.0
//
// The fields of a tar header, one block of 512 bytes.
//
// Source: POSIX.1-2017 pax "ustar Header Block"; GNU tar manual "Basic Tar Format"; star(5).

#ifndef STAVE_LIBS_ARCHIVE_TAR_HEADER_H_
#define STAVE_LIBS_ARCHIVE_TAR_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace stave::archive {

inline constexpr size_t kTarBlock = 512;

struct TarField {
  size_t offset, size;
  constexpr absl::string_view In(absl::string_view block) const {
    return block.substr(offset, size);
  }
};

inline constexpr TarField kTarName = {0, 100}, kTarMode = {100, 8}, kTarUid = {108, 8},
                          kTarGid = {116, 8}, kTarSize = {124, 12}, kTarMtime = {136, 12},
                          kTarLink = {157, 100}, kTarMajor = {329, 8}, kTarMinor = {337, 8};
inline constexpr size_t kTarType = 156;

// Of type S in old GNU headers: pairs, whether more blocks of pairs follow, the file's size.
inline constexpr TarField kOldPairs = {386, 4 * 24}, kOldSize = {483, 12};
inline constexpr size_t kOldMore = 482;
// And of such a block.
inline constexpr TarField kMorePairs = {0, 21 * 24};
inline constexpr size_t kMoreMore = 504;

absl::string_view UpToNul(absl::string_view text);

// Whether the sum of its bytes is what it says. Some old writers summed signed characters.
bool ChecksumFits(absl::string_view block);

// Whether it is GNU's own dialect ("ustar  ").
bool IsOldGnu(absl::string_view block);

// The name, with the prefix of ustar or star. Go before 1.8, and so old docker, wrote prefixes into
// GNU headers: one that is no time is taken for a prefix, as Go still does.
std::string HeaderName(absl::string_view block);

}  // namespace stave::archive

#endif  // STAVE_LIBS_ARCHIVE_TAR_HEADER_H_

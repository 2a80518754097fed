// SPDX-License-Identifier: Apache-2.0
//
// Small files that are replaced whole: written beside, then renamed over the old one. A reader sees
// the old or the new text, never a part.

#ifndef STAVE_LIBS_BASE_ATOMIC_FILE_H_
#define STAVE_LIBS_BASE_ATOMIC_FILE_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace stave::base {

enum class Durability {
  kVolatile,  // a reboot may forget it (/run, records of --rm): no fsync
  kWhole,     // after a power cut it is the old or the new, never a part: fsync of the file
  kDurable,   // survives a power cut once the call returns: fsync of file and folder
};

struct FileOwner {
  uid_t uid;
  gid_t gid;
};

// Replaces (or makes) `name` in the directory `dirfd` with `content`, mode exactly `mode`. `name`
// is one component. It belongs to `owner`, or to who calls. On failure the old file is untouched; a
// stray `.NAME.tmp.PID` may stay only if the process is killed, and the next call for the same name
// by a process of that pid replaces it.
absl::Status ReplaceFileAt(int dirfd, const std::string& name, absl::string_view content,
                           mode_t mode, Durability durability,
                           std::optional<FileOwner> owner = std::nullopt);

// Removes what killed calls for `name` left, of whatever pid. For who holds a lock that all who
// replace `name` take. Does its best: a stray file harms nobody.
void RemoveStraysAt(int dirfd, const std::string& name);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_ATOMIC_FILE_H_

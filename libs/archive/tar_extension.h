// SPDX-License-Identifier: Apache-2.0
//
// What extended headers say about the entry that follows them: PAX records (x) and GNU's long names
// (L, K). Those of all that follow (g) say nothing here, as with the other engines, which leave
// them out; but where they say what an entry is (path, linkpath, size, xattrs, sparse) they are
// refused, since other readers follow them.
//
//   "27 path=a/long/name/of/it\n21 SCHILY.xattr.user.a=v\n"
//
// Of two records of one key the last counts; one with an empty value says nothing. Keys that are
// not known are passed over. Bounds: an xattr's value 64 KiB.
//
// Errors, without saying where: InvalidArgument [E_TAR], ResourceExhausted [E_LIMIT].
//
// Source: POSIX.1-2017 pax "pax Extended Header"; star(5) SCHILY.xattr.

#ifndef STAVE_LIBS_ARCHIVE_TAR_EXTENSION_H_
#define STAVE_LIBS_ARCHIVE_TAR_EXTENSION_H_

#include <time.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/archive/tar_sparse.h"

namespace stave::archive {

struct TarExtension {
  std::optional<std::string> long_name, long_link;  // L and K, which go before the next two
  std::optional<std::string> path, link;
  std::optional<int64_t> size;  // 0 or more
  std::optional<uint32_t> uid, gid;
  std::optional<timespec> mtime;
  std::vector<std::pair<std::string, std::string>> xattrs;
  SparseRecords sparse;
  bool has_pax = false;
  size_t bytes = 0;  // of the headers

  bool empty() const { return !has_pax && !long_name && !long_link; }
};

// Ids are at most this: (uid_t)-1 means "leave it".
inline constexpr int64_t kMaxUserId = 0xfffffffe;

// Reads the records of an x header.
absl::Status ReadPaxRecords(absl::string_view records, TarExtension* extension);

// Checks those of a g header.
absl::Status CheckGlobalRecords(absl::string_view records);

}  // namespace stave::archive

#endif  // STAVE_LIBS_ARCHIVE_TAR_EXTENSION_H_

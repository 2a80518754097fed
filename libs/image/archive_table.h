// SPDX-License-Identifier: Apache-2.0
//
// Where each member of a tar file lies, so that it can be read without reading the others.

#ifndef STAVE_LIBS_IMAGE_ARCHIVE_TABLE_H_
#define STAVE_LIBS_IMAGE_ARCHIVE_TABLE_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::image {

struct ArchiveMember {
  int64_t offset = 0;  // of its data in the file
  int64_t size = 0;
};

class ArchiveTable {
 public:
  // Reads the tar file `fd` from its beginning to its end. Of two members of one path the last
  // counts. Errors: those of archive::TarReader; ResourceExhausted [E_LIMIT] above 100 000 members;
  // Unimplemented [E_UNSUPPORTED] if it is gzip, zstd, xz or bzip2.
  static absl::StatusOr<ArchiveTable> Read(int fd);

  // The regular file `path`. Symlinks and hard links lead to other members, at most eight of them.
  // Errors: NotFound `manifest.json: is not in the archive`; InvalidArgument [E_TAR_ESCAPE] for a
  // path or link that leaves the archive's root; [E_TAR] for a loop or what is no file.
  absl::StatusOr<ArchiveMember> Find(absl::string_view path) const;

 private:
  struct Entry {
    ArchiveMember member;
    std::string link;  // path of another member; "" for a file
  };
  std::map<std::string, Entry> entries_;
};

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_ARCHIVE_TABLE_H_

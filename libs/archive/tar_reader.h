// SPDX-License-Identifier: Apache-2.0
//
// Reads a tar stream entry by entry, in bounded memory and without seeking.
//
//   TarReader tar(&source);
//   TarEntry entry;
//   while (true) {
//     STAVE_ASSIGN_OR_RETURN(const bool more, tar.Next(&entry));
//     if (!more) break;
//     ... tar.ReadData() until it is empty, or not at all ...
//   }
//
// Dialects: v7, ustar, PAX (x and g), GNU (long names L and K, base-256 numbers), star's prefix;
// sparse files of old GNU and of PAX 0.0, 0.1 and 1.0. Incremental and multi-volume archives and
// unknown types are refused by name. Where readers disagree, Go's archive/tar decides, which
// docker, containerd, podman and umoci use. Missing end blocks are fine, as in GNU tar.
//
// Bounds: names 4096 bytes, extended headers of one entry 1 MiB together, an xattr's value 64 KiB,
// the map of a sparse file 1 MiB, 64 KiB after the end. Over a bound: ResourceExhausted [E_LIMIT].
//
// Errors name the entry, escaped, or the offset of its header: InvalidArgument [E_TAR] for what is
// malformed, [E_TAR_ESCAPE] for a name or hard link that leaves the root. After an error the
// reader is of no more use.
//
// Sources: POSIX.1-2017 pax "ustar Interchange Format", "pax Header Block"; GNU tar manual "Basic
// Tar Format"; star(5) SCHILY.xattr.

#ifndef STAVE_LIBS_ARCHIVE_TAR_READER_H_
#define STAVE_LIBS_ARCHIVE_TAR_READER_H_

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/tar_extension.h"
#include "libs/archive/tar_sparse.h"

namespace stave::archive {

inline constexpr size_t kMaxName = 4096;

enum class TarType {
  kFile,
  kHardLink,
  kSymlink,
  kCharDevice,
  kBlockDevice,
  kDirectory,
  kFifo,
};

struct TarEntry {
  // Relative and clean: no leading, trailing or double slash, no "." or ".." component; the root
  // itself is ".". Any other bytes except NUL may be in it.
  std::string path;
  TarType type = TarType::kFile;
  // kSymlink: the target as it stands, not empty. kHardLink: the other path, clean as above.
  std::string link;
  uint64_t size = 0;    // of the file; 0 unless kFile
  uint64_t stored = 0;  // bytes that follow: less than size in a sparse file, the rest is holes
  mode_t mode = 0;      // 07777 at most
  uid_t uid = 0;        // never (uid_t)-1
  gid_t gid = 0;
  timespec mtime = {};
  uint32_t device_major = 0, device_minor = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;  // of SCHILY.xattr.NAME
};

// `path` as TarEntry::path has it. ".." is taken lexically, as Docker does.
// Errors: InvalidArgument [E_TAR] if it is empty or has a NUL, [E_TAR_ESCAPE] if it leaves the
// root; ResourceExhausted [E_LIMIT] above kMaxName bytes.
absl::StatusOr<std::string> CleanTarPath(absl::string_view path);

class TarReader {
 public:
  // Borrows `source`.
  explicit TarReader(ByteSource* source);

  // Skips what is left of the entry before and reads the next header. False at the end, when the
  // source has been read to its end too.
  absl::StatusOr<bool> Next(TarEntry* entry);

  // The next piece of the entry's data, valid until the next call; empty at its end.
  absl::StatusOr<absl::string_view> ReadData();

  // Where in the file the piece belongs that ReadData() gave last. It grows; what it leaves out,
  // and what is missing to the entry's size at the end, is a hole.
  uint64_t position() const { return position_; }

  // Where in the stream the next byte that ReadData() gives stands: right after Next(), the entry's
  // data. For whoever can seek and comes back later.
  uint64_t offset() const { return offset_; }

 private:
  absl::StatusOr<const char*> ReadBlock();
  absl::StatusOr<size_t> Fill();
  absl::Status Skip();
  absl::Status Finish();
  void SetData(uint64_t size);
  absl::Status ReadExtension(absl::string_view block, TarExtension* extension);
  absl::Status ParseEntry(absl::string_view block, TarExtension extension, TarEntry* entry);
  absl::Status ParseNames(absl::string_view block, TarExtension* extension, TarEntry* entry);
  absl::Status ParseLink(std::string link, TarEntry* entry);
  absl::Status ParseOwner(absl::string_view block, const TarExtension& extension, TarEntry* entry);
  absl::Status ParseDevice(absl::string_view block, TarEntry* entry);
  absl::Status ParseSparse(absl::string_view block, const TarExtension& extension, TarEntry* entry);
  absl::Status ReadOldMap(const std::string& header, TarEntry* entry, SparseMap* map);
  absl::Status ReadMapInData(TarEntry* entry, SparseMap* map);
  absl::Status Malformed(absl::string_view what) const;
  absl::Status TooLarge(absl::string_view what) const;

  ByteSource* source_;
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0, end_ = 0;  // the unread bytes in buffer_
  uint64_t offset_ = 0;         // of begin_ in the stream
  uint64_t data_left_ = 0;      // of the entry
  uint64_t padding_left_ = 0;   // after its data
  // Of the entry's file: where the last piece was, where the next one is, and how far this part
  // goes before the next extent.
  uint64_t position_ = 0, next_ = 0, part_end_ = 0;
  std::vector<TarExtent> extents_;
  size_t extent_ = 0;
  bool done_ = false;
  std::string noun_;  // of messages: the entry, or where its header is
};

}  // namespace stave::archive

#endif  // STAVE_LIBS_ARCHIVE_TAR_READER_H_

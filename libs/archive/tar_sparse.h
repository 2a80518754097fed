// SPDX-License-Identifier: Apache-2.0
//
// Sparse files in tar headers: a map says which parts of the file are stored; what lies between and
// after them is a hole.
//
//   old GNU  type S: four pairs (offset, size) in the header, 21 in each block that follows it
//   PAX 0.0  GNU.sparse.size; GNU.sparse.numblocks; GNU.sparse.offset, GNU.sparse.numbytes in turn
//   PAX 0.1  GNU.sparse.size, .numblocks, .name; GNU.sparse.map=OFFSET,SIZE,OFFSET,SIZE..
//   PAX 1.0  GNU.sparse.major=1, .minor=0, .realsize, .name; the map begins the data, filled up to
//            whole blocks: lines COUNT, OFFSET, SIZE, OFFSET, SIZE..
//
// Parts come in order and do not overlap, end within the file, and together are as long as what is
// stored: anything else is malformed. A map is read up to 1 MiB of headers or text, so there are at
// most 262 144 parts. Errors, without saying of what: InvalidArgument [E_TAR]; ResourceExhausted
// [E_LIMIT].
//
// Sources: GNU tar manual, "Storing Sparse Files"; for what it leaves open (parts follow each other
// without padding, the end of the old map) Go's archive/tar, which the other engines use.

#ifndef STAVE_LIBS_ARCHIVE_TAR_SPARSE_H_
#define STAVE_LIBS_ARCHIVE_TAR_SPARSE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::archive {

struct TarExtent {
  uint64_t offset, size;
};

class SparseMap {
 public:
  // The next part. nullopt is a number that could not be read.
  absl::Status Add(std::optional<int64_t> offset, std::optional<int64_t> size);

  // A run of pairs of an old GNU header (`pairs` holds whole ones). False once the map has ended,
  // which an empty pair says.
  absl::StatusOr<bool> AddOldPairs(absl::string_view pairs);

  // A piece of the text of PAX 1.0. True once the map is complete.
  absl::StatusOr<bool> AddText(absl::string_view text);

  // Checks the whole against the file's size and the number of bytes that are stored.
  absl::Status Check(uint64_t size, uint64_t stored) const;

  // Those that are not empty.
  const std::vector<TarExtent>& extents() const { return extents_; }

 private:
  absl::Status TakeLine(absl::string_view line);

  std::vector<TarExtent> extents_;
  uint64_t end_ = 0;     // of the last part
  uint64_t stored_ = 0;  // sum of sizes
  // Of AddText.
  std::string line_;                    // the beginning of one
  std::optional<uint64_t> lines_left_;  // once the count is known
  std::optional<int64_t> offset_;
  size_t text_ = 0;
};

// The GNU.sparse.* records of one PAX header.
class SparseRecords {
 public:
  // kNone: not a sparse file; kComplete: map() is; kInData: the data begins with it.
  enum class Form { kNone, kComplete, kInData };

  // `key` is what follows "GNU.sparse.".
  absl::Status Take(absl::string_view key, absl::string_view value);

  // Once all records are taken. Errors also for versions that are not known and records that are
  // missing.
  absl::StatusOr<Form> Finish() const;

  const std::optional<std::string>& name() const { return name_; }
  // The file's. Set unless kNone.
  uint64_t size() const { return static_cast<uint64_t>(*size_); }
  const SparseMap& map() const { return map_; }

 private:
  absl::Status TakeMap(absl::string_view value);

  bool any_ = false, has_map_ = false;
  std::optional<int64_t> major_, minor_, size_, count_, offset_;
  std::optional<std::string> name_;
  uint64_t pairs_ = 0;
  SparseMap map_;
};

}  // namespace stave::archive

#endif  // STAVE_LIBS_ARCHIVE_TAR_SPARSE_H_

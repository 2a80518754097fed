// SPDX-License-Identifier: Apache-2.0
//
// Writes a tar stream entry by entry, in bounded memory and without seeking: what tar_reader.h
// reads.
//
//   TarWriter tar(&sink);
//   STAVE_RETURN_IF_ERROR(tar.Begin(entry));
//   STAVE_RETURN_IF_ERROR(tar.WriteData(bytes));   // exactly entry.size of them
//   STAVE_RETURN_IF_ERROR(tar.Finish());
//
// The bytes follow from the entries alone: the same entries in the same order give the same bytes
// on any machine, by any user, at any time. A header is plain ustar, without names of users and
// groups, which are the machine's. Only what it cannot say goes into a PAX header before it, in
// this order: a name or target that is too long for it, a size from 8 GiB, ids from 2 097 152,
// times before 1970 or with a fraction, extended attributes (SCHILY.xattr.NAME, sorted). Names that
// are not UTF-8 stand as they are, after hdrcharset=BINARY where they are in a PAX header. Nothing
// is ever cut or rounded. Sparse files are written out.
//
// Sources: POSIX.1-2017 pax "ustar Interchange Format", "pax Extended Header"; star(5)
// SCHILY.xattr.

#ifndef STAVE_LIBS_ARCHIVE_TAR_WRITER_H_
#define STAVE_LIBS_ARCHIVE_TAR_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/archive/byte_sink.h"
#include "libs/archive/tar_reader.h"

namespace stave::archive {

class TarWriter {
 public:
  // Borrows `sink`.
  explicit TarWriter(ByteSink* sink);

  // Writes the headers of `entry`, whose path and link are as TarEntry has them; `stored` is not
  // looked at. Directories get a slash at the end. The data of the entry before must be complete.
  // Errors: InvalidArgument [E_TAR] for what a tar cannot say: an empty path, a NUL in a name, an
  // attribute with '=' in its name, a time that is no time; those of the sink, after which the
  // writer is of no more use.
  absl::Status Begin(const TarEntry& entry);

  // The next bytes of a file's data. Errors: Internal if there are more than its size said.
  absl::Status WriteData(absl::string_view bytes);

  // As many zeros: the holes of a sparse file.
  absl::Status WriteZeros(uint64_t count);

  // What the data of the entry still wants.
  uint64_t data_left() const { return data_left_; }

  // The two blocks of the end. Errors: Internal if the last entry is not complete.
  absl::Status Finish();

  // Of the stream so far.
  uint64_t bytes() const { return bytes_; }

 private:
  absl::Status Put(absl::string_view bytes);
  absl::Status Flush();
  absl::Status PutPadding();

  ByteSink* sink_;
  std::string buffer_;
  uint64_t bytes_ = 0;
  uint64_t data_left_ = 0;
  uint64_t padding_ = 0;  // after the data
};

}  // namespace stave::archive

#endif  // STAVE_LIBS_ARCHIVE_TAR_WRITER_H_

// SPDX-License-Identifier: Apache-2.0
//
// What goes from one tree to another, or to and from a tar: an entry, and the data of a file.
//
//   TreeReader (tree_reader.h)  --\                /-->  TreeMaker (tree_maker.h)
//                                   TakeEntry(..)
//   ReadTarEntries              --/                \-->  TarEntryWriter (tar_entry_writer.h)

#ifndef STAVE_LIBS_IMAGE_TREE_ENTRY_H_
#define STAVE_LIBS_IMAGE_TREE_ENTRY_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/archive/tar_reader.h"

namespace stave::image {

// The data of a file, piece by piece, with its holes left out.
class EntryData {
 public:
  virtual ~EntryData() = default;

  // The next piece, valid until the next call; empty at the end.
  virtual absl::StatusOr<absl::string_view> ReadData() = 0;

  // Where in the file the piece belongs that came last. It grows; what it leaves out, and what is
  // missing to the entry's size at the end, is a hole.
  virtual uint64_t position() const = 0;
};

// Takes one entry; `data` is nullptr unless it is a file. The entry may be changed by whoever
// stands in between.
using TakeEntry = std::function<absl::Status(archive::TarEntry* entry, EntryData* data)>;

// Tells what is left out, and why, in one line without a stop.
using TellOmission = std::function<void(const std::string& message)>;

// Hands all entries of `tar` to `take`. Errors: those of both.
absl::Status ReadTarEntries(archive::TarReader* tar, const TakeEntry& take);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_TREE_ENTRY_H_

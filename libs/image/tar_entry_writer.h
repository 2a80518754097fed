// SPDX-License-Identifier: Apache-2.0
//
// A TakeEntry that writes a tar: the data of files with their holes as zeros.

#ifndef STAVE_LIBS_IMAGE_TAR_ENTRY_WRITER_H_
#define STAVE_LIBS_IMAGE_TAR_ENTRY_WRITER_H_

#include "absl/status/status.h"
#include "libs/archive/tar_writer.h"
#include "libs/image/tree_entry.h"

namespace stave::image {

// Writes `entry` with all its data. Errors: those of the writer and of the data.
absl::Status WriteTarEntry(const archive::TarEntry& entry, EntryData* data,
                           archive::TarWriter* tar);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_TAR_ENTRY_WRITER_H_

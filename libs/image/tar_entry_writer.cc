// SPDX-License-Identifier: Apache-2.0
#include "libs/image/tar_entry_writer.h"

#include "libs/base/status_macros.h"

namespace stave::image {

absl::Status WriteTarEntry(const archive::TarEntry& entry, EntryData* data,
                           archive::TarWriter* tar) {
  STAVE_RETURN_IF_ERROR(tar->Begin(entry));
  while (data != nullptr) {
    STAVE_ASSIGN_OR_RETURN(const absl::string_view piece, data->ReadData());
    if (piece.empty()) break;
    const uint64_t at = entry.size - tar->data_left();
    STAVE_RETURN_IF_ERROR(tar->WriteZeros(data->position() - at));
    STAVE_RETURN_IF_ERROR(tar->WriteData(piece));
  }
  return tar->WriteZeros(tar->data_left());
}

}  // namespace stave::image

// SPDX-License-Identifier: Apache-2.0
#include "libs/image/tree_entry.h"

#include "libs/base/status_macros.h"

namespace stave::image {
namespace {

class TarData : public EntryData {
 public:
  explicit TarData(archive::TarReader* tar) : tar_(tar) {}
  absl::StatusOr<absl::string_view> ReadData() override { return tar_->ReadData(); }
  uint64_t position() const override { return tar_->position(); }

 private:
  archive::TarReader* tar_;
};

}  // namespace

absl::Status ReadTarEntries(archive::TarReader* tar, const TakeEntry& take) {
  TarData data(tar);
  archive::TarEntry entry;
  while (true) {
    STAVE_ASSIGN_OR_RETURN(const bool more, tar->Next(&entry));
    if (!more) return absl::OkStatus();
    STAVE_RETURN_IF_ERROR(take(&entry, entry.type == archive::TarType::kFile ? &data : nullptr));
  }
}

}  // namespace stave::image

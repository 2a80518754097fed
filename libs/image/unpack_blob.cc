// SPDX-License-Identifier: Apache-2.0
#include "libs/image/unpack_blob.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/file_range.h"
#include "libs/image/unpack_child.h"
#include "libs/store/blobs.h"

namespace stave::image {
namespace {

absl::Status DigestError(absl::string_view noun, absl::string_view promised,
                         absl::string_view got) {
  return base::Error(absl::StatusCode::kDataLoss, "E_DIGEST",
                     absl::StrCat(noun, " ", promised, ": its content is ", got));
}

absl::StatusOr<UnpackReport> Unpack(const store::Store& store, const store::NeededLayer& layer,
                                    const std::string& unpacker, int fs) {
  const std::string noun = layer.blob.digest.ToString();
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd blob,
                         store::OpenBlob(store, layer.blob.digest, layer.blob.size));
  STAVE_ASSIGN_OR_RETURN(UnpackChild child, UnpackChild::Start(unpacker, fs));
  oci::Sha256 hash;
  STAVE_RETURN_IF_ERROR(
      ReadRange(blob.get(), 0, layer.blob.size, noun, [&](absl::string_view data) {
        hash.Update(data);
        return child.Write(data);
      }));
  const oci::Digest got = hash.Finish();
  // Wrong bytes are the cause where the unpacker fails of them.
  if (got != layer.blob.digest) return DigestError("blob", noun, got.ToString());
  auto report = child.Finish();
  if (!report.ok()) return base::WithContext(report.status(), absl::StrCat("blob ", noun));
  if (report->diff_id != layer.diff_id.ToString()) {
    return DigestError("layer with the diffID", layer.diff_id.ToString(), report->diff_id);
  }
  return report;
}

}  // namespace

absl::StatusOr<UnpackedBlob> UnpackBlob(const store::Store& store, const store::NeededLayer& layer,
                                        const std::vector<oci::Digest>& lowers,
                                        const std::string& unpacker, OverlayAttributes attributes,
                                        int fs) {
  STAVE_ASSIGN_OR_RETURN(UnpackReport report, Unpack(store, layer, unpacker, fs));
  const bool depends = DependsOnLower(report);
  std::vector<base::UniqueFd> open;
  std::vector<int> fds;
  for (auto lower = lowers.rbegin(); depends && lower != lowers.rend(); ++lower) {
    STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd, store::OpenLayer(store, *lower));
    fds.push_back(fd.get());
    open.push_back(std::move(fd));
  }
  STAVE_RETURN_IF_ERROR(Settle(fs, report, fds, attributes));
  store::LayerMeta meta{layer.diff_id, std::nullopt, static_cast<int64_t>(report.file_bytes),
                        static_cast<int64_t>(report.entries), report.root_named};
  if (depends) meta.chain_id = layer.chain_id;
  return UnpackedBlob{std::move(report), meta, depends ? layer.chain_id : layer.diff_id};
}

}  // namespace stave::image

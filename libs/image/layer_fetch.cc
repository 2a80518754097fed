// SPDX-License-Identifier: Apache-2.0
#include "libs/image/layer_fetch.h"

#include <errno.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/file_range.h"
#include "libs/image/unpack_child.h"
#include "libs/store/blobs.h"

namespace stave::image {
namespace {

absl::Status DigestError(absl::string_view noun, const oci::Digest& promised,
                         absl::string_view got) {
  return base::Error(absl::StatusCode::kDataLoss, "E_DIGEST",
                     absl::StrCat(noun, " ", promised.ToString(), ": what came is ", got));
}

absl::Status WriteAt(int fd, absl::string_view data, int64_t offset, absl::string_view noun) {
  while (!data.empty()) {
    const ssize_t n = ::pwrite(fd, data.data(), data.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::PosixError(errno, noun, "write");
    data.remove_prefix(static_cast<size_t>(n));
    offset += n;
  }
  return absl::OkStatus();
}

// One run of a layer's bytes from beginning to end.
class Run {
 public:
  Run(const FetchContext& context, const LayerName& name, LayerInFlight* layer)
      : context_(context), name_(name), layer_(*layer) {}

  absl::Status Do();

 private:
  absl::Status Take(absl::string_view data);
  absl::Status TakeNew(absl::string_view data);
  absl::Status ReadPresent();
  absl::Status CheckReport(const absl::StatusOr<UnpackReport>& report);

  const FetchContext& context_;
  const LayerName& name_;
  LayerInFlight& layer_;
  std::optional<UnpackChild> child_;
  oci::Sha256 hash_;
  int64_t done_ = 0;
};

absl::Status Run::Take(absl::string_view data) {
  if (context_.cancelled()) return absl::CancelledError("another layer failed");
  hash_.Update(data);
  done_ += static_cast<int64_t>(data.size());
  if (child_.has_value()) STAVE_RETURN_IF_ERROR(child_->Write(data));
  context_.arrived(static_cast<int64_t>(data.size()));
  context_.progress.Bytes(name_.blob.digest, done_, name_.blob.size);
  return absl::OkStatus();
}

absl::Status Run::TakeNew(absl::string_view data) {
  STAVE_RETURN_IF_ERROR(WriteAt(layer_.blob->fd(), data, done_, name_.blob.digest.ToString()));
  return Take(data);
}

// What is on disk: all of the blob, or what an earlier pull has left of it.
absl::Status Run::ReadPresent() {
  const auto take = [this](absl::string_view data) { return Take(data); };
  const std::string noun = name_.blob.digest.ToString();
  if (layer_.blob.has_value()) {
    return ReadRange(layer_.blob->fd(), 0, layer_.blob->present(), noun, take);
  }
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd file,
                         store::OpenBlob(context_.store, name_.blob.digest, name_.blob.size));
  return ReadRange(file.get(), 0, name_.blob.size, noun, take);
}

absl::Status Run::CheckReport(const absl::StatusOr<UnpackReport>& report) {
  if (!report.ok()) {
    return base::WithContext(report.status(), absl::StrCat("layer ", name_.blob.digest.ToString()));
  }
  if (report->diff_id != name_.diff_id.ToString()) {
    return DigestError("layer with the diffID", name_.diff_id, report->diff_id);
  }
  layer_.report = *report;
  return absl::OkStatus();
}

absl::Status Run::Do() {
  if (layer_.tree.has_value()) {
    STAVE_ASSIGN_OR_RETURN(UnpackChild child,
                           UnpackChild::Start(context_.unpacker, layer_.tree->fs()));
    child_.emplace(std::move(child));
  }
  STAVE_RETURN_IF_ERROR(ReadPresent());
  if (layer_.blob.has_value()) {
    STAVE_RETURN_IF_ERROR(
        context_.source.GetBlob(name_.blob.digest, name_.blob.size, done_,
                                [this](absl::string_view data) { return TakeNew(data); }));
  }
  // Wrong bytes are the cause where the unpacker fails of them.
  const oci::Digest got = hash_.Finish();
  if (got != name_.blob.digest) return DigestError("layer", name_.blob.digest, got.ToString());
  context_.progress.Set(name_.blob.digest, "Download complete");
  return child_.has_value() ? CheckReport(child_->Finish()) : absl::OkStatus();
}

// Back to the start after a continued blob turned out wrong.
absl::Status StartAnew(const FetchContext& context, const LayerName& name, LayerInFlight* layer) {
  STAVE_RETURN_IF_ERROR(layer->blob->Restart());
  if (!layer->tree.has_value()) return absl::OkStatus();
  layer->tree.reset();
  STAVE_ASSIGN_OR_RETURN(std::optional<store::LayerIngest> fresh,
                         store::LayerIngest::Begin(context.store, name.diff_id, name.chain_id,
                                                   nullptr, context.cancelled));
  if (fresh.has_value()) layer->tree.emplace(*std::move(fresh));
  return absl::OkStatus();
}

// Whether what has arrived of the blob is of no use to the next pull: it is wrong, the unpacker
// would refuse it again, or its room is needed.
bool IsToBeDiscarded(absl::string_view word) {
  return word == "E_DIGEST" || word == "E_SIZE" || word == "E_NO_SPACE" || word == "E_TAR" ||
         word == "E_TAR_ESCAPE" || word == "E_CORRUPT" || word == "E_UNSUPPORTED";
}

}  // namespace

absl::Status FetchLayer(const FetchContext& context, const LayerName& name, LayerInFlight* layer) {
  const bool continued = layer->blob.has_value() && layer->blob->present() > 0;
  absl::Status status = Run(context, name, layer).Do();
  // A mirror that gave wrong bytes is not asked for them again.
  for (bool anew = continued; base::ErrorWord(status) == "E_DIGEST" && layer->blob.has_value() &&
                              (context.source.Reject(name.blob.digest) || anew);
       anew = false) {
    STAVE_RETURN_IF_ERROR(StartAnew(context, name, layer));
    status = Run(context, name, layer).Do();
  }
  if (layer->blob.has_value() && IsToBeDiscarded(base::ErrorWord(status))) {
    layer->blob->Discard().IgnoreError();
  }
  return status;
}

}  // namespace stave::image

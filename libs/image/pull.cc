// SPDX-License-Identifier: Apache-2.0
#include "libs/image/pull.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/oci/image_config.h"
#include "libs/store/blobs.h"
#include "libs/store/ingest.h"
#include "libs/store/refs.h"

namespace stave::image {
namespace {

// From what the reference names down to the platform's manifest.
struct Documents {
  std::vector<Document> all;  // the last is the manifest
  const oci::Manifest& manifest() const { return std::get<oci::Manifest>(all.back().parsed); }
};

// A document that an index names: from the store if it is there.
absl::StatusOr<Document> GetDocument(const store::Store& store, Source& source,
                                     const oci::Descriptor& descriptor) {
  if (!store::HasBlob(store, descriptor.digest, descriptor.size)) {
    return source.GetDocument(descriptor);
  }
  STAVE_ASSIGN_OR_RETURN(
      std::string bytes,
      store::ReadBlob(store, descriptor.digest, descriptor.size, oci::kMaxManifestSize));
  return MakeDocument(std::move(bytes), descriptor.media_type);
}

absl::StatusOr<Documents> GetDocuments(const store::Store& store, Source& source,
                                       const oci::Platform& platform) {
  Documents documents;
  STAVE_ASSIGN_OR_RETURN(Document top, source.GetTop());
  documents.all.push_back(std::move(top));
  while (const auto* index = std::get_if<oci::Index>(&documents.all.back().parsed)) {
    if (documents.all.size() > kMaxIndexes) {
      return base::Error(absl::StatusCode::kInvalidArgument, "E_MANIFEST",
                         absl::StrCat("more than ", kMaxIndexes, " indexes, one within the other"));
    }
    STAVE_ASSIGN_OR_RETURN(const oci::Descriptor entry, oci::ChooseManifest(*index, platform));
    STAVE_ASSIGN_OR_RETURN(Document next, GetDocument(store, source, entry));
    documents.all.push_back(std::move(next));
  }
  return documents;
}

absl::StatusOr<std::string> GetConfig(const store::Store& store, Source& source,
                                      const oci::Descriptor& descriptor) {
  if (descriptor.size > static_cast<int64_t>(oci::kMaxImageConfigSize)) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("config ", descriptor.digest.ToString(), ": is larger than ",
                                    oci::kMaxImageConfigSize, " bytes"));
  }
  if (store::HasBlob(store, descriptor.digest, descriptor.size)) {
    return store::ReadBlob(store, descriptor.digest, descriptor.size, oci::kMaxImageConfigSize);
  }
  std::string bytes;
  STAVE_RETURN_IF_ERROR(
      source.GetBlob(descriptor.digest, descriptor.size, 0, [&](absl::string_view data) {
        absl::StrAppend(&bytes, data);
        return absl::OkStatus();
      }));
  if (const oci::Digest got = oci::DigestOf(bytes); got != descriptor.digest) {
    return base::Error(
        absl::StatusCode::kDataLoss, "E_DIGEST",
        absl::StrCat("config ", descriptor.digest.ToString(), ": what came is ", got.ToString()));
  }
  return bytes;
}

// A lone manifest may be for a machine that was not asked for.
absl::Status CheckPlatform(const oci::ImageConfig& config, const PullOptions& options) {
  const std::vector<oci::Platform> fits = oci::PlatformOrder(options.platform);
  if (!options.platform_is_asked ||
      std::find(fits.begin(), fits.end(), config.platform) != fits.end()) {
    return absl::OkStatus();
  }
  return base::Error(
      absl::StatusCode::kNotFound, "E_PLATFORM",
      absl::StrCat("the image is for ", base::Printable(oci::PlatformName(config.platform)),
                   ", not for ", oci::PlatformName(options.platform)));
}

absl::Status StoreSmallBlob(const store::Store& store, const oci::Digest& digest,
                            absl::string_view bytes, bool* stored) {
  STAVE_ASSIGN_OR_RETURN(
      std::optional<store::BlobIngest> blob,
      store::BlobIngest::Begin(store, digest, static_cast<int64_t>(bytes.size())));
  if (!blob.has_value()) return absl::OkStatus();
  *stored = true;
  STAVE_RETURN_IF_ERROR(blob->Restart());
  absl::Status written = base::WriteAll(blob->fd(), bytes, digest.ToString());
  if (written.ok()) written = blob->Commit(store::Synced::kNo);
  if (!written.ok()) blob->Discard().IgnoreError();
  return written;
}

}  // namespace

absl::StatusOr<Pulled> Pull(const store::Store& store, Source& source,
                            const oci::Reference& reference, const PullOptions& options,
                            Progress& progress) {
  STAVE_RETURN_IF_ERROR(store::SweepIngest(store));
  STAVE_ASSIGN_OR_RETURN(const Documents documents, GetDocuments(store, source, options.platform));
  const oci::Manifest& manifest = documents.manifest();
  STAVE_ASSIGN_OR_RETURN(const std::string config_bytes, GetConfig(store, source, manifest.config));
  const auto config = oci::ParseImageConfig(config_bytes);
  if (!config.ok()) return base::WithContext(config.status(), "image config");
  STAVE_RETURN_IF_ERROR(oci::CheckSameLayers(manifest, *config));
  STAVE_RETURN_IF_ERROR(CheckPlatform(*config, options));

  Pulled pulled{documents.all.front().digest, false};
  STAVE_RETURN_IF_ERROR(
      PullLayers(store, source, manifest, *config, options.layers, progress, &pulled.newer));
  STAVE_RETURN_IF_ERROR(StoreSmallBlob(store, manifest.config.digest, config_bytes, &pulled.newer));
  // What is named comes before what names it.
  for (auto document = documents.all.rbegin(); document != documents.all.rend(); ++document) {
    STAVE_RETURN_IF_ERROR(StoreSmallBlob(store, document->digest, document->bytes, &pulled.newer));
  }
  const Document& top = documents.all.front();
  const auto old = store::GetRef(store, reference);
  if (old.ok() && old->digest == top.digest && !pulled.newer) return pulled;
  pulled.newer = true;
  STAVE_RETURN_IF_ERROR(store::SetRef(store, reference,
                                      oci::Descriptor{top.media_type(),
                                                      top.digest,
                                                      static_cast<int64_t>(top.bytes.size()),
                                                      std::nullopt,
                                                      "",
                                                      {}}));
  return pulled;
}

}  // namespace stave::image

// SPDX-License-Identifier: Apache-2.0
#include "libs/image/pull.h"

#include <fcntl.h>
#include <unistd.h>

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
#include "libs/store/lease.h"
#include "libs/store/refs.h"

namespace stave::image {
namespace {

// From what the reference names down to one platform's manifest, which is the last.
using Documents = std::vector<Document>;

const oci::Manifest& ManifestOf(const Documents& documents) {
  return std::get<oci::Manifest>(documents.back().parsed);
}

// Whether the store has had an image of the same repository.
bool KnowsRepository(const store::Store& store, const oci::Reference& reference) {
  const std::string path = store::RefPath(reference);
  return ::faccessat(store.state(), path.substr(0, path.rfind('/')).c_str(), F_OK, 0) == 0;
}

// Whether it is the digest by which an image of its repository came.
bool IsKnownDigest(const store::Store& store, const oci::Reference& reference) {
  if (!reference.digest().has_value()) return false;
  const auto refs = store::ListRefs(store);
  return refs.ok() && std::any_of(refs->begin(), refs->end(), [&](const store::NamedImage& ref) {
           return ref.descriptor.digest == *reference.digest() &&
                  ref.reference.domain() == reference.domain() &&
                  ref.reference.path() == reference.path() && !store::IsTaggedHere(ref.descriptor);
         });
}

// What the store already has of what `reference` stands for now, if the source can tell cheaply.
absl::StatusOr<std::optional<oci::Descriptor>> FindTop(const store::Store& store, Source& source,
                                                       const oci::Reference& reference) {
  if (reference.digest().has_value()) {
    auto known = store::GetRef(store, reference);
    if (known.ok()) return *std::move(known);
    return std::nullopt;
  }
  if (!KnowsRepository(store, reference)) return std::nullopt;
  return source.FindTop();
}

// The document that the reference names: from the store if it has not changed.
absl::StatusOr<Document> GetTop(const store::Store& store, Source& source,
                                const oci::Reference& reference) {
  STAVE_ASSIGN_OR_RETURN(const std::optional<oci::Descriptor> top,
                         FindTop(store, source, reference));
  if (top.has_value() && store::HasBlob(store, top->digest, top->size)) {
    auto bytes = store::ReadBlob(store, top->digest, top->size, oci::kMaxManifestSize);
    auto document = bytes.ok() ? MakeDocument(*std::move(bytes), top->media_type) : bytes.status();
    if (document.ok()) return document;
  }
  return source.GetTop();
}

// A document that an index names: from the store if it is there, and whole.
absl::StatusOr<Document> GetDocument(const store::Store& store, Source& source,
                                     const oci::Descriptor& descriptor) {
  auto bytes = store::ReadBlob(store, descriptor.digest, descriptor.size, oci::kMaxManifestSize);
  if (!bytes.ok()) return source.GetDocument(descriptor);
  return MakeDocument(*std::move(bytes), descriptor.media_type);
}

// BuildKit files what it says about an image as one for no machine at all.
bool IsAttestation(const oci::Descriptor& entry) {
  return entry.platform.has_value() && entry.platform->os == "unknown" &&
         entry.platform->architecture == "unknown";
}

// The entries of `index` that are wanted.
absl::StatusOr<std::vector<oci::Descriptor>> WantedEntries(const oci::Index& index,
                                                           const PullOptions& options) {
  std::vector<oci::Descriptor> entries;
  if (options.all_platforms) {
    for (const oci::Descriptor& entry : index.manifests) {
      if (!IsAttestation(entry)) entries.push_back(entry);
    }
    return entries;
  }
  STAVE_ASSIGN_OR_RETURN(oci::Descriptor entry, oci::ChooseManifest(index, options.platform));
  entries.push_back(std::move(entry));
  return entries;
}

absl::StatusOr<std::string> GetConfig(const store::Store& store, Source& source,
                                      const oci::Descriptor& descriptor) {
  if (descriptor.size > static_cast<int64_t>(oci::kMaxImageConfigSize)) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("config ", descriptor.digest.ToString(), ": is larger than ",
                                    oci::kMaxImageConfigSize, " bytes"));
  }
  auto own = store::ReadBlob(store, descriptor.digest, descriptor.size, oci::kMaxImageConfigSize);
  if (own.ok()) return *std::move(own);
  while (true) {
    std::string bytes;
    STAVE_RETURN_IF_ERROR(
        source.GetBlob(descriptor.digest, descriptor.size, 0, [&](absl::string_view data) {
          absl::StrAppend(&bytes, data);
          return absl::OkStatus();
        }));
    const oci::Digest got = oci::DigestOf(bytes);
    if (got == descriptor.digest) return bytes;
    if (source.Reject(descriptor.digest)) continue;
    return base::Error(
        absl::StatusCode::kDataLoss, "E_DIGEST",
        absl::StrCat("config ", descriptor.digest.ToString(), ": what came is ", got.ToString()));
  }
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

// Everything of the store that the pull relies on.
std::vector<oci::Digest> NamesOf(const Documents& documents, const oci::ImageConfig& config) {
  std::vector<oci::Digest> names = config.diff_ids;
  for (const oci::Digest& chain_id : oci::ChainIds(config.diff_ids)) names.push_back(chain_id);
  for (const Document& document : documents) names.push_back(document.digest);
  const oci::Manifest& manifest = ManifestOf(documents);
  names.push_back(manifest.config.digest);
  for (const oci::Descriptor& layer : manifest.layers) names.push_back(layer.digest);
  return names;
}

// Documents on their way into the store: all written, then one sync, then all named, in the order
// in which they came.
class SmallBlobs {
 public:
  explicit SmallBlobs(const store::Store& store) : store_(store) {}
  SmallBlobs(const SmallBlobs&) = delete;
  SmallBlobs& operator=(const SmallBlobs&) = delete;
  // What has no name is thrown away: the next pull has these few bytes anew, and a full disk room.
  ~SmallBlobs() {
    for (store::BlobIngest& blob : blobs_) blob.Discard().IgnoreError();
  }

  // One that is here, whole, is left alone.
  absl::Status Add(const oci::Digest& digest, absl::string_view bytes);
  // Sets *stored if there were any.
  absl::Status Commit(bool* stored);

 private:
  const store::Store& store_;
  std::vector<store::BlobIngest> blobs_;
};

absl::Status SmallBlobs::Add(const oci::Digest& digest, absl::string_view bytes) {
  const auto size = static_cast<int64_t>(bytes.size());
  STAVE_RETURN_IF_ERROR(store::RemoveDamagedBlob(store_, digest, size, bytes.size()));
  STAVE_ASSIGN_OR_RETURN(std::optional<store::BlobIngest> blob,
                         store::BlobIngest::Begin(store_, digest, size));
  if (!blob.has_value()) return absl::OkStatus();
  blobs_.push_back(*std::move(blob));
  STAVE_RETURN_IF_ERROR(blobs_.back().Restart());
  return base::WriteAll(blobs_.back().fd(), bytes, digest.ToString());
}

absl::Status SmallBlobs::Commit(bool* stored) {
  if (blobs_.empty()) return absl::OkStatus();
  *stored = true;
  absl::Status done = store::Sync(store_);
  for (store::BlobIngest& blob : blobs_) {
    if (done.ok()) done = blob.Commit(store::Synced::kYes);
    if (!done.ok()) blob.Discard().IgnoreError();
  }
  blobs_.clear();
  return done;
}

// One pull; its lease lives as long as it.
class ImagePull {
 public:
  ImagePull(const store::Store& store, Source& source, const PullOptions& options,
            Progress& progress, store::PullLease lease)
      : store_(store),
        source_(source),
        options_(options),
        progress_(progress),
        lease_(std::move(lease)) {}

  // Pulls what the last of `documents` is or leads to.
  absl::Status Run(Documents* documents);

  bool stored() const { return stored_; }  // whether anything was missing
  bool has_image() const { return has_image_; }

 private:
  absl::Status PullManifest(const Documents& documents);

  const store::Store& store_;
  Source& source_;
  const PullOptions& options_;
  Progress& progress_;
  store::PullLease lease_;
  bool stored_ = false;
  bool has_image_ = false;
};

absl::Status ImagePull::Run(Documents* documents) {
  const auto* index = std::get_if<oci::Index>(&documents->back().parsed);
  if (index == nullptr) return PullManifest(*documents);
  if (documents->size() > kMaxIndexes) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_MANIFEST",
                       absl::StrCat("more than ", kMaxIndexes, " indexes, one within the other"));
  }
  STAVE_ASSIGN_OR_RETURN(const std::vector<oci::Descriptor> entries,
                         WantedEntries(*index, options_));
  for (const oci::Descriptor& entry : entries) {
    STAVE_ASSIGN_OR_RETURN(Document next, GetDocument(store_, source_, entry));
    documents->push_back(std::move(next));
    STAVE_RETURN_IF_ERROR(Run(documents));
    documents->pop_back();
  }
  return absl::OkStatus();
}

absl::Status ImagePull::PullManifest(const Documents& documents) {
  const oci::Manifest& manifest = ManifestOf(documents);
  STAVE_ASSIGN_OR_RETURN(const std::string config_bytes,
                         GetConfig(store_, source_, manifest.config));
  const auto config = oci::ParseImageConfig(config_bytes);
  if (!config.ok()) return base::WithContext(config.status(), "image config");
  STAVE_RETURN_IF_ERROR(oci::CheckSameLayers(manifest, *config));
  STAVE_RETURN_IF_ERROR(CheckPlatform(*config, options_));
  if (options_.all_platforms) progress_.Line(oci::PlatformName(config->platform));

  STAVE_RETURN_IF_ERROR(lease_.Add(NamesOf(documents, *config)));
  bool fetched = false;
  STAVE_RETURN_IF_ERROR(
      PullLayers(store_, source_, manifest, *config, options_.layers, progress_, &fetched));
  stored_ = stored_ || fetched;
  // What is named comes before what names it.
  SmallBlobs blobs(store_);
  STAVE_RETURN_IF_ERROR(blobs.Add(manifest.config.digest, config_bytes));
  for (auto document = documents.rbegin(); document != documents.rend(); ++document) {
    STAVE_RETURN_IF_ERROR(blobs.Add(document->digest, document->bytes));
  }
  has_image_ = true;
  return blobs.Commit(&stored_);
}

}  // namespace

absl::StatusOr<Pulled> Pull(const store::Store& store, Source& source,
                            const oci::Reference& reference, const PullOptions& options,
                            Progress& progress) {
  STAVE_RETURN_IF_ERROR(store::SweepIngest(store));
  STAVE_ASSIGN_OR_RETURN(Document top, GetTop(store, source, reference));
  progress.Line(
      absl::StrCat(reference.digest().has_value() ? reference.String() : reference.Target(),
                   ": Pulling from ", reference.path()));
  STAVE_ASSIGN_OR_RETURN(store::PullLease lease, store::PullLease::Begin(store));
  ImagePull pull(store, source, options, progress, std::move(lease));
  const oci::Descriptor named{top.media_type(), top.digest, static_cast<int64_t>(top.bytes.size()),
                              std::nullopt,     "",         {}};
  Documents documents;
  documents.push_back(std::move(top));
  STAVE_RETURN_IF_ERROR(pull.Run(&documents));
  // Its index has not been stored either: a name would lead nowhere.
  if (!pull.has_image()) {
    return base::Error(absl::StatusCode::kNotFound, "E_PLATFORM", "the index has no image");
  }

  const bool known = IsKnownDigest(store, reference);
  const auto old = store::GetRef(store, reference);
  const bool same = old.ok() && old->digest == named.digest && !pull.stored();
  if (same && !store::IsTaggedHere(*old)) {
    STAVE_RETURN_IF_ERROR(store::EnsureDurable(store, reference));
    return Pulled{named.digest, false};
  }
  STAVE_RETURN_IF_ERROR(store::SetRef(store, reference, named));
  return Pulled{named.digest, pull.stored() || !(same || known)};
}

}  // namespace stave::image

// SPDX-License-Identifier: Apache-2.0
#include "libs/image/open_source.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/image/archive_source.h"
#include "libs/image/layout_source.h"
#include "libs/oci/reference.h"

namespace stave::image {
namespace {

std::vector<registry::Endpoint> EndpointsOf(const oci::Reference& reference,
                                            const RegistryAccess& access) {
  if (!access.endpoints.empty()) return access.endpoints;
  registry::Endpoint own;
  own.host = reference.ApiHost();
  own.path = reference.path();
  own.repository = absl::StrCat(reference.domain(), "/", reference.path());
  return {own};
}

class RegistrySource : public Source {
 public:
  RegistrySource(const oci::Reference& reference, const RegistryAccess& access)
      : target_(reference.Target()),
        repository_(EndpointsOf(reference, access), access.client, access.credential_for) {}

  absl::StatusOr<Document> GetTop() override {
    STAVE_ASSIGN_OR_RETURN(registry::RawManifest raw, repository_.GetManifest(target_));
    return MakeDocument(std::move(raw.bytes), raw.content_type);
  }

  absl::StatusOr<std::optional<oci::Descriptor>> FindTop() override {
    STAVE_ASSIGN_OR_RETURN(const std::optional<registry::ManifestHead> head,
                           repository_.HeadManifest(target_));
    if (!head.has_value()) return std::nullopt;
    return oci::Descriptor{head->content_type, head->digest, head->size, std::nullopt, "", {}};
  }

  absl::StatusOr<Document> GetDocument(const oci::Descriptor& descriptor) override {
    STAVE_ASSIGN_OR_RETURN(registry::RawManifest raw,
                           repository_.GetManifest(descriptor.digest.ToString()));
    if (static_cast<int64_t>(raw.bytes.size()) != descriptor.size) {
      return base::Error(
          absl::StatusCode::kDataLoss, "E_SIZE",
          absl::StrCat("manifest ", descriptor.digest.ToString(), ": has ", raw.bytes.size(),
                       " bytes, its descriptor says ", descriptor.size));
    }
    return MakeDocument(std::move(raw.bytes), raw.content_type);
  }

  absl::Status GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                       const ByteSink& sink) override {
    return repository_.GetBlob(digest, size, offset, sink);
  }

  bool Reject(const oci::Digest& digest) override { return repository_.Reject(digest); }
  void Cancel() override { repository_.Cancel(); }

 private:
  const std::string target_;
  registry::Repository repository_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Source>> OpenSource(const SourceName& name,
                                                   const RegistryAccess& access) {
  switch (name.kind) {
    case SourceKind::kOciLayout:
      return OpenLayout(name.path, name.tag);
    case SourceKind::kDockerArchive:
      return OpenDockerArchive(name.path, name.tag);
    case SourceKind::kRegistry:
      break;
  }
  return std::unique_ptr<Source>(new RegistrySource(name.reference, access));
}

}  // namespace stave::image

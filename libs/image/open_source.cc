// SPDX-License-Identifier: Apache-2.0
#include "libs/image/open_source.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/image/archive_source.h"
#include "libs/image/layout_source.h"
#include "libs/oci/reference.h"

namespace stave::image {
namespace {

class RegistrySource : public Source {
 public:
  RegistrySource(const oci::Reference& reference, RegistryOptions options)
      : target_(reference.Target()),
        registry_(reference.ApiHost(), reference.path(), std::move(options)) {}

  absl::StatusOr<Document> GetTop() override {
    STAVE_ASSIGN_OR_RETURN(RawManifest raw, registry_.GetManifest(target_));
    return MakeDocument(std::move(raw.bytes), raw.content_type);
  }

  absl::StatusOr<Document> GetDocument(const oci::Descriptor& descriptor) override {
    STAVE_ASSIGN_OR_RETURN(RawManifest raw, registry_.GetManifest(descriptor.digest.ToString()));
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
    return registry_.GetBlob(digest, size, offset, sink);
  }

 private:
  const std::string target_;
  Registry registry_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Source>> OpenSource(const SourceName& name,
                                                   RegistryOptions options) {
  switch (name.kind) {
    case SourceKind::kOciLayout:
      return OpenLayout(name.path, name.tag);
    case SourceKind::kDockerArchive:
      return OpenDockerArchive(name.path, name.tag);
    case SourceKind::kRegistry:
      break;
  }
  return std::unique_ptr<Source>(new RegistrySource(name.reference, std::move(options)));
}

}  // namespace stave::image

// SPDX-License-Identifier: Apache-2.0
//
// Manifests, indexes and image configs of strangers: no text is read as both a manifest and an
// index, and sizes stay within their bounds.

#include <cstdint>
#include <cstdlib>
#include <variant>

#include "absl/strings/string_view.h"
#include "libs/oci/image_config.h"
#include "libs/oci/manifest.h"
#include "libs/oci/media_type.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool ReadAsManifest(absl::string_view text, const char* type) {
  const auto parsed = stave::oci::ParseManifestOrIndex(text, type);
  return parsed.ok() && std::holds_alternative<stave::oci::Manifest>(*parsed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace oci = stave::oci;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto index = oci::ParseManifestOrIndex(text, oci::kOciIndex);
  if (index.ok()) {
    Require(!ReadAsManifest(text, oci::kOciManifest));
    Require(!ReadAsManifest(text, ""));
    oci::ChooseManifest(std::get<oci::Index>(*index), oci::HostPlatform()).status().IgnoreError();
  }
  const auto any = oci::ParseManifestOrIndex(text, "");
  if (any.ok() && std::holds_alternative<oci::Manifest>(*any)) {
    for (const oci::Descriptor& layer : std::get<oci::Manifest>(*any).layers) {
      Require(layer.size >= 0 && layer.size <= oci::kMaxBlobSize);
    }
  }
  oci::ParseImageConfig(text).status().IgnoreError();
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "libs/image/check.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/oci/digest.h"
#include "libs/store/check_blobs.h"
#include "libs/store/check_containers.h"
#include "libs/store/check_layer.h"
#include "libs/store/check_leftovers.h"
#include "libs/store/check_refs.h"
#include "libs/store/layers.h"
#include "libs/store/needed.h"
#include "libs/store/refs.h"

namespace stave::image {
namespace {

using store::NamedImage;

// The images of `only`; all of them if that is empty.
absl::StatusOr<std::vector<NamedImage>> ChooseImages(const store::Store& store,
                                                     const std::vector<oci::Reference>& only) {
  if (only.empty()) return store::ListImages(store);
  std::vector<NamedImage> images;
  for (const oci::Reference& reference : only) {
    STAVE_ASSIGN_OR_RETURN(oci::Descriptor descriptor, store::GetRef(store, reference));
    images.push_back({reference, std::move(descriptor)});
  }
  return images;
}

// How many there are for who lists them: what a container keeps by digest is no further one while
// its image has a tag.
size_t CountImages(const std::vector<NamedImage>& images, const store::Needed& needed) {
  const auto tagged = [](const std::string& name) { return !absl::StrContains(name, '@'); };
  std::set<std::string> counted;
  for (const NamedImage& image : images) {
    const std::string name = image.reference.String();
    const auto blob = needed.blobs.find(image.descriptor.digest);
    const std::set<std::string> none;
    const std::set<std::string>& names = blob == needed.blobs.end() ? none : blob->second.images;
    if (tagged(name) || std::none_of(names.begin(), names.end(), tagged)) counted.insert(name);
  }
  return counted.size();
}

class Check {
 public:
  Check(const store::Store& store, const CheckOptions& options, store::Findings* findings)
      : store_(store), options_(options), findings_(*findings) {}

  absl::Status Run();

 private:
  void CheckImages(const std::vector<NamedImage>& images);
  size_t CountLayers(const store::Needed& needed);
  absl::Status CheckOtherLayers(const store::Needed& needed);
  // A part that failed is told and does not end the check.
  void Part(const absl::Status& status) {
    if (!status.ok()) findings_.AddFailure(status);
  }

  const store::Store& store_;
  const CheckOptions& options_;
  store::Findings& findings_;
};

// Folders: of the whole store, or of the images that were asked for.
size_t Check::CountLayers(const store::Needed& needed) {
  if (options_.only.empty()) {
    const auto keys = store::ListLayers(store_);
    return keys.ok() ? keys->size() : 0;
  }
  std::set<oci::Digest> keys;
  for (const auto& [chain_id, layer] : needed.layers) {
    if (const auto key = store::FindLayer(store_, layer.diff_id, chain_id)) keys.insert(*key);
  }
  return keys.size();
}

void Check::CheckImages(const std::vector<NamedImage>& images) {
  const store::Needed needed = store::FindNeeded(store_, images);
  for (const store::Finding& finding : needed.findings) findings_.Add(finding);
  findings_.SetExtent(CountImages(images, needed), CountLayers(needed));
  const store::Extent extent =
      options_.only.empty() ? store::Extent::kStore : store::Extent::kImages;
  const auto bad = store::CheckBlobs(store_, needed,
                                     {options_.how.depth, extent, options_.how.mend}, &findings_);
  if (!bad.ok()) return Part(bad.status());
  CheckLayers(store_, needed, *bad, options_.how, &findings_);
  if (!options_.only.empty()) return;
  Part(store::CheckLayersFolder(store_, options_.how.mend, &findings_));
  Part(store::CheckUnneeded(store_, options_.how.mend, &findings_));
  Part(CheckOtherLayers(needed));
}

// Those that no image needs that can be read: of containers, say.
absl::Status Check::CheckOtherLayers(const store::Needed& needed) {
  std::set<oci::Digest> known;
  for (const auto& [chain_id, layer] : needed.layers) {
    known.insert(chain_id);
    known.insert(layer.diff_id);
  }
  STAVE_ASSIGN_OR_RETURN(const std::vector<oci::Digest> keys, store::ListLayers(store_));
  for (const oci::Digest& key : keys) {
    if (known.count(key) != 0) continue;
    STAVE_ASSIGN_OR_RETURN(std::vector<store::Finding> found,
                           store::CheckLayerFolder(store_, key, std::nullopt));
    for (store::Finding& finding : found) {
      finding.remedy.clear();  // there is nothing to make it from
      findings_.Add(finding);
    }
  }
  return absl::OkStatus();
}

absl::Status Check::Run() {
  const bool all = options_.only.empty();
  if (all) {
    Part(store::CheckRefs(store_, options_.how.mend, &findings_));
    Part(store::CheckIndex(store_, options_.how.mend, &findings_));
  }
  STAVE_ASSIGN_OR_RETURN(const std::vector<NamedImage> images, ChooseImages(store_, options_.only));
  CheckImages(images);
  if (!all) return absl::OkStatus();
  Part(store::CheckContainers(store_, options_.how.mend, &findings_));
  Part(store::CheckLeftovers(store_, options_.how.mend, &findings_));
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckStore(const store::Roots& roots, const CheckOptions& options,
                        store::Findings* findings) {
  STAVE_ASSIGN_OR_RETURN(const bool exists, store::CheckRoots(roots, options.how.mend, findings));
  const auto no_store = [&] {
    findings->AddNote(absl::StrCat(base::Printable(roots.state), ": there is no store here"));
    return absl::OkStatus();
  };
  if (!exists) return no_store();
  STAVE_ASSIGN_OR_RETURN(const store::Store store,
                         store::Store::OpenRoots(roots, store::Access::kRead));
  if (store.state() < 0) return no_store();
  return Check(store, options, findings).Run();
}

}  // namespace stave::image

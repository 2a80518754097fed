// SPDX-License-Identifier: Apache-2.0
#include "tools/store-info/usage.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/cli/human_size.h"
#include "libs/oci/digest.h"
#include "libs/runtime/pause.h"
#include "libs/store/collect.h"
#include "libs/store/mark.h"
#include "libs/store/upper_size.h"
#include "libs/template/value.h"

namespace stave::tools {
namespace {

using templates::Value;

constexpr char kBuildCache[] = "Build Cache";

constexpr cli::Field kFields[] = {
    {"Type", "TYPE"}, {"TotalCount", "TOTAL"},        {"Active", "ACTIVE"},
    {"Size", "SIZE"}, {"Reclaimable", "RECLAIMABLE"},
};

constexpr cli::Listing kListing = {
    .type = "*formatter.diskUsageContainersContext",
    .fields = kFields,
    .table = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
    .raw =
        "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\n"
        "reclaimable: {{.Reclaimable}}\n"};

// Blobs and layers that `needed` does not reach.
absl::StatusOr<int64_t> BytesBut(const store::Store& store, const store::Marked& needed) {
  STAVE_ASSIGN_OR_RETURN(const store::Collected others,
                         store::FindUnneeded(store, needed, nullptr));
  return others.bytes;
}

absl::StatusOr<Usage> MeasureImages(const store::Store& store,
                                    const std::vector<image::StoredImage>& images) {
  Usage usage{"Images"};
  usage.total = static_cast<int64_t>(images.size());
  STAVE_ASSIGN_OR_RETURN(store::Origins origins, store::FindNamers(store));
  origins.refs.clear();
  for (const image::StoredImage& image : images) {
    if (image.containers.empty()) continue;
    ++usage.active;
    origins.refs.insert(origins.refs.end(), image.names.begin(), image.names.end());
  }
  STAVE_ASSIGN_OR_RETURN(usage.bytes, BytesBut(store, store::Marked()));
  STAVE_ASSIGN_OR_RETURN(usage.reclaimable, BytesBut(store, store::Mark(store, origins)));
  return usage;
}

}  // namespace

absl::StatusOr<Measured> Measure(const store::Store& store) {
  Measured measured;
  STAVE_ASSIGN_OR_RETURN(measured.images, image::ListStoredImages(store, {.containers = true}));
  STAVE_ASSIGN_OR_RETURN(const Usage images, MeasureImages(store, measured.images));
  STAVE_ASSIGN_OR_RETURN(std::vector<store::ContainerView> all,
                         store::ListContainers(store, store::Which::kAll));
  Usage containers{"Containers"};
  for (store::ContainerView& view : all) {
    if (view.marked_paused) view.marked_paused = runtime::IsPaused(view);
    const int64_t bytes = store::UpperBytes(store, view.record.id);
    ++containers.total;
    containers.bytes += bytes;
    if (store::IsLive(view.status)) {
      ++containers.active;
    } else {
      containers.reclaimable += bytes;
    }
    measured.containers.push_back({std::move(view), bytes});
  }
  measured.kinds = {images, containers, Usage{"Local Volumes"}, Usage{kBuildCache}};
  return measured;
}

const cli::Listing& UsageListing() { return kListing; }

std::string ReclaimableText(const Usage& usage) {
  std::string text = cli::HumanSize(usage.reclaimable);
  if (usage.bytes > 0) {
    absl::StrAppend(&text, " (", usage.reclaimable * 100 / usage.bytes, "%)");
  }
  return text;
}

cli::Row UsageRow(const Usage& usage) {
  return {{Value::String(usage.type), Value::String(absl::StrCat(usage.total)),
           Value::String(absl::StrCat(usage.active)), Value::String(cli::HumanSize(usage.bytes)),
           Value::String(ReclaimableText(usage))}};
}

json::Value UsageJson(const Usage& usage) {
  return json::Value::Object({{"type", json::Value::String(usage.type)},
                              {"total", json::Value::Number(usage.total)},
                              {"active", json::Value::Number(usage.active)},
                              {"bytes", json::Value::Number(usage.bytes)},
                              {"reclaimable", json::Value::Number(usage.reclaimable)}});
}

std::vector<int64_t> SharedSizes(const std::vector<image::StoredImage>& images) {
  std::map<oci::Digest, int> users;
  for (const image::StoredImage& image : images) {
    std::set<oci::Digest> its;
    for (const image::StoredLayer& layer : image.layers) {
      if (layer.key.has_value()) its.insert(*layer.key);
    }
    for (const oci::Digest& key : its) ++users[key];
  }
  std::vector<int64_t> sizes;
  for (const image::StoredImage& image : images) {
    int64_t shared = 0;
    for (const image::StoredLayer& layer : image.layers) {
      if (layer.key.has_value() && users[*layer.key] > 1) shared += layer.size;
    }
    sizes.push_back(shared);
  }
  return sizes;
}

}  // namespace stave::tools

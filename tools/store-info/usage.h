// SPDX-License-Identifier: Apache-2.0
//
// What the store takes of the disk, and what of that could be freed: `docker system df`.

#ifndef STAVE_TOOLS_STORE_INFO_USAGE_H_
#define STAVE_TOOLS_STORE_INFO_USAGE_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/cli/format.h"
#include "libs/image/stored_image.h"
#include "libs/json/value.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"

namespace stave::tools {

// One kind of object.
struct Usage {
  const char* type;  // "Images", "Containers", "Local Volumes", "Build Cache"
  int64_t total = 0;
  int64_t active = 0;       // images that a container uses; containers that run
  int64_t bytes = 0;        // of all; of images: their layers' files, and packed layers
  int64_t reclaimable = 0;  // what pruning all would free
};

struct MeasuredContainer {
  store::ContainerView view;
  int64_t bytes = 0;  // that it has written
};

struct Measured {
  std::vector<Usage> kinds;  // in Docker's order
  std::vector<image::StoredImage> images;
  std::vector<MeasuredContainer> containers;
};

// Errors: those of reading folders.
absl::StatusOr<Measured> Measure(const store::Store& store);

// What the listing's --format knows: Type TotalCount Active Size Reclaimable.
const cli::Listing& UsageListing();
cli::Row UsageRow(const Usage& usage);

// {"type":"Images","total":5,"active":2,"bytes":1200,"reclaimable":500}
json::Value UsageJson(const Usage& usage);

// "500MB (41%)"; without the share where there is nothing.
std::string ReclaimableText(const Usage& usage);

// How much of each image's layers other images have, too; by image.
std::vector<int64_t> SharedSizes(const std::vector<image::StoredImage>& images);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STORE_INFO_USAGE_H_

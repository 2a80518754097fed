// SPDX-License-Identifier: Apache-2.0
//
// The steps that made an image, newest first, as `docker history` shows them.

#ifndef STAVE_TOOLS_IMAGE_LIST_HISTORY_H_
#define STAVE_TOOLS_IMAGE_LIST_HISTORY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/cli/format.h"
#include "libs/image/stored_image.h"
#include "libs/json/value.h"

namespace stave::tools {

struct Step {
  std::string id;  // the image's for the last one, else "<missing>"
  std::optional<absl::Time> created;
  std::string created_by;
  std::string comment;
  int64_t size = 0;  // of its layer's files
  bool empty_layer = false;
};

// Newest first. What the config says of its history is taken as it is; a step with a layer gets the
// size of the next one that there is. An image without history has none.
std::vector<Step> StepsOf(const image::StoredImage& image);

// What the listing's --format knows: ID CreatedSince CreatedAt CreatedBy Size Comment.
const cli::Listing& HistoryListing();

// What --format stands for: `text` as given, "" if not.
std::string HistoryFormatText(const std::string& text, bool quiet, bool human);

struct HistoryStyle {
  absl::Time now;
  absl::TimeZone zone;
  bool whole = false;  // ids and commands
  bool human = true;   // sizes with units
};
cli::Row HistoryRow(const Step& step, const HistoryStyle& style);

// {"id":"sha256:.."|null,"created":"..","createdBy":"..","size":12,"comment":"","emptyLayer":false}
json::Value HistoryJson(const Step& step);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_IMAGE_LIST_HISTORY_H_

// SPDX-License-Identifier: Apache-2.0
//
// Images as a listing shows them: a row for each name, as `docker images` has it, or a JSON object
// for each image.

#ifndef STAVE_TOOLS_IMAGE_LIST_ROWS_H_
#define STAVE_TOOLS_IMAGE_LIST_ROWS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/cli/format.h"
#include "libs/image/stored_image.h"
#include "libs/json/value.h"

namespace stave::tools {

struct RowStyle {
  absl::Time now;
  absl::TimeZone zone;
  bool whole_ids = false;  // "sha256:.." and all digits
  bool digests = false;    // --digests: a row for each digest, too
  // Whether the tag's rows tell the digest: with --digests, or where the template asks for it.
  bool needs_digest = false;
};

// What the listing's --format knows: ID Repository Tag Digest CreatedSince CreatedAt Size
// SharedSize UniqueSize VirtualSize Containers.
const cli::Listing& ImageListing();

// What --format stands for: `text` as given, "" if not; with -q and --digests.
std::string FormatText(const std::string& text, bool quiet, bool digests);

// The rows of one image: one a tag (and digest), or one of `<none>`.
std::vector<cli::Row> RowsOf(const image::StoredImage& image, const RowStyle& style);

// {"id":"sha256:..","names":["alpine:latest"],"digests":["alpine@sha256:.."],"created":"..",
//  "size":7797760,"architecture":"amd64","os":"linux","variant":"","labels":{},
//  "containers":["4f.."]}
// `created` is null where the image does not say.
json::Value JsonLine(const image::StoredImage& image);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_IMAGE_LIST_ROWS_H_

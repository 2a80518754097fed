// SPDX-License-Identifier: Apache-2.0
//
// Which images a listing shows: Docker's --filter.
//
//   dangling=true|false      without a tag, or with one
//   label=KEY[=VALUE]        that have it; several must all hold
//   before=IMAGE since=IMAGE made before, or after, that one
//   until=TIME               made before then: 24h, 2026-01-02T15:04:05Z, seconds
//   reference=PATTERN        names that match, as in "alpine:3*" and "*/web"; one of several. Of an
//                            image only those are shown

#ifndef STAVE_TOOLS_IMAGE_LIST_FILTER_H_
#define STAVE_TOOLS_IMAGE_LIST_FILTER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/cli/prune_filter.h"
#include "libs/image/stored_image.h"
#include "libs/oci/reference.h"
#include "libs/store/store.h"

namespace stave::tools {

class ImageFilter {
 public:
  // Errors: InvalidArgument `invalid filter "x"` for one that is none of these, or a wrong value.
  static absl::StatusOr<ImageFilter> Parse(const std::vector<std::string>& filters, absl::Time now,
                                           absl::TimeZone zone);

  // Finds the images that it names. Errors: those of image::FindStoredImage.
  absl::Status Resolve(const store::Store& store);

  // The image with those of its names that are wanted; nullopt if it is not shown.
  std::optional<image::StoredImage> Apply(image::StoredImage image) const;

 private:
  bool TakesName(const oci::Reference& reference) const;

  std::optional<bool> dangling_;
  cli::PruneFilter age_and_labels_;
  std::string before_name_, since_name_;
  absl::Time before_ = absl::InfiniteFuture();
  absl::Time since_ = absl::InfinitePast();
  std::vector<std::string> patterns_;
};

// Whether `reference` matches a pattern as Docker's do: `*`, `?` and `[a-z]` within one component,
// against the name with its tag ("alpine:3", "user/web:1") or without.
bool MatchesReference(const std::string& pattern, const oci::Reference& reference);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_IMAGE_LIST_FILTER_H_

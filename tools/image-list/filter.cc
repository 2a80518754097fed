// SPDX-License-Identifier: Apache-2.0
#include "tools/image-list/filter.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::tools {
namespace {

absl::Status Invalid(absl::string_view filter) {
  return absl::InvalidArgumentError(absl::StrCat("invalid filter ", base::Quoted(filter)));
}

absl::StatusOr<bool> ParseTruth(absl::string_view filter, absl::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return Invalid(filter);
}

std::map<std::string, std::string> LabelsOf(const image::StoredImage& image) {
  if (!image.config.has_value()) return {};
  return {image.config->labels.begin(), image.config->labels.end()};
}

absl::StatusOr<absl::Time> CreatedOf(const store::Store& store, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(const image::StoredImage image, image::FindStoredImage(store, name));
  return image.created.value_or(absl::InfinitePast());
}

}  // namespace

absl::StatusOr<ImageFilter> ImageFilter::Parse(const std::vector<std::string>& filters,
                                               absl::Time now, absl::TimeZone zone) {
  ImageFilter parsed;
  std::vector<std::string> shared;
  for (const std::string& filter : filters) {
    const size_t equals = filter.find('=');
    if (equals == std::string::npos || equals + 1 == filter.size()) return Invalid(filter);
    const std::string key = filter.substr(0, equals);
    std::string value = filter.substr(equals + 1);
    if (key == "dangling") {
      STAVE_ASSIGN_OR_RETURN(parsed.dangling_, ParseTruth(filter, value));
    } else if (key == "label" || key == "until") {
      shared.push_back(filter);
    } else if (key == "before") {
      parsed.before_name_ = std::move(value);
    } else if (key == "since") {
      parsed.since_name_ = std::move(value);
    } else if (key == "reference") {
      parsed.patterns_.push_back(std::move(value));
    } else {
      return Invalid(filter);
    }
  }
  STAVE_ASSIGN_OR_RETURN(parsed.age_and_labels_, cli::PruneFilter::Parse(shared, now, zone));
  return parsed;
}

absl::Status ImageFilter::Resolve(const store::Store& store) {
  if (!before_name_.empty()) {
    STAVE_ASSIGN_OR_RETURN(before_, CreatedOf(store, before_name_));
  }
  if (!since_name_.empty()) {
    STAVE_ASSIGN_OR_RETURN(since_, CreatedOf(store, since_name_));
  }
  return absl::OkStatus();
}

bool ImageFilter::TakesName(const oci::Reference& reference) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
    return MatchesReference(pattern, reference);
  });
}

std::optional<image::StoredImage> ImageFilter::Apply(image::StoredImage image) const {
  const absl::Time created = image.created.value_or(absl::InfinitePast());
  if (!age_and_labels_.Takes(created, LabelsOf(image))) return std::nullopt;
  if (!before_name_.empty() && created >= before_) return std::nullopt;
  if (!since_name_.empty() && created <= since_) return std::nullopt;
  if (!patterns_.empty()) {
    auto& names = image.names;
    names.erase(std::remove_if(names.begin(), names.end(),
                               [&](const auto& name) { return !TakesName(name.reference); }),
                names.end());
    if (names.empty()) return std::nullopt;
  }
  const bool is_dangling = image::RepoTags(image).empty();
  if (dangling_.has_value() && *dangling_ != is_dangling) return std::nullopt;
  return image;
}

bool MatchesReference(const std::string& pattern, const oci::Reference& reference) {
  const auto matches = [&](const std::string& text) {
    return ::fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
  };
  return matches(reference.Familiar()) || matches(reference.FamiliarName()) ||
         matches(reference.String());
}

}  // namespace stave::tools

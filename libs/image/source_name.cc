// SPDX-License-Identifier: Apache-2.0
#include "libs/image/source_name.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::image {
namespace {

constexpr size_t kMaxName = 128;

// `text` as one component of a repository's path: lower case, with single '-' for what is odd.
std::string AsComponent(absl::string_view text) {
  std::string name;
  for (const char c : text.substr(0, kMaxName)) {
    const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
    if (absl::ascii_isalnum(static_cast<unsigned char>(lower))) {
      name.push_back(lower);
    } else if (!name.empty() && absl::ascii_isalnum(static_cast<unsigned char>(name.back()))) {
      name.push_back(c == '.' || c == '_' ? c : '-');  // a single separator
    }
  }
  while (!name.empty() && !absl::ascii_isalnum(static_cast<unsigned char>(name.back()))) {
    name.pop_back();
  }
  return name.empty() ? "image" : name;
}

std::string AsTag(absl::string_view text) {
  std::string tag;
  for (const char c : text.substr(0, kMaxName)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool fine =
        absl::ascii_isalnum(byte) || c == '_' || (!tag.empty() && (c == '.' || c == '-'));
    tag.push_back(fine ? c : tag.empty() ? '_' : '-');
  }
  return tag.empty() ? "latest" : tag;
}

absl::string_view LastName(absl::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

// "registry:5000/a/b:1" -> "1"; "a/b" -> "".
absl::string_view TagOf(absl::string_view name) {
  const size_t colon = name.rfind(':');
  const size_t slash = name.rfind('/');
  if (colon == absl::string_view::npos) return "";
  if (slash != absl::string_view::npos && slash > colon) return "";
  return name.substr(colon + 1);
}

absl::StatusOr<SourceName> ParseLocal(SourceKind kind, absl::string_view prefix,
                                      absl::string_view rest) {
  const size_t colon = rest.find(':');
  const absl::string_view path = rest.substr(0, colon);
  absl::string_view tag;
  if (colon != absl::string_view::npos) tag = rest.substr(colon + 1);
  const bool empty_tag = colon != absl::string_view::npos && tag.empty();
  if (path.empty() || empty_tag) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_REFERENCE",
                       absl::StrCat("\"", prefix, base::Printable(rest, 100),
                                    "\": ", path.empty() ? "has no path" : "has an empty tag"));
  }
  const absl::string_view own = kind == SourceKind::kDockerArchive ? TagOf(tag) : tag;
  STAVE_ASSIGN_OR_RETURN(
      oci::Reference reference,
      oci::Reference::FromParts("localhost", AsComponent(LastName(path)), AsTag(own)));
  return SourceName{kind, std::move(reference), std::string(path), std::string(tag)};
}

// What skopeo and podman read as another place to take an image from. As references, "dir:x" and
// "oci-archive:x" would be images of Docker Hub.
absl::Status CheckNotForeign(absl::string_view text) {
  constexpr absl::string_view kForeign[] = {
      "docker://", "dir:", "oci-archive:", "docker-daemon:", "containers-storage:"};
  for (const absl::string_view prefix : kForeign) {
    if (!absl::StartsWith(text, prefix)) continue;
    return base::WithHint(
        base::Error(absl::StatusCode::kInvalidArgument, "E_REFERENCE",
                    absl::StrCat("\"", base::Printable(text, 120), "\": ", prefix, " is not read")),
        "a registry's image is named without a prefix, local ones are "
        "oci:DIR[:TAG] and docker-archive:FILE[:NAME]");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SourceName> ParseSourceName(absl::string_view text) {
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "oci:")) return ParseLocal(SourceKind::kOciLayout, "oci:", rest);
  if (absl::ConsumePrefix(&rest, "docker-archive:")) {
    return ParseLocal(SourceKind::kDockerArchive, "docker-archive:", rest);
  }
  STAVE_RETURN_IF_ERROR(CheckNotForeign(text));
  STAVE_ASSIGN_OR_RETURN(oci::Reference reference, oci::Reference::Parse(text));
  return SourceName{SourceKind::kRegistry, std::move(reference), "", ""};
}

}  // namespace stave::image

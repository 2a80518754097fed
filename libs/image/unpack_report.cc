// SPDX-License-Identifier: Apache-2.0
#include "libs/image/unpack_report.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/image/unpack_report.pb.h"
#include "libs/oci/digest.h"

namespace stave::image {
namespace {

constexpr size_t kMaxPath = 1 << 20;  // deep trees are reached through links

absl::Status BadReport(absl::string_view message) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_REPORT",
                     absl::StrCat("the unpacker's report: ", message));
}

bool IsClean(absl::string_view path) {
  if (path.size() > kMaxPath || path.find('\0') != absl::string_view::npos) return false;
  for (const absl::string_view name : absl::StrSplit(path, '/')) {
    if (name.empty() || name == "." || name == "..") return false;
  }
  return true;
}

absl::Status CheckPath(absl::string_view path) {
  if (IsClean(path)) return absl::OkStatus();
  return BadReport(absl::StrCat("\"", base::Printable(path), "\" is not a path of a layer"));
}

template <typename From>
absl::Status TakePaths(const From& from, std::vector<std::string>* to) {
  to->reserve(static_cast<size_t>(from.size()));
  for (const std::string& path : from) {
    STAVE_RETURN_IF_ERROR(CheckPath(path));
    to->push_back(path);
  }
  return absl::OkStatus();
}

}  // namespace

bool DependsOnLower(const UnpackReport& report) {
  return !report.implied_parents.empty() || !report.whiteouts.empty() ||
         !report.lower_links.empty() ||
         std::find(report.opaque.begin(), report.opaque.end(), ".") != report.opaque.end();
}

absl::StatusOr<std::string> SerializeReport(const UnpackReport& report) {
  proto::UnpackReport message;
  message.set_diff_id(report.diff_id);
  message.set_bytes(report.bytes);
  message.set_file_bytes(report.file_bytes);
  message.set_entries(report.entries);
  message.set_root_named(report.root_named);
  message.set_dropped_xattrs(report.dropped_xattrs);
  for (const std::string& path : report.implied_parents) message.add_implied_parents(path);
  for (const std::string& path : report.whiteouts) message.add_whiteouts(path);
  for (const std::string& path : report.opaque) message.add_opaque(path);
  for (const auto& [path, target] : report.lower_links) {
    proto::UnpackReport::Link* link = message.add_lower_links();
    link->set_path(path);
    link->set_target(target);
  }
  if (message.ByteSizeLong() > kMaxReport) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       "the layer has too many whiteouts and unnamed directories");
  }
  return message.SerializeAsString();
}

absl::StatusOr<UnpackReport> ParseReport(absl::string_view bytes) {
  proto::UnpackReport message;
  if (bytes.size() > kMaxReport ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return BadReport("cannot be read");
  }
  UnpackReport report;
  STAVE_ASSIGN_OR_RETURN(const oci::Digest diff_id, oci::Digest::Parse(message.diff_id()));
  report.diff_id = diff_id.ToString();
  report.bytes = message.bytes();
  report.file_bytes = message.file_bytes();
  report.entries = message.entries();
  report.root_named = message.root_named();
  report.dropped_xattrs = message.dropped_xattrs();
  STAVE_RETURN_IF_ERROR(TakePaths(message.implied_parents(), &report.implied_parents));
  STAVE_RETURN_IF_ERROR(TakePaths(message.whiteouts(), &report.whiteouts));
  for (const std::string& path : message.opaque()) {
    if (path != ".") STAVE_RETURN_IF_ERROR(CheckPath(path));
    report.opaque.push_back(path);
  }
  for (const auto& link : message.lower_links()) {
    STAVE_RETURN_IF_ERROR(CheckPath(link.path()));
    STAVE_RETURN_IF_ERROR(CheckPath(link.target()));
    report.lower_links.emplace_back(link.path(), link.target());
  }
  return report;
}

}  // namespace stave::image

// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_sparse.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/archive/tar_number.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::archive {
namespace {

constexpr size_t kNumber = 12;  // digits of an old pair
constexpr size_t kMaxText = 1 << 20;
constexpr uint64_t kMaxParts = kMaxText / 4;  // of the shortest lines
constexpr size_t kMaxLine = 20;

absl::Status Malformed(absl::string_view what) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_TAR",
                     absl::StrCat("sparse file: ", what));
}

absl::Status TooMany() {
  return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                     absl::StrCat("sparse file: its map is larger than ", kMaxText, " bytes or ",
                                  kMaxParts, " parts"));
}

bool IsEmpty(absl::string_view field) { return field.front() == '\0'; }

}  // namespace

absl::Status SparseMap::Add(std::optional<int64_t> offset, std::optional<int64_t> size) {
  if (!offset || !size || *offset < 0 || *size < 0 ||
      *size > std::numeric_limits<int64_t>::max() - *offset) {
    return Malformed("a bad number in its map");
  }
  const uint64_t begin = static_cast<uint64_t>(*offset), bytes = static_cast<uint64_t>(*size);
  if (begin < end_) return Malformed("its parts overlap or are out of order");
  if (extents_.size() >= kMaxParts) return TooMany();
  end_ = begin + bytes;
  stored_ += bytes;
  if (bytes > 0) extents_.push_back({begin, bytes});
  return absl::OkStatus();
}

absl::StatusOr<bool> SparseMap::AddOldPairs(absl::string_view pairs) {
  text_ += pairs.size();
  if (text_ > kMaxText) return TooMany();
  for (; !pairs.empty(); pairs.remove_prefix(2 * kNumber)) {
    const absl::string_view offset = pairs.substr(0, kNumber),
                            size = pairs.substr(kNumber, kNumber);
    if (IsEmpty(offset) && IsEmpty(size)) return false;
    if (IsEmpty(offset) || IsEmpty(size)) return Malformed("half a pair in its map");
    STAVE_RETURN_IF_ERROR(Add(ParseTarNumber(offset), ParseTarNumber(size)));
  }
  return true;
}

absl::StatusOr<bool> SparseMap::AddText(absl::string_view text) {
  text_ += text.size();
  if (text_ > kMaxText) return TooMany();
  while (!lines_left_ || *lines_left_ > 0) {
    const size_t end = text.find('\n');
    line_.append(text.data(), std::min(text.size(), end));
    if (line_.size() > kMaxLine) return Malformed("a bad number in its map");
    if (end == absl::string_view::npos) return false;
    text.remove_prefix(end + 1);
    STAVE_RETURN_IF_ERROR(TakeLine(line_));
    line_.clear();
  }
  return true;
}

absl::Status SparseMap::TakeLine(absl::string_view line) {
  const std::optional<int64_t> number = ParsePaxNumber(line);
  if (!number) return Malformed("a bad number in its map");
  if (!lines_left_) {
    if (static_cast<uint64_t>(*number) > kMaxParts) return TooMany();
    lines_left_ = 2 * static_cast<uint64_t>(*number);
    return absl::OkStatus();
  }
  --*lines_left_;
  if (!offset_) {
    offset_ = number;
    return absl::OkStatus();
  }
  const std::optional<int64_t> offset = offset_;
  offset_.reset();
  return Add(offset, number);
}

absl::Status SparseMap::Check(uint64_t size, uint64_t stored) const {
  if (end_ > size) return Malformed("a part lies behind its end");
  if (stored_ != stored) {
    return Malformed(absl::StrCat("its parts have ", stored_, " bytes, ", stored, " are stored"));
  }
  return absl::OkStatus();
}

absl::Status SparseRecords::Take(absl::string_view key, absl::string_view value) {
  any_ = true;
  if (key == "name") {
    name_ = std::string(value);
    return absl::OkStatus();
  }
  if (key == "map") return TakeMap(value);
  const std::optional<int64_t> number = ParsePaxNumber(value);
  if (!number) return Malformed(absl::StrCat("bad GNU.sparse.", base::Printable(key, 64)));
  if (key == "major") {
    major_ = number;
  } else if (key == "minor") {
    minor_ = number;
  } else if (key == "size" || key == "realsize") {
    if (size_ && *size_ != *number) return Malformed("two sizes");
    size_ = number;
  } else if (key == "numblocks") {
    count_ = number;
  } else if (key == "offset") {
    if (offset_) return Malformed("half a pair in its map");
    offset_ = number;
  } else if (key == "numbytes") {
    if (!offset_ || has_map_) return Malformed("half a pair in its map");
    STAVE_RETURN_IF_ERROR(map_.Add(offset_, number));
    offset_.reset();
    ++pairs_;
  }
  return absl::OkStatus();
}

absl::Status SparseRecords::TakeMap(absl::string_view value) {
  if (has_map_ || pairs_ > 0) return Malformed("two maps");
  has_map_ = true;
  if (value.empty()) return absl::OkStatus();
  std::optional<int64_t> offset;
  bool is_offset = true;
  for (const absl::string_view text : absl::StrSplit(value, ',')) {
    const std::optional<int64_t> number = ParsePaxNumber(text);
    if (!number) return Malformed("a bad number in its map");
    if (!is_offset) STAVE_RETURN_IF_ERROR(map_.Add(offset, number));
    if (!is_offset) ++pairs_;
    offset = number;
    is_offset = !is_offset;
  }
  return is_offset ? absl::OkStatus() : Malformed("half a pair in its map");
}

absl::StatusOr<SparseRecords::Form> SparseRecords::Finish() const {
  if (!any_) return Form::kNone;
  const int64_t major = major_.value_or(0), minor = minor_.value_or(0);
  if ((major != 0 || minor > 1) && (major != 1 || minor != 0)) {
    return Malformed(absl::StrCat("version ", major, ".", minor, " is not known"));
  }
  if (!size_) return Malformed("its size is missing");
  if (major == 1) {
    if (has_map_ || pairs_ > 0 || offset_) return Malformed("two maps");
    return Form::kInData;
  }
  if (offset_) return Malformed("half a pair in its map");
  if (!count_ || static_cast<uint64_t>(*count_) != pairs_) {
    return Malformed(absl::StrCat("its map has ", pairs_, " parts, not as many as it says"));
  }
  return Form::kComplete;
}

}  // namespace stave::archive

// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/blob_transfer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"

namespace stave::registry {
namespace {

// "bytes 1000-4999/5000", "bytes 1000-4999/*".
struct ContentRange {
  int64_t first;
  int64_t last;
  std::optional<int64_t> total;
};

std::optional<int64_t> ParseCount(absl::string_view text) {
  const auto number = base::ParseUint(text, 0, INT64_MAX);
  if (!number.ok()) return std::nullopt;
  return static_cast<int64_t>(*number);
}

std::optional<ContentRange> ParseContentRange(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "bytes ")) return std::nullopt;
  const std::vector<absl::string_view> whole = absl::StrSplit(text, '/');
  if (whole.size() != 2) return std::nullopt;
  const std::vector<absl::string_view> ends = absl::StrSplit(whole[0], '-');
  if (ends.size() != 2) return std::nullopt;
  const auto first = ParseCount(ends[0]);
  const auto last = ParseCount(ends[1]);
  const auto total = ParseCount(whole[1]);
  if (!first.has_value() || !last.has_value() || *last < *first) return std::nullopt;
  if (!total.has_value() && whole[1] != "*") return std::nullopt;
  return ContentRange{*first, *last, total};
}

}  // namespace

BlobTransfer::BlobTransfer(const oci::Digest& digest, int64_t size, int64_t offset, Sink sink)
    : digest_(digest), size_(size), sink_(std::move(sink)), offset_(offset), start_(offset) {}

absl::Status BlobTransfer::SizeError(absl::string_view how) const {
  return base::Error(absl::StatusCode::kDataLoss, "E_SIZE",
                     absl::StrCat("blob ", digest_.ToString(), ": is ", how, " than the ", size_,
                                  " bytes that its descriptor says"));
}

absl::Status BlobTransfer::Remote(absl::StatusCode code, absl::string_view why) const {
  return base::Error(code, "E_REMOTE", absl::StrCat("blob ", digest_.ToString(), ": ", why));
}

std::string BlobTransfer::Begin() {
  start_ = offset_;
  skip_ = 0;
  sized_ = false;
  asked_ = ranges_ && offset_ > 0;
  return asked_ ? absl::StrCat("bytes=", offset_, "-") : "";
}

absl::Status BlobTransfer::TakePart(const http::Response& response) {
  if (!asked_) {
    return Remote(absl::StatusCode::kFailedPrecondition,
                  "the registry sends a part of it (status 206), which was not asked for");
  }
  const auto range = ParseContentRange(response.Header("content-range"));
  if (!range.has_value() || range->first != offset_) {
    ranges_ = false;
    return Remote(absl::StatusCode::kUnavailable,
                  "the registry sends another range than the one that was asked for");
  }
  if (range->last >= size_ || (range->total.has_value() && *range->total > size_)) {
    return SizeError("longer");
  }
  if (range->total.has_value() && *range->total < size_) return SizeError("shorter");
  sized_ = true;
  return absl::OkStatus();
}

absl::Status BlobTransfer::TakeHead(const http::Response& response) {
  if (response.status == 206) return TakePart(response);
  if (response.status != 200) {
    return Remote(absl::StatusCode::kFailedPrecondition,
                  absl::StrCat("the registry answers with status ", response.status));
  }
  skip_ = offset_;
  const auto length = ParseCount(response.Header("content-length"));
  sized_ = length.has_value();
  if (!length.has_value() || *length == size_) return absl::OkStatus();
  return SizeError(*length > size_ ? "longer" : "shorter");
}

absl::Status BlobTransfer::TakeBody(absl::string_view data) {
  const int64_t old = std::min<int64_t>(skip_, static_cast<int64_t>(data.size()));
  data.remove_prefix(static_cast<size_t>(old));
  skip_ -= old;
  if (static_cast<int64_t>(data.size()) > size_ - offset_) return SizeError("longer");
  if (data.empty()) return absl::OkStatus();
  STAVE_RETURN_IF_ERROR(sink_(data));
  offset_ += static_cast<int64_t>(data.size());
  return absl::OkStatus();
}

absl::StatusOr<http::Response> BlobTransfer::Judge(absl::StatusOr<http::Response> outcome) {
  if (!outcome.ok()) {
    // All of it is here; what went wrong after that is of no interest.
    const bool whole = done() && absl::IsUnavailable(outcome.status());
    return whole ? http::Response{} : outcome;
  }
  if (outcome->status == 416 && asked_) {
    ranges_ = false;
    return Remote(absl::StatusCode::kUnavailable, "the registry has no such range of it");
  }
  if ((outcome->status != 200 && outcome->status != 206) || done()) return outcome;
  // Without a length, an answer that is cut off looks like one that is whole.
  if (!sized_ && progress() == 0) return SizeError("shorter");
  return Remote(absl::StatusCode::kUnavailable, "the answer ends before the blob does");
}

}  // namespace stave::registry

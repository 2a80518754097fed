// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_extension.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/archive/tar_number.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::archive {
namespace {

constexpr size_t kMaxXattr = 64 * 1024;
constexpr absl::string_view kXattr = "SCHILY.xattr.";
constexpr absl::string_view kSparse = "GNU.sparse.";

absl::Status Malformed(absl::string_view what) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_TAR", what);
}

// Calls take(key, value) for each "LENGTH KEY=VALUE\n"; the length counts itself and the newline.
template <typename Take>
absl::Status ForEachRecord(absl::string_view records, Take take) {
  while (!records.empty()) {
    const size_t space = records.substr(0, 8).find(' ');
    const std::optional<int64_t> length =
        space == absl::string_view::npos ? std::nullopt : ParsePaxNumber(records.substr(0, space));
    if (!length || *length < static_cast<int64_t>(space) + 3 ||
        *length > static_cast<int64_t>(records.size()) ||
        records[static_cast<size_t>(*length) - 1] != '\n') {
      return Malformed("bad extended header");
    }
    const absl::string_view record =
        records.substr(space + 1, static_cast<size_t>(*length) - space - 2);
    const size_t equals = record.find('=');
    if (equals == absl::string_view::npos || equals == 0) return Malformed("bad extended header");
    STAVE_RETURN_IF_ERROR(take(record.substr(0, equals), record.substr(equals + 1)));
    records.remove_prefix(static_cast<size_t>(*length));
  }
  return absl::OkStatus();
}

absl::Status TakeXattr(absl::string_view name, absl::string_view value, TarExtension* extension) {
  if (name.empty() || name.find('\0') != absl::string_view::npos) {
    return Malformed("bad xattr name");
  }
  if (value.size() > kMaxXattr) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("xattr \"", base::Printable(name, 64), "\" has ", value.size(),
                                    " bytes, at most ", kMaxXattr, " are read"));
  }
  extension->xattrs.emplace_back(name, value);
  return absl::OkStatus();
}

// 0..most, or nothing.
template <typename Number>
absl::Status TakeNumber(absl::string_view key, absl::string_view value, int64_t most,
                        std::optional<Number>* to) {
  to->reset();
  if (value.empty()) return absl::OkStatus();
  const std::optional<int64_t> number = ParsePaxNumber(value);
  if (!number || *number > most) return Malformed(absl::StrCat("bad ", key));
  *to = static_cast<Number>(*number);
  return absl::OkStatus();
}

absl::Status TakeRecord(absl::string_view key, absl::string_view value, TarExtension* extension) {
  const auto text = [value] {
    return value.empty() ? std::nullopt : std::optional<std::string>(value);
  };
  if (absl::ConsumePrefix(&key, kXattr)) return TakeXattr(key, value, extension);
  if (absl::ConsumePrefix(&key, kSparse)) return extension->sparse.Take(key, value);
  if (key == "path") {
    extension->path = text();
  } else if (key == "linkpath") {
    extension->link = text();
  } else if (key == "size") {
    return TakeNumber(key, value, INT64_MAX, &extension->size);
  } else if (key == "uid") {
    return TakeNumber(key, value, kMaxUserId, &extension->uid);
  } else if (key == "gid") {
    return TakeNumber(key, value, kMaxUserId, &extension->gid);
  } else if (key == "mtime") {
    extension->mtime = ParsePaxTime(value);
    if (!extension->mtime && !value.empty()) return Malformed("bad mtime");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadPaxRecords(absl::string_view records, TarExtension* extension) {
  extension->has_pax = true;
  return ForEachRecord(records, [extension](absl::string_view key, absl::string_view value) {
    return TakeRecord(key, value, extension);
  });
}

absl::Status CheckGlobalRecords(absl::string_view records) {
  return ForEachRecord(records, [](absl::string_view key, absl::string_view) {
    if (key == "path" || key == "linkpath" || key == "size" || absl::StartsWith(key, kSparse) ||
        absl::StartsWith(key, kXattr)) {
      return Malformed(absl::StrCat("a global header sets \"", base::Printable(key, 64), "\""));
    }
    return absl::OkStatus();
  });
}

}  // namespace stave::archive

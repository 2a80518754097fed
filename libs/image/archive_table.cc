// SPDX-License-Identifier: Apache-2.0
#include "libs/image/archive_table.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/tar_reader.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::image {
namespace {

constexpr size_t kMaxMembers = 100'000;
constexpr int kMaxLinks = 8;

absl::Status RefuseCompressed(int fd) {
  char start[6] = {};
  const ssize_t n = ::pread(fd, start, sizeof start, 0);
  const absl::string_view magic(start, n < 0 ? 0 : static_cast<size_t>(n));
  for (const absl::string_view packed :
       {absl::string_view("\x1f\x8b"), absl::string_view("\x28\xb5\x2f\xfd"),
        absl::string_view("\xfd"
                          "7zXZ"),
        absl::string_view("BZh")}) {
    if (!absl::StartsWith(magic, packed)) continue;
    return base::WithHint(
        base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED", "the archive is compressed"),
        "decompress it first, its layers may stay compressed");
  }
  return absl::OkStatus();
}

// Where the symlink at `path` leads. An absolute target starts at the archive's root.
absl::StatusOr<std::string> LinkTarget(const std::string& path, const std::string& target) {
  if (absl::StartsWith(target, "/")) return archive::CleanTarPath(target);
  const size_t slash = path.rfind('/');
  return archive::CleanTarPath(
      slash == std::string::npos ? target : absl::StrCat(path.substr(0, slash), "/", target));
}

}  // namespace

absl::StatusOr<ArchiveTable> ArchiveTable::Read(int fd) {
  STAVE_RETURN_IF_ERROR(RefuseCompressed(fd));
  archive::FdSource source(fd, "archive");
  archive::TarReader tar(&source);
  ArchiveTable table;
  archive::TarEntry found;
  while (true) {
    STAVE_ASSIGN_OR_RETURN(const bool more, tar.Next(&found));
    if (!more) return table;
    Entry entry;
    if (found.type == archive::TarType::kFile) {
      if (found.stored != found.size) {
        return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                           absl::StrCat("\"", base::Printable(found.path, 120),
                                        "\": a sparse member of an archive"));
      }
      entry.member = {static_cast<int64_t>(tar.offset()), static_cast<int64_t>(found.size)};
    } else if (found.type == archive::TarType::kHardLink) {
      entry.link = found.link;
    } else if (found.type == archive::TarType::kSymlink) {
      STAVE_ASSIGN_OR_RETURN(entry.link, LinkTarget(found.path, found.link));
    } else {
      continue;  // directories; devices are nobody's image
    }
    if (table.entries_.size() >= kMaxMembers) {
      return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                         absl::StrCat("the archive has more than ", kMaxMembers, " members"));
    }
    table.entries_[found.path] = std::move(entry);
  }
}

absl::StatusOr<ArchiveMember> ArchiveTable::Find(absl::string_view path) const {
  STAVE_ASSIGN_OR_RETURN(std::string name, archive::CleanTarPath(path));
  for (int links = 0; links <= kMaxLinks; ++links) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) {
      return absl::NotFoundError(
          absl::StrCat(base::Printable(name, 120), ": is not in the archive"));
    }
    if (found->second.link.empty()) return found->second.member;
    name = found->second.link;
  }
  return base::Error(absl::StatusCode::kInvalidArgument, "E_TAR",
                     absl::StrCat(base::Printable(path, 120), ": links that do not end"));
}

}  // namespace stave::image

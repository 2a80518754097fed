// SPDX-License-Identifier: Apache-2.0
#include "libs/image/xattr.h"

#include <errno.h>
#include <sys/xattr.h>

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"

namespace stave::image {
namespace {

constexpr size_t kMaxList = 64 * 1024;  // XATTR_LIST_MAX and XATTR_SIZE_MAX

}  // namespace

bool IsLayerXattr(absl::string_view name) {
  if (name == "security.capability") return true;
  return absl::StartsWith(name, "user.") && name.size() > 5 &&
         !absl::StartsWith(name, "user.overlay.");
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadLayerXattrs(
    int fd, absl::string_view noun) {
  std::vector<std::pair<std::string, std::string>> found;
  char names[kMaxList];
  const ssize_t size = ::flistxattr(fd, names, sizeof names);
  if (size < 0 && errno == EOPNOTSUPP) return found;
  if (size < 0) return base::PosixError(errno, noun, "list xattrs");
  std::string value;
  const absl::string_view list(names, static_cast<size_t>(size));
  for (const absl::string_view name : absl::StrSplit(list, '\0', absl::SkipEmpty())) {
    if (!IsLayerXattr(name)) continue;
    value.resize(kMaxList);
    const ssize_t length = ::fgetxattr(fd, std::string(name).c_str(), value.data(), value.size());
    if (length < 0 && errno == ENODATA) continue;  // removed meanwhile
    if (length < 0) return base::PosixError(errno, noun, "read xattr");
    found.emplace_back(name, value.substr(0, static_cast<size_t>(length)));
  }
  std::sort(found.begin(), found.end());
  return found;
}

absl::Status CopyLayerXattrs(int from, int to) {
  std::string names(kMaxList, '\0');
  const ssize_t size = ::flistxattr(from, names.data(), names.size());
  if (size < 0 && errno == EOPNOTSUPP) return absl::OkStatus();
  if (size < 0) return base::PosixError(errno, "xattrs", "list");
  names.resize(static_cast<size_t>(size));
  std::string value;
  for (const absl::string_view name : absl::StrSplit(names, '\0', absl::SkipEmpty())) {
    if (!IsLayerXattr(name)) continue;
    const std::string text(name);
    value.resize(kMaxList);
    const ssize_t length = ::fgetxattr(from, text.c_str(), value.data(), value.size());
    if (length < 0) return base::PosixError(errno, base::Printable(name), "read xattr");
    if (::fsetxattr(to, text.c_str(), value.data(), static_cast<size_t>(length), 0) < 0) {
      return base::PosixError(errno, base::Printable(name), "set xattr");
    }
  }
  return absl::OkStatus();
}

}  // namespace stave::image

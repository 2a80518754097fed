// SPDX-License-Identifier: Apache-2.0
#include "tools/file-copy/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/rootpath/rootpath.h"

namespace stave::tools {
namespace {

using base::UniqueFd;

constexpr int kMaxLinks = 40;

absl::Status Stat(int fd, const std::string& path, struct stat* st) {
  if (::fstat(fd, st) == 0) return absl::OkStatus();
  return base::PosixError(errno, base::Printable(path), "stat");
}

// "/a/b/" -> "/a" and "b"; "/b" -> "/" and "b"; "/" -> "/" and "".
std::pair<std::string, std::string> Split(absl::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  return {slash == 0 ? "/" : std::string(path.substr(0, slash)),
          std::string(path.substr(slash + 1))};
}

// The next path to look at, if `target` has found a link.
absl::StatusOr<std::string> Follow(const Target& target, const std::string& directory) {
  char text[PATH_MAX];
  const ssize_t length = ::readlinkat(target.self.get(), "", text, sizeof text);
  if (length < 0) return base::PosixError(errno, base::Printable(target.path), "readlink");
  const std::string link(text, static_cast<size_t>(length));
  return absl::StartsWith(link, "/") ? link : absl::StrCat(directory, "/", link);
}

}  // namespace

absl::StatusOr<Source> FindSource(int root, const image::CopyPath& path, bool follow) {
  Source source;
  STAVE_ASSIGN_OR_RETURN(
      source.fd, rootpath::OpenInRoot(root, path.ForOpen(), follow ? O_PATH : O_PATH | O_NOFOLLOW));
  STAVE_RETURN_IF_ERROR(Stat(source.fd.get(), path.path, &source.st));
  source.rule = {S_ISDIR(source.st.st_mode), path.name};
  return source;
}

absl::StatusOr<Target> FindTarget(int root, const image::CopyPath& wanted) {
  std::string path = wanted.path;
  for (int links = 0; links < kMaxLinks; ++links) {
    Target target;
    const auto [directory, name] = Split(path);
    target.path = path;
    target.rule.name = name;
    target.rule.slash = wanted.slash;
    if (name.empty() || name == "." || name == "..") {
      STAVE_ASSIGN_OR_RETURN(target.self, rootpath::OpenInRoot(root, path, O_PATH | O_DIRECTORY));
    } else {
      STAVE_ASSIGN_OR_RETURN(target.parent,
                             rootpath::OpenInRoot(root, directory, O_PATH | O_DIRECTORY));
      auto self = rootpath::OpenBeneath(target.parent.get(), name, O_PATH | O_NOFOLLOW);
      if (absl::IsNotFound(self.status())) return target;
      if (!self.ok()) return self.status();
      target.self = *std::move(self);
    }
    STAVE_RETURN_IF_ERROR(Stat(target.self.get(), path, &target.st));
    if (S_ISLNK(target.st.st_mode)) {
      STAVE_ASSIGN_OR_RETURN(path, Follow(target, directory));
      continue;
    }
    target.rule.exists = true;
    target.rule.is_directory = S_ISDIR(target.st.st_mode);
    if (wanted.slash && !target.rule.is_directory) {
      return absl::FailedPreconditionError(
          absl::StrCat("lstat ", base::Printable(wanted.ForOpen()), ": not a directory"));
    }
    return target;
  }
  return absl::FailedPreconditionError(
      absl::StrCat(base::Printable(wanted.path), ": too many symbolic links"));
}

absl::StatusOr<UniqueFd> OpenMachineRoot() {
  UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return base::PosixError(errno, "/", "open");
  return root;
}

absl::StatusOr<image::CopyPath> MachinePath(absl::string_view path) {
  if (absl::StartsWith(path, "/")) return image::ParseCopyPath(path);
  char here[PATH_MAX];
  if (::getcwd(here, sizeof here) == nullptr) {
    return base::PosixError(errno, "working directory", "find");
  }
  return image::ParseCopyPath(absl::StrCat(here, "/", path));
}

}  // namespace stave::tools

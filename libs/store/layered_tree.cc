// SPDX-License-Identifier: Apache-2.0
#include "libs/store/layered_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/rootpath/rootpath.h"

namespace stave::store {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel: path_resolution(7)
constexpr size_t kMaxComponents = 4096;

// One directory of the tree: the same path in each layer that has a share in it, topmost first.
using Directory = std::vector<int>;

bool IsWhiteout(const struct stat& st) { return S_ISCHR(st.st_mode) && st.st_rdev == 0; }

bool IsOpaque(int dirfd) {
  const char* name = ::geteuid() == 0 ? "trusted.overlay.opaque" : "user.overlay.opaque";
  char value = 0;
  return ::fgetxattr(dirfd, name, &value, 1) == 1 && value == 'y';
}

class Walk {
 public:
  explicit Walk(absl::Span<const int> layers) {
    path_.push_back(Directory(layers.begin(), layers.end()));
  }

  absl::StatusOr<std::string> Read(absl::string_view path, size_t max) {
    Push(path);
    while (!todo_.empty()) {
      const std::string name = std::move(todo_.back());
      todo_.pop_back();
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        if (path_.size() > 1) path_.pop_back();
        continue;
      }
      STAVE_ASSIGN_OR_RETURN(std::optional<std::string> content, Step(name, path, max));
      if (content.has_value()) return *std::move(content);
    }
    return absl::NotFoundError(absl::StrCat(base::Printable(path), ": is a directory"));
  }

 private:
  void Push(absl::string_view path) {
    const std::vector<std::string> names = absl::StrSplit(path, '/');
    todo_.insert(todo_.end(), names.rbegin(), names.rend());
  }

  // Goes on to `name` in the current directory; the content if that is the file.
  absl::StatusOr<std::optional<std::string>> Step(const std::string& name, absl::string_view path,
                                                  size_t max) {
    const absl::Status none =
        absl::NotFoundError(absl::StrCat(base::Printable(path), ": is not there"));
    Directory below;
    for (const int dirfd : path_.back()) {
      struct stat st;
      if (::fstatat(dirfd, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT) continue;
        return base::PosixError(errno, name, "stat");
      }
      if (S_ISDIR(st.st_mode)) {
        STAVE_ASSIGN_OR_RETURN(
            base::UniqueFd fd,
            rootpath::OpenBeneath(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        below.push_back(fd.get());
        const bool opaque = IsOpaque(fd.get());
        open_.push_back(std::move(fd));
        if (opaque) break;
        continue;
      }
      if (!below.empty() || IsWhiteout(st)) break;  // hidden by a directory, or hides what is below
      if (S_ISLNK(st.st_mode)) return Follow(dirfd, name);
      if (!S_ISREG(st.st_mode) || HasMore()) return none;
      STAVE_ASSIGN_OR_RETURN(
          const base::UniqueFd fd,
          rootpath::OpenBeneath(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
      STAVE_ASSIGN_OR_RETURN(std::string content, base::ReadAll(fd.get(), max, path));
      return std::optional<std::string>(std::move(content));
    }
    if (below.empty()) return none;
    path_.push_back(std::move(below));
    return std::optional<std::string>();
  }

  absl::StatusOr<std::optional<std::string>> Follow(int dirfd, const std::string& name) {
    char target[PATH_MAX];
    const ssize_t size = ::readlinkat(dirfd, name.c_str(), target, sizeof target);
    if (size < 0) return base::PosixError(errno, name, "readlink");
    if (++links_ > kMaxLinks || todo_.size() > kMaxComponents) {
      return absl::FailedPreconditionError(
          absl::StrCat(base::Printable(name), ": too many symlinks"));
    }
    const absl::string_view text(target, static_cast<size_t>(size));
    if (!text.empty() && text[0] == '/') path_.resize(1);
    Push(text);
    return std::optional<std::string>();
  }

  bool HasMore() const {
    for (const std::string& name : todo_) {
      if (!name.empty() && name != ".") return true;
    }
    return false;
  }

  std::vector<Directory> path_;    // from the root to where the walk is
  std::vector<std::string> todo_;  // components to go, the next one last
  std::vector<base::UniqueFd> open_;
  int links_ = 0;
};

}  // namespace

absl::StatusOr<std::string> ReadLayeredFile(absl::Span<const int> layers, absl::string_view path,
                                            size_t max) {
  return Walk(layers).Read(path, max);
}

}  // namespace stave::store

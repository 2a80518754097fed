// SPDX-License-Identifier: Apache-2.0
#include "libs/image/lower_lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::image {
namespace {

constexpr int kMaxLinks = 40;

using Names = std::vector<std::string>;

struct Answer {
  enum class Kind {
    kAbsent,  // this layer says nothing
    kHidden,  // it hides what is below
    kFound,
    kLink,  // a component before the last one is a link: look at `path` instead
  } kind;
  Found found = {};
  Names path = {};
};

bool IsWhiteout(const struct stat& st) {
  return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
}

bool IsOpaque(int dirfd, const char* opaque) {
  char value;
  return ::fgetxattr(dirfd, opaque, &value, 1) == 1 && value == 'y';
}

// The names with `target` in place of those up to `at`, which is the link.
absl::StatusOr<Names> Expand(const Names& names, size_t at, int dirfd) {
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(dirfd, names[at].c_str(), target, sizeof(target));
  if (length < 0) return base::PosixError(errno, base::Printable(names[at]), "readlink");
  const absl::string_view text(target, static_cast<size_t>(length));
  Names expanded;
  if (!text.empty() && text.front() != '/') {
    expanded.assign(names.begin(), names.begin() + static_cast<ptrdiff_t>(at));
  }
  for (const absl::string_view name : absl::StrSplit(text, '/', absl::SkipEmpty())) {
    if (name == "..") {
      if (!expanded.empty()) expanded.pop_back();
    } else if (name != ".") {
      expanded.emplace_back(name);
    }
  }
  expanded.insert(expanded.end(), names.begin() + static_cast<ptrdiff_t>(at) + 1, names.end());
  return expanded;
}

absl::StatusOr<Answer> LookUpOne(int lower, const Names& names, const char* opaque) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd at, base::OpenDirAt(lower, "."));
  bool hides = IsOpaque(at.get(), opaque);
  for (size_t i = 0; i < names.size(); ++i) {
    struct stat st;
    if (::fstatat(at.get(), names[i].c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno != ENOENT) return base::PosixError(errno, base::Printable(names[i]), "stat");
      return Answer{hides ? Answer::Kind::kHidden : Answer::Kind::kAbsent};
    }
    if (IsWhiteout(st)) return Answer{Answer::Kind::kHidden};
    if (i + 1 == names.size()) {
      return Answer{Answer::Kind::kFound, {std::move(at), names[i], st}};
    }
    if (S_ISLNK(st.st_mode)) {
      Answer answer = {Answer::Kind::kLink};
      STAVE_ASSIGN_OR_RETURN(answer.path, Expand(names, i, at.get()));
      return answer;
    }
    if (!S_ISDIR(st.st_mode)) return Answer{Answer::Kind::kHidden};
    base::UniqueFd next(
        ::openat(at.get(), names[i].c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.valid()) return base::PosixError(errno, base::Printable(names[i]), "open");
    at = std::move(next);
    hides = hides || IsOpaque(at.get(), opaque);
  }
  return Answer{Answer::Kind::kHidden};  // a link led to the root itself
}

}  // namespace

absl::StatusOr<std::optional<Found>> LookUpLower(absl::Span<const int> lowers,
                                                 absl::string_view path, const char* opaque) {
  Names names = absl::StrSplit(path, '/', absl::SkipEmpty());
  int links = 0;
  for (size_t i = 0; i < lowers.size();) {
    STAVE_ASSIGN_OR_RETURN(Answer answer, LookUpOne(lowers[i], names, opaque));
    switch (answer.kind) {
      case Answer::Kind::kAbsent:
        ++i;
        break;
      case Answer::Kind::kHidden:
        return std::nullopt;
      case Answer::Kind::kFound:
        return std::move(answer.found);
      case Answer::Kind::kLink:
        if (++links > kMaxLinks) {
          return absl::FailedPreconditionError(
              absl::StrCat(base::Printable(path), ": too many symbolic links"));
        }
        names = std::move(answer.path);
        i = 0;
        break;
    }
  }
  return std::nullopt;
}

}  // namespace stave::image

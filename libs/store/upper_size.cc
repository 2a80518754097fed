// SPDX-License-Identifier: Apache-2.0
#include "libs/store/upper_size.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::store {
namespace {

constexpr int kMaxDepth = 200;  // a descriptor each

// The sum over a tree. It is a container's: no link is followed, no mount is crossed.
class Sum {
 public:
  explicit Sum(dev_t device) : device_(device) {}

  void Add(base::UniqueFd folder, int depth) {
    DIR* const entries = ::fdopendir(folder.get());
    if (entries == nullptr) return;
    const int dirfd = folder.Release();
    while (const dirent* entry = ::readdir(entries)) {
      const absl::string_view name = entry->d_name;
      if (name != "." && name != "..") AddEntry(dirfd, entry->d_name, depth);
    }
    ::closedir(entries);
  }
  int64_t bytes() const { return bytes_; }

 private:
  void AddEntry(int dirfd, const char* name, int depth) {
    struct stat st;
    if (::fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != device_) return;
    if (S_ISREG(st.st_mode)) {
      if (st.st_nlink == 1 || seen_.insert(st.st_ino).second) bytes_ += st.st_size;
    } else if (S_ISDIR(st.st_mode) && depth < kMaxDepth) {
      base::UniqueFd below(::openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (below.valid()) Add(std::move(below), depth + 1);
    }
  }

  const dev_t device_;
  std::set<ino_t> seen_;
  int64_t bytes_ = 0;
};

}  // namespace

int64_t UpperBytes(const Store& store, const std::string& id) {
  base::UniqueFd upper(::openat(store.state(), absl::StrCat("containers/", id, "/upper").c_str(),
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat st;
  if (!upper.valid() || ::fstat(upper.get(), &st) < 0) return 0;
  Sum sum(st.st_dev);
  sum.Add(std::move(upper), 0);
  return sum.bytes();
}

}  // namespace stave::store

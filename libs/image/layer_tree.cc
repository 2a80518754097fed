// SPDX-License-Identifier: Apache-2.0
#include "libs/image/layer_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/rootpath/rootpath.h"

namespace stave::image {
namespace {

constexpr int kMaxLinks = 40;
constexpr int kMaxDepth = 4096;  // a name has at most 2048 components, but links add to them

absl::Status TarError(absl::string_view message) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_TAR", message);
}

void PushComponents(absl::string_view path, std::vector<std::string>* todo) {
  const std::vector<absl::string_view> names = absl::StrSplit(path, '/', absl::SkipEmpty());
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (*name != ".") todo->emplace_back(*name);
  }
}

// The path of `directory` below `above`, or the whole one.
std::string PathBelow(const Directory* directory, const Directory* above) {
  std::vector<absl::string_view> names;
  for (; directory != above && directory->parent != nullptr; directory = directory->parent) {
    names.push_back(directory->name);
  }
  std::reverse(names.begin(), names.end());
  return names.empty() ? "." : absl::StrJoin(names, "/");
}

}  // namespace

Directory::~Directory() {
  std::vector<std::unique_ptr<Directory>> pile;
  const auto take = [&pile](Directory* from) {
    for (auto& child : from->children) pile.push_back(std::move(child.second));
    from->children.clear();
  };
  take(this);
  while (!pile.empty()) {
    const std::unique_ptr<Directory> last = std::move(pile.back());
    pile.pop_back();
    take(last.get());
  }
}

Directory::Rare& Directory::GetRare() {
  if (rare == nullptr) rare = std::make_unique<Rare>();
  return *rare;
}

LayerTree::LayerTree(int rootfd, uint64_t max_directories)
    : rootfd_(rootfd), directories_left_(max_directories) {}

std::string LayerTree::PathOf(const Directory* directory) { return PathBelow(directory, nullptr); }

absl::StatusOr<int> LayerTree::Open(Directory* directory) {
  if (directory == &root_) return rootfd_;
  if (directory->slot >= 0) {
    Slot& slot = slots_[static_cast<size_t>(directory->slot)];
    slot.used = ++clock_;
    return slot.fd.get();
  }
  const Directory* above = directory->parent;
  while (above->slot < 0 && above != &root_) above = above->parent;
  const int base = above == &root_ ? rootfd_ : slots_[static_cast<size_t>(above->slot)].fd.get();
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd, rootpath::OpenBeneath(base, PathBelow(directory, above),
                                                                  O_RDONLY | O_DIRECTORY));
  const auto oldest = std::min_element(
      slots_.begin(), slots_.end(), [](const Slot& a, const Slot& b) { return a.used < b.used; });
  if (oldest->directory != nullptr) oldest->directory->slot = -1;
  oldest->directory = directory;
  oldest->fd = std::move(fd);
  oldest->used = ++clock_;
  directory->slot = static_cast<int>(oldest - slots_.begin());
  return oldest->fd.get();
}

absl::StatusOr<Directory*> LayerTree::Make(Directory* parent, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(const int fd, Open(parent));
  if (directories_left_ == 0 || parent->depth >= kMaxDepth) {
    return base::Error(
        absl::StatusCode::kResourceExhausted, "E_LIMIT",
        directories_left_ == 0 ? "too many directories" : "directories are nested too deeply");
  }
  if (::mkdirat(fd, name.c_str(), 0755) < 0) {
    return base::PosixError(errno, base::Printable(name), "mkdir");
  }
  --directories_left_;
  auto made = std::make_unique<Directory>();
  made->name = name;
  made->parent = parent;
  made->depth = parent->depth + 1;
  return (parent->children[name] = std::move(made)).get();
}

absl::Status LayerTree::Remove(Directory* parent, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(const int fd, Open(parent));
  last_ = nullptr;
  const auto child = parent->children.find(name);
  if (child == parent->children.end()) {
    if (::unlinkat(fd, name.c_str(), 0) < 0 && errno != ENOENT) {
      return base::PosixError(errno, base::Printable(name), "unlink");
    }
    return absl::OkStatus();
  }
  for (Slot& slot : slots_) {
    const Directory* above = slot.directory;
    while (above != nullptr && above != child->second.get()) above = above->parent;
    if (above != nullptr) slot = Slot();
  }
  parent->children.erase(child);
  return base::RemoveTreeAt(fd, name);
}

absl::StatusOr<Directory*> LayerTree::Reach(absl::string_view path) {
  if (last_ != nullptr && path == last_path_) return last_;
  STAVE_ASSIGN_OR_RETURN(Directory* const found, Walk(path, Missing::kMake));
  last_ = found;
  last_path_ = std::string(path);
  return found;
}

absl::StatusOr<Directory*> LayerTree::Find(absl::string_view path) {
  return Walk(path, Missing::kStop);
}

absl::StatusOr<Directory*> LayerTree::Walk(absl::string_view path, Missing missing) {
  std::vector<std::string> todo;
  PushComponents(path, &todo);
  Directory* at = &root_;
  int links = 0;
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (name == "..") {  // only links have them: above the root is the root
      if (at->parent != nullptr) at = at->parent;
      continue;
    }
    const auto child = at->children.find(name);
    if (child != at->children.end()) {
      at = child->second.get();
      continue;
    }
    if (missing == Missing::kMake) {
      absl::StatusOr<Directory*> made = Make(at, name);
      if (made.ok()) {
        at = *made;
        continue;
      }
      if (!absl::IsAlreadyExists(made.status())) return made.status();
    }
    STAVE_ASSIGN_OR_RETURN(const std::string target, LinkTarget(at, name));
    if (target.empty()) return nullptr;
    if (++links > kMaxLinks) return TarError("too many symbolic links on the way");
    if (target.front() == '/') at = &root_;
    PushComponents(target, &todo);
  }
  return at;
}

// "" if nothing is there.
absl::StatusOr<std::string> LayerTree::LinkTarget(Directory* parent, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(const int fd, Open(parent));
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(fd, name.c_str(), target, sizeof(target));
  if (length > 0) return std::string(target, static_cast<size_t>(length));
  if (errno == ENOENT) return std::string();
  if (errno == EINVAL) {
    return TarError(absl::StrCat("\"", base::Printable(name), "\" is not a directory"));
  }
  return base::PosixError(errno, base::Printable(name), "readlink");
}

}  // namespace stave::image

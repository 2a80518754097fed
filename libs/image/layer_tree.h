// SPDX-License-Identifier: Apache-2.0
//
// The directories of a layer while it is being unpacked, in memory: what is known to be a directory
// needs no look at the disk, attributes wait here until nothing is written below any more, and a
// bounded number of descriptors stays open.
//
// A Directory is on the disk as long as it is here: whoever removes one removes it here.

#ifndef STAVE_LIBS_IMAGE_LAYER_TREE_H_
#define STAVE_LIBS_IMAGE_LAYER_TREE_H_

#include <sys/types.h>
#include <time.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::image {

struct Directory {
  // What few directories have.
  struct Rare {
    std::set<std::string> whiteouts;                 // names
    std::map<std::string, std::string> lower_links;  // name -> target
    std::vector<std::pair<std::string, std::string>> xattrs;
  };

  std::string name;  // "" for the root
  Directory* parent = nullptr;
  std::map<std::string, std::unique_ptr<Directory>, std::less<>> children;
  std::unique_ptr<Rare> rare;
  timespec mtime = {};
  mode_t mode = 0755;
  uid_t uid = 0;
  gid_t gid = 0;
  int depth = 0;
  int slot = -1;        // of the tree's descriptors
  bool named = false;   // an entry gave the attributes above
  bool opaque = false;  // hides what the layers below have in it
  bool fresh = false;   // hides the directory itself that they have; so does all below it

  Directory() = default;
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory();  // without recursion

  Rare& GetRare();
};

class LayerTree {
 public:
  // Borrows `rootfd`, an open directory. At most `max_directories` are made.
  LayerTree(int rootfd, uint64_t max_directories);

  Directory* root() { return &root_; }

  // The directory at the clean path `path` ("." or "a/b"). Symlinks of the layer are followed
  // inside the root, and what is missing is made, mode 0755. Errors: InvalidArgument [E_TAR] if
  // something else is in the way, or links loop.
  absl::StatusOr<Directory*> Reach(absl::string_view path);

  // The same without making anything: nullptr if it is not there.
  absl::StatusOr<Directory*> Find(absl::string_view path);

  // A descriptor of `directory`: borrowed, and valid until Open has been called for kSlots - 1
  // others.
  absl::StatusOr<int> Open(Directory* directory);

  // mkdir(2) of `name`, which is not there. Errors: AlreadyExists, and nothing is changed.
  absl::StatusOr<Directory*> Make(Directory* parent, const std::string& name);

  // Removes whatever bears `name`, with all below it.
  absl::Status Remove(Directory* parent, const std::string& name);

  // "a/b", or "." for the root.
  static std::string PathOf(const Directory* directory);

 private:
  static constexpr int kSlots = 48;
  enum class Missing { kMake, kStop };
  struct Slot {
    Directory* directory = nullptr;
    base::UniqueFd fd;
    uint64_t used = 0;
  };

  absl::StatusOr<Directory*> Walk(absl::string_view path, Missing missing);
  absl::StatusOr<std::string> LinkTarget(Directory* parent, const std::string& name);

  int rootfd_;
  uint64_t directories_left_;
  Directory root_;
  std::array<Slot, kSlots> slots_;
  uint64_t clock_ = 0;
  // What Reach found last: entries of one directory follow each other.
  std::string last_path_;
  Directory* last_ = nullptr;
};

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_LAYER_TREE_H_

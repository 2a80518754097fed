// SPDX-License-Identifier: Apache-2.0
//
// OCI mount options -> what the kernel takes.
//
//   ["nosuid","ro","mode=755","rslave"]  ->  set NOSUID|RDONLY, data mode=755, propagation slave
//
// Source: runtime-spec config.md "Linux mount options"; mount_setattr(2).

#ifndef STAVE_LIBS_MOUNT_OPTIONS_H_
#define STAVE_LIBS_MOUNT_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/mount/tree.h"

namespace stave::mount {

struct Options {
  bool bind = false;                      // bind or rbind
  Depth depth = Depth::kMount;            // kTree for rbind
  uint64_t set = 0, clear = 0;            // MOUNT_ATTR_* of the mount itself
  uint64_t set_tree = 0, clear_tree = 0;  // MOUNT_ATTR_* of the whole tree: rro, rnosuid ..
  uint64_t propagation = 0;               // MS_PRIVATE .. ; 0: leave it
  Depth propagation_depth = Depth::kMount;
  bool copy_up = false;               // tmpcopyup
  bool contradicts = false;           // both ro and rw were given; the later one counts
  bool remount = false;               // change what is mounted there already
  std::vector<Parameter> parameters;  // what the file system itself must know
};

// Of words that contradict each other the later one counts. Unknown words go to the file system,
// and are for the caller to refuse or drop with a bind. Errors: Unimplemented for "idmap" and
// "ridmap", which a caller that makes such mounts takes out.
absl::StatusOr<Options> ParseOptions(const std::vector<std::string>& words);

// The words that every file system takes, sorted: for `features`.
std::vector<std::string> KnownOptions();

}  // namespace stave::mount

#endif  // STAVE_LIBS_MOUNT_OPTIONS_H_

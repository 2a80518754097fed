// SPDX-License-Identifier: Apache-2.0
//
// What a container has changed: its upper directory against the layers below, as docker diff tells
// it.
//
//   C /etc            a parent of a change, or its own mode, owner, time or attributes are others
//   A /etc/motd       new
//   C /etc/passwd     the upper directory has its own
//   D /etc/shadow     gone; what was below a directory that is gone is not told
//
// A directory comes before what is in it, names in the order of their bytes. The root itself is not
// told. What the runtime itself makes to mount something on is no change: an empty file or
// directory that is new, at one of the paths in `mount_points`.
//
// The upper directory is the container's, which may go on changing it: every component is opened
// by itself, no link is followed, and what goes meanwhile is left out. A name is looked up in each
// layer that has its directory, so the cost is that of the changes, not of the image.

#ifndef STAVE_LIBS_IMAGE_LAYER_CHANGES_H_
#define STAVE_LIBS_IMAGE_LAYER_CHANGES_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/archive/tar_writer.h"
#include "libs/image/tree_entry.h"

namespace stave::image {

struct Change {
  enum class Kind { kAdded, kChanged, kDeleted };
  Kind kind = Kind::kAdded;
  std::string path;  // "etc/motd"
  // A directory of which nothing of the layers below shows any more, though they have it.
  bool opaque = false;
  // kDeleted: since a directory above is opaque.
  bool hidden = false;
};

struct LayerStack {
  int upper = -1;                                 // borrowed directory descriptors
  std::vector<int> lowers;                        // the top one first
  const char* opaque = "trusted.overlay.opaque";  // the attribute of opaque directories
  std::set<std::string> mount_points;             // "proc", "etc/hosts"
};

// Errors: ResourceExhausted [E_LIMIT] for a path of more than archive::kMaxName bytes, which no
// layer could have; [E_NO_FILES]; those of reading the directories.
absl::StatusOr<std::vector<Change>> FindChanges(const LayerStack& stack);

// Writes the changes as an OCI layer, without the end of the stream: entries of the upper
// directory, `.wh.NAME` for what is gone, `.wh..wh..opq` in a directory that is opaque. Files whose
// own name begins with ".wh." are told and left out: a layer cannot have them.
// Errors: those of the tree reader and of `tar`.
absl::Status WriteLayer(int upper, const std::vector<Change>& changes, const TellOmission& tell,
                        archive::TarWriter* tar);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_LAYER_CHANGES_H_

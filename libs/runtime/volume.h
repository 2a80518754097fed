// SPDX-License-Identifier: Apache-2.0
//
// -v and --tmpfs: from their text to entries of `mounts`.
//
//   /a:/b  /a:/b:ro  /a:/b:ro,rslave      {"destination":"/b","type":"bind","source":"/a",
//                                          "options":["rbind","rprivate","ro"]}
//   /run   /run:size=64m,exec             {"destination":"/run","type":"tmpfs","source":"tmpfs",
//                                          "options":["nosuid","nodev","size=64m"]}

#ifndef STAVE_LIBS_RUNTIME_VOLUME_H_
#define STAVE_LIBS_RUNTIME_VOLUME_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::runtime {

struct MountEntry {
  std::string source;  // of a bind
  std::string destination;
  std::vector<std::string> options;
};

// Errors: InvalidArgument [E_USAGE] beginning with "--volume: " or "--tmpfs: ": no absolute paths,
// an unknown or contradictory option, a destination that no container can do without ("/",
// "/proc").
absl::StatusOr<MountEntry> ParseVolume(const std::string& text);
absl::StatusOr<MountEntry> ParseTmpfs(const std::string& text);

// Adds the entries to the document's mounts. Sources must exist; a symlink is resolved once.
// `store` is the state root, which nobody may mount into a container.
// Errors: NotFound for a source; InvalidArgument for a destination that appears twice.
absl::Status AddVolumes(const std::vector<std::string>& volumes,
                        const std::vector<std::string>& tmpfs, absl::string_view store,
                        json::Value* document);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_VOLUME_H_

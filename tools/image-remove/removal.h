// SPDX-License-Identifier: Apache-2.0
//
// What image-remove does to the store, with Docker's rules for what may go.
//
//   by name  takes the name away; with the last one the image goes. Refused without force if it is
//            the last one and a container uses the image.
//   by id    takes all names away, then the image goes. Refused without force if there are names of
//            several repositories or tags, or a container that has ended uses it; refused always if
//            one runs.
//
// What a container uses stays in the store, without a name, until the container is removed.

#ifndef STAVE_TOOLS_IMAGE_REMOVE_REMOVAL_H_
#define STAVE_TOOLS_IMAGE_REMOVE_REMOVAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/cli/prune_filter.h"
#include "libs/oci/digest.h"
#include "libs/store/store.h"
#include "libs/store/trash_folder.h"

namespace stave::tools {

// What has been done; also what had been done before an error.
struct Removed {
  std::vector<std::string> names;     // familiar: "alpine:latest", "alpine@sha256:.."
  std::vector<oci::Digest> objects;   // an image's id, then its layers, the top one first
  int64_t bytes = 0;                  // that are free, once the trash is empty
  std::vector<std::string> warnings;  // for people
};

class ImageRemover {
 public:
  explicit ImageRemover(const store::Store& store) : store_(store) {}
  // Empties the trash, with what killed ones left there, in a detached process.
  ~ImageRemover();

  // Removes the image, or the name, that `text` means: a name before the beginning of an id.
  // Errors: NotFound [E_NOT_FOUND] `No such image: x`; FailedPrecondition [E_IN_USE] with Docker's
  // texts; InvalidArgument [E_AMBIGUOUS], [E_REFERENCE]; DataLoss [E_CORRUPT] if the store is too
  // damaged to say what is needed: then nothing was removed.
  absl::Status Remove(const std::string& text, bool force, Removed* removed);

  // Removes what nothing names, and what dead pulls left; with `unused`, first the names of images
  // that no container uses. With `filter` only the images that it takes, and what is theirs alone.
  // Errors: as above.
  absl::Status Prune(bool unused, const std::optional<cli::PruneFilter>& filter, Removed* removed);

 private:
  class Act;

  const store::Store& store_;
  std::optional<store::TrashFolder> trash_;
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_IMAGE_REMOVE_REMOVAL_H_

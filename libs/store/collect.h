// SPDX-License-Identifier: Apache-2.0
//
// The collector: objects of the store that nothing needs (mark.h) go, at once by rename into
// trash/, and from the disk afterwards, in a detached child (trash_folder.h).
//
//   lock = LockToCollect(store)
//   needed = Mark(store, FindOrigins(store)), after changes of names; CheckUndamaged(needed.damage)
//   MoveToTrash(store, FindUnneeded(store, needed, nullptr), &trash)
//   lock.Reset(); trash.RemoveDetached()
//
// Killed on its way, it leaves what was renamed to the next sweep, and the rest where it is,
// unnamed, to the next collection. Partial downloads (ingest.h) are no objects and stay.

#ifndef STAVE_LIBS_STORE_COLLECT_H_
#define STAVE_LIBS_STORE_COLLECT_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/digest.h"
#include "libs/store/mark.h"
#include "libs/store/store.h"
#include "libs/store/trash_folder.h"

namespace stave::store {

struct Collected {
  std::vector<oci::Digest> blobs;   // sorted
  std::vector<oci::Digest> layers;  // keys, sorted
  int64_t bytes = 0;                // of the blobs, and of the files of the layers
};

// What of the store is not in `needed`; with `among`, only what is in that.
absl::StatusOr<Collected> FindUnneeded(const Store& store, const Marked& needed,
                                       const Marked* among);

// The damage that keeps a collection from being one, as one error: DataLoss [E_CORRUPT] naming the
// first file, with a hint; OK if there is none.
absl::Status CheckUndamaged(const std::vector<Damage>& damage);

// Renames them into `trash`, durably. Under LockToCollect, held since before `needed` was marked.
// Errors: those of rename(2) and fsync(2); what was renamed by then is gone.
absl::Status MoveToTrash(const Store& store, const Collected& unneeded, TrashFolder* trash);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_COLLECT_H_

// SPDX-License-Identifier: Apache-2.0
//
// How the folders of a container go: renamed into STATE/trash/ first, so that no half of a
// container is ever seen, then removed. From the rename on the removal is decided: what a killed
// remover left, in trash/, of the name and in RUN, goes with the next sweep.

#ifndef STAVE_LIBS_STORE_TRASH_H_
#define STAVE_LIBS_STORE_TRASH_H_

#include <string>

#include "absl/status/status.h"
#include "libs/base/atomic_file.h"
#include "libs/store/store.h"

namespace stave::store {

inline constexpr char kTrashFolderPrefix[] = "gone-";  // trash_folder.h

// Removes STATE/containers/ID and RUN/containers/ID. What is not there is fine. If another process
// is removing it, waits for it. kDurable: it does not come back after a power cut. Errors: those of
// rename(2) and unlink(2); what is left is in trash/ or still in its place.
absl::Status RemoveFolders(const Store& store, const std::string& id, base::Durability durability);

// Only the rename of STATE/containers/ID: from then on no container of that id is seen. What is in
// trash/ is removed by RemoveFolders or the next sweep.
absl::Status Discard(const Store& store, const std::string& id, base::Durability durability);

// Tries to remove what is in trash/, and with it the names and the folders in RUN of those ids that
// have no entry (pending.h); what somebody is removing or cannot be removed stays.
void SweepTrash(const Store& store);

// The same but for what may take long, the folders of TrashFolder; whether there is one that nobody
// is removing.
bool SweepContainers(const Store& store);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_TRASH_H_

// SPDX-License-Identifier: Apache-2.0
//
// Things in the store that no program of stave makes. Whose they are nobody here knows, so they are
// never removed: store-check --repair moves them, as fsck(8) does, to STATE/lost+found/.

#ifndef STAVE_LIBS_STORE_FOREIGN_H_
#define STAVE_LIBS_STORE_FOREIGN_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/store/check_roots.h"
#include "libs/store/finding.h"
#include "libs/store/store.h"

namespace stave::store {

// Renames `path`, relative to STATE, into lost+found/, under its last name, with a number where
// that is taken. A symlink is moved itself. Errors: those of mkdir(2) and rename(2): it stays.
absl::Status MoveToLostFound(const Store& store, const std::string& path);

// Tells of it as [E_EXTRA] with `problem`, "is no blob", and moves it if `mend` says so.
void TellForeign(const Store& store, const std::string& path, absl::string_view problem, Mend mend,
                 Findings* findings);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_FOREIGN_H_

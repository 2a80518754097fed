// SPDX-License-Identifier: Apache-2.0
//
// The part of a check that looks at names of images: refs/ and the index.json that is made of it.

#ifndef STAVE_LIBS_STORE_CHECK_REFS_H_
#define STAVE_LIBS_STORE_CHECK_REFS_H_

#include "absl/status/status.h"
#include "libs/store/check_roots.h"
#include "libs/store/finding.h"
#include "libs/store/store.h"

namespace stave::store {

// Tells of files below refs/ that are damaged or no reference's. kYes: a reference that index.json
// still tells of, and whose document is here, gets its file back; what is no reference's goes. Any
// other stays as it is, for the fetch that is told. Errors: those of reading folders.
absl::Status CheckRefs(const Store& store, Mend mend, Findings* findings);

// Tells if index.json does not say what refs/ says. kYes: it is made anew. Looks again with the
// lock that writers hold, so one who is about to change a name is not taken for damage.
absl::Status CheckIndex(const Store& store, Mend mend, Findings* findings);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_CHECK_REFS_H_

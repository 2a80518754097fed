// SPDX-License-Identifier: Apache-2.0
//
// The first part of a check: the roots themselves, before a Store can be opened on them. Owner and
// mode of both, store.json, the folders, images/oci-layout.

#ifndef STAVE_LIBS_STORE_CHECK_ROOTS_H_
#define STAVE_LIBS_STORE_CHECK_ROOTS_H_

#include "absl/status/statusor.h"
#include "libs/store/finding.h"
#include "libs/store/store.h"

namespace stave::store {

// Whether what is found is also mended.
enum class Mend { kNo, kYes };

// Tells what is wrong with the roots; what does not exist is fine: an empty store. Mends modes, a
// store.json that says nothing any more (never one that says something else), folders and
// oci-layout. False: there is no store yet. Else Store::OpenRoots says whether the rest can be
// looked at. Errors: those of open(2) and, kYes, of what mends.
absl::StatusOr<bool> CheckRoots(const Roots& roots, Mend mend, Findings* findings);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_CHECK_ROOTS_H_

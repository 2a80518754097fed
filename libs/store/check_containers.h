// SPDX-License-Identifier: Apache-2.0
//
// The part of a check that looks at containers: their records can be read, the layers of their
// images are here, and every name leads to one.

#ifndef STAVE_LIBS_STORE_CHECK_CONTAINERS_H_
#define STAVE_LIBS_STORE_CHECK_CONTAINERS_H_

#include "absl/status/status.h"
#include "libs/store/check_roots.h"
#include "libs/store/finding.h"
#include "libs/store/store.h"

namespace stave::store {

// kYes removes names of nothing; the rest is only told. Errors: those of reading the folders.
absl::Status CheckContainers(const Store& store, Mend mend, Findings* findings);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_CHECK_CONTAINERS_H_

// SPDX-License-Identifier: Apache-2.0
//
// The part of a check that looks for what takes room for nobody: objects that nothing needs, what
// dead writers left in ingest/, what dead removers left in trash/. None of it is damage.

#ifndef STAVE_LIBS_STORE_CHECK_LEFTOVERS_H_
#define STAVE_LIBS_STORE_CHECK_LEFTOVERS_H_

#include "absl/status/status.h"
#include "libs/store/check_roots.h"
#include "libs/store/finding.h"
#include "libs/store/store.h"

namespace stave::store {

// Tells of blobs and layers that no image, container, pull or mount needs. kYes: they go, by way of
// the collector. Where damage keeps anybody from knowing what is needed, that is a note instead.
// Errors: those of reading the folders and of the collector.
absl::Status CheckUnneeded(const Store& store, Mend mend, Findings* findings);

// Tells of ingest/ and trash/. What somebody is writing or removing now, and partial blobs that the
// next pull will continue, are none. kYes: sweeps both. Errors: those of reading and sweeping.
absl::Status CheckLeftovers(const Store& store, Mend mend, Findings* findings);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_CHECK_LEFTOVERS_H_

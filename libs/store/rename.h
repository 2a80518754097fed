// SPDX-License-Identifier: Apache-2.0
//
// Giving a container another name.

#ifndef STAVE_LIBS_STORE_RENAME_H_
#define STAVE_LIBS_STORE_RENAME_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/store/store.h"

namespace stave::store {

// Renames the container that `old_text` means (containers.h FindContainer) in names/, record.json
// and config.json, and tells it as an event; returns the name that it had. The new name is reserved
// first and the old one released last: of many who want one name one gets it, and who is killed in
// between leaves the container with both; the same call again, with its id, finishes it.
// A container that is being made cannot be renamed.
// Errors: those of FindContainer; InvalidArgument [E_NAME]; AlreadyExists [E_NAME_TAKEN], both with
// Docker's texts; FailedPrecondition [E_STATE] while it is made; DataLoss [E_CORRUPT] if its record
// is damaged; those of writing. The container keeps its name then.
absl::StatusOr<std::string> RenameContainer(const Store& store, absl::string_view old_text,
                                            const std::string& new_name);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_RENAME_H_

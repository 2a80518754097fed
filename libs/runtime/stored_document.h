// SPDX-License-Identifier: Apache-2.0
//
// The document of a container of the store: its config.json.

#ifndef STAVE_LIBS_RUNTIME_STORED_DOCUMENT_H_
#define STAVE_LIBS_RUNTIME_STORED_DOCUMENT_H_

#include "absl/status/statusor.h"
#include "libs/json/value.h"
#include "libs/store/container.h"

namespace stave::runtime {

// Errors: those of Container::ReadConfig; DataLoss [E_CORRUPT] for what is no JSON object.
absl::StatusOr<json::Value> ReadStoredDocument(const store::Container& container);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_STORED_DOCUMENT_H_

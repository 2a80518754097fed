// SPDX-License-Identifier: Apache-2.0
//
// Names of containers. The rule is oci::CheckContainerName's; here are Docker's text for it and
// names for containers that were given none.

#ifndef STAVE_LIBS_STORE_NAME_H_
#define STAVE_LIBS_STORE_NAME_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace stave::store {

// Errors: InvalidArgument [E_NAME] with Docker's text `Invalid container name (x), only
// [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, at most 255 of them`.
absl::Status CheckName(absl::string_view name);

// A random adjective_surname, as "unruffled_ride".
std::string RandomName();

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_NAME_H_

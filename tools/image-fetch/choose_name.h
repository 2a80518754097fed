// SPDX-License-Identifier: Apache-2.0
//
// Which of the names that a short name may mean is meant (libs/registry/short_name.h).

#ifndef STAVE_TOOLS_IMAGE_FETCH_CHOOSE_NAME_H_
#define STAVE_TOOLS_IMAGE_FETCH_CHOOSE_NAME_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/store/store.h"

namespace stave::tools {

// `text`, a registry's reference that has been checked, in full if it is short: an alias; the only
// candidate; the first that the store has; the one that the terminal's user picks (on /dev/tty, if
// stderr is a terminal); docker.io's if registries.conf names it first. A name that no
// registries.conf speaks of comes back as it is.
// Errors: those of ReadRegistriesConf and ExpandShortName; FailedPrecondition [E_SHORT_NAME]
// listing the full names if none of this decides.
absl::StatusOr<std::string> ChooseName(const store::Store& store, const std::string& text);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_IMAGE_FETCH_CHOOSE_NAME_H_

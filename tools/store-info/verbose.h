// SPDX-License-Identifier: Apache-2.0
//
// What each image and container takes of the disk: `docker system df -v`, as four tables, or as an
// object for --format.

#ifndef STAVE_TOOLS_STORE_INFO_VERBOSE_H_
#define STAVE_TOOLS_STORE_INFO_VERBOSE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/json/value.h"
#include "libs/store/store.h"
#include "tools/store-info/usage.h"

namespace stave::tools {

// The tables, with Docker's headings. `store` is asked what containers' images are called.
// Errors: those of cli::Format.
absl::StatusOr<std::string> VerboseText(const store::Store& store, const Measured& measured,
                                        absl::Time now);

// {"Images":[{"Repository":"alpine",..}],"Containers":[{..}],"Volumes":[],"BuildCache":[]}, with
// the columns' members as texts.
json::Value VerboseJson(const store::Store& store, const Measured& measured, absl::Time now);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STORE_INFO_VERBOSE_H_

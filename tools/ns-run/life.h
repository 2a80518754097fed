// SPDX-License-Identifier: Apache-2.0
//
// The options of ns-run that say what becomes of a container: what they write into stave.life of
// its document, and its labels.

#ifndef STAVE_TOOLS_NS_RUN_LIFE_H_
#define STAVE_TOOLS_NS_RUN_LIFE_H_

#include "absl/status/status.h"
#include "libs/cli/program.h"
#include "libs/json/value.h"

namespace stave::tools {

// Errors: InvalidArgument [E_USAGE] with the option's name.
absl::Status SetLife(const cli::Invocation& given, json::Value* document);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_NS_RUN_LIFE_H_

// SPDX-License-Identifier: Apache-2.0
//
// ns-run where its own program can be seen from a container: it executes itself once more, from a
// place where nobody can write (libs/runtime/sealed_self.h).

#ifndef STAVE_TOOLS_NS_RUN_SEALED_H_
#define STAVE_TOOLS_NS_RUN_SEALED_H_

#include "absl/status/status.h"
#include "libs/cli/program.h"
#include "libs/json/value.h"

namespace stave::tools {

// For a directory without a document: before anything is read. The options alone decide.
absl::Status SealForDirectory(const cli::Invocation& given);

// For a foreground run of `document`, which is whole: the options have been applied. What has been
// read of stdin and files cannot be read again, so the new ns-run gets it, and of the options only
// those that are not in it. Returns if there is no need. Errors: those of memfd_create(2), writing
// and SealSelf.
absl::Status SealForRun(const cli::Invocation& given, const json::Value& document);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_NS_RUN_SEALED_H_

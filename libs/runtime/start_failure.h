// SPDX-License-Identifier: Apache-2.0
//
// Writing down that a container could not be started, for who asks why: ps-why(1), an inspect.

#ifndef STAVE_LIBS_RUNTIME_START_FAILURE_H_
#define STAVE_LIBS_RUNTIME_START_FAILURE_H_

#include <string>

#include "absl/status/status.h"
#include "libs/store/container.h"
#include "libs/store/record.h"
#include "libs/store/store.h"

namespace stave::runtime {

// What `why` says, safe for a terminal and a file of JSON; of now.
store::StartError StartErrorOf(const absl::Status& why);

// 126 or 127; 128 for all else, as Docker keeps it.
int StoredCodeOf(const absl::Status& why);

// Of a container that exists: exit.json gets the error and its code, and keeps when the run before
// was. It stays one that was created, if it has never run. Errors: those of writing.
absl::Status WriteStartFailure(const absl::Status& why, const store::Container& container);

// Of one that came to nothing and would have been called `name`; nothing without a name, nor where
// only its output could not be shown (kNotShown of report.h).
void NoteFailure(const absl::Status& why, const std::string& name, const store::Store& store);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_START_FAILURE_H_

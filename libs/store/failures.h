// SPDX-License-Identifier: Apache-2.0
//
// Containers that did not come to be: what was told to who wanted one under a name and did not get
// it, for who asks for the name later. RUN/failures.json, a line each:
//
//   {"name":"web","exit":{"version":1,"code":127,..,"error":{"time":"..","word":"E_NOT_FOUND",..}}}
//
// It is bounded, and lost with the reboot and with a full file system: nothing depends on it. What
// exists and could not be started keeps its failure itself (record.h, exit.json).

#ifndef STAVE_LIBS_STORE_FAILURES_H_
#define STAVE_LIBS_STORE_FAILURES_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/store/record.h"
#include "libs/store/store.h"

namespace stave::store {

inline constexpr char kFailuresFile[] = "failures.json";

struct Failure {
  std::string name;
  Exit exit;  // as of a container that exists: its code and its error
};

// Without newline. Errors: DataLoss [E_CORRUPT].
std::string FormatFailure(const Failure& failure);
absl::StatusOr<Failure> ParseFailure(absl::string_view line);

// Appends it. A file that has grown large is begun anew. Nothing is told of what goes wrong.
void AppendFailure(const Store& store, const Failure& failure);

// The latest of `name`; nullopt: none is known.
std::optional<Failure> FindFailure(const Store& store, absl::string_view name);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_FAILURES_H_

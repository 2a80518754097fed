// SPDX-License-Identifier: Apache-2.0
//
// The `process` object of an exec: given as a whole, or the config's own with changes. Pure.

#ifndef STAVE_LIBS_LIFECYCLE_EXEC_PROCESS_H_
#define STAVE_LIBS_LIFECYCLE_EXEC_PROCESS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/json/value.h"

namespace stave::lifecycle {

struct ProcessChanges {
  std::vector<std::string> args;             // replace the config's
  std::vector<std::string> env;              // "NAME=VALUE", in the place of the config's
  std::vector<std::string> capabilities;     // "CAP_KILL", beside the config's
  std::vector<std::string> additional_gids;  // numbers, beside the config's
  std::optional<std::string> cwd;
  std::optional<std::string> user;  // "UID[:GID]", numbers; without GID: 0
  bool terminal = false;            // replaces the config's
  std::optional<bool> no_new_privileges;
  std::optional<std::string> apparmor;
  std::optional<std::string> process_label;
};

// `process` is the config's. The size of its console is not taken over.
// Errors: InvalidArgument [E_USAGE] `process args cannot be empty`; for a user or group that is no
// number, an environment without '='.
absl::StatusOr<json::Value> ChangedProcess(const json::Value& process,
                                           const ProcessChanges& changes);

// `given` (of a process file) with what it says nothing of taken from the config's `process`:
// capabilities, rlimits, labels, oomScoreAdj, scheduler, ioPriority. So an exec never has more than
// the container.
json::Value CompletedProcess(const json::Value& process, json::Value given);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_EXEC_PROCESS_H_

// SPDX-License-Identifier: Apache-2.0
//
// The process that joins a container: the container's own, with changes. What is not changed stays
// as it is, so that nothing that joins has more than the container: capabilities, rlimits,
// no_new_privs, labels, scheduling. Pure.

#ifndef STAVE_LIBS_RUNTIME_EXEC_PROCESS_H_
#define STAVE_LIBS_RUNTIME_EXEC_PROCESS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/json/value.h"
#include "libs/oci/user.h"

namespace stave::runtime {

// Another user: `before` is the container's own, whose HOME goes with it.
struct UserChange {
  oci::User before, after;
};

struct ExecChanges {
  std::vector<std::string> args;
  std::vector<std::string> env;  // "NAME=VALUE"; "NAME": taken away
  std::optional<std::string> workdir;
  std::optional<UserChange> user;
  bool terminal = false;  // with TERM, where the environment has none
  // --privileged: these instead of the container's, and no AppArmor profile.
  std::optional<std::vector<std::string>> capabilities;
};

// The `process` of `config` with the changes. The size of its console is not taken over.
// Errors: those of oci::SetEnv.
absl::StatusOr<json::Value> ExecProcess(const json::Value& config, const ExecChanges& changes);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_EXEC_PROCESS_H_

// SPDX-License-Identifier: Apache-2.0
//
// The `process` member of the document: what runs, as whom, with which environment and
// capabilities.
//
//   "process": {"args":["sh"],"env":["PATH=/bin","HOME=/root"],"cwd":"/",
//               "user":{"uid":0,"gid":0,"umask":18,"additionalGids":[0]},
//               "capabilities":{"bounding":[..],"effective":[..],"permitted":[..]}}
//
// Sources: OCI config.md "Process"; Docker's merge of entrypoint and cmd.

#ifndef STAVE_LIBS_OCI_PROCESS_H_
#define STAVE_LIBS_OCI_PROCESS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/oci/user.h"

namespace stave::oci {

// What an image runs by default, and what the caller says instead.
struct CommandWords {
  std::optional<std::vector<std::string>> entrypoint;
  std::optional<std::vector<std::string>> cmd;
};

// entrypoint + cmd; `operands` replace cmd; `entrypoint` (as of --entrypoint; "" is none at all)
// replaces both, and operands follow it.
// Errors: InvalidArgument [E_NO_COMMAND] if nothing is left to run or the first word is empty.
absl::StatusOr<std::vector<std::string>> ProcessArgs(const CommandWords& image,
                                                     const std::optional<std::string>& entrypoint,
                                                     const std::vector<std::string>& operands);

// process.terminal; false where there is none.
bool HasTerminal(const json::Value& document);

void SetArgs(const std::vector<std::string>& args, json::Value* document);

// Sets "NAME=VALUE" in process.env: in the place of the same NAME, else at the end.
// Errors: InvalidArgument [E_USAGE] without '=' or with an empty NAME.
absl::Status SetEnv(absl::string_view assignment, json::Value* document);
// The value of NAME in process.env, or nullopt.
std::optional<std::string> GetEnv(absl::string_view name, const json::Value& document);
void RemoveEnv(absl::string_view name, json::Value* document);

// Sets uid, gid and additionalGids (umask and what else is in process.user stay), the capability
// sets that go with them, and HOME where env has none.
void SetUser(const User& user, json::Value* document);
// The same where the document was made for `before`: its HOME goes with it.
void ChangeUser(const User& before, const User& user, json::Value* document);

// Sets process.capabilities: `names` are bounding, and for uid 0 effective and permitted; any
// other uid starts with none, as execve(2) would have it. inheritable and ambient are taken away.
// linux.seccomp depends on the bounding set: see default_seccomp.h.
void SetCapabilities(const std::vector<std::string>& names, json::Value* document);
// process.capabilities.bounding, or none.
std::vector<std::string> BoundingCapabilities(const json::Value& document);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_PROCESS_H_

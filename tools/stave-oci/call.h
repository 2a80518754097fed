// SPDX-License-Identifier: Apache-2.0
//
// What the verbs have in common: the grammar of their tables, operands, the state root, output.

#ifndef STAVE_TOOLS_STAVE_OCI_CALL_H_
#define STAVE_TOOLS_STAVE_OCI_CALL_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/cli/program.h"
#include "libs/cli/verbs.h"
#include "libs/json/value.h"
#include "libs/lifecycle/create.h"
#include "libs/lifecycle/handover.h"
#include "libs/lifecycle/root.h"
#include "libs/lifecycle/scope_plan.h"
#include "libs/pty/terminal.h"

namespace stave::stave_oci {

// Whether options may follow operands. runc's do, but for verbs whose operands hold options of
// another program.
enum class Operands { kMixed, kLast };

// A verb with runc's grammar and exit codes: 1 for everything of its own; the last of an option
// that is given twice counts.
cli::Program Table(const char* name, const char* synopsis, const char* purpose,
                   absl::Span<const cli::Option> options, Operands operands = Operands::kMixed);

// Errors: UsageError `"kill" requires at least 1 argument`; `most` is SIZE_MAX for any number.
absl::Status CheckOperands(const cli::VerbCall& call, absl::string_view verb, size_t least,
                           size_t most);

// The root of --root or of the environment. OpenRoot makes nothing: one that is missing is empty.
absl::StatusOr<lifecycle::Root> OpenRoot(const cli::VerbCall& call);
absl::StatusOr<lifecycle::Root> MakeRoot(const cli::VerbCall& call);

// How lifecycle tells of what went wrong without being an error.
lifecycle::Warn Warner(const cli::VerbCall& call);

// The options of create, run and exec that handover.h is about. What else than --preserve-fds an
// engine has left open (sync pipes, sockets) is made close-on-exec, but for what LISTEN_FDS says:
// that is nobody's but its own. Errors: UsageError.
absl::Status ReadHandover(const cli::VerbCall& call, lifecycle::HandoverOptions* options);

// Who makes the cgroup of a new container. Errors: Unimplemented [E_UNSUPPORTED] for "disabled".
absl::StatusOr<lifecycle::CgroupManager> Manager(const cli::VerbCall& call);

// "table" or "json" of --format. Errors: UsageError.
absl::StatusOr<bool> WantsJson(const cli::VerbCall& call);

// Writes to stdout. Errors: those of write(2).
absl::Status Print(absl::string_view text);

}  // namespace stave::stave_oci

#endif  // STAVE_TOOLS_STAVE_OCI_CALL_H_

// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/control.h"

#include <csignal>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/error.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/lifecycle/kill.h"
#include "libs/lifecycle/remove.h"
#include "libs/lifecycle/start.h"
#include "tools/stave-oci/call.h"
#include "tools/stave-oci/commands.h"

namespace stave::stave_oci {
namespace {

constexpr cli::Option kKillOptions[] = {
    {"all", 'a', cli::Takes::kNothing, "", "to all of its processes; none left is no error"},
};

constexpr cli::Option kDeleteOptions[] = {
    {"force", 'f', cli::Takes::kNothing, "",
     "kill it first if it runs; one that does not exist is no error"},
};

absl::StatusOr<int> Start(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "start", 1, 1));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  STAVE_RETURN_IF_ERROR(lifecycle::Start(root, call.own.operands()[0], Warner(call)));
  return 0;
}

absl::StatusOr<int> Kill(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "kill", 1, 2));
  int signal = SIGTERM;
  if (call.own.operands().size() == 2) {
    const auto given = base::ParseSignal(call.own.operands()[1]);
    if (!given.ok()) return cli::AsUsage(base::WithContext(given.status(), "signal"));
    signal = *given;
  }
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  STAVE_RETURN_IF_ERROR(
      lifecycle::Kill(root, call.own.operands()[0], signal,
                      call.own.Has("all") ? lifecycle::Whom::kAll : lifecycle::Whom::kFirst));
  return 0;
}

absl::StatusOr<int> Delete(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "delete", 1, 1));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  STAVE_RETURN_IF_ERROR(lifecycle::Delete(
      root, call.own.operands()[0],
      call.own.Has("force") ? lifecycle::Force::kYes : lifecycle::Force::kNo, Warner(call)));
  return 0;
}

absl::StatusOr<int> Pause(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "pause", 1, 1));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  STAVE_RETURN_IF_ERROR(lifecycle::Pause(root, call.own.operands()[0]));
  return 0;
}

absl::StatusOr<int> Resume(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "resume", 1, 1));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  STAVE_RETURN_IF_ERROR(lifecycle::Resume(root, call.own.operands()[0]));
  return 0;
}

}  // namespace

cli::Verb StartVerb() {
  return {Table("start", "ID", "let the process of a created container run", {}), Start};
}

cli::Verb KillVerb() {
  return {Table("kill", "[OPTION...] ID [SIGNAL]",
                "send a signal, TERM by default, to a container's first process", kKillOptions),
          Kill};
}

cli::Verb DeleteVerb() {
  return {Table("delete", "[OPTION...] ID", "delete a container that has ended", kDeleteOptions),
          Delete};
}

cli::Verb PauseVerb() {
  return {Table("pause", "ID", "freeze all processes of a container", {}), Pause};
}

cli::Verb ResumeVerb() {
  return {Table("resume", "ID", "let a paused container go on", {}), Resume};
}

}  // namespace stave::stave_oci

// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/start.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/json/cursor.h"
#include "libs/lifecycle/bundle.h"
#include "libs/lifecycle/container.h"
#include "libs/lifecycle/group.h"
#include "libs/lifecycle/poststart.h"
#include "libs/lifecycle/remove.h"
#include "libs/runtime/start_gate.h"

namespace stave::lifecycle {
namespace {

absl::Status CheckCreated(Status status) {
  const auto refuse = [](absl::string_view message) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE", message);
  };
  switch (status) {
    case Status::kCreated:
      return absl::OkStatus();
    case Status::kStopped:
      return refuse("cannot start a container that has stopped");
    case Status::kRunning:
      return refuse("cannot start an already running container");
    default:
      return refuse(absl::StrCat("cannot start a container in the ", StatusName(status), " state"));
  }
}

// For messages about the payload.
std::string Program(const json::Value& config) {
  const auto args = json::Cursor(config)["process"]["args"].StringsOrNone();
  return args.ok() && !args->empty() ? args->front() : "";
}

absl::Status FinishStart(const Container& container, const Condition& condition,
                         const std::string& text, const Warn& warn) {
  // Most configs have none, and need not be understood once more for that.
  if (!absl::StrContains(text, "\"poststart\"") && !absl::StrContains(text, "\\u")) {
    return absl::OkStatus();
  }
  STAVE_ASSIGN_OR_RETURN(
      const Bundle bundle,
      ReadConfig(text, condition.record.bundle, container.id(), ManagerOf(condition.record)));
  return RunPoststart(bundle.plan.hooks.poststart, condition.record, condition.pid(), warn);
}

}  // namespace

absl::Status Start(const Root& root, absl::string_view id, const Warn& warn) {
  STAVE_ASSIGN_OR_RETURN(Container container, Container::Open(root, id));
  STAVE_RETURN_IF_ERROR(container.Lock());
  STAVE_ASSIGN_OR_RETURN(const Condition condition, container.Look());
  STAVE_RETURN_IF_ERROR(CheckCreated(condition.status));
  STAVE_ASSIGN_OR_RETURN(const std::string text, container.ReadConfig());
  STAVE_ASSIGN_OR_RETURN(const json::Value config, container.ParseConfig(text));
  if (!json::Cursor(config)["process"].exists()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_DOCUMENT",
                       "/process: is missing, there is nothing to start");
  }
  absl::Status ran = runtime::OpenStartGate(container.dir(), Program(config));
  // A program that cannot be executed leaves a stopped container; a hook's failure leaves none.
  if (!ran.ok() && base::ErrorWord(ran) != "E_HOOK") return ran;
  if (ran.ok()) ran = FinishStart(container, condition, text, warn);
  if (ran.ok()) return ran;
  const absl::Status deleted = DeleteLocked(root, &container, condition, warn);
  if (!deleted.ok() && warn) warn(std::string(deleted.message()));
  return ran;
}

}  // namespace stave::lifecycle

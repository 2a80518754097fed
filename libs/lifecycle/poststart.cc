// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/poststart.h"

#include <string>

#include "libs/json/parse.h"
#include "libs/runtime/hook.h"

namespace stave::lifecycle {

absl::Status RunPoststart(const std::vector<runtime::Hook>& hooks, const Record& record, pid_t pid,
                          const Warn& warn) {
  if (hooks.empty()) return absl::OkStatus();
  const std::string state = json::Print(StateJson(record, StatusName(Status::kRunning), pid));
  if (!runtime::PoststartMayFail(record.oci_version)) {
    return runtime::RunHooks(hooks, "poststart", state);
  }
  runtime::RunAllHooks(hooks, "poststart", state, warn);
  return absl::OkStatus();
}

}  // namespace stave::lifecycle

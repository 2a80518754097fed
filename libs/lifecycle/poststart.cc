// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/poststart.h"

#include <string>

#include "absl/strings/match.h"
#include "libs/json/parse.h"
#include "libs/runtime/hook.h"

namespace stave::lifecycle {

bool PoststartMayFail(absl::string_view oci_version) {
  for (const absl::string_view old : {"1.0.", "1.1.", "1.2."}) {
    if (absl::StartsWith(oci_version, old)) return true;
  }
  return false;
}

absl::Status RunPoststart(const std::vector<runtime::Hook>& hooks, const Record& record, pid_t pid,
                          const Warn& warn) {
  if (hooks.empty()) return absl::OkStatus();
  const std::string state = json::Print(StateJson(record, StatusName(Status::kRunning), pid));
  if (!PoststartMayFail(record.oci_version)) return runtime::RunHooks(hooks, "poststart", state);
  for (const runtime::Hook& hook : hooks) {
    const absl::Status ran = runtime::RunHooks({hook}, "poststart", state);
    if (!ran.ok() && warn) warn(std::string(ran.message()));
  }
  return absl::OkStatus();
}

}  // namespace stave::lifecycle

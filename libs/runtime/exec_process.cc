// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/exec_process.h"

#include "libs/base/status_macros.h"
#include "libs/oci/process.h"

namespace stave::runtime {
namespace {

absl::Status ChangeEnv(const ExecChanges& changes, json::Value* document) {
  if (changes.terminal && !oci::GetEnv("TERM", *document)) {
    STAVE_RETURN_IF_ERROR(oci::SetEnv("TERM=xterm", document));
  }
  for (const std::string& one : changes.env) {
    if (one.find('=') == std::string::npos) {
      oci::RemoveEnv(one, document);
    } else {
      STAVE_RETURN_IF_ERROR(oci::SetEnv(one, document));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<json::Value> ExecProcess(const json::Value& config, const ExecChanges& changes) {
  json::Value document = json::Value::Object();
  json::Value& process = document.Make({"process"});
  if (const json::Value* own = config.Find("process")) process = *own;
  oci::SetArgs(changes.args, &document);
  process.Set("terminal", json::Value::Bool(changes.terminal));
  process.Remove("consoleSize");
  if (changes.workdir) process.Set("cwd", json::Value::String(*changes.workdir));
  if (changes.user) oci::ChangeUser(changes.user->before, changes.user->after, &document);
  if (changes.capabilities) {
    oci::SetCapabilities(*changes.capabilities, &document);
    process.Remove("apparmorProfile");
  }
  STAVE_RETURN_IF_ERROR(ChangeEnv(changes, &document));
  return process;
}

}  // namespace stave::runtime

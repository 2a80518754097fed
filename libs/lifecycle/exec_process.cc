// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/exec_process.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"

namespace stave::lifecycle {
namespace {

absl::Status Usage(absl::string_view message) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE", message);
}

absl::StatusOr<json::Value> Id(absl::string_view text, absl::string_view option) {
  const absl::StatusOr<uint32_t> id = base::ParseUserId(text);
  if (!id.ok()) return Usage(absl::StrCat(option, ": ", id.status().message()));
  return json::Value::Number(*id);
}

absl::Status ChangeUser(const ProcessChanges& changes, json::Value* process) {
  json::Value& user = process->Make({"user"});
  if (changes.user) {
    const size_t colon = changes.user->find(':');
    STAVE_ASSIGN_OR_RETURN(json::Value uid, Id(changes.user->substr(0, colon), "--user"));
    json::Value gid = json::Value::Number(0);
    if (colon != std::string::npos) {
      STAVE_ASSIGN_OR_RETURN(gid, Id(changes.user->substr(colon + 1), "--user"));
    }
    user.Set("uid", std::move(uid));
    user.Set("gid", std::move(gid));
  }
  if (changes.additional_gids.empty()) return absl::OkStatus();
  const json::Value* given = user.Find("additionalGids");
  json::Value::Elements gids;
  if (given != nullptr) gids = given->elements();
  for (const std::string& text : changes.additional_gids) {
    STAVE_ASSIGN_OR_RETURN(json::Value gid, Id(text, "--additional-gids"));
    gids.push_back(std::move(gid));
  }
  user.Set("additionalGids", json::Value::Array(std::move(gids)));
  return absl::OkStatus();
}

// Also inheritable and ambient for who is not root, who would not have them after execve(2).
void AddCapabilities(const std::vector<std::string>& names, json::Value* process) {
  if (names.empty()) return;
  json::Value& sets = process->Make({"capabilities"});
  for (const char* set : {"bounding", "effective", "permitted", "inheritable", "ambient"}) {
    const json::Value* given = sets.Find(set);
    json::Value::Elements list;
    if (given != nullptr) list = given->elements();
    for (const std::string& name : names) {
      json::Value one = json::Value::String(name);
      if (std::find(list.begin(), list.end(), one) == list.end()) list.push_back(std::move(one));
    }
    sets.Set(set, json::Value::Array(std::move(list)));
  }
}

absl::Status AddEnvironment(const std::vector<std::string>& assignments, json::Value* process) {
  if (assignments.empty()) return absl::OkStatus();
  const json::Value* given = process->Find("env");
  json::Value::Elements env;
  if (given != nullptr) env = given->elements();
  for (const std::string& assignment : assignments) {
    const size_t equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Usage(absl::StrCat("--env: \"", base::Printable(assignment), "\": is not NAME=VALUE"));
    }
    const absl::string_view name = absl::string_view(assignment).substr(0, equals + 1);
    env.erase(std::remove_if(env.begin(), env.end(),
                             [name](const json::Value& one) {
                               return absl::string_view(one.text()).substr(0, name.size()) == name;
                             }),
              env.end());
    env.push_back(json::Value::String(assignment));
  }
  process->Set("env", json::Value::Array(std::move(env)));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<json::Value> ChangedProcess(const json::Value& process,
                                           const ProcessChanges& changes) {
  if (changes.args.empty()) return Usage("process args cannot be empty");
  json::Value changed = process;
  changed.Set("args", json::Value::Strings(changes.args));
  changed.Set("terminal", json::Value::Bool(changes.terminal));
  changed.Remove("consoleSize");
  STAVE_RETURN_IF_ERROR(AddEnvironment(changes.env, &changed));
  STAVE_RETURN_IF_ERROR(ChangeUser(changes, &changed));
  AddCapabilities(changes.capabilities, &changed);
  if (changes.cwd) changed.Set("cwd", json::Value::String(*changes.cwd));
  if (changes.no_new_privileges) {
    changed.Set("noNewPrivileges", json::Value::Bool(*changes.no_new_privileges));
  }
  if (changes.apparmor) changed.Set("apparmorProfile", json::Value::String(*changes.apparmor));
  if (changes.process_label) {
    changed.Set("selinuxLabel", json::Value::String(*changes.process_label));
  }
  return changed;
}

json::Value CompletedProcess(const json::Value& process, json::Value given) {
  for (const absl::string_view key : {"capabilities", "rlimits", "apparmorProfile", "selinuxLabel",
                                      "oomScoreAdj", "scheduler", "ioPriority"}) {
    const json::Value* own = given.Find(key);
    const bool has = own != nullptr && !own->is_null() &&
                     !(own->is_string() && own->text().empty()) &&
                     !(own->is_array() && own->elements().empty() && key == "rlimits");
    const json::Value* inherited = process.Find(key);
    if (!has && inherited != nullptr) given.Set(key, *inherited);
  }
  return given;
}

}  // namespace stave::lifecycle

// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "libs/base/status_macros.h"
#include "libs/runtime/plan_parts.h"

namespace stave::runtime::parts {
namespace {

using json::Cursor;

// Paths of hooks are the config's author's own: ".." in them leads nowhere else than it says.
absl::StatusOr<Hook> ReadHook(const Cursor& at) {
  Hook hook;
  STAVE_RETURN_IF_ERROR(ExpectObject(at));
  STAVE_ASSIGN_OR_RETURN(hook.path, at["path"].String());
  if (!absl::StartsWith(hook.path, "/")) return at["path"].Error("is not an absolute path");
  STAVE_ASSIGN_OR_RETURN(hook.args, at["args"].StringsOrNone());
  STAVE_ASSIGN_OR_RETURN(hook.env, at["env"].StringsOrNone());
  if (at["timeout"].exists()) {
    STAVE_ASSIGN_OR_RETURN(const int64_t seconds,
                           at["timeout"].Int(1, std::numeric_limits<int32_t>::max()));
    hook.timeout = absl::Seconds(seconds);
  }
  return hook;
}

}  // namespace

absl::Status ReadHooks(const Cursor& at, Hooks* hooks) {
  STAVE_RETURN_IF_ERROR(ExpectObject(at));
  const std::pair<const char*, std::vector<Hook>*> kinds[] = {
      {"prestart", &hooks->prestart},
      {"createRuntime", &hooks->create_runtime},
      {"createContainer", &hooks->create_container},
      {"startContainer", &hooks->start_container},
      {"poststart", &hooks->poststart},
      {"poststop", &hooks->poststop},
  };
  for (const auto& [name, list] : kinds) {
    STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> entries, at[name].ElementsOrNone());
    for (const Cursor& entry : entries) {
      STAVE_ASSIGN_OR_RETURN(Hook hook, ReadHook(entry));
      list->push_back(std::move(hook));
    }
  }
  return absl::OkStatus();
}

}  // namespace stave::runtime::parts

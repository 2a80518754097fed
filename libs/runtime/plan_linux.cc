// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/un.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/runtime/plan_parts.h"

namespace stave::runtime::parts {
namespace {

using json::Cursor;

constexpr char kNotify[] = "SCMP_ACT_NOTIFY";

absl::Status ReadPaths(const Cursor& at, std::vector<std::string>* paths) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> entries, at.ElementsOrNone());
  if (entries.size() > 4096) return at.Error("has more than 4096 paths");
  for (const Cursor& entry : entries) {
    STAVE_ASSIGN_OR_RETURN(std::string path, AbsolutePath(entry));
    paths->push_back(std::move(path));
  }
  return absl::OkStatus();
}

absl::Status ReadPropagation(const Cursor& at, Plan* plan) {
  constexpr struct {
    const char* word;
    uint64_t flag;
  } kWords[] = {{"private", MS_PRIVATE},
                {"slave", MS_SLAVE},
                {"shared", MS_SHARED},
                {"unbindable", MS_UNBINDABLE}};
  STAVE_ASSIGN_OR_RETURN(const std::string given, at.StringOr(""));
  if (given.empty()) return absl::OkStatus();
  absl::string_view word = given;
  const bool tree = absl::ConsumePrefix(&word, "r");
  for (const auto& [name, flag] : kWords) {
    if (word != name) continue;
    plan->root_propagation = flag;
    plan->root_propagation_tree = tree;
    return absl::OkStatus();
  }
  return at.Error("is no propagation");
}

// Whether `path` has a part that is none, and what no file of a cgroup can be called.
bool IsOddPath(absl::string_view path) {
  if (path.size() > 4094 || path.find_first_of("\n\r") != path.npos) return true;
  const std::vector<absl::string_view> names = absl::StrSplit(path, '/');
  return std::any_of(names.begin(), names.end(), [](absl::string_view name) {
    return name.empty() || name == "." || name == "..";
  });
}

// "/a/b", "a/b" (the same), or systemd's "slice:prefix:name".
absl::Status ReadCgroupsPath(const Cursor& at, Plan* plan) {
  if (!at.exists()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(plan->cgroups_path, at.String());
  std::string& path = plan->cgroups_path;
  if (path.empty()) return absl::OkStatus();
  const bool absolute = absl::StartsWith(path, "/");
  if (IsOddPath(absolute ? path.substr(1) : path)) {
    return at.Error("is not a plain path below the root");
  }
  const bool systemd =
      path.find('/') == path.npos && std::count(path.begin(), path.end(), ':') == 2;
  if (!absolute && !systemd) path = absl::StrCat("/", path);
  return absl::OkStatus();
}

absl::Status ReadPersonality(const Cursor& at, Plan* plan) {
  STAVE_RETURN_IF_ERROR(ExpectObject(at));
  if (!at.exists()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const std::string domain, at["domain"].String());
  if (domain != "LINUX" && domain != "LINUX32") {
    return at["domain"].Error("is neither LINUX nor LINUX32");
  }
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> flags, at["flags"].StringsOrNone());
  if (!flags.empty()) return Unsupported(at["flags"], "no flag is known");
  plan->personality = domain == "LINUX" ? PER_LINUX : PER_LINUX32;
  return absl::OkStatus();
}

// Whether a rule notifies. What decides every call cannot: the listener is handed over by some.
absl::StatusOr<bool> Notifies(const Cursor& seccomp) {
  const auto is_notify = [](const Cursor& at) {
    return at.exists() && at.value()->is_string() && at.value()->text() == kNotify;
  };
  if (is_notify(seccomp["defaultAction"])) {
    return seccomp["defaultAction"].Error("SCMP_ACT_NOTIFY cannot be the default");
  }
  bool found = false;
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> rules, seccomp["syscalls"].ElementsOrNone());
  for (const Cursor& rule : rules) {
    if (!is_notify(rule["action"])) continue;
    found = true;
    STAVE_ASSIGN_OR_RETURN(const auto names, rule["names"].StringsOrNone());
    if (std::find(names.begin(), names.end(), "write") != names.end()) {
      return rule["names"].Error("SCMP_ACT_NOTIFY cannot be the action of write");
    }
  }
  return found;
}

absl::Status ReadSeccomp(const Cursor& at, Plan* plan) {
  STAVE_RETURN_IF_ERROR(ExpectObject(at));
  if (!at.exists()) return absl::OkStatus();
  plan->seccomp = *at.value();
  STAVE_ASSIGN_OR_RETURN(const bool notifies, Notifies(at));
  SeccompListener listener;
  STAVE_ASSIGN_OR_RETURN(listener.path, at["listenerPath"].StringOr(""));
  STAVE_ASSIGN_OR_RETURN(listener.metadata, at["listenerMetadata"].StringOr(""));
  if (listener.path.empty()) {
    if (!listener.metadata.empty())
      return at["listenerMetadata"].Error("is there without listenerPath");
    if (notifies) return at["listenerPath"].Error("SCMP_ACT_NOTIFY needs it");
    return absl::OkStatus();
  }
  if (listener.path[0] != '/') return at["listenerPath"].Error("is not an absolute path");
  if (listener.path.size() >= sizeof(sockaddr_un::sun_path)) {
    return at["listenerPath"].Error("is longer than 107 bytes, the limit of a socket's path");
  }
  if (notifies) plan->listener = std::move(listener);
  return absl::OkStatus();
}

absl::Status RefuseWhatIsNotDone(const Cursor& at) {
  for (const char* key : {"intelRdt", "memoryPolicy", "netDevices"}) {
    if (at[key].exists()) return Unsupported(at[key], "is not supported");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadLinux(const Cursor& at, Plan* plan) {
  STAVE_RETURN_IF_ERROR(ExpectObject(at));
  STAVE_RETURN_IF_ERROR(ReadNamespaces(at, plan));
  STAVE_RETURN_IF_ERROR(ReadDevices(at["devices"], plan));
  STAVE_RETURN_IF_ERROR(ReadPaths(at["maskedPaths"], &plan->masked_paths));
  STAVE_RETURN_IF_ERROR(ReadPaths(at["readonlyPaths"], &plan->readonly_paths));
  STAVE_RETURN_IF_ERROR(ReadPropagation(at["rootfsPropagation"], plan));
  STAVE_RETURN_IF_ERROR(ReadCgroupsPath(at["cgroupsPath"], plan));
  STAVE_RETURN_IF_ERROR(ExpectObject(at["resources"]));
  if (at["resources"].exists()) plan->resources = *at["resources"].value();
  STAVE_RETURN_IF_ERROR(ReadSeccomp(at["seccomp"], plan));
  STAVE_RETURN_IF_ERROR(ReadPersonality(at["personality"], plan));
  STAVE_ASSIGN_OR_RETURN(plan->mount_label, at["mountLabel"].StringOr(""));
  return RefuseWhatIsNotDone(at);
}

}  // namespace stave::runtime::parts

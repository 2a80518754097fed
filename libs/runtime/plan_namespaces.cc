// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/runtime/plan_parts.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace stave::runtime::parts {
namespace {

using json::Cursor;

constexpr struct {
  const char* type;
  int flag;
} kNamespaces[] = {
    {"user", CLONE_NEWUSER},     {"pid", CLONE_NEWPID},   {"network", CLONE_NEWNET},
    {"ipc", CLONE_NEWIPC},       {"uts", CLONE_NEWUTS},   {"mount", CLONE_NEWNS},
    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

absl::StatusOr<int> NamespaceFlag(const Cursor& at) {
  const auto type = at.String();
  if (!type.ok()) return type.status();
  for (const auto& [name, flag] : kNamespaces) {
    if (*type == name) return flag;
  }
  return at.Error(absl::StrCat("\"", base::Printable(*type, 64), "\" is no namespace"));
}

absl::Status ReadList(const Cursor& at, Plan* plan) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> entries, at.ElementsOrNone());
  for (const Cursor& entry : entries) {
    Namespace wanted;
    STAVE_ASSIGN_OR_RETURN(wanted.flag, NamespaceFlag(entry["type"]));
    if (plan->Has(wanted.flag)) return entry["type"].Error("appears twice");
    STAVE_ASSIGN_OR_RETURN(wanted.path, entry["path"].StringOr(""));
    if (!wanted.path.empty() && wanted.path[0] != '/') {
      return entry["path"].Error("is not an absolute path");
    }
    plan->namespaces.push_back(std::move(wanted));
  }
  return absl::OkStatus();
}

absl::Status ReadUserMappings(const Cursor& linux, Plan* plan) {
  STAVE_RETURN_IF_ERROR(ReadIdMappings(linux["uidMappings"], &plan->uid_mappings));
  STAVE_RETURN_IF_ERROR(ReadIdMappings(linux["gidMappings"], &plan->gid_mappings));
  const bool none = plan->uid_mappings.empty() && plan->gid_mappings.empty();
  const bool half = !none && (plan->uid_mappings.empty() || plan->gid_mappings.empty());
  if (none && plan->Creates(CLONE_NEWUSER)) {
    return linux["uidMappings"].Error("a user namespace needs uidMappings and gidMappings");
  }
  if (!none && !plan->Has(CLONE_NEWUSER)) {
    return linux["uidMappings"].Error("are there without a user namespace");
  }
  if (half) return linux["uidMappings"].Error("come with gidMappings or not at all");
  return absl::OkStatus();
}

absl::Status ReadTimeOffsets(const Cursor& at, Plan* plan) {
  // As far as the kernel goes: KTIME_SEC_MAX.
  constexpr int64_t kMaxSeconds = 9223372036;
  STAVE_ASSIGN_OR_RETURN(const auto members, at.MembersOrNone());
  for (const auto& [clock, place] : members) {
    if (clock != "monotonic" && clock != "boottime") {
      return place.Error("is neither monotonic nor boottime");
    }
    TimeOffset offset;
    offset.clock = clock;
    STAVE_RETURN_IF_ERROR(ExpectObject(place));
    STAVE_ASSIGN_OR_RETURN(offset.seconds, SignedOr(place["secs"], -kMaxSeconds, kMaxSeconds, 0));
    STAVE_ASSIGN_OR_RETURN(const int64_t nanoseconds, place["nanosecs"].IntOr(0, 999999999, 0));
    offset.nanoseconds = static_cast<uint32_t>(nanoseconds);
    plan->time_offsets.push_back(std::move(offset));
  }
  if (!plan->time_offsets.empty() && !plan->Creates(CLONE_NEWTIME)) {
    return at.Error("need a new time namespace");
  }
  return absl::OkStatus();
}

bool IsSysctl(const std::string& key) {
  constexpr char kCharacters[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
  return key.find_first_not_of(kCharacters) == std::string::npos && IsPlainAbsolute("/" + key) &&
         !absl::EndsWith(key, "/");
}

absl::Status ReadSysctls(const Cursor& at, Plan* plan) {
  STAVE_ASSIGN_OR_RETURN(const auto members, at.MembersOrNone());
  for (const auto& [name, place] : members) {
    STAVE_ASSIGN_OR_RETURN(std::string value, place.String());
    // The first separator says which one parts the names; the other is then a character of them.
    const size_t first = name.find_first_of("./");
    const bool dots = first != name.npos && name[first] == '.';
    const std::string key = dots ? absl::StrReplaceAll(name, {{".", "/"}, {"/", "."}}) : name;
    if (!IsSysctl(key)) return place.Error("is no name of a sysctl");
    const int needed = SysctlNamespace(key);
    if (needed == 0) return place.Error("belongs to the host, not to a namespace");
    if (!plan->Has(needed)) return place.Error("needs a namespace, and the host's is shared");
    plan->sysctls.emplace_back(key, std::move(value));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadNamespaces(const Cursor& linux, Plan* plan) {
  STAVE_RETURN_IF_ERROR(ReadList(linux["namespaces"], plan));
  STAVE_RETURN_IF_ERROR(ReadUserMappings(linux, plan));
  STAVE_RETURN_IF_ERROR(ReadTimeOffsets(linux["timeOffsets"], plan));
  return ReadSysctls(linux["sysctl"], plan);
}

}  // namespace stave::runtime::parts

namespace stave::runtime {

int SysctlNamespace(absl::string_view key) {
  static constexpr absl::string_view kIpc[] = {
      "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem",
      "kernel/shmall", "kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced"};
  for (const absl::string_view name : kIpc) {
    if (key == name) return CLONE_NEWIPC;
  }
  if (absl::StartsWith(key, "fs/mqueue/")) return CLONE_NEWIPC;
  if (absl::StartsWith(key, "net/")) return CLONE_NEWNET;
  if (absl::StartsWith(key, "user/")) return CLONE_NEWUSER;
  if (key == "kernel/hostname" || key == "kernel/domainname") return CLONE_NEWUTS;
  return 0;
}

}  // namespace stave::runtime

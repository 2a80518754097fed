// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/plan.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/capability/capability.h"
#include "libs/json/cursor.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace stave::runtime {
namespace {

using json::Cursor;

constexpr int64_t kMaxId = 4294967294;

absl::Status Unsupported(const Cursor& at, absl::string_view why) {
  return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                     absl::StrCat(at.pointer(), ": ", why));
}

// "/a/b": begins with a slash and has no ".." part.
bool IsPlainAbsolute(absl::string_view path) {
  if (!absl::StartsWith(path, "/") || path.size() > 4095) return false;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part == "..") return false;
  }
  return true;
}

absl::StatusOr<std::string> AbsolutePath(const Cursor& at) {
  STAVE_ASSIGN_OR_RETURN(std::string path, at.String());
  if (!IsPlainAbsolute(path)) {
    return at.Error(absl::StrCat("\"", base::Printable(path, 128),
                                 "\" is not an absolute path without \"..\""));
  }
  return path;
}

absl::StatusOr<uint32_t> UserId(const Cursor& at) {
  STAVE_ASSIGN_OR_RETURN(const int64_t id, at.IntOr(0, kMaxId, 0));
  return static_cast<uint32_t>(id);
}

// --- process -----------------------------------------------------------------------------------

// Names that nobody knows are no error: config.md "capabilities".
absl::StatusOr<capability::Set> CapabilitySet(const Cursor& at, std::vector<std::string>* unknown) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> names, at.StringsOrNone());
  return capability::FromNames(names, unknown);
}

absl::Status ReadCapabilities(const Cursor& at, Plan* plan) {
  if (!at.exists()) return absl::OkStatus();
  capability::Sets& sets = plan->process.capabilities.emplace();
  std::vector<std::string> unknown;
  STAVE_ASSIGN_OR_RETURN(sets.bounding, CapabilitySet(at["bounding"], &unknown));
  STAVE_ASSIGN_OR_RETURN(sets.effective, CapabilitySet(at["effective"], &unknown));
  STAVE_ASSIGN_OR_RETURN(sets.permitted, CapabilitySet(at["permitted"], &unknown));
  STAVE_ASSIGN_OR_RETURN(sets.inheritable, CapabilitySet(at["inheritable"], &unknown));
  STAVE_ASSIGN_OR_RETURN(sets.ambient, CapabilitySet(at["ambient"], &unknown));
  std::sort(unknown.begin(), unknown.end());
  unknown.erase(std::unique(unknown.begin(), unknown.end()), unknown.end());
  for (const std::string& name : unknown) {
    plan->warnings.push_back(absl::StrCat(at.pointer(), ": \"", base::Printable(name, 64),
                                          "\" is no capability of this kernel"));
  }
  if ((sets.effective & ~sets.permitted) != 0) {
    return at["effective"].Error("has capabilities that are not in permitted");
  }
  if ((sets.ambient & ~(sets.permitted & sets.inheritable)) != 0) {
    return at["ambient"].Error("has capabilities that are not in permitted and inheritable");
  }
  return absl::OkStatus();
}

constexpr struct {
  const char* name;
  int resource;
} kRlimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

// -1 (and what jq makes of UINT64_MAX) is RLIM_INFINITY.
absl::StatusOr<uint64_t> LimitValue(const Cursor& at) {
  STAVE_ASSIGN_OR_RETURN(const int64_t value, at.Int(-1, std::numeric_limits<int64_t>::max()));
  return value < 0 ? static_cast<uint64_t>(RLIM_INFINITY) : static_cast<uint64_t>(value);
}

absl::Status ReadRlimits(const Cursor& at, Process* process) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> limits, at.ElementsOrNone());
  for (const Cursor& limit : limits) {
    Rlimit wanted;
    STAVE_ASSIGN_OR_RETURN(wanted.name, limit["type"].String());
    wanted.resource = -1;
    for (const auto& [name, resource] : kRlimits) {
      if (wanted.name == name) wanted.resource = resource;
    }
    if (wanted.resource < 0) return limit["type"].Error("is no resource of setrlimit(2)");
    for (const Rlimit& other : process->rlimits) {
      if (other.resource == wanted.resource) return limit["type"].Error("appears twice");
    }
    STAVE_ASSIGN_OR_RETURN(wanted.soft, LimitValue(limit["soft"]));
    STAVE_ASSIGN_OR_RETURN(wanted.hard, LimitValue(limit["hard"]));
    if (wanted.soft > wanted.hard) return limit["soft"].Error("is above the hard limit");
    process->rlimits.push_back(std::move(wanted));
  }
  return absl::OkStatus();
}

absl::Status ReadUser(const Cursor& at, Process* process) {
  STAVE_ASSIGN_OR_RETURN(process->uid, UserId(at["uid"]));
  STAVE_ASSIGN_OR_RETURN(process->gid, UserId(at["gid"]));
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> groups, at["additionalGids"].ElementsOrNone());
  for (const Cursor& group : groups) {
    STAVE_ASSIGN_OR_RETURN(const uint32_t id, UserId(group));
    process->groups.push_back(id);
  }
  if (at["umask"].exists()) {
    STAVE_ASSIGN_OR_RETURN(const int64_t umask, at["umask"].Int(0, 0777));
    process->umask = static_cast<mode_t>(umask);
  }
  return absl::OkStatus();
}

absl::Status ReadProcess(const Cursor& at, Process* process) {
  STAVE_ASSIGN_OR_RETURN(process->args, at["args"].Strings());
  if (process->args.empty()) return at["args"].Error("is empty");
  if (process->args[0].empty()) return at["args"]["0"].Error("is empty");
  STAVE_ASSIGN_OR_RETURN(process->env, at["env"].StringsOrNone());
  STAVE_ASSIGN_OR_RETURN(process->cwd, at["cwd"].String());
  if (!absl::StartsWith(process->cwd, "/")) return at["cwd"].Error("is not an absolute path");
  STAVE_RETURN_IF_ERROR(ReadUser(at["user"], process));
  STAVE_RETURN_IF_ERROR(ReadRlimits(at["rlimits"], process));
  STAVE_ASSIGN_OR_RETURN(process->no_new_privileges, at["noNewPrivileges"].BoolOr(false));
  STAVE_ASSIGN_OR_RETURN(process->terminal, at["terminal"].BoolOr(false));
  const Cursor size = at["consoleSize"];
  STAVE_ASSIGN_OR_RETURN(const int64_t rows, size["height"].IntOr(0, 65535, 0));
  STAVE_ASSIGN_OR_RETURN(const int64_t columns, size["width"].IntOr(0, 65535, 0));
  process->rows = static_cast<uint16_t>(rows);
  process->columns = static_cast<uint16_t>(columns);
  if (at["oomScoreAdj"].exists()) {
    STAVE_ASSIGN_OR_RETURN(const int64_t score, at["oomScoreAdj"].Int(-1000, 1000));
    process->oom_score_adj = static_cast<int>(score);
  }
  STAVE_ASSIGN_OR_RETURN(process->apparmor_profile, at["apparmorProfile"].StringOr(""));
  STAVE_ASSIGN_OR_RETURN(const std::string label, at["selinuxLabel"].StringOr(""));
  if (!label.empty()) return Unsupported(at["selinuxLabel"], "SELinux is not supported");
  for (const char* key : {"scheduler", "ioPriority", "execCPUAffinity"}) {
    if (at[key].exists()) return Unsupported(at[key], "is not supported");
  }
  return absl::OkStatus();
}

// --- mounts, devices ---------------------------------------------------------------------------

absl::Status ReadMounts(const Cursor& at, Plan* plan) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> mounts, at.ElementsOrNone());
  for (const Cursor& entry : mounts) {
    Mount mount;
    STAVE_ASSIGN_OR_RETURN(mount.destination, entry["destination"].String());
    if (mount.destination.empty()) return entry["destination"].Error("is empty");
    if (mount.destination[0] != '/') mount.destination.insert(0, "/");  // deprecated: "/" is meant
    if (!IsPlainAbsolute(mount.destination)) return entry["destination"].Error("has \"..\" in it");
    STAVE_ASSIGN_OR_RETURN(mount.type, entry["type"].StringOr(""));
    STAVE_ASSIGN_OR_RETURN(mount.source, entry["source"].StringOr(""));
    STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> words, entry["options"].StringsOrNone());
    auto options = mount::ParseOptions(words);
    if (!options.ok()) return base::WithContext(options.status(), entry["options"].pointer());
    mount.options = *std::move(options);
    if (mount.type == "bind") mount.options.bind = true;
    if (mount.options.copy_up) return Unsupported(entry["options"], "tmpcopyup is not supported");
    if (entry["uidMappings"].exists() || entry["gidMappings"].exists()) {
      return Unsupported(entry, "idmapped mounts are not supported");
    }
    if (!mount.options.bind && mount.type.empty()) return entry["type"].Error("is missing");
    if (mount.options.bind && mount.source.empty()) return entry["source"].Error("is missing");
    if (mount.options.bind) mount.type.clear();
    plan->mounts.push_back(std::move(mount));
  }
  return absl::OkStatus();
}

absl::StatusOr<mode_t> DeviceType(const Cursor& at) {
  const auto type = at.String();
  if (!type.ok()) return type.status();
  if (*type == "c" || *type == "u") return S_IFCHR;
  if (*type == "b") return S_IFBLK;
  if (*type == "p") return S_IFIFO;
  return at.Error("is none of c, b, u, p");
}

absl::Status ReadDevices(const Cursor& at, Plan* plan) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> devices, at.ElementsOrNone());
  for (const Cursor& entry : devices) {
    Device device;
    STAVE_ASSIGN_OR_RETURN(device.path, AbsolutePath(entry["path"]));
    STAVE_ASSIGN_OR_RETURN(device.type, DeviceType(entry["type"]));
    STAVE_ASSIGN_OR_RETURN(const int64_t major, entry["major"].IntOr(0, 4095, 0));
    STAVE_ASSIGN_OR_RETURN(const int64_t minor, entry["minor"].IntOr(0, 1048575, 0));
    device.major = static_cast<uint32_t>(major);
    device.minor = static_cast<uint32_t>(minor);
    STAVE_ASSIGN_OR_RETURN(const int64_t mode, entry["fileMode"].IntOr(0, 07777, 0666));
    device.mode = static_cast<mode_t>(mode);
    STAVE_ASSIGN_OR_RETURN(device.uid, UserId(entry["uid"]));
    STAVE_ASSIGN_OR_RETURN(device.gid, UserId(entry["gid"]));
    plan->devices.push_back(std::move(device));
  }
  return absl::OkStatus();
}

// --- namespaces --------------------------------------------------------------------------------

constexpr struct {
  const char* type;
  int flag;
} kNamespaces[] = {
    {"user", CLONE_NEWUSER},     {"pid", CLONE_NEWPID}, {"network", CLONE_NEWNET},
    {"ipc", CLONE_NEWIPC},       {"uts", CLONE_NEWUTS}, {"mount", CLONE_NEWNS},
    {"cgroup", CLONE_NEWCGROUP},
};

absl::StatusOr<int> NamespaceFlag(const Cursor& at) {
  const auto type = at.String();
  if (!type.ok()) return type.status();
  if (*type == "time") return Unsupported(at, "time namespaces are not supported");
  for (const auto& [name, flag] : kNamespaces) {
    if (*type == name) return flag;
  }
  return at.Error(absl::StrCat("\"", base::Printable(*type, 64), "\" is no namespace"));
}

absl::Status ReadNamespaces(const Cursor& at, Plan* plan) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> entries, at.ElementsOrNone());
  for (const Cursor& entry : entries) {
    Namespace wanted;
    STAVE_ASSIGN_OR_RETURN(wanted.flag, NamespaceFlag(entry["type"]));
    if (plan->Has(wanted.flag)) return entry["type"].Error("appears twice");
    if (entry["path"].exists()) {
      STAVE_ASSIGN_OR_RETURN(wanted.path, entry["path"].String());
      if (!wanted.path.empty() && wanted.path[0] != '/')
        return entry["path"].Error("is not absolute");
    }
    const bool joins = !wanted.path.empty();
    if (joins && (wanted.flag == CLONE_NEWUSER || wanted.flag == CLONE_NEWNS ||
                  wanted.flag == CLONE_NEWPID)) {
      return Unsupported(entry["path"], "joining a namespace of this kind is not supported");
    }
    plan->namespaces.push_back(std::move(wanted));
  }
  return absl::OkStatus();
}

absl::Status ReadMappings(const Cursor& at, std::vector<IdMapping>* mappings) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> entries, at.ElementsOrNone());
  if (entries.size() > 340) return at.Error("has more than 340 lines, the kernel's limit");
  for (const Cursor& entry : entries) {
    STAVE_ASSIGN_OR_RETURN(const int64_t inside, entry["containerID"].Int(0, kMaxId));
    STAVE_ASSIGN_OR_RETURN(const int64_t outside, entry["hostID"].Int(0, kMaxId));
    STAVE_ASSIGN_OR_RETURN(const int64_t size, entry["size"].Int(1, kMaxId));
    if (inside + size > kMaxId + 1 || outside + size > kMaxId + 1)
      return entry.Error("passes 2^32");
    mappings->push_back({static_cast<uint32_t>(inside), static_cast<uint32_t>(outside),
                         static_cast<uint32_t>(size)});
  }
  return absl::OkStatus();
}

absl::Status CheckNamespaces(const Cursor& config, const Plan& plan) {
  const Cursor linux = config["linux"];
  if (!plan.Creates(CLONE_NEWNS)) {
    return Unsupported(linux["namespaces"], "a container needs a mount namespace of its own");
  }
  const bool user = plan.Creates(CLONE_NEWUSER);
  if (user && (plan.uid_mappings.empty() || plan.gid_mappings.empty())) {
    return linux["uidMappings"].Error("a user namespace needs uidMappings and gidMappings");
  }
  if (!user && (!plan.uid_mappings.empty() || !plan.gid_mappings.empty())) {
    return linux["uidMappings"].Error("are there without a user namespace");
  }
  const bool names = !plan.hostname.empty() || !plan.domainname.empty();
  if (names && !plan.Has(CLONE_NEWUTS)) return config["hostname"].Error("needs a uts namespace");
  return absl::OkStatus();
}

// --- linux -------------------------------------------------------------------------------------

// Which namespace makes a sysctl the container's own; 0: it is the host's.
int SysctlNamespace(absl::string_view key) {
  static constexpr absl::string_view kIpc[] = {
      "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem",
      "kernel/shmall", "kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced"};
  for (const absl::string_view name : kIpc) {
    if (key == name) return CLONE_NEWIPC;
  }
  if (absl::StartsWith(key, "fs/mqueue/")) return CLONE_NEWIPC;
  if (absl::StartsWith(key, "net/")) return CLONE_NEWNET;
  if (key == "kernel/hostname" || key == "kernel/domainname") return CLONE_NEWUTS;
  return 0;
}

absl::Status ReadSysctls(const Cursor& at, Plan* plan) {
  STAVE_ASSIGN_OR_RETURN(const auto members, at.MembersOrNone());
  for (const auto& [name, place] : members) {
    STAVE_ASSIGN_OR_RETURN(std::string value, place.String());
    // The first separator says which one parts the names; the other is then a character of them.
    const size_t first = name.find_first_of("./");
    const bool dots = first != name.npos && name[first] == '.';
    const std::string key = dots ? absl::StrReplaceAll(name, {{".", "/"}, {"/", "."}}) : name;
    const bool odd =
        key.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") != key.npos;
    if (odd || !IsPlainAbsolute("/" + key) || absl::EndsWith(key, "/")) {
      return place.Error("is no name of a sysctl");
    }
    const int needed = SysctlNamespace(key);
    if (needed == 0) return place.Error("belongs to the host, not to a namespace");
    if (!plan->Creates(needed))
      return place.Error("needs a namespace of its own, and it is shared");
    plan->sysctls.emplace_back(key, std::move(value));
  }
  return absl::OkStatus();
}

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
  STAVE_ASSIGN_OR_RETURN(const std::string word, at.StringOr("rprivate"));
  if (word.empty() || word == "private" || word == "rprivate") return absl::OkStatus();
  if (word == "slave" || word == "rslave") {
    plan->root_propagation = MS_SLAVE;
    return absl::OkStatus();
  }
  if (word == "shared" || word == "rshared" || word == "unbindable" || word == "runbindable") {
    return Unsupported(at, "only private and slave are supported");
  }
  return at.Error("is no propagation");
}

absl::Status ReadLinux(const Cursor& at, Plan* plan) {
  STAVE_RETURN_IF_ERROR(ReadNamespaces(at["namespaces"], plan));
  STAVE_RETURN_IF_ERROR(ReadMappings(at["uidMappings"], &plan->uid_mappings));
  STAVE_RETURN_IF_ERROR(ReadMappings(at["gidMappings"], &plan->gid_mappings));
  STAVE_RETURN_IF_ERROR(ReadDevices(at["devices"], plan));
  STAVE_RETURN_IF_ERROR(ReadSysctls(at["sysctl"], plan));
  STAVE_RETURN_IF_ERROR(ReadPaths(at["maskedPaths"], &plan->masked_paths));
  STAVE_RETURN_IF_ERROR(ReadPaths(at["readonlyPaths"], &plan->readonly_paths));
  STAVE_RETURN_IF_ERROR(ReadPropagation(at["rootfsPropagation"], plan));
  if (at["cgroupsPath"].exists()) {
    STAVE_ASSIGN_OR_RETURN(plan->cgroups_path, at["cgroupsPath"].String());
    if (!plan->cgroups_path.empty() && plan->cgroups_path[0] != '/')
      plan->cgroups_path.insert(0, "/");
    if (!plan->cgroups_path.empty() &&
        (!IsPlainAbsolute(plan->cgroups_path) || plan->cgroups_path == "/" ||
         plan->cgroups_path.find_first_of("\n\r") != std::string::npos)) {
      return at["cgroupsPath"].Error("is not a plain path below the root");
    }
  }
  if (at["resources"].exists()) plan->resources = *at["resources"].value();
  if (at["seccomp"].exists()) plan->seccomp = *at["seccomp"].value();
  for (const char* key : {"timeOffsets", "intelRdt", "memoryPolicy", "personality", "netDevices"}) {
    if (at[key].exists()) return Unsupported(at[key], "is not supported");
  }
  STAVE_ASSIGN_OR_RETURN(const std::string label, at["mountLabel"].StringOr(""));
  if (!label.empty()) return Unsupported(at["mountLabel"], "SELinux is not supported");
  return absl::OkStatus();
}

absl::Status CheckHostname(const Cursor& at, const std::string& name) {
  if (name.size() > 64) return at.Error("is longer than 64 bytes");
  if (name.find_first_of("/\n\r\t ") != name.npos) {
    return at.Error("has a character that no hostname has");
  }
  return absl::OkStatus();
}

absl::Status CheckVersion(const Cursor& at) {
  STAVE_ASSIGN_OR_RETURN(const std::string version, at.String());
  const std::vector<std::string> parts = absl::StrSplit(version, absl::MaxSplits('.', 2));
  if (parts.size() == 3 && parts[0] == "1" && !parts[1].empty() && !parts[2].empty() &&
      parts[1].find_first_not_of("0123456789") == std::string::npos && parts[2][0] >= '0' &&
      parts[2][0] <= '9') {
    return absl::OkStatus();
  }
  return at.Error(absl::StrCat("\"", base::Printable(version, 32), "\" is not a version 1.x.y"));
}

}  // namespace

bool Plan::Has(int flag) const {
  return std::any_of(namespaces.begin(), namespaces.end(),
                     [flag](const Namespace& one) { return one.flag == flag; });
}

bool Plan::Creates(int flag) const {
  return std::any_of(namespaces.begin(), namespaces.end(),
                     [flag](const Namespace& one) { return one.flag == flag && one.path.empty(); });
}

absl::StatusOr<Plan> MakePlan(const json::Value& config) {
  const Cursor top(config);
  Plan plan;
  STAVE_RETURN_IF_ERROR(CheckVersion(top["ociVersion"]));
  STAVE_RETURN_IF_ERROR(ReadProcess(top["process"], &plan.process));
  STAVE_RETURN_IF_ERROR(ReadCapabilities(top["process"]["capabilities"], &plan));
  if (top["root"].exists()) {
    STAVE_ASSIGN_OR_RETURN(plan.root_path, top["root"]["path"].String());
    STAVE_ASSIGN_OR_RETURN(plan.root_readonly, top["root"]["readonly"].BoolOr(false));
  }
  STAVE_ASSIGN_OR_RETURN(plan.hostname, top["hostname"].StringOr(""));
  STAVE_RETURN_IF_ERROR(CheckHostname(top["hostname"], plan.hostname));
  STAVE_ASSIGN_OR_RETURN(plan.domainname, top["domainname"].StringOr(""));
  STAVE_RETURN_IF_ERROR(CheckHostname(top["domainname"], plan.domainname));
  STAVE_RETURN_IF_ERROR(ReadMounts(top["mounts"], &plan));
  STAVE_RETURN_IF_ERROR(ReadLinux(top["linux"], &plan));
  STAVE_ASSIGN_OR_RETURN(const auto hooks, top["hooks"].MembersOrNone());
  for (const auto& [kind, list] : hooks) {
    STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> entries, list.ElementsOrNone());
    if (!entries.empty()) return Unsupported(list, "hooks are not run by this program");
  }
  STAVE_RETURN_IF_ERROR(CheckNamespaces(top, plan));
  return plan;
}

}  // namespace stave::runtime

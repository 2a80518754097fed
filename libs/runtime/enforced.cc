// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/enforced.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/mountinfo.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/capability/capability.h"
#include "libs/cgroup/hierarchy.h"

namespace stave::runtime {
namespace {

using json::Value;

constexpr size_t kMost = size_t{16} << 20;

// Files of a cgroup that hold a limit, of both versions; those that are not there are left out.
constexpr const char* kLimitFiles[] = {"memory.limit_in_bytes",
                                       "memory.memsw.limit_in_bytes",
                                       "memory.soft_limit_in_bytes",
                                       "cpu.shares",
                                       "cpu.cfs_quota_us",
                                       "cpu.cfs_period_us",
                                       "cpuset.cpus",
                                       "cpuset.mems",
                                       "pids.max",
                                       "blkio.weight",
                                       "devices.list",
                                       "freezer.state",
                                       "memory.max",
                                       "memory.low",
                                       "memory.swap.max",
                                       "cpu.max",
                                       "cpu.weight",
                                       "io.max",
                                       "io.weight",
                                       "cgroup.freeze"};

std::string Trimmed(absl::string_view text) {
  return std::string(absl::StripAsciiWhitespace(text));
}

Value Numbers(absl::string_view text) {
  std::vector<Value> numbers;
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty()))
    numbers.push_back(Value::NumberText(word));
  return Value::Array(std::move(numbers));
}

Value Capabilities(absl::string_view hex) {
  uint64_t set = 0;
  if (!absl::SimpleHexAtoi(hex, &set)) set = 0;
  return Value::Strings(capability::ToNames(set));
}

Value Words(absl::string_view list) {
  return Value::Strings(absl::StrSplit(list, ',', absl::SkipEmpty()));
}

std::string Propagation(const std::vector<absl::string_view>& optional_fields) {
  std::string words;
  for (const absl::string_view field : optional_fields) {
    const char* word = absl::StartsWith(field, "shared:")   ? "shared"
                       : absl::StartsWith(field, "master:") ? "slave"
                       : field == "unbindable"              ? "unbindable"
                                                            : nullptr;
    if (word != nullptr) absl::StrAppend(&words, words.empty() ? "" : ",", word);
  }
  return words.empty() ? "private" : words;
}

absl::StatusOr<std::string> ReadProc(pid_t pid, const char* file) {
  auto text = base::ReadFileAt(AT_FDCWD, absl::StrCat("/proc/", pid, "/", file), kMost);
  return absl::IsNotFound(text.status()) ? absl::NotFoundError("the process has ended") : text;
}

Value NamespacesOf(pid_t pid) {
  std::vector<Value> all;
  for (const char* type : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}) {
    char theirs[64] = {}, own[64] = {};
    const std::string path = absl::StrCat("/proc/", pid, "/ns/", type);
    if (::readlink(path.c_str(), theirs, sizeof theirs - 1) < 0) continue;
    const ssize_t n = ::readlink(absl::StrCat("/proc/self/ns/", type).c_str(), own, sizeof own - 1);
    Value one = Value::Object();
    one.Set("type", Value::String(type));
    one.Set("id", Value::String(theirs));
    one.Set("shared", Value::Bool(n > 0 && absl::string_view(own) == theirs));
    all.push_back(std::move(one));
  }
  return Value::Array(std::move(all));
}

// How many device programs decide about the v2 cgroup at `directory`; -1 if nobody tells.
int DevicePrograms(const std::string& directory) {
  const base::UniqueFd dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  bpf_attr query{};
  query.query.target_fd = static_cast<uint32_t>(dir.get());
  query.query.attach_type = BPF_CGROUP_DEVICE;
  query.query.query_flags = BPF_F_QUERY_EFFECTIVE;
  if (!dir.valid() || ::syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof query) < 0) return -1;
  return static_cast<int>(query.query.prog_cnt);
}

Value CgroupValues(const cgroup::Hierarchy& hierarchy, const std::string& path) {
  const std::string directory = hierarchy.mount_point + path;
  Value values = Value::Object();
  for (const char* file : kLimitFiles) {
    const auto text = base::ReadFileAt(AT_FDCWD, absl::StrCat(directory, "/", file), kMost);
    if (text.ok()) values.Set(file, Value::String(Trimmed(*text)));
  }
  if (hierarchy.version == cgroup::Version::kV2) {
    const int programs = DevicePrograms(directory);
    if (programs >= 0) values.Set("devices", Value::Number(programs));
  }
  return values;
}

// "4:memory:/stave/ID"; "0::/stave/ID" for v2.
absl::StatusOr<Value> CgroupsOf(absl::string_view text) {
  STAVE_ASSIGN_OR_RETURN(const cgroup::Hierarchies hierarchies, cgroup::FindHierarchies());
  std::vector<Value> all;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(parts[1], ',');
    const cgroup::Hierarchy* hierarchy =
        parts[1].empty() ? hierarchies.Unified() : hierarchies.Find(controllers.front());
    Value one = Value::Object();
    one.Set("controllers", Value::String(parts[1]));
    one.Set("path", Value::String(parts[2]));
    if (hierarchy != nullptr) one.Set("values", CgroupValues(*hierarchy, parts[2]));
    all.push_back(std::move(one));
  }
  return Value::Array(std::move(all));
}

}  // namespace

void AddStatus(absl::string_view status, Value* report) {
  Value user = Value::Object(), capabilities = Value::Object(), seccomp = Value::Object();
  bool no_new_privileges = false;
  for (const absl::string_view line : absl::StrSplit(status, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
    if (parts.size() != 2) continue;
    const absl::string_view name = parts[0];
    const std::string value = Trimmed(parts[1]);
    if (name == "Uid") user.Set("uids", Numbers(value));
    if (name == "Gid") user.Set("gids", Numbers(value));
    if (name == "Groups") user.Set("groups", Numbers(value));
    if (name == "Umask") user.Set("umask", Value::String(value));
    if (name == "CapBnd") capabilities.Set("bounding", Capabilities(value));
    if (name == "CapEff") capabilities.Set("effective", Capabilities(value));
    if (name == "CapPrm") capabilities.Set("permitted", Capabilities(value));
    if (name == "CapInh") capabilities.Set("inheritable", Capabilities(value));
    if (name == "CapAmb") capabilities.Set("ambient", Capabilities(value));
    if (name == "NoNewPrivs") no_new_privileges = value == "1";
    if (name == "Seccomp") {
      seccomp.Set("mode", Value::String(value == "2" ? "filter" : value == "1" ? "strict" : "off"));
    }
    if (name == "Seccomp_filters") seccomp.Set("filters", Value::NumberText(value));
  }
  report->Set("user", std::move(user));
  report->Set("capabilities", std::move(capabilities));
  report->Set("noNewPrivileges", Value::Bool(no_new_privileges));
  report->Set("seccomp", std::move(seccomp));
}

// "36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
Value MountsOf(absl::string_view mountinfo) {
  std::vector<Value> mounts;
  for (const absl::string_view line : absl::StrSplit(mountinfo, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 7 || words.end() - dash < 4) continue;
    Value mount = Value::Object();
    mount.Set("destination", Value::String(base::UnescapeMountinfo(words[4])));
    mount.Set("type", Value::String(dash[1]));
    mount.Set("options", Words(words[5]));
    mount.Set("superOptions", Words(dash[3]));
    mount.Set("propagation", Value::String(Propagation({words.begin() + 6, dash})));
    mount.Set("root", Value::String(base::UnescapeMountinfo(words[3])));
    mounts.push_back(std::move(mount));
  }
  return Value::Array(std::move(mounts));
}

// "Max open files            1024                 4096                 files"
Value LimitsOf(absl::string_view limits) {
  constexpr size_t kName = 26, kSoft = 21, kHard = 21;
  std::vector<Value> all;
  for (const absl::string_view line : absl::StrSplit(limits, '\n', absl::SkipEmpty())) {
    if (!absl::StartsWith(line, "Max ") || line.size() < kName + kSoft) continue;
    Value one = Value::Object();
    one.Set("type", Value::String(Trimmed(line.substr(0, kName))));
    one.Set("soft", Value::String(Trimmed(line.substr(kName, kSoft))));
    one.Set("hard", Value::String(Trimmed(line.substr(kName + kSoft, kHard))));
    all.push_back(std::move(one));
  }
  return Value::Array(std::move(all));
}

Value MappingsOf(absl::string_view id_map) {
  std::vector<Value> all;
  for (const absl::string_view line : absl::StrSplit(id_map, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() != 3) continue;
    Value one = Value::Object();
    one.Set("containerID", Value::NumberText(words[0]));
    one.Set("hostID", Value::NumberText(words[1]));
    one.Set("size", Value::NumberText(words[2]));
    all.push_back(std::move(one));
  }
  return Value::Array(std::move(all));
}

absl::StatusOr<Value> Enforced(pid_t pid, int pidfd) {
  Value report = Value::Object();
  report.Set("pid", Value::Number(pid));
  STAVE_ASSIGN_OR_RETURN(const std::string status, ReadProc(pid, "status"));
  AddStatus(status, &report);
  // A kernel without security modules has no such text.
  const auto label = ReadProc(pid, "attr/current");
  report.Set("label",
             Value::String(label.ok() ? Trimmed(label->substr(0, label->find('\0'))) : ""));
  STAVE_ASSIGN_OR_RETURN(const std::string score, ReadProc(pid, "oom_score_adj"));
  report.Set("oomScoreAdj", Value::NumberText(Trimmed(score)));
  STAVE_ASSIGN_OR_RETURN(const std::string limits, ReadProc(pid, "limits"));
  report.Set("limits", LimitsOf(limits));
  report.Set("namespaces", NamespacesOf(pid));
  STAVE_ASSIGN_OR_RETURN(const std::string uids, ReadProc(pid, "uid_map"));
  report.Set("uidMappings", MappingsOf(uids));
  STAVE_ASSIGN_OR_RETURN(const std::string gids, ReadProc(pid, "gid_map"));
  report.Set("gidMappings", MappingsOf(gids));
  STAVE_ASSIGN_OR_RETURN(const std::string mounts, ReadProc(pid, "mountinfo"));
  report.Set("mounts", MountsOf(mounts));
  STAVE_ASSIGN_OR_RETURN(const std::string cgroups, ReadProc(pid, "cgroup"));
  STAVE_ASSIGN_OR_RETURN(Value groups, CgroupsOf(cgroups));
  report.Set("cgroups", std::move(groups));
  // The number was this process's all the time, if it is now.
  if (::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) < 0) {
    return absl::NotFoundError("the process has ended");
  }
  return report;
}

}  // namespace stave::runtime

// SPDX-License-Identifier: Apache-2.0
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/capability/capability.h"
#include "libs/runtime/plan_parts.h"

namespace stave::runtime::parts {
namespace {

using json::Cursor;

// --- capabilities ------------------------------------------------------------------------------

using Warnings = std::vector<std::string>;

// Names that nobody knows, and what cannot be granted, are no errors: config.md "capabilities".
absl::StatusOr<capability::Set> CapabilitySet(const Cursor& at, Warnings* unknown) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> names, at.StringsOrNone());
  return capability::FromNames(names, unknown);
}

void Limit(const Cursor& at, capability::Set most, const char* which, capability::Set* set,
           Warnings* warnings) {
  if ((*set & ~most) == 0) return;
  *set &= most;
  warnings->push_back(absl::StrCat(at.pointer(), ": what is not in ", which, " is left out"));
}

absl::Status ReadCapabilities(const Cursor& at, Process* process, Warnings* warnings) {
  STAVE_RETURN_IF_ERROR(ExpectObject(at));
  if (!at.exists()) return absl::OkStatus();
  capability::Sets& sets = process->capabilities.emplace();
  Warnings unknown;
  STAVE_ASSIGN_OR_RETURN(sets.bounding, CapabilitySet(at["bounding"], &unknown));
  STAVE_ASSIGN_OR_RETURN(sets.effective, CapabilitySet(at["effective"], &unknown));
  STAVE_ASSIGN_OR_RETURN(sets.permitted, CapabilitySet(at["permitted"], &unknown));
  STAVE_ASSIGN_OR_RETURN(sets.inheritable, CapabilitySet(at["inheritable"], &unknown));
  STAVE_ASSIGN_OR_RETURN(sets.ambient, CapabilitySet(at["ambient"], &unknown));
  std::sort(unknown.begin(), unknown.end());
  unknown.erase(std::unique(unknown.begin(), unknown.end()), unknown.end());
  for (const std::string& name : unknown) {
    warnings->push_back(absl::StrCat(at.pointer(), ": \"", base::Printable(name, 64),
                                     "\" is no capability of this kernel"));
  }
  Limit(at["effective"], sets.permitted, "permitted", &sets.effective, warnings);
  // Without a word: buildah asks every time for what the kernel does not give.
  sets.ambient &= sets.permitted & sets.inheritable;
  return absl::OkStatus();
}

// --- limits ------------------------------------------------------------------------------------

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
  STAVE_RETURN_IF_ERROR(ExpectObject(at));
  STAVE_ASSIGN_OR_RETURN(process->uid, UserId(at["uid"]));
  STAVE_ASSIGN_OR_RETURN(process->gid, UserId(at["gid"]));
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> groups, at["additionalGids"].ElementsOrNone());
  for (const Cursor& group : groups) {
    if (!group.exists()) return group.Error("a number is wanted, not null");
    STAVE_ASSIGN_OR_RETURN(const uint32_t id, UserId(group));
    process->groups.push_back(id);
  }
  if (at["umask"].exists()) {
    STAVE_ASSIGN_OR_RETURN(const int64_t umask, at["umask"].Int(0, 0777));
    process->umask = static_cast<mode_t>(umask);
  }
  return absl::OkStatus();
}

// --- scheduling --------------------------------------------------------------------------------

constexpr uint32_t kDeadline = 6;

// The kernel's numbers; it has none of SCHED_ISO.
constexpr struct {
  const char* name;
  uint32_t policy;
} kPolicies[] = {
    {"SCHED_OTHER", SCHED_OTHER}, {"SCHED_FIFO", SCHED_FIFO}, {"SCHED_RR", SCHED_RR},
    {"SCHED_BATCH", SCHED_BATCH}, {"SCHED_IDLE", SCHED_IDLE}, {"SCHED_DEADLINE", kDeadline},
};

// Of linux/sched.h, which does not go together with sched.h.
constexpr struct {
  const char* name;
  uint64_t flag;
} kSchedulerFlags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},
    {"SCHED_FLAG_DL_OVERRUN", 0x04},     {"SCHED_FLAG_KEEP_POLICY", 0x08},
    {"SCHED_FLAG_KEEP_PARAMS", 0x10},    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};

absl::StatusOr<uint32_t> Policy(const Cursor& at) {
  const auto policy = at.String();
  if (!policy.ok()) return policy.status();
  if (*policy == "SCHED_ISO") return Unsupported(at, "the kernel has no SCHED_ISO");
  for (const auto& [name, number] : kPolicies) {
    if (*policy == name) return number;
  }
  return at.Error("is no scheduling policy");
}

absl::Status ReadSchedulerFlags(const Cursor& at, Scheduler* scheduler) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> flags, at.ElementsOrNone());
  for (const Cursor& flag : flags) {
    STAVE_ASSIGN_OR_RETURN(const std::string word, flag.String());
    uint64_t found = 0;
    for (const auto& [name, bit] : kSchedulerFlags) {
      if (word == name) found = bit;
    }
    if (found == 0) return flag.Error("is no scheduling flag");
    scheduler->flags |= found;
  }
  return absl::OkStatus();
}

// Which fields go with which policy: sched_setattr(2).
absl::Status CheckScheduler(const Cursor& at, const Scheduler& scheduler) {
  const bool realtime = scheduler.policy == SCHED_FIFO || scheduler.policy == SCHED_RR;
  if (realtime && (scheduler.priority < 1 || scheduler.priority > 99)) {
    return at["priority"].Error("SCHED_FIFO and SCHED_RR want 1..99");
  }
  if (!realtime && scheduler.priority != 0) {
    return at["priority"].Error("is for SCHED_FIFO and SCHED_RR only");
  }
  if (scheduler.policy == kDeadline) {
    const uint64_t period = scheduler.period == 0 ? scheduler.deadline : scheduler.period;
    const bool ordered = 0 < scheduler.runtime && scheduler.runtime <= scheduler.deadline &&
                         scheduler.deadline <= period;
    if (!ordered) return at.Error("SCHED_DEADLINE wants 0 < runtime <= deadline <= period");
    return absl::OkStatus();
  }
  for (const char* key : {"runtime", "deadline", "period"}) {
    STAVE_ASSIGN_OR_RETURN(const int64_t time,
                           at[key].IntOr(0, std::numeric_limits<int64_t>::max(), 0));
    if (time != 0) return at[key].Error("is for SCHED_DEADLINE only");
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Nanoseconds(const Cursor& at) {
  STAVE_ASSIGN_OR_RETURN(const int64_t time, at.IntOr(0, std::numeric_limits<int64_t>::max(), 0));
  return static_cast<uint64_t>(time);
}

absl::Status ReadScheduler(const Cursor& at, Process* process) {
  STAVE_RETURN_IF_ERROR(ExpectObject(at));
  if (!at.exists()) return absl::OkStatus();
  Scheduler& scheduler = process->scheduler.emplace();
  STAVE_ASSIGN_OR_RETURN(scheduler.policy, Policy(at["policy"]));
  STAVE_ASSIGN_OR_RETURN(const int64_t nice, SignedOr(at["nice"], -20, 19, 0));
  scheduler.nice = static_cast<int32_t>(nice);
  STAVE_ASSIGN_OR_RETURN(const int64_t priority, at["priority"].IntOr(0, 99, 0));
  scheduler.priority = static_cast<uint32_t>(priority);
  STAVE_RETURN_IF_ERROR(ReadSchedulerFlags(at["flags"], &scheduler));
  STAVE_ASSIGN_OR_RETURN(scheduler.runtime, Nanoseconds(at["runtime"]));
  STAVE_ASSIGN_OR_RETURN(scheduler.deadline, Nanoseconds(at["deadline"]));
  STAVE_ASSIGN_OR_RETURN(scheduler.period, Nanoseconds(at["period"]));
  return CheckScheduler(at, scheduler);
}

absl::Status ReadIoPriority(const Cursor& at, Process* process) {
  constexpr int kClassShift = 13;
  constexpr std::pair<const char*, int> kClasses[] = {
      {"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}};
  STAVE_RETURN_IF_ERROR(ExpectObject(at));
  if (!at.exists()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const std::string word, at["class"].String());
  STAVE_ASSIGN_OR_RETURN(const int64_t priority, at["priority"].Int(0, 7));
  for (const auto& [name, number] : kClasses) {
    if (word == name) process->io_priority = number << kClassShift | static_cast<int>(priority);
  }
  if (!process->io_priority) return at["class"].Error("is no class of ioprio_set(2)");
  return absl::OkStatus();
}

// "0-2,7", or nothing.
absl::StatusOr<std::string> CpuList(const Cursor& at) {
  constexpr uint64_t kHighest = 8191;  // more no kernel is built for
  STAVE_ASSIGN_OR_RETURN(std::string list, at.StringOr(""));
  if (list.empty()) return list;
  for (const absl::string_view range : absl::StrSplit(list, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(range, absl::MaxSplits('-', 1));
    const auto first = base::ParseUint(ends.front(), 0, kHighest);
    const auto last = base::ParseUint(ends.back(), 0, kHighest);
    if (!first.ok() || !last.ok() || *first > *last) {
      return at.Error("is no list of CPUs such as 0-2,7");
    }
  }
  return list;
}

absl::Status ReadScheduling(const Cursor& at, Process* process) {
  STAVE_RETURN_IF_ERROR(ReadScheduler(at["scheduler"], process));
  STAVE_RETURN_IF_ERROR(ReadIoPriority(at["ioPriority"], process));
  const Cursor affinity = at["execCPUAffinity"];
  STAVE_RETURN_IF_ERROR(ExpectObject(affinity));
  STAVE_ASSIGN_OR_RETURN(process->affinity_before, CpuList(affinity["initial"]));
  STAVE_ASSIGN_OR_RETURN(process->affinity_after, CpuList(affinity["final"]));
  return absl::OkStatus();
}

// --- the rest ----------------------------------------------------------------------------------

absl::Status ReadTerminal(const Cursor& at, Process* process) {
  STAVE_ASSIGN_OR_RETURN(process->terminal, at["terminal"].BoolOr(false));
  if (!process->terminal) return absl::OkStatus();
  const Cursor size = at["consoleSize"];
  STAVE_RETURN_IF_ERROR(ExpectObject(size));
  STAVE_ASSIGN_OR_RETURN(const int64_t rows, size["height"].IntOr(0, 65535, 0));
  STAVE_ASSIGN_OR_RETURN(const int64_t columns, size["width"].IntOr(0, 65535, 0));
  process->rows = static_cast<uint16_t>(rows);
  process->columns = static_cast<uint16_t>(columns);
  return absl::OkStatus();
}

absl::Status ReadWords(const Cursor& at, Process* process) {
  STAVE_ASSIGN_OR_RETURN(process->args, at["args"].Strings());
  if (process->args.empty()) return at["args"].Error("is empty");
  if (process->args[0].empty()) return at["args"]["0"].Error("is empty");
  STAVE_ASSIGN_OR_RETURN(process->env, at["env"].StringsOrNone());
  for (size_t i = 0; i < process->env.size(); ++i) {
    const size_t equals = process->env[i].find('=');
    if (equals == 0 || equals == std::string::npos) {
      return at["env"][absl::StrCat(i)].Error("is no NAME=VALUE");
    }
  }
  STAVE_ASSIGN_OR_RETURN(process->cwd, at["cwd"].String());
  if (!absl::StartsWith(process->cwd, "/")) return at["cwd"].Error("is not an absolute path");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Process> ReadProcess(const Cursor& at, std::vector<std::string>* warnings) {
  if (!at.exists()) return at.Error("is missing, so there is nothing to start");
  Process process;
  STAVE_RETURN_IF_ERROR(ExpectObject(at));
  STAVE_RETURN_IF_ERROR(ReadWords(at, &process));
  STAVE_RETURN_IF_ERROR(ReadUser(at["user"], &process));
  STAVE_RETURN_IF_ERROR(ReadRlimits(at["rlimits"], &process));
  STAVE_RETURN_IF_ERROR(ReadCapabilities(at["capabilities"], &process, warnings));
  STAVE_ASSIGN_OR_RETURN(process.no_new_privileges, at["noNewPrivileges"].BoolOr(false));
  STAVE_RETURN_IF_ERROR(ReadTerminal(at, &process));
  if (at["oomScoreAdj"].exists()) {
    STAVE_ASSIGN_OR_RETURN(const int64_t score, SignedOr(at["oomScoreAdj"], -1000, 1000, 0));
    process.oom_score_adj = static_cast<int>(score);
  }
  STAVE_ASSIGN_OR_RETURN(process.apparmor_profile, at["apparmorProfile"].StringOr(""));
  STAVE_ASSIGN_OR_RETURN(process.selinux_label, at["selinuxLabel"].StringOr(""));
  STAVE_RETURN_IF_ERROR(ReadScheduling(at, &process));
  return process;
}

}  // namespace stave::runtime::parts

// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/plan_state.h"

namespace stave::cgroup {
namespace {

constexpr int64_t kUnlimited = -1;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

// "512", or the word of that side for "no limit".
std::string LimitText(int64_t limit, absl::string_view unlimited) {
  return limit == kUnlimited ? std::string(unlimited) : absl::StrCat(limit);
}

// A member that is one number in one file on either side.
struct NumberRow {
  const char* key;
  const char* v1_file;
  const char* v2_file;  // nullptr: v2 does not have it
  int64_t low;
  int64_t high;
  const char* v1_unlimited = "-1";
};

absl::Status PlanNumber(const Part& part, const NumberRow& row, absl::string_view controller,
                        PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const std::optional<int64_t> number,
                         FindInteger(part, row.key, row.low, row.high));
  if (!number.has_value()) return absl::OkStatus();
  const std::string pointer = absl::StrCat(part.pointer, "/", row.key);
  STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, controller, pointer));
  if (version == Version::kV1) {
    state->Add(pointer, controller, row.v1_file, LimitText(*number, row.v1_unlimited));
  } else if (row.v2_file != nullptr) {
    state->Add(pointer, controller, row.v2_file, LimitText(*number, "max"));
  } else {
    return Unsupported(pointer, "cgroup v2 has no such setting");
  }
  return absl::OkStatus();
}

// memory.swap is the sum of memory and swap; v2 limits swap alone.
absl::Status PlanSwap(const Part& memory, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const auto swap, FindInteger(memory, "swap", kUnlimited, kMost));
  if (!swap.has_value()) return absl::OkStatus();
  const std::string pointer = absl::StrCat(memory.pointer, "/swap");
  STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "memory", pointer));
  STAVE_ASSIGN_OR_RETURN(const auto limit, FindInteger(memory, "limit", kUnlimited, kMost));
  if (*swap != kUnlimited) {
    if (limit.value_or(kUnlimited) == kUnlimited) {
      return Wrong(pointer, "a limit of memory and swap together needs memory.limit too");
    }
    if (*swap < *limit) {
      return Wrong(pointer, absl::StrCat(*swap, " is below memory.limit, ", *limit,
                                         "; it is the sum of memory and swap"));
    }
  }
  if (version == Version::kV1) {
    state->Add(pointer, "memory", "memory.memsw.limit_in_bytes", LimitText(*swap, "-1"));
  } else {
    state->Add(pointer, "memory", "memory.swap.max",
               *swap == kUnlimited ? "max" : absl::StrCat(*swap - *limit));
  }
  return absl::OkStatus();
}

absl::Status PlanMemory(const Part& resources, PlanState* state) {
  static constexpr NumberRow kRows[] = {
      {"reservation", "memory.soft_limit_in_bytes", "memory.low", kUnlimited, kMost},
      {"kernelTCP", "memory.kmem.tcp.limit_in_bytes", nullptr, kUnlimited, kMost},
      {"swappiness", "memory.swappiness", nullptr, 0, 200},
  };
  STAVE_ASSIGN_OR_RETURN(const Part memory, FindPart(resources, "memory"));
  STAVE_RETURN_IF_ERROR(
      PlanNumber(memory, {"limit", "memory.limit_in_bytes", "memory.max", kUnlimited, kMost},
                 "memory", state));
  // After the limit: v1 refuses a sum below the memory limit in force.
  STAVE_RETURN_IF_ERROR(PlanSwap(memory, state));
  for (const NumberRow& row : kRows) {
    STAVE_RETURN_IF_ERROR(PlanNumber(memory, row, "memory", state));
  }
  STAVE_ASSIGN_OR_RETURN(const auto kernel, FindInteger(memory, "kernel", kUnlimited, kMost));
  if (kernel.value_or(kUnlimited) != kUnlimited) {
    // v1 still has the file, and ignores what is written to it.
    return Unsupported(absl::StrCat(memory.pointer, "/kernel"),
                       "Linux has no limit of kernel memory alone since 5.16");
  }
  if (memory.object == nullptr) return absl::OkStatus();
  const json::Value* keep = memory.object->Find("disableOOMKiller");
  if (keep == nullptr || keep->is_null()) return absl::OkStatus();
  const std::string pointer = absl::StrCat(memory.pointer, "/disableOOMKiller");
  if (!keep->is_bool()) return Wrong(pointer, "must be true or false");
  if (!keep->boolean()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "memory", pointer));
  if (version == Version::kV2) {
    return Unsupported(pointer, "cgroup v2 cannot turn the OOM killer off");
  }
  state->Add(pointer, "memory", "memory.oom_control", "1");
  return absl::OkStatus();
}

absl::Status PlanShares(const Part& cpu, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const auto shares, FindInteger(cpu, "shares", 0, kMost));
  if (!shares.has_value()) return absl::OkStatus();
  const std::string pointer = absl::StrCat(cpu.pointer, "/shares");
  STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "cpu", pointer));
  if (version == Version::kV1) {
    state->Add(pointer, "cpu", "cpu.shares", absl::StrCat(*shares));
  } else {
    state->Add(pointer, "cpu", "cpu.weight",
               absl::StrCat(WeightFromShares(static_cast<uint64_t>(*shares))));
  }
  return absl::OkStatus();
}

// quota and period: two files on v1, one line on v2. A negative quota is none.
absl::Status PlanQuota(const Part& cpu, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(auto quota, FindInteger(cpu, "quota", -kMost, kMost));
  STAVE_ASSIGN_OR_RETURN(const auto period, FindInteger(cpu, "period", 1, kMost));
  if (!quota.has_value() && !period.has_value()) return absl::OkStatus();
  if (quota.has_value()) quota = std::max(*quota, kUnlimited);
  const std::string at_quota = absl::StrCat(cpu.pointer, "/quota");
  const std::string at_period = absl::StrCat(cpu.pointer, "/period");
  STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "cpu", at_quota));
  if (version == Version::kV1) {
    if (period.has_value())
      state->Add(at_period, "cpu", "cpu.cfs_period_us", absl::StrCat(*period));
    if (quota.has_value()) state->Add(at_quota, "cpu", "cpu.cfs_quota_us", absl::StrCat(*quota));
    return absl::OkStatus();
  }
  std::string line = LimitText(quota.value_or(kUnlimited), "max");
  if (period.has_value()) absl::StrAppend(&line, " ", *period);
  state->Add(quota.has_value() ? at_quota : at_period, "cpu", "cpu.max", line);
  return absl::OkStatus();
}

absl::Status PlanCpu(const Part& resources, PlanState* state) {
  static constexpr NumberRow kRows[] = {
      {"burst", "cpu.cfs_burst_us", "cpu.max.burst", 0, kMost},
      {"realtimePeriod", "cpu.rt_period_us", nullptr, 1, kMost},
      {"realtimeRuntime", "cpu.rt_runtime_us", nullptr, kUnlimited, kMost},
      // Last: an idle cgroup refuses a weight.
      {"idle", "cpu.idle", "cpu.idle", 0, 1},
  };
  STAVE_ASSIGN_OR_RETURN(const Part cpu, FindPart(resources, "cpu"));
  STAVE_RETURN_IF_ERROR(PlanShares(cpu, state));
  STAVE_RETURN_IF_ERROR(PlanQuota(cpu, state));
  for (const NumberRow& row : kRows) {
    STAVE_RETURN_IF_ERROR(PlanNumber(cpu, row, "cpu", state));
  }
  for (const char* key : {"cpus", "mems"}) {
    STAVE_ASSIGN_OR_RETURN(const auto list, FindText(cpu, key));
    if (!list.has_value() || list->empty()) continue;
    const std::string pointer = absl::StrCat(cpu.pointer, "/", key);
    if (const absl::Status status = CheckCpuList(*list, -1); !status.ok()) {
      return Wrong(pointer, status.message());
    }
    STAVE_RETURN_IF_ERROR(Need(*state, "cpuset", pointer).status());
    state->Add(pointer, "cpuset", absl::StrCat("cpuset.", key), *list);
  }
  return absl::OkStatus();
}

absl::Status PlanPids(const Part& resources, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const Part pids, FindPart(resources, "pids"));
  return PlanNumber(pids, {"limit", "pids.max", "pids.max", kUnlimited, kMost, "max"}, "pids",
                    state);
}

absl::Status PlanDevices(const Part& resources, PlanState* state) {
  if (resources.object == nullptr) return absl::OkStatus();
  const json::Value* devices = resources.object->Find("devices");
  if (devices == nullptr || devices->is_null()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(std::vector<DeviceRule> rules, ParseDevices(*devices));
  const std::string pointer = absl::StrCat(kResources, "/devices");
  if (state->hierarchies.Find("devices") != nullptr) {
    STAVE_ASSIGN_OR_RETURN(const auto writes, PlanDeviceWrites(rules));
    for (const DeviceWrite& write : writes) {
      state->Add(pointer, "devices", write.file, write.value);
    }
    return absl::OkStatus();
  }
  // v2 has no such controller: any cgroup of the unified tree takes a program.
  if (state->hierarchies.Unified() == nullptr) {
    return Need(*state, "devices", pointer).status();
  }
  state->limits.device_program = std::move(rules);
  return absl::OkStatus();
}

}  // namespace

absl::Status Wrong(absl::string_view pointer, absl::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                     absl::StrCat(pointer, ": ", why));
}

absl::Status Unsupported(absl::string_view pointer, absl::string_view why) {
  return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                     absl::StrCat(pointer, ": ", why));
}

absl::StatusOr<Part> FindPart(const Part& parent, absl::string_view key) {
  Part part = {nullptr, absl::StrCat(parent.pointer, "/", key)};
  const json::Value* value = parent.object == nullptr ? nullptr : parent.object->Find(key);
  if (value == nullptr || value->is_null()) return part;
  if (!value->is_object()) {
    return Wrong(part.pointer,
                 absl::StrCat("is of type ", json::TypeName(value->type()), ", must be an object"));
  }
  part.object = value;
  return part;
}

absl::StatusOr<const json::Value*> FindArray(const Part& parent, absl::string_view key) {
  const json::Value* value = parent.object == nullptr ? nullptr : parent.object->Find(key);
  if (value == nullptr || value->is_null()) return static_cast<const json::Value*>(nullptr);
  if (!value->is_array()) {
    return Wrong(absl::StrCat(parent.pointer, "/", key),
                 absl::StrCat("is of type ", json::TypeName(value->type()), ", must be an array"));
  }
  return value;
}

absl::StatusOr<std::optional<int64_t>> FindInteger(const Part& part, absl::string_view key,
                                                   int64_t low, int64_t high) {
  const json::Value* value = part.object == nullptr ? nullptr : part.object->Find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  const std::string pointer = absl::StrCat(part.pointer, "/", key);
  if (!value->is_number()) {
    return Wrong(pointer,
                 absl::StrCat("is of type ", json::TypeName(value->type()), ", must be a number"));
  }
  const absl::StatusOr<int64_t> number = value->AsInt64();
  if (!number.ok()) return Wrong(pointer, absl::StrCat(value->text(), " is not an integer"));
  if (*number < low) return Wrong(pointer, absl::StrCat(*number, " is below ", low));
  if (*number > high) return Wrong(pointer, absl::StrCat(*number, " is above ", high));
  return *number;
}

absl::StatusOr<std::optional<std::string>> FindText(const Part& part, absl::string_view key) {
  const json::Value* value = part.object == nullptr ? nullptr : part.object->Find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_string()) {
    return Wrong(absl::StrCat(part.pointer, "/", key),
                 absl::StrCat("is of type ", json::TypeName(value->type()), ", must be a string"));
  }
  return value->text();
}

absl::StatusOr<Version> Need(const PlanState& state, absl::string_view controller,
                             absl::string_view pointer) {
  if (const Hierarchy* found = state.hierarchies.Find(controller)) return found->version;
  const Hierarchy* unified = state.hierarchies.Unified();
  std::string why = absl::StrCat("the cgroup controller ", controller, " is ");
  if (unified != nullptr) {
    absl::StrAppend(&why, "missing in ", unified->mount_point, "/cgroup.controllers",
                    state.hierarchies.HasV1() ? " and not mounted as v1" : "");
  } else {
    absl::StrAppend(&why, "not mounted");
  }
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                     absl::StrCat(pointer, ": ", why));
}

absl::StatusOr<Limits> PlanLimits(const json::Value* resources, const Hierarchies& hierarchies) {
  if (resources != nullptr && resources->is_null()) resources = nullptr;
  const Part whole = {resources, kResources};
  if (resources != nullptr && !resources->is_object()) {
    return Wrong(kResources, "must be an object");
  }
  PlanState state = {hierarchies, {}};
  for (const auto plan : {PlanDevices, PlanMemory, PlanCpu, PlanPids, PlanBlockIo, PlanHugepages,
                          PlanNetwork, PlanRdma, PlanUnified}) {
    STAVE_RETURN_IF_ERROR(plan(whole, &state));
  }
  return std::move(state.limits);
}

uint64_t WeightFromShares(uint64_t shares) {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const double l = std::log2(static_cast<double>(shares));
  const double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
  // A hair is taken off, so that 1024 is 100 however the last bit is rounded.
  return static_cast<uint64_t>(std::ceil(std::pow(10, exponent) - 1e-9));
}

absl::Status CheckCpuList(absl::string_view list, int highest) {
  const auto wrong = [&](absl::string_view why) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                       absl::StrCat("\"", base::Printable(list), "\": ", why));
  };
  constexpr uint64_t kHighest = 1 << 30;
  for (absl::string_view range : absl::StrSplit(list, ',')) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(range, absl::MaxSplits('-', 1));
    const bool single = range.find('-') == absl::string_view::npos;
    const auto first = base::ParseUint(ends.first, 0, kHighest);
    const auto last = single ? first : base::ParseUint(ends.second, 0, kHighest);
    if (!first.ok() || !last.ok() || *first > *last) {
      return wrong("is not a list of numbers and ranges such as 0-2,7");
    }
    if (highest >= 0 && *last > static_cast<uint64_t>(highest)) {
      return wrong(absl::StrCat(*last, " is not there; this machine has 0",
                                highest == 0 ? "" : absl::StrCat("-", highest)));
    }
  }
  return absl::OkStatus();
}

}  // namespace stave::cgroup

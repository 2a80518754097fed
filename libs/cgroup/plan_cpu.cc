// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/plan_state.h"

namespace stave::cgroup {
namespace {

absl::Status PlanShares(const Part& cpu, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const auto shares, FindAmount(cpu, "shares", 0, kMost));
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

// An amount of time in each period: two members, and two files on v1.
struct Bandwidth {
  std::optional<int64_t> quota;
  std::optional<int64_t> period;
  std::string at_quota;  // JSON pointers
  std::string at_period;
};

absl::StatusOr<Bandwidth> FindBandwidth(const Part& cpu, absl::string_view quota,
                                        absl::string_view period) {
  Bandwidth found;
  found.at_quota = absl::StrCat(cpu.pointer, "/", quota);
  found.at_period = absl::StrCat(cpu.pointer, "/", period);
  STAVE_ASSIGN_OR_RETURN(found.quota, FindAmount(cpu, quota, -kMost, kMost));
  STAVE_ASSIGN_OR_RETURN(found.period, FindAmount(cpu, period, 0, kMost));
  if (found.quota.has_value()) found.quota = std::max(*found.quota, kUnlimited);
  return found;
}

// The kernel checks after each write that the share of time is not above that of the cgroup above.
// Of the two orders, the one with the smaller share in between is never above both ends.
bool PeriodFirst(const Bandwidth& wanted, int64_t quota_now, int64_t period_now) {
  if (!wanted.quota.has_value() || !wanted.period.has_value()) return true;
  if (quota_now == kUnlimited) return true;
  if (*wanted.quota == kUnlimited) return false;
  return static_cast<double>(quota_now) * static_cast<double>(period_now) <=
         static_cast<double>(*wanted.quota) * static_cast<double>(*wanted.period);
}

void AddBandwidth(const Bandwidth& wanted, absl::string_view quota_file,
                  absl::string_view period_file, bool period_first, PlanState* state) {
  for (const bool period : {period_first, !period_first}) {
    const std::optional<int64_t>& value = period ? wanted.period : wanted.quota;
    if (!value.has_value()) continue;
    state->Add(period ? wanted.at_period : wanted.at_quota, "cpu",
               period ? period_file : quota_file, absl::StrCat(*value));
  }
}

absl::Status PlanQuota(const Part& cpu, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const Bandwidth wanted, FindBandwidth(cpu, "quota", "period"));
  if (!wanted.quota.has_value() && !wanted.period.has_value()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(
      const Version version,
      Need(*state, "cpu", wanted.quota.has_value() ? wanted.at_quota : wanted.at_period));
  const CurrentLimits& now = state->current;
  if (version == Version::kV1) {
    AddBandwidth(wanted, "cpu.cfs_quota_us", "cpu.cfs_period_us",
                 PeriodFirst(wanted, now.cpu_quota, now.cpu_period), state);
    return absl::OkStatus();
  }
  // A line without a period leaves it as it is.
  std::string line = LimitText(wanted.quota.value_or(now.cpu_quota), "max");
  if (wanted.period.has_value()) absl::StrAppend(&line, " ", *wanted.period);
  state->Add(wanted.quota.has_value() ? wanted.at_quota : wanted.at_period, "cpu", "cpu.max", line);
  return absl::OkStatus();
}

// The kernel holds the burst at or below the quota after each write.
absl::Status PlanQuotaAndBurst(const Part& cpu, PlanState* state) {
  const NumberRow row = {"burst", "cpu.cfs_burst_us", "cpu.max.burst", 0, kMost};
  STAVE_ASSIGN_OR_RETURN(const auto burst, FindInteger(cpu, "burst", row.low, row.high));
  const bool first = burst.has_value() && *burst < state->current.cpu_burst;
  if (first) STAVE_RETURN_IF_ERROR(PlanNumber(cpu, row, "cpu", state));
  STAVE_RETURN_IF_ERROR(PlanQuota(cpu, state));
  return first ? absl::OkStatus() : PlanNumber(cpu, row, "cpu", state);
}

absl::Status PlanRealtime(const Part& cpu, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const Bandwidth wanted,
                         FindBandwidth(cpu, "realtimeRuntime", "realtimePeriod"));
  if (!wanted.quota.has_value() && !wanted.period.has_value()) return absl::OkStatus();
  const std::string& pointer = wanted.quota.has_value() ? wanted.at_quota : wanted.at_period;
  STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "cpu", pointer));
  if (version == Version::kV2) return Unsupported(pointer, "cgroup v2 has no such setting");
  const CurrentLimits& now = state->current;
  AddBandwidth(wanted, "cpu.rt_runtime_us", "cpu.rt_period_us",
               PeriodFirst(wanted, now.realtime_runtime, now.realtime_period), state);
  return absl::OkStatus();
}

absl::Status PlanCpuset(const Part& cpu, PlanState* state) {
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

}  // namespace

absl::Status PlanCpu(const Part& resources, PlanState* state) {
  constexpr NumberRow kIdle = {"idle", "cpu.idle", "cpu.idle", 0, 1};
  STAVE_ASSIGN_OR_RETURN(const Part cpu, FindPart(resources, "cpu"));
  STAVE_ASSIGN_OR_RETURN(const auto idle, FindInteger(cpu, "idle", 0, 1));
  // An idle cgroup refuses a weight.
  if (idle == 0) STAVE_RETURN_IF_ERROR(PlanNumber(cpu, kIdle, "cpu", state));
  STAVE_RETURN_IF_ERROR(PlanShares(cpu, state));
  STAVE_RETURN_IF_ERROR(PlanQuotaAndBurst(cpu, state));
  STAVE_RETURN_IF_ERROR(PlanRealtime(cpu, state));
  if (idle != 0) STAVE_RETURN_IF_ERROR(PlanNumber(cpu, kIdle, "cpu", state));
  return PlanCpuset(cpu, state);
}

}  // namespace stave::cgroup

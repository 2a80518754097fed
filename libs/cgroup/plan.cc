// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/plan.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/plan_state.h"
#include "libs/cgroup/update.h"

namespace stave::cgroup {
namespace {

absl::Status PlanPids(const Part& resources, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const Part pids, FindPart(resources, "pids"));
  STAVE_ASSIGN_OR_RETURN(const auto limit, FindInteger(pids, "limit", kUnlimited, kMost));
  // Engines whose limit cannot be absent say 0 when they update something else.
  if (!limit.has_value() || (*limit == 0 && state->is_update)) return absl::OkStatus();
  const std::string pointer = absl::StrCat(pids.pointer, "/limit");
  STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "pids", pointer));
  // With 0 nothing can be cloned into a v2 cgroup. In either case the first process cannot fork.
  const int64_t least = version == Version::kV2 ? 1 : 0;
  state->Add(pointer, "pids", "pids.max", LimitText(*limit == 0 ? least : *limit, "max"));
  return absl::OkStatus();
}

// The rules of an update get the default devices at their end, as those of the container did.
absl::StatusOr<std::vector<DeviceRule>> Rules(const json::Value& devices, const PlanState& state) {
  if (!state.is_update || !devices.is_array()) return ParseDevices(devices);
  json::Value all = devices;
  for (json::Value& each : DefaultDevices()) all.elements().push_back(std::move(each));
  return ParseDevices(all);
}

absl::Status PlanDevices(const Part& resources, PlanState* state) {
  if (resources.object == nullptr) return absl::OkStatus();
  const json::Value* devices = resources.object->Find("devices");
  if (devices == nullptr || devices->is_null()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(std::vector<DeviceRule> rules, Rules(*devices, *state));
  const std::string pointer = absl::StrCat(kResources, "/devices");
  if (state->hierarchies.Find("devices") != nullptr) {
    STAVE_ASSIGN_OR_RETURN(const auto writes, state->is_update && state->current.devices.has_value()
                                                  ? PlanDeviceChange(rules, *state->current.devices)
                                                  : PlanDeviceWrites(rules));
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

absl::StatusOr<Limits> Plan(const json::Value* resources, PlanState state) {
  if (resources != nullptr && resources->is_null()) resources = nullptr;
  const Part whole = {resources, kResources};
  if (resources != nullptr && !resources->is_object()) {
    return Wrong(kResources, "must be an object");
  }
  for (const auto plan : {PlanDevices, PlanMemory, PlanCpu, PlanPids, PlanBlockIo, PlanHugepages,
                          PlanNetwork, PlanRdma, PlanUnified}) {
    STAVE_RETURN_IF_ERROR(plan(whole, &state));
  }
  return std::move(state.limits);
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

absl::StatusOr<std::optional<int64_t>> FindAmount(const Part& part, absl::string_view key,
                                                  int64_t low, int64_t high) {
  STAVE_ASSIGN_OR_RETURN(std::optional<int64_t> amount, FindInteger(part, key, low, high));
  if (amount == 0) amount.reset();
  return amount;
}

absl::StatusOr<bool> FindFlag(const Part& part, absl::string_view key) {
  const json::Value* value = part.object == nullptr ? nullptr : part.object->Find(key);
  if (value == nullptr || value->is_null()) return false;
  if (!value->is_bool()) {
    return Wrong(absl::StrCat(part.pointer, "/", key), "must be true or false");
  }
  return value->boolean();
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

std::string LimitText(int64_t limit, absl::string_view unlimited) {
  return limit == kUnlimited ? std::string(unlimited) : absl::StrCat(limit);
}

absl::Status PlanNumber(const Part& part, const NumberRow& row, absl::string_view controller,
                        PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const std::optional<int64_t> number,
                         FindInteger(part, row.key, row.low, row.high));
  if (!number.has_value() || (row.zero_is_none && *number == 0)) return absl::OkStatus();
  const std::string pointer = absl::StrCat(part.pointer, "/", row.key);
  STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, controller, pointer));
  if (version == Version::kV1) {
    state->Add(pointer, controller, row.v1_file, LimitText(*number, "-1"));
  } else if (row.v2_file != nullptr) {
    state->Add(pointer, controller, row.v2_file, LimitText(*number, "max"));
  } else {
    return Unsupported(pointer, "cgroup v2 has no such setting");
  }
  return absl::OkStatus();
}

absl::StatusOr<Limits> PlanLimits(const json::Value* resources, const Hierarchies& hierarchies) {
  return Plan(resources, {hierarchies, CurrentLimits(), /*is_update=*/false, {}});
}

absl::StatusOr<Limits> PlanUpdate(const json::Value* resources, const CurrentLimits& current,
                                  const Hierarchies& hierarchies) {
  return Plan(resources, {hierarchies, current, /*is_update=*/true, {}});
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

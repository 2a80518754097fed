// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/plan_state.h"

namespace stave::cgroup {
namespace {

constexpr int64_t kMaxNumber = std::numeric_limits<uint32_t>::max();

// io.weight has 1..10000 where blkio.weight and bfq have 10..1000.
int64_t IoWeight(int64_t weight) { return 1 + (weight - 10) * 9999 / 990; }

// A name that becomes part of a file name or of a line.
bool IsWord(absl::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (const char c : text) {
    if (c <= ' ' || c == '/' || c == 0x7f) return false;
  }
  return true;
}

// One element of a list of devices: "8:16" and the member with the amount.
struct DeviceAmount {
  std::string device;
  int64_t amount = 0;
  std::string pointer;
};

absl::Status RefuseLeafWeight(const Part& part) {
  STAVE_ASSIGN_OR_RETURN(const auto leaf, FindAmount(part, "leafWeight", 0, kMost));
  if (!leaf.has_value()) return absl::OkStatus();
  return Unsupported(absl::StrCat(part.pointer, "/leafWeight"), "Linux has none since 5.0");
}

// A weight of 10 to 1000, or 0 for none. Errors: Wrong, at `pointer`.
absl::Status CheckWeight(int64_t weight, absl::string_view pointer) {
  if (weight == 0 || weight >= 10) return absl::OkStatus();
  return Wrong(pointer, absl::StrCat(weight, " is below 10"));
}

absl::StatusOr<std::vector<DeviceAmount>> ReadDeviceAmounts(const Part& io, absl::string_view list,
                                                            absl::string_view key, int64_t low,
                                                            int64_t high) {
  std::vector<DeviceAmount> amounts;
  STAVE_ASSIGN_OR_RETURN(const json::Value* array, FindArray(io, list));
  if (array == nullptr) return amounts;
  for (size_t i = 0; i < array->elements().size(); ++i) {
    const Part entry = {&array->elements()[i], absl::StrCat(io.pointer, "/", list, "/", i)};
    STAVE_ASSIGN_OR_RETURN(const auto major, FindInteger(entry, "major", 0, kMaxNumber));
    STAVE_ASSIGN_OR_RETURN(const auto minor, FindInteger(entry, "minor", 0, kMaxNumber));
    STAVE_ASSIGN_OR_RETURN(const auto amount, FindInteger(entry, key, low, high));
    if (!major.has_value() || !minor.has_value() || !amount.has_value()) {
      return Wrong(entry.pointer, absl::StrCat("must have major, minor and ", key));
    }
    STAVE_RETURN_IF_ERROR(RefuseLeafWeight(entry));
    amounts.push_back({absl::StrCat(*major, ":", *minor), *amount, entry.pointer});
  }
  return amounts;
}

absl::Status PlanWeights(const Part& io, PlanState* state) {
  STAVE_RETURN_IF_ERROR(RefuseLeafWeight(io));
  STAVE_ASSIGN_OR_RETURN(const auto weight, FindAmount(io, "weight", 0, 1000));
  if (weight.has_value()) {
    const std::string pointer = absl::StrCat(io.pointer, "/weight");
    STAVE_RETURN_IF_ERROR(CheckWeight(*weight, pointer));
    STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "io", pointer));
    const std::string text = absl::StrCat(*weight);
    if (version == Version::kV1) {
      state->limits.settings.push_back(
          {pointer, "blkio", "blkio.weight", text, "blkio.bfq.weight", text});
    } else {
      state->limits.settings.push_back({pointer, "io", "io.bfq.weight", text, "io.weight",
                                        absl::StrCat("default ", IoWeight(*weight))});
    }
  }
  STAVE_ASSIGN_OR_RETURN(const auto devices,
                         ReadDeviceAmounts(io, "weightDevice", "weight", 0, 1000));
  for (const DeviceAmount& each : devices) {
    STAVE_RETURN_IF_ERROR(CheckWeight(each.amount, each.pointer));
    if (each.amount == 0) continue;
    STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "io", each.pointer));
    const std::string text = absl::StrCat(each.device, " ", each.amount);
    if (version == Version::kV1) {
      state->limits.settings.push_back(
          {each.pointer, "blkio", "blkio.weight_device", text, "blkio.bfq.weight_device", text});
    } else {
      state->limits.settings.push_back({each.pointer, "io", "io.bfq.weight", text, "io.weight",
                                        absl::StrCat(each.device, " ", IoWeight(each.amount))});
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PlanBlockIo(const Part& resources, PlanState* state) {
  static constexpr struct {
    const char* list;
    const char* v1_file;
    const char* v2_key;
  } kThrottles[] = {
      {"throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps"},
      {"throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps"},
      {"throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops"},
      {"throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops"},
  };
  STAVE_ASSIGN_OR_RETURN(const Part io, FindPart(resources, "blockIO"));
  STAVE_RETURN_IF_ERROR(PlanWeights(io, state));
  for (const auto& throttle : kThrottles) {
    STAVE_ASSIGN_OR_RETURN(const auto rates,
                           ReadDeviceAmounts(io, throttle.list, "rate", -1, kMost));
    for (const DeviceAmount& each : rates) {
      STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "io", each.pointer));
      const bool none = each.amount <= 0;  // on v1 a rate of 0 takes the limit away
      if (version == Version::kV1) {
        state->Add(each.pointer, "blkio", throttle.v1_file,
                   absl::StrCat(each.device, " ", none ? 0 : each.amount));
      } else {
        state->Add(each.pointer, "io", "io.max",
                   absl::StrCat(each.device, " ", throttle.v2_key, "=",
                                none ? "max" : absl::StrCat(each.amount)));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status PlanHugepages(const Part& resources, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const json::Value* array, FindArray(resources, "hugepageLimits"));
  if (array == nullptr) return absl::OkStatus();
  for (size_t i = 0; i < array->elements().size(); ++i) {
    const Part entry = {&array->elements()[i],
                        absl::StrCat(resources.pointer, "/hugepageLimits/", i)};
    STAVE_ASSIGN_OR_RETURN(const auto size, FindText(entry, "pageSize"));
    STAVE_ASSIGN_OR_RETURN(const auto limit, FindInteger(entry, "limit", -1, kMost));
    if (!size.has_value() || !limit.has_value()) {
      return Wrong(entry.pointer, "must have pageSize and limit");
    }
    if (!IsWord(*size)) return Wrong(entry.pointer, "pageSize must be one such as 2MB");
    STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "hugetlb", entry.pointer));
    const bool v1 = version == Version::kV1;
    const std::string value = *limit < 0 ? (v1 ? "-1" : "max") : absl::StrCat(*limit);
    const char* end = v1 ? ".limit_in_bytes" : ".max";
    state->Add(entry.pointer, "hugetlb", absl::StrCat("hugetlb.", *size, end), value);
    // Pages that are reserved and not yet touched; came with 5.7.
    state->limits.settings.push_back({entry.pointer, "hugetlb",
                                      absl::StrCat("hugetlb.", *size, ".rsvd", end), value, "", "",
                                      true});
  }
  return absl::OkStatus();
}

absl::Status PlanNetwork(const Part& resources, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const Part network, FindPart(resources, "network"));
  STAVE_ASSIGN_OR_RETURN(const auto id, FindInteger(network, "classID", 0, kMaxNumber));
  if (id.has_value()) {
    const std::string pointer = absl::StrCat(network.pointer, "/classID");
    STAVE_RETURN_IF_ERROR(Need(*state, "net_cls", pointer).status());
    state->Add(pointer, "net_cls", "net_cls.classid", absl::StrCat(*id));
  }
  STAVE_ASSIGN_OR_RETURN(const json::Value* array, FindArray(network, "priorities"));
  if (array == nullptr) return absl::OkStatus();
  for (size_t i = 0; i < array->elements().size(); ++i) {
    const Part entry = {&array->elements()[i], absl::StrCat(network.pointer, "/priorities/", i)};
    STAVE_ASSIGN_OR_RETURN(const auto name, FindText(entry, "name"));
    STAVE_ASSIGN_OR_RETURN(const auto priority, FindInteger(entry, "priority", 0, kMaxNumber));
    if (!name.has_value() || !IsWord(*name) || !priority.has_value()) {
      return Wrong(entry.pointer, "must have name and priority");
    }
    STAVE_RETURN_IF_ERROR(Need(*state, "net_prio", entry.pointer).status());
    state->Add(entry.pointer, "net_prio", "net_prio.ifpriomap",
               absl::StrCat(*name, " ", *priority));
  }
  return absl::OkStatus();
}

absl::Status PlanRdma(const Part& resources, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const Part rdma, FindPart(resources, "rdma"));
  if (rdma.object == nullptr) return absl::OkStatus();
  for (const auto& [device, value] : rdma.object->members()) {
    if (!IsWord(device)) return Wrong(rdma.pointer, "names of devices are single words");
    STAVE_ASSIGN_OR_RETURN(const Part entry, FindPart(rdma, device));
    std::string line = device;
    STAVE_ASSIGN_OR_RETURN(const auto handles, FindInteger(entry, "hcaHandles", 0, kMaxNumber));
    if (handles.has_value()) absl::StrAppend(&line, " hca_handle=", *handles);
    STAVE_ASSIGN_OR_RETURN(const auto objects, FindInteger(entry, "hcaObjects", 0, kMaxNumber));
    if (objects.has_value()) absl::StrAppend(&line, " hca_object=", *objects);
    if (!handles.has_value() && !objects.has_value()) continue;
    STAVE_RETURN_IF_ERROR(Need(*state, "rdma", entry.pointer).status());
    state->Add(entry.pointer, "rdma", "rdma.max", line);
  }
  return absl::OkStatus();
}

absl::Status PlanUnified(const Part& resources, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const Part unified, FindPart(resources, "unified"));
  if (unified.object == nullptr) return absl::OkStatus();
  for (const auto& [file, value] : unified.object->members()) {
    const std::string pointer = absl::StrCat(unified.pointer, "/", base::Printable(file));
    const size_t dot = file.find('.');
    if (!IsWord(file) || dot == std::string::npos || dot == 0 || file.size() > 255) {
      return Wrong(pointer, "must be the name of an interface file such as memory.high");
    }
    if (!value.is_string()) return Wrong(pointer, "must be a string");
    const std::string controller = file.substr(0, dot);
    if (controller == "cgroup") {
      // Others of the core files move processes, kill them or change the tree.
      if (!absl::StartsWith(file, "cgroup.max.") && file != "cgroup.pressure") {
        return Wrong(pointer, "is not a limit");
      }
      if (state->hierarchies.Unified() == nullptr) {
        return Unsupported(pointer, "this machine has no cgroup v2 tree");
      }
    } else {
      STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, controller, pointer));
      if (version == Version::kV1) {
        return Unsupported(
            pointer, absl::StrCat("the controller ", controller, " is mounted as cgroup v1 here"));
      }
    }
    for (absl::string_view line : absl::StrSplit(value.text(), '\n', absl::SkipEmpty())) {
      state->Add(pointer, controller, file, line);
    }
  }
  return absl::OkStatus();
}

}  // namespace stave::cgroup

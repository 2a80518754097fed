// SPDX-License-Identifier: Apache-2.0
//
// resources.json, as `update` reads it, on machines of either kind of cgroups and of both: no write
// leaves the cgroup's folder, or is more than one line.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "libs/cgroup/device.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace {

namespace cgroup = stave::cgroup;

void Require(bool condition) {
  if (!condition) std::abort();
}

cgroup::Hierarchy V1(const std::string& controller) {
  return {cgroup::Version::kV1, {controller}, "/sys/fs/cgroup/" + controller};
}

const cgroup::Hierarchy kUnified = {
    cgroup::Version::kV2,
    {"cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"},
    "/sys/fs/cgroup/unified"};

cgroup::Hierarchies OfV1() {
  cgroup::Hierarchies found;
  for (const char* controller : {"cpu", "cpuset", "memory", "devices", "blkio", "pids", "hugetlb",
                                 "net_cls", "net_prio", "rdma", "freezer"}) {
    found.all.push_back(V1(controller));
  }
  return found;
}

void CheckName(const std::string& name) {
  Require(!name.empty() && name != "." && name != "..");
  Require(name.find('/') == name.npos && name.find('\0') == name.npos);
}

void Check(const stave::json::Value& resources, const cgroup::Hierarchies& machine) {
  const auto limits = cgroup::PlanLimits(&resources, machine);
  if (!limits.ok()) return;
  for (const cgroup::Setting& setting : limits->settings) {
    CheckName(setting.file);
    if (!setting.other_file.empty()) CheckName(setting.other_file);
    Require(!setting.controller.empty());
    Require(setting.value.find('\0') == setting.value.npos);
  }
  if (!limits->device_program) return;
  const auto program = cgroup::PlanDeviceProgram(*limits->device_program);
  if (program.ok()) Require(!program->empty() && program->size() <= 4096);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto resources =
      stave::json::Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!resources.ok()) return 0;
  Check(*resources, OfV1());
  Check(*resources, {{kUnified}});
  Check(*resources, {{V1("cpu"), V1("memory"), kUnified}});
  if (const auto* devices = resources->Find("devices"); devices != nullptr) {
    const auto rules = cgroup::ParseDevices(*devices);
    if (!rules.ok()) return 0;
    for (const auto& rule : *rules) {
      Require(rule.type == 'a' || rule.type == 'b' || rule.type == 'c');
      Require(rule.access.find_first_not_of("rwm") == rule.access.npos);
    }
  }
  return 0;
}

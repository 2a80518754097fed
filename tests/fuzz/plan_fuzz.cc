// SPDX-License-Identifier: Apache-2.0
//
// A runtime config: no plan has a path that leads out of the container, an id that means "none", or
// two answers to one question.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/json/parse.h"
#include "libs/runtime/plan.h"

namespace {

namespace runtime = stave::runtime;

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckPath(absl::string_view path) {
  Require(!path.empty() && path[0] == '/');
  for (const absl::string_view part : absl::StrSplit(path, '/')) Require(part != "..");
}

void CheckMappings(const std::vector<runtime::IdMapping>& mappings) {
  for (const auto& one : mappings) {
    Require(one.size > 0);
    Require(uint64_t{one.container_id} + one.size <= UINT32_MAX);
    Require(uint64_t{one.host_id} + one.size <= UINT32_MAX);
  }
}

void CheckMounts(const runtime::Plan& plan) {
  for (const auto& mount : plan.mounts) {
    CheckPath(mount.destination);
    Require(mount.destination != "/");
    Require(mount.options.bind ? !mount.source.empty() : !mount.type.empty());
    Require(!mount.options.copy_up || mount.type == "tmpfs");
    Require(mount.id_mapped == runtime::IdMapped::kNo || mount.options.bind);
    Require(mount.uid_mappings.empty() == mount.gid_mappings.empty());
    CheckMappings(mount.uid_mappings);
    CheckMappings(mount.gid_mappings);
  }
  std::set<std::string> seen;
  for (const auto& device : plan.devices) {
    CheckPath(device.path);
    Require(seen.insert(device.path).second && device.type != 0);
    Require(device.uid != UINT32_MAX && device.gid != UINT32_MAX && device.mode <= 07777);
  }
}

void CheckHooks(const runtime::Hooks& hooks) {
  for (const auto* list : {&hooks.prestart, &hooks.create_runtime, &hooks.create_container,
                           &hooks.start_container, &hooks.poststart, &hooks.poststop}) {
    for (const auto& hook : *list) {
      Require(hook.path[0] == '/');
      Require(!hook.timeout || *hook.timeout >= absl::Seconds(1));
    }
  }
}

void CheckNamespaces(const runtime::Plan& plan) {
  std::set<int> kinds;
  for (const auto& one : plan.namespaces) {
    Require(kinds.insert(one.flag).second);
    Require(plan.Has(one.flag) && plan.Creates(one.flag) != plan.Joins(one.flag));
    Require(one.path.empty() || one.path[0] == '/');
  }
  CheckMappings(plan.uid_mappings);
  CheckMappings(plan.gid_mappings);
  for (const auto& offset : plan.time_offsets) {
    Require(offset.clock == "monotonic" || offset.clock == "boottime");
    Require(offset.nanoseconds < 1000000000);
  }
  for (const auto& [key, value] : plan.sysctls) CheckPath("/" + key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config =
      stave::json::Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!config.ok()) return 0;
  const auto plan = runtime::MakePlan(*config);
  if (!plan.ok()) return 0;
  Require(!plan->process.args.empty() && !plan->process.args[0].empty());
  Require(plan->process.uid != UINT32_MAX && plan->process.gid != UINT32_MAX);
  CheckMounts(*plan);
  CheckHooks(plan->hooks);
  CheckNamespaces(*plan);
  for (const auto& path : plan->masked_paths) CheckPath(path);
  for (const auto& path : plan->readonly_paths) CheckPath(path);
  const std::string& group = plan->cgroups_path;
  if (group.find('/') != group.npos) CheckPath(group);
  Require(plan->listener.path.empty() || plan->listener.path[0] == '/');
  return 0;
}

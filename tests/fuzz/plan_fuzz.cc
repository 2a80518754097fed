// SPDX-License-Identifier: Apache-2.0
//
// A runtime config: no plan has a path that leads out of the container, or an id that means "none".
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/json/parse.h"
#include "libs/runtime/compose.h"
#include "libs/runtime/plan.h"

namespace {

void CheckPath(const std::string& path) {
  if (path.empty() || path[0] != '/') std::abort();
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part == "..") std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config =
      stave::json::Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!config.ok() || !stave::runtime::CheckShape(*config).ok()) return 0;
  const auto plan = stave::runtime::MakePlan(*config);
  if (!plan.ok()) return 0;
  if (plan->process.args.empty() || plan->process.args[0].empty()) std::abort();
  if (plan->process.uid == UINT32_MAX || plan->process.gid == UINT32_MAX) std::abort();
  for (const auto& mount : plan->mounts) CheckPath(mount.destination);
  for (const auto& path : plan->masked_paths) CheckPath(path);
  for (const auto& path : plan->readonly_paths) CheckPath(path);
  for (const auto& device : plan->devices) CheckPath(device.path);
  if (!plan->cgroups_path.empty()) CheckPath(plan->cgroups_path);
  for (const auto& [key, value] : plan->sysctls) CheckPath("/" + key);
  return 0;
}

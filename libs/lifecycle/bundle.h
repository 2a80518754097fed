// SPDX-License-Identifier: Apache-2.0
//
// A bundle: a directory with a config.json, and what this runtime makes of it.
//
//   root.path               relative: to the bundle
//   mounts[].source         relative, of a bind: to the bundle
//   linux.cgroupsPath       absent: /stave/ID; relative: below /stave, as runtime-spec leaves to
//   us;
//                           with the systemd cgroup manager: scope_plan.h
//   linux.resources.devices the default devices are allowed after the list's own rules; where there
//                           is no list, everything else is denied, as with runc
//
// Sources: runtime-spec bundle.md, config.md, config-linux.md "Default Devices".

#ifndef STAVE_LIBS_LIFECYCLE_BUNDLE_H_
#define STAVE_LIBS_LIFECYCLE_BUNDLE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/lifecycle/scope_plan.h"
#include "libs/runtime/plan.h"

namespace stave::lifecycle {

struct Bundle {
  std::string path;    // absolute, else as it was given
  std::string text;    // of config.json
  json::Value config;  // as it is there
  runtime::Plan plan;  // with all of the above done
  std::string rootfs;  // absolute
  std::string oci_version;
  std::optional<ScopeName> scope;  // with CgroupManager::kSystemd
};

// Reads `path` ("" is the working directory) for the container `id`; `config` names another file
// than its config.json.
// Errors: NotFound `BUNDLE: .. no such file or directory`; FailedPrecondition [E_STATE] if it is no
// directory, or config.json no regular file (a FIFO is not waited for); ResourceExhausted [E_LIMIT]
// above 16 MiB; InvalidArgument [E_JSON], [E_DOCUMENT] with a JSON pointer, also for an ociVersion
// that is not 1.x, a missing root or process, and a cgroupsPath for another cgroup manager;
// Unimplemented [E_UNSUPPORTED].
absl::StatusOr<Bundle> ReadBundle(absl::string_view path, absl::string_view id,
                                  const std::string& config = "",
                                  CgroupManager manager = CgroupManager::kCgroupfs);

// The same of a config's text that was read before: `bundle` is absolute and not looked at.
absl::StatusOr<Bundle> ReadConfig(std::string text, absl::string_view bundle, absl::string_view id,
                                  CgroupManager manager = CgroupManager::kCgroupfs);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_BUNDLE_H_

// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/device.h"
#include "libs/json/cursor.h"
#include "libs/json/parse.h"
#include "libs/lifecycle/container.h"

namespace stave::lifecycle {
namespace {

// As it was given, so that who gave it finds it again in the state.
absl::StatusOr<std::string> AbsolutePath(const std::string& path) {
  if (absl::StartsWith(path, "/")) return path;
  char here[PATH_MAX];
  if (::getcwd(here, sizeof here) == nullptr) {
    return base::PosixError(errno, "the working directory", "getcwd");
  }
  return path == "." ? std::string(here) : absl::StrCat(here, "/", path);
}

std::string Resolve(const std::string& bundle, const std::string& path) {
  return absl::StartsWith(path, "/") ? path : absl::StrCat(bundle, "/", path);
}

// The list's own rules, then what every container may use; without a list everything else is
// denied.
void AddDefaultDevices(json::Value* resources) {
  json::Value::Elements rules;
  if (const json::Value* given = resources->Find("devices");
      given != nullptr && given->is_array()) {
    rules = given->elements();
  } else {
    rules.push_back(json::Value::Object(
        {{"allow", json::Value::Bool(false)}, {"access", json::Value::String("rwm")}}));
  }
  for (json::Value& rule : cgroup::DefaultDevices()) rules.push_back(std::move(rule));
  resources->Set("devices", json::Value::Array(std::move(rules)));
}

absl::Status MeantForSystemd(absl::string_view path) {
  return base::WithHint(
      base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                  absl::StrCat("/linux/cgroupsPath: \"", base::Printable(path, 128),
                               "\": is of the form that the systemd cgroup manager takes")),
      "give --systemd-cgroup, or have the engine use its cgroupfs driver");
}

// Where the cgroup is, and what it is to systemd.
absl::Status ReadCgroupPath(absl::string_view id, CgroupManager manager, json::Value* config,
                            std::optional<ScopeName>* scope) {
  STAVE_ASSIGN_OR_RETURN(std::string path,
                         json::Cursor(*config)["linux"]["cgroupsPath"].StringOr(""));
  if (manager == CgroupManager::kSystemd) {
    STAVE_ASSIGN_OR_RETURN(*scope, ParseScopeName(path, id));
    path = (*scope)->cgroup;
  } else if (LooksLikeScope(path)) {
    return MeantForSystemd(path);
  } else if (!absl::StartsWith(path, "/")) {
    path = absl::StrCat("/stave/", path.empty() ? id : path);
  }
  config->Make({"linux"}).Set("cgroupsPath", json::Value::String(path));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Bundle> ReadConfig(std::string text, absl::string_view path, absl::string_view id,
                                  CgroupManager manager) {
  Bundle bundle;
  bundle.path = std::string(path);
  bundle.text = std::move(text);
  json::Limits limits;
  limits.bytes = kMaxConfig;
  STAVE_ASSIGN_OR_RETURN(bundle.config, json::Parse(bundle.text, limits));
  const json::Cursor top(bundle.config);
  STAVE_ASSIGN_OR_RETURN(bundle.oci_version, top["ociVersion"].String());
  STAVE_RETURN_IF_ERROR(top["root"].MembersOrNone().status());
  STAVE_ASSIGN_OR_RETURN(const std::string root, top["root"]["path"].String());
  if (root.empty()) return top["root"]["path"].Error("is empty");
  bundle.rootfs = Resolve(bundle.path, root);
  // Make() below would put an object in the place of anything else.
  STAVE_RETURN_IF_ERROR(top["linux"].MembersOrNone().status());
  STAVE_RETURN_IF_ERROR(top["linux"]["resources"].MembersOrNone().status());
  json::Value config = bundle.config;
  STAVE_RETURN_IF_ERROR(ReadCgroupPath(id, manager, &config, &bundle.scope));
  AddDefaultDevices(&config.Make({"linux", "resources"}));
  STAVE_ASSIGN_OR_RETURN(bundle.plan, runtime::MakePlan(config));
  bundle.plan.root_path = bundle.rootfs;
  for (runtime::Mount& mount : bundle.plan.mounts) {
    if (mount.type.empty()) mount.source = Resolve(bundle.path, mount.source);
  }
  return bundle;
}

absl::StatusOr<Bundle> ReadBundle(absl::string_view path, absl::string_view id,
                                  const std::string& config, CgroupManager manager) {
  const std::string name = path.empty() ? "." : std::string(path);
  // O_DIRECTORY refuses a FIFO without opening it.
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd dir, base::OpenDirAt(AT_FDCWD, name));
  const std::string file = config.empty() ? "config.json" : config;
  STAVE_ASSIGN_OR_RETURN(std::string text,
                         base::ReadFileAt(config.empty() ? dir.get() : AT_FDCWD, file, kMaxConfig));
  STAVE_ASSIGN_OR_RETURN(const std::string absolute, AbsolutePath(name));
  absl::StatusOr<Bundle> bundle = ReadConfig(std::move(text), absolute, id, manager);
  if (!bundle.ok()) return base::WithContext(bundle.status(), base::Printable(file));
  return bundle;
}

}  // namespace stave::lifecycle

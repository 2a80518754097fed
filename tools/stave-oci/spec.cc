// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/oci/default_config.h"
#include "libs/oci/process.h"
#include "tools/stave-oci/call.h"
#include "tools/stave-oci/commands.h"

namespace stave::stave_oci {
namespace {

using json::Value;

constexpr cli::Option kOptions[] = {
    {"bundle", 'b', cli::Takes::kValue, "DIR", "where to write it; default: the working directory"},
    {"rootless", 0, cli::Takes::kNothing, "", "for a user other than root"},
};

constexpr char kConfig[] = "config.json";

Value Mapping(uint32_t id) {
  return Value::Array({Value::Object({{"containerID", Value::Number(0)},
                                      {"hostID", Value::Number(id)},
                                      {"size", Value::Number(1)}})});
}

// The host's network stays, and only with it may the host's /sys be there.
void ChangeNamespaces(Value* config) {
  Value::Elements kept;
  for (const Value& each : config->Find({"linux", "namespaces"})->elements()) {
    if (each.Find("type")->text() != "network") kept.push_back(each);
  }
  kept.push_back(Value::Object({{"type", Value::String("user")}}));
  config->Make({"linux"}).Set("namespaces", Value::Array(std::move(kept)));
}

void ChangeMount(Value* mount) {
  if (mount->Find("destination")->text() == "/sys") {
    mount->Set("type", Value::String("none"));
    mount->Set("source", Value::String("/sys"));
    mount->Set("options", Value::Strings({"rbind", "nosuid", "noexec", "nodev", "ro"}));
    return;
  }
  Value::Elements kept;
  for (const Value& option : mount->Find("options")->elements()) {
    if (absl::StartsWith(option.text(), "gid=") || absl::StartsWith(option.text(), "uid="))
      continue;
    kept.push_back(option);
  }
  mount->Set("options", Value::Array(std::move(kept)));
}

absl::StatusOr<int> Run(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "spec", 0, 0));
  Value config = StarterConfig();
  if (call.own.Has("rootless")) MakeRootless(::geteuid(), ::getegid(), &config);
  const std::string bundle = call.own.Get("bundle").empty() ? "." : call.own.Get("bundle");
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd dir, base::OpenDirAt(AT_FDCWD, bundle));
  const base::UniqueFd file(
      ::openat(dir.get(), kConfig, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.valid() && errno == EEXIST) {
    return base::Error(absl::StatusCode::kAlreadyExists, "E_EXISTS",
                       absl::StrCat("file ", kConfig, " exists. Remove it first"));
  }
  if (!file.valid()) return base::PosixError(errno, kConfig, "open");
  const absl::Status written =
      base::WriteAll(file.get(), absl::StrCat(json::PrintIndented(config), "\n"), kConfig);
  if (written.ok()) return 0;
  ::unlinkat(dir.get(), kConfig, 0);
  return written;
}

}  // namespace

json::Value StarterConfig() {
  const Value defaults = oci::DefaultConfig();
  Value config = Value::Object();
  for (const auto& [key, value] : defaults.members()) {
    if (key == "stave") continue;
    config.Set(key, value);
    if (key != "process") continue;
    config.Set("root",
               Value::Object({{"path", Value::String("rootfs")}, {"readonly", Value::Bool(true)}}));
    config.Set("hostname", Value::String("stave"));
  }
  oci::SetArgs({"sh"}, &config);
  oci::SetEnv("TERM=xterm", &config).IgnoreError();  // its form is right
  config.Make({"process"}).Set("terminal", Value::Bool(true));
  return config;
}

void MakeRootless(uid_t uid, gid_t gid, json::Value* config) {
  ChangeNamespaces(config);
  Value& in_linux = config->Make({"linux"});
  in_linux.Set("uidMappings", Mapping(uid));
  in_linux.Set("gidMappings", Mapping(gid));
  in_linux.Remove("resources");
  config->Make({"process", "user"}).Remove("additionalGids");  // setgroups(2) is not allowed
  for (Value& mount : config->Find("mounts")->elements()) ChangeMount(&mount);
}

cli::Verb SpecVerb() {
  return {Table("spec", "[OPTION...]", "write a config.json to begin with", kOptions), Run};
}

}  // namespace stave::stave_oci

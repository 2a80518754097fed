// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/features.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"
#include "libs/capability/capability.h"
#include "libs/cli/program.h"
#include "libs/json/parse.h"
#include "libs/mount/options.h"
#include "libs/seccomp/compile.h"
#include "tools/stave-oci/call.h"
#include "tools/stave-oci/commands.h"

namespace stave::stave_oci {
namespace {

using json::Value;

Value Enabled(bool enabled) { return Value::Object({{"enabled", Value::Bool(enabled)}}); }

Value CgroupFeatures() {
  return Value::Object({{"v1", Value::Bool(true)},
                        {"v2", Value::Bool(true)},
                        {"systemd", Value::Bool(true)},
                        {"systemdUser", Value::Bool(false)},
                        {"rdma", Value::Bool(true)}});
}

Value SeccompFeatures() {
  return Value::Object({{"enabled", Value::Bool(true)},
                        {"actions", Value::Strings(seccomp::ActionNames())},
                        {"operators", Value::Strings(seccomp::OperatorNames())},
                        {"archs", Value::Strings(seccomp::ArchitectureNames())},
                        {"knownFlags", Value::Strings(seccomp::FlagNames())},
                        {"supportedFlags", Value::Strings(seccomp::FlagNames())}});
}

Value LinuxFeatures() {
  Value features = Value::Object();
  features.Set("namespaces",
               Value::Strings({"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}));
  features.Set("capabilities", Value::Strings(capability::AllNames()));
  features.Set("cgroup", CgroupFeatures());
  features.Set("seccomp", SeccompFeatures());
  features.Set("apparmor", Enabled(true));
  features.Set("selinux", Enabled(true));
  features.Set("intelRdt", Enabled(false));
  features.Set("memoryPolicy",
               Value::Object({{"modes", Value::Array()}, {"flags", Value::Array()}}));
  features.Set("mountExtensions", Value::Object({{"idmap", Enabled(true)}}));
  features.Set("netDevices", Enabled(false));
  return features;
}

absl::StatusOr<int> Run(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "features", 0, 0));
  STAVE_RETURN_IF_ERROR(Print(absl::StrCat(json::PrintIndented(Features(), 4), "\n")));
  return 0;
}

}  // namespace

json::Value Features() {
  Value features = Value::Object();
  features.Set("ociVersionMin", Value::String(kOldestSpec));
  features.Set("ociVersionMax", Value::String(kNewestSpec));
  features.Set("hooks", Value::Strings({"prestart", "createRuntime", "createContainer",
                                        "startContainer", "poststart", "poststop"}));
  features.Set("mountOptions", Value::Strings(mount::KnownOptions()));
  features.Set("linux", LinuxFeatures());
  features.Set(
      "annotations",
      Value::Object(
          {{"io.github.seccomp.libseccomp.version", Value::String(seccomp::LibraryVersion())},
           {"org.opencontainers.runc.checkpoint.enabled", Value::String("false")}}));
  // No annotation changes what is done.
  features.Set("potentiallyUnsafeConfigAnnotations", Value::Array());
  return features;
}

cli::Verb FeaturesVerb() {
  return {Table("features", "", "print what this runtime can do, as JSON", {}), Run};
}

}  // namespace stave::stave_oci

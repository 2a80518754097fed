// SPDX-License-Identifier: Apache-2.0
#include "tools/store-info/versions.h"

#include "absl/strings/str_cat.h"

namespace stave::tools {
namespace {

using json::Value;

// As Go names it.
std::string Arch(const Machine& machine) {
  if (machine.architecture == "x86_64") return "amd64";
  if (machine.architecture == "aarch64") return "arm64";
  return machine.architecture;
}

std::string Line(absl::string_view indent, absl::string_view name, absl::string_view value) {
  constexpr size_t kColumn = 20;
  const std::string head = absl::StrCat(indent, name, ":");
  return absl::StrCat(head, std::string(kColumn - head.size(), ' '), value, "\n");
}

}  // namespace

json::Value VersionsJson(const std::string& stave, const Machine& machine) {
  const Value docker = Value::String(kDockerVersion), os = Value::String("linux");
  const Value arch = Value::String(Arch(machine));
  Value client = Value::Object(
      {{"Version", docker}, {"Os", os}, {"Arch", arch}, {"Context", Value::String("default")}});
  Value component =
      Value::Object({{"Name", Value::String("stave")}, {"Version", Value::String(stave)}});
  Value server = Value::Object({{"Platform", Value::Object({{"Name", Value::String("stave")}})},
                                {"Version", docker},
                                {"Os", os},
                                {"Arch", arch},
                                {"KernelVersion", Value::String(machine.kernel)},
                                {"Components", Value::Array({std::move(component)})}});
  return Value::Object({{"Client", std::move(client)}, {"Server", std::move(server)}});
}

std::string VersionsText(const std::string& stave, const Machine& machine) {
  const std::string system = absl::StrCat("linux/", Arch(machine));
  return absl::StrCat(
      "Client: stave\n", Line(" ", "Version", kDockerVersion), Line(" ", "OS/Arch", system),
      Line(" ", "Context", "default"), "\nServer: stave, without a daemon\n", " Engine:\n",
      Line("  ", "Version", kDockerVersion), Line("  ", "OS/Arch", system),
      Line("  ", "Kernel", machine.kernel), " stave:\n", Line("  ", "Version", stave));
}

}  // namespace stave::tools

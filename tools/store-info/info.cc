// SPDX-License-Identifier: Apache-2.0
#include "tools/store-info/info.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "tools/store-info/versions.h"

namespace stave::tools {
namespace {

using json::Value;
using Texts = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr char kDriver[] = "overlay2";
constexpr char kLogDriver[] = "json-file";
constexpr char kCgroupDriver[] = "cgroupfs";
constexpr char kRuntime[] = "stave";
constexpr char kIndexServer[] = "https://index.docker.io/v1/";

Texts LogDrivers() { return {"journald", "json-file", "none"}; }

Texts Networks() { return {"container", "host", "none"}; }

Pairs DriverStatus(const Facts& facts) {
  return {{"Backing Filesystem", facts.file_system},
          {"Supports d_type", "true"},
          {"userxattr", facts.is_root ? "false" : "true"}};
}

// "name=seccomp,profile=builtin"
Texts SecurityOptions(const Facts& facts) {
  Texts options;
  if (facts.machine.has_seccomp) options.push_back("name=seccomp,profile=builtin");
  if (!facts.is_root) options.push_back("name=rootless");
  options.push_back("name=cgroupns");
  return options;
}

Value ClientJson(const Facts& facts) {
  return Value::Object({{"Debug", Value::Bool(false)},
                        {"Version", Value::String(facts.version)},
                        {"Context", Value::String("default")},
                        {"Plugins", Value::Array()},
                        {"Warnings", Value()}});
}

void AddMachine(const Facts& facts, Value* json) {
  const Machine& machine = facts.machine;
  json->Set("KernelVersion", Value::String(machine.kernel));
  json->Set("OperatingSystem", Value::String(machine.operating_system));
  json->Set("OSVersion", Value::String(machine.os_version));
  json->Set("OSType", Value::String("linux"));
  json->Set("Architecture", Value::String(machine.architecture));
  json->Set("IndexServerAddress", Value::String(kIndexServer));
  json->Set("NCPU", Value::Number(machine.cpus));
  json->Set("MemTotal", Value::Number(machine.memory));
  json->Set("DockerRootDir", Value::String(facts.root));
  json->Set("Name", Value::String(machine.name));
}

// " Name: value" for each of the pairs, but for empty values.
void AddLines(absl::string_view indent, const Pairs& pairs, std::string* text) {
  for (const auto& [name, value] : pairs) {
    if (value.empty()) continue;
    absl::StrAppend(text, indent, name, ": ", base::Printable(value, 4096), "\n");
  }
}

std::string SecurityText(const Facts& facts) {
  std::string text = " Security Options:\n";
  if (facts.machine.has_seccomp) absl::StrAppend(&text, "  seccomp\n   Profile: builtin\n");
  if (!facts.is_root) absl::StrAppend(&text, "  rootless\n");
  absl::StrAppend(&text, "  cgroupns\n");
  return text;
}

}  // namespace

Value InfoJson(const Facts& facts) {
  Value json = Value::Object();
  json.Set("Containers", Value::Number(facts.running + facts.paused + facts.stopped));
  json.Set("ContainersRunning", Value::Number(facts.running));
  json.Set("ContainersPaused", Value::Number(facts.paused));
  json.Set("ContainersStopped", Value::Number(facts.stopped));
  json.Set("Images", Value::Number(facts.images));
  json.Set("Driver", Value::String(kDriver));
  Value status = Value::Array();
  for (const auto& [name, value] : DriverStatus(facts)) {
    status.elements().push_back(Value::Strings({name, value}));
  }
  json.Set("DriverStatus", std::move(status));
  json.Set("Plugins", Value::Object({{"Volume", Value::Strings({})},
                                     {"Network", Value::Strings(Networks())},
                                     {"Authorization", Value()},
                                     {"Log", Value::Strings(LogDrivers())}}));
  json.Set("Debug", Value::Bool(false));
  json.Set("LoggingDriver", Value::String(kLogDriver));
  json.Set("CgroupDriver", Value::String(kCgroupDriver));
  json.Set("CgroupVersion", Value::String(facts.machine.cgroup_version));
  AddMachine(facts, &json);
  json.Set("Labels", Value::Array());
  json.Set("ExperimentalBuild", Value::Bool(false));
  json.Set("ServerVersion", Value::String(kDockerVersion));
  json.Set("Runtimes", Value::Object({{kRuntime, Value::Object()}}));
  json.Set("DefaultRuntime", Value::String(kRuntime));
  json.Set("Swarm", Value::Object({{"LocalNodeState", Value::String("inactive")}}));
  json.Set("LiveRestoreEnabled", Value::Bool(true));
  json.Set("InitBinary", Value::String(""));
  json.Set("SecurityOptions", Value::Strings(SecurityOptions(facts)));
  json.Set("Warnings", facts.warnings.empty() ? Value() : Value::Strings(facts.warnings));
  json.Set("ClientInfo", ClientJson(facts));
  return json;
}

std::string InfoText(const Facts& facts) {
  const Machine& machine = facts.machine;
  std::string text = absl::StrCat("Client: stave\n Version:    ", facts.version,
                                  "\n Context:    default\n Debug Mode: false\n\nServer:\n");
  AddLines(" ", {{"Containers", absl::StrCat(facts.running + facts.paused + facts.stopped)}},
           &text);
  AddLines("  ",
           {{"Running", absl::StrCat(facts.running)},
            {"Paused", absl::StrCat(facts.paused)},
            {"Stopped", absl::StrCat(facts.stopped)}},
           &text);
  AddLines(" ",
           {{"Images", absl::StrCat(facts.images)},
            {"Server Version", kDockerVersion},
            {"Storage Driver", kDriver}},
           &text);
  AddLines("  ", DriverStatus(facts), &text);
  AddLines(" ",
           {{"Logging Driver", kLogDriver},
            {"Cgroup Driver", kCgroupDriver},
            {"Cgroup Version", machine.cgroup_version}},
           &text);
  absl::StrAppend(&text, " Plugins:\n  Volume: \n  Network: ", absl::StrJoin(Networks(), " "),
                  "\n  Log: ", absl::StrJoin(LogDrivers(), " "),
                  "\n Swarm: inactive\n Runtimes: ", kRuntime, "\n Default Runtime: ", kRuntime,
                  "\n Init Binary: \n", SecurityText(facts));
  AddLines(" ",
           {{"Kernel Version", machine.kernel},
            {"Operating System", machine.operating_system},
            {"OSType", "linux"},
            {"Architecture", machine.architecture},
            {"CPUs", absl::StrCat(machine.cpus)},
            {"Total Memory", base::FormatSizeBinary(machine.memory)},
            {"Name", machine.name},
            {"Docker Root Dir", facts.root},
            {"Debug Mode", "false"},
            {"Experimental", "false"},
            {"Live Restore Enabled", "true"}},
           &text);
  return text + "\n";
}

}  // namespace stave::tools

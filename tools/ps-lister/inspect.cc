// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/inspect.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "libs/json/parse.h"
#include "libs/oci/given_mounts.h"
#include "libs/store/record.h"
#include "tools/ps-lister/filter.h"
#include "tools/ps-lister/inspect_config.h"
#include "tools/ps-lister/members.h"

namespace stave::tools {
namespace {

using json::Value;

constexpr char kNever[] = "0001-01-01T00:00:00Z";

Value Text(absl::string_view text) { return Value::String(text); }

Value TimeOrNever(const std::optional<absl::Time>& time) {
  return Text(time ? store::FormatTimestamp(*time) : kNever);
}

int PidOf(const store::ContainerView& view) {
  return view.state && view.state->init ? view.state->init->pid : 0;
}

bool IsEnded(const store::ContainerView& view) {
  return view.status == store::Status::kExited || view.status == store::Status::kRestarting;
}

Value HealthValue(const store::Health& health) {
  Value log = Value::Array();
  for (const store::HealthCheck& check : health.log) {
    log.elements().push_back(Value::Object({{"Start", Text(store::FormatTimestamp(check.start))},
                                            {"End", Text(store::FormatTimestamp(check.end))},
                                            {"ExitCode", Value::Number(check.exit_code)},
                                            {"Output", Text(check.output)}}));
  }
  return Value::Object({{"Status", Text(store::WellnessName(health.status))},
                        {"FailingStreak", Value::Number(health.failing_streak)},
                        {"Log", std::move(log)}});
}

Value StateOf(const Facts& facts) {
  const store::ContainerView& view = facts.view;
  const absl::string_view status = StateText(view);
  Value state = Value::Object();
  state.Set("Status", Text(status));
  state.Set("Running", Value::Bool(store::IsLive(view.status)));
  state.Set("Paused", Value::Bool(view.marked_paused));
  state.Set("Restarting", Value::Bool(view.status == store::Status::kRestarting));
  state.Set("OOMKilled", Value::Bool(view.exit.has_value() && view.exit->oom));
  state.Set("Dead", Value::Bool(status == "dead"));
  state.Set("Pid", Value::Number(PidOf(view)));
  const bool failed = view.exit.has_value() && view.exit->error.has_value();  // its last start
  state.Set("ExitCode", Value::Number(IsEnded(view) || failed ? ExitCode(view).value_or(-1) : 0));
  state.Set("Error", Text(failed ? view.exit->error->message : ""));
  state.Set("StartedAt", TimeOrNever(Started(view)));
  state.Set("FinishedAt", TimeOrNever(Finished(view)));
  state.Set("Health", facts.health ? HealthValue(*facts.health) : Value());
  return state;
}

// --- files -------------------------------------------------------------------------------------

Value GraphDriver(const Facts& facts) {
  std::vector<std::string> lower;
  for (const std::string& key : WordsAt(facts.document, {"stave", "image", "layers"})) {
    lower.push_back(absl::StrCat(facts.layers, "/", absl::StripPrefix(key, "sha256:"), "/fs"));
  }
  std::reverse(lower.begin(), lower.end());  // the top one first
  if (lower.empty()) lower.push_back(TextAt(facts.document, {"root", "path"}));
  const int pid = PidOf(facts.view);
  Value data = Value::Object();
  data.Set("ID", Text(facts.view.record.id));
  data.Set("LowerDir", Text(absl::StrJoin(lower, ":")));
  data.Set("MergedDir", Text(pid == 0 ? "" : absl::StrCat("/proc/", pid, "/root")));
  data.Set("UpperDir", Text(absl::StrCat(facts.folder, "/upper")));
  data.Set("WorkDir", Text(absl::StrCat(facts.folder, "/work")));
  return Value::Object({{"Data", std::move(data)}, {"Name", Text("overlay2")}});
}

// Docker's Mode of a bind: what was asked for behind the second colon.
Value MountValue(const oci::GivenMount& mount) {
  std::vector<std::string> mode;
  std::string propagation = "rprivate";
  bool writable = true;
  for (const std::string& option : mount.options) {
    const absl::string_view plain = absl::StripPrefix(option, "r");
    if (plain == "private" || plain == "shared" || plain == "slave") propagation = option;
    if (option == "ro") writable = false;
    const bool usual =
        option == "rbind" || option == "bind" || option == "rprivate" || option == "rw";
    if (!usual) mode.push_back(option);
  }
  return Value::Object({{"Type", Text(mount.type)},
                        {"Source", Text(mount.source)},
                        {"Destination", Text(mount.destination)},
                        {"Mode", Text(absl::StrJoin(mode, ","))},
                        {"RW", Value::Bool(writable)},
                        {"Propagation", Text(propagation)}});
}

Value MountsOf(const Value& document) {
  Value mounts = Value::Array();
  for (const oci::GivenMount& mount : oci::GivenMounts(document)) {
    if (mount.type == "bind") mounts.elements().push_back(MountValue(mount));
  }
  return mounts;
}

// --- network -----------------------------------------------------------------------------------

// Of a network without addresses.
Value Endpoint() {
  Value endpoint = Value::Object();
  for (const char* name : {"IPAMConfig", "Links", "Aliases"}) endpoint.Set(name, Value());
  endpoint.Set("MacAddress", Text(""));
  endpoint.Set("DriverOpts", Value());
  endpoint.Set("GwPriority", Value::Number(0));
  for (const char* name : {"NetworkID", "EndpointID", "Gateway", "IPAddress"}) {
    endpoint.Set(name, Text(""));
  }
  endpoint.Set("IPPrefixLen", Value::Number(0));
  for (const char* name : {"IPv6Gateway", "GlobalIPv6Address"}) endpoint.Set(name, Text(""));
  endpoint.Set("GlobalIPv6PrefixLen", Value::Number(0));
  endpoint.Set("DNSNames", Value());
  return endpoint;
}

Value PortsValue(const store::ContainerView& view) {
  Value ports = Value::Object();
  if (PortsCell(view).empty()) return ports;
  for (const std::string& port : view.record.ports) ports.Set(port, Value());
  return ports;
}

Value NetworkSettings(const store::ContainerView& view) {
  const int pid = PidOf(view);
  const std::string name = NetworksText(view.record);
  Value networks = Value::Object();
  if (!name.empty()) networks.Set(name, Endpoint());
  Value settings = Value::Object();
  settings.Set("Bridge", Text(""));
  settings.Set("SandboxID", Text(""));
  settings.Set("SandboxKey", Text(pid == 0 ? "" : absl::StrCat("/proc/", pid, "/ns/net")));
  settings.Set("Ports", PortsValue(view));
  settings.Set("HairpinMode", Value::Bool(false));
  settings.Set("LinkLocalIPv6Address", Text(""));
  settings.Set("LinkLocalIPv6PrefixLen", Value::Number(0));
  settings.Set("SecondaryIPAddresses", Value());
  settings.Set("SecondaryIPv6Addresses", Value());
  for (const char* member : {"EndpointID", "Gateway", "GlobalIPv6Address"}) {
    settings.Set(member, Text(""));
  }
  settings.Set("GlobalIPv6PrefixLen", Value::Number(0));
  settings.Set("IPAddress", Text(""));
  settings.Set("IPPrefixLen", Value::Number(0));
  settings.Set("IPv6Gateway", Text(""));
  settings.Set("MacAddress", Text(""));
  settings.Set("Networks", std::move(networks));
  return settings;
}

// --- the whole ---------------------------------------------------------------------------------

Value OwnMember(const Facts& facts) {
  const store::ContainerView& view = facts.view;
  const bool watched = view.state && view.state->runner;
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? Value() : Text(text);
  };
  Value own = Value::Object();
  own.Set("bundle", Text(facts.folder));
  own.Set("config", Text(absl::StrCat(facts.folder, "/config.json")));
  own.Set("cgroup", view.state ? text_or_null(view.state->cgroup) : Value());
  own.Set("watcher", watched ? Value::Number(view.state->runner->pid) : Value());
  own.Set("reference", Text(view.record.image));
  own.Set("manifest", text_or_null(view.record.image_digest));
  return own;
}

void SetIdentity(const Facts& facts, Value* object) {
  const store::Record& record = facts.view.record;
  std::vector<std::string> args = WordsAt(facts.document, {"process", "args"});
  if (args.empty()) args = record.command;
  const bool damaged = IsDamaged(facts.view);
  object->Set("Id", Text(record.id));
  object->Set("Created", Text(damaged ? kNever : store::FormatTimestamp(record.created)));
  object->Set("Path", Text(args.empty() ? "" : args[0]));
  if (!args.empty()) args.erase(args.begin());
  object->Set("Args", Value::Strings(args));
  object->Set("State", StateOf(facts));
  object->Set("Image", Text(record.image_id.empty() ? record.image : record.image_id));
  object->Set("ResolvConfPath", Text(oci::HostFileOf(facts.document, "/etc/resolv.conf")));
  object->Set("HostnamePath", Text(oci::HostFileOf(facts.document, "/etc/hostname")));
  object->Set("HostsPath", Text(oci::HostFileOf(facts.document, "/etc/hosts")));
  object->Set("LogPath", Text(facts.log));
  object->Set("Name", Text(absl::StrCat("/", record.name)));
}

int64_t RestartCount(const store::ContainerView& view) {
  if (view.state) return view.state->restarts;
  return view.exit ? view.exit->restarts : 0;
}

template <typename T>
Value Parsed(const std::optional<T>& what, std::string (*format)(const T&)) {
  if (!what) return Value();
  auto value = json::Parse(format(*what));
  return value.ok() ? *std::move(value) : Value();
}

}  // namespace

json::Value Inspect(const Facts& facts) {
  const store::Record& record = facts.view.record;
  Value object = Value::Object();
  SetIdentity(facts, &object);
  object.Set("RestartCount", Value::Number(RestartCount(facts.view)));
  object.Set("Driver", Text("overlay2"));
  object.Set("Platform", Text("linux"));
  object.Set("MountLabel", Text(TextAt(facts.document, {"linux", "mountLabel"})));
  object.Set("ProcessLabel", Text(TextAt(facts.document, {"process", "selinuxLabel"})));
  object.Set("AppArmorProfile", Text(TextAt(facts.document, {"process", "apparmorProfile"})));
  object.Set("ExecIDs", Value());
  object.Set("HostConfig", HostConfigOf(facts.document, record));
  object.Set("GraphDriver", GraphDriver(facts));
  object.Set("SizeRw", facts.sizes ? Value::Number(facts.sizes->written) : Value());
  object.Set("SizeRootFs", facts.sizes ? Value::Number(facts.sizes->whole) : Value());
  object.Set("Mounts", MountsOf(facts.document));
  object.Set("Config", ConfigOf(facts.document, record));
  object.Set("NetworkSettings", NetworkSettings(facts.view));
  object.Set("stave", OwnMember(facts));
  return object;
}

json::Value WithoutNulls(json::Value object) {
  for (const char* name : {"SizeRw", "SizeRootFs"}) {
    const Value* size = object.Find(name);
    if (size != nullptr && size->is_null()) object.Remove(name);
  }
  Value* state = object.Find("State");
  const Value* health = state == nullptr ? nullptr : state->Find("Health");
  if (health != nullptr && health->is_null()) state->Remove("Health");
  return object;
}

const templates::Shape& InspectShape() {
  using templates::Element;
  static constexpr templates::MapShape kMaps[] = {
      {"Config.ExposedPorts", Element::kStruct, "nat.Port"},
      {"Config.Labels", Element::kString},
      {"Config.Volumes", Element::kStruct},
      {"GraphDriver.Data", Element::kString},
      {"HostConfig.LogConfig.Config", Element::kString},
      {"HostConfig.PortBindings", Element::kList, "nat.Port"},
      {"HostConfig.Sysctls", Element::kString},
      {"HostConfig.Tmpfs", Element::kString},
      {"NetworkSettings.Networks", Element::kStruct},
      {"NetworkSettings.Networks.*.DriverOpts", Element::kString},
      {"NetworkSettings.Ports", Element::kList, "nat.Port"},
  };
  static constexpr absl::string_view kPointers[] = {
      "State.Health",
      "SizeRw",
      "SizeRootFs",
      "HostConfig.MemorySwappiness",
      "HostConfig.OomKillDisable",
      "HostConfig.PidsLimit",
      "NetworkSettings.Networks.*.IPAMConfig",
  };
  static constexpr templates::Shape kShape = {"container.InspectResponse", kMaps, kPointers};
  return kShape;
}

json::Value OwnWords(const Facts& facts, json::Value line) {
  Value object = Value::Object();
  object.Set("container", std::move(line));
  object.Set("state", Parsed(facts.view.state, store::FormatState));
  object.Set("exit", Parsed(facts.view.exit, store::FormatExit));
  object.Set("health", Parsed(facts.health, store::FormatHealth));
  object.Set("document", facts.document);
  return object;
}

}  // namespace stave::tools

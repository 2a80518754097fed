// SPDX-License-Identifier: Apache-2.0
#include <initializer_list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "libs/base/number.h"
#include "libs/capability/capability.h"
#include "libs/oci/default_config.h"
#include "libs/oci/given_mounts.h"
#include "libs/oci/life_member.h"
#include "libs/oci/process.h"
#include "tools/ps-lister/inspect_config.h"
#include "tools/ps-lister/members.h"

namespace stave::tools {
namespace {

using json::Value;
using Words = std::vector<std::string>;

constexpr int64_t kUsualPeriod = 100000;  // microseconds
constexpr int64_t kDefaultShm = int64_t{64} << 20;
constexpr char kOwnParent[] = "/stave";  // of the cgroups that nobody has asked to be elsewhere

void SetAll(std::initializer_list<const char*> names, const Value& value, Value* config) {
  for (const char* name : names) config->Set(name, value);
}

// --- isolation ---------------------------------------------------------------------------------

// `own` for a namespace of its own, "host" without one, "container:NAME" or "ns:PATH" of a joined
// one.
std::string NamespaceMode(const Value& document, absl::string_view type, absl::string_view own) {
  const std::string shared = TextAt(document, {"stave", type, "mode"});
  if (!shared.empty()) return shared;
  const Value namespaces = ListAt(document, {"linux", "namespaces"});
  for (const Value& one : namespaces.elements()) {
    if (TextAt(one, {"type"}) != type) continue;
    const std::string path = TextAt(one, {"path"});
    return path.empty() ? std::string(own) : absl::StrCat("ns:", path);
  }
  return "host";
}

Words Missing(const Words& from, const Words& in) {
  const std::set<std::string> there(in.begin(), in.end());
  Words missing;
  for (const std::string& word : from) {
    if (!there.contains(word)) missing.push_back(word);
  }
  return missing;
}

bool HasAll(const Words& capabilities) {
  const Words all = capability::AllNames();
  return Missing(all, capabilities).empty();
}

void SetCapabilities(const Value& document, Value* config) {
  const Words bounding = oci::BoundingCapabilities(document);
  const Words usual = oci::DefaultCapabilities();
  Words add = Missing(bounding, usual), drop = Missing(usual, bounding);
  if (HasAll(bounding)) add = {"ALL"};
  if (bounding.empty() && document.Find("process") != nullptr) drop = {"ALL"};
  config->Set("CapAdd", WordsOrNull(add));
  config->Set("CapDrop", WordsOrNull(drop));
}

bool IsConfined(const Value& document) {
  const Value* filter = document.Find({"linux", "seccomp"});
  return filter != nullptr && filter->is_object();
}

bool IsPrivileged(const Value& document) {
  return HasAll(oci::BoundingCapabilities(document)) && !IsConfined(document) &&
         ListAt(document, {"linux", "maskedPaths"}).elements().empty();
}

Words SecurityOptions(const Value& document) {
  Words options;
  if (!document.is_object() || IsPrivileged(document)) return options;
  if (FlagAt(document, {"process", "noNewPrivileges"})) options.push_back("no-new-privileges");
  if (!IsConfined(document)) options.push_back("seccomp=unconfined");
  const std::string profile = TextAt(document, {"process", "apparmorProfile"});
  if (!profile.empty()) options.push_back(absl::StrCat("apparmor=", profile));
  if (ListAt(document, {"linux", "maskedPaths"}).elements().empty()) {
    options.push_back("systempaths=unconfined");
  }
  return options;
}

// --- mounts ------------------------------------------------------------------------------------

Value Binds(const std::vector<oci::GivenMount>& mounts) {
  Words binds;
  for (const oci::GivenMount& mount : mounts) {
    if (mount.type != "bind") continue;
    Words options;
    for (const std::string& option : mount.options) {
      const bool usual =
          option == "rbind" || option == "bind" || option == "rprivate" || option == "rw";
      if (!usual) options.push_back(option);
    }
    binds.push_back(absl::StrCat(mount.source, ":", mount.destination, options.empty() ? "" : ":",
                                 absl::StrJoin(options, ",")));
  }
  return WordsOrNull(binds);
}

Value Tmpfs(const std::vector<oci::GivenMount>& mounts) {
  Value tmpfs = Value::Object();
  for (const oci::GivenMount& mount : mounts) {
    if (mount.type != "tmpfs") continue;
    tmpfs.Set(mount.destination, Value::String(absl::StrJoin(mount.options, ",")));
  }
  return tmpfs;
}

int64_t ShmSize(const Value& document) {
  const Value mounts = ListAt(document, {"mounts"});
  for (const Value& mount : mounts.elements()) {
    if (TextAt(mount, {"destination"}) != "/dev/shm") continue;
    for (const std::string& option : WordsAt(mount, {"options"})) {
      absl::string_view size = option;
      if (absl::ConsumePrefix(&size, "size=")) return base::ParseSize(size).value_or(kDefaultShm);
    }
  }
  return kDefaultShm;
}

// --- resources ---------------------------------------------------------------------------------

void SetCpu(const Value& resources, Value* config) {
  const int64_t quota = IntegerAt(resources, {"cpu", "quota"});
  int64_t period = IntegerAt(resources, {"cpu", "period"});
  const bool as_cpus = quota > 0 && (period == 0 || period == kUsualPeriod);
  if (as_cpus) period = 0;
  config->Set("CpuShares", Value::Number(IntegerAt(resources, {"cpu", "shares"})));
  config->Set("Memory", Value::Number(IntegerAt(resources, {"memory", "limit"})));
  config->Set("NanoCpus", Value::Number(as_cpus ? quota * 1000000000 / kUsualPeriod : 0));
  config->Set("CgroupParent", Value::String(""));
  config->Set("BlkioWeight", Value::Number(IntegerAt(resources, {"blockIO", "weight"})));
  SetAll({"BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps",
          "BlkioDeviceWriteIOps"},
         Value::Array(), config);
  config->Set("CpuPeriod", Value::Number(period));
  config->Set("CpuQuota", Value::Number(as_cpus ? 0 : quota));
  config->Set("CpuRealtimePeriod", Value::Number(IntegerAt(resources, {"cpu", "realtimePeriod"})));
  config->Set("CpuRealtimeRuntime",
              Value::Number(IntegerAt(resources, {"cpu", "realtimeRuntime"})));
  config->Set("CpusetCpus", Value::String(TextAt(resources, {"cpu", "cpus"})));
  config->Set("CpusetMems", Value::String(TextAt(resources, {"cpu", "mems"})));
}

Value Ulimits(const Value& document) {
  Value limits = Value::Array();
  const Value rlimits = ListAt(document, {"process", "rlimits"});
  for (const Value& limit : rlimits.elements()) {
    const std::string type = TextAt(limit, {"type"});
    Value one = Value::Object();
    one.Set("Name", Value::String(absl::AsciiStrToLower(absl::StripPrefix(type, "RLIMIT_"))));
    one.Set("Hard", Value::Number(IntegerAt(limit, {"hard"})));
    one.Set("Soft", Value::Number(IntegerAt(limit, {"soft"})));
    limits.elements().push_back(std::move(one));
  }
  return limits;
}

Value Devices(const Value& document) {
  Value devices = Value::Array();
  const Value list = ListAt(document, {"linux", "devices"});
  for (const Value& device : list.elements()) {
    const Value path = Value::String(TextAt(device, {"path"}));
    devices.elements().push_back(Value::Object({{"PathOnHost", path},
                                                {"PathInContainer", path},
                                                {"CgroupPermissions", Value::String("rwm")}}));
  }
  return devices;
}

Value NumberOrNull(const Value& resources, MemberPath path) {
  const Value* value = resources.Find(path);
  if (value == nullptr || !value->is_number()) return Value();
  const int64_t number = value->AsInt64().value_or(-1);
  return number < 0 ? Value() : Value::Number(number);
}

void SetResources(const Value& document, Value* config) {
  const Value* found = document.Find({"linux", "resources"});
  const Value resources = found == nullptr ? Value::Object() : *found;
  SetCpu(resources, config);
  config->Set("Devices", Devices(document));
  SetAll({"DeviceCgroupRules", "DeviceRequests"}, Value(), config);
  config->Set("MemoryReservation", Value::Number(IntegerAt(resources, {"memory", "reservation"})));
  config->Set("MemorySwap", Value::Number(IntegerAt(resources, {"memory", "swap"})));
  config->Set("MemorySwappiness", NumberOrNull(resources, {"memory", "swappiness"}));
  const Value* oom = resources.Find({"memory", "disableOOMKiller"});
  config->Set("OomKillDisable", oom == nullptr ? Value() : Value::Bool(oom->boolean()));
  config->Set("PidsLimit", NumberOrNull(resources, {"pids", "limit"}));
  config->Set("Ulimits", Ulimits(document));
  SetAll({"CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth"}, Value::Number(0),
         config);
}

// --- life --------------------------------------------------------------------------------------

Value LogConfig(const Value& document, const oci::Life& life) {
  Value options = Value::Object();
  const Value* log = document.Find({"stave", "life", "log"});
  const auto given = [&](absl::string_view key) {
    return log != nullptr && log->Find(key) != nullptr;
  };
  if (given("maxSize")) options.Set("max-size", Value::String(absl::StrCat(life.log.max_size)));
  if (given("maxFile")) options.Set("max-file", Value::String(absl::StrCat(life.log.max_file)));
  if (given("tag")) options.Set("tag", Value::String(life.log.tag));
  Value config = Value::Object();
  config.Set("Type", Value::String(life.log.driver));
  config.Set("Config", std::move(options));
  return config;
}

void SetLife(const Value& document, const store::Record& record, const oci::Life& life,
             Value* config) {
  config->Set("ContainerIDFile", Value::String(""));
  config->Set("LogConfig", LogConfig(document, life));
  config->Set("NetworkMode", Value::String(record.network.empty() ? "none" : record.network));
  config->Set("PortBindings", Value::Object());
  std::string policy = oci::FormatRestart(life.restart);
  policy = policy.substr(0, policy.find(':'));
  config->Set("RestartPolicy",
              Value::Object({{"Name", Value::String(policy)},
                             {"MaximumRetryCount", Value::Number(life.restart.retries)}}));
  config->Set("AutoRemove", Value::Bool(record.rm));
  config->Set("VolumeDriver", Value::String(""));
  config->Set("VolumesFrom", Value());
  config->Set("ConsoleSize", Value::Array({Value::Number(0), Value::Number(0)}));
}

void SetIsolation(const Value& document, Value* config) {
  SetCapabilities(document, config);
  config->Set("CgroupnsMode", Value::String(NamespaceMode(document, "cgroup", "private")));
  SetAll({"Dns", "DnsOptions", "DnsSearch"}, Value::Array(), config);
  SetAll({"ExtraHosts", "GroupAdd"}, Value(), config);
  config->Set("IpcMode", Value::String(NamespaceMode(document, "ipc", "private")));
  config->Set("Cgroup", Value::String(""));
  config->Set("Links", Value());
  config->Set("OomScoreAdj", Value::Number(IntegerAt(document, {"process", "oomScoreAdj"})));
  config->Set("PidMode", Value::String(NamespaceMode(document, "pid", "")));
  config->Set("Privileged", Value::Bool(IsPrivileged(document)));
  config->Set("PublishAllPorts", Value::Bool(false));
  config->Set("ReadonlyRootfs", Value::Bool(FlagAt(document, {"stave", "rootfs", "readonly"}) ||
                                            FlagAt(document, {"root", "readonly"})));
  config->Set("SecurityOpt", WordsOrNull(SecurityOptions(document)));
}

std::string CgroupParent(const Value& document, const std::string& id) {
  const std::string path = TextAt(document, {"linux", "cgroupsPath"});
  const absl::string_view parent = absl::StripSuffix(path, absl::StrCat("/", id));
  return parent == kOwnParent ? "" : std::string(parent);
}

}  // namespace

json::Value HostConfigOf(const json::Value& document, const store::Record& record) {
  const auto known = oci::GetLife(document);
  const oci::Life life = known.ok() ? *known : oci::Life();
  const std::vector<oci::GivenMount> mounts = oci::GivenMounts(document);
  Value config = Value::Object();
  config.Set("Binds", Binds(mounts));
  SetLife(document, record, life, &config);
  SetIsolation(document, &config);
  if (Value tmpfs = Tmpfs(mounts); !tmpfs.members().empty()) config.Set("Tmpfs", std::move(tmpfs));
  config.Set("UTSMode", Value::String(NamespaceMode(document, "uts", "")));
  const bool remapped = NamespaceMode(document, "user", "private") != "host";
  config.Set("UsernsMode", Value::String(remapped ? "private" : ""));
  config.Set("ShmSize", Value::Number(ShmSize(document)));
  if (const Value* sysctl = document.Find({"linux", "sysctl"});
      sysctl != nullptr && !sysctl->members().empty()) {
    config.Set("Sysctls", *sysctl);
  }
  config.Set("Runtime", Value::String("stave"));
  config.Set("Isolation", Value::String(""));
  SetResources(document, &config);
  config.Set("CgroupParent", Value::String(CgroupParent(document, record.id)));
  config.Set("MaskedPaths", ListAt(document, {"linux", "maskedPaths"}));
  config.Set("ReadonlyPaths", ListAt(document, {"linux", "readonlyPaths"}));
  if (life.init) config.Set("Init", Value::Bool(true));
  return config;
}

}  // namespace stave::tools

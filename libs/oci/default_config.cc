// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/default_config.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/oci/default_seccomp.h"
#include "libs/oci/process.h"

namespace stave::oci {
namespace {

using json::Value;

// The newest that Debian 12's crun (1.8.1) takes; its runc (1.1.5) takes any.
constexpr char kOciVersion[] = "1.1.0";
constexpr int kUmask = 022;
constexpr int kPidsLimit = 4096;

constexpr const char* kCapabilities[] = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};

struct Mount {
  const char* destination;
  const char* type;
  const char* source;
  const char* options;
};

constexpr Mount kMounts[] = {
    {"/proc", "proc", "proc", "nosuid,noexec,nodev"},
    {"/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"},
    {"/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"},
    {"/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"},
    {"/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid,noexec,nodev"},
    {"/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"},
    {"/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"},
};

constexpr const char* kNamespaces[] = {"pid", "mount", "ipc", "uts", "network", "cgroup"};

constexpr int kAny = -1;

struct Device {
  const char* type;
  int major;
  int minor;
  const char* access;
};

constexpr Device kDevices[] = {
    {"c", kAny, kAny, "m"},  {"b", kAny, kAny, "m"}, {"c", 1, 3, "rwm"},  // null
    {"c", 1, 5, "rwm"},                                                   // zero
    {"c", 1, 7, "rwm"},                                                   // full
    {"c", 1, 8, "rwm"},                                                   // random
    {"c", 1, 9, "rwm"},                                                   // urandom
    {"c", 5, 0, "rwm"},                                                   // tty
    {"c", 5, 1, "rwm"},                                                   // console
    {"c", 5, 2, "rwm"},                                                   // ptmx
    {"c", 136, kAny, "rwm"},                                              // pts
};

constexpr const char* kMasked[] = {
    "/proc/acpi",          "/proc/asound",       "/proc/interrupts",
    "/proc/kallsyms",      "/proc/kcore",        "/proc/keys",
    "/proc/latency_stats", "/proc/pagetypeinfo", "/proc/sched_debug",
    "/proc/scsi",          "/proc/slabinfo",     "/proc/timer_list",
    "/proc/timer_stats",   "/proc/vmallocinfo",  "/sys/devices/virtual/powercap",
    "/sys/firmware"};

constexpr const char* kReadonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                     "/proc/sysrq-trigger"};

template <size_t N>
Value List(const char* const (&texts)[N]) {
  Value::Elements elements;
  for (const char* text : texts) elements.push_back(Value::String(text));
  return Value::Array(std::move(elements));
}

Value Mounts() {
  Value::Elements mounts;
  for (const Mount& mount : kMounts) {
    Value::Elements options;
    for (const absl::string_view option : absl::StrSplit(mount.options, ',')) {
      options.push_back(Value::String(option));
    }
    mounts.push_back(Value::Object({{"destination", Value::String(mount.destination)},
                                    {"type", Value::String(mount.type)},
                                    {"source", Value::String(mount.source)},
                                    {"options", Value::Array(std::move(options))}}));
  }
  return Value::Array(std::move(mounts));
}

Value Namespaces() {
  Value::Elements namespaces;
  for (const char* type : kNamespaces) {
    namespaces.push_back(Value::Object({{"type", Value::String(type)}}));
  }
  return Value::Array(std::move(namespaces));
}

Value Devices() {
  Value::Elements devices;
  devices.push_back(
      Value::Object({{"allow", Value::Bool(false)}, {"access", Value::String("rwm")}}));
  for (const Device& device : kDevices) {
    Value& rule = devices.emplace_back(Value::Object());
    rule.Set("allow", Value::Bool(true));
    rule.Set("type", Value::String(device.type));
    if (device.major != kAny) rule.Set("major", Value::Number(device.major));
    if (device.minor != kAny) rule.Set("minor", Value::Number(device.minor));
    rule.Set("access", Value::String(device.access));
  }
  return Value::Array(std::move(devices));
}

Value Process() {
  return Value::Object(
      {{"user", Value::Object({{"uid", Value::Number(0)},
                               {"gid", Value::Number(0)},
                               {"umask", Value::Number(kUmask)},
                               {"additionalGids", Value::Array({Value::Number(0)})}})},
       {"args", Value::Array()},
       {"env", Value::Array({Value::String(absl::StrCat("PATH=", kDefaultPath))})},
       {"cwd", Value::String("/")},
       {"capabilities", Value::Object({{"bounding", List(kCapabilities)},
                                       {"effective", List(kCapabilities)},
                                       {"permitted", List(kCapabilities)}})},
       {"noNewPrivileges", Value::Bool(false)}});
}

Value Linux() {
  Value member = Value::Object();
  Value& resources = member.Set("resources", Value::Object());
  resources.Set("devices", Devices());
  resources.Set("pids", Value::Object()).Set("limit", Value::Number(kPidsLimit));
  member.Set("namespaces", Namespaces());
  member.Set("seccomp", DefaultSeccomp(DefaultCapabilities()));
  member.Set("maskedPaths", List(kMasked));
  member.Set("readonlyPaths", List(kReadonly));
  return member;
}

Value WithoutHome() {
  Value document = Value::Object();  // Set moves; an initializer list would copy
  document.Set("ociVersion", Value::String(kOciVersion));
  document.Set("process", Process());
  document.Set("mounts", Mounts());
  document.Set("linux", Linux());
  document.Set("stave", Value::Object()).Set("version", Value::Number(1));
  return document;
}

}  // namespace

std::vector<std::string> DefaultCapabilities() {
  return std::vector<std::string>(std::begin(kCapabilities), std::end(kCapabilities));
}

Value DefaultConfig() {
  Value document = WithoutHome();
  SetUser({0, 0, {0}, "/root"}, &document);
  return document;
}

Value DefaultConfigFor(const ImageConfig& image, const User& user) {
  Value document = WithoutHome();
  for (const std::string& assignment : image.env) {
    SetEnv(assignment, &document).IgnoreError();  // its form is checked by ParseImageConfig
  }
  SetUser(user, &document);
  std::vector<std::string> args = image.entrypoint.value_or(std::vector<std::string>());
  if (image.cmd) args.insert(args.end(), image.cmd->begin(), image.cmd->end());
  SetArgs(args, &document);
  if (!image.working_dir.empty()) {
    document.Make({"process"}).Set("cwd", Value::String(image.working_dir));
  }
  return document;
}

}  // namespace stave::oci

// SPDX-License-Identifier: Apache-2.0
#include "tools/ns-run/sharing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/listing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/capability/capability.h"
#include "libs/oci/process.h"
#include "libs/oci/stave_member.h"
#include "tools/ns-run/array_member.h"

namespace stave::tools {
namespace {

using json::Value;

constexpr uint32_t kPermissions = 0777;
constexpr int kDeepest = 4;

absl::Status Wrong(absl::string_view option, absl::string_view text, absl::string_view why) {
  return cli::UsageError(absl::StrCat("--", option, ": ", base::Quoted(text, 128), ": ", why));
}

// --- devices ---------------------------------------------------------------------------------

struct DeviceWish {
  std::string source, destination, access = "rwm";
};

absl::StatusOr<DeviceWish> ParseDevice(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  DeviceWish wish{parts[0], parts[0]};
  const auto is_access = [](absl::string_view word) {
    return !word.empty() && word.find_first_not_of("rwm") == word.npos;
  };
  if (parts.size() == 2 && is_access(parts[1])) {
    wish.access = parts[1];
  } else if (parts.size() >= 2) {
    wish.destination = parts[1];
  }
  if (parts.size() == 3) wish.access = parts[2];
  const bool form = parts.size() <= 3 && is_access(wish.access) &&
                    absl::StartsWith(wish.source, "/") && absl::StartsWith(wish.destination, "/");
  if (!form) return Wrong("device", text, "is no /dev/HOST[:/dev/CONTAINER[:rwm]]");
  return wish;
}

// Whether `st` is of a device; then it is in the document.
bool AddDevice(const std::string& path, const struct stat& st, Value* document) {
  const bool block = S_ISBLK(st.st_mode);
  if (!block && !S_ISCHR(st.st_mode)) return false;
  auto& devices = ArrayMember(document->Make({"linux"}), "devices").elements();
  std::erase_if(devices, [&path](const Value& one) {
    const Value* there = one.Find("path");
    return there != nullptr && there->text() == path;
  });
  devices.push_back(Value::Object({{"path", Value::String(path)},
                                   {"type", Value::String(block ? "b" : "c")},
                                   {"major", Value::Number(major(st.st_rdev))},
                                   {"minor", Value::Number(minor(st.st_rdev))},
                                   {"fileMode", Value::Number(st.st_mode & kPermissions)},
                                   {"uid", Value::Number(st.st_uid)},
                                   {"gid", Value::Number(st.st_gid)}}));
  return true;
}

void AllowDevice(const struct stat& st, const std::string& access, Value* document) {
  ArrayMember(document->Make({"linux", "resources"}), "devices")
      .elements()
      .push_back(Value::Object({{"allow", Value::Bool(true)},
                                {"type", Value::String(S_ISBLK(st.st_mode) ? "b" : "c")},
                                {"major", Value::Number(major(st.st_rdev))},
                                {"minor", Value::Number(minor(st.st_rdev))},
                                {"access", Value::String(access)}}));
}

absl::Status ShareDevice(const std::string& text, Value* document) {
  STAVE_ASSIGN_OR_RETURN(const DeviceWish wish, ParseDevice(text));
  struct stat st;
  if (::stat(wish.source.c_str(), &st) < 0) {
    return base::PosixError(errno, absl::StrCat("--device: ", base::Printable(wish.source)),
                            "stat");
  }
  if (!AddDevice(wish.destination, st, document)) {
    return Wrong("device", wish.source, "is not a device");
  }
  AllowDevice(st, wish.access, document);
  return absl::OkStatus();
}

// What a container has of its own, or what is no device of the machine's.
bool IsOwnDevice(absl::string_view path) {
  for (const char* own :
       {"/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/fd", "/dev/console", "/dev/ptmx", "/dev/null",
        "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}) {
    if (path == own) return true;
  }
  return false;
}

// What cannot be looked at is left out: there is nothing to be had of it.
void AddDevicesBelow(const std::string& folder, int depth, Value* document) {
  if (depth > kDeepest) return;
  auto dir = base::OpenDirAt(AT_FDCWD, folder);
  if (!dir.ok()) return;
  auto names = base::ListNames(*std::move(dir), folder);
  if (!names.ok()) return;
  std::sort(names->begin(), names->end());
  for (const std::string& name : *names) {
    const std::string path = absl::StrCat(folder, "/", name);
    struct stat st;
    if (IsOwnDevice(path) || ::lstat(path.c_str(), &st) < 0) continue;
    if (S_ISDIR(st.st_mode)) {
      AddDevicesBelow(path, depth + 1, document);
    } else {
      AddDevice(path, st, document);
    }
  }
}

// --- namespaces ------------------------------------------------------------------------------

// What --pid and the others may be.
struct Kind {
  const char* option;
  absl::string_view type;  // in linux.namespaces
  bool joins;              // container:NAME
};

constexpr Kind kKinds[] = {{"pid", "pid", true},
                           {"ipc", "ipc", true},
                           {"uts", "uts", false},
                           {"cgroupns", "cgroup", false},
                           {"userns", "user", false}};

bool IsPrivate(const Kind& kind, absl::string_view mode) {
  if (kind.type == "user") return false;  // whose maps would it have?
  return mode == "private" || (mode == "shareable" && kind.type == "ipc");
}

absl::Status CheckMode(const cli::Invocation& given, const Kind& kind) {
  if (!given.Has(kind.option)) return absl::OkStatus();
  const std::string mode = given.Get(kind.option);
  absl::string_view name = mode;
  const bool joins = kind.joins && absl::ConsumePrefix(&name, "container:") && !name.empty();
  if (mode == "host" || IsPrivate(kind, mode) || joins) return absl::OkStatus();
  return Wrong(kind.option, mode,
               kind.type == "ipc"           ? "is none of host, private, shareable, container:NAME"
               : kind.joins                 ? "is none of host, private, container:NAME"
               : IsPrivate(kind, "private") ? "is neither host nor private"
                                            : "is not host");
}

// What would be another's to say.
absl::Status CheckTogether(const cli::Invocation& given) {
  const std::pair<const char*, const char*> of_network[] = {
      {"dns", "dns"},
      {"dns-search", "dns"},
      {"dns-option", "dns"},
      {"add-host", "custom host-to-IP mapping"},
      {"hostname", "hostname"}};
  if (absl::StartsWith(given.Get("network"), "container:")) {
    for (const auto& [option, what] : of_network) {
      if (!given.Has(option)) continue;
      return cli::UsageError(absl::StrCat("conflicting options: ", what, " and the network mode"));
    }
  }
  if (given.Has("shm-size") && absl::StartsWith(given.Get("ipc"), "container:")) {
    return cli::UsageError("--shm-size: with --ipc container:NAME it is that one's");
  }
  for (const char* name : {"hostname", "domainname"}) {
    if (!given.Has(name) || given.Get("uts") != "host") continue;
    return cli::UsageError(absl::StrCat("--", name, ": with --uts host it is the machine's"));
  }
  return absl::OkStatus();
}

void Without(absl::string_view type, Value* document) {
  std::erase_if(ArrayMember(document->Make({"linux"}), "namespaces").elements(),
                [type](const Value& one) {
                  const Value* of = one.Find("type");
                  return of != nullptr && of->text() == type;
                });
}

// One of its own, unless there is one.
void Add(absl::string_view type, Value* document) {
  auto& list = ArrayMember(document->Make({"linux"}), "namespaces").elements();
  for (const Value& one : list) {
    const Value* of = one.Find("type");
    if (of != nullptr && of->text() == type && one.Find("path") == nullptr) return;
  }
  Without(type, document);
  list.push_back(Value::Object({{"type", Value::String(type)}}));
}

// Names the container whose namespace it will be, or forgets that one was named. "shareable" is for
// who shows it.
void SetMode(const Kind& kind, absl::string_view mode, Value* document) {
  const bool forget = mode == "host" || mode == "private";
  if (forget && document->Find({"stave", kind.option, "mode"}) == nullptr) return;
  oci::SetMode(kind.option, forget ? "" : mode, document);
}

// The mount on `path` becomes a bind of the host's.
void BindTheHosts(absl::string_view path, Value* document) {
  for (Value& mount : ArrayMember(*document, "mounts").elements()) {
    const Value* there = mount.Find("destination");
    if (there == nullptr || there->text() != path) continue;
    mount.Set("type", Value::String("bind"));
    mount.Set("source", Value::String(path));
    mount.Set("options", Value::Strings({"rbind", "rprivate", "nosuid", "nodev", "noexec"}));
  }
}

}  // namespace

void MakePrivileged(Value* document) {
  oci::SetCapabilities(capability::AllNames(), document);
  Value& process = document->Make({"process"});
  process.Remove("apparmorProfile");
  process.Remove("selinuxLabel");
  Value& linux = document->Make({"linux"});
  for (const char* member : {"seccomp", "maskedPaths", "readonlyPaths"}) linux.Remove(member);
  document->Make({"linux", "resources"})
      .Set("devices", Value::Array({Value::Object(
                          {{"allow", Value::Bool(true)}, {"access", Value::String("rwm")}})}));
  for (Value& mount : ArrayMember(*document, "mounts").elements()) {
    const Value* type = mount.Find("type");
    if (type == nullptr || (type->text() != "sysfs" && type->text() != "cgroup")) continue;
    std::erase(ArrayMember(mount, "options").elements(), Value::String("ro"));
  }
  AddDevicesBelow("/dev", 0, document);
}

absl::Status CheckSharing(const cli::Invocation& given) {
  for (const std::string& text : given.List("device")) {
    STAVE_RETURN_IF_ERROR(ParseDevice(text).status());
  }
  for (const Kind& kind : kKinds) STAVE_RETURN_IF_ERROR(CheckMode(given, kind));
  return CheckTogether(given);
}

absl::Status Share(const cli::Invocation& given, Value* document) {
  STAVE_RETURN_IF_ERROR(CheckSharing(given));
  for (const std::string& text : given.List("device")) {
    STAVE_RETURN_IF_ERROR(ShareDevice(text, document));
  }
  for (const Kind& kind : kKinds) {
    if (!given.Has(kind.option)) continue;
    const std::string mode = given.Get(kind.option);
    if (kind.joins) SetMode(kind, mode, document);
    if (mode == "host") {
      Without(kind.type, document);
    } else {
      Add(kind.type, document);
    }
  }
  if (given.Get("ipc") == "host") BindTheHosts("/dev/shm", document);
  if (given.Get("uts") == "host") {
    for (const char* name : {"hostname", "domainname"}) document->Remove(name);
  }
  if (given.Get("userns") == "host") {
    for (const char* maps : {"uidMappings", "gidMappings"}) document->Make({"linux"}).Remove(maps);
  }
  return absl::OkStatus();
}

}  // namespace stave::tools

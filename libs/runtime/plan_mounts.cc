// SPDX-License-Identifier: Apache-2.0
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/runtime/plan_parts.h"

namespace stave::runtime::parts {
namespace {

using json::Cursor;

// "/a//b/./" and "/a/b" are one place.
std::string Normal(absl::string_view path) {
  std::vector<absl::string_view> names = absl::StrSplit(path, '/', absl::SkipEmpty());
  names.erase(std::remove(names.begin(), names.end(), "."), names.end());
  return absl::StrCat("/", absl::StrJoin(names, "/"));
}

absl::Status ReadDestination(const Cursor& at, std::string* path) {
  STAVE_ASSIGN_OR_RETURN(*path, at.String());
  if (path->empty()) return at.Error("is empty");
  // Relative ones are deprecated: "/" is meant.
  if (path->front() != '/') *path = absl::StrCat("/", *path);
  if (path->size() > 4095) return at.Error("is longer than 4095 bytes");
  if (!IsPlainAbsolute(*path)) return at.Error("has \"..\" in it");
  if (Normal(*path) == "/") return at.Error("is the root itself");
  return absl::OkStatus();
}

// Takes "idmap" and "ridmap", which are the runtime's, out of `words`.
IdMapped TakeIdMapped(std::vector<std::string>* words) {
  IdMapped found = IdMapped::kNo;
  const auto is_ours = [&found](const std::string& word) {
    if (word != "idmap" && word != "ridmap") return false;
    found = word == "idmap" ? IdMapped::kMount : IdMapped::kTree;
    return true;
  };
  words->erase(std::remove_if(words->begin(), words->end(), is_ours), words->end());
  return found;
}

// A bind has no file system of its own to give options to. Other runtimes drop them, and configs
// rely on that.
void DropParameters(const Cursor& entry, Mount* mount, std::vector<std::string>* doubts) {
  for (const auto& [word, value] : mount->options.parameters) {
    doubts->push_back(absl::StrCat(entry["options"].pointer(), ": option ",
                                   base::Printable(word, 64), ": is not for a bind mount"));
  }
  mount->options.parameters.clear();
}

absl::Status ReadOptions(const Cursor& entry, Mount* mount, std::vector<std::string>* doubts) {
  STAVE_ASSIGN_OR_RETURN(std::vector<std::string> words, entry["options"].StringsOrNone());
  mount->id_mapped = TakeIdMapped(&words);
  auto options = mount::ParseOptions(words);
  if (!options.ok()) return base::WithContext(options.status(), entry["options"].pointer());
  mount->options = *std::move(options);
  if (mount->options.contradicts) {
    doubts->push_back(
        absl::StrCat(entry["options"].pointer(), ": options ro and rw contradict each other"));
  }
  if (mount->type == "bind") mount->options.bind = true;
  if (mount->options.bind) {
    mount->type.clear();
    DropParameters(entry, mount, doubts);
  }
  if (mount->options.copy_up && mount->type != "tmpfs") {
    return entry["options"].Error("tmpcopyup is for a tmpfs only");
  }
  return absl::OkStatus();
}

absl::Status ReadMountMappings(const Cursor& entry, Mount* mount) {
  STAVE_RETURN_IF_ERROR(ReadIdMappings(entry["uidMappings"], &mount->uid_mappings));
  STAVE_RETURN_IF_ERROR(ReadIdMappings(entry["gidMappings"], &mount->gid_mappings));
  if (mount->uid_mappings.empty() != mount->gid_mappings.empty()) {
    return entry.Error("uidMappings and gidMappings come together or not at all");
  }
  if (mount->id_mapped == IdMapped::kNo && !mount->uid_mappings.empty()) {
    mount->id_mapped = IdMapped::kMount;
  }
  if (mount->id_mapped != IdMapped::kNo && !mount->options.bind) {
    return entry.Error("only a bind mount can be idmapped");
  }
  return absl::OkStatus();
}

absl::StatusOr<Mount> ReadMount(const Cursor& entry, std::vector<std::string>* doubts) {
  Mount mount;
  STAVE_RETURN_IF_ERROR(ReadDestination(entry["destination"], &mount.destination));
  STAVE_ASSIGN_OR_RETURN(mount.type, entry["type"].StringOr(""));
  STAVE_ASSIGN_OR_RETURN(mount.source, entry["source"].StringOr(""));
  STAVE_RETURN_IF_ERROR(ReadOptions(entry, &mount, doubts));
  STAVE_RETURN_IF_ERROR(ReadMountMappings(entry, &mount));
  if (!mount.options.bind && mount.type.empty()) return entry["type"].Error("is missing");
  if (mount.options.bind && mount.source.empty()) return entry["source"].Error("is missing");
  return mount;
}

absl::StatusOr<mode_t> DeviceType(const Cursor& at) {
  const auto type = at.String();
  if (!type.ok()) return type.status();
  if (*type == "c" || *type == "u") return S_IFCHR;
  if (*type == "b") return S_IFBLK;
  if (*type == "p") return S_IFIFO;
  return at.Error("is none of c, b, u, p");
}

absl::StatusOr<Device> ReadDevice(const Cursor& entry) {
  Device device;
  STAVE_ASSIGN_OR_RETURN(device.path, AbsolutePath(entry["path"]));
  if (Normal(device.path) == "/") return entry["path"].Error("is the root itself");
  STAVE_ASSIGN_OR_RETURN(device.type, DeviceType(entry["type"]));
  if (device.type != S_IFIFO) {
    STAVE_ASSIGN_OR_RETURN(const int64_t major, entry["major"].Int(0, 4095));
    STAVE_ASSIGN_OR_RETURN(const int64_t minor, entry["minor"].Int(0, 1048575));
    device.major = static_cast<uint32_t>(major);
    device.minor = static_cast<uint32_t>(minor);
  }
  // Some engines leave the bits of the type in it.
  STAVE_ASSIGN_OR_RETURN(const int64_t mode, entry["fileMode"].IntOr(0, 0177777, 0666));
  device.mode = static_cast<mode_t>(mode) & 07777;
  STAVE_ASSIGN_OR_RETURN(device.uid, UserId(entry["uid"]));
  STAVE_ASSIGN_OR_RETURN(device.gid, UserId(entry["gid"]));
  return device;
}

bool SameDevice(const Device& a, const Device& b) {
  return a.type == b.type && a.major == b.major && a.minor == b.minor;
}

bool Overlap(uint32_t a, uint32_t b, const IdMapping& one, const IdMapping& other) {
  return uint64_t{a} < uint64_t{b} + other.size && uint64_t{b} < uint64_t{a} + one.size;
}

}  // namespace

absl::Status ReadIdMappings(const Cursor& at, std::vector<IdMapping>* mappings) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> entries, at.ElementsOrNone());
  if (entries.size() > 340) return at.Error("has more than 340 lines, the kernel's limit");
  for (const Cursor& entry : entries) {
    STAVE_ASSIGN_OR_RETURN(const int64_t inside, entry["containerID"].Int(0, kMaxId));
    STAVE_ASSIGN_OR_RETURN(const int64_t outside, entry["hostID"].Int(0, kMaxId));
    STAVE_ASSIGN_OR_RETURN(const int64_t size, entry["size"].Int(1, kMaxId + 1));
    if (inside + size > kMaxId + 1 || outside + size > kMaxId + 1)
      return entry.Error("passes 2^32");
    const IdMapping mapping = {static_cast<uint32_t>(inside), static_cast<uint32_t>(outside),
                               static_cast<uint32_t>(size)};
    for (const IdMapping& other : *mappings) {
      if (Overlap(mapping.container_id, other.container_id, mapping, other) ||
          Overlap(mapping.host_id, other.host_id, mapping, other)) {
        return entry.Error("overlaps with one before it");
      }
    }
    mappings->push_back(mapping);
  }
  return absl::OkStatus();
}

absl::Status ReadMounts(const Cursor& at, Plan* plan) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> entries, at.ElementsOrNone());
  for (const Cursor& entry : entries) {
    STAVE_ASSIGN_OR_RETURN(Mount mount, ReadMount(entry, &plan->doubts));
    plan->mounts.push_back(std::move(mount));
  }
  return absl::OkStatus();
}

absl::Status CheckMounts(const Cursor& at, const Plan& plan) {
  for (size_t i = 0; i < plan.mounts.size(); ++i) {
    const Mount& mount = plan.mounts[i];
    if (mount.id_mapped == IdMapped::kNo || !mount.uid_mappings.empty()) continue;
    if (plan.Has(CLONE_NEWUSER)) continue;
    return at.Elements().value()[i].Error(
        "an idmapped mount needs uidMappings and gidMappings, or a user namespace");
  }
  return absl::OkStatus();
}

absl::Status ReadDevices(const Cursor& at, Plan* plan) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<Cursor> entries, at.ElementsOrNone());
  std::map<std::string, Device> seen;
  for (const Cursor& entry : entries) {
    STAVE_ASSIGN_OR_RETURN(Device device, ReadDevice(entry));
    const auto [first, is_new] = seen.try_emplace(Normal(device.path), device);
    if (!is_new && !SameDevice(first->second, device)) {
      return entry["path"].Error("appears twice, as two devices");
    }
    if (is_new) plan->devices.push_back(std::move(device));
  }
  return absl::OkStatus();
}

}  // namespace stave::runtime::parts

// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/hierarchy.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/mountinfo.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::cgroup {
namespace {

constexpr char kUsualPlace[] = "/sys/fs/cgroup";
constexpr size_t kMaxMountinfo = size_t{16} << 20;
constexpr size_t kMaxControllers = 4096;

struct Mount {
  absl::string_view id;
  absl::string_view parent;
  absl::string_view root;
  std::string point;
  absl::string_view type;
  absl::string_view super_options;
};

// "36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/sda rw": false if it is not such a line.
bool ParseLine(absl::string_view line, Mount* mount) {
  const size_t dash = line.find(" - ");
  if (dash == absl::string_view::npos) return false;
  const std::vector<absl::string_view> head = absl::StrSplit(line.substr(0, dash), ' ');
  const std::vector<absl::string_view> tail = absl::StrSplit(line.substr(dash + 3), ' ');
  if (head.size() < 6 || tail.size() < 3) return false;
  if (head[4].empty() || head[4][0] != '/') return false;
  *mount = {head[0], head[1], head[3], base::UnescapeMountinfo(head[4]), tail[0], tail[2]};
  return true;
}

bool IsBelowOrSame(absl::string_view path, absl::string_view folder) {
  if (folder == "/") return true;
  return absl::StartsWith(path, folder) &&
         (path.size() == folder.size() || path[folder.size()] == '/');
}

// Whether a walk along the path of `mount` ends in it: nothing is mounted over it or over one of
// the folders above it.
bool IsVisible(const std::vector<Mount>& mounts, const Mount& mount) {
  absl::string_view current;
  for (const Mount& m : mounts) {
    const bool top = std::none_of(mounts.begin(), mounts.end(),
                                  [&](const Mount& other) { return other.id == m.parent; });
    if (top && m.point == "/") current = m.id;
  }
  if (current.empty()) current = mount.parent;  // a chroot: its own root is no mount
  const absl::string_view path = mount.point;
  for (size_t end = 0; end <= path.size(); ++end) {
    if (end != 0 && end != path.size() && path[end] != '/') continue;
    const absl::string_view prefix = end == 0 ? absl::string_view("/") : path.substr(0, end);
    for (bool crossed = true; crossed;) {
      crossed = false;
      for (const Mount& m : mounts) {
        if (m.parent != current || m.point != prefix || m.id == current) continue;
        current = m.id;
        crossed = true;
        break;
      }
    }
  }
  return current == mount.id;
}

// The controllers in "rw,cpu,cpuacct" and "rw,name=systemd": what is left when mount options of
// other meaning are taken away.
std::vector<std::string> V1Controllers(absl::string_view options) {
  static constexpr absl::string_view kOther[] = {
      "rw",       "ro",          "noprefix", "xattr", "none", "clone_children", "cpuset_v2_mode",
      "seclabel", "favordynmods"};
  std::vector<std::string> controllers;
  for (absl::string_view word : absl::StrSplit(options, ',')) {
    const bool other = std::find(std::begin(kOther), std::end(kOther), word) != std::end(kOther);
    if (other || absl::StartsWith(word, "release_agent=")) continue;
    controllers.emplace_back(word);
  }
  return controllers;
}

Hierarchy FromMount(const Mount& mount) {
  if (mount.type == "cgroup2") return {Version::kV2, {}, mount.point};
  return {Version::kV1, V1Controllers(mount.super_options), mount.point};
}

// Only mounts on the way to a cgroup mount matter, of what may be thousands.
std::vector<Mount> MountsOnTheWay(absl::string_view mountinfo) {
  std::vector<Mount> all;
  std::vector<std::string> points;
  for (absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    Mount mount;
    if (!ParseLine(line, &mount)) continue;
    if (mount.type == "cgroup" || mount.type == "cgroup2") points.push_back(mount.point);
    all.push_back(std::move(mount));
  }
  all.erase(std::remove_if(all.begin(), all.end(),
                           [&](const Mount& m) {
                             return std::none_of(points.begin(), points.end(),
                                                 [&](const std::string& point) {
                                                   return IsBelowOrSame(point, m.point);
                                                 });
                           }),
            all.end());
  return all;
}

bool IsMounted(const std::string& place, long magic) {
  struct statfs fs = {};
  return statfs(place.c_str(), &fs) == 0 && fs.f_type == magic;
}

// "4:cpu,cpuacct:/x" -> /sys/fs/cgroup/cpu,cpuacct, if a v1 hierarchy is mounted there.
std::optional<Hierarchy> V1AtUsualPlace(absl::string_view controllers) {
  const absl::string_view name = absl::StripPrefix(controllers, "name=");
  Hierarchy hierarchy = {Version::kV1, absl::StrSplit(controllers, ','),
                         absl::StrCat(kUsualPlace, "/", name)};
  if (IsMounted(hierarchy.mount_point, CGROUP_SUPER_MAGIC)) return hierarchy;
  return std::nullopt;
}

}  // namespace

std::optional<Hierarchies> HierarchiesAtUsualPlaces(absl::string_view proc_cgroup) {
  Hierarchies found;
  std::optional<Hierarchy> unified;
  for (const absl::string_view line : absl::StrSplit(proc_cgroup, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) return std::nullopt;
    if (parts[1].empty()) {
      const std::string place = absl::StrCat(kUsualPlace, "/unified");
      if (IsMounted(place, CGROUP2_SUPER_MAGIC)) unified = Hierarchy{Version::kV2, {}, place};
      continue;
    }
    std::optional<Hierarchy> hierarchy = V1AtUsualPlace(parts[1]);
    if (!hierarchy) return std::nullopt;
    found.all.push_back(*std::move(hierarchy));
  }
  if (found.all.empty()) return std::nullopt;
  if (unified) found.all.push_back(*std::move(unified));
  return found;
}

namespace {

absl::Status ReadUnifiedControllers(Hierarchy* unified) {
  STAVE_ASSIGN_OR_RETURN(
      const std::string text,
      base::ReadFileAt(AT_FDCWD, absl::StrCat(unified->mount_point, "/cgroup.controllers"),
                       kMaxControllers));
  for (absl::string_view word : absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    unified->controllers.emplace_back(word);
  }
  return absl::OkStatus();
}

}  // namespace

const Hierarchy* Hierarchies::Find(absl::string_view controller) const {
  const absl::string_view other = controller == "io"      ? "blkio"
                                  : controller == "blkio" ? "io"
                                                          : controller;
  for (const Hierarchy& hierarchy : all) {
    for (const std::string& name : hierarchy.controllers) {
      if (name == controller || name == other) return &hierarchy;
    }
  }
  return nullptr;
}

const Hierarchy* Hierarchies::Unified() const {
  for (const Hierarchy& hierarchy : all) {
    if (hierarchy.version == Version::kV2) return &hierarchy;
  }
  return nullptr;
}

bool Hierarchies::HasV1() const {
  return std::any_of(all.begin(), all.end(),
                     [](const Hierarchy& h) { return h.version == Version::kV1; });
}

Hierarchies ParseMountinfo(absl::string_view mountinfo) {
  const std::vector<Mount> mounts = MountsOnTheWay(mountinfo);
  Hierarchies found;
  // Two rounds: mounts that show the root of their hierarchy first.
  for (const bool whole : {true, false}) {
    for (const Mount& mount : mounts) {
      if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
      if ((mount.root == "/") != whole || !IsVisible(mounts, mount)) continue;
      Hierarchy hierarchy = FromMount(mount);
      const bool known =
          std::any_of(found.all.begin(), found.all.end(), [&](const Hierarchy& other) {
            return other.version == hierarchy.version && other.controllers == hierarchy.controllers;
          });
      if (!known) found.all.push_back(std::move(hierarchy));
    }
  }
  std::stable_partition(found.all.begin(), found.all.end(),
                        [](const Hierarchy& h) { return h.version == Version::kV1; });
  return found;
}

absl::StatusOr<Hierarchies> FindHierarchies() {
  Hierarchies found;
  struct statfs place = {};
  if (statfs(kUsualPlace, &place) == 0 && place.f_type == CGROUP2_SUPER_MAGIC) {
    found.all.push_back({Version::kV2, {}, kUsualPlace});
  } else {
    // mountinfo grows with every mount of the machine.
    STAVE_ASSIGN_OR_RETURN(const std::string own,
                           base::ReadFileAt(AT_FDCWD, "/proc/self/cgroup", kMaxMountinfo));
    std::optional<Hierarchies> usual = HierarchiesAtUsualPlaces(own);
    if (usual) {
      found = *std::move(usual);
    } else {
      STAVE_ASSIGN_OR_RETURN(const std::string text,
                             base::ReadFileAt(AT_FDCWD, "/proc/self/mountinfo", kMaxMountinfo));
      found = ParseMountinfo(text);
    }
  }
  for (Hierarchy& hierarchy : found.all) {
    if (hierarchy.version != Version::kV2) continue;
    STAVE_RETURN_IF_ERROR(ReadUnifiedControllers(&hierarchy));
  }
  if (found.all.empty()) {
    return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                                      "no cgroup file system is mounted"),
                          "mount -t cgroup2 cgroup2 /sys/fs/cgroup");
  }
  return found;
}

}  // namespace stave::cgroup

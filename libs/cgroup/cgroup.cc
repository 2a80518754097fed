// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::cgroup {
namespace {

constexpr char kUsualPlace[] = "/sys/fs/cgroup";
constexpr size_t kMaxFile = size_t{1} << 20;
constexpr mode_t kMode = 0755;
constexpr absl::Duration kEndTimeout = absl::Seconds(10);

absl::Status CheckPath(const std::string& path) {
  bool plain = path.size() > 1 && path.size() < 4096 && path[0] == '/';
  if (plain) {
    for (absl::string_view part : absl::StrSplit(path.substr(1), '/')) {
      plain = plain && !part.empty() && part != "." && part != ".." && part.size() < 256 &&
              part.find('\n') == absl::string_view::npos;
    }
  }
  if (plain) return absl::OkStatus();
  return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                     absl::StrCat("cgroup \"", base::Printable(path),
                                  "\": must be an absolute path below the root, without . and .., "
                                  "each part at most 255 bytes long"));
}

absl::Status ForbiddenHint(absl::Status status) {
  if (!absl::IsPermissionDenied(status)) return status;
  return base::WithHint(std::move(status),
                        "cgroups are made by root, or below one that was delegated to the user "
                        "(systemd: Delegate=yes)");
}

// EROFS is FailedPrecondition in Abseil; here it means the same to the user as EACCES.
absl::Status MakeError(int error, const std::string& directory) {
  return ForbiddenHint(base::PosixError(error == EROFS ? EACCES : error, directory, "mkdir"));
}

std::string ReadOr(const std::string& path, absl::string_view otherwise) {
  absl::StatusOr<std::string> text = base::ReadFileAt(AT_FDCWD, path, kMaxFile);
  return text.ok() ? *std::move(text) : std::string(otherwise);
}

// Without cpus and mems a v1 cpuset takes no task. clone_children makes the kernel copy them for
// what is made below later.
absl::Status InheritCpuset(const std::string& directory) {
  const std::string parent = directory.substr(0, directory.rfind('/'));
  bool copied = false;
  for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    STAVE_ASSIGN_OR_RETURN(const std::string own,
                           base::ReadFileAt(AT_FDCWD, directory + file, kMaxFile));
    if (own.find_first_not_of('\n') != std::string::npos) continue;
    STAVE_ASSIGN_OR_RETURN(std::string value, base::ReadFileAt(AT_FDCWD, parent + file, kMaxFile));
    STAVE_RETURN_IF_ERROR(base::WriteFileAt(AT_FDCWD, directory + file, value));
    copied = true;
  }
  if (!copied) return absl::OkStatus();
  return base::WriteFileAt(AT_FDCWD, directory + "/cgroup.clone_children", "1");
}

bool IsCpuset(const Hierarchy& hierarchy) {
  return hierarchy.version == Version::kV1 &&
         std::find(hierarchy.controllers.begin(), hierarchy.controllers.end(), "cpuset") !=
             hierarchy.controllers.end();
}

absl::Status MakeAncestors(const Hierarchy& hierarchy, const std::string& path) {
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string directory = hierarchy.mount_point + path.substr(0, end);
    if (mkdir(directory.c_str(), kMode) != 0 && errno != EEXIST) {
      return MakeError(errno, directory);
    }
    if (IsCpuset(hierarchy)) STAVE_RETURN_IF_ERROR(InheritCpuset(directory));
  }
  return absl::OkStatus();
}

using Names = std::vector<std::string>;

bool Contains(const Names& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Names Words(absl::string_view text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

absl::Status EnableOne(const std::string& directory, const std::string& controller) {
  const absl::Status status =
      base::WriteFileAt(AT_FDCWD, directory + "/cgroup.subtree_control", "+" + controller);
  if (status.ok()) return status;
  if (absl::IsPermissionDenied(status)) {
    return ForbiddenHint(base::Error(
        absl::StatusCode::kPermissionDenied, "E_PERMISSION",
        absl::StrCat("the controller ", controller, " is not given to the cgroups below ",
                     directory, ", and may not be")));
  }
  if (!Contains(Words(ReadOr(directory + "/cgroup.controllers", "")), controller)) {
    return base::WithHint(
        base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                    absl::StrCat("the controller ", controller, " is not given to ", directory)),
        "the cgroup above must have it in cgroup.subtree_control (systemd: Delegate=yes)");
  }
  if (!Words(ReadOr(directory + "/cgroup.procs", "")).empty()) {
    return base::WithHint(
        base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                    absl::StrCat("the controller ", controller, " cannot be enabled below ",
                                 directory, ", as it holds processes itself")),
        "cgroup v2 allows that only in the root: move them into a cgroup below first");
  }
  return status;
}

// Enables `wanted` from the root of the tree down to the parent of `path`; those that are not in
// `needed` are only tried.
absl::Status EnableControllers(const Hierarchy& unified, const std::string& path,
                               const Names& wanted, const Names& needed) {
  const auto missing_in = [&](const std::string& directory) {
    const Names enabled = Words(ReadOr(directory + "/cgroup.subtree_control", ""));
    Names missing;
    for (const std::string& name : wanted) {
      if (!Contains(enabled, name)) missing.push_back(name);
    }
    return missing;
  };
  const std::string parent = unified.mount_point + path.substr(0, path.rfind('/'));
  if (missing_in(parent).empty()) return absl::OkStatus();
  for (size_t end = 0; end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string directory = unified.mount_point + path.substr(0, end);
    const Names missing = missing_in(directory);
    if (missing.empty()) continue;
    const std::string all = absl::StrCat("+", absl::StrJoin(missing, " +"));
    if (base::WriteFileAt(AT_FDCWD, directory + "/cgroup.subtree_control", all).ok()) continue;
    for (const std::string& name : missing) {
      const absl::Status status = EnableOne(directory, name);
      if (!status.ok() && Contains(needed, name)) return status;
    }
  }
  return absl::OkStatus();
}

// The controllers of the v2 tree that `limits` writes to, and with `usage` those that count.
Names UnifiedControllers(const Hierarchy& unified, const Limits& limits, bool usage) {
  Names names;
  for (const Setting& setting : limits.settings) {
    if (Contains(unified.controllers, setting.controller) && !Contains(names, setting.controller)) {
      names.push_back(setting.controller);
    }
  }
  for (const char* name : {"cpu", "io", "memory", "pids"}) {
    if (usage && Contains(unified.controllers, name) && !Contains(names, name)) {
      names.push_back(name);
    }
  }
  return names;
}

// v1 refuses a limit below what it can reclaim to, with nothing but EBUSY.
absl::Status WithMemoryInUse(absl::Status status, const Setting& setting,
                             const std::string& directory) {
  if (setting.file != "memory.limit_in_bytes" && setting.file != "memory.memsw.limit_in_bytes") {
    return status;
  }
  std::string used = ReadOr(directory + "/memory.usage_in_bytes", "");
  if (used.empty()) return status;
  used.pop_back();
  return base::WithHint(std::move(status), absl::StrCat(used, " bytes are in use"));
}

std::string NameBelowUsualPlace(const std::string& mount_point) {
  if (mount_point == kUsualPlace) return "";
  return mount_point.substr(mount_point.rfind('/') + 1);
}

}  // namespace

absl::StatusOr<Cgroup> Cgroup::Create(const std::string& path, const Hierarchies& hierarchies,
                                      const Limits& limits) {
  STAVE_RETURN_IF_ERROR(CheckPath(path));
  Cgroup group(path, /*owned=*/true);
  for (const Hierarchy& hierarchy : hierarchies.all) {
    STAVE_RETURN_IF_ERROR(group.CreatePlace(hierarchy, limits));
  }
  STAVE_RETURN_IF_ERROR(group.OpenEntries());
  return group;
}

absl::Status Cgroup::CreatePlace(const Hierarchy& hierarchy, const Limits& limits) {
  const std::string directory = hierarchy.mount_point + path_;
  int made = mkdir(directory.c_str(), kMode);
  if (made != 0 && errno == ENOENT) {
    STAVE_RETURN_IF_ERROR(MakeAncestors(hierarchy, path_));
    made = mkdir(directory.c_str(), kMode);
  }
  if (made != 0) return MakeError(errno, directory);
  places_.push_back({hierarchy, directory});
  if (IsCpuset(hierarchy)) return InheritCpuset(directory);
  if (hierarchy.version == Version::kV1) return absl::OkStatus();
  return EnableControllers(hierarchy, path_, UnifiedControllers(hierarchy, limits, true),
                           UnifiedControllers(hierarchy, limits, false));
}

absl::Status Cgroup::OpenEntries() {
  for (const Place& place : places_) {
    if (place.hierarchy.version == Version::kV2) {
      STAVE_ASSIGN_OR_RETURN(directory_, base::OpenDirAt(AT_FDCWD, place.directory));
      continue;
    }
    const std::string tasks = place.directory + "/tasks";
    base::UniqueFd fd(open(tasks.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (fd.get() < 0) return base::PosixError(errno, tasks, "open");
    task_numbers_.push_back(fd.get());
    tasks_.push_back(std::move(fd));
  }
  return absl::OkStatus();
}

absl::StatusOr<Cgroup> Cgroup::Open(const std::string& path, const Hierarchies& hierarchies) {
  STAVE_RETURN_IF_ERROR(CheckPath(path));
  Cgroup group(path, /*owned=*/false);
  for (const Hierarchy& hierarchy : hierarchies.all) {
    const std::string directory = hierarchy.mount_point + path;
    if (access(directory.c_str(), F_OK) == 0) group.places_.push_back({hierarchy, directory});
  }
  if (group.places_.empty()) {
    return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                       absl::StrCat("cgroup ", base::Printable(path), ": does not exist"));
  }
  return group;
}

absl::Status Cgroup::RemoveByPath(const std::string& path, const Hierarchies& hierarchies) {
  absl::StatusOr<Cgroup> group = Open(path, hierarchies);
  if (absl::IsNotFound(group.status())) return absl::OkStatus();
  if (!group.ok()) return group.status();
  return group->End(kEndTimeout);
}

Cgroup::Cgroup(Cgroup&& other) noexcept
    : path_(std::move(other.path_)),
      owned_(std::exchange(other.owned_, false)),
      places_(std::move(other.places_)),
      directory_(std::move(other.directory_)),
      tasks_(std::move(other.tasks_)),
      task_numbers_(std::move(other.task_numbers_)) {}

Cgroup::~Cgroup() {
  if (!owned_ || places_.empty()) return;
  (void)End(kEndTimeout);
}

void Cgroup::CloseEntries() {
  directory_ = base::UniqueFd();
  tasks_.clear();
  task_numbers_.clear();
}

const Cgroup::Place* Cgroup::Find(absl::string_view controller) const {
  const absl::string_view other = controller == "io" ? "blkio" : controller;
  for (const Place& place : places_) {
    if (controller == "cgroup" && place.hierarchy.version == Version::kV2) return &place;
    if (Contains(place.hierarchy.controllers, controller) ||
        Contains(place.hierarchy.controllers, other)) {
      return &place;
    }
  }
  return nullptr;
}

// Kept open, as the rules for devices are a dozen writes to one file.
class Cgroup::OpenFile {
 public:
  absl::Status Write(const std::string& directory, const Setting& setting) {
    const absl::Status status = Write(absl::StrCat(directory, "/", setting.file), setting.value);
    if (!absl::IsNotFound(status) || setting.other_file.empty()) return status;
    return Write(absl::StrCat(directory, "/", setting.other_file), setting.other_value);
  }

 private:
  absl::Status Write(const std::string& path, absl::string_view value) {
    if (path != path_ || !fd_.valid()) {
      path_ = path;
      fd_ = base::UniqueFd(open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
      if (!fd_.valid()) return base::PosixError(errno, path, "open");
    }
    return base::WriteValue(fd_.get(), path, value);
  }

  std::string path_;
  base::UniqueFd fd_;
};

absl::Status Cgroup::ApplySetting(const Setting& setting, OpenFile* file) const {
  const Place* place = Find(setting.controller);
  if (place == nullptr) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                       absl::StrCat(setting.member, ": ", path_, " is not in the hierarchy of ",
                                    setting.controller));
  }
  absl::Status status = file->Write(place->directory, setting);
  if (absl::IsNotFound(status) && Enable(*place, setting.controller)) {
    status = file->Write(place->directory, setting);
  }
  if (status.ok()) return status;
  if (!absl::IsNotFound(status)) {
    return WithMemoryInUse(base::WithContext(status, setting.member), setting, place->directory);
  }
  if (setting.optional) return absl::OkStatus();
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                     absl::StrCat(setting.member, ": this kernel has no ", setting.file,
                                  setting.other_file.empty() ? "" : " and no ", setting.other_file,
                                  " in ", place->directory));
}

bool Cgroup::Enable(const Place& place, const std::string& controller) const {
  if (place.hierarchy.version == Version::kV1 || controller == "cgroup") return false;
  const std::string file = place.directory + "/cgroup.controllers";
  if (Contains(Words(ReadOr(file, "")), controller)) return false;
  return EnableControllers(place.hierarchy, path_, {controller}, {controller}).ok() &&
         Contains(Words(ReadOr(file, "")), controller);
}

absl::Status Cgroup::Apply(const Limits& limits) {
  if (limits.device_program.has_value()) {
    const Place* unified = Find("cgroup");
    if (unified == nullptr) {
      return base::Error(absl::StatusCode::kFailedPrecondition, "E_CGROUP",
                         "/linux/resources/devices: there is no cgroup v2 directory");
    }
    STAVE_ASSIGN_OR_RETURN(const auto program, PlanDeviceProgram(*limits.device_program));
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd directory,
                           base::OpenDirAt(AT_FDCWD, unified->directory));
    STAVE_RETURN_IF_ERROR(AttachDeviceProgram(directory.get(), program));
  }
  OpenFile file;
  for (const Setting& setting : limits.settings) {
    STAVE_RETURN_IF_ERROR(ApplySetting(setting, &file));
  }
  return absl::OkStatus();
}

absl::Status Cgroup::Add(pid_t pid) const {
  for (const Place& place : places_) {
    STAVE_RETURN_IF_ERROR(
        base::WriteFileAt(AT_FDCWD, place.directory + "/cgroup.procs", absl::StrCat(pid)));
  }
  return absl::OkStatus();
}

std::vector<BindPath> Cgroup::BindPaths() const {
  std::vector<BindPath> paths;
  for (const Place& place : places_) {
    BindPath bind = {place.directory, NameBelowUsualPlace(place.hierarchy.mount_point), {}};
    if (place.hierarchy.version == Version::kV1) {
      for (const std::string& controller : place.hierarchy.controllers) {
        if (controller != bind.name && !absl::StartsWith(controller, "name=")) {
          bind.aliases.push_back(controller);
        }
      }
    }
    paths.push_back(std::move(bind));
  }
  return paths;
}

int WriteTasks(absl::Span<const int> fds) {
  for (const int fd : fds) {
    if (write(fd, "0", 1) != 1) return errno;
  }
  return 0;
}

}  // namespace stave::cgroup

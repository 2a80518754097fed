// SPDX-License-Identifier: Apache-2.0
#include "tools/store-info/machine.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/posix.h"
#include "libs/cgroup/hierarchy.h"

namespace stave::tools {
namespace {

constexpr size_t kMaxFile = size_t{1} << 20;
constexpr int64_t kXfs = 0x58465342;
constexpr int64_t kZfs = 0x2fc12fc1;

std::string ReadFile(const char* path) {
  return base::ReadFileAt(AT_FDCWD, path, kMaxFile).value_or("");
}

int64_t CountCpus() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return ::sysconf(_SC_NPROCESSORS_ONLN);
}

// The version by which containers are limited: a v2 tree beside v1 hierarchies has no controllers.
std::string CgroupVersion() {
  const auto hierarchies = cgroup::FindHierarchies();
  if (!hierarchies.ok()) return "";
  return hierarchies->HasV1() ? "1" : "2";
}

}  // namespace

std::string OsReleaseValue(absl::string_view text, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, key) || !absl::ConsumePrefix(&line, "=")) continue;
    for (const char* quote : {"\"", "'"}) {
      if (line.size() > 1 && absl::StartsWith(line, quote) && absl::EndsWith(line, quote)) {
        line = line.substr(1, line.size() - 2);
      }
    }
    return std::string(line);
  }
  return "";
}

int64_t MemTotal(absl::string_view meminfo) {
  for (absl::string_view line : absl::StrSplit(meminfo, '\n')) {
    int64_t kib = 0;
    if (absl::ConsumePrefix(&line, "MemTotal:") && absl::ConsumeSuffix(&line, " kB") &&
        absl::SimpleAtoi(line, &kib)) {
      return kib * 1024;
    }
  }
  return 0;
}

std::string FileSystemName(int fd) {
  struct statfs st;
  if (fd < 0 || ::fstatfs(fd, &st) < 0) return "<unknown>";
  switch (static_cast<int64_t>(st.f_type)) {
    case EXT4_SUPER_MAGIC:
      return "extfs";
    case TMPFS_MAGIC:
      return "tmpfs";
    case BTRFS_SUPER_MAGIC:
      return "btrfs";
    case OVERLAYFS_SUPER_MAGIC:
      return "overlayfs";
    case F2FS_SUPER_MAGIC:
      return "f2fs";
    case NFS_SUPER_MAGIC:
      return "nfs";
    case kXfs:
      return "xfs";
    case kZfs:
      return "zfs";
    default:
      return "<unknown>";
  }
}

Machine LookAtMachine() {
  Machine machine;
  utsname names;
  if (::uname(&names) == 0) {
    machine.kernel = names.release;
    machine.architecture = names.machine;
    machine.name = names.nodename;
  }
  std::string release = ReadFile("/etc/os-release");
  if (release.empty()) release = ReadFile("/usr/lib/os-release");
  machine.operating_system = OsReleaseValue(release, "PRETTY_NAME");
  if (machine.operating_system.empty()) machine.operating_system = "Linux";
  machine.os_version = OsReleaseValue(release, "VERSION_ID");
  machine.cpus = CountCpus();
  machine.memory = MemTotal(ReadFile("/proc/meminfo"));
  machine.cgroup_version = CgroupVersion();
  machine.has_seccomp = ::access("/proc/sys/kernel/seccomp", F_OK) == 0;
  return machine;
}

}  // namespace stave::tools

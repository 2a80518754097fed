// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"

namespace stave::runtime {
namespace {

absl::Status WriteMap(pid_t pid, const char* file, const std::vector<IdMapping>& mappings) {
  std::string text;
  for (const IdMapping& line : mappings) {
    absl::StrAppend(&text, line.container_id, " ", line.host_id, " ", line.size, "\n");
  }
  return base::WriteFileAt(AT_FDCWD, absl::StrCat("/proc/", pid, "/", file), text);
}

absl::StatusOr<base::UniqueFd> MapAndOpen(pid_t pid, const std::vector<IdMapping>& uids,
                                          const std::vector<IdMapping>& gids) {
  STAVE_RETURN_IF_ERROR(WriteMap(pid, "uid_map", uids));
  STAVE_RETURN_IF_ERROR(WriteMap(pid, "gid_map", gids));
  const std::string path = absl::StrCat("/proc/", pid, "/ns/user");
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return base::PosixError(errno, path, "open");
  return fd;
}

}  // namespace

uint32_t HostId(const std::vector<IdMapping>& mappings, uint32_t id) {
  for (const IdMapping& line : mappings) {
    if (id >= line.container_id && id - line.container_id < line.size) {
      return line.host_id + (id - line.container_id);
    }
  }
  return id;
}

absl::Status WriteIdMaps(pid_t pid, const Plan& plan) {
  STAVE_RETURN_IF_ERROR(WriteMap(pid, "uid_map", plan.uid_mappings));
  return WriteMap(pid, "gid_map", plan.gid_mappings);
}

absl::StatusOr<base::UniqueFd> MakeUserNamespace(const std::vector<IdMapping>& uids,
                                                 const std::vector<IdMapping>& gids) {
  clone_args args{};
  args.flags = CLONE_NEWUSER;
  args.exit_signal = SIGCHLD;
  const pid_t parent = ::getpid();
  const pid_t child = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (child < 0) return base::PosixError(errno, "user namespace", "clone");
  if (child == 0) {
    // Only there until it has been named; it does not outlive a parent that is killed meanwhile.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(0);
    for (;;) ::pause();
  }
  auto opened = MapAndOpen(child, uids, gids);
  ::kill(child, SIGKILL);
  base::ReapChild(child);
  return opened;
}

}  // namespace stave::runtime

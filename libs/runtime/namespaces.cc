// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::runtime {
namespace {

constexpr char kOffsets[] = "/proc/self/timens_offsets";

absl::Status Join(const Namespace& wanted, int fd) {
  if (::setns(fd, wanted.flag) == 0) return absl::OkStatus();
  return base::PosixError(errno, wanted.path, "join the namespace");
}

}  // namespace

absl::Status JoinNamespaces(const Plan& plan, const std::vector<int>& fds) {
  std::vector<size_t> later;
  for (size_t i = 0; i < fds.size(); ++i) {
    const Namespace& wanted = plan.namespaces[i];
    if (fds[i] < 0 || wanted.flag == CLONE_NEWUSER) continue;
    const absl::Status joined = Join(wanted, fds[i]);
    if (joined.ok()) continue;
    if (!absl::IsPermissionDenied(joined) || !plan.Joins(CLONE_NEWUSER)) return joined;
    later.push_back(i);
  }
  for (size_t i = 0; i < fds.size(); ++i) {
    if (fds[i] < 0 || plan.namespaces[i].flag != CLONE_NEWUSER) continue;
    STAVE_RETURN_IF_ERROR(Join(plan.namespaces[i], fds[i]));
  }
  for (const size_t i : later) STAVE_RETURN_IF_ERROR(Join(plan.namespaces[i], fds[i]));
  return absl::OkStatus();
}

absl::Status MakeTimeNamespace(const std::vector<TimeOffset>& offsets) {
  if (::unshare(kCloneNewTime) < 0) return base::PosixError(errno, "time namespace", "unshare");
  std::string lines;
  for (const TimeOffset& offset : offsets) {
    absl::StrAppend(&lines, offset.clock, " ", offset.seconds, " ", offset.nanoseconds, "\n");
  }
  if (!lines.empty()) {
    STAVE_RETURN_IF_ERROR(
        base::WithContext(base::WriteFileAt(AT_FDCWD, kOffsets, lines), "/linux/timeOffsets"));
  }
  // unshare(2) made it for children; joining it is for oneself, on kernels where execve(2) alone
  // does not do that.
  const base::UniqueFd made(::open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC));
  if (!made.valid()) return base::PosixError(errno, "time namespace", "open");
  if (::setns(made.get(), kCloneNewTime) < 0)
    return base::PosixError(errno, "time namespace", "join");
  return absl::OkStatus();
}

absl::Status BecomeRootOfUserNamespace() {
  if (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0) {
    return base::PosixError(errno, "user namespace", "become root of it");
  }
  return absl::OkStatus();
}

uint64_t NamespaceFlags(const Plan& plan) {
  uint64_t flags = 0;
  for (const Namespace& wanted : plan.namespaces) {
    if (!wanted.path.empty() || wanted.flag == CLONE_NEWCGROUP || wanted.flag == kCloneNewTime)
      continue;
    flags |= static_cast<uint64_t>(wanted.flag);
  }
  return flags;
}

}  // namespace stave::runtime

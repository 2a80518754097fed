// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/join.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/runtime/namespaces.h"
#include "libs/runtime/report.h"

namespace stave::runtime {
namespace {

// In the process in between: never returns there; in the child that it clones, returns.
void JoinAndClone(clone_args args, const Plan& plan, const std::vector<int>& namespaces,
                  int report) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Inherited by the child, who has the right to lower it no more.
  if (plan.process.oom_score_adj) {
    base::WriteFileAt(AT_FDCWD, "/proc/self/oom_score_adj",
                      absl::StrCat(*plan.process.oom_score_adj))
        .IgnoreError();
  }
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  absl::Status status = JoinNamespaces(plan, namespaces);
  pid_t child = -1;
  if (status.ok()) {
    args.flags |= CLONE_PARENT;
    args.flags &= ~static_cast<uint64_t>(CLONE_VFORK);
    args.exit_signal = 0;  // CLONE_PARENT takes this process's
    child = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    if (child == 0) return;
    if (child < 0) status = base::PosixError(errno, "container", "clone");
  }
  if (status.ok()) {
    [[maybe_unused]] const ssize_t n = ::write(report, &child, sizeof child);
    ::_exit(0);
  }
  SendReport(report, status);
  ::_exit(1);
}

absl::StatusOr<Cloned> TakeChild(const std::string& told, const std::string& noun) {
  Cloned cloned;
  ::memcpy(&cloned.pid, told.data(), sizeof cloned.pid);
  // It is a child of this process: until that waits for it, the number is nobody else's.
  cloned.pidfd = base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, cloned.pid, 0)));
  if (!cloned.pidfd.valid()) return base::PosixError(errno, noun, "pidfd_open");
  return cloned;
}

}  // namespace

bool NeedsJoiner(const Plan& plan) {
  if (plan.Joins(CLONE_NEWPID) || plan.Joins(CLONE_NEWUSER)) return true;
  bool joins = false;
  for (const Namespace& one : plan.namespaces) joins = joins || !one.path.empty();
  return joins && plan.Creates(CLONE_NEWUSER);
}

void CloneInto(const cgroup::Cgroup* group, clone_args* args) {
  if (group == nullptr || group->directory_fd() < 0) return;
  args->flags |= CLONE_INTO_CGROUP;
  args->cgroup = static_cast<uint64_t>(group->directory_fd());
}

absl::StatusOr<Cloned> CloneDirectly(clone_args args) {
  int pidfd = -1;
  args.flags |= CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  Cloned cloned;
  cloned.pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (cloned.pid < 0) return base::PosixError(errno, "container", "clone");
  if (cloned.pid > 0) cloned.pidfd = base::UniqueFd(pidfd);
  return cloned;
}

absl::StatusOr<Cloned> CloneThroughJoiner(clone_args args, const Plan& plan,
                                          const std::vector<int>& namespaces) {
  STAVE_ASSIGN_OR_RETURN(base::Pipe pipe, base::MakePipe("joiner"));
  clone_args plain{};
  plain.exit_signal = SIGCHLD;
  const pid_t joiner = static_cast<pid_t>(::syscall(SYS_clone3, &plain, sizeof plain));
  if (joiner < 0) return base::PosixError(errno, "joiner", "clone");
  if (joiner == 0) {
    JoinAndClone(args, plan, namespaces, pipe.writer.get());
    pipe.writer.Reset();
    Cloned child;
    child.pid = 0;
    return child;
  }
  pipe.writer.Reset();
  const auto told = base::ReadAll(pipe.reader.get(), 1 << 16, "joiner");
  base::ReapChild(joiner);
  if (!told.ok()) return told.status();
  if (told->size() == sizeof(pid_t)) return TakeChild(*told, "container");
  return told->empty() ? absl::AbortedError("joiner: was killed") : ParseReport(*told, "");
}

}  // namespace stave::runtime

// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/error.h"
#include "libs/base/passing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/mount/tree.h"
#include "libs/runtime/child_mounts.h"
#include "libs/runtime/child_process.h"
#include "libs/runtime/report.h"

namespace stave::runtime {
namespace {

constexpr int kReportFd = 3;  // what stave_init finds its report pipe as

absl::Status WaitForMaps(int maps_written) {
  char byte;
  ssize_t n;
  do {
    n = ::read(maps_written, &byte, 1);
  } while (n < 0 && errno == EINTR);
  if (n != 1) return absl::AbortedError("the parent went away");
  if (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0) {
    return base::PosixError(errno, "user namespace", "become root of it");
  }
  return absl::OkStatus();
}

// cgroups first, since the cgroup namespace takes its root from where the process is when it is
// made; a process enters v1 by itself (writing 0), which spares it a wait for the kernel.
absl::Status JoinCgroup(const ChildInputs& inputs) {
  if (inputs.request->group != nullptr) {
    const int error = cgroup::WriteTasks(inputs.request->group->task_fds());
    if (error != 0)
      return base::PosixError(error, inputs.request->group->path(), "enter the cgroup");
  }
  if (inputs.request->plan->Creates(CLONE_NEWCGROUP) && ::unshare(CLONE_NEWCGROUP) < 0) {
    return base::PosixError(errno, "cgroup namespace", "unshare");
  }
  return absl::OkStatus();
}

absl::Status JoinNamespaces(const ChildInputs& inputs) {
  const Plan& plan = *inputs.request->plan;
  for (size_t i = 0; i < plan.namespaces.size(); ++i) {
    if (inputs.namespaces[i] < 0) continue;
    if (::setns(inputs.namespaces[i], plan.namespaces[i].flag) < 0) {
      return base::PosixError(errno, plan.namespaces[i].path, "join the namespace");
    }
  }
  return absl::OkStatus();
}

absl::Status SetStreams(const ChildInputs& inputs, const Terminal& terminal) {
  const LaunchRequest& request = *inputs.request;
  int sources[3] = {request.in, request.out, request.err};
  if (terminal.slave.valid()) {
    sources[0] = sources[1] = sources[2] = terminal.slave.get();
    if (request.reaper == Reaper::kPayload && ::ioctl(terminal.slave.get(), TIOCSCTTY, 0) < 0) {
      return base::PosixError(errno, "terminal", "make it the controlling one");
    }
  }
  // Out of the way of 0-2 first: out may be 0 and in may be 1.
  for (int& source : sources) {
    source = ::fcntl(source, F_DUPFD_CLOEXEC, 10);
    if (source < 0) return base::PosixError(errno, "streams", "duplicate");
  }
  for (int fd = 0; fd <= 2; ++fd) {
    if (::dup2(sources[fd], fd) < 0) return base::PosixError(errno, "streams", "duplicate");
  }
  return absl::OkStatus();
}

// Before the filter is loaded, which may forbid it. What is opened later is O_CLOEXEC.
absl::Status CloseOnExec() {
  if (::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return absl::OkStatus();
  return base::PosixError(errno, "descriptors", "close_range");
}

// Of pipes, so that a payload of another user can open /dev/stdout; what has a name is the
// caller's.
void GiveStreams(const Process& process) {
  for (int fd = 0; fd <= 2; ++fd) {
    struct statfs fs;
    if (::fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC) {
      [[maybe_unused]] const int done = ::fchown(fd, process.uid, static_cast<gid_t>(-1));
    }
  }
}

// The payload goes when the parent goes. The parent may be gone already: its pidfd tells.
absl::Status DieWithParent(const ChildInputs& inputs) {
  // After the change of ids, which clears it: prctl(2) PR_SET_PDEATHSIG.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    return base::PosixError(errno, "parent", "watch");
  pollfd watch{inputs.parent, POLLIN, 0};
  if (::poll(&watch, 1, 0) > 0) return absl::AbortedError("the parent went away");
  return absl::OkStatus();
}

absl::Status ResetSignals() {
  for (int signal = 1; signal <= 64; ++signal) {
    struct sigaction defaults {};
    defaults.sa_handler = SIG_DFL;
    ::sigaction(signal, &defaults, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  return absl::OkStatus();
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Executes stave_init, which executes the payload. Returns only on failure.
absl::Status Execute(const ChildInputs& inputs, const std::string& program) {
  const Process& process = inputs.request->plan->process;
  std::vector<std::string> args = {"stave-init",
                                   inputs.request->reaper == Reaper::kInit ? "i" : "x",
                                   absl::StrCat(kReportFd), program};
  args.insert(args.end(), process.args.begin(), process.args.end());
  const std::vector<char*> argv = Pointers(args), env = Pointers(process.env);
  if (inputs.report == kReportFd) {
    ::fcntl(kReportFd, F_SETFD, 0);
  } else if (::dup2(inputs.report, kReportFd) < 0) {
    return base::PosixError(errno, "report", "duplicate");
  }
  SendReady(kReportFd);
  ::syscall(SYS_execveat, inputs.init_program, "", argv.data(), env.data(), AT_EMPTY_PATH);
  const absl::Status failed = base::PosixError(errno, "stave-init", "execute");
  if (absl::IsInternal(failed) || errno != E2BIG) return failed;
  return WithExitCode(base::Error(absl::StatusCode::kFailedPrecondition, "E_NOT_EXECUTABLE",
                                  "exec: argument list too long: arguments and environment exceed "
                                  "the kernel's limit"),
                      kNotExecutable);
}

absl::Status Run(const ChildInputs& inputs) {
  const Plan& plan = *inputs.request->plan;
  std::vector<std::string> warnings;
  if (plan.Creates(CLONE_NEWUSER)) STAVE_RETURN_IF_ERROR(WaitForMaps(inputs.maps_written));
  // Not to be traced by whoever shares the pid namespace before it is confined (CVE-2016-9962).
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::setsid();
  STAVE_RETURN_IF_ERROR(SetLimits(plan.process, &warnings));
  STAVE_RETURN_IF_ERROR(JoinCgroup(inputs));
  STAVE_RETURN_IF_ERROR(JoinNamespaces(inputs));
  // A session keyring of its own: keyrings are in no namespace. ENOSYS: a kernel without keys.
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 && errno != ENOSYS) {
    return base::PosixError(errno, "session keyring", "join a new one");
  }
  STAVE_ASSIGN_OR_RETURN(MountedTree tree, BuildTree(inputs));
  if ((!plan.sysctls.empty() || !plan.process.apparmor_profile.empty()) && !tree.proc.valid()) {
    STAVE_ASSIGN_OR_RETURN(tree.proc, mount::MakeFilesystem("proc", "proc", {}, 0));
  }
  STAVE_RETURN_IF_ERROR(SetNamespaceValues(plan, tree.proc.get()));
  Terminal terminal;
  if (plan.process.terminal) {
    STAVE_ASSIGN_OR_RETURN(terminal, MakeTerminal(inputs, tree));
  }
  STAVE_RETURN_IF_ERROR(MakeWorkDir(inputs.request->root, plan.process));
  STAVE_RETURN_IF_ERROR(EnterTree(inputs));
  STAVE_RETURN_IF_ERROR(SetStreams(inputs, terminal));
  // One message: warnings, a line each, and the pty's master if there is one.
  STAVE_RETURN_IF_ERROR(base::SendMessage(inputs.console_socket,
                                          absl::StrCat(absl::StrJoin(warnings, "\n"), "\n"),
                                          terminal.master.get()));
  if (!plan.process.apparmor_profile.empty()) {
    STAVE_RETURN_IF_ERROR(SetAppArmor(tree.proc.get(), plan.process.apparmor_profile));
  }
  STAVE_RETURN_IF_ERROR(ResetSignals());
  if (plan.process.uid != 0) GiveStreams(plan.process);
  STAVE_RETURN_IF_ERROR(CloseOnExec());
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd work_dir, OpenWorkDir(plan.process));
  STAVE_RETURN_IF_ERROR(SetIdentity(inputs));
  STAVE_RETURN_IF_ERROR(EnterWorkDir(plan.process, work_dir.get()));
  STAVE_ASSIGN_OR_RETURN(const std::string program, FindProgram(plan.process));
  STAVE_RETURN_IF_ERROR(DieWithParent(inputs));
  return Execute(inputs, program);
}

}  // namespace

void RunChild(const ChildInputs& inputs) {
  SendReport(inputs.report, Run(inputs));
  ::_exit(kOwnFailure);
}

}  // namespace stave::runtime

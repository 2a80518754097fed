// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <utility>

#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/mount/tree.h"
#include "libs/runtime/child_dev.h"
#include "libs/runtime/child_mounts.h"
#include "libs/runtime/child_process.h"
#include "libs/runtime/child_streams.h"
#include "libs/runtime/find_program.h"
#include "libs/runtime/hook.h"
#include "libs/runtime/namespaces.h"
#include "libs/runtime/report.h"
#include "libs/runtime/seccomp_listener.h"

namespace stave::runtime {
namespace {

// cgroups first, since the cgroup namespace takes its root from where the process is when it is
// made.
absl::Status JoinCgroup(const ChildInputs& inputs) {
  STAVE_RETURN_IF_ERROR(EnterCgroup(inputs.request->group));
  if (inputs.request->plan->Creates(CLONE_NEWCGROUP) && ::unshare(CLONE_NEWCGROUP) < 0) {
    return base::PosixError(errno, "cgroup namespace", "unshare");
  }
  return absl::OkStatus();
}

// The result is OpenPlace().
absl::StatusOr<base::UniqueFd> EnterNamespaces(const ChildInputs& inputs) {
  const Plan& plan = *inputs.request->plan;
  base::UniqueFd place;
  if (plan.Has(CLONE_NEWUSER)) {
    STAVE_ASSIGN_OR_RETURN(place, OpenPlace(*inputs.request));
  }
  if (plan.Creates(CLONE_NEWUSER)) STAVE_RETURN_IF_ERROR(AwaitReply(inputs.ends));
  // Root of a user namespace does not own its own /proc/self any more once it cannot be traced.
  if (plan.Creates(kCloneNewTime)) STAVE_RETURN_IF_ERROR(MakeTimeNamespace(plan.time_offsets));
  if (plan.Has(CLONE_NEWUSER)) STAVE_RETURN_IF_ERROR(BecomeRootOfUserNamespace());
  // Not to be traced by whoever shares the pid namespace before it is confined (CVE-2016-9962).
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::setsid();
  // Whatever its lifetime: a container that is half made goes with its maker.
  STAVE_RETURN_IF_ERROR(DieWithParent(inputs.parent));
  STAVE_RETURN_IF_ERROR(JoinCgroup(inputs));
  if (!inputs.joined) STAVE_RETURN_IF_ERROR(JoinNamespaces(plan, inputs.namespaces));
  if (inputs.request->keyring) STAVE_RETURN_IF_ERROR(JoinNewKeyring());
  return place.valid() ? std::move(place) : OpenPlace(*inputs.request);
}

bool WritesToProc(const Plan& plan) {
  return !plan.sysctls.empty() || !plan.process.apparmor_profile.empty() ||
         !plan.process.selinux_label.empty();
}

// runtime.md "Lifecycle", steps 2 to 5: prestart and createRuntime in the parent, createContainer
// here; the root is made and is not yet /.
absl::Status RunCreateHooks(const ChildInputs& inputs) {
  const LaunchRequest& request = *inputs.request;
  if (request.created) STAVE_RETURN_IF_ERROR(TellAndAwait(inputs.ends, "H"));
  const std::vector<Hook>& hooks = request.plan->hooks.create_container;
  if (hooks.empty()) return absl::OkStatus();
  return RunHooks(hooks, "createContainer", request.state("creating", ::getpid()));
}

absl::StatusOr<Terminal> MakeConsole(const ChildInputs& inputs, const MountedTree& tree) {
  if (!inputs.request->plan->process.terminal) return Terminal();
  STAVE_ASSIGN_OR_RETURN(Terminal terminal,
                         OpenTerminal(tree.pts.get(), inputs.request->plan->process));
  STAVE_RETURN_IF_ERROR(MountConsole(inputs.request->root, terminal.slave.get()));
  return terminal;
}

// What is seen and done outside of the container: mounts, hooks, terminal. Ends in its root.
absl::StatusOr<base::UniqueFd> BuildEnvironment(const ChildInputs& inputs, int place,
                                                const std::vector<std::string>& warnings) {
  const Plan& plan = *inputs.request->plan;
  const LaunchRequest& request = *inputs.request;
  STAVE_ASSIGN_OR_RETURN(MountedTree tree, BuildTree(inputs, place));
  if (WritesToProc(plan) && !tree.proc.valid()) {
    STAVE_ASSIGN_OR_RETURN(tree.proc, mount::MakeFilesystem("proc", "proc", {}, 0));
  }
  STAVE_RETURN_IF_ERROR(SetNamespaceValues(plan, tree.proc.get()));
  STAVE_ASSIGN_OR_RETURN(const Terminal terminal, MakeConsole(inputs, tree));
  STAVE_RETURN_IF_ERROR(MakeWorkDir(request.root, plan.process));
  STAVE_RETURN_IF_ERROR(RunCreateHooks(inputs));
  STAVE_RETURN_IF_ERROR(EnterTree(inputs));
  STAVE_RETURN_IF_ERROR(SetStreams(request.in, request.out, request.err, terminal, plan.process));
  if (terminal.slave.valid() && request.reaper == Reaper::kPayload &&
      ::ioctl(terminal.slave.get(), TIOCSCTTY, 0) < 0) {
    return base::PosixError(errno, "terminal", "make it the controlling one");
  }
  STAVE_RETURN_IF_ERROR(SendWarnings(inputs.ends, warnings, terminal.master.get()));
  return std::move(tree.proc);
}

// Process 1 gets only signals that it has a handler for: init/stave_init.cc, which does the same.
// execve(2) resets them.
void EndAtSignals() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { ::_exit(128 + signal); };
  for (int signal = 1; signal <= 64; ++signal) {
    if (signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH) continue;
    if (signal >= SIGTSTP && signal <= SIGTTOU) continue;
    ::sigaction(signal, &action, nullptr);
  }
}

// With startContainer hooks it is this program that waits for start and runs them; otherwise it has
// made way for stave-init by then.
absl::Status RunStartHooks(const ChildInputs& inputs, InitOrder* order) {
  const LaunchRequest& request = *inputs.request;
  const std::vector<Hook>& hooks = request.plan->hooks.start_container;
  if (hooks.empty()) return absl::OkStatus();
  if (order->gate >= 0) {
    SendReady(order->ready);
    // Nothing of the creator's may stay open while this waits, least of all its locks.
    CloseAllBut({order->program, order->gate, order->report}, 3 + request.preserved);
    order->ready = -1;
    EndAtSignals();
    char byte;
    while (::read(order->gate, &byte, 1) < 0 && errno == EINTR) {
    }
    ::close(std::exchange(order->gate, -1));
  }
  return RunHooks(hooks, "startContainer", request.state("created", ::getpid()));
}

absl::Status Run(const ChildInputs& inputs, InitOrder* order) {
  const Plan& plan = *inputs.request->plan;
  const Process& process = plan.process;
  std::vector<std::string> warnings;
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd place, EnterNamespaces(inputs));
  STAVE_RETURN_IF_ERROR(SetLimits(process, &warnings));
  STAVE_RETURN_IF_ERROR(SetScheduling(process));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd proc,
                         BuildEnvironment(inputs, place.get(), warnings));
  STAVE_RETURN_IF_ERROR(SetLabels(proc.get(), process));
  if (plan.personality && ::personality(*plan.personality) < 0) {
    return base::PosixError(errno, "/linux/personality", "personality");
  }
  base::ResetSignals();
  STAVE_RETURN_IF_ERROR(CloseOnExec(inputs.request->preserved));
  STAVE_RETURN_IF_ERROR(EnterWorkDir(process));
  const auto load_filter = [&] { return LoadSeccomp(inputs.ends, inputs.request->filter); };
  STAVE_RETURN_IF_ERROR(SetIdentity(process, inputs.capabilities, load_filter));
  // A config without a process makes a container that cannot be started.
  FoundProgram program;
  if (!process.args.empty()) {
    STAVE_ASSIGN_OR_RETURN(program, FindProgram(process));
    SendDoubt(order->report, program.doubt);
  }
  if (inputs.request->lifetime == Lifetime::kWithCaller) {
    STAVE_RETURN_IF_ERROR(DieWithParent(inputs.parent));
  } else {
    ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  }
  if (process.no_new_privileges) STAVE_RETURN_IF_ERROR(load_filter());
  STAVE_RETURN_IF_ERROR(RunStartHooks(inputs, order));
  return Execute(*order, process, program.path);
}

InitOrder OrderOf(const ChildInputs& inputs) {
  const LaunchRequest& request = *inputs.request;
  InitOrder order;
  order.program = inputs.init_program;
  order.ready = inputs.ends.report;
  order.gate = request.start.gate;
  order.report = request.start.gate >= 0 ? request.start.report : inputs.ends.report;
  order.reap = request.reaper == Reaper::kInit;
  order.terminal = order.reap && request.plan->process.terminal;
  return order;
}

}  // namespace

bool NeedsConversation(const LaunchRequest& request) {
  const Plan& plan = *request.plan;
  return plan.Has(CLONE_NEWUSER) || request.created || Listens(request.filter) ||
         !plan.hooks.start_container.empty();
}

void RunChild(const ChildInputs& inputs) {
  InitOrder order = OrderOf(inputs);
  const absl::Status failed = Run(inputs, &order);
  // Once it has said that it is created, whoever starts it is told.
  SendReport(order.ready >= 0 ? order.ready : order.report, failed);
  ::_exit(kOwnFailure);
}

}  // namespace stave::runtime

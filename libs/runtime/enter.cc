// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/capability/capability.h"
#include "libs/rootpath/rootpath.h"
#include "libs/runtime/child_process.h"
#include "libs/runtime/child_streams.h"
#include "libs/runtime/conversation.h"
#include "libs/runtime/find_program.h"
#include "libs/runtime/join.h"
#include "libs/runtime/namespaces.h"
#include "libs/runtime/report.h"
#include "libs/runtime/seccomp_listener.h"

namespace stave::runtime {
namespace {

// What the parent has prepared for the child.
struct Inputs {
  const EnterRequest* request = nullptr;
  int namespaces = 0;  // CLONE_NEW* of those that are not the caller's
  capability::Sets capabilities;
  int init_program = -1;
  int parent = -1;
  int proc = -1;  // the host's
  ChildEnds ends;
};

constexpr int kEndHas = 1000;  // milliseconds

constexpr struct {
  const char* name;
  int flag;
} kNamespaces[] = {{"user", CLONE_NEWUSER},     {"pid", CLONE_NEWPID},  {"mnt", CLONE_NEWNS},
                   {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC},  {"uts", CLONE_NEWUTS},
                   {"cgroup", CLONE_NEWCGROUP}, {"time", kCloneNewTime}};

absl::Status NotRunning() {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE", "container not running");
}

// setns(2) refuses a user namespace that the caller is in already.
absl::StatusOr<int> OtherNamespaces(const EnterRequest& request) {
  int flags = 0;
  for (const auto& [name, flag] : kNamespaces) {
    struct stat own, theirs;
    if (::stat(absl::StrCat("/proc/self/ns/", name).c_str(), &own) < 0) continue;
    if (::stat(absl::StrCat("/proc/", request.pid, "/ns/", name).c_str(), &theirs) < 0) {
      return errno == ENOENT ? NotRunning() : base::PosixError(errno, name, "look at");
    }
    if (own.st_ino != theirs.st_ino) flags |= flag;
  }
  // The number was this process's all the time, if it is now.
  if (::syscall(SYS_pidfd_send_signal, request.pidfd, 0, nullptr, 0) < 0) return NotRunning();
  return flags;
}

absl::Status EnterContainer(const Inputs& inputs, std::vector<std::string>* warnings) {
  const EnterRequest& request = *inputs.request;
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::setsid();
  STAVE_RETURN_IF_ERROR(DieWithParent(inputs.parent));
  STAVE_RETURN_IF_ERROR(SetLimits(*request.process, warnings));
  STAVE_RETURN_IF_ERROR(SetAffinity(request.process->affinity_before));
  STAVE_RETURN_IF_ERROR(EnterCgroup(request.group));
  STAVE_RETURN_IF_ERROR(SetAffinity(request.process->affinity_after));
  STAVE_RETURN_IF_ERROR(SetScheduling(*request.process));
  if (request.keyring) STAVE_RETURN_IF_ERROR(JoinNewKeyring());
  if (inputs.namespaces != 0 && ::setns(request.pidfd, inputs.namespaces) < 0) {
    return errno == ESRCH ? NotRunning() : base::PosixError(errno, "container", "join namespaces");
  }
  return (inputs.namespaces & CLONE_NEWUSER) != 0 ? BecomeRootOfUserNamespace() : absl::OkStatus();
}

// From here on "/" is the container's root.
absl::StatusOr<Terminal> MakeTerminal(const Process& process) {
  if (!process.terminal) return Terminal();
  const base::UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto pts = rootpath::OpenInRoot(root.get(), "dev/pts", O_RDONLY | O_DIRECTORY);
  if (!pts.ok()) return base::WithContext(pts.status(), "/process/terminal");
  return OpenTerminal(pts->get(), process);
}

absl::Status Run(const Inputs& inputs) {
  const EnterRequest& request = *inputs.request;
  const Process& process = *request.process;
  std::vector<std::string> warnings;
  STAVE_RETURN_IF_ERROR(EnterContainer(inputs, &warnings));
  STAVE_ASSIGN_OR_RETURN(const Terminal terminal, MakeTerminal(process));
  STAVE_RETURN_IF_ERROR(SetStreams(request.in, request.out, request.err, terminal, process));
  STAVE_RETURN_IF_ERROR(SendWarnings(inputs.ends, warnings, terminal.master.get()));
  STAVE_RETURN_IF_ERROR(SetLabels(inputs.proc, process));
  base::ResetSignals();
  STAVE_RETURN_IF_ERROR(CloseOnExec(request.preserved));
  STAVE_RETURN_IF_ERROR(EnterWorkDir(process));
  const auto load_filter = [&] { return LoadSeccomp(inputs.ends, request.filter); };
  STAVE_RETURN_IF_ERROR(SetIdentity(process, inputs.capabilities, load_filter));
  STAVE_ASSIGN_OR_RETURN(const FoundProgram program, FindProgram(process));
  SendDoubt(inputs.ends.report, program.doubt);
  if (process.no_new_privileges) STAVE_RETURN_IF_ERROR(load_filter());
  InitOrder order;
  order.program = inputs.init_program;
  order.ready = order.report = inputs.ends.report;
  order.fork = true;
  order.terminal = process.terminal;
  if (request.lifetime == Lifetime::kWithCaller) order.parent = inputs.parent;
  return Execute(order, process, program.path);
}

[[noreturn]] void RunChild(const Inputs& inputs) {
  SendReport(inputs.ends.report, Run(inputs));
  ::_exit(kOwnFailure);
}

// 'R', perhaps four bytes of errno, 'P' and the payload's pid: stave_init.cc, a write(2) each. The
// pid, or -1.
pid_t TakePid(std::string* text) {
  constexpr size_t kPart = 5;
  if (text->size() != 1 + kPart && text->size() != 1 + 4 + kPart) return -1;
  const size_t at = text->size() - kPart;
  if ((*text)[0] != 'R' || (*text)[at] != 'P') return -1;
  pid_t pid;
  ::memcpy(&pid, text->data() + at + 1, sizeof pid);
  text->resize(at);
  return pid;
}

bool HasEnded(int pidfd, int milliseconds) {
  pollfd watch{pidfd, POLLIN, 0};
  return ::poll(&watch, 1, milliseconds) > 0;
}

// A pid namespace whose first process is ending takes no more, a moment before that can be seen.
bool TakesNoMore(const std::string& text) {
  int error = 0;
  if (text.size() != 1 + sizeof error) return false;
  ::memcpy(&error, text.data() + 1, sizeof error);
  return error == ENOMEM;
}

absl::Status Converse(const EnterRequest& request, Conversation* conversation, Launched* joiner) {
  if (!Listens(request.filter)) return absl::OkStatus();
  Conversation::Duties duties;
  duties.listener = &request.listener;
  duties.state = request.state;
  return conversation->Hold(duties, joiner);
}

// Until stave-init's last word, not until the pipe's end: a process of the container that holds
// CAP_SYS_PTRACE may have opened the pipe and keep it open.
absl::StatusOr<std::string> ReadReport(int report) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(report, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::PosixError(errno, "report", "read");
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    std::string copy = text;
    CutDoubt(&copy);
    if (TakePid(&copy) > 0) return text;
  }
}

// From the joiner to the payload that it has made.
absl::Status TakePayload(const EnterRequest& request, Conversation* conversation,
                         Launched* launched) {
  auto text = ReadReport(conversation->report_reader());
  if (!text.ok()) return text.status();
  const std::string doubt = CutDoubt(&*text);
  launched->pid = TakePid(&*text);
  if (launched->pid < 0 && TakesNoMore(*text)) HasEnded(request.pidfd, kEndHas);
  const absl::Status executed = ParseReport(doubt + *text, request.process->args[0]);
  if (!executed.ok()) {
    if (launched->pid > 0) base::ReapChild(launched->pid);
    return executed;
  }
  if (launched->pid < 0) {
    return base::Error(absl::StatusCode::kAborted, "E_KILLED",
                       "the process was killed before its start");
  }
  launched->pidfd = base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, launched->pid, 0)));
  if (!launched->pidfd.valid()) return base::PosixError(errno, "process", "pidfd_open");
  if (!launched->terminal.valid()) conversation->TakeWarnings(launched);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Launched> Enter(const EnterRequest& request) {
  Launched launched;
  Inputs inputs;
  inputs.request = &request;
  STAVE_ASSIGN_OR_RETURN(inputs.namespaces, OtherNamespaces(request));
  const bool own_users = (inputs.namespaces & CLONE_NEWUSER) != 0;
  STAVE_ASSIGN_OR_RETURN(
      inputs.capabilities,
      ChooseCapabilities(*request.process,
                         own_users ? UserNamespace::kOther : UserNamespace::kCallers,
                         &launched.warnings));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd init, SealedInit());
  inputs.init_program = init.get();
  const base::UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self.valid()) return base::PosixError(errno, "parent", "pidfd_open");
  inputs.parent = self.get();
  const base::UniqueFd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  inputs.proc = proc.get();
  STAVE_ASSIGN_OR_RETURN(Conversation conversation, Conversation::Make());
  inputs.ends = conversation.child();
  clone_args args{};
  if (!Listens(request.filter)) args.flags |= CLONE_VFORK;
  CloneInto(request.group, &args);
  absl::StatusOr<Cloned> joiner = CloneDirectly(args);
  if (!joiner.ok()) {
    return request.group == nullptr ? joiner.status()
                                    : request.group->ExplainEntry(joiner.status());
  }
  if (joiner->pid == 0) {
    conversation.CloseParentEnds();
    RunChild(inputs);
  }
  conversation.CloseChildEnds();
  launched.pid = joiner->pid;
  launched.pidfd = std::move(joiner->pidfd);
  absl::Status entered = Converse(request, &conversation, &launched);
  if (!entered.ok()) ::syscall(SYS_pidfd_send_signal, launched.pidfd.get(), SIGKILL, nullptr, 0);
  if (entered.ok()) entered = TakePayload(request, &conversation, &launched);
  base::ReapChild(joiner->pid);
  if (entered.ok()) return launched;
  // Which has many faces: killed, or no memory for one more process in its pid namespace.
  return HasEnded(request.pidfd, 0) ? NotRunning() : entered;
}

}  // namespace stave::runtime

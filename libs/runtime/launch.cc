// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/passing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/capability/capability.h"
#include "libs/mount/tree.h"
#include "libs/rootpath/rootpath.h"
#include "libs/runtime/child.h"
#include "libs/runtime/init_image.h"
#include "libs/runtime/report.h"
#include "libs/runtime/user_namespace.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace stave::runtime {
namespace {

// Owners of what ChildInputs borrows.
struct Opened {
  std::vector<base::UniqueFd> fds;
  int Keep(base::UniqueFd fd) {
    fds.push_back(std::move(fd));
    return fds.back().get();
  }
};

absl::StatusOr<base::UniqueFd> SealedInit() {
  base::UniqueFd memory(::memfd_create("stave-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
  if (!memory.valid() && errno == EINVAL) {  // MFD_EXEC: Linux 6.3
    memory = base::UniqueFd(::memfd_create("stave-init", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  }
  if (!memory.valid()) return base::PosixError(errno, "stave-init", "memfd_create");
  STAVE_RETURN_IF_ERROR(base::WriteAll(memory.get(), InitImage(), "stave-init"));
  if (::fchmod(memory.get(), 0555) < 0) return base::PosixError(errno, "stave-init", "chmod");
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
      0) {
    return base::PosixError(errno, "stave-init", "seal");
  }
  // Above the numbers that the child puts things on.
  base::UniqueFd high(::fcntl(memory.get(), F_DUPFD_CLOEXEC, 10));
  if (!high.valid()) return base::PosixError(errno, "stave-init", "duplicate");
  return high;
}

absl::Status OpenBinds(const Plan& plan, ChildInputs* inputs, Opened* opened) {
  for (size_t i = 0; i < plan.mounts.size(); ++i) {
    inputs->bind_sources.push_back(-1);
    const Mount& wanted = plan.mounts[i];
    if (!wanted.options.bind) continue;
    auto tree = mount::CloneTree(AT_FDCWD, wanted.source, wanted.options.depth);
    if (!tree.ok()) return base::WithContext(tree.status(), absl::StrCat("/mounts/", i, "/source"));
    inputs->bind_sources.back() = opened->Keep(*std::move(tree));
  }
  return absl::OkStatus();
}

bool IsBelow(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.compare(0, folder.size(), folder) == 0 &&
         path[folder.size()] == '/';
}

// Root of a user namespace may make nothing in a root filesystem whose owners it does not have, so
// what is to be mounted over is made here, where it is a mount that nobody else sees. What lies
// below another mount is the child's.
absl::Status MakeMountpoints(const LaunchRequest& request, const ChildInputs& inputs) {
  const Plan& plan = *request.plan;
  for (size_t i = 0; i < plan.mounts.size(); ++i) {
    const std::string& path = plan.mounts[i].destination;
    bool covered = false;
    for (size_t k = 0; k < i; ++k) covered = covered || IsBelow(path, plan.mounts[k].destination);
    if (covered || rootpath::OpenInRoot(request.root, path, O_PATH).ok()) continue;
    struct stat st;
    const int source = inputs.bind_sources[i];
    const bool file = source >= 0 && ::fstat(source, &st) == 0 && !S_ISDIR(st.st_mode);
    const absl::Status made = file ? rootpath::MakeFileInRoot(request.root, path, 0644).status()
                                   : rootpath::MakeDirsInRoot(request.root, path, 0755).status();
    if (!made.ok()) return base::WithContext(made, absl::StrCat("/mounts/", i));
  }
  const absl::Status made = rootpath::MakeDirsInRoot(request.root, plan.process.cwd, 0755).status();
  return made.ok() ? made : base::WithContext(made, "/process/cwd");
}

absl::Status OpenNamespaces(const Plan& plan, ChildInputs* inputs, Opened* opened) {
  for (const Namespace& wanted : plan.namespaces) {
    inputs->namespaces.push_back(-1);
    if (wanted.path.empty()) continue;
    base::UniqueFd fd(::open(wanted.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd.valid()) return base::PosixError(errno, wanted.path, "open the namespace");
    inputs->namespaces.back() = opened->Keep(std::move(fd));
  }
  return absl::OkStatus();
}

// What of process.capabilities can be given. In a new user namespace that is all of it.
absl::Status ChooseCapabilities(const Plan& plan, ChildInputs* inputs,
                                std::vector<std::string>* warnings) {
  if (!plan.process.capabilities) return absl::OkStatus();
  inputs->capabilities = *plan.process.capabilities;
  if (plan.Creates(CLONE_NEWUSER)) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const capability::Sets held, capability::Current());
  capability::Set missing = 0;
  inputs->capabilities = capability::Attainable(*plan.process.capabilities, held, &missing);
  if (missing != 0) {
    warnings->push_back(absl::StrCat("cannot be given, since the caller has not got them itself: ",
                                     absl::StrJoin(capability::ToNames(missing), ", ")));
  }
  return absl::OkStatus();
}

absl::Status WriteMaps(pid_t pid, const Plan& plan, int gate) {
  STAVE_RETURN_IF_ERROR(WriteIdMaps(pid, plan));
  return base::WriteAll(gate, "x", "user namespace");
}

// What the child sent before it executed the payload.
void ReceiveFromChild(int socket, Launched* launched) {
  auto message = base::ReceiveMessage(socket, size_t{1} << 16, MSG_DONTWAIT);
  if (!message.ok()) return;
  for (const absl::string_view line : absl::StrSplit(message->text, '\n', absl::SkipEmpty())) {
    launched->warnings.emplace_back(line);
  }
  launched->terminal = std::move(message->fd);
}

uint64_t CloneFlags(const Plan& plan) {
  uint64_t flags = 0;
  for (const Namespace& wanted : plan.namespaces) {
    // The cgroup namespace is made by the child once it is in its cgroup.
    if (wanted.path.empty() && wanted.flag != CLONE_NEWCGROUP)
      flags |= static_cast<uint64_t>(wanted.flag);
  }
  // Where nothing is left to do for the parent, it sleeps: two processes on two CPUs would copy
  // pages that one of them throws away a moment later.
  if (!plan.Creates(CLONE_NEWUSER)) flags |= CLONE_VFORK;
  return flags;
}

absl::Status CloneError(int error, const LaunchRequest& request) {
  absl::Status status = base::PosixError(error, "container", "clone");
  if (error == EPERM)
    return base::WithHint(std::move(status), "namespaces need root, or a user namespace");
  if (error == EAGAIN && request.group != nullptr) {
    return base::WithHint(std::move(status), "the pids limit leaves no room for the first process");
  }
  return status;
}

}  // namespace

absl::StatusOr<Launched> Launch(const LaunchRequest& request) {
  const Plan& plan = *request.plan;
  ChildInputs inputs;
  Opened opened;
  inputs.request = &request;
  STAVE_RETURN_IF_ERROR(OpenBinds(plan, &inputs, &opened));
  if (plan.Creates(CLONE_NEWUSER) && request.ownership == Ownership::kHost) {
    STAVE_RETURN_IF_ERROR(MakeMountpoints(request, inputs));
  }
  STAVE_RETURN_IF_ERROR(OpenNamespaces(plan, &inputs, &opened));
  Launched launched;
  launched.warnings = plan.warnings;
  STAVE_RETURN_IF_ERROR(ChooseCapabilities(plan, &inputs, &launched.warnings));
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd init, SealedInit());
  inputs.init_program = opened.Keep(std::move(init));
  base::UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self.valid()) return base::PosixError(errno, "parent", "pidfd_open");
  inputs.parent = opened.Keep(std::move(self));

  int report[2], gate[2], console[2];
  if (::pipe2(report, O_CLOEXEC) < 0) return base::PosixError(errno, "report", "pipe");
  const base::UniqueFd report_reader(report[0]);
  base::UniqueFd report_writer(report[1]);
  if (::pipe2(gate, O_CLOEXEC) < 0) return base::PosixError(errno, "user namespace", "pipe");
  base::UniqueFd gate_reader(gate[0]);
  const base::UniqueFd gate_writer(gate[1]);
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, console) < 0) {
    return base::PosixError(errno, "console", "socketpair");
  }
  const base::UniqueFd console_reader(console[0]);
  base::UniqueFd console_writer(console[1]);
  inputs.report = report_writer.get();
  inputs.maps_written = gate_reader.get();
  inputs.console_socket = console_writer.get();

  int pidfd = -1;
  clone_args args{};
  args.flags = CloneFlags(plan) | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  if (request.group != nullptr && request.group->directory_fd() >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(request.group->directory_fd());
  }
  const pid_t pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (pid < 0) return CloneError(errno, request);
  if (pid == 0) {
    ::close(gate[1]);  // so that the end of the parent is seen
    RunChild(inputs);
  }
  launched.pid = pid;
  launched.pidfd = base::UniqueFd(pidfd);
  report_writer.Reset();
  console_writer.Reset();
  gate_reader.Reset();
  absl::Status started;
  if (plan.Creates(CLONE_NEWUSER)) started = WriteMaps(pid, plan, gate_writer.get());
  if (started.ok()) started = ReceiveReport(report_reader.get(), plan.process.args[0]);
  if (!started.ok()) {
    ::syscall(SYS_pidfd_send_signal, launched.pidfd.get(), SIGKILL, nullptr, 0);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return started;
  }
  ReceiveFromChild(console_reader.get(), &launched);
  return launched;
}

}  // namespace stave::runtime

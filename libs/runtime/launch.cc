// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/mount/tree.h"
#include "libs/rootpath/rootpath.h"
#include "libs/runtime/child.h"
#include "libs/runtime/child_process.h"
#include "libs/runtime/child_streams.h"
#include "libs/runtime/conversation.h"
#include "libs/runtime/join.h"
#include "libs/runtime/namespaces.h"
#include "libs/runtime/report.h"
#include "libs/runtime/user_namespace.h"

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

// Errors: InvalidArgument if it is a namespace of another kind, or none.
absl::StatusOr<base::UniqueFd> OpenNamespace(const Namespace& wanted) {
  base::UniqueFd fd(::open(wanted.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return base::PosixError(errno, wanted.path, "open the namespace");
  if (::ioctl(fd.get(), NS_GET_NSTYPE) == wanted.flag) return fd;
  return base::Error(
      absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
      absl::StrCat("/linux/namespaces: ", wanted.path, ": is no namespace of this type"));
}

// That of the config's user namespace if it is one to join; else none.
absl::StatusOr<base::UniqueFd> JoinedUserNamespace(const Plan& plan) {
  for (const Namespace& wanted : plan.namespaces) {
    if (wanted.flag == CLONE_NEWUSER && !wanted.path.empty()) return OpenNamespace(wanted);
  }
  return base::UniqueFd();
}

// Changes who owns the files of a bind, as seen through it.
absl::Status MapIds(const Plan& plan, const Mount& wanted, const base::UniqueFd* joined, int tree) {
  const bool own = !wanted.uid_mappings.empty();
  base::UniqueFd made;
  if (own || joined == nullptr) {
    STAVE_ASSIGN_OR_RETURN(made, MakeUserNamespace(own ? wanted.uid_mappings : plan.uid_mappings,
                                                   own ? wanted.gid_mappings : plan.gid_mappings));
  }
  const int user = made.valid() ? made.get() : joined->get();
  return mount::MapIds(
      tree, user, wanted.id_mapped == IdMapped::kTree ? mount::Depth::kTree : mount::Depth::kMount);
}

absl::StatusOr<base::UniqueFd> CloneSource(const Plan& plan, const Mount& wanted) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd tree,
                         mount::CloneTree(AT_FDCWD, wanted.source, wanted.options.depth));
  if (wanted.id_mapped == IdMapped::kNo) return tree;
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd joined, JoinedUserNamespace(plan));
  STAVE_RETURN_IF_ERROR(MapIds(plan, wanted, joined.valid() ? &joined : nullptr, tree.get()));
  return tree;
}

// The kernel lists mounts by their age, and what config.md says of their order is looked for in
// that list. So the child makes the copy when its turn comes, if it can: not with another user's
// ids, not in another mount tree, not of what the container's root will cover, and not where it is
// to be a peer of the host's, as nothing of the child's is.
bool IsChildToClone(const Plan& plan, const Mount& wanted, int source) {
  const bool peer = wanted.options.propagation == MS_SHARED && plan.root_propagation == MS_SHARED;
  struct statfs fs;
  return !peer && !plan.Has(CLONE_NEWUSER) && !plan.Joins(CLONE_NEWNS) &&
         wanted.id_mapped == IdMapped::kNo && ::fstatfs(source, &fs) == 0 &&
         fs.f_type != PROC_SUPER_MAGIC;
}

absl::Status OpenBinds(const Plan& plan, ChildInputs* inputs, Opened* opened) {
  for (size_t i = 0; i < plan.mounts.size(); ++i) {
    BindSource& source = inputs->bind_sources.emplace_back();
    const Mount& wanted = plan.mounts[i];
    if (!wanted.options.bind || wanted.options.remount) continue;
    if (wanted.tree >= 0) {
      source.fd = wanted.tree;
      source.detached = true;
      continue;
    }
    base::UniqueFd found(::open(wanted.source.c_str(), O_PATH | O_CLOEXEC));
    if (!found.valid()) {
      return base::WithContext(base::PosixError(errno, wanted.source, "open"),
                               absl::StrCat("/mounts/", i, "/source"));
    }
    source.detached = !IsChildToClone(plan, wanted, found.get());
    if (source.detached) {
      auto tree = CloneSource(plan, wanted);
      if (!tree.ok()) return base::WithContext(tree.status(), absl::StrCat("/mounts/", i));
      found = *std::move(tree);
    }
    source.fd = opened->Keep(std::move(found));
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
    const int source = inputs.bind_sources[i].fd;
    const bool file = source >= 0 && ::fstat(source, &st) == 0 && !S_ISDIR(st.st_mode);
    const absl::Status made = file ? rootpath::MakeFileInRoot(request.root, path, 0644).status()
                                   : rootpath::MakeDirsInRoot(request.root, path, 0755).status();
    if (!made.ok()) return base::WithContext(made, absl::StrCat("/mounts/", i));
  }
  const absl::Status made = rootpath::MakeDirsInRoot(request.root, plan.process.cwd, 0755).status();
  return made.ok() ? made : WithCause(base::WithContext(made, "/process/cwd"), "workdir");
}

// A path that leads to the caller's own namespace is no namespace of the container's: its sysctls
// are the host's.
absl::Status CheckSysctls(const Plan& plan, const Namespace& joined, int fd) {
  if (plan.sysctls.empty()) return absl::OkStatus();
  const char* name = joined.flag == CLONE_NEWNET   ? "net"
                     : joined.flag == CLONE_NEWIPC ? "ipc"
                     : joined.flag == CLONE_NEWUTS ? "uts"
                                                   : nullptr;
  struct stat own, theirs;
  if (name == nullptr || ::stat(absl::StrCat("/proc/self/ns/", name).c_str(), &own) < 0 ||
      ::fstat(fd, &theirs) < 0 || own.st_ino != theirs.st_ino) {
    return absl::OkStatus();
  }
  for (const auto& [key, value] : plan.sysctls) {
    if (SysctlNamespace(key) != joined.flag) continue;
    return base::Error(
        absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
        absl::StrCat("/linux/sysctl: ", key, ": ", joined.path, " is the host's own namespace"));
  }
  return absl::OkStatus();
}

// Its root becomes the container's for everybody who is in it; that of the caller's own would be
// the machine's.
absl::Status CheckMountNamespace(const Namespace& joined, int fd) {
  struct stat own, theirs;
  if (joined.flag != CLONE_NEWNS || ::stat("/proc/self/ns/mnt", &own) < 0 ||
      ::fstat(fd, &theirs) < 0 || own.st_ino != theirs.st_ino) {
    return absl::OkStatus();
  }
  return base::Error(
      absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
      absl::StrCat("/linux/namespaces: ", joined.path, ": is the host's own mount namespace"));
}

absl::Status OpenNamespaces(const Plan& plan, ChildInputs* inputs, Opened* opened) {
  for (const Namespace& wanted : plan.namespaces) {
    inputs->namespaces.push_back(-1);
    if (wanted.path.empty()) continue;
    STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd, OpenNamespace(wanted));
    STAVE_RETURN_IF_ERROR(CheckMountNamespace(wanted, fd.get()));
    STAVE_RETURN_IF_ERROR(CheckSysctls(plan, wanted, fd.get()));
    inputs->namespaces.back() = opened->Keep(std::move(fd));
  }
  return absl::OkStatus();
}

// What only the parent may do for a process in a user namespace: its maps, and what takes a right
// of the host's. The child sets the latter once more, and warns of what is refused to both.
absl::Status WriteMaps(pid_t pid, const Plan& plan) {
  if (plan.Creates(CLONE_NEWUSER)) STAVE_RETURN_IF_ERROR(WriteIdMaps(pid, plan));
  for (const Rlimit& limit : plan.process.rlimits) {
    const rlimit value{limit.soft, limit.hard};
    ::prlimit(pid, static_cast<__rlimit_resource>(limit.resource), &value, nullptr);
  }
  if (!plan.process.oom_score_adj) return absl::OkStatus();
  base::WriteFileAt(AT_FDCWD, absl::StrCat("/proc/", pid, "/oom_score_adj"),
                    absl::StrCat(*plan.process.oom_score_adj))
      .IgnoreError();
  return absl::OkStatus();
}

absl::Status CloneError(absl::Status status, const LaunchRequest& request) {
  if (request.group != nullptr) status = request.group->ExplainEntry(std::move(status));
  if (absl::IsPermissionDenied(status))
    return base::WithHint(std::move(status), "namespaces need root, or a user namespace");
  return status;
}

clone_args CloneArguments(const LaunchRequest& request) {
  clone_args args{};
  args.flags = NamespaceFlags(*request.plan);
  // Where nothing is left to do for the parent, it sleeps: two processes on two CPUs would copy
  // pages that one of them throws away a moment later.
  if (!NeedsConversation(request)) args.flags |= CLONE_VFORK;
  CloneInto(request.group, &args);
  return args;
}

std::string ProgramOf(const Plan& plan) {
  return plan.process.args.empty() ? "" : plan.process.args[0];
}

absl::Status Converse(const LaunchRequest& request, Conversation* conversation,
                      Launched* launched) {
  const Plan& plan = *request.plan;
  if (!NeedsConversation(request)) {
    const absl::Status started = conversation->Report(ProgramOf(plan));
    if (started.ok()) conversation->TakeWarnings(launched);
    return started;
  }
  Conversation::Duties duties;
  if (plan.Creates(CLONE_NEWUSER)) {
    duties.write_maps = [&plan](pid_t pid) { return WriteMaps(pid, plan); };
  }
  duties.created = request.created;
  duties.listener = &plan.listener;
  duties.state = request.state;
  STAVE_RETURN_IF_ERROR(conversation->Hold(duties, launched));
  return conversation->Report(ProgramOf(plan));
}

// What the child borrows, opened while the host is still in view.
absl::Status OpenAll(const LaunchRequest& request, ChildInputs* inputs, Opened* opened,
                     std::vector<std::string>* warnings) {
  const Plan& plan = *request.plan;
  inputs->request = &request;
  STAVE_RETURN_IF_ERROR(OpenBinds(plan, inputs, opened));
  if (plan.Has(CLONE_NEWUSER) && request.ownership == Ownership::kHost) {
    STAVE_RETURN_IF_ERROR(MakeMountpoints(request, *inputs));
  }
  STAVE_RETURN_IF_ERROR(OpenNamespaces(plan, inputs, opened));
  STAVE_ASSIGN_OR_RETURN(
      inputs->capabilities,
      ChooseCapabilities(plan.process,
                         plan.Has(CLONE_NEWUSER) ? UserNamespace::kOther : UserNamespace::kCallers,
                         warnings));
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd init, SealedInit());
  inputs->init_program = opened->Keep(std::move(init));
  base::UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self.valid()) return base::PosixError(errno, "parent", "pidfd_open");
  inputs->parent = opened->Keep(std::move(self));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Launched> Launch(const LaunchRequest& request) {
  const Plan& plan = *request.plan;
  ChildInputs inputs;
  Opened opened;
  Launched launched;
  launched.warnings = plan.warnings;
  STAVE_RETURN_IF_ERROR(OpenAll(request, &inputs, &opened, &launched.warnings));
  STAVE_ASSIGN_OR_RETURN(Conversation conversation, Conversation::Make());
  inputs.ends = conversation.child();
  inputs.joined = NeedsJoiner(plan);
  const clone_args args = CloneArguments(request);
  absl::StatusOr<Cloned> cloned =
      inputs.joined ? CloneThroughJoiner(args, plan, inputs.namespaces) : CloneDirectly(args);
  if (!cloned.ok()) return CloneError(cloned.status(), request);
  if (cloned->pid == 0) {
    conversation.CloseParentEnds();
    RunChild(inputs);
  }
  launched.pid = cloned->pid;
  launched.pidfd = std::move(cloned->pidfd);
  conversation.CloseChildEnds();
  const absl::Status started = Converse(request, &conversation, &launched);
  if (started.ok()) return launched;
  ::syscall(SYS_pidfd_send_signal, launched.pidfd.get(), SIGKILL, nullptr, 0);
  base::ReapChild(launched.pid);
  return HintAtMemory(started, &plan.resources);
}

}  // namespace stave::runtime

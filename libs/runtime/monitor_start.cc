// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/monitor_start.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"

namespace stave::runtime {
namespace {

constexpr char kCgroup[] = "/stave/monitors";
constexpr int kEntry = 3, kClient = 4;  // descriptors of the monitor's

// That of all monitors. Nothing where there are no cgroups, or they are not ours.
std::optional<cgroup::Cgroup> OpenCgroup() {
  const auto hierarchies = cgroup::FindHierarchies();
  if (!hierarchies.ok()) return std::nullopt;
  auto made = cgroup::Cgroup::Create(kCgroup, *hierarchies, cgroup::Limits());
  if (made.ok()) {
    made->Release();
    return *std::move(made);
  }
  auto group = cgroup::Cgroup::Open(kCgroup, *hierarchies);
  if (!group.ok() || !group->OpenEntries().ok()) return std::nullopt;
  return *std::move(group);
}

// A duplicate out of the way of the monitor's numbers: made before the child, which could not tell
// why there is none.
absl::StatusOr<base::UniqueFd> Apart(int fd, absl::string_view program) {
  base::UniqueFd apart(::fcntl(fd, F_DUPFD_CLOEXEC, kClient + 1));
  if (apart.valid()) return apart;
  // EINVAL: the limit of descriptors is below the number itself.
  return base::PosixError(errno == EINVAL ? EMFILE : errno, program, "duplicate a descriptor");
}

struct Child {
  const char* program;
  char* const* argv;
  char* const* environment;
  int entry, client;            // above those of the monitor's
  const cgroup::Cgroup* group;  // or nullptr
};

// Between clone and exec: async-signal-safe.
[[noreturn]] void Execute(const Child& child) {
  if (child.group != nullptr) cgroup::WriteTasks(child.group->task_fds());
  ::setsid();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // dup2(2) takes the flag away.
  if (::dup2(child.entry, kEntry) >= 0 && ::dup2(child.client, kClient) >= 0 &&
      ::syscall(SYS_close_range, kClient + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
    ::execve(child.program, child.argv, child.environment);
  }
  ::_exit(127);
}

pid_t Clone(const cgroup::Cgroup* group) {
  clone_args args{};
  args.exit_signal = SIGCHLD;
  if (group != nullptr && group->directory_fd() >= 0) {
    args.flags = CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(group->directory_fd());
  }
  pid_t pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (pid >= 0 || args.flags == 0) return pid;
  args.flags = 0;  // better in the caller's than not at all
  return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
}

absl::StatusOr<base::UniqueFd> Begin(const store::Store& store, const store::Pending& entry,
                                     const std::optional<monitor::AttachWish>& attach) {
  STAVE_ASSIGN_OR_RETURN(const std::string libexec, base::LibexecDir());
  const std::string program = absl::StrCat(libexec, "/stave-monitor");
  if (::access(program.c_str(), X_OK) < 0) {
    return base::Error(absl::StatusCode::kNotFound, "E_HELPER",
                       absl::StrCat(program, ": is not there"));
  }
  STAVE_ASSIGN_OR_RETURN(monitor::Pair pair, monitor::MakePair());
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, Apart(entry.lock_fd(), program));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd client, Apart(pair.monitor.get(), program));
  std::vector<std::string> words = {"stave-monitor",
                                    "make",
                                    absl::StrCat("state=", store.state_path()),
                                    absl::StrCat("run=", store.run_path()),
                                    absl::StrCat("id=", entry.id()),
                                    absl::StrCat("entry=", kEntry),
                                    absl::StrCat("client=", kClient)};
  if (attach) {
    STAVE_RETURN_IF_ERROR(monitor::Send(pair.client.get(), monitor::Request(*attach)));
    words.push_back(absl::StrCat("rows=", attach->size.rows));
    words.push_back(absl::StrCat("columns=", attach->size.columns));
  }
  const std::vector<char*> argv = base::ExecPointers(words);
  const std::optional<cgroup::Cgroup> group = OpenCgroup();
  const Child child{program.c_str(), argv.data(),  environ,
                    lock.get(),      client.get(), group ? &*group : nullptr};
  const pid_t pid = Clone(child.group);
  if (pid < 0) return base::PosixError(errno, program, "clone");
  if (pid == 0) Execute(child);
  return std::move(pair.client);
}

}  // namespace

absl::StatusOr<base::UniqueFd> StartMonitor(const store::Store& store, store::Pending entry,
                                            const std::optional<monitor::AttachWish>& attach) {
  absl::StatusOr<base::UniqueFd> socket = Begin(store, entry, attach);
  if (!socket.ok()) entry.Undo().IgnoreError();
  return socket;
}

}  // namespace stave::runtime

// SPDX-License-Identifier: Apache-2.0
#include "tools/cgroup-limit/command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/lock.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"

namespace stave::cgroup_limit {
namespace {

constexpr char kFolder[] = "cgroup-limit";
constexpr size_t kMaxPath = 4096;
constexpr absl::Duration kEndTimeout = absl::Seconds(10);

// Those that ask a program to do something; the ones that stop and continue are left alone, so that
// the shell sees this process stop with the command.
constexpr int kForwarded[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
                              SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

absl::StatusOr<base::UniqueFd> OpenFolder(const std::string& run_root) {
  for (size_t end = run_root.find('/', 1); end != std::string::npos;
       end = run_root.find('/', end + 1)) {
    mkdir(run_root.substr(0, end).c_str(), 0755);  // the next step tells if it is not there
  }
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(AT_FDCWD, run_root, 0755));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd root, base::OpenDirAt(AT_FDCWD, run_root));
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(root.get(), kFolder, 0700));
  return base::OpenDirAt(root.get(), kFolder);
}

std::vector<std::string> Names(int folder) {
  std::vector<std::string> names;
  DIR* stream = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (stream == nullptr) return names;
  while (const dirent* entry = readdir(stream)) {
    if (absl::StartsWith(entry->d_name, kFolder)) names.emplace_back(entry->d_name);
  }
  closedir(stream);
  return names;
}

// Removes the cgroup of one entry if nobody holds the entry, and then the entry.
void SweepOne(int folder, const std::string& name) {
  const auto lock = base::TryLockFileAt(folder, name, base::LockMode::kExclusive);
  if (!lock.ok() || !lock->has_value()) return;
  const auto path = base::ReadFileAt(folder, name, kMaxPath);
  if (!path.ok()) return;
  // An empty one was not yet written: there is no cgroup. One that does not end in the entry's own
  // name was not written by this program.
  if (absl::EndsWith(*path, absl::StrCat("/", name))) {
    const auto hierarchies = cgroup::FindHierarchies();
    if (!hierarchies.ok() || !cgroup::Cgroup::RemoveByPath(*path, *hierarchies).ok()) return;
  }
  unlinkat(folder, name.c_str(), 0);
}

// A locked entry; removed with its file when it goes, after the cgroup is gone.
class Entry {
 public:
  Entry(int folder, std::string name, base::UniqueFd lock)
      : folder_(folder), name_(std::move(name)), lock_(std::move(lock)) {}
  Entry(Entry&& other) noexcept
      : folder_(std::exchange(other.folder_, -1)),
        name_(std::move(other.name_)),
        lock_(std::move(other.lock_)) {}
  Entry& operator=(Entry&&) = delete;
  ~Entry() {
    if (folder_ >= 0) unlinkat(folder_, name_.c_str(), 0);
  }
  void Keep() { folder_ = -1; }
  const std::string& name() const { return name_; }
  int fd() const { return lock_.get(); }

 private:
  int folder_;
  std::string name_;
  base::UniqueFd lock_;
};

absl::StatusOr<Entry> MakeEntry(int folder, const std::string& parent) {
  const std::string name =
      absl::StrCat(kFolder, "-", getpid(), "-", base::NewId().substr(0, base::kShortIdLength));
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd lock,
                         base::LockFileAt(folder, name, base::LockMode::kExclusive));
  Entry entry(folder, name, std::move(lock));
  STAVE_RETURN_IF_ERROR(base::WriteAll(entry.fd(), absl::StrCat(parent, "/", name), name));
  return entry;
}

struct Failure {
  int error;
  bool executing;  // else: entering the cgroup
};

[[noreturn]] void Child(const std::vector<char*>& argv, absl::Span<const int> tasks, pid_t parent,
                        const sigset_t& mask, int report) {
  Failure failure = {0, false};
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(125);
  failure.error = cgroup::WriteTasks(tasks);
  if (failure.error == 0) {
    signal(SIGPIPE, SIG_DFL);  // ignored by this program for itself
    sigprocmask(SIG_SETMASK, &mask, nullptr);
    execvp(argv[0], argv.data());
    failure = {errno, true};
  }
  [[maybe_unused]] const ssize_t n = write(report, &failure, sizeof(failure));
  _exit(125);
}

pid_t CloneInto(int cgroup_directory) {
  clone_args args = {};
  args.exit_signal = SIGCHLD;
  if (cgroup_directory >= 0) {
    args.flags = CLONE_INTO_CGROUP;
    args.cgroup = static_cast<__u64>(cgroup_directory);
  }
  return static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof(args)));
}

// Waits for the child, passing on what is sent to this process alone.
absl::StatusOr<int> WaitFor(pid_t child, int signals) {
  const base::UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  if (pidfd.get() < 0) return base::PosixError(errno, "command", "pidfd_open");
  while (true) {
    pollfd waiting[] = {{pidfd.get(), POLLIN, 0}, {signals, POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0 && errno != EINTR) {
      return base::PosixError(errno, "command", "poll");
    }
    signalfd_siginfo received = {};
    if ((waiting[1].revents & POLLIN) != 0 &&
        read(signals, &received, sizeof(received)) == sizeof(received)) {
      // The terminal sends its signals to the whole foreground group, the command included.
      if (received.ssi_code != SI_KERNEL) {
        syscall(SYS_pidfd_send_signal, pidfd.get(), received.ssi_signo, nullptr, 0);
      }
    }
    if ((waiting[0].revents & POLLIN) == 0) continue;
    int status = 0;
    if (waitpid(child, &status, 0) < 0) return base::PosixError(errno, "command", "waitpid");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

// 127: not found; 126: found, but cannot be executed.
void ExplainFailure(const std::string& name, int error, Outcome* outcome) {
  outcome->code = error == ENOENT || error == ENOTDIR ? 127 : 126;
  const bool has_slash = name.find('/') != std::string::npos;
  if (error == ENOENT && has_slash && access(name.c_str(), F_OK) == 0) {
    outcome->not_executed =
        base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                    absl::StrCat(base::Printable(name), ": its interpreter does not exist"));
  } else if (error == ENOENT && !has_slash) {
    outcome->not_executed =
        base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                    absl::StrCat(base::Printable(name), ": there is no such command in PATH"));
  } else {
    outcome->not_executed = base::PosixError(error, base::Printable(name), "execve");
  }
}

// The signals to pass on, blocked and readable; unblocked again when it goes.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : kForwarded) sigaddset(&set, signal);
    sigprocmask(SIG_BLOCK, &set, &before_);
    fd_ = base::UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~BlockedSignals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  const sigset_t& before() const { return before_; }
  int fd() const { return fd_.get(); }

 private:
  sigset_t before_;
  base::UniqueFd fd_;
};

absl::Status Execute(const Command& command, const cgroup::Cgroup& group,
                     const BlockedSignals& signals, Outcome* outcome) {
  std::vector<char*> argv;
  for (const std::string& arg : command.args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  STAVE_ASSIGN_OR_RETURN(base::Pipe pipe, base::MakePipe("command"));

  const pid_t self = getpid();
  const absl::Time start = absl::Now();
  const pid_t child = CloneInto(group.directory_fd());
  if (child < 0) return base::PosixError(errno, group.path(), "clone3 into the cgroup");
  if (child == 0) Child(argv, group.task_fds(), self, signals.before(), pipe.writer.get());
  pipe.writer.Reset();

  Failure failure = {};
  ssize_t size;
  do {
    size = read(pipe.reader.get(), &failure, sizeof(failure));
  } while (size < 0 && errno == EINTR);
  STAVE_ASSIGN_OR_RETURN(outcome->code, WaitFor(child, signals.fd()));
  outcome->wall = absl::Now() - start;
  if (size != static_cast<ssize_t>(sizeof(failure))) return absl::OkStatus();
  if (!failure.executing) return base::PosixError(failure.error, group.path(), "enter the cgroup");
  ExplainFailure(command.args[0], failure.error, outcome);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> RunRoot() {
  if (const char* run = getenv("STAVE_RUN"); run != nullptr && *run != '\0')
    return std::string(run);
  if (geteuid() == 0) return std::string("/run/stave");
  const char* own = getenv("XDG_RUNTIME_DIR");
  if (own != nullptr && *own == '/') return absl::StrCat(own, "/stave");
  return base::WithHint(
      base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE", "XDG_RUNTIME_DIR is not set"),
      "set STAVE_RUN to a folder of your own");
}

absl::Status SweepStale(const std::string& run_root) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd folder, OpenFolder(run_root));
  for (const std::string& name : Names(folder.get())) SweepOne(folder.get(), name);
  return absl::OkStatus();
}

absl::StatusOr<Outcome> RunInCgroup(const std::string& run_root, const Command& command) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd folder, OpenFolder(run_root));
  STAVE_ASSIGN_OR_RETURN(const cgroup::Hierarchies hierarchies, cgroup::FindHierarchies());
  STAVE_ASSIGN_OR_RETURN(const cgroup::Limits limits,
                         cgroup::PlanLimits(&command.resources, hierarchies));
  // From here on a signal must not end this process before it has cleaned up.
  const BlockedSignals signals;
  STAVE_ASSIGN_OR_RETURN(Entry entry, MakeEntry(folder.get(), command.parent));
  STAVE_ASSIGN_OR_RETURN(
      cgroup::Cgroup group,
      cgroup::Cgroup::Create(absl::StrCat(command.parent, "/", entry.name()), hierarchies, limits));
  STAVE_RETURN_IF_ERROR(group.Apply(limits));
  Outcome outcome;
  STAVE_RETURN_IF_ERROR(Execute(command, group, signals, &outcome));
  outcome.usage = group.ReadUsage();
  if (const absl::Status ended = group.End(kEndTimeout); !ended.ok()) {
    entry.Keep();  // the next run tries again
    return ended;
  }
  return outcome;
}

}  // namespace stave::cgroup_limit

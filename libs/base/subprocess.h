// SPDX-License-Identifier: Apache-2.0
//
// Running another program of stave (libexec) or of the system: no shell, no PATH of the caller's.

#ifndef STAVE_LIBS_BASE_SUBPROCESS_H_
#define STAVE_LIBS_BASE_SUBPROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stave::base {

struct Command {
  std::string path;                      // absolute
  std::vector<std::string> args;         // the whole argv
  std::vector<std::pair<int, int>> fds;  // mine -> the child's number; 0-2 default to mine
  bool die_with_parent = true;           // PR_SET_PDEATHSIG SIGKILL
  std::optional<std::vector<std::string>> environment = std::nullopt;  // "NAME=value"; mine
};

// What execve(2) takes for argv or an environment: pointers into `texts`, and nullptr.
std::vector<char*> ExecPointers(const std::vector<std::string>& texts);

// In a child before its execve(2): no signal is ignored, handled or blocked.
void ResetSignals();

// In a process that leaves its caller behind: 0, 1 and 2 become /dev/null. False, with errno, if
// that cannot be opened.
bool NullStreams();

// Waits for the child `pid` to end and returns its status as of waitpid(2); 0 if there is none.
int ReapChild(pid_t pid);

// A child process. The destructor kills and reaps one that was not waited for.
class [[nodiscard]] ChildProcess {
 public:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  pid_t pid() const { return pid_; }

  // Waits; returns the exit code, or 128+n for a signal n.
  absl::StatusOr<int> Wait();

 private:
  pid_t pid_;
};

// Starts `command`, with the caller's environment unless it says another. All descriptors but 0, 1,
// 2 and those in `fds` are closed in it. Errors: NotFound, PermissionDenied from execve(2).
absl::StatusOr<ChildProcess> Start(const Command& command);

// The folder of private programs: `../libexec/stave` beside the running program's own folder, so
// that an installation can be moved. In a Bazel tree: the folder named by STAVE_LIBEXEC.
absl::StatusOr<std::string> LibexecDir();

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_SUBPROCESS_H_

// SPDX-License-Identifier: Apache-2.0
//
// What a caller of create, run or exec is given beside the container: a pid file, the pty's master
// and the pidfd over sockets; and what it hands in: descriptors above 2.

#ifndef STAVE_LIBS_LIFECYCLE_HANDOVER_H_
#define STAVE_LIBS_LIFECYCLE_HANDOVER_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/pty/terminal.h"
#include "libs/runtime/launch.h"
#include "libs/runtime/plan.h"

namespace stave::lifecycle {

// Writes `pid` in decimal, without a newline, to `path`: to a hidden file beside it, then renamed.
// Errors: those of open(2) and rename(2).
absl::Status WritePidFile(const std::string& path, pid_t pid);

// What is asked for.
struct HandoverOptions {
  std::string pid_file;        // "": none
  std::string console_socket;  // "": none; needed with a terminal, unless in the foreground
  pty::Size console_size;      // of its terminal; zeros: what the process says
  std::string pidfd_socket;    // "": none; gets the pidfd of the process
  int preserve_fds = 0;        // 3 .. 2+n go to the payload, and those of LISTEN_FDS
};

// What goes to the payload above 2: `listening` descriptors of socket activation (LISTEN_FDS, if
// LISTEN_PID is this process: sd_listen_fds(3)), then those of --preserve-fds.
struct Inherited {
  int listening = 0;
  int preserved = 0;
  int count() const { return listening + preserved; }
};

// Errors: InvalidArgument [E_USAGE] `preserved descriptor N: is not open`. Descriptors of our own
// are close-on-exec and so are told from those.
absl::StatusOr<Inherited> CheckInherited(int preserve_fds);

// Whether process.terminal and the console socket go together.
// Errors: InvalidArgument [E_USAGE].
enum class Attachment { kForeground, kDetached };
absl::Status CheckConsole(bool terminal, const std::string& socket, Attachment attachment);

// The two sockets of one process.
class Handover {
 public:
  // Before the process is made: CheckConsole(); `process` gets the size that is wanted.
  // Errors: those of CheckConsole and base::ConnectUnix.
  absl::Status Connect(const HandoverOptions& options, Attachment attachment,
                       runtime::Process* process);

  // Sends the pty's master, which is `launched`'s no more, with the name that its terminal has in
  // the container, "/dev/pts/0"; and the pidfd. Errors: those of sendmsg(2).
  absl::Status Give(runtime::Launched* launched);

 private:
  base::UniqueFd console_, pidfd_;
};

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_HANDOVER_H_

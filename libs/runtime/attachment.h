// SPDX-License-Identifier: Apache-2.0
//
// The caller's terminal or pipes, joined to a container that a monitor watches: what attach is.
//
//   AttachmentWishes wishes; ...
//   STAVE_RETURN_IF_ERROR(monitor::Send(socket, WishOf(wishes)));
//   STAVE_ASSIGN_OR_RETURN(const Attached end, Attach(socket, wishes));

#ifndef STAVE_LIBS_RUNTIME_ATTACHMENT_H_
#define STAVE_LIBS_RUNTIME_ATTACHMENT_H_

#include <optional>

#include "absl/status/statusor.h"
#include "libs/monitor/channel.h"
#include "libs/pty/detach_keys.h"

namespace stave::runtime {

struct AttachmentWishes {
  bool in = false;        // pass on what `input` gives
  int input = 0;          // stdin, or --stdin-fd; where it is no terminal and `terminal`: /dev/tty
  bool terminal = false;  // the payload has one
  bool out = true, err = true;
  bool holds = false;  // as of monitor::AttachWish
  bool ends_input = false;
  bool passes_signals = true;  // to the payload; the third SIGINT or SIGTERM kills it
  pty::DetachKeys keys;        // with a terminal and input only
};

// Errors: FailedPrecondition [E_NO_TTY] `the input device is not a TTY`, if a terminal is to be
// typed at and there is none.
absl::StatusOr<monitor::AttachWish> WishOf(const AttachmentWishes& wishes);

struct Attached {
  std::optional<int> code;  // of the payload; absent: nobody saw it
  bool detached = false;    // by keys: it goes on
};

// Relays until the payload has ended and all that it wrote has been shown, or the keys have come.
// Where nobody reads our stdout or stderr any more this process ends by SIGPIPE; the payload goes
// on, as after each error of ours.
// Errors: what the monitor refuses with; Aborted [E_MONITOR] if it is gone; with the exit code
// kNotShown (report.h) `stdout: write: ..`, or stderr, if that cannot be written to: a full disk
// [E_NO_SPACE].
absl::StatusOr<Attached> Attach(int socket, const AttachmentWishes& wishes);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_ATTACHMENT_H_

// SPDX-License-Identifier: Apache-2.0
//
// Watching a container in the foreground: its streams, the caller's terminal, signals, the end.
//
//   STAVE_ASSIGN_OR_RETURN(Foreground foreground, Foreground::Prepare(wishes));  // before Launch()
//   request.in = foreground.in(); ...
//   STAVE_ASSIGN_OR_RETURN(Launched launched, Launch(request));
//   STAVE_ASSIGN_OR_RETURN(const Ended ended, foreground.Watch(launched));
//
// A terminal of the caller's is never handed over: what would be a terminal for the payload's 0, 1
// or 2 becomes a pipe that is relayed (a payload that holds the caller's terminal could type into
// it, CVE-2017-5226). Pipes and files are handed over as they are.
//
// With a terminal, the payload's hangs up (tty(4)) when the caller's does, and when nobody reads
// stdout any more, or it cannot be written to: what only prints then ends, as at the end of a pipe.
//
// Signals that ns-run gets go to the payload's first process; the third SIGINT or SIGTERM kills it.
//
// Keys to detach with (-it only) end the watching, not the payload: it is not reaped, and its
// terminal stays open in Launched, for whoever reads it from then on.

#ifndef STAVE_LIBS_RUNTIME_FOREGROUND_H_
#define STAVE_LIBS_RUNTIME_FOREGROUND_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/pty/detach_keys.h"
#include "libs/pty/relay.h"
#include "libs/pty/terminal.h"
#include "libs/runtime/launch.h"
#include "libs/store/record.h"

namespace stave::runtime {

struct StreamWishes {
  bool interactive = false;  // -i: the payload gets an input
  bool terminal = false;     // -t: it gets a terminal
  int input = 0;             // what -i means: stdin, or --stdin-fd; -1: stdin was the document
  // -t without -i gives a terminal also where the caller has none, as docker exec does.
  bool may_lack_terminal = false;
  pty::DetachKeys detach_keys;  // none: nothing detaches
};

struct Ended {
  int code = 0;           // 128+n for a signal
  int signal = 0;         // 0: it exited
  bool detached = false;  // it goes on
  pid_t pid = 0;
  std::vector<store::SentSignal> sent = {};  // what was passed on to it
  // NotShown() of report.h, where what it wrote to its terminal could not be shown on stdout for
  // another reason than that nobody reads it any more.
  absl::Status shown = absl::OkStatus();
};

// Waits for the process, a child of the caller. Errors: those of waitpid(2).
absl::StatusOr<Ended> Reap(pid_t pid);

class Foreground {
 public:
  // Finds the streams and blocks the signals that will be passed on.
  // Errors: FailedPrecondition [E_NO_TTY] `the input device is not a TTY`.
  static absl::StatusOr<Foreground> Prepare(const StreamWishes& wishes);
  Foreground(Foreground&&) noexcept = default;

  int in() const { return in_.get(); }
  int out() const { return out_.get(); }
  int err() const { return err_.get(); }
  // Of the caller's terminal, for the container's.
  pty::Size size() const;

  // Relays until the first process has ended, then what its output still holds; or until the keys
  // to detach with have come.
  absl::StatusOr<Ended> Watch(Launched* launched);

 private:
  Foreground() = default;
  absl::Status PrepareTerminal(const StreamWishes& wishes);
  absl::Status PrepareStreams(const StreamWishes& wishes);
  absl::StatusOr<base::UniqueFd> RelayedOutput(int to);
  absl::Status StartTerminal(int master);
  void TakeSignal(const Launched& launched);
  void HangUp(Launched* launched);
  void NoteUnshown();
  bool detached() const { return !inputs_.empty() && inputs_.front().stopped(); }
  absl::Status Loop(Launched* launched);

  base::UniqueFd in_, out_, err_;  // the payload's ends
  base::UniqueFd terminal_;        // the caller's terminal, with -t
  bool interactive_ = false;
  pty::DetachKeys detach_keys_;
  base::UniqueFd signals_;               // signalfd
  std::vector<base::UniqueFd> sources_;  // our ends of relayed pipes
  std::vector<pty::Relay> inputs_, outputs_;
  std::optional<pty::RawMode> raw_;
  int interrupts_ = 0;
  std::vector<store::SentSignal> sent_;
  absl::Status shown_;
};

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_FOREGROUND_H_

// SPDX-License-Identifier: Apache-2.0
//
// SIGHUP, SIGINT and SIGTERM, held back while a child works, so that what the child leaves can be
// tidied before this process ends of the signal:
//
//   base::TerminationHold hold;
//   child = base::Start(..);
//   const int signal = hold.Await(*child);
//   if (signal != 0) { kill it, wait for it, tidy; base::EndBySignal(signal); }
//
// For a program of one thread. Source: signal(7), sigwaitinfo(2).

#ifndef STAVE_LIBS_BASE_TERMINATION_H_
#define STAVE_LIBS_BASE_TERMINATION_H_

#include <signal.h>
#include <sys/types.h>

#include "libs/base/subprocess.h"

namespace stave::base {

// Blocks those of the three that the caller of the program does not ignore. What came meanwhile and
// was not told by Await takes effect when this goes.
class TerminationHold {
 public:
  TerminationHold();
  TerminationHold(const TerminationHold&) = delete;
  ~TerminationHold();

  // Waits until `child` has ended: 0, it can be waited for; or one of the signals has come: its
  // number. Both at once is the signal.
  int Await(const ChildProcess& child) const;

 private:
  sigset_t held_;
  sigset_t before_;
};

// Ends this process as the signal does where nobody handles it; the destructors do not run.
[[noreturn]] void EndBySignal(int signal);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_TERMINATION_H_

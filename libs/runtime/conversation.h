// SPDX-License-Identifier: Apache-2.0
//
// What the child between clone and exec and its parent say to each other. Internal to libs/runtime.
//
//   child -> parent, a SOCK_SEQPACKET message each        parent -> child, a byte each
//     M                 (nothing: the parent knows)         the id maps are written
//     H                 the environment is made             prestart and createRuntime have run
//     W LINE\n...       warnings, with the pty's master     -
//     L NUMBER          its seccomp listener                the descriptor has been passed on
//
// What went wrong comes over the report pipe (report.h). The socket ends with the exec.

#ifndef STAVE_LIBS_RUNTIME_CONVERSATION_H_
#define STAVE_LIBS_RUNTIME_CONVERSATION_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/launch.h"

namespace stave::runtime {

// The child's ends; borrowed.
struct ChildEnds {
  int report = -1;  // report.h
  int messages = -1;
  int replies = -1;
};

// Waits for the parent's byte. Errors: Aborted if it has gone.
absl::Status AwaitReply(const ChildEnds& ends);

// Tells the parent with one write(2), which a filter may have left as the only way, and waits.
absl::Status TellAndAwait(const ChildEnds& ends, const std::string& message);

// The message 'W'. `terminal`: the pty's master, or -1.
absl::Status SendWarnings(const ChildEnds& ends, const std::vector<std::string>& warnings,
                          int terminal);

// Loads `filter` (seccomp_listener.h) and has its listener, if there is one, passed on.
absl::Status LoadSeccomp(const ChildEnds& ends, const seccomp::Program* filter);

// All ends, as the parent makes them.
class Conversation {
 public:
  static absl::StatusOr<Conversation> Make();

  ChildEnds child() const { return {report_.get(), messages_.get(), replies_.get()}; }
  void CloseChildEnds();
  void CloseParentEnds();  // in the child, so that the end of the parent is seen

  struct Duties {
    std::function<absl::Status(pid_t)> write_maps;  // null: none
    std::function<absl::Status(pid_t)> created;     // null: none
    const SeccompListener* listener = nullptr;
    StateText state;
  };
  // Answers until the child executes something or dies. Warnings and the pty go to `launched`,
  // whose pid and pidfd are set. Errors: those of the duties; the child is then to be killed.
  absl::Status Hold(const Duties& duties, Launched* launched);
  // Takes what has come, without waiting, from a child that has executed something.
  void TakeWarnings(Launched* launched);
  // report.h's ReceiveReport on the parent's end.
  absl::Status Report(const std::string& program);
  int report_reader() const { return report_reader_.get(); }

 private:
  void Reply();
  absl::Status Answer(const std::string& text, base::UniqueFd fd, const Duties& duties,
                      Launched* launched);

  base::UniqueFd report_, messages_, replies_;
  base::UniqueFd report_reader_, message_reader_, reply_writer_;
};

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_CONVERSATION_H_

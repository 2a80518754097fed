// SPDX-License-Identifier: Apache-2.0
//
// The signals that who watches a container has sent to it, kept for its exit.json.

#ifndef STAVE_LIBS_RUNTIME_SENT_SIGNALS_H_
#define STAVE_LIBS_RUNTIME_SENT_SIGNALS_H_

#include <sys/types.h>

#include <optional>
#include <vector>

#include "libs/store/record.h"

namespace stave::runtime {

// Who asked for a signal, as the kernel tells it: SO_PEERCRED of a socket, or siginfo.
struct Asker {
  pid_t pid = 0;  // 0: the kernel
  uid_t uid = 0;
};
std::optional<Asker> AskerBehind(int socket);

// Adds one, sent now, to the last kMaxSentSignals; `why` as in store::SentSignal. What is of no
// consequence for an end (SIGWINCH and its like) is left out.
void NoteSignal(int signal, const char* why, const std::optional<Asker>& asker,
                std::vector<store::SentSignal>* sent);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_SENT_SIGNALS_H_

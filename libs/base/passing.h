// SPDX-License-Identifier: Apache-2.0
//
// A message over a Unix socket with at most one descriptor: SCM_RIGHTS of unix(7).

#ifndef STAVE_LIBS_BASE_PASSING_H_
#define STAVE_LIBS_BASE_PASSING_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::base {

struct Message {
  std::string text;
  UniqueFd fd;  // O_CLOEXEC; invalid if none came
};

// Sends `text`, which must not be empty, and `fd` if it is not negative. Errors: those of
// sendmsg(2).
absl::Status SendMessage(int socket, absl::string_view text, int fd);

// Receives one message of at most `max` bytes of a SOCK_SEQPACKET socket; `flags` as of recvmsg(2),
// 0 or MSG_DONTWAIT. Errors: those of recvmsg(2); Aborted if the other side has gone.
absl::StatusOr<Message> ReceiveMessage(int socket, size_t max, int flags);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_PASSING_H_

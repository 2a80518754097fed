// SPDX-License-Identifier: Apache-2.0
#include "libs/base/passing.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <utility>

#include "libs/base/posix.h"

namespace stave::base {

absl::Status SendMessage(int socket, absl::string_view text, int fd) {
  iovec data{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    ::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t n;
  do {
    n = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? PosixError(errno, "socket", "send") : absl::OkStatus();
}

absl::StatusOr<Message> ReceiveMessage(int socket, size_t max, int flags) {
  Message received;
  received.text.resize(max);
  iovec data{received.text.data(), max};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  bool reset = false;
  do {
    n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    // Told once, by who has closed with something unread; what it said before that comes after.
  } while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !std::exchange(reset, true))));
  if (n < 0) return PosixError(errno, "socket", "receive");
  if (n == 0) return absl::AbortedError("socket: the other side has gone");
  received.text.resize(static_cast<size_t>(n));
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    int fd;
    ::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    received.fd = UniqueFd(fd);
  }
  return received;
}

}  // namespace stave::base

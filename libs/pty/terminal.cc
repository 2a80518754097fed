// SPDX-License-Identifier: Apache-2.0
#include "libs/pty/terminal.h"

#include <errno.h>
#include <sys/ioctl.h>

#include <utility>

#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::pty {

Size GetSize(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) < 0) return Size();
  return Size{size.ws_row, size.ws_col};
}

void SetSize(int fd, Size size) {
  const winsize wanted{size.rows, size.columns, 0, 0};
  ::ioctl(fd, TIOCSWINSZ, &wanted);
}

absl::StatusOr<RawMode> RawMode::Enter(int fd) {
  RawMode mode(fd);
  if (::tcgetattr(fd, &mode.before_) < 0) {
    mode.fd_ = -1;
    return base::PosixError(errno, "terminal", "read its mode");
  }
  STAVE_RETURN_IF_ERROR(mode.Again());
  return mode;
}

absl::Status RawMode::Again() {
  termios raw = before_;
  ::cfmakeraw(&raw);
  if (::tcsetattr(fd_, TCSADRAIN, &raw) < 0) return base::PosixError(errno, "terminal", "raw mode");
  return absl::OkStatus();
}

RawMode::RawMode(RawMode&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), before_(other.before_) {}

RawMode::~RawMode() {
  if (fd_ >= 0) ::tcsetattr(fd_, TCSADRAIN, &before_);
}

}  // namespace stave::pty

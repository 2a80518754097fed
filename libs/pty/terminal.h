// SPDX-License-Identifier: Apache-2.0
//
// The caller's terminal while a container's is shown on it: raw mode, and back.
//
// Sources: termios(3) cfmakeraw; tty_ioctl(4) TIOCGWINSZ.

#ifndef STAVE_LIBS_PTY_TERMINAL_H_
#define STAVE_LIBS_PTY_TERMINAL_H_

#include <termios.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace stave::pty {

struct Size {
  uint16_t rows = 0, columns = 0;  // 0: unknown
};

Size GetSize(int fd);
void SetSize(int fd, Size size);

// Puts a terminal into raw mode for as long as it lives.
class [[nodiscard]] RawMode {
 public:
  // `fd` is borrowed. Errors: those of tcsetattr(3).
  static absl::StatusOr<RawMode> Enter(int fd);

  RawMode(RawMode&& other) noexcept;
  RawMode& operator=(RawMode&&) = delete;
  ~RawMode();

  // After SIGCONT: somebody else had the terminal meanwhile.
  absl::Status Again();

 private:
  explicit RawMode(int fd) : fd_(fd) {}

  int fd_;
  termios before_{};
};

}  // namespace stave::pty

#endif  // STAVE_LIBS_PTY_TERMINAL_H_

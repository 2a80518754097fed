// SPDX-License-Identifier: Apache-2.0
//
// UniqueFd owns a file descriptor and closes it. Move-only.
//
// A parameter `int fd` or `const UniqueFd&` borrows; `UniqueFd` by value takes.

#ifndef STAVE_LIBS_BASE_UNIQUE_FD_H_
#define STAVE_LIBS_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace stave::base {

class [[nodiscard]] UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    UniqueFd taken(std::move(other));
    std::swap(fd_, taken.fd_);
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

  // Gives the descriptor away; -1 is left behind.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }

  // Closes now. An error of close(2) is ignored: call fsync first where it matters.
  void Reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_UNIQUE_FD_H_

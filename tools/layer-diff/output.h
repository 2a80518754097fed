// SPDX-License-Identifier: Apache-2.0
//
// Where a program writes its result: stdout, or a file that is there whole or as it was before.

#ifndef STAVE_TOOLS_LAYER_DIFF_OUTPUT_H_
#define STAVE_TOOLS_LAYER_DIFF_OUTPUT_H_

#include <unistd.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"

namespace stave::tools {

class Output {
 public:
  // "": stdout. What is no regular file, such as /dev/null, is written to as it is.
  // Errors: those of open(2).
  static absl::StatusOr<Output> Open(const std::string& path);
  Output(Output&& other) noexcept
      : path_(std::move(other.path_)),
        beside_(std::exchange(other.beside_, "")),
        fd_(std::move(other.fd_)) {}
  Output& operator=(Output&&) = delete;
  ~Output();  // without Done() the file is as it was

  int fd() const { return fd_.valid() ? fd_.get() : STDOUT_FILENO; }
  const std::string& name() const { return path_; }

  // Errors: those of rename(2).
  absl::Status Done();

 private:
  Output() = default;
  std::string path_ = "stdout", beside_;
  base::UniqueFd fd_;
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_LAYER_DIFF_OUTPUT_H_

// SPDX-License-Identifier: Apache-2.0
#include "tools/layer-diff/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"

namespace stave::tools {

absl::StatusOr<Output> Output::Open(const std::string& path) {
  Output output;
  if (path.empty()) return output;
  output.path_ = path;
  struct stat st;
  const bool other = ::stat(path.c_str(), &st) == 0 && !S_ISREG(st.st_mode);
  const std::string opened = other ? path : absl::StrCat(path, ".", ::getpid(), ".partial");
  const int how = other ? O_WRONLY | O_NOCTTY : O_WRONLY | O_CREAT | O_EXCL;
  output.fd_ = base::UniqueFd(::open(opened.c_str(), how | O_CLOEXEC, 0666));
  if (!output.fd_.valid()) return base::PosixError(errno, base::Printable(path), "open");
  if (!other) output.beside_ = opened;
  return output;
}

Output::~Output() {
  if (!beside_.empty()) ::unlink(beside_.c_str());
}

absl::Status Output::Done() {
  if (beside_.empty()) return absl::OkStatus();
  if (::rename(beside_.c_str(), path_.c_str()) < 0) {
    return base::PosixError(errno, base::Printable(path_), "rename");
  }
  beside_.clear();
  return absl::OkStatus();
}

}  // namespace stave::tools

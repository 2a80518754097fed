// SPDX-License-Identifier: Apache-2.0
#include "libs/store/paused.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"

namespace stave::store {
namespace {

constexpr char kMark[] = "paused";

}  // namespace

absl::Status MarkPaused(const Container& container) {
  const base::UniqueFd fd(
      ::openat(container.run(), kMark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return base::PosixError(errno, kMark, "create");
  return absl::OkStatus();
}

absl::Status UnmarkPaused(const Container& container) {
  if (::unlinkat(container.run(), kMark, 0) < 0 && errno != ENOENT) {
    return base::PosixError(errno, kMark, "unlink");
  }
  return absl::OkStatus();
}

bool HasPausedMark(int containers, const std::string& id) {
  return base::ExistsAt(containers, absl::StrCat(id, "/", kMark));
}

}  // namespace stave::store

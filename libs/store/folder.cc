// SPDX-License-Identifier: Apache-2.0
#include "libs/store/folder.h"

#include <dirent.h>
#include <errno.h>

#include <memory>

#include "absl/strings/string_view.h"
#include "libs/base/listing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::store {
namespace {

using Stream = std::unique_ptr<DIR, int (*)(DIR*)>;

absl::StatusOr<Stream> OpenStream(int dirfd, const std::string& path) {
  auto opened = base::OpenDirAt(dirfd, path);
  if (!opened.ok()) return opened.status();
  Stream stream(::fdopendir(opened->get()), ::closedir);
  if (stream == nullptr) return base::PosixError(errno, path, "list");
  (void)opened->Release();  // the stream owns it
  return stream;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListFolder(int dirfd, const std::string& path) {
  if (dirfd < 0) return std::vector<std::string>();
  auto dir = base::OpenDirAt(dirfd, path);
  if (absl::IsNotFound(dir.status())) return std::vector<std::string>();
  if (!dir.ok()) return dir.status();
  auto names = base::ListNames(*std::move(dir), path);
  if (names.ok()) std::erase_if(*names, [](const std::string& name) { return name[0] == '.'; });
  return names;
}

absl::StatusOr<bool> IsEmptyFolder(int dirfd, const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(const Stream stream, OpenStream(dirfd, path));
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  if (errno != 0) return base::PosixError(errno, path, "list");
  return true;
}

}  // namespace stave::store

// SPDX-License-Identifier: Apache-2.0
#include "libs/store/folder.h"

#include <dirent.h>
#include <errno.h>

#include <memory>

#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"

namespace stave::store {

absl::StatusOr<std::vector<std::string>> ListFolder(int dirfd, const std::string& path) {
  std::vector<std::string> names;
  if (dirfd < 0) return names;
  auto opened = base::OpenDirAt(dirfd, path);
  if (absl::IsNotFound(opened.status())) return names;
  if (!opened.ok()) return opened.status();
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(opened->get()), ::closedir);
  if (stream == nullptr) return base::PosixError(errno, path, "list");
  (void)opened->Release();  // the stream owns it
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  if (errno != 0) return base::PosixError(errno, path, "list");
  return names;
}

}  // namespace stave::store

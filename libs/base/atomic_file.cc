// SPDX-License-Identifier: Apache-2.0
#include "libs/base/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::base {
namespace {

std::string BesidePrefix(const std::string& name) { return absl::StrCat(".", name, ".tmp."); }

// A file of our own: what is there already is a stray, or somebody else's in a shared folder.
UniqueFd CreateBeside(int dirfd, const std::string& beside, mode_t mode) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd file(::openat(dirfd, beside.c_str(), kFlags, mode));
  if (file.valid() || errno != EEXIST || ::unlinkat(dirfd, beside.c_str(), 0) < 0) return file;
  return UniqueFd(::openat(dirfd, beside.c_str(), kFlags, mode));
}

// Errors bear `name`, which the user knows.
absl::Status WriteBeside(int dirfd, const std::string& beside, const std::string& name,
                         absl::string_view content, mode_t mode, Durability durability,
                         std::optional<FileOwner> owner) {
  const UniqueFd file = CreateBeside(dirfd, beside, mode);
  if (!file.valid()) return PosixError(errno, name, "create");
  if (owner.has_value() && ::fchown(file.get(), owner->uid, owner->gid) < 0) {
    return PosixError(errno, name, "chown");
  }
  if (::fchmod(file.get(), mode) < 0) return PosixError(errno, name, "chmod");
  STAVE_RETURN_IF_ERROR(WriteAll(file.get(), content, name));
  if (durability != Durability::kVolatile && ::fsync(file.get()) < 0) {
    return PosixError(errno, name, "fsync");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReplaceFileAt(int dirfd, const std::string& name, absl::string_view content,
                           mode_t mode, Durability durability, std::optional<FileOwner> owner) {
  const std::string beside = absl::StrCat(BesidePrefix(name), ::getpid());
  absl::Status written = WriteBeside(dirfd, beside, name, content, mode, durability, owner);
  if (written.ok() && ::renameat(dirfd, beside.c_str(), dirfd, name.c_str()) < 0) {
    written = PosixError(errno, name, "rename");
  }
  if (!written.ok()) {
    ::unlinkat(dirfd, beside.c_str(), 0);
    return written;
  }
  if (durability == Durability::kDurable && ::fsync(dirfd) < 0) {
    return PosixError(errno, name, "fsync of its folder");
  }
  return absl::OkStatus();
}

void RemoveStraysAt(int dirfd, const std::string& name) {
  UniqueFd folder(::openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* stream = folder.valid() ? ::fdopendir(folder.get()) : nullptr;
  if (stream == nullptr) return;
  (void)folder.Release();  // the stream's now
  const std::string prefix = BesidePrefix(name);
  std::vector<std::string> strays;
  while (const dirent* entry = ::readdir(stream)) {
    if (absl::StartsWith(entry->d_name, prefix)) strays.emplace_back(entry->d_name);
  }
  for (const std::string& stray : strays) ::unlinkat(::dirfd(stream), stray.c_str(), 0);
  ::closedir(stream);
}

}  // namespace stave::base

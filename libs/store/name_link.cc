// SPDX-License-Identifier: Apache-2.0
#include "libs/store/name_link.h"

#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/store/folder.h"

namespace stave::store {
namespace {

std::string PathOf(const std::string& name) { return absl::StrCat("names/", name); }

absl::Status Taken(const std::string& name, const std::string& holder) {
  return base::Error(
      absl::StatusCode::kAlreadyExists, "E_NAME_TAKEN",
      absl::StrCat("Conflict. The container name \"/", name, "\" is already in use by container \"",
                   base::Printable(holder),
                   "\". You have to remove (or rename) that container to be able to reuse that "
                   "name."));
}

// 0 or errno.
int Link(const Store& store, const std::string& name, const std::string& id) {
  return ::symlinkat(id.c_str(), store.state(), PathOf(name).c_str()) == 0 ? 0 : errno;
}

// Held by whoever removes a link: what it has read of the link is then still true. The folder
// itself is locked, since a full disk must not keep a name from being released.
absl::StatusOr<base::UniqueFd> LockNames(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd names, base::OpenDirAt(store.state(), "names"));
  while (::flock(names.get(), LOCK_EX) < 0) {
    if (errno != EINTR) return base::PosixError(errno, "names", "lock");
  }
  return names;
}

}  // namespace

bool IsPending(const Store& store, const std::string& id) {
  return base::ExistsAt(store.run(), "pending/" + id);
}

// pending before foreground: an entry moves from the first to the second.
bool HasEntry(const Store& store, const std::string& id) {
  return IsPending(store, id) || base::ExistsAt(store.run(), "foreground/" + id);
}

bool IsAnythingOf(const Store& store, const std::string& id) {
  return HasEntry(store, id) || base::ExistsAt(store.state(), "containers/" + id) ||
         base::ExistsAt(store.run(), "containers/" + id);
}

std::optional<std::string> IdOfName(const Store& store, const std::string& name) {
  char target[base::kIdLength + 1];
  if (store.state() < 0) return std::nullopt;
  const ssize_t size = ::readlinkat(store.state(), PathOf(name).c_str(), target, sizeof target);
  if (size < 0) return std::nullopt;
  std::string id(target, static_cast<size_t>(size));
  if (!base::IsId(id)) return std::nullopt;
  return id;
}

absl::Status ReserveName(const Store& store, const std::string& name, const std::string& id) {
  int error = Link(store, name, id);
  if (error == EEXIST) {
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockNames(store));
    const std::optional<std::string> holder = IdOfName(store, name);
    if (holder.has_value() && IsAnythingOf(store, *holder)) return Taken(name, *holder);
    if (::unlinkat(store.state(), PathOf(name).c_str(), 0) < 0 && errno != ENOENT) {
      return base::PosixError(errno, PathOf(name), "unlink");
    }
    error = Link(store, name, id);
  }
  if (error == EEXIST) return Taken(name, IdOfName(store, name).value_or("unknown"));
  if (error != 0) return base::PosixError(error, PathOf(name), "symlink");
  return absl::OkStatus();
}

absl::Status ReleaseName(const Store& store, const std::string& name, const std::string& id) {
  if (IdOfName(store, name) != id) return absl::OkStatus();
  // Looked at again with the lock: who took a stale name over in between keeps it.
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockNames(store));
  if (IdOfName(store, name) != id) return absl::OkStatus();
  if (::unlinkat(store.state(), PathOf(name).c_str(), 0) < 0 && errno != ENOENT) {
    return base::PosixError(errno, PathOf(name), "unlink");
  }
  return absl::OkStatus();
}

absl::Status ReleaseNamesOf(const Store& store, const std::string& id) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(store.state(), "names"));
  for (const std::string& name : names) {
    STAVE_RETURN_IF_ERROR(ReleaseName(store, name, id));
  }
  return absl::OkStatus();
}

}  // namespace stave::store

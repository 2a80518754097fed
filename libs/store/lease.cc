// SPDX-License-Identifier: Apache-2.0
#include "libs/store/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/lock.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/store/folder.h"

namespace stave::store {
namespace {

constexpr char kCollectLock[] = "collect.lock";
constexpr char kPrefix[] = "pull-";
constexpr size_t kRandomDigits = 16;
constexpr size_t kMaxLeaseBytes = size_t{16} << 20;

// A name of ingest/ for reading; invalid if it is not there or no regular file.
absl::StatusOr<base::UniqueFd> OpenLease(const Store& store, const std::string& name) {
  const std::string path = absl::StrCat("ingest/", name);
  base::UniqueFd fd(
      ::openat(store.state(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    // A link, a socket.
    if (errno == ENOENT || errno == ELOOP || errno == ENXIO) return fd;
    return base::PosixError(errno, path, "open");
  }
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) return base::PosixError(errno, path, "stat");
  if (!S_ISREG(st.st_mode)) fd.Reset();
  return fd;
}

// Takes the lock if it is free, which makes it a dead one's.
absl::StatusOr<bool> IsDead(const base::UniqueFd& fd, int mode, const std::string& name) {
  if (::flock(fd.get(), mode | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return base::PosixError(errno, absl::StrCat("ingest/", name), "lock");
}

absl::Status ParseNames(absl::string_view text, const std::string& file,
                        std::vector<oci::Digest>* names) {
  // Who reads without the lock may see the half of what is being written.
  text = text.substr(0, text.rfind('\n') + 1);
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    auto name = oci::Digest::Parse(line);
    if (!name.ok()) {
      return base::Error(
          absl::StatusCode::kDataLoss, "E_CORRUPT",
          absl::StrCat("ingest/", file, ": \"", base::Printable(line, 80), "\": is no digest"));
    }
    names->push_back(*std::move(name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<base::UniqueFd> LockToPublish(const Store& store) {
  return base::LockFileAt(store.state(), kCollectLock, base::LockMode::kShared);
}

absl::StatusOr<base::UniqueFd> LockToCollect(const Store& store) {
  return base::LockFileAt(store.state(), kCollectLock, base::LockMode::kExclusive);
}

absl::StatusOr<PullLease> PullLease::Begin(const Store& store) {
  PullLease lease(store);
  const std::string name = absl::StrCat(kPrefix, base::NewId().substr(0, kRandomDigits));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd ingest, base::OpenDirAt(store.state(), "ingest"));
  STAVE_ASSIGN_OR_RETURN(lease.file_,
                         base::LockFileAt(ingest.get(), name, base::LockMode::kExclusive));
  lease.path_ = absl::StrCat("ingest/", name);
  return lease;
}

PullLease::~PullLease() {
  if (file_.valid()) ::unlinkat(store_->state(), path_.c_str(), 0);
}

absl::Status PullLease::Add(const std::vector<oci::Digest>& names) {
  std::string lines;
  for (const oci::Digest& name : names) absl::StrAppend(&lines, name.ToString(), "\n");
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockToPublish(*store_));
  return base::WriteAll(file_.get(), lines, path_);
}

absl::StatusOr<std::vector<oci::Digest>> LeasedNames(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListFolder(store.state(), "ingest"));
  std::vector<oci::Digest> names;
  for (const std::string& file : files) {
    if (!IsLease(file)) continue;
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd fd, OpenLease(store, file));
    if (!fd.valid()) continue;
    STAVE_ASSIGN_OR_RETURN(const bool dead, IsDead(fd, LOCK_SH, file));
    if (dead) continue;
    STAVE_ASSIGN_OR_RETURN(const std::string text, base::ReadAll(fd.get(), kMaxLeaseBytes, file));
    STAVE_RETURN_IF_ERROR(ParseNames(text, file, &names));
  }
  return names;
}

bool IsLease(absl::string_view name) { return absl::StartsWith(name, kPrefix); }

absl::Status RemoveDeadLease(const Store& store, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd fd, OpenLease(store, name));
  if (fd.valid()) {
    STAVE_ASSIGN_OR_RETURN(const bool dead, IsDead(fd, LOCK_EX, name));
    if (!dead) return absl::OkStatus();
  }
  // Nobody else can have taken the name meanwhile: a pull draws a fresh one.
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd ingest, base::OpenDirAt(store.state(), "ingest"));
  return base::RemoveTreeAt(ingest.get(), name);
}

}  // namespace stave::store

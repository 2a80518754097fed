// SPDX-License-Identifier: Apache-2.0
#include "libs/store/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/lock.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/store/blobs.h"
#include "libs/store/folder.h"
#include "libs/store/lease.h"

namespace stave::store {
namespace {

absl::StatusOr<base::UniqueFd> LockObject(int state, const std::string& name,
                                          const base::LockNotice& notice,
                                          const base::LockCancelled& cancelled) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd ingest, base::OpenDirAt(state, "ingest"));
  return base::LockFileAt(ingest.get(), name + ".lock", base::LockMode::kExclusive, notice,
                          cancelled);
}

// The lock file goes while it is locked: whoever waits for it looks again (base/lock.h).
void RemoveLock(int state, const std::string& name, base::UniqueFd* lock) {
  ::unlinkat(state, absl::StrCat("ingest/", name, ".lock").c_str(), 0);
  lock->Reset();
}

absl::Status RemoveObject(int state, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd ingest, base::OpenDirAt(state, "ingest"));
  return base::RemoveTreeAt(ingest.get(), name);
}

bool IsDir(int state, const std::string& path) {
  struct stat st;
  return ::fstatat(state, path.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

// A lock that is no file cannot be held: no writer opens it.
absl::Status RemoveStrangeLock(int ingest, const std::string& name) {
  struct stat st;
  if (::fstatat(ingest, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    return errno == ENOENT ? absl::OkStatus() : base::PosixError(errno, name, "stat");
  }
  return S_ISREG(st.st_mode) ? absl::OkStatus() : base::RemoveTreeAt(ingest, name);
}

absl::Status SweepObject(const Store& store, int ingest, const std::string& object) {
  const std::string lock_name = object + ".lock";
  STAVE_RETURN_IF_ERROR(RemoveStrangeLock(ingest, lock_name));
  STAVE_ASSIGN_OR_RETURN(std::optional<base::UniqueFd> lock,
                         base::TryLockFileAt(ingest, lock_name, base::LockMode::kExclusive));
  if (!lock.has_value()) return absl::OkStatus();
  struct stat st;
  if (::fstatat(ingest, object.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
      st.st_size > 0 && st.st_mtime + kPartialBlobLife > ::time(nullptr)) {
    return absl::OkStatus();
  }
  STAVE_RETURN_IF_ERROR(base::RemoveTreeAt(ingest, object));
  RemoveLock(store.state(), object, &*lock);
  return absl::OkStatus();
}

}  // namespace

BlobIngest::BlobIngest(const Store& store, const oci::Digest& digest, int64_t size)
    : state_(store.state()), digest_(digest), size_(size) {}

BlobIngest::~BlobIngest() {
  if (!lock_.valid()) return;
  struct stat st;
  const std::string path = absl::StrCat("ingest/", Name());
  if (file_.valid() && ::fstat(file_.get(), &st) == 0 && st.st_size == 0) {
    ::unlinkat(state_, path.c_str(), 0);  // nothing in it to continue from
  }
  if (::fstatat(state_, path.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    RemoveLock(state_, Name(), &lock_);
  }
}

absl::StatusOr<std::optional<BlobIngest>> BlobIngest::Begin(const Store& store,
                                                            const oci::Digest& digest, int64_t size,
                                                            const base::LockNotice& notice,
                                                            const base::LockCancelled& cancelled) {
  if (HasBlob(store, digest, size)) return std::optional<BlobIngest>();
  BlobIngest ingest(store, digest, size);
  STAVE_ASSIGN_OR_RETURN(ingest.lock_, LockObject(store.state(), ingest.Name(), notice, cancelled));
  if (HasBlob(store, digest, size)) return std::optional<BlobIngest>();

  const std::string path = absl::StrCat("ingest/", ingest.Name());
  ingest.file_ = base::UniqueFd(::openat(
      store.state(), path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!ingest.file_.valid()) return base::PosixError(errno, path, "open");
  struct stat st;
  if (::fstat(ingest.fd(), &st) < 0) return base::PosixError(errno, path, "stat");
  ingest.present_ = st.st_size;
  // More than was promised cannot be the beginning of it.
  if (st.st_size > size) STAVE_RETURN_IF_ERROR(ingest.Restart());
  return std::optional<BlobIngest>(std::move(ingest));
}

absl::Status BlobIngest::Restart() {
  if (::ftruncate(fd(), 0) < 0) return base::PosixError(errno, Name(), "truncate");
  if (::lseek(fd(), 0, SEEK_SET) < 0) return base::PosixError(errno, Name(), "seek");
  present_ = 0;
  return absl::OkStatus();
}

absl::Status BlobIngest::Commit(Synced synced) {
  struct stat st;
  if (::fstat(fd(), &st) < 0) return base::PosixError(errno, Name(), "stat");
  if (st.st_size != size_) {
    return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                       absl::StrCat("blob ", digest_.ToString(), ": has ", st.st_size,
                                    " bytes instead of ", size_));
  }
  if (synced == Synced::kNo && ::fsync(fd()) < 0) return base::PosixError(errno, Name(), "fsync");
  const std::string from = absl::StrCat("ingest/", Name());
  const std::string to = absl::StrCat("images/blobs/sha256/", digest_.hex());
  if (::renameat(state_, from.c_str(), state_, to.c_str()) < 0) {
    return base::PosixError(errno, to, "rename");
  }
  RemoveLock(state_, Name(), &lock_);
  return absl::OkStatus();
}

absl::Status BlobIngest::Discard() {
  const std::string path = absl::StrCat("ingest/", Name());
  if (::unlinkat(state_, path.c_str(), 0) < 0 && errno != ENOENT) {
    return base::PosixError(errno, path, "unlink");
  }
  RemoveLock(state_, Name(), &lock_);
  return absl::OkStatus();
}

LayerIngest::LayerIngest(const Store& store, const oci::Digest& diff_id,
                         const oci::Digest& chain_id)
    : state_(store.state()), diff_id_(diff_id), chain_id_(chain_id) {}

LayerIngest::~LayerIngest() {
  if (!lock_.valid()) return;
  // What cannot be removed keeps its lock file, so that SweepIngest finds it.
  if (RemoveObject(state_, Name()).ok()) RemoveLock(state_, Name(), &lock_);
}

absl::StatusOr<std::optional<LayerIngest>> LayerIngest::Begin(
    const Store& store, const oci::Digest& diff_id, const oci::Digest& chain_id,
    const base::LockNotice& notice, const base::LockCancelled& cancelled) {
  if (FindLayer(store, diff_id, chain_id).has_value()) return std::optional<LayerIngest>();
  LayerIngest ingest(store, diff_id, chain_id);
  STAVE_ASSIGN_OR_RETURN(ingest.lock_, LockObject(store.state(), ingest.Name(), notice, cancelled));
  if (FindLayer(store, diff_id, chain_id).has_value()) return std::optional<LayerIngest>();

  STAVE_RETURN_IF_ERROR(RemoveObject(store.state(), ingest.Name()));
  const std::string path = absl::StrCat("ingest/", ingest.Name());
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(store.state(), path, 0700));
  STAVE_ASSIGN_OR_RETURN(ingest.folder_, base::OpenDirAt(store.state(), path));
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(ingest.folder(), "fs", 0755));
  STAVE_ASSIGN_OR_RETURN(ingest.fs_, base::OpenDirAt(ingest.folder(), "fs"));
  return std::optional<LayerIngest>(std::move(ingest));
}

absl::Status LayerIngest::SetMeta(const oci::Digest& key, const LayerMeta& meta) {
  if (key != diff_id_ && key != chain_id_) {
    return absl::InvalidArgumentError(
        absl::StrCat(key.ToString(), ": is no key of layer ", diff_id_.ToString()));
  }
  STAVE_RETURN_IF_ERROR(base::ReplaceFileAt(folder(), "meta.json", FormatLayerMeta(meta), 0600,
                                            base::Durability::kVolatile));
  key_ = key;
  return absl::OkStatus();
}

absl::Status LayerIngest::Commit(Synced synced) {
  if (!key_.has_value()) {
    return absl::FailedPreconditionError(absl::StrCat(Name(), ": has no meta.json yet"));
  }
  if (synced == Synced::kNo && ::syncfs(folder()) < 0) {
    return base::PosixError(errno, Name(), "syncfs");
  }
  const std::string from = absl::StrCat("ingest/", Name());
  const std::string to = absl::StrCat("layers/", key_->hex());
  while (::renameat2(state_, from.c_str(), state_, to.c_str(), RENAME_NOREPLACE) < 0) {
    if (errno != EEXIST) return base::PosixError(errno, to, "rename");
    if (IsDir(state_, to)) {
      STAVE_RETURN_IF_ERROR(RemoveObject(state_, Name()));
      break;
    }
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd layers, base::OpenDirAt(state_, "layers"));
    STAVE_RETURN_IF_ERROR(base::RemoveTreeAt(layers.get(), key_->hex()));
  }
  RemoveLock(state_, Name(), &lock_);
  return absl::OkStatus();
}

absl::Status SweepIngest(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(store.state(), "ingest"));
  if (names.empty()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd ingest, base::OpenDirAt(store.state(), "ingest"));
  absl::Status swept;
  for (const std::string& name : names) {
    swept.Update(IsLease(name) ? RemoveDeadLease(store, name)
                               : SweepObject(store, ingest.get(),
                                             std::string(absl::StripSuffix(name, ".lock"))));
  }
  return swept;
}

bool IsBeingWritten(const Store& store, const std::string& name) {
  const std::string path = absl::StrCat("ingest/", name, ".lock");
  const base::UniqueFd lock(
      ::openat(store.state(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return lock.valid() && ::flock(lock.get(), LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

}  // namespace stave::store

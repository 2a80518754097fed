// SPDX-License-Identifier: Apache-2.0
#include "libs/store/pending.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/store/folder.h"
#include "libs/store/name.h"
#include "libs/store/name_link.h"
#include "libs/store/trash.h"
#include "libs/store/trash_folder.h"

namespace stave::store {
namespace {

constexpr size_t kMaxIntentBytes = 4096;
constexpr size_t kForegroundChecks = 64;
constexpr int kNameTries = 6;
constexpr char kUnnamed[] = ".new";

const char* FolderOf(Phase phase) { return phase == Phase::kPending ? "pending" : "foreground"; }

std::string EntryPath(Phase phase, const std::string& id) {
  return absl::StrCat(FolderOf(phase), "/", id);
}

std::string FormatIntent(const Intent& intent) {
  json::Value value;
  value.Set("name", json::Value::String(intent.name));
  value.Set("rm", json::Value::Bool(intent.rm));
  value.Set("record", json::Value::Bool(intent.record));
  if (intent.existed) value.Set("existed", json::Value::Bool(true));
  if (intent.monitored) value.Set("monitored", json::Value::Bool(true));
  return json::Print(value) + "\n";
}

Intent ParseIntent(absl::string_view text) {
  Intent intent;
  const auto parsed = json::Parse(text, {.bytes = kMaxIntentBytes});
  if (!parsed.ok()) return intent;
  const json::Value* name = parsed->Find("name");
  const json::Value* rm = parsed->Find("rm");
  const json::Value* record = parsed->Find("record");
  if (name != nullptr && CheckName(name->text()).ok()) intent.name = name->text();
  intent.rm = rm != nullptr && rm->boolean();
  intent.record = record == nullptr || record->boolean();
  const json::Value* existed = parsed->Find("existed");
  intent.existed = existed != nullptr && existed->boolean();
  const json::Value* monitored = parsed->Find("monitored");
  intent.monitored = monitored != nullptr && monitored->boolean();
  return intent;
}

// Whether `fd` is still the file `path` of `dirfd`.
bool IsStill(int fd, int dirfd, const std::string& path) {
  struct stat mine, there;
  return ::fstat(fd, &mine) == 0 &&
         ::fstatat(dirfd, path.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

// Makes pending/ID with its text and its lock at once: it gets that name when it has both. Under
// its first name a sweep may take it for garbage; then the rename fails and it is made again.
absl::StatusOr<base::UniqueFd> MakeEntry(const Store& store, const std::string& id,
                                         const Intent& intent) {
  const std::string beside = absl::StrCat("pending/", id, kUnnamed);
  const std::string path = EntryPath(Phase::kPending, id);
  for (;;) {
    base::UniqueFd fd(::openat(store.run(), beside.c_str(),
                               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd.valid()) return base::PosixError(errno, path, "create");
    absl::Status written = absl::OkStatus();
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      written = base::WriteAll(fd.get(), FormatIntent(intent), path);
      if (written.ok() && ::renameat2(store.run(), beside.c_str(), store.run(), path.c_str(),
                                      RENAME_NOREPLACE) == 0) {
        return fd;
      }
      if (written.ok() && errno != ENOENT) written = base::PosixError(errno, path, "rename");
    }
    ::unlinkat(store.run(), beside.c_str(), 0);
    STAVE_RETURN_IF_ERROR(written);
  }
}

// Writes the text again, with the name that was drawn. The file keeps its lock.
absl::Status RewriteIntent(int fd, const Intent& intent, const std::string& noun) {
  const std::string text = FormatIntent(intent);
  if (::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
      ::ftruncate(fd, static_cast<off_t>(text.size())) < 0) {
    return base::PosixError(errno, noun, "write");
  }
  return absl::OkStatus();
}

// The lock of an entry whose holder is dead; an invalid descriptor if it lives or is gone.
base::UniqueFd TakeOver(const Store& store, const std::string& path) {
  base::UniqueFd fd(
      ::openat(store.run(), path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st;
  if (!fd.valid() || ::fstat(fd.get(), &st) < 0 || !S_ISREG(st.st_mode) ||
      ::flock(fd.get(), LOCK_EX | LOCK_NB) < 0 || !IsStill(fd.get(), store.run(), path)) {
    fd.Reset();
  }
  return fd;
}

// Whether the container has a folder: if it cannot be opened then, that is no reason to take the
// container for gone.
bool HasFolder(const Store& store, const std::string& id) {
  const std::string path = absl::StrCat("containers/", id);
  struct stat st;
  if (::fstatat(store.state(), path.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0 &&
      ::fstatat(store.run(), path.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    return false;
  }
  return S_ISDIR(st.st_mode);
}

// An entry whose maker died before it had its name: nothing else was made.
void RemoveUnnamed(const Store& store, const std::string& name) {
  const std::string path = absl::StrCat("pending/", name);
  const base::UniqueFd fd = TakeOver(store, path);
  if (fd.valid()) ::unlinkat(store.run(), path.c_str(), 0);
}

absl::Status InHands(const std::string& id) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_RUNNING",
                     absl::StrCat("container ", id.substr(0, base::kShortIdLength),
                                  " is running, or being started"));
}

absl::Status NoContainer(const std::string& id) {
  return base::Error(absl::StatusCode::kNotFound, "E_NO_CONTAINER",
                     absl::StrCat("No such container: ", id));
}

absl::StatusOr<std::string> ReserveDrawnName(const Store& store, const std::string& id) {
  const std::string drawn = RandomName();
  for (int i = 0; i < kNameTries; ++i) {
    const std::string name = i == 0 ? drawn : absl::StrCat(drawn, i);
    const absl::Status reserved = ReserveName(store, name, id);
    if (reserved.ok()) return name;
    if (!absl::IsAlreadyExists(reserved)) return reserved;
  }
  const std::string name = id.substr(0, base::kShortIdLength);
  STAVE_RETURN_IF_ERROR(ReserveName(store, name, id));
  return name;
}

}  // namespace

Pending::Pending(const Store& store, std::string id, Intent intent)
    : store_(&store), id_(std::move(id)), intent_(std::move(intent)) {}

absl::StatusOr<Pending> Pending::Reserve(const Store& store, Intent intent) {
  if (!intent.name.empty()) STAVE_RETURN_IF_ERROR(CheckName(intent.name));
  Pending pending(store, base::NewId(), std::move(intent));
  STAVE_ASSIGN_OR_RETURN(pending.lock_, MakeEntry(store, pending.id_, pending.intent_));
  absl::Status made = pending.MakeNameAndFolders();
  if (!made.ok()) {
    (void)pending.Undo();
    return made;
  }
  return pending;
}

absl::StatusOr<Pending> Pending::Adopt(const Store& store, const std::string& id, bool monitored) {
  STAVE_ASSIGN_OR_RETURN(Container container, Container::Open(store, id));
  STAVE_ASSIGN_OR_RETURN(const Record record, container.ReadRecord());
  if (HasEntry(store, id)) return InHands(id);
  Intent intent{record.name, record.rm, true, true, monitored};
  Pending pending(store, id, std::move(intent));
  auto lock = MakeEntry(store, id, pending.intent_);
  if (absl::IsAlreadyExists(lock.status())) return InHands(id);
  if (!lock.ok()) return lock.status();
  pending.lock_ = *std::move(lock);
  pending.container_ = std::move(container);
  // It may have been running, or have been removed, when there was no entry yet.
  struct stat st;
  const bool there = ::fstatat(store.state(), absl::StrCat("containers/", id).c_str(), &st,
                               AT_SYMLINK_NOFOLLOW) == 0;
  if (there && !base::ExistsAt(store.run(), EntryPath(Phase::kForeground, id))) return pending;
  STAVE_RETURN_IF_ERROR(pending.RemoveEntry());
  return there ? InHands(id) : NoContainer(id);
}

absl::StatusOr<Pending> Pending::Inherit(const Store& store, const std::string& id, Phase phase,
                                         base::UniqueFd lock) {
  if (!IsStill(lock.get(), store.run(), EntryPath(phase, id))) {
    return absl::FailedPreconditionError(absl::StrCat(EntryPath(phase, id), ": is another file"));
  }
  std::string text(kMaxIntentBytes, '\0');
  const ssize_t size = ::pread(lock.get(), text.data(), text.size(), 0);
  if (size < 0) return base::PosixError(errno, EntryPath(phase, id), "read");
  text.resize(static_cast<size_t>(size));
  Pending pending(store, id, ParseIntent(text));
  pending.phase_ = phase;
  pending.lock_ = std::move(lock);
  STAVE_ASSIGN_OR_RETURN(pending.container_, Container::Open(store, id));
  return pending;
}

absl::Status Pending::SetMonitored() {
  intent_.monitored = true;
  return RewriteIntent(lock_fd(), intent_, EntryPath(phase_, id_));
}

absl::Status Pending::MakeNameAndFolders() {
  if (intent_.name.empty()) {
    STAVE_ASSIGN_OR_RETURN(intent_.name, ReserveDrawnName(*store_, id_));
    STAVE_RETURN_IF_ERROR(RewriteIntent(lock_fd(), intent_, EntryPath(phase_, id_)));
  } else {
    STAVE_RETURN_IF_ERROR(ReserveName(*store_, intent_.name, id_));
  }
  STAVE_ASSIGN_OR_RETURN(container_, Container::Make(*store_, id_, intent_));
  return absl::OkStatus();
}

// What is acknowledged has to survive a power cut: the name and the folder's own entry, too.
absl::Status Pending::MakeDurable() const {
  if (container_.durability() == base::Durability::kVolatile) return absl::OkStatus();
  for (const char* folder : {"containers", "names"}) {
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd fd, base::OpenDirAt(store_->state(), folder));
    if (::fsync(fd.get()) < 0) return base::PosixError(errno, folder, "fsync");
  }
  return absl::OkStatus();
}

absl::Status Pending::ToForeground() {
  if (phase_ == Phase::kForeground) return absl::OkStatus();  // a restart
  STAVE_RETURN_IF_ERROR(MakeDurable());
  const std::string from = EntryPath(Phase::kPending, id_);
  const std::string to = EntryPath(Phase::kForeground, id_);
  if (::renameat(store_->run(), from.c_str(), store_->run(), to.c_str()) < 0) {
    return base::PosixError(errno, from, "rename");
  }
  phase_ = Phase::kForeground;
  return absl::OkStatus();
}

absl::Status Pending::Done() {
  if (phase_ == Phase::kPending) STAVE_RETURN_IF_ERROR(MakeDurable());
  return RemoveEntry();
}

absl::Status Pending::RemoveEntry() {
  const std::string path = EntryPath(phase_, id_);
  if (::unlinkat(store_->run(), path.c_str(), 0) < 0 && errno != ENOENT) {
    return base::PosixError(errno, path, "unlink");
  }
  lock_.Reset();
  return absl::OkStatus();
}

absl::Status Pending::ReleaseName() {
  if (intent_.name.empty()) return ReleaseNamesOf(*store_, id_);
  STAVE_RETURN_IF_ERROR(store::ReleaseName(*store_, intent_.name, id_));
  if (!has_container()) return absl::OkStatus();
  const auto record = container_.ReadRecord();  // it may have got another one meanwhile
  if (!record.ok() || record->name.empty() || record->name == intent_.name) return absl::OkStatus();
  return store::ReleaseName(*store_, record->name, id_);
}

absl::Status Pending::Undo() {
  if (intent_.existed && (phase_ == Phase::kPending || !intent_.rm)) {
    if (has_container()) STAVE_RETURN_IF_ERROR(container_.RemoveState());
    return RemoveEntry();
  }
  STAVE_RETURN_IF_ERROR(ReleaseName());
  STAVE_RETURN_IF_ERROR(RemoveFolders(*store_, id_, container_.durability()));
  return RemoveEntry();
}

absl::StatusOr<std::vector<Pending>> StaleEntries(const Store& store) {
  std::vector<Pending> stale;
  const auto take = [&](Phase phase, const std::string& id) {
    if (!base::IsId(id)) return;
    base::UniqueFd lock = TakeOver(store, EntryPath(phase, id));
    if (!lock.valid()) return;
    const auto text = base::ReadAll(lock.get(), kMaxIntentBytes, id);
    Pending pending(store, id, text.ok() ? ParseIntent(*text) : Intent());
    pending.phase_ = phase;
    pending.lock_ = std::move(lock);
    auto container = Container::Open(store, id);
    // For want of descriptors, say: it waits for the next sweep.
    if (!container.ok() && HasFolder(store, id)) return;
    if (container.ok()) pending.container_ = *std::move(container);
    stale.push_back(std::move(pending));
  };

  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> pending,
                         ListFolder(store.run(), "pending"));
  for (const std::string& name : pending) {
    if (absl::EndsWith(name, kUnnamed)) {
      RemoveUnnamed(store, name);
    } else {
      take(Phase::kPending, name);
    }
  }

  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> foreground,
                         ListFolder(store.run(), "foreground"));
  struct timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const size_t first =
      foreground.empty() ? 0 : static_cast<size_t>(now.tv_nsec / 1000) % foreground.size();
  for (size_t i = 0; i < foreground.size() && i < kForegroundChecks; ++i) {
    take(Phase::kForeground, foreground[(first + i) % foreground.size()]);
  }
  if (SweepContainers(store)) RemoveLeftTrash(store);
  return stale;
}

}  // namespace stave::store

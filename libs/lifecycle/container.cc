// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/lifecycle/group.h"
#include "libs/runtime/start_gate.h"

namespace stave::lifecycle {
namespace {

constexpr char kState[] = "state.json";
constexpr char kConfig[] = "config.json";
constexpr int kAttempts = 100;

std::string NewName(absl::string_view id) { return absl::StrCat(id, "~new"); }
std::string GoneName(absl::string_view id) { return absl::StrCat(id, "~gone"); }

// Whether `dir` is what bears the name `name` now.
bool IsAt(int dir, int parent, const std::string& name) {
  struct stat mine, there;
  return ::fstat(dir, &mine) == 0 &&
         ::fstatat(parent, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

absl::StatusOr<bool> Flock(int dir, int operation) {
  while (::flock(dir, operation) < 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) return base::PosixError(errno, "container", "lock");
  }
  return true;
}

absl::Status Exists() {
  return base::Error(absl::StatusCode::kAlreadyExists, "E_EXISTS",
                     "container with given ID already exists");
}

absl::Status DoesNotExist(absl::string_view id) {
  return base::Error(absl::StatusCode::kNotFound, "E_NO_CONTAINER",
                     absl::StrCat("container \"", id, "\" does not exist"));
}

absl::Status Damaged(absl::string_view id, absl::string_view why) {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                     absl::StrCat("container \"", id, "\": ", why));
}

// Removes `name` if nobody is at it. Whether somebody is.
absl::StatusOr<bool> RemoveStray(int root, const std::string& name) {
  const absl::StatusOr<base::UniqueFd> dir = base::OpenDirAt(root, name);
  if (absl::IsNotFound(dir.status())) return false;
  if (!dir.ok()) return dir.status();
  STAVE_ASSIGN_OR_RETURN(const bool ours, Flock(dir->get(), LOCK_EX | LOCK_NB));
  if (!ours) return true;
  if (IsAt(dir->get(), root, name)) STAVE_RETURN_IF_ERROR(base::RemoveTreeAt(root, name));
  return false;
}

// A fresh directory R/ID~new, locked.
absl::StatusOr<base::UniqueFd> MakeNew(int root, absl::string_view id) {
  const std::string name = NewName(id);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (::mkdirat(root, name.c_str(), 0700) < 0) {
      if (errno != EEXIST) return base::PosixError(errno, name, "mkdir");
      STAVE_ASSIGN_OR_RETURN(const bool busy, RemoveStray(root, name));
      if (busy) return Exists();
      continue;
    }
    absl::StatusOr<base::UniqueFd> dir = base::OpenDirAt(root, name);
    if (!dir.ok()) continue;
    STAVE_ASSIGN_OR_RETURN(const bool ours, Flock(dir->get(), LOCK_EX | LOCK_NB));
    // Between mkdir(2) and the lock somebody may have taken it for a stray.
    if (ours && IsAt(dir->get(), root, name)) return *std::move(dir);
  }
  return Exists();
}

// What we wrote ourselves: a regular file of the directory's owner that nobody else may write.
absl::StatusOr<std::string> ReadOwn(int dir, uid_t owner, absl::string_view id, const char* name) {
  const base::UniqueFd file(
      ::openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return Damaged(id, absl::StrCat(name, ": is missing"));
  const bool is_special = !file.valid() && (errno == ELOOP || errno == ENXIO);
  if (!file.valid() && !is_special) return base::PosixError(errno, name, "open");
  struct stat st = {};
  if (!is_special && ::fstat(file.get(), &st) < 0) return base::PosixError(errno, name, "stat");
  if (!S_ISREG(st.st_mode)) return Damaged(id, absl::StrCat(name, ": is no regular file"));
  if (st.st_uid != owner || (st.st_mode & 022) != 0) {
    return Damaged(id, absl::StrCat(name, ": others may have written it"));
  }
  absl::StatusOr<std::string> text = base::ReadAll(file.get(), kMaxConfig, name);
  if (absl::IsResourceExhausted(text.status())) return Damaged(id, text.status().message());
  return text;
}

// Into a directory that nobody reads before it has its name.
absl::Status WriteNew(int dir, const char* name, absl::string_view text) {
  const base::UniqueFd file(::openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return base::PosixError(errno, name, "create");
  return base::WriteAll(file.get(), text, name);
}

}  // namespace

pid_t Condition::pid() const { return init.valid() && record.init ? record.init->pid : 0; }

json::Value Condition::State() const { return StateJson(record, StatusName(status), pid()); }

absl::Status Container::CheckFree(const Root& root, absl::string_view id) {
  STAVE_RETURN_IF_ERROR(CheckId(id));
  struct stat st;
  const bool taken = ::fstatat(root.dir(), std::string(id).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
  return taken ? Exists() : absl::OkStatus();
}

absl::Status NotRunning() {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_NOT_RUNNING",
                     "container not running");
}

absl::StatusOr<Container> Container::Make(const Root& root, const Record& record,
                                          absl::string_view config) {
  STAVE_RETURN_IF_ERROR(CheckFree(root, record.id));
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd dir, MakeNew(root.dir(), record.id));
  Container made(record.id, std::move(dir));
  made.owner_ = ::geteuid();
  STAVE_ASSIGN_OR_RETURN(made.root_, base::Duplicate(root.dir()));
  const std::string name = NewName(record.id);
  absl::Status done = WriteNew(made.dir(), kState, PrintRecord(record));
  if (done.ok()) done = WriteNew(made.dir(), kConfig, config);
  if (done.ok() &&
      ::renameat2(root.dir(), name.c_str(), root.dir(), record.id.c_str(), RENAME_NOREPLACE) < 0) {
    done = errno == EEXIST ? Exists() : base::PosixError(errno, record.id, "rename");
  }
  if (!done.ok()) {
    base::RemoveTreeAt(root.dir(), name).IgnoreError();
    return done;
  }
  return made;
}

absl::StatusOr<Container> Container::Open(const Root& root, absl::string_view id) {
  STAVE_RETURN_IF_ERROR(CheckId(id));
  if (!root.is_there()) return DoesNotExist(id);
  base::UniqueFd dir(::openat(root.dir(), std::string(id).c_str(),
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dir.valid() && errno == ENOENT) return DoesNotExist(id);
  if (!dir.valid()) return base::PosixError(errno, id, "open the state of the container");
  Container opened{std::string(id), std::move(dir)};
  struct stat st;
  if (::fstat(opened.dir(), &st) < 0) return base::PosixError(errno, id, "fstat");
  opened.owner_ = st.st_uid;
  STAVE_ASSIGN_OR_RETURN(opened.root_, base::Duplicate(root.dir()));
  return opened;
}

absl::Status Container::StillThere() const {
  return IsAt(dir(), root_.get(), id_) ? absl::OkStatus() : DoesNotExist(id_);
}

absl::Status Container::Lock() {
  STAVE_RETURN_IF_ERROR(Flock(dir(), LOCK_EX).status());
  return StillThere();
}

absl::StatusOr<bool> Container::TryLock() {
  STAVE_ASSIGN_OR_RETURN(const bool ours, Flock(dir(), LOCK_EX | LOCK_NB));
  if (ours) STAVE_RETURN_IF_ERROR(StillThere());
  return ours;
}

void Container::Unlock() { Flock(dir(), LOCK_UN).IgnoreError(); }

absl::StatusOr<Record> Container::ReadRecord() const {
  STAVE_ASSIGN_OR_RETURN(const std::string text, ReadOwn(dir(), owner_, id_, kState));
  absl::StatusOr<Record> record = ParseRecord(text, id_);
  if (!record.ok()) return Damaged(id_, record.status().message());
  return record;
}

absl::StatusOr<std::string> Container::ReadConfig() const {
  return ReadOwn(dir(), owner_, id_, kConfig);
}

absl::StatusOr<json::Value> Container::ParseConfig() const {
  STAVE_ASSIGN_OR_RETURN(const std::string text, ReadConfig());
  return ParseConfig(text);
}

absl::StatusOr<json::Value> Container::ParseConfig(absl::string_view text) const {
  json::Limits limits;
  limits.bytes = kMaxConfig;
  absl::StatusOr<json::Value> config = json::Parse(text, limits);
  if (!config.ok()) return Damaged(id_, absl::StrCat(kConfig, ": ", config.status().message()));
  return config;
}

absl::Status Container::WriteRecord(const Record& record) const {
  return base::ReplaceFileAt(dir(), kState, PrintRecord(record), 0600, base::Durability::kVolatile);
}

absl::StatusOr<Condition> Container::Look(Freezer freezer) const {
  Machine machine;
  return Look(&machine, freezer);
}

absl::StatusOr<Condition> Container::Look(Machine* machine, Freezer freezer) const {
  Condition condition;
  STAVE_ASSIGN_OR_RETURN(condition.record, ReadRecord());
  const Record& record = condition.record;
  const auto& who = record.init ? record.init : record.creator;
  if (!who) return condition;
  STAVE_RETURN_IF_ERROR(machine->BootId().status());
  STAVE_ASSIGN_OR_RETURN(std::optional<base::UniqueFd> pidfd,
                         base::OpenProcess(*who, *machine->BootId()));
  if (!pidfd) return condition;
  if (!record.init) {
    condition.status = Status::kCreating;
    return condition;
  }
  condition.init = *std::move(pidfd);
  if (freezer == Freezer::kAsk && IsFrozen(record, machine)) {
    condition.status = Status::kPaused;
  } else {
    condition.status = runtime::IsGated(dir()) ? Status::kCreated : Status::kRunning;
  }
  return condition;
}

absl::Status Container::Remove(const Root& root) {
  const std::string gone = GoneName(id_);
  const auto move_away = [&] {
    const int done =
        ::renameat2(root.dir(), id_.c_str(), root.dir(), gone.c_str(), RENAME_NOREPLACE);
    return done == 0 ? 0 : errno;
  };
  int error = move_away();
  if (error == EEXIST) {  // a stray
    STAVE_RETURN_IF_ERROR(base::RemoveTreeAt(root.dir(), gone));
    error = move_away();
  }
  if (error != 0) return base::PosixError(error, id_, "rename");
  return base::RemoveTreeAt(root.dir(), gone);
}

void RemoveStrays(const Root& root, absl::string_view id) {
  if (!root.is_there() || !CheckId(id).ok()) return;
  RemoveStray(root.dir(), NewName(id)).IgnoreError();
  RemoveStray(root.dir(), GoneName(id)).IgnoreError();
}

}  // namespace stave::lifecycle

// SPDX-License-Identifier: Apache-2.0
#include "libs/store/container.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"

namespace stave::store {
namespace {

constexpr size_t kMaxConfigBytes = size_t{16} << 20;

absl::StatusOr<base::UniqueFd> MakeAndOpen(int root, const std::string& path) {
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(root, path, 0700));
  return base::OpenDirAt(root, path);
}

// What is there but cannot be read is damage, not absence.
absl::StatusOr<std::string> Read(int folder, const char* name, size_t max) {
  auto text = base::ReadFileAt(folder, name, max);
  if (text.ok() || absl::IsNotFound(text.status())) return text;
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT", text.status().message());
}

absl::Status Remove(int folder, const char* name) {
  if (::unlinkat(folder, name, 0) < 0 && errno != ENOENT) {
    return base::PosixError(errno, name, "unlink");
  }
  return absl::OkStatus();
}

template <typename T>
absl::StatusOr<T> InFile(absl::StatusOr<T> parsed, const char* name) {
  if (!parsed.ok()) return base::WithContext(parsed.status(), name);
  return parsed;
}

}  // namespace

absl::StatusOr<Container> Container::Make(const Store& store, const std::string& id,
                                          const Intent& intent) {
  Container container;
  container.id_ = id;
  const std::string path = absl::StrCat("containers/", id);
  STAVE_ASSIGN_OR_RETURN(container.run_, MakeAndOpen(store.run(), path));
  container.run_path_ = absl::StrCat(store.run_path(), "/", path);
  container.durability_ =
      intent.rm || !intent.record ? base::Durability::kVolatile : base::Durability::kDurable;
  if (intent.record) {
    STAVE_ASSIGN_OR_RETURN(container.home_, MakeAndOpen(store.state(), path));
    container.home_path_ = absl::StrCat(store.state_path(), "/", path);
  } else {
    STAVE_ASSIGN_OR_RETURN(container.home_, base::Duplicate(container.run()));
    container.home_path_ = container.run_path_;
  }
  return container;
}

absl::StatusOr<Container> Container::Open(const Store& store, absl::string_view id) {
  if (!base::IsId(id)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", base::Printable(id), "\": is not a container id"));
  }
  const std::string path = absl::StrCat("containers/", id);
  Container container;
  container.id_ = std::string(id);
  container.run_path_ = absl::StrCat(store.run_path(), "/", path);
  auto home = base::OpenDirAt(store.state(), path);
  if (home.ok()) {
    container.home_ = *std::move(home);
    container.home_path_ = absl::StrCat(store.state_path(), "/", path);
    STAVE_ASSIGN_OR_RETURN(container.run_, MakeAndOpen(store.run(), path));
  } else {
    if (!absl::IsNotFound(home.status())) return home.status();
    auto run = base::OpenDirAt(store.run(), path);
    if (absl::IsNotFound(run.status())) {
      return base::Error(absl::StatusCode::kNotFound, "E_NO_CONTAINER",
                         absl::StrCat("No such container: ", id));
    }
    if (!run.ok()) return run.status();
    container.run_ = *std::move(run);
    STAVE_ASSIGN_OR_RETURN(container.home_, base::Duplicate(container.run()));
    container.home_path_ = container.run_path_;
    container.durability_ = base::Durability::kVolatile;
  }
  const auto record = container.ReadRecord();
  if (record.ok() && record->rm) container.durability_ = base::Durability::kVolatile;
  return container;
}

absl::Status Container::WriteConfig(absl::string_view document) const {
  return base::ReplaceFileAt(home(), "config.json", document, 0600, durability_);
}

absl::Status Container::WriteRecord(const Record& record) const {
  return base::ReplaceFileAt(home(), "record.json", FormatRecord(record), 0600, durability_);
}

absl::Status Container::WriteState(const State& state) const {
  return base::ReplaceFileAt(run(), "state.json", FormatState(state), 0600,
                             base::Durability::kVolatile);
}

absl::Status Container::WriteExit(const Exit& exit) const {
  return base::ReplaceFileAt(home(), "exit.json", FormatExit(exit), 0600, durability_);
}

absl::Status Container::RemoveExit() const {
  STAVE_RETURN_IF_ERROR(Remove(home(), "exit.json"));
  if (durability_ == base::Durability::kDurable && ::fsync(home()) < 0) {
    return base::PosixError(errno, home_path_, "fsync");
  }
  return absl::OkStatus();
}

absl::Status Container::RemoveState() const { return Remove(run(), "state.json"); }

absl::StatusOr<std::string> Container::ReadConfig() const {
  return Read(home(), "config.json", kMaxConfigBytes);
}

absl::StatusOr<json::Value> Container::ReadDocument() const {
  STAVE_ASSIGN_OR_RETURN(const std::string text, ReadConfig());
  auto document = json::Parse(text, {.bytes = kMaxConfigBytes});
  if (document.ok() && document->is_object()) return document;
  return base::Error(
      absl::StatusCode::kDataLoss, "E_CORRUPT",
      absl::StrCat("container ", id_.substr(0, base::kShortIdLength), ": config.json: is damaged"));
}

absl::StatusOr<Record> Container::ReadRecord() const {
  STAVE_ASSIGN_OR_RETURN(const std::string text, Read(home(), "record.json", kMaxRecordBytes));
  return InFile(ParseRecord(text), "record.json");
}

absl::StatusOr<State> Container::ReadState() const {
  STAVE_ASSIGN_OR_RETURN(const std::string text, Read(run(), "state.json", kMaxRecordBytes));
  return InFile(ParseState(text), "state.json");
}

absl::StatusOr<Exit> Container::ReadExit() const {
  STAVE_ASSIGN_OR_RETURN(const std::string text, Read(home(), "exit.json", kMaxRecordBytes));
  return InFile(ParseExit(text), "exit.json");
}

absl::StatusOr<base::UniqueFd> LockRecord(const Store& store, const Container& container) {
  // A description of its own: the folder itself is locked, as removers do (trash.h).
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd folder, base::OpenDirAt(container.home(), "."));
  while (::flock(folder.get(), LOCK_EX) < 0) {
    if (errno != EINTR) return base::PosixError(errno, container.home_path(), "lock");
  }
  const std::string path = absl::StrCat("containers/", container.id());
  struct stat mine, there;
  for (const int root : {store.state(), store.run()}) {
    if (::fstat(folder.get(), &mine) == 0 &&
        ::fstatat(root, path.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        mine.st_ino == there.st_ino && mine.st_dev == there.st_dev) {
      return folder;
    }
  }
  return absl::NotFoundError(absl::StrCat("container ", container.id(), ": has been removed"));
}

}  // namespace stave::store

// SPDX-License-Identifier: Apache-2.0
#include "libs/store/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/stave_member.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"
#include "libs/store/events.h"
#include "libs/store/name.h"
#include "libs/store/name_link.h"
#include "libs/store/record.h"

namespace stave::store {
namespace {

absl::Status NoSuchContainer(absl::string_view text) {
  return base::Error(absl::StatusCode::kNotFound, "E_NO_CONTAINER",
                     absl::StrCat("No such container: ", base::Printable(text)));
}

absl::Status InAllocation(const absl::Status& status) {
  return base::WithContext(status, "Error when allocating new name");
}

// The document keeps its name, too: it is what a further start reads.
absl::StatusOr<std::string> RenamedConfig(const Container& container, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(json::Value document, container.ReadDocument());
  oci::SetName(name, &document);
  return json::Print(document);
}

// Both names are the container's; the files say which.
absl::Status WriteName(const Container& container, Record record, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(const std::string config, RenamedConfig(container, name));
  const std::string old = std::exchange(record.name, name);
  STAVE_RETURN_IF_ERROR(container.WriteConfig(config));
  const absl::Status written = container.WriteRecord(record);
  if (!written.ok()) {
    const auto before = RenamedConfig(container, old);
    if (before.ok()) container.WriteConfig(*before).IgnoreError();
  }
  return written;
}

absl::Status SyncNames(const Store& store, const Container& container) {
  if (container.durability() == base::Durability::kVolatile) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd names, base::OpenDirAt(store.state(), "names"));
  if (::fsync(names.get()) < 0) return base::PosixError(errno, "names", "fsync");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> RenameContainer(const Store& store, absl::string_view old_text,
                                            const std::string& new_name) {
  STAVE_ASSIGN_OR_RETURN(const std::string id, FindContainer(store, old_text));
  if (const absl::Status valid = CheckName(new_name); !valid.ok()) return InAllocation(valid);
  if (IsPending(store, id)) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                       absl::StrCat("container ", base::Printable(old_text), " is being made"));
  }
  const auto container = Container::Open(store, id);
  if (absl::IsNotFound(container.status())) return NoSuchContainer(old_text);
  if (!container.ok()) return container.status();
  const auto lock = LockRecord(store, *container);
  if (absl::IsNotFound(lock.status())) return NoSuchContainer(old_text);
  if (!lock.ok()) return lock.status();
  STAVE_ASSIGN_OR_RETURN(const Record record, container->ReadRecord());
  // It may have been renamed since its name was looked up, and what was a name is one no more.
  if (IdOfName(store, std::string(old_text)) != id && !absl::StartsWith(id, old_text)) {
    return NoSuchContainer(old_text);
  }
  if (record.name == new_name) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_NAME",
                       "Renaming a container with the same name as its current name");
  }
  if (IdOfName(store, new_name) != id) {  // else it was left by one that was killed
    const absl::Status reserved = ReserveName(store, new_name, id);
    if (!reserved.ok()) return InAllocation(reserved);
  }
  absl::Status done = SyncNames(store, *container);
  if (done.ok()) done = WriteName(*container, record, new_name);
  if (!done.ok()) {
    ReleaseName(store, new_name, id).IgnoreError();
    return done;
  }
  STAVE_RETURN_IF_ERROR(ReleaseName(store, record.name, id));
  AppendEvent(store, "rename", id, new_name, {{"oldName", record.name}});
  return record.name;
}

}  // namespace stave::store

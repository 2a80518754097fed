// SPDX-License-Identifier: Apache-2.0
#include "libs/store/layer_twin.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/lock.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/store/containers.h"
#include "libs/store/lease.h"
#include "libs/store/mark.h"
#include "libs/store/name_link.h"

namespace stave::store {
namespace {

bool Runs(const Store& store, const std::string& id) {
  if (HasEntry(store, id)) return true;
  const auto view = GetContainer(store, id);
  return view.ok() && view->status == Status::kRunning;
}

// Who has the layer mounted, or is about to: "" if nobody. Under LockToCollect, so that nobody
// begins to.
absl::StatusOr<std::string> FindUser(const Store& store, const oci::Digest& key) {
  STAVE_ASSIGN_OR_RETURN(const Origins origins, FindOrigins(store));
  for (const ContainerImage& container : origins.containers) {
    if (std::find(container.layers.begin(), container.layers.end(), key) !=
            container.layers.end() &&
        Runs(store, container.id)) {
      return absl::StrCat("container ", container.id.substr(0, 12));
    }
  }
  const bool held = std::find(origins.held.begin(), origins.held.end(), key) != origins.held.end();
  return held ? "a mount or a pull" : "";
}

}  // namespace

absl::StatusOr<std::optional<LayerTwin>> LayerTwin::Begin(const Store& store,
                                                          const oci::Digest& key) {
  LayerTwin twin(store, key);
  STAVE_ASSIGN_OR_RETURN(twin.ingest_, base::OpenDirAt(store.state(), "ingest"));
  STAVE_ASSIGN_OR_RETURN(
      std::optional<base::UniqueFd> lock,
      base::TryLockFileAt(twin.ingest_.get(), twin.Name() + ".lock", base::LockMode::kExclusive));
  if (!lock.has_value()) return std::optional<LayerTwin>();
  twin.lock_ = *std::move(lock);
  STAVE_RETURN_IF_ERROR(base::RemoveTreeAt(twin.ingest_.get(), twin.Name()));
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(twin.ingest_.get(), twin.Name(), 0700));
  STAVE_ASSIGN_OR_RETURN(twin.folder_, base::OpenDirAt(twin.ingest_.get(), twin.Name()));
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(twin.folder_.get(), "fs", 0755));
  STAVE_ASSIGN_OR_RETURN(twin.fs_, base::OpenDirAt(twin.folder_.get(), "fs"));
  return std::optional<LayerTwin>(std::move(twin));
}

LayerTwin::~LayerTwin() {
  if (!lock_.valid()) return;
  // What cannot be removed keeps its lock file, so that SweepIngest finds it.
  if (base::RemoveTreeAt(ingest_.get(), Name()).ok()) {
    ::unlinkat(ingest_.get(), (Name() + ".lock").c_str(), 0);
  }
}

absl::Status LayerTwin::Exchange(const LayerMeta& meta) {
  STAVE_RETURN_IF_ERROR(base::ReplaceFileAt(folder_.get(), "meta.json", FormatLayerMeta(meta), 0600,
                                            base::Durability::kVolatile));
  if (::syncfs(folder_.get()) < 0) return base::PosixError(errno, Name(), "syncfs");
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockToCollect(*store_));
  STAVE_ASSIGN_OR_RETURN(const std::string user, FindUser(*store_, key_));
  if (!user.empty()) {
    return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                                      absl::StrCat("cannot be mended while ", user, " uses it")),
                          "end what uses it, then repair again");
  }
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd layers, base::OpenDirAt(store_->state(), "layers"));
  if (::renameat2(ingest_.get(), Name().c_str(), layers.get(), key_.hex().c_str(),
                  RENAME_EXCHANGE) < 0) {
    return base::PosixError(errno, Name(), "exchange");
  }
  if (::fsync(layers.get()) < 0 || ::fsync(ingest_.get()) < 0) {
    return base::PosixError(errno, "layers", "fsync");
  }
  return absl::OkStatus();
}

}  // namespace stave::store

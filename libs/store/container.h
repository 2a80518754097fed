// SPDX-License-Identifier: Apache-2.0
//
// The folders of one container, and the files written into them.
//
//   containers/ID/      in STATE: config.json record.json exit.json upper/ work/ ("home")
//   RUN/containers/ID/  state.json
//
// A container without a record (ns-run --rootfs) has its record.json and config.json in RUN, too:
// then home is the run folder.

#ifndef STAVE_LIBS_STORE_CONTAINER_H_
#define STAVE_LIBS_STORE_CONTAINER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/atomic_file.h"
#include "libs/base/unique_fd.h"
#include "libs/json/value.h"
#include "libs/store/record.h"
#include "libs/store/store.h"

namespace stave::store {

// What was asked for when the container was made.
struct Intent {
  std::string name;    // "" lets Pending::Reserve draw one
  bool rm = false;     // goes when it ends: nothing of it is made durable
  bool record = true;  // false: no folder in STATE at all
  // It was there before this start, which must not take it away when it fails.
  bool existed = false;
  bool monitored = false;  // its payload outlives its watcher
};

// Open folders of a container.
class Container {
 public:
  // Opens an existing one, for writing; the run folder is made if it is missing (after a reboot).
  // Errors: InvalidArgument if `id` is no whole id; NotFound [E_NO_CONTAINER].
  static absl::StatusOr<Container> Open(const Store& store, absl::string_view id);

  const std::string& id() const { return id_; }
  int home() const { return home_.get(); }  // directory descriptors
  int run() const { return run_.get(); }
  const std::string& home_path() const { return home_path_; }  // absolute
  const std::string& run_path() const { return run_path_; }
  base::Durability durability() const { return durability_; }

  // Each replaces its file whole; durable unless the container is --rm or without a record.
  // state.json is never durable. Errors: those of ReplaceFileAt; the old file stays.
  absl::Status WriteConfig(absl::string_view document) const;
  absl::Status WriteRecord(const Record& record) const;
  absl::Status WriteState(const State& state) const;
  absl::Status WriteExit(const Exit& exit) const;

  // Before a further start: forgets how it ended the last time.
  absl::Status RemoveExit() const;
  // After its end: forgets what it was doing (state.json).
  absl::Status RemoveState() const;

  // Errors: NotFound; DataLoss [E_CORRUPT].
  absl::StatusOr<std::string> ReadConfig() const;
  // The same, parsed: a JSON object.
  absl::StatusOr<json::Value> ReadDocument() const;
  absl::StatusOr<Record> ReadRecord() const;
  absl::StatusOr<State> ReadState() const;
  absl::StatusOr<Exit> ReadExit() const;

 private:
  friend class Pending;
  Container() = default;
  // Makes the folders of a new one; `intent` says where and how durable.
  static absl::StatusOr<Container> Make(const Store& store, const std::string& id,
                                        const Intent& intent);

  std::string id_;
  std::string home_path_;
  std::string run_path_;
  base::UniqueFd home_;
  base::UniqueFd run_;
  base::Durability durability_ = base::Durability::kDurable;
};

// The lock of a container's record.json and config.json, for who reads one, changes it and writes
// it back while others may do so. It goes with the descriptor, and is held for moments; who removes
// the container waits for it. Errors: NotFound if it has been removed meanwhile; those of open(2).
absl::StatusOr<base::UniqueFd> LockRecord(const Store& store, const Container& container);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_CONTAINER_H_

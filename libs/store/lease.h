// SPDX-License-Identifier: Apache-2.0
//
// Who is going to rely on objects of the store says so first, and only then looks whether they are
// there: what it has named is not collected (collect.h), and what was collected before it sees as
// missing.
//
//   STATE/collect.lock      shared, for moments, by who publishes names; exclusive by the collector
//   STATE/ingest/pull-HEX   the names of a pull: "sha256:..\n", a line each. Its lock is held as
//                           long as the pull lives; one whose lock is free is a dead one's and is
//                           swept. A last line without its end is still being written
//
// A container publishes its config.json under the same lock (container.h).

#ifndef STAVE_LIBS_STORE_LEASE_H_
#define STAVE_LIBS_STORE_LEASE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/digest.h"
#include "libs/store/store.h"

namespace stave::store {

// Waits for the lock, which the descriptor holds. Under it, write down what is named, and no more:
// the collector waits. Taken before refs/.lock, where both are. Errors: those of open(2).
absl::StatusOr<base::UniqueFd> LockToPublish(const Store& store);
absl::StatusOr<base::UniqueFd> LockToCollect(const Store& store);

// What a pull names, blobs and keys of layers alike. Destroying it removes the file.
class [[nodiscard]] PullLease {
 public:
  // Makes an empty one. Errors: those of open(2).
  static absl::StatusOr<PullLease> Begin(const Store& store);
  PullLease(PullLease&&) noexcept = default;
  PullLease& operator=(PullLease&&) = delete;
  ~PullLease();

  // Names more. A layer may be filed under its diffID or its chainID: name both. Look for what is
  // named only afterwards. Errors: those of write(2); some of the names may then count.
  absl::Status Add(const std::vector<oci::Digest>& names);

 private:
  explicit PullLease(const Store& store) : store_(&store) {}

  const Store* store_;  // borrowed
  std::string path_;
  base::UniqueFd file_;
};

// The names of all living pulls. For who holds LockToCollect, or wants to know about how it is.
// What is no regular file names nothing. Errors: those of open(2), flock(2) and read(2); DataLoss
// [E_CORRUPT] for a line of a living one that is no digest.
absl::StatusOr<std::vector<oci::Digest>> LeasedNames(const Store& store);

// Whether `name` in ingest/ is of a lease.
bool IsLease(absl::string_view name);

// Removes the lease `name` of ingest/ if it is a dead one's or no regular file. Errors: those of
// open(2), flock(2) and unlink(2).
absl::Status RemoveDeadLease(const Store& store, const std::string& name);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_LEASE_H_

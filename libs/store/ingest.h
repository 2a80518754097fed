// SPDX-License-Identifier: Apache-2.0
//
// What is on its way into the store: partial blobs, and trees of layers being unpacked. Each has a
// lock file beside it, which its writer holds for as long as it writes:
//
//   ingest/sha256-HEX  ingest/sha256-HEX.lock      a blob; what a dead writer left is continued
//   ingest/layer-HEX/  ingest/layer-HEX.lock       a tree, HEX of the diffID; begun anew
//   ingest/pull-HEX                                what a pull names: lease.h
//
// Who wants an object that somebody else is writing waits, and then finds it done. Two locks are
// taken in this order: the blob's, then its layer's. Within one process, begin an object once.

#ifndef STAVE_LIBS_STORE_INGEST_H_
#define STAVE_LIBS_STORE_INGEST_H_

#include <time.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/lock.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/digest.h"
#include "libs/store/layers.h"
#include "libs/store/store.h"

namespace stave::store {

// Whether the caller has called Sync() since it wrote the object. If not, the commit makes the
// content durable by itself. (One Sync() for all objects of a pull is much cheaper.) That the
// object now has its name becomes durable with SetRef() (refs.h).
enum class Synced { kNo, kYes };

// A blob being written. Without Commit the partial file stays for the next writer to continue.
class [[nodiscard]] BlobIngest {
 public:
  // Takes the lock, waiting for it; `notice` hears of it when that takes long, and `cancelled` is
  // asked meanwhile. nullopt: the blob is in the store (now). Errors: Cancelled; those of open(2).
  static absl::StatusOr<std::optional<BlobIngest>> Begin(
      const Store& store, const oci::Digest& digest, int64_t size,
      const base::LockNotice& notice = nullptr, const base::LockCancelled& cancelled = nullptr);
  BlobIngest(BlobIngest&&) noexcept = default;
  BlobIngest& operator=(BlobIngest&&) = delete;
  ~BlobIngest();

  // The file, for reading and writing, at offset 0. Write with pwrite(2) or lseek(2) first.
  int fd() const { return file_.get(); }
  const oci::Digest& digest() const { return digest_; }

  // Bytes that an earlier writer left; they are not verified. 0 for a fresh start.
  int64_t present() const { return present_; }

  // Throws away what is there.
  absl::Status Restart();

  // Names the blob. The caller has verified size and digest. Errors: DataLoss [E_CORRUPT] if the
  // file is not of the promised size; those of fsync(2) and rename(2). On failure nothing is named.
  absl::Status Commit(Synced synced);

  // Removes the partial file: what is there is wrong and must not be continued.
  absl::Status Discard();

 private:
  BlobIngest(const Store& store, const oci::Digest& digest, int64_t size);
  std::string Name() const { return "sha256-" + digest_.hex(); }

  int state_;  // borrowed from the store
  oci::Digest digest_;
  int64_t size_;
  int64_t present_ = 0;
  base::UniqueFd lock_;
  base::UniqueFd file_;
};

// A layer being unpacked. Without Commit the tree is removed.
class [[nodiscard]] LayerIngest {
 public:
  // Takes the lock, waiting for it, and makes an empty fs/ (0755). nullopt: the layer is in the
  // store (now), under one of its two keys. Errors: as of BlobIngest.
  static absl::StatusOr<std::optional<LayerIngest>> Begin(
      const Store& store, const oci::Digest& diff_id, const oci::Digest& chain_id,
      const base::LockNotice& notice = nullptr, const base::LockCancelled& cancelled = nullptr);
  LayerIngest(LayerIngest&&) noexcept = default;
  LayerIngest& operator=(LayerIngest&&) = delete;
  ~LayerIngest();

  // The empty directory to unpack into.
  int fs() const { return fs_.get(); }
  // Its folder, for files of the unpacker's own; only fs/ and meta.json may be there on Commit.
  int folder() const { return folder_.get(); }

  // Writes meta.json; the layer will be named by `key`, the diffID or the chainID of Begin.
  // Errors: InvalidArgument if `key` is neither; those of ReplaceFileAt.
  absl::Status SetMeta(const oci::Digest& key, const LayerMeta& meta);

  // Names the layer, after SetMeta. A layer of that key that is there already is kept;
  // anything else that bears its name is removed.
  // Errors: FailedPrecondition without SetMeta; those of syncfs(2) and rename(2): nothing is named.
  absl::Status Commit(Synced synced);

 private:
  LayerIngest(const Store& store, const oci::Digest& diff_id, const oci::Digest& chain_id);
  std::string Name() const { return "layer-" + diff_id_.hex(); }

  int state_;  // borrowed from the store
  oci::Digest diff_id_;
  oci::Digest chain_id_;
  std::optional<oci::Digest> key_;
  base::UniqueFd lock_;
  base::UniqueFd folder_;
  base::UniqueFd fs_;
};

// Removes what dead writers left: every tree and lease, and partial blobs untouched for a day.
// Objects with a living writer are skipped; a lock or lease that is no regular file has none, and
// is removed. Called by writers before they begin. Errors: the first; the others are swept still.
absl::Status SweepIngest(const Store& store);

// So long is a partial blob kept for the next writer, in seconds.
inline constexpr time_t kPartialBlobLife = 24 * 60 * 60;

// Whether ingest/`name` has a living writer: its lock is held. Makes and removes nothing.
bool IsBeingWritten(const Store& store, const std::string& name);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_INGEST_H_

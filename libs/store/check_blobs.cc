// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/error.h"
#include "libs/base/lock.h"
#include "libs/base/posix.h"
#include "libs/base/side_by_side.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/store/folder.h"
#include "libs/store/foreign.h"
#include "libs/store/ingest.h"

namespace stave::store {
namespace {

constexpr char kBlobs[] = "images/blobs/sha256";
constexpr size_t kThreads = 2;
constexpr size_t kBuffer = size_t{1} << 20;

// A blob to be looked at.
struct Item {
  oci::Digest digest;
  const NeededBlob* needed = nullptr;  // nullptr: nobody needs it
};

// What is wrong with one.
struct Wrong {
  std::string problem;
  const char* word = "";
};

class BlobChecker {
 public:
  BlobChecker(const Store& store, const BlobCheck& how, base::UniqueFd folder, Findings* findings)
      : store_(store), how_(how), folder_(std::move(folder)), findings_(*findings) {}

  // Whether the blob may be relied on. Tells if not.
  bool Look(const Item& item);

 private:
  absl::StatusOr<std::optional<Wrong>> Examine(const Item& item);
  absl::StatusOr<std::optional<Wrong>> Hash(const Item& item, int fd);
  bool IsComing(const oci::Digest& digest);
  bool IsStillNeeded(const oci::Digest& digest);
  absl::StatusOr<bool> Remove(const Item& item);
  void Tell(const Item& item, const Wrong& wrong, bool removed);

  const Store& store_;
  const BlobCheck& how_;
  const base::UniqueFd folder_;
  Findings& findings_;
};

// A writer is bringing it: its lock is held.
bool BlobChecker::IsComing(const oci::Digest& digest) {
  return IsBeingWritten(store_, absl::StrCat("sha256-", digest.hex()));
}

bool BlobChecker::IsStillNeeded(const oci::Digest& digest) {
  const auto images = ListImages(store_);
  return !images.ok() || FindNeeded(store_, *images).blobs.contains(digest);
}

absl::StatusOr<std::optional<Wrong>> BlobChecker::Examine(const Item& item) {
  const std::string& name = item.digest.hex();
  const base::UniqueFd fd(
      ::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return std::optional<Wrong>({"is missing", "E_MISSING"});
  struct stat st;
  if (!fd.valid()) {
    const int error = errno;
    if (::fstatat(folder_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISREG(st.st_mode)) {
      return std::optional<Wrong>({"is no regular file", "E_CORRUPT"});
    }
    return base::PosixError(error, item.digest.ToString(), "open");
  }
  if (::fstat(fd.get(), &st) < 0) return base::PosixError(errno, item.digest.ToString(), "stat");
  if (!S_ISREG(st.st_mode)) return std::optional<Wrong>({"is no regular file", "E_CORRUPT"});
  if (item.needed != nullptr && st.st_size != item.needed->size) {
    return std::optional<Wrong>(
        {absl::StrCat("has ", st.st_size, " bytes instead of ", item.needed->size), "E_SIZE"});
  }
  const bool document = item.needed != nullptr && item.needed->document;
  if (how_.depth == Depth::kQuick && !document) return std::optional<Wrong>();
  return Hash(item, fd.get());
}

absl::StatusOr<std::optional<Wrong>> BlobChecker::Hash(const Item& item, int fd) {
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  std::string buffer(kBuffer, '\0');
  oci::Sha256 hash;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::PosixError(errno, item.digest.ToString(), "read");
    if (got == 0) break;
    hash.Update({buffer.data(), static_cast<size_t>(got)});
  }
  const oci::Digest is = hash.Finish();
  if (is == item.digest) return std::optional<Wrong>();
  return std::optional<Wrong>(
      {absl::StrCat("its content has the digest ", is.ToString()), "E_DIGEST"});
}

// Under the lock of who might bring it, and looked at again: what came in between stays. False:
// somebody is bringing it, or has.
absl::StatusOr<bool> BlobChecker::Remove(const Item& item) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd ingest, base::OpenDirAt(store_.state(), "ingest"));
  const std::string lock_name = absl::StrCat("sha256-", item.digest.hex(), ".lock");
  STAVE_ASSIGN_OR_RETURN(std::optional<base::UniqueFd> lock,
                         base::TryLockFileAt(ingest.get(), lock_name, base::LockMode::kExclusive));
  if (!lock.has_value()) return false;
  absl::Status removed;
  const auto wrong = Examine(item);
  const bool still = wrong.ok() && wrong->has_value();
  if (still) {
    removed = base::RemoveTreeAt(folder_.get(), item.digest.hex());
    if (::fsync(folder_.get()) < 0) removed.Update(base::PosixError(errno, kBlobs, "fsync"));
  }
  struct stat st;
  const std::string partial = absl::StrCat("sha256-", item.digest.hex());
  if (::fstatat(ingest.get(), partial.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    ::unlinkat(ingest.get(), lock_name.c_str(), 0);
  }
  if (!removed.ok()) return removed;
  return still;
}

void BlobChecker::Tell(const Item& item, const Wrong& wrong, bool removed) {
  Finding finding{"blob", item.digest.ToString(), "", wrong.problem, wrong.word, true, false, ""};
  if (item.needed == nullptr) {
    finding.mended = removed;  // nothing needs it: that it is gone is all
    finding.remedy = kRepairCommand;
    findings_.Add(finding);
    return;
  }
  absl::StrAppend(&finding.problem, removed ? ", and was removed" : "", "; needed by ",
                  absl::StrJoin(item.needed->images, ", "));
  // Whichever image is fetched, it brings the blob for all.
  finding.remedy = FetchCommand(*item.needed->images.begin());
  findings_.Add(finding);
}

bool BlobChecker::Look(const Item& item) {
  const auto wrong = Examine(item);
  if (!wrong.ok()) {
    findings_.AddFailure(base::WithContext(wrong.status(), "blob"));
    return false;
  }
  if (!wrong->has_value()) return true;
  const bool missing = absl::string_view((*wrong)->word) == "E_MISSING";
  if (IsComing(item.digest)) return false;
  // It went while we looked, and perhaps with all that needed it.
  if (missing && (item.needed == nullptr || !IsStillNeeded(item.digest))) return true;
  bool removed = false;
  if (how_.mend == Mend::kYes && !missing) {
    const auto gone = Remove(item);
    if (!gone.ok()) findings_.AddFailure(base::WithContext(gone.status(), "blob"));
    removed = gone.ok() && *gone;
  }
  Tell(item, **wrong, removed);
  return false;
}

}  // namespace

absl::StatusOr<std::set<oci::Digest>> CheckBlobs(const Store& store, const Needed& needed,
                                                 const BlobCheck& how, Findings* findings) {
  std::set<oci::Digest> bad;
  auto folder = base::OpenDirAt(store.state(), kBlobs);
  if (!folder.ok()) return folder.status();
  BlobChecker checker(store, how, *std::move(folder), findings);
  std::vector<Item> items;
  for (const auto& [digest, blob] : needed.blobs) items.push_back({digest, &blob});
  if (how.extent == Extent::kStore) {
    STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(store.state(), kBlobs));
    for (const std::string& name : names) {
      const auto digest = oci::Digest::Parse(absl::StrCat("sha256:", name));
      if (!digest.ok()) {
        TellForeign(store, absl::StrCat(kBlobs, "/", name), "is no blob", how.mend, findings);
      } else if (!needed.blobs.contains(*digest)) {
        items.push_back({*digest, nullptr});
      }
    }
  }
  std::vector<char> good(items.size());
  base::SideBySide(items.size(), kThreads, [&](size_t i) { good[i] = checker.Look(items[i]); });
  for (size_t i = 0; i < items.size(); ++i) {
    if (!good[i]) bad.insert(items[i].digest);
  }
  return bad;
}

}  // namespace stave::store

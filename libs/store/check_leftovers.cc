// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/digest.h"
#include "libs/store/collect.h"
#include "libs/store/folder.h"
#include "libs/store/ingest.h"
#include "libs/store/lease.h"
#include "libs/store/mark.h"
#include "libs/store/trash.h"
#include "libs/store/trash_folder.h"

namespace stave::store {
namespace {

struct Unneeded {
  Collected objects;
  bool known = false;  // false: damage keeps it from being known
};

// Marked a second time after the folders were listed: what a pull has named in between is needed.
absl::StatusOr<Unneeded> Find(const Store& store) {
  Unneeded found;
  STAVE_ASSIGN_OR_RETURN(const Origins before, FindOrigins(store));
  STAVE_ASSIGN_OR_RETURN(found.objects, FindUnneeded(store, Mark(store, before), nullptr));
  STAVE_ASSIGN_OR_RETURN(const Origins after, FindOrigins(store));
  const Marked needed = Mark(store, after);
  found.known = CheckUndamaged(needed.damage).ok();
  const auto drop = [](const std::unordered_set<oci::Digest>& marked,
                       const std::unordered_set<oci::Digest>& held,
                       std::vector<oci::Digest>* digests) {
    digests->erase(std::remove_if(digests->begin(), digests->end(),
                                  [&](const oci::Digest& digest) {
                                    return marked.count(digest) != 0 || held.count(digest) != 0;
                                  }),
                   digests->end());
  };
  const std::unordered_set<oci::Digest> held(after.held.begin(), after.held.end());
  drop(needed.blobs, held, &found.objects.blobs);
  drop(needed.layers, held, &found.objects.layers);
  return found;
}

// Marks and removes under the collector's lock.
absl::Status Remove(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(TrashFolder trash, TrashFolder::Make(store));
  {
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockToCollect(store));
    STAVE_ASSIGN_OR_RETURN(const Origins origins, FindOrigins(store));
    const Marked needed = Mark(store, origins);
    STAVE_RETURN_IF_ERROR(CheckUndamaged(needed.damage));
    STAVE_ASSIGN_OR_RETURN(const Collected gone, FindUnneeded(store, needed, nullptr));
    STAVE_RETURN_IF_ERROR(MoveToTrash(store, gone, &trash));
  }
  std::move(trash).RemoveDetached(store);
  return absl::OkStatus();
}

void Tell(const char* kind, const std::string& name, const char* problem, const char* word,
          bool mended, Findings* findings) {
  findings->Add({kind, name, "", problem, word, false, mended, kRepairCommand});
}

// Whether somebody holds a lock on the file or folder itself.
bool IsLocked(int dirfd, const std::string& name) {
  const base::UniqueFd fd(
      ::openat(dirfd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return fd.valid() && ::flock(fd.get(), LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

// Whether SweepIngest would take ingest/`name`: nobody writes it and nobody will go on with it. The
// lock is looked at first: a writer gives it up when the object has left.
bool IsLeft(const Store& store, int ingest, const std::string& name) {
  const bool writer = IsLease(name) ? IsLocked(ingest, name) : IsBeingWritten(store, name);
  struct stat st;
  if (writer || ::fstatat(ingest, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return false;
  return IsLease(name) || !S_ISREG(st.st_mode) || st.st_mtime + kPartialBlobLife <= ::time(nullptr);
}

}  // namespace

absl::Status CheckUnneeded(const Store& store, Mend mend, Findings* findings) {
  STAVE_ASSIGN_OR_RETURN(const Unneeded unneeded, Find(store));
  if (!unneeded.known) {
    findings->AddNote(
        "what nothing needs was not looked for: the damage keeps it from being known");
    return absl::OkStatus();
  }
  const Collected& objects = unneeded.objects;
  if (objects.blobs.empty() && objects.layers.empty()) return absl::OkStatus();
  const bool mends = mend == Mend::kYes;
  if (mends) STAVE_RETURN_IF_ERROR(Remove(store));
  for (const oci::Digest& blob : objects.blobs) {
    Tell("blob", blob.ToString(), "nothing needs it", "E_UNNEEDED", mends, findings);
  }
  for (const oci::Digest& layer : objects.layers) {
    Tell("layer", layer.ToString(), "nothing needs it", "E_UNNEEDED", mends, findings);
  }
  return absl::OkStatus();
}

absl::Status CheckLeftovers(const Store& store, Mend mend, Findings* findings) {
  std::vector<std::string> left;
  for (const char* folder : {"ingest", "trash"}) {
    STAVE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListFolder(store.state(), folder));
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd fd, base::OpenDirAt(store.state(), folder));
    const bool is_ingest = absl::string_view(folder) == "ingest";
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      const bool skip = is_ingest ? absl::EndsWith(name, ".lock") || !IsLeft(store, fd.get(), name)
                                  : IsLocked(fd.get(), name);
      if (!skip) left.push_back(absl::StrCat(folder, "/", name));
    }
  }
  const bool mends = mend == Mend::kYes;
  if (mends) {
    STAVE_RETURN_IF_ERROR(SweepIngest(store));
    SweepTrash(store);
  }
  for (const std::string& name : left) {
    struct stat st;
    const bool gone = ::fstatat(store.state(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0;
    if (gone && !mends) continue;  // somebody else has just swept
    Tell("store", name, "was left by somebody who was killed", "E_STALE", gone, findings);
  }
  return absl::OkStatus();
}

}  // namespace stave::store

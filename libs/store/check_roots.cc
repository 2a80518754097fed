// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_roots.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/atomic_file.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/store/folder.h"

namespace stave::store {
namespace {

constexpr mode_t kRootMode = 0700;
constexpr size_t kMaxText = 4096;

class RootCheck {
 public:
  RootCheck(const std::string& path, Mend mend, Findings* findings)
      : path_(path), mend_(mend), findings_(*findings) {}

  // Opens the root; an invalid descriptor if it does not exist or is no directory of ours.
  absl::StatusOr<base::UniqueFd> Open();
  absl::Status CheckState(int state);

 private:
  absl::Status CheckMarker(int state);
  absl::Status CheckFolders(int state);
  absl::Status CheckLayout(int state);
  void Tell(absl::string_view name, absl::string_view problem, const char* word, bool mended,
            absl::string_view remedy);
  bool mends() const { return mend_ == Mend::kYes; }

  const std::string& path_;
  const Mend mend_;
  Findings& findings_;
};

void RootCheck::Tell(absl::string_view name, absl::string_view problem, const char* word,
                     bool mended, absl::string_view remedy) {
  findings_.Add({"store", std::string(name), "", std::string(problem), word, true, mended,
                 std::string(remedy)});
}

absl::StatusOr<base::UniqueFd> RootCheck::Open() {
  base::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return fd;
  if (!fd.valid() && (errno == ELOOP || errno == ENOTDIR)) {
    Tell(path_, "is a symlink or no directory", "E_STORE", false, "");
    return fd;
  }
  if (!fd.valid()) return base::PosixError(errno, path_, "open directory");
  struct stat st;
  if (::fstat(fd.get(), &st) < 0) return base::PosixError(errno, path_, "stat");
  if (st.st_uid != ::geteuid()) {
    Tell(path_, absl::StrCat("belongs to user ", st.st_uid, ", not to user ", ::geteuid()),
         "E_STORE", false, "");
    return base::UniqueFd();
  }
  // Layers hold set-user-id programs and secrets of images: no other user may come in.
  if ((st.st_mode & 07777) != kRootMode) {
    if (mends() && ::fchmod(fd.get(), kRootMode) < 0)
      return base::PosixError(errno, path_, "chmod");
    Tell(path_, absl::StrFormat("its mode is %04o instead of %04o", st.st_mode & 07777, kRootMode),
         "E_STORE", mends(), absl::StrCat("chmod 700 ", path_));
  }
  return fd;
}

// Only what has no text to read is made anew: a version or kind that is not ours is for its owner.
absl::Status RootCheck::CheckMarker(int state) {
  const auto text = base::ReadFileAt(state, "store.json", kMaxText);
  if (absl::IsNotFound(text.status())) {
    if (mends()) STAVE_RETURN_IF_ERROR(RestoreMarker(state));
    Tell("store.json", "is missing", "E_MISSING", mends(), kRepairCommand);
    return absl::OkStatus();
  }
  const auto parsed = text.ok() ? json::Parse(*text) : text.status();
  if (parsed.ok() && parsed->is_object()) return absl::OkStatus();  // Store::OpenRoots tells
  const bool is_file = !absl::IsFailedPrecondition(text.status());
  if (mends() && is_file) STAVE_RETURN_IF_ERROR(RestoreMarker(state));
  Tell("store.json",
       !is_file                     ? "is no regular file"
       : text.ok() && text->empty() ? "is empty"
                                    : "is damaged",
       "E_CORRUPT", mends() && is_file, is_file ? kRepairCommand : "");
  return absl::OkStatus();
}

absl::Status RootCheck::CheckFolders(int state) {
  for (const char* folder : kStateFolders) {
    struct stat st;
    if (::fstatat(state, folder, &st, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno != ENOENT) return base::PosixError(errno, folder, "stat");
      if (mends()) STAVE_RETURN_IF_ERROR(base::MakeDirAt(state, folder, kRootMode));
      Tell(folder, "is missing", "E_MISSING", mends(), kRepairCommand);
    } else if (!S_ISDIR(st.st_mode)) {
      Tell(folder, "is no directory", "E_CORRUPT", false, "");
    }
  }
  return absl::OkStatus();
}

absl::Status RootCheck::CheckLayout(int state) {
  const auto images = base::OpenDirAt(state, "images");
  if (!images.ok()) return absl::OkStatus();  // told already
  const auto text = base::ReadFileAt(images->get(), "oci-layout", kMaxText);
  if (text.ok() && *text == kLayoutText) return absl::OkStatus();
  const bool missing = absl::IsNotFound(text.status());
  if (mends()) {
    STAVE_RETURN_IF_ERROR(base::ReplaceFileAt(images->get(), "oci-layout", kLayoutText, 0600,
                                              base::Durability::kDurable));
  }
  Tell("images/oci-layout", missing ? "is missing" : "is damaged",
       missing ? "E_MISSING" : "E_CORRUPT", mends(), kRepairCommand);
  return absl::OkStatus();
}

absl::Status RootCheck::CheckState(int state) {
  STAVE_RETURN_IF_ERROR(CheckFolders(state));
  STAVE_RETURN_IF_ERROR(CheckLayout(state));
  return CheckMarker(state);
}

// Without store.json and without content it is none yet, or is being made now: the next command
// that writes completes it.
bool IsStore(int state) {
  if (base::ExistsAt(state, "store.json")) return true;
  for (const char* folder : {"refs", "images/blobs/sha256", "layers", "containers"}) {
    const auto names = ListFolder(state, folder);
    if (!names.ok() || !names->empty()) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<bool> CheckRoots(const Roots& roots, Mend mend, Findings* findings) {
  RootCheck state(roots.state, mend, findings);
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd fd, state.Open());
  STAVE_RETURN_IF_ERROR(RootCheck(roots.run, mend, findings).Open().status());
  if (fd.valid() && !IsStore(fd.get())) return false;
  if (fd.valid()) STAVE_RETURN_IF_ERROR(state.CheckState(fd.get()));
  return true;
}

}  // namespace stave::store

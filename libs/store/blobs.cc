// SPDX-License-Identifier: Apache-2.0
#include "libs/store/blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::store {
namespace {

std::string PathOf(const oci::Digest& digest) {
  return absl::StrCat("images/blobs/sha256/", digest.hex());
}

// Opens the blob and tells its size.
absl::StatusOr<base::UniqueFd> Open(const Store& store, const oci::Digest& digest, int64_t* size) {
  const absl::Status none = absl::NotFoundError(absl::StrCat(digest.ToString(), ": no such blob"));
  if (store.state() < 0) return none;
  auto opened = base::OpenRegularAt(store.state(), PathOf(digest));
  if (absl::IsNotFound(opened.status())) return none;
  if (!opened.ok()) return opened.status();
  struct stat st;
  if (::fstat(opened->get(), &st) < 0) return base::PosixError(errno, digest.ToString(), "stat");
  *size = st.st_size;
  return opened;
}

absl::Status WrongSize(const oci::Digest& digest, int64_t is, int64_t promised) {
  return base::Error(
      absl::StatusCode::kDataLoss, "E_CORRUPT",
      absl::StrCat("blob ", digest.ToString(), ": has ", is, " bytes instead of ", promised));
}

}  // namespace

bool HasBlob(const Store& store, const oci::Digest& digest, int64_t size) {
  struct stat st;
  return store.state() >= 0 &&
         ::fstatat(store.state(), PathOf(digest).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(st.st_mode) && st.st_size == size;
}

absl::StatusOr<base::UniqueFd> OpenBlob(const Store& store, const oci::Digest& digest,
                                        int64_t size) {
  int64_t is = 0;
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd, Open(store, digest, &is));
  if (is != size) return WrongSize(digest, is, size);
  return fd;
}

absl::StatusOr<std::string> ReadBlob(const Store& store, const oci::Digest& digest, int64_t size,
                                     size_t max) {
  int64_t is = 0;
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd fd, Open(store, digest, &is));
  if (size >= 0 && is != size) return WrongSize(digest, is, size);
  STAVE_ASSIGN_OR_RETURN(std::string text, base::ReadAll(fd.get(), max, digest.ToString()));
  if (static_cast<int64_t>(text.size()) != is) {
    return WrongSize(digest, static_cast<int64_t>(text.size()), is);
  }
  if (const oci::Digest got = oci::DigestOf(text); got != digest) {
    return base::WithHint(
        base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                    absl::StrCat("blob ", digest.ToString(), ": its content has the digest ",
                                 got.ToString())),
        "store-check --repair removes it, and tells what fetches it again");
  }
  return text;
}

absl::Status RemoveDamagedBlob(const Store& store, const oci::Digest& digest, int64_t size,
                               size_t max) {
  const absl::Status status = ReadBlob(store, digest, size, max).status();
  if (!absl::IsDataLoss(status)) return absl::OkStatus();
  if (::unlinkat(store.state(), PathOf(digest).c_str(), 0) < 0 && errno != ENOENT) {
    return base::PosixError(errno, digest.ToString(), "unlink");
  }
  return absl::OkStatus();
}

}  // namespace stave::store

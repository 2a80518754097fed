// SPDX-License-Identifier: Apache-2.0
#include "libs/http/host_certificates.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include <set>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::http {
namespace {

constexpr size_t kMaxFile = size_t{1} << 20;

// The names in a folder, in order; none if it is not there or closed to us.
absl::StatusOr<std::set<std::string>> ListFolder(const std::string& path) {
  std::set<std::string> names;
  base::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return names;
    return base::PosixError(errno, path, "open");
  }
  DIR* stream = ::fdopendir(folder.get());
  if (stream == nullptr) return base::PosixError(errno, path, "read");
  (void)folder.Release();  // the stream's now
  while (const dirent* entry = ::readdir(stream)) names.insert(entry->d_name);
  ::closedir(stream);
  return names;
}

absl::Status Lacks(const std::string& path, absl::string_view what, absl::string_view name) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_TLS",
                     absl::StrCat(base::Printable(path), ": its ", what, " ", base::Printable(name),
                                  " is missing beside it"));
}

absl::Status ReadFolder(const std::string& path, HostCertificates* found) {
  STAVE_ASSIGN_OR_RETURN(const std::set<std::string> names, ListFolder(path));
  for (const std::string& name : names) {
    const std::string file = absl::StrCat(path, "/", name);
    absl::string_view stem = name;
    if (absl::ConsumeSuffix(&stem, ".crt")) {
      STAVE_ASSIGN_OR_RETURN(const std::string text, base::ReadFileAt(AT_FDCWD, file, kMaxFile));
      absl::StrAppend(&found->authorities, text, "\n");
    } else if (absl::ConsumeSuffix(&stem, ".cert")) {
      const std::string key = absl::StrCat(stem, ".key");
      if (names.count(key) == 0) return Lacks(file, "key", key);
      if (!found->certificate.empty()) continue;
      STAVE_ASSIGN_OR_RETURN(found->certificate, base::ReadFileAt(AT_FDCWD, file, kMaxFile));
      STAVE_ASSIGN_OR_RETURN(found->key,
                             base::ReadFileAt(AT_FDCWD, absl::StrCat(path, "/", key), kMaxFile));
    } else if (absl::ConsumeSuffix(&stem, ".key")) {
      const std::string certificate = absl::StrCat(stem, ".cert");
      if (names.count(certificate) == 0) return Lacks(file, "certificate", certificate);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HostCertificates> ReadHostCertificates(const std::vector<std::string>& folders,
                                                      const Url& url) {
  HostCertificates found;
  if (absl::StrContains(url.host, "/") || url.host == "." || url.host == "..") return found;
  const bool six = absl::StrContains(url.host, ":");
  const std::string host = absl::StrCat(six ? "[" : "", url.host, six ? "]" : "");
  for (const std::string& folder : folders) {
    const std::string path = absl::StrCat(folder, "/", host);
    STAVE_RETURN_IF_ERROR(ReadFolder(absl::StrCat(path, ":", url.port), &found));
    if (url.port == 443) STAVE_RETURN_IF_ERROR(ReadFolder(path, &found));
  }
  return found;
}

}  // namespace stave::http

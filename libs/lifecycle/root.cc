// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::lifecycle {
namespace {

constexpr absl::string_view kDefaultRun = "/run/stave";

bool IsIdCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '+' || c == '-' || c == '.';
}

std::optional<std::string> Variable(const char* name) {
  const char* value = ::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<std::string> RunPath() {
  if (auto run = Variable("STAVE_RUN")) return run;
  if (::geteuid() == 0) return std::string(kDefaultRun);
  auto run = Variable("XDG_RUNTIME_DIR");
  if (run) *run += "/stave";
  return run;
}

absl::StatusOr<std::string> Absolute(absl::string_view path) {
  if (path.size() > 1) path = absl::StripSuffix(path, "/");
  if (absl::StartsWith(path, "/")) return std::string(path);
  char here[PATH_MAX];
  if (::getcwd(here, sizeof here) == nullptr) {
    return base::PosixError(errno, "the working directory", "getcwd");
  }
  return absl::StrCat(here, "/", path);
}

absl::Status MakeParents(const std::string& path) {
  for (size_t at = path.find('/', 1); at != path.npos; at = path.find('/', at + 1)) {
    const std::string parent = path.substr(0, at);
    STAVE_RETURN_IF_ERROR(base::MakeDirAt(AT_FDCWD, parent, 0700));
  }
  return absl::OkStatus();
}

absl::Status CheckOwner(const std::string& path, int dir) {
  struct stat st;
  if (::fstat(dir, &st) < 0) return base::PosixError(errno, path, "fstat");
  if (st.st_uid == ::geteuid() || st.st_uid == 0) return absl::OkStatus();
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_STORE",
                     absl::StrCat(path, ": belongs to user ", st.st_uid, ", not to ", ::geteuid()));
}

}  // namespace

absl::Status CheckId(absl::string_view id) {
  const auto refuse = [](absl::string_view why) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                       absl::StrCat("invalid container id: ", why));
  };
  if (id.empty()) return refuse("it is empty");
  if (id.size() > kMaxId) {
    return refuse(absl::StrCat(id.size(), " bytes, at most ", kMaxId, " are possible"));
  }
  if (id == "." || id == "..") return refuse(absl::StrCat("\"", id, "\" is a directory"));
  for (const char c : id) {
    if (!IsIdCharacter(c)) {
      return refuse(absl::StrCat("\"", base::Printable(id),
                                 "\": only letters, digits and _ + - . are possible"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> RootPath(absl::string_view option) {
  if (!option.empty()) return Absolute(option);
  if (const auto run = RunPath()) return Absolute(*run + "/oci");
  return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                                    "there is no place for the state: XDG_RUNTIME_DIR is not set"),
                        "give --root, or set XDG_RUNTIME_DIR to a directory of your own");
}

base::UniqueFd OpenRunFolder() {
  const auto path = RunPath();
  if (!path || !base::MakeDirAt(AT_FDCWD, *path, 0700).ok()) return base::UniqueFd();
  base::UniqueFd folder(::open(path->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.valid() && !CheckOwner(*path, folder.get()).ok()) folder.Reset();
  return folder;
}

absl::StatusOr<Root> Root::Make(const std::string& path) {
  absl::Status made = base::MakeDirAt(AT_FDCWD, path, 0700);
  if (absl::IsNotFound(made)) {
    STAVE_RETURN_IF_ERROR(MakeParents(path));
    made = base::MakeDirAt(AT_FDCWD, path, 0700);
  }
  if (!made.ok()) return made;
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd dir, base::OpenDirAt(AT_FDCWD, path));
  STAVE_RETURN_IF_ERROR(CheckOwner(path, dir.get()));
  return Root(path, std::move(dir));
}

absl::StatusOr<Root> Root::Open(const std::string& path) {
  absl::StatusOr<base::UniqueFd> dir = base::OpenDirAt(AT_FDCWD, path);
  if (absl::IsNotFound(dir.status())) return Root(path, base::UniqueFd());
  if (!dir.ok()) return dir.status();
  STAVE_RETURN_IF_ERROR(CheckOwner(path, dir->get()));
  return Root(path, *std::move(dir));
}

absl::StatusOr<std::vector<std::string>> Root::Ids() const {
  std::vector<std::string> ids;
  if (!is_there()) return ids;
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenDirAt(dir(), "."));
  DIR* stream = ::fdopendir(fd.get());
  if (stream == nullptr) return base::PosixError(errno, path_, "opendir");
  [[maybe_unused]] const int taken = fd.Release();  // by closedir
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    if (entry->d_type == DT_DIR && CheckId(entry->d_name).ok()) ids.emplace_back(entry->d_name);
  }
  const int error = errno;
  ::closedir(stream);
  if (error != 0) return base::PosixError(error, path_, "readdir");
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace stave::lifecycle

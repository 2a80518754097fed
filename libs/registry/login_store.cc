// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/login_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/registry/auth_file.h"
#include "libs/registry/login_host.h"

namespace stave::registry {
namespace {

constexpr int kMaxLinks = 40;
constexpr size_t kMaxFile = size_t{4} << 20;

struct Place {
  std::string folder;
  std::string name;
};

Place Split(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// Where a path leads that may be a symbolic link, to a file that need not be there.
absl::StatusOr<Place> FollowLinks(std::string path) {
  for (int links = 0; links < kMaxLinks; ++links) {
    char target[PATH_MAX];
    const ssize_t n = ::readlink(path.c_str(), target, sizeof target - 1);
    if (n < 0) return Split(path);
    const std::string text(target, static_cast<size_t>(n));
    path = absl::StartsWith(text, "/") ? text : absl::StrCat(Split(path).folder, "/", text);
  }
  return base::PosixError(ELOOP, path, "follow");
}

absl::Status MakeFolders(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    struct stat status;
    if (::stat(folder.c_str(), &status) < 0) {
      STAVE_RETURN_IF_ERROR(base::MakeDirAt(AT_FDCWD, folder, 0700));
    }
    if (end == std::string::npos) return absl::OkStatus();
  }
}

// Reads the file (a missing one is empty), lets `change` change it, and writes it if that says so.
absl::Status ChangeFile(const std::string& path,
                        const std::function<absl::StatusOr<bool>(AuthFile&)>& change) {
  STAVE_ASSIGN_OR_RETURN(const Place place, FollowLinks(path));
  STAVE_RETURN_IF_ERROR(MakeFolders(place.folder));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd folder, base::OpenDirAt(AT_FDCWD, place.folder));
  while (::flock(folder.get(), LOCK_EX) < 0) {
    if (errno != EINTR) return base::PosixError(errno, place.folder, "lock");
  }
  auto text = base::ReadFileAt(folder.get(), place.name, kMaxFile);
  const bool is_new = absl::IsNotFound(text.status());
  if (!is_new) STAVE_RETURN_IF_ERROR(text.status());
  STAVE_ASSIGN_OR_RETURN(AuthFile file, AuthFile::Parse(is_new ? "" : *text, path));
  STAVE_ASSIGN_OR_RETURN(const bool changed, change(file));
  if (!changed) return absl::OkStatus();
  struct stat before;
  std::optional<base::FileOwner> owner;
  // Root in a user's home: without this the user could not read it any more.
  if (::fstatat(folder.get(), place.name.c_str(), &before, AT_SYMLINK_NOFOLLOW) == 0 &&
      (before.st_uid != ::geteuid() || before.st_gid != ::getegid())) {
    owner = base::FileOwner{before.st_uid, before.st_gid};
  }
  return base::ReplaceFileAt(folder.get(), place.name, file.Print(), 0600,
                             base::Durability::kDurable, owner);
}

// The file that a login goes to.
absl::StatusOr<std::string> ChoosePath(const CredentialFiles& files, absl::string_view host) {
  std::string docker;
  for (const std::string& path : files.paths) {
    STAVE_ASSIGN_OR_RETURN(const std::optional<AuthFile> file, AuthFile::Read(path));
    if (!file.has_value()) continue;
    if (file->Has(host)) return path;
    if (path == files.docker) docker = path;
  }
  return docker.empty() ? files.paths.front() : docker;
}

absl::StatusOr<bool> EraseFromHelper(const HelperKey& key, const HelperLimits& limits) {
  STAVE_ASSIGN_OR_RETURN(const CredentialHelper helper, CredentialHelper::Open(key.suffix, limits));
  return helper.Erase(key.server);
}

// Empties the helpers that a file names; adds to `erased` what they had.
absl::Status EmptyHelpers(const AuthFile& file, const HelperLimits& limits,
                          std::vector<std::string>* erased) {
  for (const HelperKey& key : file.Helpers()) {
    STAVE_ASSIGN_OR_RETURN(const CredentialHelper helper,
                           CredentialHelper::Open(key.suffix, limits));
    std::vector<std::string> servers = {key.server};
    if (key.server.empty()) {
      STAVE_ASSIGN_OR_RETURN(servers, helper.List());
    }
    for (const std::string& server : servers) {
      STAVE_ASSIGN_OR_RETURN(const bool was_there, helper.Erase(server));
      if (was_there) erased->push_back(server);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LoginPlace> StoreLogin(const CredentialFiles& files, absl::string_view host,
                                      const Credential& login) {
  LoginPlace place;
  STAVE_ASSIGN_OR_RETURN(place.path, ChoosePath(files, host));
  // podman knows the Hub by its name, Docker by that of an old API.
  const bool is_docker = place.path == files.docker || absl::EndsWith(place.path, "/config.json");
  const std::string key = is_docker && host == "docker.io" ? kHubKey : std::string(host);
  STAVE_RETURN_IF_ERROR(ChangeFile(place.path, [&](AuthFile& file) -> absl::StatusOr<bool> {
    const std::optional<HelperKey> keeper = file.FindHelper(host);
    if (!keeper.has_value()) {
      file.Set(host, login, key);
      return true;
    }
    STAVE_ASSIGN_OR_RETURN(const CredentialHelper helper,
                           CredentialHelper::Open(keeper->suffix, files.helper));
    STAVE_RETURN_IF_ERROR(helper.Store(keeper->server, login));
    place.helper = absl::StrCat("docker-credential-", keeper->suffix);
    file.Set(host, std::nullopt, key);
    return true;
  }));
  return place;
}

absl::StatusOr<bool> EraseLogin(const CredentialFiles& files, absl::string_view host) {
  bool erased = false;
  for (const std::string& path : files.paths) {
    STAVE_ASSIGN_OR_RETURN(const std::optional<AuthFile> there, AuthFile::Read(path));
    if (!there.has_value()) continue;
    if (const auto keeper = there->FindHelper(host); keeper.has_value()) {
      STAVE_ASSIGN_OR_RETURN(const bool had, EraseFromHelper(*keeper, files.helper));
      erased = erased || had;
    }
    if (!there->Has(host)) continue;
    erased = true;
    STAVE_RETURN_IF_ERROR(ChangeFile(
        path, [&](AuthFile& file) -> absl::StatusOr<bool> { return file.Remove(host); }));
  }
  return erased;
}

absl::StatusOr<std::vector<std::string>> EraseAllLogins(const CredentialFiles& files) {
  std::vector<std::string> erased;
  for (const std::string& path : files.paths) {
    STAVE_ASSIGN_OR_RETURN(const std::optional<AuthFile> there, AuthFile::Read(path));
    if (!there.has_value()) continue;
    STAVE_RETURN_IF_ERROR(EmptyHelpers(*there, files.helper, &erased));
    if (there->Keys().empty()) continue;
    STAVE_RETURN_IF_ERROR(ChangeFile(path, [&](AuthFile& file) -> absl::StatusOr<bool> {
      for (const std::string& key : file.Keys()) erased.push_back(key);
      file.RemoveAll();
      return true;
    }));
  }
  return erased;
}

}  // namespace stave::registry

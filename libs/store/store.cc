// SPDX-License-Identifier: Apache-2.0
#include "libs/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace stave::store {
namespace {

constexpr char kMarker[] = "store.json";
constexpr int64_t kVersion = 1;

absl::Status StoreError(absl::string_view message) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_STORE", message);
}

const char* Kind() { return ::geteuid() == 0 ? "rootful" : "rootless"; }

std::string MarkerText() {
  return absl::StrCat("{\"version\":", kVersion, ",\"kind\":\"", Kind(), "\"}\n");
}

std::optional<std::string> Variable(const char* name) {
  const char* value = ::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

// `path` without empty and "." components.
absl::StatusOr<std::string> CleanPath(absl::string_view source, const std::string& path) {
  const auto refuse = [&](absl::string_view why) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_STORE",
                       absl::StrCat(source, ": \"", base::Printable(path), "\": ", why));
  };
  if (!absl::StartsWith(path, "/")) return refuse("is not an absolute path");
  std::vector<absl::string_view> components;
  for (const absl::string_view component : absl::StrSplit(path, '/')) {
    if (component.empty() || component == ".") continue;
    if (component == "..") return refuse("has \"..\" in it");
    components.push_back(component);
  }
  if (components.empty()) return refuse("is the root of the file system");
  return absl::StrCat("/", absl::StrJoin(components, "/"));
}

absl::StatusOr<std::string> UserRoot(const char* variable, const char* below_home) {
  if (const auto base = Variable(variable)) return CleanPath(variable, *base + "/stave");
  const auto home = Variable("HOME");
  if (!home.has_value() || below_home == nullptr) {
    return base::WithHint(
        base::Error(absl::StatusCode::kInvalidArgument, "E_STORE",
                    absl::StrCat(variable, ": is not set")),
        "run it as root, or set STAVE_STATE and STAVE_RUN to folders of your own");
  }
  return CleanPath("HOME", absl::StrCat(*home, below_home, "/stave"));
}

absl::Status MakeParents(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (::mkdir(parent.c_str(), 0755) < 0 && errno != EEXIST) {
      return base::PosixError(errno, parent, "mkdir");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRoot(int fd, const std::string& path) {
  struct stat st;
  if (::fstat(fd, &st) < 0) return base::PosixError(errno, path, "stat");
  if (st.st_uid != ::geteuid()) {
    return StoreError(
        absl::StrCat(path, ": belongs to user ", st.st_uid, ", not to user ", ::geteuid()));
  }
  if ((st.st_mode & 022) != 0) {
    return base::WithHint(StoreError(absl::StrCat(path, ": is writable by others")),
                          absl::StrCat("chmod 700 ", path));
  }
  return absl::OkStatus();
}

// Opens the root, made first if `access` is kWrite. An invalid descriptor: it does not exist.
absl::StatusOr<base::UniqueFd> OpenRoot(const std::string& path, Access access) {
  for (bool made = false;; made = true) {
    base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd.valid()) {
      STAVE_RETURN_IF_ERROR(CheckRoot(fd.get(), path));
      return fd;
    }
    const int error = errno;
    if (error == ELOOP || error == ENOTDIR) {
      return StoreError(absl::StrCat(path, ": is a symlink or no directory"));
    }
    if (error == EACCES) {
      return base::WithHint(base::PosixError(error, path, "open directory"), "run it as root");
    }
    if (error != ENOENT || made) return base::PosixError(error, path, "open directory");
    if (access == Access::kRead) return base::UniqueFd();
    STAVE_RETURN_IF_ERROR(MakeParents(path));
    if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST) {
      return base::PosixError(errno, path, "mkdir");
    }
  }
}

absl::Status CheckMarker(const std::string& path, const std::string& text) {
  if (text == MarkerText()) return absl::OkStatus();
  const std::string noun = absl::StrCat(path, "/", kMarker);
  const auto parsed = json::Parse(text);
  if (!parsed.ok()) {
    return base::WithHint(StoreError(absl::StrCat(noun, ": ", parsed.status().message())),
                          "store-check --repair");
  }
  const json::Value* version = parsed->Find("version");
  const auto number = version == nullptr ? absl::StatusOr<int64_t>(0) : version->AsInt64();
  if (!number.ok() || *number < 1) return StoreError(absl::StrCat(noun, ": has no version"));
  if (*number > kVersion) {
    return base::WithHint(StoreError(absl::StrCat(noun, ": version ", *number, ": only version ",
                                                  kVersion, " is known")),
                          "a newer stave made this store: use that, or set STAVE_STATE");
  }
  const json::Value* kind = parsed->Find("kind");
  if (kind == nullptr || kind->text() != Kind()) {
    return base::WithHint(
        StoreError(absl::StrCat(noun, ": kind \"",
                                base::Printable(kind == nullptr ? "" : kind->text()),
                                "\": this is a ", Kind(), " run")),
        "use it as the user who made it, or set STAVE_STATE to another folder");
  }
  return absl::OkStatus();
}

// The marker comes last: where it is, the folders are, and after a power cut too. One syncfs(2)
// does for all of them.
absl::Status MakeState(int state) {
  for (const char* folder : kStateFolders) {
    STAVE_RETURN_IF_ERROR(base::MakeDirAt(state, folder, 0700));
  }
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd images, base::OpenDirAt(state, "images"));
  STAVE_RETURN_IF_ERROR(base::ReplaceFileAt(images.get(), "oci-layout", kLayoutText, 0600,
                                            base::Durability::kVolatile));
  // Each maker has its own: one must not rename what another has not synced yet.
  const std::string own = absl::StrCat(".", kMarker, ".tmp.", ::getpid());
  STAVE_RETURN_IF_ERROR(
      base::ReplaceFileAt(state, own, MarkerText(), 0600, base::Durability::kVolatile));
  if (::syncfs(state) < 0) return base::PosixError(errno, "store", "syncfs");
  if (::renameat(state, own.c_str(), state, kMarker) < 0 && errno != ENOENT) {
    return base::PosixError(errno, kMarker, "rename");  // ENOENT: another has made it, and swept
  }
  base::RemoveStraysAt(state, kMarker);  // only now that the marker stands: a maker may be alive
  return absl::OkStatus();
}

absl::Status CheckState(int state, const std::string& path, Access access) {
  const auto marker = base::ReadFileAt(state, kMarker, 4096);
  if (marker.ok()) return CheckMarker(path, *marker);
  if (!absl::IsNotFound(marker.status())) {
    const std::string message = absl::StrCat(path, "/", marker.status().message());
    const std::string word = base::ErrorWord(marker.status());
    const bool of_the_file = word != "E_IO" && word != "E_NO_FILES" && word != "E_NO_MEMORY";
    return of_the_file ? StoreError(message) : base::Error(marker.status().code(), word, message);
  }
  return access == Access::kRead ? absl::OkStatus() : MakeState(state);
}

}  // namespace

absl::StatusOr<Roots> FindRoots() {
  Roots roots;
  const bool root = ::geteuid() == 0;
  if (const auto state = Variable("STAVE_STATE")) {
    STAVE_ASSIGN_OR_RETURN(roots.state, CleanPath("STAVE_STATE", *state));
  } else if (root) {
    roots.state = "/var/lib/stave";
  } else {
    STAVE_ASSIGN_OR_RETURN(roots.state, UserRoot("XDG_DATA_HOME", "/.local/share"));
  }
  if (const auto run = Variable("STAVE_RUN")) {
    STAVE_ASSIGN_OR_RETURN(roots.run, CleanPath("STAVE_RUN", *run));
  } else if (root) {
    roots.run = "/run/stave";
  } else {
    STAVE_ASSIGN_OR_RETURN(roots.run, UserRoot("XDG_RUNTIME_DIR", nullptr));
  }
  return roots;
}

absl::StatusOr<Store> Store::Open(Access access) {
  STAVE_ASSIGN_OR_RETURN(Roots roots, FindRoots());
  return OpenRoots(std::move(roots), access);
}

absl::StatusOr<Store> Store::OpenRoots(Roots roots, Access access) {
  Store store;
  store.roots_ = std::move(roots);
  if (access == Access::kChange) {
    STAVE_ASSIGN_OR_RETURN(store.state_, OpenRoot(store.roots_.state, Access::kRead));
    access = store.state_.valid() ? Access::kWrite : Access::kRead;
  }
  STAVE_ASSIGN_OR_RETURN(store.state_, OpenRoot(store.roots_.state, access));
  if (store.state_.valid()) {
    STAVE_RETURN_IF_ERROR(CheckState(store.state(), store.state_path(), access));
  }
  STAVE_ASSIGN_OR_RETURN(store.run_, OpenRoot(store.roots_.run, access));
  if (access == Access::kWrite) {
    for (const char* folder : {"containers", "pending", "foreground"}) {
      STAVE_RETURN_IF_ERROR(base::MakeDirAt(store.run(), folder, 0700));
    }
  }
  return store;
}

absl::Status RestoreMarker(int state) {
  return base::ReplaceFileAt(state, kMarker, MarkerText(), 0600, base::Durability::kDurable);
}

absl::Status Sync(const Store& store) {
  if (::syncfs(store.state()) < 0) {
    return base::PosixError(errno, store.state_path(), "syncfs");
  }
  return absl::OkStatus();
}

}  // namespace stave::store

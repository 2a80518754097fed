// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/passing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::lifecycle {
namespace {

constexpr int kFirst = 3;
constexpr int kMostInherited = 1 << 20;

struct Place {
  base::UniqueFd folder;
  std::string name;
};

absl::StatusOr<Place> OpenFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  Place place;
  place.name = slash == path.npos ? path : path.substr(slash + 1);
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  if (place.name.empty()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                       absl::StrCat(base::Printable(path), ": is a directory"));
  }
  STAVE_ASSIGN_OR_RETURN(place.folder, base::OpenDirAt(AT_FDCWD, folder));
  return place;
}

absl::Status Usage(absl::string_view message) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE", message);
}

int Listening() {
  const char* pid = ::getenv("LISTEN_PID");
  const char* count = ::getenv("LISTEN_FDS");
  int number = 0, whom = 0;
  if (pid == nullptr || count == nullptr) return 0;
  if (!absl::SimpleAtoi(pid, &whom) || whom != ::getpid()) return 0;
  return absl::SimpleAtoi(count, &number) && number > 0 ? number : 0;
}

}  // namespace

absl::Status WritePidFile(const std::string& path, pid_t pid) {
  STAVE_ASSIGN_OR_RETURN(const Place place, OpenFolder(path));
  return base::ReplaceFileAt(place.folder.get(), place.name, absl::StrCat(pid), 0644,
                             base::Durability::kVolatile);
}

absl::StatusOr<base::UniqueFd> ConnectTo(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  base::UniqueFd folder;
  std::string name = path;
  if (name.size() >= sizeof address.sun_path) {
    STAVE_ASSIGN_OR_RETURN(Place place, OpenFolder(path));
    name = absl::StrCat("/proc/self/fd/", place.folder.get(), "/", place.name);
    folder = std::move(place.folder);
  }
  if (name.size() >= sizeof address.sun_path) {
    return base::PosixError(ENAMETOOLONG, path, "connect");
  }
  ::memcpy(address.sun_path, name.data(), name.size());
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return base::PosixError(errno, path, "socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return base::PosixError(errno, path, "connect");
  }
  return socket;
}

absl::Status SendTerminal(int socket, int master) {
  unsigned int number = 0;
  if (::ioctl(master, TIOCGPTN, &number) < 0) {
    return base::PosixError(errno, "terminal", "TIOCGPTN");
  }
  return base::SendMessage(socket, absl::StrCat("/dev/pts/", number), master);
}

absl::StatusOr<Inherited> CheckInherited(int preserve_fds) {
  Inherited inherited;
  inherited.listening = Listening();
  inherited.preserved = preserve_fds;
  if (preserve_fds < 0 || inherited.listening > kMostInherited || preserve_fds > kMostInherited) {
    return Usage("more descriptors to preserve than there can be");
  }
  for (int fd = kFirst; fd < kFirst + inherited.count(); ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0) {
      return Usage(absl::StrCat("preserved descriptor ", fd, ": is not open"));
    }
  }
  return inherited;
}

absl::Status CheckConsole(bool terminal, const std::string& socket, Attachment attachment) {
  const bool detached = attachment == Attachment::kDetached;
  if (detached && terminal && socket.empty()) {
    return base::WithHint(
        Usage("cannot allocate tty if stave-oci will detach without setting console socket"),
        "give --console-socket, or a config without process.terminal");
  }
  if ((!detached || !terminal) && !socket.empty()) {
    return Usage("cannot use console socket if stave-oci will not detach or allocate tty");
  }
  return absl::OkStatus();
}

}  // namespace stave::lifecycle

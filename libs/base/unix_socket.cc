// SPDX-License-Identifier: Apache-2.0
#include "libs/base/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"

namespace stave::base {

absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path) {
  const std::string noun = Printable(path);
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const UniqueFd dir(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return PosixError(errno, noun, "open the folder of the socket");
  const std::string address = absl::StrCat("/proc/self/fd/", dir.get(), "/", name);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (name.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "E_NAME",
                 absl::StrCat(noun, ": is no name of a socket"));
  }
  if (address.size() >= sizeof to.sun_path) return PosixError(ENAMETOOLONG, noun, "connect");
  ::memcpy(to.sun_path, address.c_str(), address.size() + 1);
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return PosixError(errno, noun, "socket");
  int failed;
  do {
    failed = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  } while (failed < 0 && errno == EINTR);
  if (failed < 0) return PosixError(errno, noun, "connect");
  return socket;
}

}  // namespace stave::base

// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets by a path of any length: sun_path holds 108 bytes, so the folder is opened and the
// socket reached as /proc/self/fd/N/NAME. Source: unix(7).

#ifndef STAVE_LIBS_BASE_UNIX_SOCKET_H_
#define STAVE_LIBS_BASE_UNIX_SOCKET_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"

namespace stave::base {

// A SOCK_STREAM connection to the socket at `path`, O_CLOEXEC. Errors: those of open(2) of the
// folder and of connect(2), naming the path; ENAMETOOLONG for a name of more than some 90 bytes.
absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_UNIX_SOCKET_H_

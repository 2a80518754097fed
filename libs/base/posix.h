// SPDX-License-Identifier: Apache-2.0
//
// errno -> absl::Status, and whole-file reads and writes relative to a directory descriptor.
//
// All opens are O_CLOEXEC. Messages read `memory.max: write "12": Invalid argument`: innermost noun
// first, then the act, then strerror(3).

#ifndef STAVE_LIBS_BASE_POSIX_H_
#define STAVE_LIBS_BASE_POSIX_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"

namespace stave::base {

// The Status of errno value `error`: message "`noun`: `act`: strerror". The code is
// absl::ErrnoToStatus's; the word is E_NO_SPACE for ENOSPC and EDQUOT, E_NO_FILES for EMFILE and
// ENFILE, E_NO_MEMORY for ENOMEM, E_IO for EIO, E_READ_ONLY for EROFS, E_LOOP for ELOOP, E_INVALID
// for EINVAL and its kin, else the code's. ENOENT is NotFound, EEXIST AlreadyExists, EACCES and
// EPERM PermissionDenied.
absl::Status PosixError(int error, absl::string_view noun, absl::string_view act);

// Paths below: with a descriptor `dirfd` they are relative to it, and no component, the last one
// included, may be a symlink or "..": the error is FailedPrecondition [E_LOOP] or that of ENOTDIR
// or EXDEV. With AT_FDCWD, or if absolute, they are the caller's own and links are followed.

// Opens a directory (O_DIRECTORY|O_RDONLY).
absl::StatusOr<UniqueFd> OpenDirAt(int dirfd, const std::string& path);

// Opens a regular file for reading. Never blocks on a FIFO or device.
// Errors: NotFound; FailedPrecondition if it is not a regular file.
absl::StatusOr<UniqueFd> OpenRegularAt(int dirfd, const std::string& path);

// Whether there is something of that name, whatever it is; a symlink is not followed. Not below a
// `dirfd` of -1, nor where that cannot be found out.
bool ExistsAt(int dirfd, const std::string& path);

// Reads a whole regular or /proc file of at most `max` bytes.
// Errors: those of open(2); ResourceExhausted [E_LIMIT] if there are more than `max` bytes.
absl::StatusOr<std::string> ReadFileAt(int dirfd, const std::string& path, size_t max);

// Reads `fd` to its end, waiting where it is non-blocking. Errors: ResourceExhausted [E_LIMIT]
// after `max` bytes. `noun` names the stream in messages.
absl::StatusOr<std::string> ReadAll(int fd, size_t max, absl::string_view noun);

// Writes all of `data`, waiting where `fd` is non-blocking. Errors: Unavailable [E_PIPE] on EPIPE;
// ResourceExhausted [E_NO_SPACE].
absl::Status WriteAll(int fd, absl::string_view data, absl::string_view noun);

// Writes `value` with one write(2) to a file that exists (an interface file of /proc or a cgroup):
// O_WRONLY|O_NOFOLLOW, neither created nor truncated.
absl::Status WriteFileAt(int dirfd, const std::string& path, absl::string_view value);

// The same to one that is open already; `path` is for messages.
absl::Status WriteValue(int fd, const std::string& path, absl::string_view value);

// mkdir(2) with exactly `mode`, whatever the umask; an existing directory is fine and keeps its
// mode. Errors: those of mkdirat(2); FailedPrecondition if something else is there.
absl::Status MakeDirAt(int dirfd, const std::string& path, mode_t mode);

// A duplicate with O_CLOEXEC.
absl::StatusOr<UniqueFd> Duplicate(int fd);

// Removes `name` and everything below it, by descriptors, crossing no mount, following no symlink.
// NotFound is OK. What could not be removed stays, and the first error is returned.
absl::Status RemoveTreeAt(int dirfd, const std::string& name);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_POSIX_H_

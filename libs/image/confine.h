// SPDX-License-Identifier: Apache-2.0
//
// Locks the calling process into one directory before it reads bytes that nobody has checked.

#ifndef STAVE_LIBS_IMAGE_CONFINE_H_
#define STAVE_LIBS_IMAGE_CONFINE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace stave::image {

// From here on the process, which must have one thread,
// - has the directory `dirfd` as its root, in mount and network namespaces of its own, and nothing
//   else: nosuid, nodev, noexec; `dirfd` itself is replaced, since through the old descriptor ".."
//   would lead out;
// - holds the descriptors `keep` and `dirfd`; all others are closed;
// - has the capabilities CHOWN, DAC_OVERRIDE, FOWNER, FSETID, MKNOD, SETFCAP (those of them that it
//   had), can gain none, and has umask 0;
// - writes no file larger than `max_file` bytes, no core, and maps at most 2 GiB;
// - can make only the system calls that unpacking needs (seccomp(2)); others fail with EPERM. It
//   may start threads, not processes.
// Shared libraries must be loaded already. Needs CAP_SYS_ADMIN and CAP_SYS_CHROOT.
// Errors: those of the system calls; the process is then half confined and must end.
absl::Status ConfineToDirectory(int dirfd, absl::Span<const int> keep, uint64_t max_file);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_CONFINE_H_

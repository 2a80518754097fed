// SPDX-License-Identifier: Apache-2.0
//
// flock(2) on a file of an object: the only kind of lock that stave has. It goes with the process;
// a child that inherits the descriptor holds it too.

#ifndef STAVE_LIBS_BASE_LOCK_H_
#define STAVE_LIBS_BASE_LOCK_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"

namespace stave::base {

enum class LockMode { kShared, kExclusive };

// Told, perhaps in another thread, once a lock has been waited for kLockNotice seconds: the process
// that took it, 0 where that cannot be seen.
using LockNotice = std::function<void(pid_t holder)>;
inline constexpr int kLockNotice = 2;

// Asked about fifty times a second while a lock is waited for: whether it is no longer wanted.
using LockCancelled = std::function<bool()>;

// Opens `name` in `dirfd` (made with mode 0600 where it is missing) and waits for its lock. Whoever
// removes the file while others wait must make them look again: the returned lock is always on the
// file that bears the name at that moment. With `cancelled` it does not queue, so that it may give
// up. Errors: Cancelled; those of open(2).
absl::StatusOr<UniqueFd> LockFileAt(int dirfd, const std::string& name, LockMode mode,
                                    const LockNotice& notice = nullptr,
                                    const LockCancelled& cancelled = nullptr);

// The same without waiting: nullopt if somebody holds it.
absl::StatusOr<std::optional<UniqueFd>> TryLockFileAt(int dirfd, const std::string& name,
                                                      LockMode mode);
// The process that has taken the lock of the open file `fd`, as /proc/locks says; 0 if it has none,
// or is of another pid namespace. It may have handed the lock to a child and be gone.
pid_t LockHolder(int fd);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_LOCK_H_

// SPDX-License-Identifier: Apache-2.0
//
// flock(2) on a file of an object: the only kind of lock that stave has. It goes with the process;
// a child that inherits the descriptor holds it too.

#ifndef STAVE_LIBS_BASE_LOCK_H_
#define STAVE_LIBS_BASE_LOCK_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"

namespace stave::base {

enum class LockMode { kShared, kExclusive };

// Opens `name` in `dirfd` (made with mode 0600 where it is missing) and waits for its lock. Whoever
// removes the file while others wait must make them look again: the returned lock is always on the
// file that bears the name at that moment.
absl::StatusOr<UniqueFd> LockFileAt(int dirfd, const std::string& name, LockMode mode);

// The same without waiting: nullopt if somebody holds it.
absl::StatusOr<std::optional<UniqueFd>> TryLockFileAt(int dirfd, const std::string& name,
                                                      LockMode mode);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_LOCK_H_

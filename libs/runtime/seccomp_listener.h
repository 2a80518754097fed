// SPDX-License-Identifier: Apache-2.0
//
// Loading a filter, and passing its notification descriptor on to the agent that the config names:
// config-linux.md "Seccomp", "The Container Process State". Internal to libs/runtime.

#ifndef STAVE_LIBS_RUNTIME_SECCOMP_LISTENER_H_
#define STAVE_LIBS_RUNTIME_SECCOMP_LISTENER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/runtime/launch.h"

namespace stave::runtime {

// Whether `filter`, which may be nullptr, has a listener.
bool Listens(const seccomp::Program* filter);

// In the child: loads `filter` (nothing if it is nullptr). The result is the
// number of its listener (O_CLOEXEC), else -1.
absl::StatusOr<int> LoadFilter(const seccomp::Program* filter);

// In the parent: takes descriptor `number` out of the child (pidfd_getfd(2)) and sends it to
// listener.path in one message with the JSON of the container's process.
// Errors: those of connect(2) and sendmsg(2), naming the path; NotFound if nobody listens.
absl::Status PassListener(const Launched& launched, const std::string& number,
                          const SeccompListener& listener, const StateText& state);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_SECCOMP_LISTENER_H_

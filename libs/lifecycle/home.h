// SPDX-License-Identifier: Apache-2.0
//
// HOME of a process whose environment does not name one: the home of its uid in the container's own
// /etc/passwd, "/" if that does not tell. As in runc, and engines rely on it: neither dockerd nor
// containerd writes HOME into a config.

#ifndef STAVE_LIBS_LIFECYCLE_HOME_H_
#define STAVE_LIBS_LIFECYCLE_HOME_H_

#include <string>

#include "libs/runtime/plan.h"

namespace stave::lifecycle {

// Sets HOME in process->env unless it has one that is not empty, or there is no process. `root` is
// the path of the container's root directory; no link leads out of it, and a passwd that is no
// regular file, or too large (oci::kMaxUserFile), is none.
void AddHome(const std::string& root, runtime::Process* process);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_HOME_H_

// SPDX-License-Identifier: Apache-2.0
//
// What the kernel's log says of the end of a container: who was killed for memory in its cgroup,
// where its first process crashed, which system call its seccomp filter killed it for.
//
//   <6>[45350.787789]
//   oom-kill:constraint=CONSTRAINT_MEMCG,..,task_memcg=/stave/4f..,task=perl,pid=9,..
//   <6>[47821.717623] a.out[4711]: segfault at 0 ip 00.. sp 00.. error 6 in a.out[1132,558c..]
//   <5>[47838.473545] audit: type=1326 audit(..): .. pid=4711 comm="a" .. arch=c000003e syscall=83
//   ..
//
// Root may read it, and only its last part is kept by the kernel: so it is looked at as soon as the
// container has ended. Where auditd runs, records of audit do not come here. Sources: syslog(2);
// mm/oom_kill.c, kernel/audit.c, arch/x86/mm/fault.c.

#ifndef STAVE_LIBS_RUNTIME_KERNEL_LOG_H_
#define STAVE_LIBS_RUNTIME_KERNEL_LOG_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace stave::runtime {

// Whom the lines are to be about.
struct KernelSubject {
  std::string id;      // of the container: its cgroup's path ends in it, or has it within
  pid_t pid = 0;       // of its first process; 0: not known
  absl::Time since;    // its start
  bool audit = false;  // it ended by SIGSYS: the record may come a moment late, and is waited for
};

// The last few lines about it, oldest first, without priority and time, safe for a terminal. None
// where the log cannot be read, or says nothing.
std::vector<std::string> KernelLinesOn(const KernelSubject& subject);

// The same of `text`, as syslog(2) gives it. `since`: seconds on the clock of its times. Pure.
std::vector<std::string> FindKernelLines(absl::string_view text, const KernelSubject& subject,
                                         double since);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_KERNEL_LOG_H_

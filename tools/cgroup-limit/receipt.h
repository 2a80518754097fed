// SPDX-License-Identifier: Apache-2.0
//
// What a command has used, for people and for programs.

#ifndef STAVE_TOOLS_CGROUP_LIMIT_RECEIPT_H_
#define STAVE_TOOLS_CGROUP_LIMIT_RECEIPT_H_

#include <string>

#include "tools/cgroup-limit/command.h"

namespace stave::cgroup_limit {

// Lines such as "memory peak   12.5MiB"; what the kernel does not tell is left out.
std::string ReceiptTable(const Outcome& outcome);

// One object and a newline; times in microseconds, sizes in bytes:
//   {"exitCode":0,"wallMicroseconds":1204,"cpuUserMicroseconds":800,"cpuSystemMicroseconds":90,
//    "throttledPeriods":0,"memoryPeak":1048576,"oomKills":0,"pidsPeak":2,"pidsRefused":0,
//    "readBytes":0,"writtenBytes":0}
std::string ReceiptJson(const Outcome& outcome);

}  // namespace stave::cgroup_limit

#endif  // STAVE_TOOLS_CGROUP_LIMIT_RECEIPT_H_

// SPDX-License-Identifier: Apache-2.0
//
// What machine this is, as `docker info` tells it.

#ifndef STAVE_TOOLS_STORE_INFO_MACHINE_H_
#define STAVE_TOOLS_STORE_INFO_MACHINE_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace stave::tools {

struct Machine {
  std::string kernel;            // "6.1.0-18-amd64"
  std::string operating_system;  // "Debian GNU/Linux 12 (bookworm)"
  std::string os_version;        // "12"
  std::string architecture;      // "x86_64"
  std::string name;              // the host's
  int64_t cpus = 0;              // that this process may run on
  int64_t memory = 0;            // bytes
  std::string cgroup_version;    // "1", "2", "" where none is mounted
  bool has_seccomp = false;
};

// What cannot be found out stays empty.
Machine LookAtMachine();

// The value of `key` in the text of os-release(5), without its quotes; "" if it is not there.
std::string OsReleaseValue(absl::string_view text, absl::string_view key);

// Bytes of the line "MemTotal:  16384 kB" in the text of /proc/meminfo; 0 if it is not there.
int64_t MemTotal(absl::string_view meminfo);

// The name of the file system that `fd` is on, as Docker calls it: "extfs", "tmpfs", "xfs";
// "<unknown>".
std::string FileSystemName(int fd);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STORE_INFO_MACHINE_H_

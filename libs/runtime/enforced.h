// SPDX-License-Identifier: Apache-2.0
//
// What the kernel really enforces on a process, read back from /proc and its cgroups, not from a
// config:
//
//   {"pid":4711,"user":{"uids":[0,0,0,0],"gids":[0,0,0,0],"groups":[0],"umask":"0022"},
//    "capabilities":{"bounding":["CAP_CHOWN"],"effective":[],"permitted":[],"inheritable":[],
//                    "ambient":[]},
//    "noNewPrivileges":false,"seccomp":{"mode":"filter","filters":1},"label":"unconfined",
//    "oomScoreAdj":0,"limits":[{"type":"Max open files","soft":"1024","hard":"4096"}],
//    "namespaces":[{"type":"pid","id":"pid:[4026532201]","shared":false}],
//    "uidMappings":[{"containerID":0,"hostID":0,"size":4294967295}],"gidMappings":[..],
//    "mounts":[{"destination":"/proc/kcore","type":"devtmpfs","options":["ro","nosuid"],
//               "superOptions":["rw","mode=755"],"propagation":"private","root":"/null"}],
//    "cgroups":[{"controllers":"memory","path":"/stave/ID",
//                "values":{"memory.limit_in_bytes":"67108864"}}]}
//
// "label" is "" on a kernel without security modules. "shared": it is the namespace of the reader.
// "options" are the mount's own, "superOptions" those of its file system; a masked path is a mount
// of the null device or of an empty tmpfs. "values": the files of the cgroup that hold a limit,
// with v1's devices.list; on v2 "devices" is the number of device programs attached.
// Schema: docs/report.schema.json.
// Sources: proc_pid_status(5), proc_pid_mountinfo(5), proc_pid_limits(5), cgroups(7).

#ifndef STAVE_LIBS_RUNTIME_ENFORCED_H_
#define STAVE_LIBS_RUNTIME_ENFORCED_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::runtime {

// Of the process `pid`, which `pidfd` is too: what was read is its own.
// Errors: NotFound if it has ended; those of open(2).
absl::StatusOr<json::Value> Enforced(pid_t pid, int pidfd);

// The parts that are only text; pure. Lines that are not understood are passed over.
void AddStatus(absl::string_view status, json::Value* report);  // /proc/PID/status
json::Value MountsOf(absl::string_view mountinfo);              // /proc/PID/mountinfo
json::Value LimitsOf(absl::string_view limits);                 // /proc/PID/limits
json::Value MappingsOf(absl::string_view id_map);               // /proc/PID/uid_map

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_ENFORCED_H_

// SPDX-License-Identifier: Apache-2.0
//
// Which devices a cgroup may use: OCI `linux.resources.devices` -> writes to devices.deny and
// devices.allow (v1), or a BPF program (v2).
//
//   {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"}  ->  "c 1:3 rwm"
//
// The list is read in order and the last rule that speaks about an access decides. Before the first
// rule everything is denied. Sources: config-linux.md "Allowed Device list"; kernel
// admin-guide/cgroup-v1/devices.rst; admin-guide/cgroup-v2.rst "Device controller".

#ifndef STAVE_LIBS_CGROUP_DEVICE_H_
#define STAVE_LIBS_CGROUP_DEVICE_H_

#include <linux/bpf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::cgroup {

enum class Verdict { kDeny, kAllow };

struct DeviceRule {
  Verdict verdict = Verdict::kDeny;
  char type = 'a';                // 'a' all, 'b' block, 'c' character
  std::optional<uint32_t> major;  // none: every one
  std::optional<uint32_t> minor;
  std::string access = "rwm";  // some of r, w, m (mknod)
};

// The rules of a `devices` array. Absent or negative numbers mean every one.
// Errors: InvalidArgument [E_DOCUMENT] with the JSON pointer.
absl::StatusOr<std::vector<DeviceRule>> ParseDevices(const json::Value& devices);

// What every container may use, whatever its list says (config-linux.md "Default Devices"): mknod
// of anything, null, zero, full, random, urandom, tty, ptmx and the pseudo terminals. Members of a
// `devices` array, to put at its end.
std::vector<json::Value> DefaultDevices();

// One write to devices.deny or devices.allow.
struct DeviceWrite {
  std::string file;
  std::string value;
};

// The v1 writes, "deny a" first.
// Errors: Unimplemented [E_UNSUPPORTED] for a denial of a part of what an earlier rule allows: v1
// would pass over it in silence.
absl::StatusOr<std::vector<DeviceWrite>> PlanDeviceWrites(const std::vector<DeviceRule>& rules);

// The v1 writes that lead from `list`, the text of devices.list, to `rules`: what is new is allowed
// first, what is gone denied then. Where either side allows everything by default, it is
// PlanDeviceWrites. Errors: those of PlanDeviceWrites.
absl::StatusOr<std::vector<DeviceWrite>> PlanDeviceChange(const std::vector<DeviceRule>& rules,
                                                          absl::string_view list);

// The v2 program. Errors: ResourceExhausted [E_LIMIT] for more rules than fit (about 500).
absl::StatusOr<std::vector<bpf_insn>> PlanDeviceProgram(const std::vector<DeviceRule>& rules);

// Loads the program and attaches it to the v2 cgroup directory `dirfd`, in the place of those that
// are attached to it (not those of the cgroups above). It stays until the cgroup is removed.
// Errors: those of bpf(2), and then the old ones are in force; with the kernel's log if the
// verifier refuses.
absl::Status AttachDeviceProgram(int dirfd, const std::vector<bpf_insn>& program);

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_DEVICE_H_

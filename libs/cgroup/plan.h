// SPDX-License-Identifier: Apache-2.0
//
// From OCI `linux.resources` to the kernel's interface files, for the hierarchies of this machine.
//
//   member                    v1                           v2
//   memory.limit              memory.limit_in_bytes        memory.max
//   memory.reservation        memory.soft_limit_in_bytes   memory.low
//   memory.swap               memory.memsw.limit_in_bytes  memory.swap.max = swap - limit
//   memory.swappiness         memory.swappiness            -
//   memory.kernel, .kernelTCP a warning                    a warning
//   memory.disableOOMKiller   memory.oom_control           -
//   cpu.shares                cpu.shares                   cpu.weight, 1024 -> 100
//   cpu.quota, cpu.period     cpu.cfs_quota_us, _period_us cpu.max
//   cpu.burst                 cpu.cfs_burst_us             cpu.max.burst
//   cpu.realtime*             cpu.rt_*_us                  -
//   cpu.idle cpu.cpus .mems   cpu.idle cpuset.cpus .mems   the same
//   pids.limit                pids.max                     pids.max
//   blockIO.weight[Device]    blkio[.bfq].weight[_device]  io.bfq.weight or io.weight
//   blockIO.throttle*         blkio.throttle.*_device      io.max
//   hugepageLimits            hugetlb.SIZE.limit_in_bytes  hugetlb.SIZE.max
//   network                   net_cls.classid, net_prio.*  -
//   rdma                      rdma.max                     rdma.max
//   devices                   devices.deny, devices.allow  a BPF program (device.h)
//   unified                   -                            the file of that name
//
// "-" is refused by name. -1 means no limit ("max"). 0 asks for nothing in memory, cpu (but for
// burst and idle) and the weights of blockIO: engines write it for what was not asked of them, and
// runc passes over it. Of pids 0 is a limit (runtime-spec 869b2d5; runc before it wrote "max"):
// nothing can fork; v2 gets 1, else not even the first process could be cloned into it. Of huge
// pages 0 is a limit, too; a rate of 0 is none. A swappiness of -1 is docker's word for none. Which
// spelling applies is decided for each controller, since a hybrid machine has some on either side.
// A member that is absent asks for nothing, and no default is invented. Sources: config-linux.md;
// kernel cgroup-v1/*.rst, cgroup-v2.rst; the conversion of shares is the later one of runc and
// crun, in which the two defaults meet.
//
// update.h has the same for a cgroup that is in use.

#ifndef STAVE_LIBS_CGROUP_PLAN_H_
#define STAVE_LIBS_CGROUP_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/cgroup/device.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/json/value.h"

namespace stave::cgroup {

// One interface file and the text to write to it, without newline.
struct Setting {
  std::string member;      // for messages: "/linux/resources/memory/limit"
  std::string controller;  // "memory"; "cgroup" for the core files of v2
  std::string file;        // "memory.max"
  std::string value;       // "536870912"
  // What to write where `file` does not exist (some files depend on the I/O scheduler).
  std::string other_file = "";
  std::string other_value = "";
  // Whether a kernel without the file may be passed over: it is the second half of another setting.
  bool optional = false;
};

// What to do to a cgroup, in this order: device program, then settings.
struct Limits {
  std::vector<Setting> settings;
  std::optional<std::vector<DeviceRule>> device_program;  // v2 only
  // What was asked for and is ignored, a line each for the user: "/linux/resources/..: ..".
  std::vector<std::string> warnings;
};

// The writes that `resources` (the value of linux.resources; nullptr or null: none) asks for. Reads
// and writes no file. Unknown members are passed over.
// Errors: InvalidArgument [E_DOCUMENT] for a wrong type or value, with the JSON pointer;
// FailedPrecondition [E_CGROUP] if a controller is mounted nowhere; Unimplemented [E_UNSUPPORTED]
// for what this version of cgroups cannot do.
absl::StatusOr<Limits> PlanLimits(const json::Value* resources, const Hierarchies& hierarchies);

// cpu.weight (1..10000) of cpu.shares (2..262144): 2 -> 1, 1024 -> 100, 262144 -> 10000.
uint64_t WeightFromShares(uint64_t shares);

// Checks the list form of cpuset.cpus and cpuset.mems, "0-2,7".
// Errors: InvalidArgument `"3-1": is not a list of numbers and ranges such as 0-2,7`; also for
// numbers above `highest`, if that is not negative.
absl::Status CheckCpuList(absl::string_view list, int highest);

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_PLAN_H_

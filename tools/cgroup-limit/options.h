// SPDX-License-Identifier: Apache-2.0
//
// The options of cgroup-limit, by Docker's names, and what they write into a document.
//
//   --memory 64M --cpus 1.5 --pids-limit 100   ->
//   "linux": {"resources": {"memory": {"limit": 67108864},
//                           "cpu": {"period": 100000, "quota": 150000}, "pids": {"limit": 100}}}

#ifndef STAVE_TOOLS_CGROUP_LIMIT_OPTIONS_H_
#define STAVE_TOOLS_CGROUP_LIMIT_OPTIONS_H_

#include "absl/status/status.h"
#include "libs/cli/program.h"
#include "libs/json/value.h"

namespace stave::cgroup_limit {

inline constexpr cli::Option kOptions[] = {
    {"memory", 'm', cli::Takes::kValue, "SIZE", "limit of memory: bytes, or with k, m, g; or max"},
    {"memory-swap", 0, cli::Takes::kValue, "SIZE",
     "limit of memory and swap together; max or -1 for no limit of swap"},
    {"memory-reservation", 0, cli::Takes::kValue, "SIZE",
     "memory that is kept when the machine runs short; or max"},
    {"memory-swappiness", 0, cli::Takes::kValue, "N", "how readily it is swapped, 0 to 100 (v1)"},
    {"oom-kill-disable", 0, cli::Takes::kNothing, "",
     "wait for memory at the limit where the OOM killer would kill (v1)"},
    {"cpus", 0, cli::Takes::kValue, "NUMBER", "how many CPUs' time, such as 1.5; or max"},
    {"cpu-shares", 'c', cli::Takes::kValue, "N",
     "share of CPU time when it is short, 2 to 262144; 1024 is usual"},
    {"cpu-period", 0, cli::Takes::kValue, "USEC", "period of --cpu-quota in microseconds"},
    {"cpu-quota", 0, cli::Takes::kValue, "USEC", "CPU time in each period; max or -1 for no limit"},
    {"cpuset-cpus", 0, cli::Takes::kValue, "LIST", "the CPUs to run on, such as 0-2,7"},
    {"cpuset-mems", 0, cli::Takes::kValue, "LIST", "the memory nodes to use, such as 0,1"},
    {"pids-limit", 0, cli::Takes::kValue, "N", "how many tasks; max or -1 for no limit"},
    {"blkio-weight", 0, cli::Takes::kValue, "N", "share of block I/O, 10 to 1000"},
    {"device-read-bps", 0, cli::Takes::kList, "DEVICE:SIZE",
     "bytes a second read from a block device; may be repeated"},
    {"device-write-bps", 0, cli::Takes::kList, "DEVICE:SIZE",
     "bytes a second written to it; may be repeated"},
    {"device-read-iops", 0, cli::Takes::kList, "DEVICE:N",
     "reads a second from it; may be repeated"},
    {"device-write-iops", 0, cli::Takes::kList, "DEVICE:N",
     "writes a second to it; may be repeated"},
    {"unified", 0, cli::Takes::kList, "FILE=VALUE",
     "an interface file of cgroup v2, such as memory.high=50000000; may be repeated"},
    {"update", 0, cli::Takes::kList, "CONTAINER",
     "change the limits of a container that is there, not of a document; may be repeated",
     "Of a container"},
    {"restart", 0, cli::Takes::kValue, "POLICY",
     "and when it is started again: no, on-failure[:N], always or unless-stopped",
     "Of a container"},
    {"parent", 0, cli::Takes::kValue, "PATH",
     "make the cgroup below this one, which stays, not below /stave", "Around a command"},
    {"usage", 0, cli::Takes::kNothing, "", "print on stderr what the command has used",
     "Around a command"},
    {"usage-json", 0, cli::Takes::kValue, "FILE", "write what it has used to a file, as JSON",
     "Around a command"},
};

// What this machine has; -1 where it is not known.
struct Machine {
  int highest_cpu = -1;
  int highest_node = -1;
};

// Reads /sys/devices/system; what is not there stays unknown.
Machine InspectMachine();

// Sets the members of linux.resources that the options name, and no other. A document whose linux
// or resources is no object is refused.
// Errors: UsageError `--memory: ...` for the value alone; InvalidArgument [E_DOCUMENT].
absl::Status SetResources(const cli::Invocation& options, const Machine& machine,
                          json::Value* document);

// Checks those limits of memory that only make sense together, where the options name one of them:
// the other may come from an earlier stage. Errors: UsageError.
absl::Status CheckTogether(const cli::Invocation& options, const json::Value& document);

}  // namespace stave::cgroup_limit

#endif  // STAVE_TOOLS_CGROUP_LIMIT_OPTIONS_H_

// SPDX-License-Identifier: Apache-2.0
//
// All that a cgroup counts, as `events --stats` of an OCI runtime prints it; usage.h has the few
// numbers of a receipt.
//
//   {"cpu": {"usage": {"total": 5000, "percpu": [..], "kernel": 0, "user": 5000}, "throttling":
//   {}},
//    "cpuset": {"cpus": [0, 1], ..}, "memory": {"cache": 4096, "usage": {"limit": .., ..}, ..},
//    "pids": {"current": 1}, "blkio": {"ioServiceBytesRecursive": [{"major": 8, "op": "Read",
//    ..}]}, "hugetlb": {"2MB": {"failcnt": 0}}, "intel_rdt": {}, "network_interfaces": []}
//
// What the kernel or the version of cgroups does not tell is 0 or empty. No limit is the number
// that the files have for it: UINT64_MAX on v2, a page below INT64_MAX on v1 (0 for pids), beyond
// what jq 1.6 reads exactly. Sources: runc types/events.go; kernel cgroup-v1/*.rst, cgroup-v2.rst,
// accounting/psi.rst.

#ifndef STAVE_LIBS_CGROUP_STATISTICS_H_
#define STAVE_LIBS_CGROUP_STATISTICS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/cgroup/cgroup.h"
#include "libs/json/value.h"

namespace stave::cgroup {

// Pressure: shares of time in percent, and microseconds.
struct Pressure {
  struct Line {
    double avg10 = 0;
    double avg60 = 0;
    double avg300 = 0;
    uint64_t total = 0;
  };
  Line some;
  Line full;
};

struct CpuStatistics {
  uint64_t total = 0;  // nanoseconds, all of them
  uint64_t kernel = 0;
  uint64_t user = 0;
  std::vector<uint64_t> percpu;  // v1
  std::vector<uint64_t> percpu_kernel;
  std::vector<uint64_t> percpu_user;
  uint64_t periods = 0;  // with a quota
  uint64_t throttled_periods = 0;
  uint64_t throttled_time = 0;
  std::optional<Pressure> pressure;
};

// v1 but for cpus and mems.
struct CpusetStatistics {
  std::vector<uint64_t> cpus;
  std::vector<uint64_t> mems;
  std::map<std::string, int64_t> flags;  // "cpu_exclusive", "sched_relax_domain_level" ..
};

struct MemoryCount {  // bytes
  uint64_t limit = 0;
  uint64_t usage = 0;
  uint64_t max = 0;
  uint64_t failcnt = 0;  // v1: how often the limit was met
};

struct MemoryStatistics {
  uint64_t cache = 0;
  MemoryCount usage;
  MemoryCount swap;  // of memory and swap together
  MemoryCount kernel;
  MemoryCount kernel_tcp;
  std::map<std::string, uint64_t> raw;  // memory.stat
  std::optional<Pressure> pressure;
};

struct IoCount {
  uint64_t major = 0;
  uint64_t minor = 0;
  std::string op;  // "Read", "Write", "Sync", "Total"; "" if there is one number for all
  uint64_t value = 0;
};

struct HugetlbStatistics {
  uint64_t usage = 0;
  uint64_t max = 0;
  uint64_t failcnt = 0;
};

struct Statistics {
  CpuStatistics cpu;
  CpusetStatistics cpuset;
  MemoryStatistics memory;
  uint64_t pids = 0;
  uint64_t pids_limit = 0;
  std::map<std::string, std::vector<IoCount>> io;  // "ioServiceBytesRecursive" -> ..
  std::optional<Pressure> io_pressure;
  std::map<std::string, HugetlbStatistics> hugetlb;  // "2MB" -> ..
};

// Reads all of it now, file by file: it is no snapshot.
Statistics ReadStatistics(const Cgroup& group);

// In the shape above, which is runc's.
json::Value StatisticsToJson(const Statistics& statistics);

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_STATISTICS_H_

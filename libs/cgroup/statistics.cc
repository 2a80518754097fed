// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/statistics.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/posix.h"

namespace stave::cgroup {
namespace {

constexpr size_t kMaxFile = size_t{1} << 20;
constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

// The files of a cgroup in one of its hierarchies; all are empty where there is none.
class Files {
 public:
  explicit Files(const Cgroup::Place* place) : place_(place) {}

  bool is_v1() const { return place_ != nullptr && place_->hierarchy.version == Version::kV1; }
  bool is_v2() const { return place_ != nullptr && place_->hierarchy.version == Version::kV2; }
  const std::string& directory() const { return place_->directory; }

  std::string Text(absl::string_view file) const {
    if (place_ == nullptr) return "";
    auto text = base::ReadFileAt(AT_FDCWD, absl::StrCat(place_->directory, "/", file), kMaxFile);
    return text.ok() ? *std::move(text) : "";
  }
  uint64_t Number(absl::string_view file) const;
  std::map<std::string, uint64_t> Keys(absl::string_view file) const;

 private:
  const Cgroup::Place* place_;
};

// "5", "max"; 0 for what is neither.
uint64_t ParseNumber(absl::string_view text) {
  uint64_t number = 0;
  text = absl::StripAsciiWhitespace(text);
  if (text == "max") return kMax;
  return absl::SimpleAtoi(text, &number) ? number : 0;
}

uint64_t Files::Number(absl::string_view file) const { return ParseNumber(Text(file)); }

// Lines "key number".
std::map<std::string, uint64_t> Files::Keys(absl::string_view file) const {
  std::map<std::string, uint64_t> keys;
  const std::string text = Text(file);
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() == 2) keys[std::string(words[0])] = ParseNumber(words[1]);
  }
  return keys;
}

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=5"
std::optional<Pressure> ReadPressure(const Files& files, absl::string_view file) {
  const std::string text = files.Text(file);
  if (text.empty()) return std::nullopt;
  Pressure pressure;
  for (absl::string_view each : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    Pressure::Line& line = absl::StartsWith(each, "full") ? pressure.full : pressure.some;
    for (absl::string_view word : absl::StrSplit(each, ' ')) {
      const std::pair<absl::string_view, absl::string_view> pair =
          absl::StrSplit(word, absl::MaxSplits('=', 1));
      if (pair.first == "total") line.total = ParseNumber(pair.second);
      double* const average = pair.first == "avg10"    ? &line.avg10
                              : pair.first == "avg60"  ? &line.avg60
                              : pair.first == "avg300" ? &line.avg300
                                                       : nullptr;
      if (average != nullptr && !absl::SimpleAtod(pair.second, average)) *average = 0;
    }
  }
  return pressure;
}

void ReadCpuTimeV1(const Files& files, CpuStatistics* cpu) {
  cpu->total = files.Number("cpuacct.usage");
  cpu->user = files.Number("cpuacct.usage_user");
  cpu->kernel = files.Number("cpuacct.usage_sys");
  const std::string percpu = files.Text("cpuacct.usage_percpu");
  for (absl::string_view word : absl::StrSplit(percpu, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    cpu->percpu.push_back(ParseNumber(word));
  }
  const std::string all = files.Text("cpuacct.usage_all");  // "cpu user system", "0 5 6"
  for (absl::string_view line : absl::StrSplit(all, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words.size() < 3 || words[0] == "cpu") continue;
    cpu->percpu_user.push_back(ParseNumber(words[1]));
    cpu->percpu_kernel.push_back(ParseNumber(words[2]));
  }
}

CpuStatistics ReadCpu(const Cgroup& group) {
  constexpr uint64_t kNanoseconds = 1000;  // in a microsecond
  CpuStatistics cpu;
  const Files unified(group.Find("cgroup"));
  if (const Files files(group.Find("cpuacct")); files.is_v1()) {
    ReadCpuTimeV1(files, &cpu);
  } else {
    // Every v2 directory counts time, with or without the controller.
    std::map<std::string, uint64_t> stat = unified.Keys("cpu.stat");
    cpu.total = stat["usage_usec"] * kNanoseconds;
    cpu.user = stat["user_usec"] * kNanoseconds;
    cpu.kernel = stat["system_usec"] * kNanoseconds;
  }
  const Files files(group.Find("cpu"));
  std::map<std::string, uint64_t> stat = files.Keys("cpu.stat");
  cpu.periods = stat["nr_periods"];
  cpu.throttled_periods = stat["nr_throttled"];
  cpu.throttled_time =
      files.is_v1() ? stat["throttled_time"] : stat["throttled_usec"] * kNanoseconds;
  cpu.pressure = ReadPressure(unified, "cpu.pressure");
  return cpu;
}

// "0-2,7"
std::vector<uint64_t> ParseList(absl::string_view text) {
  constexpr uint64_t kMost = 65536;
  std::vector<uint64_t> numbers;
  for (absl::string_view range :
       absl::StrSplit(absl::StripAsciiWhitespace(text), ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(range, absl::MaxSplits('-', 1));
    const uint64_t last =
        std::min(ParseNumber(ends.second.empty() ? ends.first : ends.second), kMost);
    for (uint64_t i = ParseNumber(ends.first); i <= last; ++i) numbers.push_back(i);
  }
  return numbers;
}

constexpr const char* kCpusetFlags[] = {
    "cpu_exclusive",   "mem_hardwall",       "mem_exclusive",
    "memory_migrate",  "memory_spread_page", "memory_spread_slab",
    "memory_pressure", "sched_load_balance", "sched_relax_domain_level"};

CpusetStatistics ReadCpuset(const Cgroup& group) {
  CpusetStatistics cpuset;
  const Files files(group.Find("cpuset"));
  cpuset.cpus = ParseList(files.Text("cpuset.cpus"));
  cpuset.mems = ParseList(files.Text("cpuset.mems"));
  for (const char* flag : kCpusetFlags) {
    int64_t value = 0;
    const std::string text = files.is_v1() ? files.Text(absl::StrCat("cpuset.", flag)) : "";
    cpuset.flags[flag] = absl::SimpleAtoi(text, &value) ? value : 0;
  }
  return cpuset;
}

MemoryCount ReadMemoryV1(const Files& files, absl::string_view name) {
  return {files.Number(absl::StrCat(name, ".limit_in_bytes")),
          files.Number(absl::StrCat(name, ".usage_in_bytes")),
          files.Number(absl::StrCat(name, ".max_usage_in_bytes")),
          files.Number(absl::StrCat(name, ".failcnt"))};
}

MemoryStatistics ReadMemory(const Cgroup& group) {
  MemoryStatistics memory;
  const Files files(group.Find("memory"));
  memory.raw = files.Keys("memory.stat");
  memory.pressure = ReadPressure(Files(group.Find("cgroup")), "memory.pressure");
  const auto cache = memory.raw.find(files.is_v1() ? "cache" : "file");
  if (cache != memory.raw.end()) memory.cache = cache->second;
  if (files.is_v1()) {
    memory.usage = ReadMemoryV1(files, "memory");
    memory.swap = ReadMemoryV1(files, "memory.memsw");
    memory.kernel = ReadMemoryV1(files, "memory.kmem");
    memory.kernel_tcp = ReadMemoryV1(files, "memory.kmem.tcp");
    return memory;
  }
  memory.usage = {files.Number("memory.max"), files.Number("memory.current"),
                  files.Number("memory.peak"), 0};
  memory.swap = {files.Number("memory.swap.max"), files.Number("memory.swap.current"), 0, 0};
  memory.swap.usage += memory.usage.usage;
  const bool none = memory.swap.limit == kMax || memory.usage.limit == kMax;
  memory.swap.limit = none ? kMax : memory.swap.limit + memory.usage.limit;
  return memory;
}

// "8:0 Read 4096", "8:0 12"; the sums "Total 5" are left out.
std::vector<IoCount> ParseIoV1(absl::string_view text) {
  std::vector<IoCount> counts;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, absl::ByAnyChar(" :"));
    if (words.size() < 3 || words.size() > 4) continue;
    counts.push_back({ParseNumber(words[0]), ParseNumber(words[1]),
                      words.size() == 4 ? std::string(words[2]) : "", ParseNumber(words.back())});
  }
  return counts;
}

struct IoList {
  const char* member;
  const char* name;  // v1: blkio.NAME_recursive, blkio.bfq.NAME_recursive
  bool throttle;     // v1: blkio.throttle.NAME, too
  const char* read;  // v2: keys of io.stat
  const char* write;
};
constexpr IoList kIoLists[] = {
    {"ioServiceBytesRecursive", "io_service_bytes", true, "rbytes", "wbytes"},
    {"ioServicedRecursive", "io_serviced", true, "rios", "wios"},
    {"ioQueueRecursive", "io_queued", false, nullptr, nullptr},
    {"ioServiceTimeRecursive", "io_service_time", false, nullptr, nullptr},
    {"ioWaitTimeRecursive", "io_wait_time", false, nullptr, nullptr},
    {"ioMergedRecursive", "io_merged", false, nullptr, nullptr},
    {"ioTimeRecursive", "time", false, nullptr, nullptr},
    {"sectorsRecursive", "sectors", false, nullptr, nullptr},
};

// Which files there are, and which of them count, depends on the scheduler of the device.
std::vector<IoCount> ReadIoV1(const Files& files, const IoList& list) {
  std::vector<std::string> names = {absl::StrCat("blkio.bfq.", list.name, "_recursive"),
                                    absl::StrCat("blkio.", list.name, "_recursive")};
  if (list.throttle) {
    names.push_back(absl::StrCat("blkio.throttle.", list.name, "_recursive"));
    names.push_back(absl::StrCat("blkio.throttle.", list.name));
  }
  for (const std::string& name : names) {
    std::vector<IoCount> counts = ParseIoV1(files.Text(name));
    if (!counts.empty()) return counts;
  }
  return {};
}

// "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0"
std::vector<IoCount> ParseIoV2(absl::string_view text, const IoList& list) {
  std::vector<IoCount> counts;
  if (list.read == nullptr) return counts;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    const std::pair<absl::string_view, absl::string_view> device =
        absl::StrSplit(words[0], absl::MaxSplits(':', 1));
    for (const absl::string_view word : words) {
      const std::pair<absl::string_view, absl::string_view> pair =
          absl::StrSplit(word, absl::MaxSplits('=', 1));
      const char* op = pair.first == list.read ? "Read" : pair.first == list.write ? "Write" : "";
      if (*op == '\0') continue;
      counts.push_back(
          {ParseNumber(device.first), ParseNumber(device.second), op, ParseNumber(pair.second)});
    }
  }
  return counts;
}

void ReadIo(const Cgroup& group, Statistics* statistics) {
  const Files files(group.Find("io"));
  const std::string stat = files.is_v2() ? files.Text("io.stat") : "";
  for (const IoList& list : kIoLists) {
    std::vector<IoCount> counts = files.is_v1() ? ReadIoV1(files, list) : ParseIoV2(stat, list);
    if (!counts.empty()) statistics->io[list.member] = std::move(counts);
  }
  statistics->io_pressure = ReadPressure(Files(group.Find("cgroup")), "io.pressure");
}

// The sizes are those for which there are files.
std::map<std::string, HugetlbStatistics> ReadHugetlb(const Cgroup& group) {
  std::map<std::string, HugetlbStatistics> all;
  const Files files(group.Find("hugetlb"));
  if (!files.is_v1() && !files.is_v2()) return all;
  const char* const end = files.is_v1() ? ".usage_in_bytes" : ".current";
  DIR* const directory = opendir(files.directory().c_str());
  if (directory == nullptr) return all;
  while (const dirent* entry = readdir(directory)) {
    absl::string_view size = entry->d_name;
    if (!absl::ConsumePrefix(&size, "hugetlb.") || !absl::ConsumeSuffix(&size, end)) continue;
    if (size.find('.') != absl::string_view::npos) continue;  // "2MB.rsvd"
    const std::string plain = absl::StrCat("hugetlb.", size);
    // Pages that are reserved and not yet touched count, too, where the kernel tells.
    const bool reserved = !files.Text(absl::StrCat(plain, ".rsvd", end)).empty();
    const std::string name = absl::StrCat(plain, reserved ? ".rsvd" : "");
    HugetlbStatistics& one = all[std::string(size)];
    one.usage = files.Number(absl::StrCat(name, end));
    if (files.is_v1()) {
      one.max = files.Number(absl::StrCat(name, ".max_usage_in_bytes"));
      one.failcnt = files.Number(absl::StrCat(name, ".failcnt"));
    } else {
      one.failcnt = files.Keys(absl::StrCat(plain, ".events"))["max"];
    }
  }
  closedir(directory);
  return all;
}

}  // namespace

Statistics ReadStatistics(const Cgroup& group) {
  Statistics statistics;
  statistics.cpu = ReadCpu(group);
  statistics.cpuset = ReadCpuset(group);
  statistics.memory = ReadMemory(group);
  const Files pids(group.Find("pids"));
  statistics.pids = pids.Number("pids.current");
  const uint64_t limit = pids.Number("pids.max");
  statistics.pids_limit = limit == kMax ? 0 : limit;
  ReadIo(group, &statistics);
  statistics.hugetlb = ReadHugetlb(group);
  return statistics;
}

}  // namespace stave::cgroup

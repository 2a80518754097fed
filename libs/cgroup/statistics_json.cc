// SPDX-License-Identifier: Apache-2.0
//
// The JSON of statistics. Members that are 0 or empty are absent where those of runc are.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/cgroup/statistics.h"
#include "libs/json/value.h"

namespace stave::cgroup {
namespace {

using json::Value;

// Also beyond 2^53.
Value Number(uint64_t number) { return Value::NumberText(absl::StrCat(number)); }

Value Numbers(const std::vector<uint64_t>& numbers) {
  Value::Elements elements;
  for (const uint64_t number : numbers) elements.push_back(Number(number));
  return Value::Array(std::move(elements));
}

void SetUnlessZero(absl::string_view key, uint64_t number, Value* object) {
  if (number != 0) object->Set(key, Number(number));
}

void SetUnlessEmpty(absl::string_view key, const std::vector<uint64_t>& numbers, Value* object) {
  if (!numbers.empty()) object->Set(key, Numbers(numbers));
}

Value PressureLine(const Pressure::Line& line) {
  Value value = Value::Object();
  value.Set("avg10", Value::NumberText(absl::StrCat(line.avg10)));
  value.Set("avg60", Value::NumberText(absl::StrCat(line.avg60)));
  value.Set("avg300", Value::NumberText(absl::StrCat(line.avg300)));
  value.Set("total", Number(line.total));
  return value;
}

void SetPressure(const std::optional<Pressure>& pressure, Value* object) {
  if (!pressure.has_value()) return;
  Value value = Value::Object();
  value.Set("some", PressureLine(pressure->some));
  value.Set("full", PressureLine(pressure->full));
  object->Set("psi", std::move(value));
}

Value Cpu(const CpuStatistics& cpu) {
  Value usage = Value::Object();
  SetUnlessZero("total", cpu.total, &usage);
  SetUnlessEmpty("percpu", cpu.percpu, &usage);
  SetUnlessEmpty("percpu_kernel", cpu.percpu_kernel, &usage);
  SetUnlessEmpty("percpu_user", cpu.percpu_user, &usage);
  usage.Set("kernel", Number(cpu.kernel));
  usage.Set("user", Number(cpu.user));
  Value throttling = Value::Object();
  SetUnlessZero("periods", cpu.periods, &throttling);
  SetUnlessZero("throttledPeriods", cpu.throttled_periods, &throttling);
  SetUnlessZero("throttledTime", cpu.throttled_time, &throttling);
  Value value = Value::Object();
  value.Set("usage", std::move(usage));
  value.Set("throttling", std::move(throttling));
  SetPressure(cpu.pressure, &value);
  return value;
}

Value Cpuset(const CpusetStatistics& cpuset) {
  Value value = Value::Object();
  SetUnlessEmpty("cpus", cpuset.cpus, &value);
  SetUnlessEmpty("mems", cpuset.mems, &value);
  for (const auto& [flag, number] : cpuset.flags) value.Set(flag, Value::Number(number));
  return value;
}

Value Count(const MemoryCount& count) {
  Value value = Value::Object();
  value.Set("limit", Number(count.limit));
  SetUnlessZero("usage", count.usage, &value);
  SetUnlessZero("max", count.max, &value);
  value.Set("failcnt", Number(count.failcnt));
  return value;
}

Value Memory(const MemoryStatistics& memory) {
  Value value = Value::Object();
  SetUnlessZero("cache", memory.cache, &value);
  value.Set("usage", Count(memory.usage));
  value.Set("swap", Count(memory.swap));
  value.Set("kernel", Count(memory.kernel));
  value.Set("kernelTCP", Count(memory.kernel_tcp));
  if (!memory.raw.empty()) {
    Value& raw = value.Set("raw", Value::Object());
    for (const auto& [key, number] : memory.raw) raw.members().emplace_back(key, Number(number));
  }
  SetPressure(memory.pressure, &value);
  return value;
}

Value Blkio(const Statistics& statistics) {
  Value value = Value::Object();
  for (const auto& [member, counts] : statistics.io) {
    Value::Elements elements;
    for (const IoCount& count : counts) {
      Value one = Value::Object();
      SetUnlessZero("major", count.major, &one);
      SetUnlessZero("minor", count.minor, &one);
      if (!count.op.empty()) one.Set("op", Value::String(count.op));
      SetUnlessZero("value", count.value, &one);
      elements.push_back(std::move(one));
    }
    value.Set(member, Value::Array(std::move(elements)));
  }
  SetPressure(statistics.io_pressure, &value);
  return value;
}

}  // namespace

Value StatisticsToJson(const Statistics& statistics) {
  Value value = Value::Object();
  value.Set("cpu", Cpu(statistics.cpu));
  value.Set("cpuset", Cpuset(statistics.cpuset));
  value.Set("memory", Memory(statistics.memory));
  Value& pids = value.Set("pids", Value::Object());
  SetUnlessZero("current", statistics.pids, &pids);
  SetUnlessZero("limit", statistics.pids_limit, &pids);
  value.Set("blkio", Blkio(statistics));
  Value& hugetlb = value.Set("hugetlb", Value::Object());
  for (const auto& [size, count] : statistics.hugetlb) {
    Value& one = hugetlb.Set(size, Value::Object());
    SetUnlessZero("usage", count.usage, &one);
    SetUnlessZero("max", count.max, &one);
    one.Set("failcnt", Number(count.failcnt));
  }
  value.Set("intel_rdt", Value::Object());
  value.Set("network_interfaces", Value::Array());
  return value;
}

}  // namespace stave::cgroup

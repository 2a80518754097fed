// SPDX-License-Identifier: Apache-2.0
#include "tools/cgroup-limit/options.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/plan.h"

namespace stave::cgroup_limit {
namespace {

constexpr int64_t kUnlimited = -1;
constexpr int64_t kMost = int64_t{1} << 53;  // jq loses digits above
constexpr int64_t kMinMemory = int64_t{6} << 20;
constexpr int64_t kPeriod = 100000;  // microseconds, the kernel's own default
constexpr int64_t kMinQuota = 1000;

using Path = std::initializer_list<absl::string_view>;

// How an option's text becomes a number.
using Parser = absl::StatusOr<int64_t> (*)(const std::string&);

bool IsMax(absl::string_view text) { return text == "max" || text == "-1"; }

absl::Status Bad(absl::string_view text, absl::string_view why) {
  return cli::UsageError(absl::StrCat("\"", base::Printable(text), "\": ", why));
}

absl::StatusOr<int64_t> ParseMemory(const std::string& text) {
  if (text == "max") return kUnlimited;
  if (text == "-1") return Bad(text, "is not a size; max means no limit");
  STAVE_ASSIGN_OR_RETURN(const int64_t size, base::ParseSize(text));
  if (size < kMinMemory) return Bad(text, "is below the minimum of 6m; max means no limit");
  return size;
}

absl::StatusOr<int64_t> ParseSwap(const std::string& text) {
  if (IsMax(text)) return kUnlimited;
  return base::ParseSize(text);
}

template <int64_t kLow, int64_t kHigh>
absl::StatusOr<int64_t> ParseWithin(const std::string& text) {
  return base::ParseInt(text, kLow, kHigh);
}

template <int64_t kLow, int64_t kHigh>
absl::StatusOr<int64_t> ParseWithinOrMax(const std::string& text) {
  if (IsMax(text)) return kUnlimited;
  return base::ParseInt(text, kLow, kHigh);
}

absl::StatusOr<int64_t> ParsePids(const std::string& text) {
  if (IsMax(text)) return kUnlimited;
  if (text == "0") {
    return Bad(text, "would not let anything start; max or -1 means no limit");
  }
  return base::ParseInt(text, 1, kMost);
}

// "1.5" CPUs as the quota of a period.
absl::StatusOr<int64_t> ParseCpus(const std::string& text) {
  if (text == "max") return kUnlimited;
  const absl::StatusOr<int64_t> billionths = base::ParseBillionths(text);
  if (!billionths.ok()) return Bad(text, "is not a number of CPUs such as 1.5");
  const int64_t quota = *billionths / (1000000000 / kPeriod);
  if (quota < kMinQuota) return Bad(text, "is below the minimum of 0.01; max means no limit");
  return quota;
}

absl::StatusOr<int64_t> ParseRate(const std::string& text) {
  STAVE_ASSIGN_OR_RETURN(const int64_t rate, base::ParseSize(text));
  if (rate == 0) return Bad(text, "must be above 0");
  return rate;
}

// Walks to the object at `path`, making what is absent. Errors: [E_DOCUMENT] if something else is
// there: replacing it would lose what another stage wrote.
absl::StatusOr<json::Value*> FindOrMake(json::Value* value, Path path) {
  std::string pointer;
  for (const absl::string_view key : path) {
    absl::StrAppend(&pointer, "/", key);
    json::Value* next = value->Find(key);
    if (next == nullptr || next->is_null()) next = &value->Set(key, json::Value::Object());
    if (!next->is_object()) {
      return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                         absl::StrCat(pointer, ": is of type ", json::TypeName(next->type()),
                                      ", must be an object"));
    }
    value = next;
  }
  return value;
}

absl::StatusOr<json::Value*> Part(json::Value* document, absl::string_view part) {
  return FindOrMake(document, {"linux", "resources", part});
}

struct NumberOption {
  const char* option;
  const char* part;  // of linux.resources
  const char* key;
  Parser parse;
};

constexpr NumberOption kNumbers[] = {
    {"memory", "memory", "limit", ParseMemory},
    {"memory-swap", "memory", "swap", ParseSwap},
    {"memory-reservation", "memory", "reservation", ParseMemory},
    {"memory-swappiness", "memory", "swappiness", ParseWithin<0, 100>},
    {"cpu-shares", "cpu", "shares", ParseWithin<2, 262144>},
    {"cpu-period", "cpu", "period", ParseWithin<1000, 1000000>},
    {"cpu-quota", "cpu", "quota", ParseWithinOrMax<kMinQuota, kMost>},
    {"cpus", "cpu", "quota", ParseCpus},
    {"pids-limit", "pids", "limit", ParsePids},
    {"blkio-weight", "blockIO", "weight", ParseWithin<10, 1000>},
};

absl::Status SetNumbers(const cli::Invocation& options, json::Value* document) {
  for (const NumberOption& each : kNumbers) {
    if (!options.Has(each.option)) continue;
    const absl::StatusOr<int64_t> number = each.parse(options.Get(each.option));
    if (!number.ok()) return cli::BadValue(each.option, number.status());
    STAVE_ASSIGN_OR_RETURN(json::Value * part, Part(document, each.part));
    if (absl::string_view(each.option) == "cpus") {
      part->Set("period", json::Value::Number(kPeriod));
    }
    part->Set(each.key, json::Value::Number(*number));
  }
  return absl::OkStatus();
}

// A share of more CPUs than there are limits nothing: a typing error, as Docker takes it.
absl::Status CheckCpus(const cli::Invocation& options, int highest) {
  if (!options.Has("cpus") || highest < 0) return absl::OkStatus();
  const std::string text = options.Get("cpus");
  const absl::StatusOr<int64_t> quota = ParseCpus(text);
  if (!quota.ok() || *quota <= (highest + 1) * kPeriod) return absl::OkStatus();
  return cli::BadValue(
      "cpus", Bad(text, absl::StrCat("range of CPUs is from 0.01 to ", highest + 1,
                                     ".00, as there are only ", highest + 1, " CPUs available")));
}

absl::Status SetCpuset(const cli::Invocation& options, const char* option, const char* key,
                       int highest, json::Value* document) {
  if (!options.Has(option)) return absl::OkStatus();
  const std::string list = options.Get(option);
  if (const absl::Status status = cgroup::CheckCpuList(list, highest); !status.ok()) {
    return cli::BadValue(option, status);
  }
  STAVE_ASSIGN_OR_RETURN(json::Value * cpu, Part(document, "cpu"));
  cpu->Set(key, json::Value::String(list));
  return absl::OkStatus();
}

// The entry of `list` for that device, made if it is not there.
json::Value& DeviceEntry(json::Value* list, int64_t major_number, int64_t minor_number) {
  for (json::Value& entry : list->elements()) {
    const json::Value* major_value = entry.Find("major");
    const json::Value* minor_value = entry.Find("minor");
    if (major_value == nullptr || minor_value == nullptr) continue;
    const auto a = major_value->AsInt64();
    const auto b = minor_value->AsInt64();
    if (a.ok() && b.ok() && *a == major_number && *b == minor_number) return entry;
  }
  json::Value entry = json::Value::Object();
  entry.Set("major", json::Value::Number(major_number));
  entry.Set("minor", json::Value::Number(minor_number));
  list->elements().push_back(std::move(entry));
  return list->elements().back();
}

// "/dev/sda:10m".
absl::Status SetThrottle(const std::string& text, const char* list_name, Parser parse,
                         json::Value* document) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return Bad(text, "must be a block device, a colon and a rate");
  }
  const std::string path = text.substr(0, colon);
  const absl::StatusOr<int64_t> rate = parse(text.substr(colon + 1));
  if (!rate.ok()) return rate.status();
  struct stat device = {};
  if (stat(path.c_str(), &device) != 0) {
    return cli::UsageError(base::PosixError(errno, base::Printable(path), "stat").message());
  }
  if (!S_ISBLK(device.st_mode)) return Bad(path, "is not a block device");
  STAVE_ASSIGN_OR_RETURN(json::Value * io, Part(document, "blockIO"));
  json::Value* list = io->Find(list_name);
  if (list == nullptr || list->is_null()) list = &io->Set(list_name, json::Value::Array());
  if (!list->is_array()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                       absl::StrCat("/linux/resources/blockIO/", list_name, ": must be an array"));
  }
  DeviceEntry(list, major(device.st_rdev), minor(device.st_rdev))
      .Set("rate", json::Value::Number(*rate));
  return absl::OkStatus();
}

absl::Status SetThrottles(const cli::Invocation& options, json::Value* document) {
  static constexpr struct {
    const char* option;
    const char* list;
    Parser parse;
  } kThrottles[] = {
      {"device-read-bps", "throttleReadBpsDevice", ParseRate},
      {"device-write-bps", "throttleWriteBpsDevice", ParseRate},
      {"device-read-iops", "throttleReadIOPSDevice", ParseWithin<1, kMost>},
      {"device-write-iops", "throttleWriteIOPSDevice", ParseWithin<1, kMost>},
  };
  for (const auto& throttle : kThrottles) {
    for (const std::string& text : options.List(throttle.option)) {
      const absl::Status status = SetThrottle(text, throttle.list, throttle.parse, document);
      if (base::ErrorWord(status) == "E_DOCUMENT") return status;
      if (!status.ok()) return cli::BadValue(throttle.option, status);
    }
  }
  return absl::OkStatus();
}

absl::Status SetUnified(const cli::Invocation& options, json::Value* document) {
  for (const std::string& text : options.List("unified")) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    const std::string& file = parts.first;
    if (file.find('.') == std::string::npos || file.find('/') != std::string::npos ||
        file[0] == '.' || parts.second.empty()) {
      return cli::BadValue("unified", Bad(text, "must be as in memory.high=50000000"));
    }
    STAVE_ASSIGN_OR_RETURN(json::Value * unified, Part(document, "unified"));
    unified->Set(file, json::Value::String(parts.second));
  }
  return absl::OkStatus();
}

// The member as a limit: -1 if it is absent, no number or unlimited.
int64_t LimitOf(const json::Value& document, absl::string_view key) {
  const json::Value* value = document.Find({"linux", "resources", "memory", key});
  return value == nullptr ? kUnlimited : value->AsInt64().value_or(kUnlimited);
}

absl::Status CheckConflicts(const cli::Invocation& options) {
  for (const char* other : {"cpu-period", "cpu-quota"}) {
    if (options.Has("cpus") && options.Has(other)) {
      return cli::UsageError(absl::StrCat("--cpus and --", other, " say the same thing: give one"));
    }
  }
  return absl::OkStatus();
}

// The last number of "0-3,5\n".
int ReadHighest(const std::string& path) {
  const absl::StatusOr<std::string> text = base::ReadFileAt(AT_FDCWD, path, 65536);
  if (!text.ok()) return -1;
  const absl::string_view list = absl::StripAsciiWhitespace(*text);
  const size_t last = list.find_last_of(",-");
  const auto number =
      base::ParseUint(last == absl::string_view::npos ? list : list.substr(last + 1), 0, 1 << 30);
  return number.ok() ? static_cast<int>(*number) : -1;
}

}  // namespace

Machine InspectMachine() {
  return {ReadHighest("/sys/devices/system/cpu/online"),
          ReadHighest("/sys/devices/system/node/online")};
}

absl::Status SetResources(const cli::Invocation& options, const Machine& machine,
                          json::Value* document) {
  STAVE_RETURN_IF_ERROR(CheckConflicts(options));
  STAVE_RETURN_IF_ERROR(SetNumbers(options, document));
  if (options.Has("oom-kill-disable")) {
    STAVE_ASSIGN_OR_RETURN(json::Value * memory, Part(document, "memory"));
    memory->Set("disableOOMKiller", json::Value::Bool(true));
  }
  STAVE_RETURN_IF_ERROR(CheckCpus(options, machine.highest_cpu));
  STAVE_RETURN_IF_ERROR(SetCpuset(options, "cpuset-cpus", "cpus", machine.highest_cpu, document));
  STAVE_RETURN_IF_ERROR(SetCpuset(options, "cpuset-mems", "mems", machine.highest_node, document));
  STAVE_RETURN_IF_ERROR(SetThrottles(options, document));
  return SetUnified(options, document);
}

absl::Status CheckTogether(const cli::Invocation& options, const json::Value& document) {
  if (!options.Has("memory") && !options.Has("memory-swap") && !options.Has("memory-reservation")) {
    return absl::OkStatus();
  }
  const int64_t limit = LimitOf(document, "limit");
  const int64_t swap = LimitOf(document, "swap");
  const int64_t reservation = LimitOf(document, "reservation");
  if (swap != kUnlimited && limit == kUnlimited) {
    return cli::UsageError("--memory-swap: needs --memory too: it is the sum of memory and swap");
  }
  if (swap != kUnlimited && swap < limit) {
    return cli::UsageError(absl::StrCat("--memory-swap: ", swap, " is below the memory limit, ",
                                        limit, "; it is the sum of memory and swap"));
  }
  if (reservation != kUnlimited && limit != kUnlimited && reservation > limit) {
    return cli::UsageError(
        absl::StrCat("--memory-reservation: ", reservation, " is above the memory limit, ", limit));
  }
  return absl::OkStatus();
}

}  // namespace stave::cgroup_limit

// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/scope_plan.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"

namespace stave::lifecycle {
namespace {

constexpr uint64_t kInfinity = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMaxCpu = 8191;
constexpr size_t kMaxUnit = 255;
constexpr absl::string_view kSlice = ".slice";

absl::Status Wrong(absl::string_view path, absl::string_view why) {
  return base::Error(
      absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
      absl::StrCat("/linux/cgroupsPath: \"", base::Printable(path, 128), "\": ", why));
}

bool IsUnitName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxUnit) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || absl::string_view("-_.\\@").find(c) != absl::string_view::npos;
  });
}

// "/a.slice/a-b.slice" of "a-b.slice"; "" of the root slice; nothing of what is no slice.
std::optional<std::string> SlicePath(absl::string_view slice) {
  if (!IsUnitName(slice) || !absl::EndsWith(slice, kSlice)) return std::nullopt;
  const absl::string_view name = slice.substr(0, slice.size() - kSlice.size());
  if (name == "-") return "";
  std::string path, above;
  for (const absl::string_view part : absl::StrSplit(name, '-')) {
    if (part.empty()) return std::nullopt;
    absl::StrAppend(&above, above.empty() ? "" : "-", part);
    absl::StrAppend(&path, "/", above, kSlice);
  }
  return path;
}

std::string Number(absl::string_view name, uint64_t value) {
  return absl::StrCat(name, "=t:", value);
}

std::optional<uint64_t> Amount(absl::string_view text) {
  if (text == "max") return kInfinity;
  const auto number = base::ParseUint(std::string(text), 0, kInfinity - 1);
  return number.ok() ? std::optional<uint64_t>(*number) : std::nullopt;
}

// "0-2,8" -> 0701, the lowest bit first.
std::optional<std::string> Mask(absl::string_view list) {
  std::string bytes;
  for (const absl::string_view range : absl::StrSplit(list, ',', absl::SkipWhitespace())) {
    const std::vector<std::string> ends = absl::StrSplit(range, '-');
    const auto first = base::ParseUint(ends.front(), 0, kMaxCpu);
    const auto last = base::ParseUint(ends.back(), 0, kMaxCpu);
    if (ends.size() > 2 || !first.ok() || !last.ok()) return std::nullopt;
    for (uint64_t cpu = *first; cpu <= *last; ++cpu) {
      if (bytes.size() <= cpu / 8) bytes.resize(cpu / 8 + 1);
      bytes[cpu / 8] = static_cast<char>(bytes[cpu / 8] | (1 << (cpu % 8)));
    }
  }
  return absl::BytesToHexString(bytes);
}

// cpu.max, "QUOTA" or "QUOTA PERIOD". systemd writes the share down in percent, so what is between
// is rounded up: cgroupfs has the exact value.
void AddQuota(absl::string_view line, int64_t period_now, std::vector<std::string>* properties) {
  constexpr uint64_t kSecond = 1000000, kPercent = kSecond / 100;
  const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (words.empty() || words.size() > 2) return;
  const std::optional<uint64_t> quota = Amount(words[0]);
  std::optional<uint64_t> period = static_cast<uint64_t>(period_now);
  if (words.size() == 2) period = Amount(words[1]);
  if (!quota || !period || *period == 0 || *period > kSecond) return;
  if (words.size() == 2) properties->push_back(Number("CPUQuotaPeriodUSec", *period));
  uint64_t share = kInfinity;
  if (*quota < kInfinity / kSecond) {
    const uint64_t exact = *quota * kSecond / *period;
    share = (exact + kPercent - 1) / kPercent * kPercent;
  }
  properties->push_back(Number("CPUQuotaPerSecUSec", share));
}

struct Row {
  absl::string_view file;
  absl::string_view property;
};
constexpr Row kNumbers[] = {
    {"memory.max", "MemoryMax"}, {"memory.high", "MemoryHigh"},
    {"memory.low", "MemoryLow"}, {"memory.min", "MemoryMin"},
    {"pids.max", "TasksMax"},    {"memory.swap.max", "MemorySwapMax"},
    {"cpu.weight", "CPUWeight"},
};
constexpr Row kSets[] = {{"cpuset.cpus", "AllowedCPUs"}, {"cpuset.mems", "AllowedMemoryNodes"}};

}  // namespace

absl::StatusOr<ScopeName> ParseScopeName(absl::string_view path, absl::string_view id) {
  ScopeName name;
  if (path.empty()) {
    // Of an id's characters only this one is in no unit's name.
    name = {"system.slice", absl::StrCat("stave-", absl::StrReplaceAll(id, {{"+", "\\x2b"}})), ""};
  } else {
    const std::vector<std::string> parts = absl::StrSplit(path, ':');
    if (parts.size() != 3 || parts[2].empty()) {
      return Wrong(
          path, "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups");
    }
    name.slice = parts[0].empty() ? "system.slice" : parts[0];
    name.unit = absl::StrCat(parts[1], parts[1].empty() ? "" : "-", parts[2]);
  }
  const std::optional<std::string> above = SlicePath(name.slice);
  if (!above) return Wrong(path, absl::StrCat(base::Printable(name.slice, 64), " is no slice"));
  name.unit += ".scope";
  if (!IsUnitName(name.unit) || absl::StartsWith(name.unit, ".")) {
    return Wrong(path, absl::StrCat(base::Printable(name.unit, 64), " is no name of a unit"));
  }
  name.cgroup = absl::StrCat(*above, "/", name.unit);
  return name;
}

bool LooksLikeScope(absl::string_view path) {
  return std::count(path.begin(), path.end(), ':') == 2 && !absl::StrContains(path, "/");
}

std::vector<std::string> UnitProperties(const cgroup::Limits& limits, int64_t period) {
  std::vector<std::string> properties;
  for (const cgroup::Setting& setting : limits.settings) {
    if (setting.file == "cpu.max") AddQuota(setting.value, period, &properties);
    for (const Row& row : kNumbers) {
      if (setting.file != row.file) continue;
      if (const auto amount = Amount(setting.value)) {
        properties.push_back(Number(row.property, *amount));
      }
    }
    for (const Row& row : kSets) {
      if (setting.file != row.file) continue;
      if (const auto mask = Mask(setting.value)) {
        properties.push_back(absl::StrCat(row.property, "=ay:", *mask));
      }
    }
  }
  return properties;
}

}  // namespace stave::lifecycle

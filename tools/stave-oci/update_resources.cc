// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/update_resources.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"

namespace stave::stave_oci {
namespace {

using cli::Takes;
using json::Value;

constexpr cli::Option kOptions[] = {
    {"resources", 'r', Takes::kValue, "FILE",
     "read all limits from a linux.resources object in it, or from stdin for -"},
    {"memory", 0, Takes::kValue, "SIZE", "limit of memory; -1: none"},
    {"memory-swap", 0, Takes::kValue, "SIZE", "limit of memory and swap together; -1: none"},
    {"memory-reservation", 0, Takes::kValue, "SIZE", "memory that is left to it under pressure"},
    {"cpu-period", 0, Takes::kValue, "USEC", "period of the quota"},
    {"cpu-quota", 0, Takes::kValue, "USEC", "processor time in a period; -1: no limit"},
    {"cpu-burst", 0, Takes::kValue, "USEC", "unused quota that may be saved up"},
    {"cpu-share", 0, Takes::kValue, "N", "weight against others, 2 to 262144"},
    {"cpu-shares", 0, Takes::kValue, "N", "the same"},
    {"cpu-idle", 0, Takes::kValue, "0|1", "1: run only when nobody else wants to"},
    {"cpu-rt-period", 0, Takes::kValue, "USEC", "period of real-time processes"},
    {"cpu-rt-runtime", 0, Takes::kValue, "USEC", "what they may use in a period"},
    {"cpuset-cpus", 0, Takes::kValue, "LIST", "processors to use: 0-2,7"},
    {"cpuset-mems", 0, Takes::kValue, "LIST", "memory nodes to use"},
    {"pids-limit", 0, Takes::kValue, "N", "limit of processes; -1: none"},
    {"blkio-weight", 0, Takes::kValue, "N", "weight against others, 10 to 1000"},
    {"kernel-memory", 0, Takes::kValue, "SIZE", "ignored: kernels have no such limit any more"},
    {"kernel-memory-tcp", 0, Takes::kValue, "SIZE", "ignored, too"},
    {"l3-cache-schema", 0, Takes::kValue, "TEXT", "refused: there is no Intel RDT here"},
    {"mem-bw-schema", 0, Takes::kValue, "TEXT", "refused, too"},
};

constexpr size_t kMaxFile = size_t{1} << 20;
constexpr int64_t kMost = int64_t{1} << 53;

using Parser = absl::StatusOr<int64_t> (*)(const std::string&);

absl::StatusOr<int64_t> ParseSizeOrMax(const std::string& text) {
  if (text == "-1") return -1;
  return base::ParseSize(text);
}
absl::StatusOr<int64_t> ParseCount(const std::string& text) {
  return base::ParseInt(text, 0, kMost);
}
absl::StatusOr<int64_t> ParseCountOrMax(const std::string& text) {
  return base::ParseInt(text, -1, kMost);
}

struct NumberOption {
  const char* option;
  const char* part;  // of linux.resources
  const char* key;
  Parser parse;
};

constexpr NumberOption kNumbers[] = {
    {"memory", "memory", "limit", ParseSizeOrMax},
    {"memory-swap", "memory", "swap", ParseSizeOrMax},
    {"memory-reservation", "memory", "reservation", ParseSizeOrMax},
    {"cpu-period", "cpu", "period", ParseCount},
    {"cpu-quota", "cpu", "quota", ParseCountOrMax},
    {"cpu-burst", "cpu", "burst", ParseCount},
    {"cpu-share", "cpu", "shares", ParseCount},
    {"cpu-shares", "cpu", "shares", ParseCount},
    {"cpu-idle", "cpu", "idle", ParseCount},
    {"cpu-rt-period", "cpu", "realtimePeriod", ParseCount},
    {"cpu-rt-runtime", "cpu", "realtimeRuntime", ParseCountOrMax},
    {"pids-limit", "pids", "limit", ParseCountOrMax},
    {"blkio-weight", "blockIO", "weight", ParseCount},
};

absl::StatusOr<Value> ReadResources(const std::string& path) {
  std::string text;
  if (path == "-") {
    STAVE_ASSIGN_OR_RETURN(text, base::ReadAll(STDIN_FILENO, kMaxFile, "stdin"));
  } else {
    STAVE_ASSIGN_OR_RETURN(text, base::ReadFileAt(AT_FDCWD, path, kMaxFile));
  }
  auto resources = json::Parse(text);
  if (!resources.ok()) return base::WithContext(resources.status(), "--resources");
  if (resources->is_object()) return resources;
  return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                     "--resources: is not an object");
}

absl::Status RefuseRdt(const cli::Invocation& own) {
  for (const char* option : {"l3-cache-schema", "mem-bw-schema"}) {
    if (own.Get(option).empty()) continue;
    return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                       absl::StrCat("--", option, ": Intel RDT is not supported"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Span<const cli::Option> UpdateOptions() { return kOptions; }

absl::StatusOr<json::Value> RequestedResources(const cli::Invocation& own) {
  STAVE_RETURN_IF_ERROR(RefuseRdt(own));
  if (!own.Get("resources").empty()) return ReadResources(own.Get("resources"));
  Value resources = Value::Object();
  for (const NumberOption& each : kNumbers) {
    const std::string text = own.Get(each.option);
    if (text.empty()) continue;  // runc's "not given"
    const auto number = each.parse(text);
    if (!number.ok()) return cli::BadValue(each.option, number.status());
    resources.Make({each.part}).Set(each.key, Value::Number(*number));
  }
  for (const auto& [option, key] : {std::pair{"cpuset-cpus", "cpus"}, {"cpuset-mems", "mems"}}) {
    if (!own.Get(option).empty()) resources.Make({"cpu"}).Set(key, Value::String(own.Get(option)));
  }
  return resources;
}

}  // namespace stave::stave_oci

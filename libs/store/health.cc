// SPDX-License-Identifier: Apache-2.0
#include "libs/store/health.h"

#include <utility>

#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/store/record.h"

namespace stave::store {
namespace {

constexpr int64_t kVersion = 1;
constexpr size_t kMaxFile = size_t{256} << 10;
constexpr Wellness kAll[] = {Wellness::kStarting, Wellness::kHealthy, Wellness::kUnhealthy};

absl::Status Corrupt() {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT", "health.json: is damaged");
}

absl::StatusOr<HealthCheck> ParseCheck(const json::Value& value) {
  HealthCheck check;
  const json::Value* code = value.Find("exitCode");
  const json::Value* output = value.Find("output");
  if (code == nullptr || output == nullptr || !output->is_string()) return Corrupt();
  const auto number = code->AsInt64();
  if (!number.ok()) return Corrupt();
  check.exit_code = static_cast<int>(*number);
  check.output = std::string(output->text());
  for (const auto& [name, time] :
       {std::pair("start", &check.start), std::pair("end", &check.end)}) {
    const json::Value* text = value.Find(name);
    std::string error;
    if (text == nullptr || !absl::ParseTime(absl::RFC3339_full, text->text(), time, &error)) {
      return Corrupt();
    }
  }
  return check;
}

}  // namespace

const char* WellnessName(Wellness status) {
  switch (status) {
    case Wellness::kStarting:
      return "starting";
    case Wellness::kHealthy:
      return "healthy";
    case Wellness::kUnhealthy:
      return "unhealthy";
  }
  return "starting";
}

std::string FormatHealth(const Health& health) {
  json::Value::Elements log;
  for (const HealthCheck& check : health.log) {
    log.push_back(json::Value::Object({
        {"start", json::Value::String(FormatTimestamp(check.start))},
        {"end", json::Value::String(FormatTimestamp(check.end))},
        {"exitCode", json::Value::Number(check.exit_code)},
        {"output", json::Value::String(check.output)},
    }));
  }
  return json::Print(json::Value::Object({
             {"version", json::Value::Number(kVersion)},
             {"status", json::Value::String(WellnessName(health.status))},
             {"failingStreak", json::Value::Number(health.failing_streak)},
             {"log", json::Value::Array(std::move(log))},
         })) +
         "\n";
}

absl::StatusOr<Health> ParseHealth(absl::string_view text) {
  const auto value = json::Parse(text);
  if (!value.ok()) return Corrupt();
  const json::Value* status = value->Find("status");
  const json::Value* streak = value->Find("failingStreak");
  const json::Value* log = value->Find("log");
  if (status == nullptr || streak == nullptr || log == nullptr || !log->is_array()) {
    return Corrupt();
  }
  Health health;
  bool known = false;
  for (const Wellness one : kAll) {
    if (status->text() != WellnessName(one)) continue;
    health.status = one;
    known = true;
  }
  const auto number = streak->AsInt64();
  if (!known || !number.ok() || *number < 0) return Corrupt();
  health.failing_streak = *number;
  for (const json::Value& one : log->elements()) {
    STAVE_ASSIGN_OR_RETURN(HealthCheck check, ParseCheck(one));
    health.log.push_back(std::move(check));
  }
  return health;
}

absl::Status WriteHealth(int run, const Health& health) {
  return base::ReplaceFileAt(run, kHealthFile, FormatHealth(health), 0600,
                             base::Durability::kVolatile);
}

std::optional<Health> ReadHealth(int run) {
  const auto text = base::ReadFileAt(run, kHealthFile, kMaxFile);
  if (!text.ok()) return std::nullopt;
  auto health = ParseHealth(*text);
  if (!health.ok()) return std::nullopt;
  return *std::move(health);
}

}  // namespace stave::store

// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/life_member.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/oci/member_reader.h"

namespace stave::oci {
namespace {

using json::Value;

constexpr char kWord[] = "E_DOCUMENT";
constexpr int64_t kMostRetries = 1000000;
constexpr int64_t kLongestStop = int64_t{1} << 31;  // seconds
constexpr int64_t kLongest = int64_t{1} << 42;      // milliseconds
constexpr int64_t kLargest = int64_t{1} << 53;
constexpr int64_t kSmallestLog = 4096;
constexpr int64_t kMostLogFiles = 1000;
constexpr int64_t kNanos = 1000000;  // of a millisecond

constexpr std::pair<RestartPolicy, absl::string_view> kPolicies[] = {
    {RestartPolicy::kNo, "no"},
    {RestartPolicy::kOnFailure, "on-failure"},
    {RestartPolicy::kAlways, "always"},
    {RestartPolicy::kUnlessStopped, "unless-stopped"},
};

absl::string_view PolicyName(RestartPolicy policy) {
  for (const auto& [value, name] : kPolicies) {
    if (value == policy) return name;
  }
  return "no";
}

std::optional<RestartPolicy> PolicyOf(absl::string_view name) {
  for (const auto& [value, text] : kPolicies) {
    if (text == name) return value;
  }
  return std::nullopt;
}

absl::Status ReadRestart(const MemberReader& life, Restart* restart) {
  STAVE_ASSIGN_OR_RETURN(const Value* value, life.Object("restart"));
  if (value == nullptr) return absl::OkStatus();
  const MemberReader reader(*value, life.PointerTo("restart"), kWord);
  STAVE_ASSIGN_OR_RETURN(const std::string name, reader.Text("policy"));
  const auto policy = PolicyOf(name.empty() ? "no" : name);
  if (!policy) return reader.Error("policy", "is not no, on-failure, always or unless-stopped");
  restart->policy = *policy;
  STAVE_ASSIGN_OR_RETURN(restart->retries, reader.Integer("retries", 0, kMostRetries, 0));
  return absl::OkStatus();
}

absl::Status ReadStop(const MemberReader& life, Stop* stop) {
  STAVE_ASSIGN_OR_RETURN(const Value* value, life.Object("stop"));
  if (value == nullptr) return absl::OkStatus();
  const MemberReader reader(*value, life.PointerTo("stop"), kWord);
  STAVE_ASSIGN_OR_RETURN(const auto signal, reader.OptionalText("signal"));
  if (signal) stop->signal = *signal;
  if (reader.Find("timeout") == nullptr) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(stop->timeout, reader.Integer("timeout", -1, kLongestStop, 0));
  return absl::OkStatus();
}

absl::Status ReadLog(const MemberReader& life, LogWish* log) {
  STAVE_ASSIGN_OR_RETURN(const Value* value, life.Object("log"));
  if (value == nullptr) return absl::OkStatus();
  const MemberReader reader(*value, life.PointerTo("log"), kWord);
  STAVE_ASSIGN_OR_RETURN(const auto driver, reader.OptionalText("driver"));
  if (driver) log->driver = *driver;
  if (log->driver != "json-file" && log->driver != "none" && log->driver != "journald") {
    return reader.Error("driver", "is not json-file, none or journald");
  }
  STAVE_ASSIGN_OR_RETURN(log->max_size, reader.Integer("maxSize", -1, kLargest, log->max_size));
  if (log->max_size >= 0 && log->max_size < kSmallestLog) {
    return reader.Error("maxSize", absl::StrCat("is less than ", kSmallestLog, " bytes"));
  }
  STAVE_ASSIGN_OR_RETURN(log->max_file, reader.Integer("maxFile", 1, kMostLogFiles, log->max_file));
  STAVE_ASSIGN_OR_RETURN(log->tag, reader.Text("tag"));
  return absl::OkStatus();
}

// A time of `unit` nanoseconds; 0 is Docker's "the default".
absl::Status ReadTime(const MemberReader& reader, absl::string_view key, int64_t unit,
                      absl::Duration* time) {
  STAVE_ASSIGN_OR_RETURN(const int64_t count, reader.Integer(key, 0, kLongest * kNanos / unit, 0));
  if (count > 0) *time = absl::Nanoseconds(1) * unit * count;
  return absl::OkStatus();
}

// The names of one way to write a health check.
struct HealthKeys {
  absl::string_view test, interval, timeout, start_period, start_interval, retries;
  int64_t unit;  // nanoseconds
};
constexpr HealthKeys kOurs = {"test",          "interval", "timeout", "startPeriod",
                              "startInterval", "retries",  kNanos};
constexpr HealthKeys kImages = {"Test",          "Interval", "Timeout", "StartPeriod",
                                "StartInterval", "Retries",  1};

absl::Status ReadHealth(const MemberReader& reader, const HealthKeys& keys, Health* health) {
  STAVE_ASSIGN_OR_RETURN(auto test, reader.OptionalTexts(keys.test));
  if (test && !test->empty()) health->test = *std::move(test);
  STAVE_RETURN_IF_ERROR(ReadTime(reader, keys.interval, keys.unit, &health->interval));
  STAVE_RETURN_IF_ERROR(ReadTime(reader, keys.timeout, keys.unit, &health->timeout));
  STAVE_RETURN_IF_ERROR(ReadTime(reader, keys.start_period, keys.unit, &health->start_period));
  STAVE_RETURN_IF_ERROR(ReadTime(reader, keys.start_interval, keys.unit, &health->start_interval));
  STAVE_ASSIGN_OR_RETURN(const int64_t retries, reader.Integer(keys.retries, 0, kMostRetries, 0));
  if (retries > 0) health->retries = retries;
  return absl::OkStatus();
}

absl::Status ReadHealths(const Value& document, const MemberReader& life, Health* health) {
  if (const Value* image = document.Find({"stave", "image", "healthcheck"});
      image != nullptr && image->is_object()) {
    const MemberReader reader(*image, "/stave/image/healthcheck", kWord);
    STAVE_RETURN_IF_ERROR(ReadHealth(reader, kImages, health));
  }
  STAVE_ASSIGN_OR_RETURN(const Value* own, life.Object("health"));
  if (own == nullptr) return absl::OkStatus();
  return ReadHealth(MemberReader(*own, life.PointerTo("health"), kWord), kOurs, health);
}

Value& Member(absl::string_view key, Value* document) {
  Value& member = document->Make({"stave"});
  if (member.Find("version") == nullptr) member.Set("version", Value::Number(1));
  Value& life = document->Make({"stave", "life"});
  return key.empty() ? life : document->Make({"stave", "life", key});
}

}  // namespace

absl::StatusOr<Life> GetLife(const Value& document) {
  Life life;
  const Value* found = document.Find({"stave", "life"});
  const Value value = found == nullptr ? Value::Object() : *found;
  const MemberReader reader(value, "/stave/life", kWord);
  STAVE_RETURN_IF_ERROR(reader.CheckObject());
  STAVE_ASSIGN_OR_RETURN(life.interactive, reader.Flag("interactive"));
  STAVE_ASSIGN_OR_RETURN(life.init, reader.Flag("init"));
  STAVE_RETURN_IF_ERROR(ReadRestart(reader, &life.restart));
  if (const Value* signal = document.Find({"stave", "image", "stopSignal"});
      signal != nullptr && signal->is_string()) {
    life.stop.signal = std::string(signal->text());
  }
  STAVE_RETURN_IF_ERROR(ReadStop(reader, &life.stop));
  STAVE_RETURN_IF_ERROR(ReadLog(reader, &life.log));
  STAVE_RETURN_IF_ERROR(ReadHealths(document, reader, &life.health));
  return life;
}

absl::StatusOr<Restart> ParseRestart(absl::string_view text) {
  const auto refuse = [](absl::string_view why) { return absl::InvalidArgumentError(why); };
  const size_t colon = text.find(':');
  const auto policy = PolicyOf(text.substr(0, colon));
  if (!policy) {
    return refuse(absl::StrCat("\"", base::Printable(text, 64),
                               "\": is not no, on-failure[:N], always or unless-stopped"));
  }
  Restart restart{*policy, 0};
  if (colon == text.npos) return restart;
  if (*policy != RestartPolicy::kOnFailure) {
    return refuse("maximum retry count can only be used with 'on-failure'");
  }
  STAVE_ASSIGN_OR_RETURN(const uint64_t retries,
                         base::ParseUint(text.substr(colon + 1), 0, kMostRetries));
  restart.retries = static_cast<int64_t>(retries);
  return restart;
}

std::string FormatRestart(const Restart& restart) {
  std::string text(PolicyName(restart.policy));
  if (restart.retries > 0) absl::StrAppend(&text, ":", restart.retries);
  return text;
}

void SetInteractive(bool interactive, Value* document) {
  Member("", document).Set("interactive", Value::Bool(interactive));
}

void SetInit(bool init, Value* document) { Member("", document).Set("init", Value::Bool(init)); }

void SetRestart(const Restart& restart, Value* document) {
  Value& member = Member("restart", document);
  member.Set("policy", Value::String(PolicyName(restart.policy)));
  member.Set("retries", Value::Number(restart.retries));
}

void SetStopSignal(absl::string_view signal, Value* document) {
  Member("stop", document).Set("signal", Value::String(signal));
}

void SetStopTimeout(int64_t seconds, Value* document) {
  Member("stop", document).Set("timeout", Value::Number(seconds));
}

void SetLog(const LogWish& log, Value* document) {
  Value& member = Member("log", document);
  member.Set("driver", Value::String(log.driver));
  member.Set("maxSize", Value::Number(log.max_size));
  member.Set("maxFile", Value::Number(log.max_file));
  if (!log.tag.empty()) member.Set("tag", Value::String(log.tag));
}

void SetHealth(const Health& health, Value* document) {
  Value& member = Member("health", document);
  const auto set = [&member](absl::string_view key, absl::Duration time) {
    member.Set(key, Value::Number(absl::ToInt64Milliseconds(time)));
  };
  member.Set("test", Value::Strings(health.test));
  set("interval", health.interval);
  set("timeout", health.timeout);
  set("startPeriod", health.start_period);
  set("startInterval", health.start_interval);
  member.Set("retries", Value::Number(health.retries));
}

}  // namespace stave::oci

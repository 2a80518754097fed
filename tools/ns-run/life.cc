// SPDX-License-Identifier: Apache-2.0
#include "tools/ns-run/life.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/oci/env_file.h"
#include "libs/oci/life_member.h"
#include "libs/oci/stave_member.h"

namespace stave::tools {
namespace {

constexpr int64_t kLongestStop = int64_t{1} << 31;
constexpr uint64_t kMostRetries = 1000000;
constexpr int64_t kSmallestLog = 4096;
constexpr uint64_t kMostLogFiles = 1000;

absl::Status SetStop(const cli::Invocation& given, json::Value* document) {
  if (given.Has("stop-signal")) {
    const std::string text = given.Get("stop-signal");
    const auto signal = base::ParseSignal(text);
    if (!signal.ok()) return cli::BadValue("stop-signal", signal.status());
    oci::SetStopSignal(text, document);
  }
  if (given.Has("stop-timeout")) {
    const auto seconds = base::ParseInt(given.Get("stop-timeout"), -1, kLongestStop);
    if (!seconds.ok()) return cli::BadValue("stop-timeout", seconds.status());
    oci::SetStopTimeout(*seconds, document);
  }
  return absl::OkStatus();
}

absl::Status SetLogOption(const std::string& text, oci::LogWish* log) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  const auto wrong = [&text](absl::string_view why) {
    return cli::UsageError(absl::StrCat("--log-opt: \"", base::Printable(text, 64), "\": ", why));
  };
  if (parts.first == "max-size") {
    if (parts.second == "-1") {
      log->max_size = -1;
      return absl::OkStatus();
    }
    const auto size = base::ParseSize(parts.second);
    if (!size.ok()) return wrong("is no size");
    if (*size < kSmallestLog) return wrong(absl::StrCat("is less than ", kSmallestLog, " bytes"));
    log->max_size = *size;
  } else if (parts.first == "max-file") {
    const auto count = base::ParseUint(parts.second, 1, kMostLogFiles);
    if (!count.ok()) return wrong("is no number from 1 to 1000");
    log->max_file = static_cast<int64_t>(*count);
  } else if (parts.first == "tag") {
    log->tag = parts.second;
  } else {
    return wrong("is not max-size, max-file or tag");
  }
  return absl::OkStatus();
}

absl::Status SetLog(const cli::Invocation& given, json::Value* document) {
  if (!given.Has("log-driver") && !given.Has("log-opt")) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(oci::Life life, oci::GetLife(*document));
  if (given.Has("log-driver")) life.log.driver = given.Get("log-driver");
  for (const char* known : {"json-file", "none", "journald"}) {
    if (life.log.driver != known) continue;
    for (const std::string& option : given.List("log-opt")) {
      STAVE_RETURN_IF_ERROR(SetLogOption(option, &life.log));
    }
    oci::SetLog(life.log, document);
    return absl::OkStatus();
  }
  return cli::UsageError(absl::StrCat("--log-driver: \"", base::Printable(life.log.driver, 64),
                                      "\": is not json-file, none or journald"));
}

// Whether the option was given; *time is what it says then.
absl::StatusOr<bool> ReadTime(const cli::Invocation& given, const char* option,
                              absl::Duration* time) {
  if (!given.Has(option)) return false;
  const auto parsed = base::ParseDuration(given.Get(option));
  if (!parsed.ok()) return cli::BadValue(option, parsed.status());
  if (*parsed != absl::ZeroDuration() && *parsed < absl::Milliseconds(1)) {
    return cli::UsageError(absl::StrCat("--", option, ": cannot be less than 1ms"));
  }
  *time = *parsed;
  return true;
}

absl::Status SetHealth(const cli::Invocation& given, json::Value* document) {
  if (given.Has("no-healthcheck") && given.Has("health-cmd")) {
    return cli::UsageError("--no-healthcheck conflicts with --health-* options");
  }
  STAVE_ASSIGN_OR_RETURN(oci::Life life, oci::GetLife(*document));
  oci::Health& health = life.health;
  bool changed = false;
  if (given.Has("no-healthcheck")) {
    health.test = {"NONE"};
    changed = true;
  }
  if (given.Has("health-cmd")) {
    health.test = {"CMD-SHELL", given.Get("health-cmd")};
    changed = true;
  }
  const std::pair<const char*, absl::Duration*> times[] = {
      {"health-interval", &health.interval},
      {"health-timeout", &health.timeout},
      {"health-start-period", &health.start_period},
      {"health-start-interval", &health.start_interval}};
  for (const auto& [option, time] : times) {
    STAVE_ASSIGN_OR_RETURN(const bool set, ReadTime(given, option, time));
    changed = changed || set;
  }
  if (given.Has("health-retries")) {
    const auto retries = base::ParseUint(given.Get("health-retries"), 0, kMostRetries);
    if (!retries.ok()) return cli::BadValue("health-retries", retries.status());
    health.retries = static_cast<int64_t>(*retries);
    changed = true;
  }
  if (changed) oci::SetHealth(health, document);
  return absl::OkStatus();
}

absl::Status SetLabels(const cli::Invocation& given, json::Value* document) {
  oci::TextPairs labels;
  std::vector<std::string> texts;
  for (const std::string& path : given.List("label-file")) {
    auto lines = oci::ReadEnvFile(path);
    if (!lines.ok()) return base::WithContext(lines.status(), "--label-file");
    for (std::string& line : *lines) texts.push_back(std::move(line));
  }
  for (std::string& text : given.List("label")) texts.push_back(std::move(text));
  for (const std::string& text : texts) {
    std::pair<std::string, std::string> label = absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (label.first.empty()) {
      return cli::UsageError(
          absl::StrCat("--label: \"", base::Printable(text, 64), "\": has no name"));
    }
    labels.push_back(std::move(label));
  }
  if (!labels.empty()) oci::SetLabels(labels, document);
  return absl::OkStatus();
}

}  // namespace

absl::Status SetLife(const cli::Invocation& given, json::Value* document) {
  if (given.Has("init")) oci::SetInit(true, document);
  if (given.Has("interactive")) oci::SetInteractive(true, document);
  if (given.Has("restart")) {
    const auto restart = oci::ParseRestart(given.Get("restart"));
    if (!restart.ok()) return cli::BadValue("restart", restart.status());
    oci::SetRestart(*restart, document);
  }
  STAVE_RETURN_IF_ERROR(SetStop(given, document));
  STAVE_RETURN_IF_ERROR(SetLog(given, document));
  STAVE_RETURN_IF_ERROR(SetHealth(given, document));
  return SetLabels(given, document);
}

}  // namespace stave::tools

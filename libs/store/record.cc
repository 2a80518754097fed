// SPDX-License-Identifier: Apache-2.0
#include "libs/store/record.h"

#include <sys/types.h>

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace stave::store {
namespace {

constexpr int64_t kVersion = 1;
constexpr int64_t kMaxExact = int64_t{1} << 53;
constexpr int64_t kMaxPid = int64_t{1} << 22;  // proc(5) pid_max

absl::Status Damaged(absl::string_view why) {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT", why);
}

json::Value TimeValue(const std::optional<absl::Time>& time) {
  return time.has_value() ? json::Value::String(FormatTimestamp(*time)) : json::Value();
}

json::Value IdentityValue(const std::optional<base::ProcessIdentity>& identity) {
  if (!identity.has_value()) return json::Value();
  json::Value value;
  value.Set("boot", json::Value::String(identity->boot_id));
  value.Set("pid", json::Value::Number(identity->pid));
  value.Set("start", json::Value::Number(static_cast<int64_t>(identity->start_time)));
  if (identity->inode) {
    value.Set("inode", json::Value::Number(static_cast<int64_t>(*identity->inode)));
  }
  return value;
}

json::Value Versioned() {
  json::Value value;
  value.Set("version", json::Value::Number(kVersion));
  return value;
}

// Reads members one after the other and remembers the first that is wrong.
class Reader {
 public:
  explicit Reader(const json::Value& object) : object_(object) {}

  std::string Text(absl::string_view key) {
    const json::Value* value = object_.Find(key);
    if (value == nullptr || !value->is_string()) return Wrong<std::string>(key);
    return value->text();
  }
  bool Flag(absl::string_view key) {
    const json::Value* value = object_.Find(key);
    return value != nullptr && value->boolean();
  }
  std::optional<int64_t> Integer(absl::string_view key, int64_t low, int64_t high) {
    const json::Value* value = object_.Find(key);
    if (value == nullptr || value->is_null()) return std::nullopt;
    const auto number = value->AsInt64();
    if (!number.ok() || *number < low || *number > high) {
      return Wrong<std::optional<int64_t>>(key);
    }
    return *number;
  }
  std::optional<absl::Time> Time(absl::string_view key) {
    const json::Value* value = object_.Find(key);
    if (value == nullptr || value->is_null()) return std::nullopt;
    absl::Time time;
    std::string error;
    if (!value->is_string() || !absl::ParseTime(absl::RFC3339_full, value->text(), &time, &error) ||
        time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
      return Wrong<std::optional<absl::Time>>(key);
    }
    return time;
  }
  std::optional<base::ProcessIdentity> Identity(absl::string_view key) {
    const json::Value* value = object_.Find(key);
    if (value == nullptr || value->is_null()) return std::nullopt;
    Reader inner(*value);
    base::ProcessIdentity identity;
    identity.boot_id = inner.Text("boot");
    identity.pid = static_cast<pid_t>(inner.Integer("pid", 1, kMaxPid).value_or(0));
    identity.start_time = static_cast<uint64_t>(inner.Integer("start", 0, INT64_MAX).value_or(0));
    if (const auto inode = inner.Integer("inode", 0, kMaxExact)) {
      identity.inode = static_cast<uint64_t>(*inode);
    }
    if (!inner.status().ok() || identity.pid == 0) {
      return Wrong<std::optional<base::ProcessIdentity>>(key);
    }
    return identity;
  }
  std::vector<std::string> Texts(absl::string_view key) {
    std::vector<std::string> texts;
    const json::Value* value = object_.Find(key);
    if (value == nullptr || !value->is_array()) return Wrong<std::vector<std::string>>(key);
    for (const json::Value& element : value->elements()) {
      if (!element.is_string()) return Wrong<std::vector<std::string>>(key);
      texts.push_back(element.text());
    }
    return texts;
  }
  std::map<std::string, std::string> TextMap(absl::string_view key) {
    std::map<std::string, std::string> texts;
    const json::Value* value = object_.Find(key);
    if (value == nullptr || !value->is_object()) {
      return Wrong<std::map<std::string, std::string>>(key);
    }
    for (const auto& [name, member] : value->members()) texts[name] = member.text();
    return texts;
  }

  template <typename T>
  T Wrong(absl::string_view key) {
    if (status_.ok()) status_ = Damaged(absl::StrCat("/", key, " is missing or wrong"));
    return T();
  }
  const absl::Status& status() const { return status_; }

 private:
  const json::Value& object_;
  absl::Status status_;
};

absl::StatusOr<json::Value> ParseVersioned(absl::string_view text) {
  auto parsed = json::Parse(text, {.bytes = kMaxRecordBytes});
  if (!parsed.ok()) return Damaged(parsed.status().message());
  Reader reader(*parsed);
  const std::optional<int64_t> version = reader.Integer("version", 1, INT64_MAX);
  if (!version.has_value()) return Damaged("/version is missing or wrong");
  if (*version > kVersion) return Damaged(absl::StrCat("/version ", *version, " is too new"));
  return parsed;
}

}  // namespace

const char* StatusName(Status status) {
  switch (status) {
    case Status::kCreated:
      return "created";
    case Status::kRunning:
      return "running";
    case Status::kRestarting:
      return "restarting";
    case Status::kExited:
      break;
  }
  return "exited";
}

bool IsLive(Status status) { return status == Status::kRunning || status == Status::kRestarting; }

std::string FormatTimestamp(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

std::string FormatRecord(const Record& record) {
  json::Value value = Versioned();
  value.Set("id", json::Value::String(record.id));
  value.Set("name", json::Value::String(record.name));
  value.Set("image", json::Value::String(record.image));
  value.Set("imageDigest", json::Value::String(record.image_digest));
  value.Set("command", json::Value::Strings(record.command));
  value.Set("created", json::Value::String(FormatTimestamp(record.created)));
  json::Value labels = json::Value::Object();
  for (const auto& [key, text] : record.labels) labels.Set(key, json::Value::String(text));
  value.Set("labels", std::move(labels));
  value.Set("rm", json::Value::Bool(record.rm));
  value.Set("started", json::Value::Bool(record.started));
  return json::Print(value) + "\n";
}

std::string FormatState(const State& state) {
  json::Value value = Versioned();
  value.Set("status", json::Value::String(StatusName(state.status)));
  value.Set("init", IdentityValue(state.init));
  value.Set("runner", IdentityValue(state.runner));
  value.Set("started", TimeValue(state.started));
  value.Set("finished", TimeValue(state.finished));
  value.Set("cgroup", json::Value::String(state.cgroup));
  if (state.restarts > 0) value.Set("restarts", json::Value::Number(state.restarts));
  if (state.last_code) value.Set("lastCode", json::Value::Number(*state.last_code));
  return json::Print(value) + "\n";
}

std::string FormatExit(const Exit& exit) {
  const auto number = [](const std::optional<int>& n) {
    return n.has_value() ? json::Value::Number(*n) : json::Value();
  };
  json::Value value = Versioned();
  value.Set("code", number(exit.code));
  value.Set("signal", number(exit.signal));
  value.Set("oom", json::Value::Bool(exit.oom));
  if (exit.requested) value.Set("requested", json::Value::Bool(true));
  if (exit.restarts > 0) value.Set("restarts", json::Value::Number(exit.restarts));
  value.Set("started", TimeValue(exit.started));
  value.Set("finished", TimeValue(exit.finished));
  return json::Print(value) + "\n";
}

absl::StatusOr<Record> ParseRecord(absl::string_view text) {
  STAVE_ASSIGN_OR_RETURN(const json::Value value, ParseVersioned(text));
  Reader reader(value);
  Record record;
  record.id = reader.Text("id");
  record.name = reader.Text("name");
  record.image = reader.Text("image");
  record.image_digest = reader.Text("imageDigest");
  record.command = reader.Texts("command");
  const std::optional<absl::Time> created = reader.Time("created");
  if (!created.has_value()) reader.Wrong<int>("created");
  record.created = created.value_or(absl::UnixEpoch());
  record.labels = reader.TextMap("labels");
  record.rm = reader.Flag("rm");
  record.started = reader.Flag("started");
  STAVE_RETURN_IF_ERROR(reader.status());
  if (!base::IsId(record.id)) return Damaged("/id is no id");
  return record;
}

absl::StatusOr<State> ParseState(absl::string_view text) {
  STAVE_ASSIGN_OR_RETURN(const json::Value value, ParseVersioned(text));
  Reader reader(value);
  State state;
  const std::string status = reader.Text("status");
  bool known = false;
  for (const Status candidate :
       {Status::kCreated, Status::kRunning, Status::kRestarting, Status::kExited}) {
    if (status != StatusName(candidate)) continue;
    state.status = candidate;
    known = true;
  }
  if (!known) reader.Wrong<int>("status");
  state.init = reader.Identity("init");
  state.runner = reader.Identity("runner");
  state.started = reader.Time("started");
  state.finished = reader.Time("finished");
  state.cgroup = reader.Text("cgroup");
  state.restarts = reader.Integer("restarts", 0, kMaxExact).value_or(0);
  if (const auto code = reader.Integer("lastCode", 0, 255)) {
    state.last_code = static_cast<int>(*code);
  }
  STAVE_RETURN_IF_ERROR(reader.status());
  return state;
}

absl::StatusOr<Exit> ParseExit(absl::string_view text) {
  STAVE_ASSIGN_OR_RETURN(const json::Value value, ParseVersioned(text));
  Reader reader(value);
  Exit exit;
  if (const auto code = reader.Integer("code", 0, 255)) exit.code = static_cast<int>(*code);
  if (const auto signal = reader.Integer("signal", 1, 64)) {
    exit.signal = static_cast<int>(*signal);
  }
  exit.oom = reader.Flag("oom");
  exit.requested = reader.Flag("requested");
  exit.restarts = reader.Integer("restarts", 0, kMaxExact).value_or(0);
  exit.started = reader.Time("started");
  exit.finished = reader.Time("finished");
  STAVE_RETURN_IF_ERROR(reader.status());
  return exit;
}

}  // namespace stave::store

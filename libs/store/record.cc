// SPDX-License-Identifier: Apache-2.0
#include "libs/store/record.h"

#include <sys/types.h>

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
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

void SetText(absl::string_view key, const std::string& text, json::Value* value) {
  if (!text.empty()) value->Set(key, json::Value::String(text));
}

json::Value MountsValue(const std::vector<RecordMount>& mounts) {
  json::Value value = json::Value::Array();
  for (const RecordMount& mount : mounts) {
    value.elements().push_back(
        json::Value::Object({{"source", json::Value::String(mount.source)},
                             {"destination", json::Value::String(mount.destination)}}));
  }
  return value;
}

json::Value Versioned() {
  json::Value value;
  value.Set("version", json::Value::Number(kVersion));
  return value;
}

// The number that `text` is, all of it digits; -1 for others.
int Digits(absl::string_view text) {
  int number = 0;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return -1;
    number = number * 10 + (c - '0');
  }
  return text.empty() ? -1 : number;
}

// "2026-01-02T03:04:05.6Z", as FormatTimestamp writes it. A list has thousands of them, and
// absl::ParseTime takes longer than all else that is done about a container.
std::optional<absl::Time> ParseOwnTimestamp(absl::string_view text) {
  constexpr size_t kWhole = 19;  // up to the seconds
  if (text.size() <= kWhole || text.back() != 'Z' || text.size() > kWhole + 11) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const int year = Digits(text.substr(0, 4)), month = Digits(text.substr(5, 2)),
            day = Digits(text.substr(8, 2)), hour = Digits(text.substr(11, 2)),
            minute = Digits(text.substr(14, 2)), second = Digits(text.substr(17, 2));
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > 28 || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 59) {
    return std::nullopt;  // wrong, or the end of a month: looked at more closely
  }
  const absl::string_view fraction = text.substr(kWhole, text.size() - kWhole - 1);
  int nanos = 0;
  if (!fraction.empty()) {
    nanos = Digits(fraction.substr(1));
    if (fraction[0] != '.' || nanos < 0) return std::nullopt;
    for (size_t i = fraction.size(); i < 10; ++i) nanos *= 10;
  }
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  return absl::FromUnixSeconds(civil - absl::CivilSecond()) + absl::Nanoseconds(nanos);
}

std::optional<absl::Time> ParseTimestamp(absl::string_view text) {
  if (const auto time = ParseOwnTimestamp(text)) return time;
  absl::Time time;
  std::string error;
  const bool is_time = absl::ParseTime(absl::RFC3339_full, text, &time, &error) &&
                       time != absl::InfiniteFuture() && time != absl::InfinitePast();
  return is_time ? std::optional<absl::Time>(time) : std::nullopt;
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
    std::optional<absl::Time> time;
    if (value->is_string()) time = ParseTimestamp(value->text());
    return time.has_value() ? time : Wrong<std::optional<absl::Time>>(key);
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
  // A member that may be absent.
  std::string TextOrNothing(absl::string_view key) {
    return object_.Find(key) == nullptr ? "" : Text(key);
  }
  std::vector<std::string> TextsOrNothing(absl::string_view key) {
    return object_.Find(key) == nullptr ? std::vector<std::string>() : Texts(key);
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

  // The same of members that may be absent.
  std::string TextOrNone(absl::string_view key) {
    return object_.Find(key) == nullptr ? "" : Text(key);
  }
  std::vector<std::string> TextsOrNone(absl::string_view key) {
    return object_.Find(key) == nullptr ? std::vector<std::string>() : Texts(key);
  }
  std::vector<RecordMount> Mounts(absl::string_view key) {
    std::vector<RecordMount> mounts;
    const json::Value* value = object_.Find(key);
    if (value == nullptr) return mounts;
    if (!value->is_array()) return Wrong<std::vector<RecordMount>>(key);
    for (const json::Value& element : value->elements()) {
      Reader inner(element);
      mounts.push_back({inner.Text("source"), inner.Text("destination")});
      if (!inner.status().ok()) return Wrong<std::vector<RecordMount>>(key);
    }
    return mounts;
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

json::Value SentValue(const SentSignal& sent) {
  json::Value value;
  value.Set("signal", json::Value::Number(sent.signal));
  value.Set("time", json::Value::String(FormatTimestamp(sent.time)));
  value.Set("why", json::Value::String(sent.why));
  if (sent.pid) value.Set("pid", json::Value::Number(*sent.pid));
  if (sent.uid) value.Set("uid", json::Value::Number(*sent.uid));
  if (!sent.name.empty()) value.Set("name", json::Value::String(sent.name));
  return value;
}

json::Value ErrorValue(const StartError& error) {
  json::Value value;
  value.Set("time", json::Value::String(FormatTimestamp(error.time)));
  value.Set("word", json::Value::String(error.word));
  value.Set("cause", json::Value::String(error.cause));
  value.Set("message", json::Value::String(error.message));
  if (!error.hint.empty()) value.Set("hint", json::Value::String(error.hint));
  return value;
}

json::Value ExitValue(const Exit& exit) {
  const auto number = [](const auto& n) {
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
  if (exit.pid) value.Set("pid", number(exit.pid));
  if (exit.pids_refused > 0) value.Set("pidsRefused", json::Value::Number(exit.pids_refused));
  if (exit.watcher_lost) value.Set("watcherLost", json::Value::Bool(true));
  if (!exit.kernel.empty()) value.Set("kernel", json::Value::Strings(exit.kernel));
  if (!exit.sent.empty()) {
    json::Value::Elements sent;
    for (const SentSignal& one : exit.sent) sent.push_back(SentValue(one));
    value.Set("sent", json::Value::Array(std::move(sent)));
  }
  if (exit.error) value.Set("error", ErrorValue(*exit.error));
  return value;
}

SentSignal ReadSent(Reader* reader) {
  SentSignal sent;
  sent.signal = static_cast<int>(reader->Integer("signal", 1, 64).value_or(0));
  sent.time = reader->Time("time").value_or(absl::UnixEpoch());
  sent.why = reader->Text("why");
  sent.pid = reader->Integer("pid", 0, kMaxPid);
  sent.uid = reader->Integer("uid", 0, UINT32_MAX);
  sent.name = reader->TextOrNothing("name");
  return sent;
}

StartError ReadError(Reader* reader) {
  StartError error;
  error.time = reader->Time("time").value_or(absl::UnixEpoch());
  error.word = reader->Text("word");
  error.cause = reader->TextOrNothing("cause");
  error.message = reader->Text("message");
  error.hint = reader->TextOrNothing("hint");
  return error;
}

absl::StatusOr<Exit> ExitOf(const json::Value& value) {
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
  exit.pid = reader.Integer("pid", 1, kMaxPid);
  exit.pids_refused = reader.Integer("pidsRefused", 0, kMaxExact).value_or(0);
  exit.watcher_lost = reader.Flag("watcherLost");
  exit.kernel = reader.TextsOrNothing("kernel");
  if (const json::Value* sent = value.Find("sent"); sent != nullptr && sent->is_array()) {
    for (const json::Value& one : sent->elements()) {
      Reader inner(one);
      exit.sent.push_back(ReadSent(&inner));
      STAVE_RETURN_IF_ERROR(inner.status());
    }
  }
  if (const json::Value* error = value.Find("error"); error != nullptr && error->is_object()) {
    Reader inner(*error);
    exit.error = ReadError(&inner);
    STAVE_RETURN_IF_ERROR(inner.status());
  }
  STAVE_RETURN_IF_ERROR(reader.status());
  return exit;
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
  SetText("imageId", record.image_id, &value);
  SetText("imageAsked", record.image_asked, &value);
  SetText("network", record.network, &value);
  if (!record.ports.empty()) value.Set("ports", json::Value::Strings(record.ports));
  if (!record.mounts.empty()) value.Set("mounts", MountsValue(record.mounts));
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
  if (state.last) value.Set("last", ExitValue(*state.last));
  if (state.next) value.Set("next", TimeValue(state.next));
  return json::Print(value) + "\n";
}

std::string FormatExit(const Exit& exit) { return json::Print(ExitValue(exit)) + "\n"; }

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
  record.image_id = reader.TextOrNone("imageId");
  record.image_asked = reader.TextOrNone("imageAsked");
  record.network = reader.TextOrNone("network");
  record.ports = reader.TextsOrNone("ports");
  record.mounts = reader.Mounts("mounts");
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
  if (const json::Value* last = value.Find("last"); last != nullptr && last->is_object()) {
    STAVE_ASSIGN_OR_RETURN(state.last, ExitOf(*last));
  }
  state.next = reader.Time("next");
  STAVE_RETURN_IF_ERROR(reader.status());
  return state;
}

absl::StatusOr<Exit> ParseExit(absl::string_view text) {
  STAVE_ASSIGN_OR_RETURN(const json::Value value, ParseVersioned(text));
  return ExitOf(value);
}

}  // namespace stave::store

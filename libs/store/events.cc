// SPDX-License-Identifier: Apache-2.0
#include "libs/store/events.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/json/utf8.h"
#include "libs/json/value.h"
#include "libs/store/record.h"

namespace stave::store {
namespace {

constexpr int kTries = 8;

absl::Status Damaged(absl::string_view why) {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT", absl::StrCat("event: ", why));
}

// Whether `fd` still is what bears the name.
bool IsCurrent(int run, int fd) {
  struct stat mine, there;
  return ::fstat(fd, &mine) == 0 && ::fstatat(run, kEventsFile, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

base::UniqueFd OpenToAppend(int run) {
  return base::UniqueFd(::openat(
      run, kEventsFile, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
}

// Renames the file `fd` if it has grown large and nobody is writing. It stays locked until `fd` is
// closed: who waits to write sees then that it is not the current one.
void RotateIfLarge(int run, int fd) {
  struct stat st;
  if (::fstat(fd, &st) < 0 || st.st_size < kMaxEventBytes) return;
  if (::flock(fd, LOCK_EX | LOCK_NB) < 0 || !IsCurrent(run, fd)) return;
  ::renameat(run, kEventsFile, run, kOldEventsFile);
}

// After a line that was cut off (no space left) the next one begins on its own.
bool EndsInALine(int fd) {
  struct stat st;
  char last = '\n';
  return ::fstat(fd, &st) < 0 || st.st_size == 0 || ::pread(fd, &last, 1, st.st_size - 1) != 1 ||
         last == '\n';
}

// Whether the line went into the current file.
bool WriteTo(int run, int fd, const std::string& line, bool last_try) {
  const bool locked = ::flock(fd, LOCK_SH | LOCK_NB) == 0;
  if ((!locked || !IsCurrent(run, fd)) && !last_try) return false;
  // What a killed writer left, and not what another one is just adding.
  const bool torn = !EndsInALine(fd) && ::flock(fd, LOCK_EX | LOCK_NB) == 0 && !EndsInALine(fd);
  const std::string text = torn ? absl::StrCat("\n", line) : line;
  [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
  return true;
}

}  // namespace

std::string FormatEvent(const Event& event) {
  json::Value attributes = json::Value::Object();
  // A command line may be anything.
  for (const auto& [key, text] : event.attributes) {
    attributes.Set(key, json::Value::String(json::ToUtf8(text).text));
  }
  json::Value value;
  value.Set("time", json::Value::String(FormatTimestamp(event.time)));
  value.Set("type", json::Value::String(event.type));
  value.Set("action", json::Value::String(event.action));
  value.Set("id", json::Value::String(event.id));
  value.Set("name", json::Value::String(event.name));
  value.Set("attributes", std::move(attributes));
  return json::Print(value);
}

absl::StatusOr<Event> ParseEvent(absl::string_view line) {
  const auto parsed = json::Parse(line, {.bytes = kMaxEventLine});
  if (!parsed.ok()) return Damaged(parsed.status().message());
  Event event;
  const json::Value* time = parsed->Find("time");
  std::string error;
  if (time == nullptr || !time->is_string() ||
      !absl::ParseTime(absl::RFC3339_full, time->text(), &event.time, &error) ||
      event.time == absl::InfiniteFuture() || event.time == absl::InfinitePast()) {
    return Damaged("/time is missing or wrong");
  }
  const auto text = [&](const char* key, std::string* into) {
    const json::Value* found = parsed->Find(key);
    if (found == nullptr || !found->is_string()) return false;
    *into = found->text();
    return true;
  };
  if (!text("type", &event.type) || !text("action", &event.action) || !text("id", &event.id) ||
      !text("name", &event.name)) {
    return Damaged("a member is missing or wrong");
  }
  if (const json::Value* attributes = parsed->Find("attributes")) {
    for (const auto& [key, member] : attributes->members()) event.attributes[key] = member.text();
  }
  return event;
}

void AppendEvent(const Store& store, Event event) {
  if (store.run() < 0) return;
  if (event.time == absl::UnixEpoch()) event.time = absl::Now();
  std::string line = FormatEvent(event) + "\n";
  if (line.size() > kMaxEventLine) {
    event.attributes.clear();
    line = FormatEvent(event) + "\n";
  }
  for (int i = 1; i <= kTries; ++i) {
    const base::UniqueFd fd = OpenToAppend(store.run());
    if (!fd.valid()) return;
    if (!WriteTo(store.run(), fd.get(), line, i == kTries)) continue;
    RotateIfLarge(store.run(), fd.get());
    return;
  }
}

void AppendEvent(const Store& store, absl::string_view action, const std::string& id,
                 const std::string& name, std::map<std::string, std::string> attributes) {
  Event event;
  event.action = std::string(action);
  event.id = id;
  event.name = name;
  event.attributes = std::move(attributes);
  AppendEvent(store, std::move(event));
}

}  // namespace stave::store

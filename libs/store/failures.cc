// SPDX-License-Identifier: Apache-2.0
#include "libs/store/failures.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace stave::store {
namespace {

constexpr off_t kMaxBytes = off_t{256} << 10;

absl::Status Damaged() {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT", "failures.json: is damaged");
}

}  // namespace

std::string FormatFailure(const Failure& failure) {
  auto exit = json::Parse(FormatExit(failure.exit));
  return json::Print(json::Value::Object({
      {"name", json::Value::String(failure.name)},
      {"exit", exit.ok() ? *std::move(exit) : json::Value()},
  }));
}

absl::StatusOr<Failure> ParseFailure(absl::string_view line) {
  const auto value = json::Parse(line, {.bytes = kMaxRecordBytes});
  if (!value.ok()) return Damaged();
  const json::Value* name = value->Find("name");
  const json::Value* exit = value->Find("exit");
  if (name == nullptr || !name->is_string() || exit == nullptr) return Damaged();
  Failure failure;
  failure.name = name->text();
  STAVE_ASSIGN_OR_RETURN(failure.exit, ParseExit(json::Print(*exit)));
  return failure;
}

void AppendFailure(const Store& store, const Failure& failure) {
  if (store.run() < 0) return;
  const base::UniqueFd fd(
      ::openat(store.run(), kFailuresFile,
               O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  struct stat st;
  if (!fd.valid() || ::fstat(fd.get(), &st) < 0 || !S_ISREG(st.st_mode)) return;
  if (st.st_size > kMaxBytes && ::ftruncate(fd.get(), 0) < 0) return;
  const std::string line = FormatFailure(failure) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(fd.get(), line.data(), line.size());
}

std::optional<Failure> FindFailure(const Store& store, absl::string_view name) {
  std::optional<Failure> found;
  if (store.run() < 0) return found;
  const auto text = base::ReadFileAt(store.run(), kFailuresFile, kMaxRecordBytes);
  if (!text.ok()) return found;
  for (const absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    auto failure = ParseFailure(line);
    if (failure.ok() && failure->name == name) found = *std::move(failure);
  }
  return found;
}

}  // namespace stave::store

// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/start_failure.h"

#include <utility>

#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/runtime/report.h"
#include "libs/store/failures.h"

namespace stave::runtime {
namespace {

constexpr size_t kMaxText = 4096;
constexpr int kAnyFailure = 128;

}  // namespace

store::StartError StartErrorOf(const absl::Status& why) {
  store::StartError error;
  error.time = absl::Now();
  error.word = base::ErrorWord(why);
  error.cause = CauseOf(why);
  error.message = base::Printable(why.message(), kMaxText);
  error.hint = base::Printable(base::ErrorHint(why), kMaxText);
  return error;
}

int StoredCodeOf(const absl::Status& why) {
  const int code = ExitCodeOf(why);
  return code == kOwnFailure ? kAnyFailure : code;
}

absl::Status WriteStartFailure(const absl::Status& why, const store::Container& container) {
  const store::Exit before = container.ReadExit().value_or(store::Exit());
  store::Exit exit;
  exit.code = StoredCodeOf(why);
  exit.requested = before.requested;
  exit.restarts = before.restarts;
  exit.started = before.started;
  exit.finished = before.finished;
  exit.error = StartErrorOf(why);
  return container.WriteExit(exit);
}

void NoteFailure(const absl::Status& why, const std::string& name, const store::Store& store) {
  if (name.empty() || ExitCodeOf(why) == kNotShown) return;
  store::Failure failure;
  failure.name = name;
  failure.exit.code = StoredCodeOf(why);
  failure.exit.error = StartErrorOf(why);
  store::AppendFailure(store, failure);
}

}  // namespace stave::runtime

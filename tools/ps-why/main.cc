// SPDX-License-Identifier: Apache-2.0
//
// ps-why: tells why a container has died, why it could not be started, or what it is doing. Reads
// only. Manual: ps-why(1).
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/store/containers.h"
#include "libs/store/failures.h"
#include "libs/store/store.h"
#include "tools/ps-why/gather.h"
#include "tools/ps-why/verdict.h"

DEFINE_bool(json, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"json", 0, cli::Takes::kNothing, "",
     "print one JSON object a container, with the evidence; a stable interface"},
};

constexpr cli::Program kProgram = {
    .name = "ps-why",
    .purpose = "tell why a container has died or could not be started",
    .synopsis = "[OPTION...] CONTAINER...",
    .options = kOptions,
};

struct Found {
  tools::Evidence evidence;
  tools::Verdict verdict;
  std::string name;
};

// What never came to be, or is gone; of both what was last.
absl::StatusOr<Found> FindGone(const store::Store& store, const std::string& text,
                               absl::Status none) {
  std::optional<tools::Evidence> removed = tools::GatherRemoved(store, text);
  const std::optional<store::Failure> failure = store::FindFailure(store, text);
  std::optional<tools::Verdict> verdict;
  if (removed) verdict = tools::JudgeRemoved(*removed);
  const bool failed_last =
      failure && (!verdict || removed->events.back().time < failure->exit.error->time);
  if (failed_last) {
    tools::Evidence evidence;
    evidence.view.exit = failure->exit;
    return Found{std::move(evidence), tools::JudgeFailure(failure->exit, absl::Now()), text};
  }
  if (!verdict) return none;
  return Found{*removed, *std::move(verdict), removed->view.record.name};
}

absl::StatusOr<Found> Find(const store::Store& store, const std::string& text) {
  const auto id = store::FindContainer(store, text);
  if (absl::IsNotFound(id.status())) return FindGone(store, text, id.status());
  STAVE_RETURN_IF_ERROR(id.status());
  STAVE_ASSIGN_OR_RETURN(tools::Evidence evidence, tools::Gather(store, *id));
  tools::Verdict verdict = tools::Judge(evidence);
  std::string name = evidence.view.record.name.empty() ? text : evidence.view.record.name;
  return Found{std::move(evidence), std::move(verdict), std::move(name)};
}

absl::Status Print(const Found& found) {
  if (FLAGS_json) {
    const json::Value line = tools::ToJson(found.verdict, found.evidence, found.name);
    return base::WriteAll(STDOUT_FILENO, json::Print(line) + "\n", "stdout");
  }
  STAVE_RETURN_IF_ERROR(base::WriteAll(
      STDOUT_FILENO,
      absl::StrCat(base::Printable(found.name, 255), ": ", found.verdict.summary, "\n"), "stdout"));
  if (found.verdict.hint.empty()) return absl::OkStatus();
  return base::WriteAll(STDERR_FILENO, absl::StrCat("hint: ", found.verdict.hint, "\n"), "stderr");
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (given.operands().empty()) return cli::UsageError("at least one CONTAINER is wanted");
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  int code = 0;
  for (const std::string& name : given.operands()) {
    const absl::StatusOr<Found> found = Find(store, name);
    if (found.ok()) {
      STAVE_RETURN_IF_ERROR(Print(*found));
      continue;
    }
    cli::PrintError(kProgram, found.status());
    code = 1;
  }
  return code;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

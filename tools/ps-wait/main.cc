// SPDX-License-Identifier: Apache-2.0
//
// ps-wait: waits until containers have ended, or until nothing of them is left.
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "libs/base/deadline.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/runtime/await_end.h"
#include "libs/runtime/recover.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"

DEFINE_bool(gone, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"gone", 0, cli::Takes::kNothing, "",
     "wait until record, cgroup and files are gone, too; a container that does not exist is none "
     "to wait for"},
};

constexpr cli::Program kProgram = {
    .name = "ps-wait",
    .purpose = "wait until containers have ended",
    .synopsis = "[OPTION...] CONTAINER...",
    .options = kOptions,
};

absl::Status Print(const std::string& line) {
  return base::WriteAll(STDOUT_FILENO, line + "\n", "stdout");
}

// The line that tells of one. Its end is waited for first, so that a later container of its name is
// not meant; so those after it are found before anything is waited for.
absl::StatusOr<std::string> Await(const store::Store& store, const std::string& id) {
  const auto never = base::Deadline::Never();
  STAVE_RETURN_IF_ERROR(runtime::AwaitMade(store, id, never));
  STAVE_ASSIGN_OR_RETURN(const std::optional<runtime::SeenEnd> end,
                         runtime::AwaitEnd(store, id, never));
  if (FLAGS_gone) STAVE_RETURN_IF_ERROR(runtime::AwaitGone(store, id, never));
  const bool known = end.has_value() && end->code.has_value();
  return known ? absl::StrCat(*end->code) : std::string("unknown");
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (given.operands().empty()) return cli::UsageError("at least one CONTAINER is wanted");
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  const absl::Status swept = runtime::Sweep(store);
  if (!swept.ok()) cli::PrintWarning(kProgram, swept.message());
  std::vector<absl::StatusOr<std::string>> ids;
  store::ContainerFinder finder(store);
  for (const std::string& name : given.operands()) ids.push_back(finder.Find(name));
  int code = 0;
  for (const absl::StatusOr<std::string>& id : ids) {
    absl::Status status = id.status();
    if (id.ok()) {
      const absl::StatusOr<std::string> line = Await(store, *id);
      if (line.ok()) STAVE_RETURN_IF_ERROR(Print(*line));
      status = line.status();
    }
    if (status.ok() || (FLAGS_gone && absl::IsNotFound(status))) continue;
    cli::PrintError(kProgram, status);
    code = 1;
  }
  return code;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
//
// ps-remove: removes containers, their names, records and writable layers.
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/runtime/recover.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"

DEFINE_bool(force, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"force", 'f', cli::Takes::kNothing, "",
     "kill a running container first; one that does not exist is no error"},
};

constexpr cli::Program kProgram = {
    .name = "ps-remove",
    .purpose = "remove containers",
    .synopsis = "[OPTION...] CONTAINER...",
    .options = kOptions,
};

constexpr int kTries = 5;

absl::Status RefuseRunning(const std::string& name) {
  return base::WithHint(
      base::Error(absl::StatusCode::kFailedPrecondition, "E_RUNNING",
                  absl::StrCat("cannot remove container \"", name,
                               "\": container is running: stop the container before removing or "
                               "force remove")),
      absl::StrCat("ps-remove -f ", name));
}

// Removes the container that `name` means. Errors: NotFound, and those of the removal.
absl::Status RemoveOnce(const store::Store& store, const std::string& name, const std::string& id) {
  const auto container = store::GetContainer(store, id);
  if (!container.ok() && !absl::IsNotFound(container.status())) return container.status();
  if (container.ok() && container->status == store::Status::kRunning) {
    if (!FLAGS_force) return RefuseRunning(name);
    const absl::Status killed = runtime::Kill(store, id);
    if (!killed.ok()) return base::WithContext(killed, absl::StrCat("container ", name));
  }
  return store::RemoveContainer(store, id);
}

// With --force again where it has begun to run, or is still being made, meanwhile.
absl::Status Remove(const store::Store& store, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, name));
  absl::Status removed = RemoveOnce(store, name, id);
  for (int again = 0; FLAGS_force && again < kTries && absl::IsFailedPrecondition(removed);
       ++again) {
    const absl::Status killed = runtime::Kill(store, id);
    if (!killed.ok()) return base::WithContext(killed, absl::StrCat("container ", name));
    removed = RemoveOnce(store, name, id);
  }
  return removed;
}

absl::StatusOr<int> Run(const cli::Invocation& invocation) {
  if (invocation.operands().empty()) return cli::UsageError("at least one CONTAINER is wanted");
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  // What cannot be recovered now says so when it is met below, and must not stop the others.
  const absl::Status swept = runtime::Sweep(store);
  if (!swept.ok()) cli::PrintWarning(kProgram, swept.message());
  int code = 0;
  for (const std::string& name : invocation.operands()) {
    const absl::Status removed = Remove(store, name);
    if (removed.ok()) {
      STAVE_RETURN_IF_ERROR(base::WriteAll(STDOUT_FILENO, name + "\n", "stdout"));
    } else if (!FLAGS_force || !absl::IsNotFound(removed)) {
      cli::PrintError(kProgram, removed);
      code = 1;
    }
  }
  return code;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

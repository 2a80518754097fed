// SPDX-License-Identifier: Apache-2.0
//
// ps-remove: removes containers, their names, records and writable layers; or all that have ended.
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/human_size.h"
#include "libs/cli/program.h"
#include "libs/cli/prune_filter.h"
#include "libs/runtime/pause.h"
#include "libs/runtime/recover.h"
#include "libs/runtime/stop.h"
#include "libs/store/containers.h"
#include "libs/store/events.h"
#include "libs/store/record.h"
#include "libs/store/store.h"
#include "libs/store/upper_size.h"

DEFINE_bool(force, false, "");
DEFINE_bool(prune, false, "");
DEFINE_bool(report, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"force", 'f', cli::Takes::kNothing, "",
     "kill a running container first; one that does not exist is no error"},
    {"prune", 0, cli::Takes::kNothing, "", "remove all containers that do not run"},
    {"filter", 0, cli::Takes::kList, "FILTER",
     "with --prune: only those that until=TIME, label=KEY[=VALUE] or label!=KEY[=VALUE] takes; may "
     "be repeated"},
    {"report", 0, cli::Takes::kNothing, "",
     "with --prune: print what was removed and how much it held, as docker does"},
};

constexpr cli::Program kProgram = {
    .name = "ps-remove",
    .purpose = "remove containers",
    .synopsis =
        "[-f] CONTAINER...\n"
        "--prune [--report] [--filter FILTER]...",
    .options = kOptions,
};

constexpr int kTries = 5;

absl::Status RefuseRunning(const std::string& name, const store::ContainerView& container) {
  const char* why = "container is running: stop the container before removing or force remove";
  if (container.status == store::Status::kRestarting) {
    why = "container is restarting: stop the container before removing or force remove";
  } else if (runtime::IsPaused(container)) {
    why = "container is paused and must be unpaused first";
  }
  return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_RUNNING",
                                    absl::StrCat("cannot remove container \"", name, "\": ", why)),
                        absl::StrCat("ps-remove -f ", name));
}

// Ends it, so that no restart policy starts it again, and waits for whoever watched it.
absl::Status End(const store::Store& store, const std::string& name, const std::string& id) {
  absl::Status killed = runtime::SendSignal(store, id, SIGKILL);
  if (killed.ok() || absl::IsNotFound(killed) || absl::IsFailedPrecondition(killed)) {
    killed = runtime::Kill(store, id);
  }
  return killed.ok() ? killed : base::WithContext(killed, absl::StrCat("container ", name));
}

// Removes the container that `name` means. Errors: NotFound, and those of the removal.
absl::Status RemoveOnce(const store::Store& store, const std::string& name, const std::string& id) {
  const auto container = store::GetContainer(store, id);
  if (!container.ok() && !absl::IsNotFound(container.status())) return container.status();
  if (container.ok() && store::IsLive(container->status)) {
    if (!FLAGS_force) return RefuseRunning(name, *container);
    STAVE_RETURN_IF_ERROR(End(store, name, id));
  }
  STAVE_RETURN_IF_ERROR(store::RemoveContainer(store, id));
  store::AppendEvent(store, "destroy", id, container.ok() ? container->record.name : "");
  return absl::OkStatus();
}

// With --force again where it has begun to run, or is still being made, meanwhile.
absl::Status Remove(const store::Store& store, const std::string& name,
                    store::ContainerFinder* finder) {
  STAVE_ASSIGN_OR_RETURN(const std::string id, finder->Find(name));
  absl::Status removed = RemoveOnce(store, name, id);
  for (int again = 0; FLAGS_force && again < kTries && absl::IsFailedPrecondition(removed);
       ++again) {
    STAVE_RETURN_IF_ERROR(End(store, name, id));
    removed = RemoveOnce(store, name, id);
  }
  return removed;
}

bool Takes(const cli::PruneFilter& filter, const store::Record& record) {
  return filter.Takes(record.created, record.labels);
}

// Errors of one do not keep the others; one that was started or removed meanwhile is none.
absl::StatusOr<int> Prune(const store::Store& store, const cli::PruneFilter& filter) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<store::ContainerView> all,
                         store::ListContainers(store, store::Which::kAll));
  int code = 0;
  int64_t bytes = 0;
  std::string ids;
  for (const store::ContainerView& one : all) {
    if (store::IsLive(one.status) || !one.damage.ok() || !Takes(filter, one.record)) continue;
    const int64_t size = store::UpperBytes(store, one.record.id);
    const absl::Status removed = RemoveOnce(store, one.record.name, one.record.id);
    if (removed.ok()) {
      bytes += size;
      absl::StrAppend(&ids, one.record.id, "\n");
    } else if (!absl::IsNotFound(removed) && !absl::IsFailedPrecondition(removed)) {
      cli::PrintError(kProgram, removed);
      code = 1;
    }
  }
  if (FLAGS_report) {
    ids = absl::StrCat(ids.empty() ? "" : absl::StrCat("Deleted Containers:\n", ids, "\n"),
                       "Total reclaimed space: ", cli::HumanSize(bytes), "\n");
  }
  STAVE_RETURN_IF_ERROR(base::WriteAll(STDOUT_FILENO, ids, "stdout"));
  return code;
}

absl::Status CheckUsage(const cli::Invocation& invocation) {
  if (!FLAGS_prune && invocation.Has("filter")) return cli::UsageError("--filter: needs --prune");
  if (!FLAGS_prune && FLAGS_report) return cli::UsageError("--report: needs --prune");
  if (FLAGS_prune && FLAGS_force) return cli::UsageError("--prune and --force: only one of them");
  if (FLAGS_prune && !invocation.operands().empty()) {
    return cli::UsageError("--prune: takes no CONTAINER");
  }
  if (!FLAGS_prune && invocation.operands().empty()) {
    return cli::UsageError("at least one CONTAINER is wanted");
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Run(const cli::Invocation& invocation) {
  STAVE_RETURN_IF_ERROR(CheckUsage(invocation));
  const auto filter =
      cli::PruneFilter::Parse(invocation.List("filter"), absl::Now(), absl::LocalTimeZone());
  if (!filter.ok()) return cli::BadValue("filter", filter.status());
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  // What cannot be recovered now says so when it is met below, and must not stop the others.
  const absl::Status swept = runtime::Sweep(store);
  if (!swept.ok()) cli::PrintWarning(kProgram, swept.message());
  if (FLAGS_prune) return Prune(store, *filter);
  int code = 0;
  store::ContainerFinder finder(store);
  for (const std::string& name : invocation.operands()) {
    const absl::Status removed = Remove(store, name, &finder);
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

// SPDX-License-Identifier: Apache-2.0
//
// ps-lister: lists containers. It takes no lock and repairs nothing; what it shows is computed from
// what is true now.
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/cli/table.h"
#include "libs/json/parse.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"
#include "tools/ps-lister/rows.h"

DEFINE_bool(all, false, "");
DEFINE_bool(json, false, "");
DEFINE_bool(no_trunc, false, "");
DEFINE_bool(quiet, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"all", 'a', cli::Takes::kNothing, "", "list containers that do not run, too"},
    {"json", 0, cli::Takes::kNothing, "", "print one JSON object a line, a stable interface"},
    {"no-trunc", 0, cli::Takes::kNothing, "", "print ids and commands whole"},
    {"quiet", 'q', cli::Takes::kNothing, "", "print ids only"},
};

constexpr cli::Program kProgram = {
    .name = "ps-lister",
    .purpose = "list containers",
    .synopsis = "[OPTION...]",
    .options = kOptions,
};

std::string Text(const std::vector<store::ContainerView>& containers) {
  const absl::Time now = absl::Now();
  const tools::Width width = FLAGS_no_trunc ? tools::Width::kWhole : tools::Width::kShort;
  std::string text;
  std::vector<cli::TableRow> rows;
  for (const store::ContainerView& container : containers) {
    if (FLAGS_json) {
      absl::StrAppend(&text, json::Print(tools::JsonLine(container, now)), "\n");
    } else if (FLAGS_quiet) {
      absl::StrAppend(&text, tools::IdText(container, width), "\n");
    } else {
      rows.push_back(tools::Row(container, now, width));
    }
  }
  return FLAGS_json || FLAGS_quiet ? text : cli::FormatTable(tools::Header(), rows);
}

absl::StatusOr<int> Run(const cli::Invocation& invocation) {
  if (!invocation.operands().empty()) {
    return cli::UsageError(
        absl::StrCat("\"", base::Printable(invocation.operands()[0]), "\": no operand is wanted"));
  }
  if (FLAGS_json && FLAGS_quiet) return cli::UsageError("--json and --quiet exclude each other");

  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(
      const std::vector<store::ContainerView> containers,
      store::ListContainers(store, FLAGS_all ? store::Which::kAll : store::Which::kRunning));

  STAVE_RETURN_IF_ERROR(base::WriteAll(STDOUT_FILENO, Text(containers), "stdout"));
  for (const store::ContainerView& container : containers) {
    if (!container.damage.ok()) cli::PrintWarning(kProgram, container.damage.message());
  }
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

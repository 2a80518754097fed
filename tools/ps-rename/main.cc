// SPDX-License-Identifier: Apache-2.0
//
// ps-rename: gives a container another name.
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/runtime/recover.h"
#include "libs/store/rename.h"
#include "libs/store/store.h"

namespace stave {
namespace {

constexpr cli::Program kProgram = {
    .name = "ps-rename",
    .purpose = "give a container another name",
    .synopsis = "CONTAINER NAME",
    .options = {},
};

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (given.operands().size() != 2) {
    return cli::UsageError("a CONTAINER and its new NAME are wanted");
  }
  if (given.operands()[0].empty() || given.operands()[1].empty()) {
    return cli::UsageError("Neither old nor new names may be empty");
  }
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  const absl::Status swept = runtime::Sweep(store);
  if (!swept.ok()) cli::PrintWarning(kProgram, swept.message());
  STAVE_RETURN_IF_ERROR(
      store::RenameContainer(store, given.operands()[0],
                             std::string(absl::StripPrefix(given.operands()[1], "/")))
          .status());
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

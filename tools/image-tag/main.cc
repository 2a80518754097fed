// SPDX-License-Identifier: Apache-2.0
//
// image-tag: gives an image of the store another name.
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/image/stored_image.h"
#include "libs/image/tag.h"
#include "libs/store/store.h"

namespace stave {
namespace {

constexpr cli::Program kProgram = {
    .name = "image-tag",
    .purpose = "give an image another name",
    .synopsis = "SOURCE TARGET",
    .options = {},
};

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (given.operands().size() != 2) return cli::UsageError("SOURCE and TARGET are wanted");
  const std::string& source = given.operands()[0];
  const auto target = image::ParseTarget(given.operands()[1]);
  if (!target.ok()) return cli::AsUsage(target.status());
  {
    // What has no such image need not become a store.
    STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
    STAVE_RETURN_IF_ERROR(image::FindStoredImage(store, source).status());
  }
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kWrite));
  STAVE_RETURN_IF_ERROR(image::TagImage(store, source, *target));
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

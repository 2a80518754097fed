// SPDX-License-Identifier: Apache-2.0
//
// stave-unpack fills one directory from one layer, locked into it: 0 the packed stream, 3 the
// directory, 4 the report (libs/image/unpack_report.h). stave-pull starts one for each layer.

#include <signal.h>
#include <unistd.h>

#include <limits>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/decompress.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/image/confine.h"
#include "libs/image/unpack.h"
#include "libs/image/unpack_report.h"

namespace stave {
namespace {

constexpr int kDirectory = 3, kReport = 4;

constexpr cli::Option kOptions[] = {
    {"max-bytes", 0, cli::Takes::kValue, "BYTES", "refuse a layer that is larger unpacked"},
    {"max-entries", 0, cli::Takes::kValue, "NUMBER", "refuse a layer of more entries"},
};
constexpr cli::Program kProgram = {
    .name = "stave-unpack",
    .purpose = "unpack one layer, confined (a helper of image-fetch)",
    .synopsis = "[OPTION...] <LAYER 3<>DIRECTORY 4>REPORT",
    .options = kOptions,
};

[[noreturn]] void OutOfMemory() {
  constexpr char kMessage[] = "stave-unpack: out of memory [E_NO_MEMORY]\n";
  [[maybe_unused]] const ssize_t written = ::write(2, kMessage, sizeof(kMessage) - 1);
  ::_exit(1);
}

absl::StatusOr<image::UnpackLimits> Limits(const cli::Invocation& call) {
  image::UnpackLimits limits;
  for (const auto& [option, value] :
       {std::pair{"max-bytes", &limits.bytes}, std::pair{"max-entries", &limits.entries}}) {
    if (!call.Has(option)) continue;
    const auto number = base::ParseUint(call.Get(option), 1, std::numeric_limits<int64_t>::max());
    if (!number.ok()) return cli::BadValue(option, number.status());
    *value = *number;
  }
  return limits;
}

absl::StatusOr<int> Run(const cli::Invocation& call) {
  STAVE_ASSIGN_OR_RETURN(const image::UnpackLimits limits, Limits(call));
  if (!call.operands().empty()) return cli::UsageError("it takes no operands");
  std::set_new_handler(OutOfMemory);
  ::signal(SIGXFSZ, SIG_IGN);
  STAVE_RETURN_IF_ERROR(image::ConfineToDirectory(kDirectory, {kReport}, limits.bytes));

  archive::FdSource packed(0, "layer");
  STAVE_ASSIGN_OR_RETURN(const auto plain, archive::Decompress(&packed));
  STAVE_ASSIGN_OR_RETURN(const image::UnpackReport report,
                         image::Unpack(plain.get(), kDirectory, limits));
  STAVE_ASSIGN_OR_RETURN(const std::string bytes, image::SerializeReport(report));
  STAVE_RETURN_IF_ERROR(base::WriteAll(kReport, bytes, "report"));
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

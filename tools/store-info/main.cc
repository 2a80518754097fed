// SPDX-License-Identifier: Apache-2.0
//
// store-info: what there is on this machine and in the store, and what it takes of the disk. It
// takes no lock, repairs nothing, and makes no store.
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/format.h"
#include "libs/cli/object_format.h"
#include "libs/cli/program.h"
#include "libs/image/stored_image.h"
#include "libs/json/parse.h"
#include "libs/runtime/pause.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"
#include "tools/store-info/info.h"
#include "tools/store-info/machine.h"
#include "tools/store-info/usage.h"
#include "tools/store-info/verbose.h"
#include "tools/store-info/versions.h"

DEFINE_string(format, "", "");
DEFINE_bool(json, false, "");
DEFINE_bool(usage, false, "");
DEFINE_bool(verbose, false, "");
DEFINE_bool(versions, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"format", 'f', cli::Takes::kValue, "TEMPLATE",
     "print by a Go template, or as json; with --usage also as a \"table TEMPLATE\""},
    {"json", 0, cli::Takes::kNothing, "",
     "print one JSON object; with --usage one a line for each kind"},
    {"usage", 0, cli::Takes::kNothing, "",
     "print what images and containers take of the disk, and what could be freed"},
    {"verbose", 'v', cli::Takes::kNothing, "", "with --usage: for each image and container"},
    {"versions", 0, cli::Takes::kNothing, "",
     "print which Docker's commands these are, and which stave"},
};

constexpr cli::Program kProgram = {
    .name = "store-info",
    .purpose = "tell about this machine and the store",
    .synopsis =
        "[--format TEMPLATE | --json]\n"
        "--usage [--verbose] [--format TEMPLATE | --json]\n"
        "--versions [--format TEMPLATE | --json]",
    .options = kOptions,
};

constexpr templates::MapShape kMaps[] = {{"Runtimes", templates::Element::kStruct}};
constexpr templates::Shape kShape = {"system.dockerInfo", kMaps, {}};

absl::Status Print(const std::string& text) {
  return base::WriteAll(STDOUT_FILENO, text, "stdout");
}

absl::StatusOr<tools::Facts> FindFacts(const store::Store& store) {
  tools::Facts facts;
  facts.version = std::string(cli::Version());
  STAVE_ASSIGN_OR_RETURN(const std::vector<store::ContainerView> all,
                         store::ListContainers(store, store::Which::kAll));
  for (const store::ContainerView& one : all) {
    const bool runs = one.status == store::Status::kRunning;
    ++(!runs ? facts.stopped : runtime::IsPaused(one) ? facts.paused : facts.running);
  }
  STAVE_ASSIGN_OR_RETURN(const auto images, image::ListStoredImages(store, {}));
  facts.images = static_cast<int64_t>(images.size());
  facts.root = store.state_path();
  facts.file_system = tools::FileSystemName(store.state());
  facts.is_root = ::geteuid() == 0;
  facts.machine = tools::LookAtMachine();
  if (facts.machine.cgroup_version.empty()) {
    facts.warnings.emplace_back("WARNING: no cgroups are mounted: nothing can be limited");
  }
  return facts;
}

absl::StatusOr<int> Info() {
  STAVE_ASSIGN_OR_RETURN(
      const cli::ObjectFormat format,
      cli::ObjectFormat::Parse(FLAGS_json ? "json" : FLAGS_format, kShape, {.then_plain = false}));
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(const tools::Facts facts, FindFacts(store));
  std::string text = tools::InfoText(facts);
  if (FLAGS_json || !FLAGS_format.empty()) {
    STAVE_ASSIGN_OR_RETURN(text, format.One(tools::InfoJson(facts)));
  }
  STAVE_RETURN_IF_ERROR(Print(text));
  if (!FLAGS_json && FLAGS_format.empty()) {
    for (const std::string& warning : facts.warnings) {
      STAVE_RETURN_IF_ERROR(base::WriteAll(STDERR_FILENO, warning + "\n", "stderr"));
    }
  }
  return 0;
}

absl::StatusOr<int> Versions() {
  STAVE_ASSIGN_OR_RETURN(const cli::ObjectFormat format,
                         cli::ObjectFormat::Parse(FLAGS_json ? "json" : FLAGS_format));
  const tools::Machine machine = tools::LookAtMachine();
  const std::string stave(cli::Version());
  std::string text = tools::VersionsText(stave, machine);
  if (FLAGS_json || !FLAGS_format.empty()) {
    STAVE_ASSIGN_OR_RETURN(text, format.One(tools::VersionsJson(stave, machine)));
  }
  STAVE_RETURN_IF_ERROR(Print(text));
  return 0;
}

// Of each image and container.
absl::StatusOr<std::string> VerboseUsage(const store::Store& store) {
  STAVE_ASSIGN_OR_RETURN(const cli::ObjectFormat format,
                         cli::ObjectFormat::Parse(FLAGS_json ? "json" : FLAGS_format));
  STAVE_ASSIGN_OR_RETURN(const tools::Measured measured, tools::Measure(store));
  if (!FLAGS_json && FLAGS_format.empty()) {
    return tools::VerboseText(store, measured, absl::Now());
  }
  return format.One(tools::VerboseJson(store, measured, absl::Now()));
}

absl::StatusOr<std::string> Usage(const store::Store& store) {
  STAVE_ASSIGN_OR_RETURN(cli::Format format,
                         cli::Format::Parse(FLAGS_format, tools::UsageListing()));
  STAVE_ASSIGN_OR_RETURN(const tools::Measured measured, tools::Measure(store));
  std::string lines;
  for (const tools::Usage& kind : measured.kinds) {
    if (FLAGS_json) {
      absl::StrAppend(&lines, json::Print(tools::UsageJson(kind)), "\n");
    } else {
      STAVE_RETURN_IF_ERROR(format.Add(tools::UsageRow(kind)));
    }
  }
  return FLAGS_json ? lines : format.Finish();
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (!given.operands().empty()) {
    return cli::UsageError(
        absl::StrCat(base::Quoted(given.operands()[0]), ": no operand is wanted"));
  }
  if (FLAGS_json && given.Has("format")) {
    return cli::UsageError("--json and --format: only one of them");
  }
  if (FLAGS_verbose && !FLAGS_usage) return cli::UsageError("--verbose: needs --usage");
  if (FLAGS_versions && FLAGS_usage) {
    return cli::UsageError("--versions and --usage: only one of them");
  }
  if (FLAGS_versions) return Versions();
  if (!FLAGS_usage) return Info();
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(const std::string text,
                         FLAGS_verbose ? VerboseUsage(store) : Usage(store));
  STAVE_RETURN_IF_ERROR(Print(text));
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

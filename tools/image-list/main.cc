// SPDX-License-Identifier: Apache-2.0
//
// image-list: the images of the store, one image whole, or how one was made. It takes no lock,
// repairs nothing, and makes no store.
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/format.h"
#include "libs/cli/object_format.h"
#include "libs/cli/program.h"
#include "libs/image/inspect.h"
#include "libs/image/stored_image.h"
#include "libs/json/parse.h"
#include "libs/store/store.h"
#include "tools/image-list/filter.h"
#include "tools/image-list/history.h"
#include "tools/image-list/rows.h"

DEFINE_bool(all, false, "");
DEFINE_bool(digests, false, "");
DEFINE_string(format, "", "");
DEFINE_bool(history, false, "");
DEFINE_bool(human, true, "");
DEFINE_bool(inspect, false, "");
DEFINE_bool(json, false, "");
DEFINE_bool(no_trunc, false, "");
DEFINE_bool(quiet, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"all", 'a', cli::Takes::kNothing, "",
     "list all images; there are none that are left out without it"},
    {"digests", 0, cli::Takes::kNothing, "", "show digests"},
    {"filter", 'f', cli::Takes::kList, "KEY=VALUE",
     "list only images that dangling=, label=, before=, since=, until= or reference= takes; may be "
     "repeated"},
    {"format", 0, cli::Takes::kValue, "TEMPLATE",
     "print by a Go template, as a \"table TEMPLATE\", or as json"},
    {"json", 0, cli::Takes::kNothing, "", "print one JSON object a line, a stable interface"},
    {"no-trunc", 0, cli::Takes::kNothing, "", "print ids and commands whole"},
    {"quiet", 'q', cli::Takes::kNothing, "", "print ids only"},
    {"inspect", 0, cli::Takes::kNothing, "", "print all about each IMAGE, as a JSON array",
     "One image"},
    {"history", 0, cli::Takes::kNothing, "", "list the steps that made IMAGE, newest first",
     "One image"},
    {"human", 'H', cli::Takes::kNothing, "",
     "with --history: sizes with units and ages, the default; --human=false: bytes and dates",
     "One image"},
};

constexpr cli::Program kProgram = {
    .name = "image-list",
    .purpose = "list images, or tell all about one",
    .synopsis =
        "[OPTION...] [REPOSITORY[:TAG]]\n"
        "--inspect [--format TEMPLATE] IMAGE...\n"
        "--history [OPTION...] IMAGE",
    .options = kOptions,
};

constexpr templates::MapShape kMaps[] = {
    {"Config.ExposedPorts", templates::Element::kStruct, "nat.Port"},
    {"Config.Labels"},
    {"Config.Volumes", templates::Element::kStruct},
    {"GraphDriver.Data"},
};
constexpr absl::string_view kPointers[] = {"Config.Healthcheck"};
constexpr templates::Shape kShape = {"image.InspectResponse", kMaps, kPointers};

absl::Status Print(const std::string& text) {
  return base::WriteAll(STDOUT_FILENO, text, "stdout");
}

absl::Status Exclude(const cli::Invocation& given, const char* option,
                     const std::vector<const char*>& others) {
  for (const char* other : others) {
    if (given.Has(other)) {
      return cli::UsageError(absl::StrCat("--", option, " and --", other, ": only one of them"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFlags(const cli::Invocation& given) {
  const size_t operands = given.operands().size();
  if (FLAGS_json) STAVE_RETURN_IF_ERROR(Exclude(given, "json", {"quiet", "format", "inspect"}));
  if (FLAGS_inspect) {
    STAVE_RETURN_IF_ERROR(Exclude(
        given, "inspect", {"history", "all", "digests", "filter", "no-trunc", "quiet", "human"}));
    return operands > 0 ? absl::OkStatus() : cli::UsageError("at least one IMAGE is wanted");
  }
  if (FLAGS_history) {
    STAVE_RETURN_IF_ERROR(Exclude(given, "history", {"all", "digests", "filter"}));
    return operands == 1 ? absl::OkStatus() : cli::UsageError("one IMAGE is wanted");
  }
  if (!FLAGS_human || given.Has("human")) return cli::UsageError("--human: needs --history");
  return operands <= 1 ? absl::OkStatus() : cli::UsageError("at most one REPOSITORY is wanted");
}

absl::StatusOr<int> Inspect(const std::vector<std::string>& names) {
  STAVE_ASSIGN_OR_RETURN(const cli::ObjectFormat format,
                         cli::ObjectFormat::Parse(FLAGS_format, kShape));
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  std::vector<json::Value> images;
  std::vector<absl::Status> errors;
  for (const std::string& name : names) {
    auto image = image::InspectImage(store, name);
    if (image.ok()) {
      images.push_back(*std::move(image));
    } else {
      errors.push_back(image.status());
    }
  }
  STAVE_ASSIGN_OR_RETURN(const std::string text, format.All(images));
  STAVE_RETURN_IF_ERROR(Print(text));
  for (const absl::Status& error : errors) cli::PrintError(kProgram, error);
  return errors.empty() ? 0 : 1;
}

absl::StatusOr<int> History(const std::string& name) {
  const std::string text = tools::HistoryFormatText(FLAGS_format, FLAGS_quiet, FLAGS_human);
  STAVE_ASSIGN_OR_RETURN(cli::Format format, cli::Format::Parse(text, tools::HistoryListing()));
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(const image::StoredImage image, image::FindStoredImage(store, name));
  const tools::HistoryStyle style = {absl::Now(), absl::LocalTimeZone(), FLAGS_no_trunc,
                                     FLAGS_human};
  std::string lines;
  for (const tools::Step& step : tools::StepsOf(image)) {
    if (FLAGS_json) {
      absl::StrAppend(&lines, json::Print(tools::HistoryJson(step)), "\n");
    } else {
      STAVE_RETURN_IF_ERROR(format.Add(tools::HistoryRow(step, style)));
    }
  }
  STAVE_RETURN_IF_ERROR(Print(FLAGS_json ? lines : format.Finish()));
  return 0;
}

absl::StatusOr<std::vector<image::StoredImage>> FindImages(tools::ImageFilter filter) {
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_RETURN_IF_ERROR(filter.Resolve(store));
  STAVE_ASSIGN_OR_RETURN(std::vector<image::StoredImage> all,
                         image::ListStoredImages(store, {.containers = FLAGS_json}));
  std::vector<image::StoredImage> images;
  for (image::StoredImage& image : all) {
    if (auto wanted = filter.Apply(std::move(image))) images.push_back(*std::move(wanted));
  }
  return images;
}

absl::StatusOr<int> List(const cli::Invocation& given) {
  std::vector<std::string> filters = given.List("filter");
  for (const std::string& operand : given.operands()) filters.push_back("reference=" + operand);
  auto filter = tools::ImageFilter::Parse(filters, absl::Now(), absl::LocalTimeZone());
  if (!filter.ok()) return cli::BadValue("filter", filter.status());
  const std::string format_text = tools::FormatText(FLAGS_format, FLAGS_quiet, FLAGS_digests);
  STAVE_ASSIGN_OR_RETURN(cli::Format format,
                         cli::Format::Parse(format_text, tools::ImageListing()));
  STAVE_ASSIGN_OR_RETURN(const std::vector<image::StoredImage> images,
                         FindImages(*std::move(filter)));
  const tools::RowStyle style = {absl::Now(), absl::LocalTimeZone(), FLAGS_no_trunc, FLAGS_digests,
                                 FLAGS_digests || absl::StrContains(FLAGS_format, ".Digest")};
  std::string lines;
  for (const image::StoredImage& image : images) {
    if (FLAGS_json) absl::StrAppend(&lines, json::Print(tools::JsonLine(image)), "\n");
    if (FLAGS_json) continue;
    for (const cli::Row& row : tools::RowsOf(image, style)) {
      STAVE_RETURN_IF_ERROR(format.Add(row));
    }
  }
  STAVE_RETURN_IF_ERROR(Print(FLAGS_json ? lines : format.Finish()));
  return 0;
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  STAVE_RETURN_IF_ERROR(CheckFlags(given));
  if (FLAGS_inspect) return Inspect(given.operands());
  if (FLAGS_history) return History(given.operands()[0]);
  return List(given);
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
//
// image-remove: takes names of images away, and with the last one the image; or prunes the store.
// The files are out of the store when it returns, and off the disk a little later.
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/human_size.h"
#include "libs/cli/program.h"
#include "libs/cli/prune_filter.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/reference.h"
#include "libs/store/store.h"
#include "tools/image-remove/removal.h"

DEFINE_bool(all, false, "");
DEFINE_bool(force, false, "");
DEFINE_bool(json, false, "");
DEFINE_bool(no_prune, false, "");
DEFINE_bool(prune, false, "");
DEFINE_bool(quiet, false, "");
DEFINE_bool(report, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"force", 'f', cli::Takes::kNothing, "",
     "remove what a container uses or what has several names; an image that does not exist is no "
     "error"},
    {"no-prune", 0, cli::Takes::kNothing, "",
     "keep untagged parents of an image, as in docker; images here have none"},
    {"prune", 0, cli::Takes::kNothing, "", "remove what no name leads to any more"},
    {"all", 'a', cli::Takes::kNothing, "",
     "with --prune: also the images that no container uses, names and all"},
    {"filter", 0, cli::Takes::kList, "FILTER",
     "with --prune: only images that until=TIME, label=KEY[=VALUE] or label!=KEY[=VALUE] takes; "
     "may "
     "be repeated"},
    {"report", 0, cli::Takes::kNothing, "",
     "with --prune: print what was deleted and the space that is free, as docker image prune; the "
     "default"},
    {"quiet", 'q', cli::Takes::kNothing, "", "print nothing on stdout"},
    {"json", 0, cli::Takes::kNothing, "", "print what was removed as one JSON object"},
};

constexpr cli::Program kProgram = {
    .name = "image-remove",
    .purpose = "remove images, or prune the store",
    .synopsis =
        "[OPTION...] IMAGE...\n"
        "--prune [--all] [--filter FILTER]... [OPTION...]",
    .options = kOptions,
};

absl::Status Print(const std::string& text) {
  return base::WriteAll(STDOUT_FILENO, text, "stdout");
}

absl::Status CheckFlags(const cli::Invocation& given) {
  if (FLAGS_all && !FLAGS_prune) return cli::UsageError("--all: needs --prune");
  if (FLAGS_report && !FLAGS_prune) return cli::UsageError("--report: needs --prune");
  if (given.Has("filter") && !FLAGS_prune) return cli::UsageError("--filter: needs --prune");
  if (FLAGS_no_prune && FLAGS_prune) {
    return cli::UsageError("--prune and --no-prune: only one of them");
  }
  if (FLAGS_report && (FLAGS_quiet || FLAGS_json)) {
    return cli::UsageError("--report: goes with neither --quiet nor --json");
  }
  if (FLAGS_quiet && FLAGS_json) return cli::UsageError("--quiet and --json: only one of them");
  if (FLAGS_prune && FLAGS_force) return cli::UsageError("--prune and --force: only one of them");
  if (FLAGS_prune && !given.operands().empty()) return cli::UsageError("--prune: takes no IMAGE");
  if (!FLAGS_prune && given.operands().empty()) {
    return cli::UsageError("at least one IMAGE is wanted");
  }
  for (const std::string& text : given.operands()) {
    // A whole id is no reference.
    const auto reference = oci::Reference::Parse(text);
    if (!reference.ok() && !oci::Digest::Parse(absl::StrCat("sha256:", text)).ok()) {
      return cli::AsUsage(reference.status());
    }
  }
  return absl::OkStatus();
}

// As `docker rmi` prints it, and `docker image prune`.
std::string Lines(const tools::Removed& removed) {
  std::string text;
  const char* untagged = FLAGS_prune ? "untagged: " : "Untagged: ";
  const char* deleted = FLAGS_prune ? "deleted: " : "Deleted: ";
  for (const std::string& name : removed.names) absl::StrAppend(&text, untagged, name, "\n");
  for (const oci::Digest& object : removed.objects) {
    absl::StrAppend(&text, deleted, object.ToString(), "\n");
  }
  return text;
}

std::string PruneLines(const tools::Removed& removed) {
  const std::string lines = Lines(removed);
  return absl::StrCat(lines.empty() ? "" : absl::StrCat("Deleted Images:\n", lines, "\n"),
                      "Total reclaimed space: ", cli::HumanSize(removed.bytes), "\n");
}

std::string Json(const tools::Removed& removed) {
  std::vector<std::string> deleted;
  for (const oci::Digest& object : removed.objects) deleted.push_back(object.ToString());
  return json::Print(json::Value::Object({{"untagged", json::Value::Strings(removed.names)},
                                          {"deleted", json::Value::Strings(deleted)},
                                          {"bytes", json::Value::Number(removed.bytes)}})) +
         "\n";
}

// Removes one image or prunes, and prints; what was done before an error counts, too.
absl::StatusOr<int> Tell(const absl::Status& status, const tools::Removed& removed,
                         tools::Removed* all) {
  for (const std::string& warning : removed.warnings) cli::PrintWarning(kProgram, warning);
  all->names.insert(all->names.end(), removed.names.begin(), removed.names.end());
  all->objects.insert(all->objects.end(), removed.objects.begin(), removed.objects.end());
  all->bytes += removed.bytes;
  if (!FLAGS_quiet && !FLAGS_json) {
    STAVE_RETURN_IF_ERROR(Print(FLAGS_prune && status.ok() ? PruneLines(removed) : Lines(removed)));
  }
  if (status.ok()) return 0;
  cli::PrintError(kProgram, status);
  return FLAGS_force && absl::IsNotFound(status) ? 0 : 1;
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  STAVE_RETURN_IF_ERROR(CheckFlags(given));
  std::optional<cli::PruneFilter> filter;
  if (given.Has("filter")) {
    auto parsed = cli::PruneFilter::Parse(given.List("filter"), absl::Now(), absl::LocalTimeZone());
    if (!parsed.ok()) return cli::BadValue("filter", parsed.status());
    filter = *std::move(parsed);
  }
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kChange));
  tools::ImageRemover remover(store);
  tools::Removed all;
  int code = 0;
  if (FLAGS_prune) {
    tools::Removed removed;
    const absl::Status status = remover.Prune(FLAGS_all, filter, &removed);
    STAVE_ASSIGN_OR_RETURN(code, Tell(status, removed, &all));
  }
  for (const std::string& text : given.operands()) {
    tools::Removed removed;
    const absl::Status status = remover.Remove(text, FLAGS_force, &removed);
    STAVE_ASSIGN_OR_RETURN(const int told, Tell(status, removed, &all));
    code = std::max(code, told);
  }
  if (FLAGS_json) STAVE_RETURN_IF_ERROR(Print(Json(all)));
  return code;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

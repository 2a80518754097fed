// SPDX-License-Identifier: Apache-2.0
//
// store-check: is everything in the store that its names promise, and as it should be? It tells a
// line for each thing that is not, and mends it if it is told to.
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/cli/program.h"
#include "libs/image/check.h"
#include "libs/json/parse.h"
#include "libs/oci/reference.h"
#include "libs/store/finding.h"
#include "libs/store/store.h"
#include "tools/store-check/options.h"

DEFINE_bool(json, false, "");
DEFINE_bool(quick, false, "");
DEFINE_bool(repair, false, "");

namespace stave {
namespace {

constexpr cli::Program kProgram = {
    .name = "store-check",
    .purpose = tools::kCheckPurpose,
    .synopsis = tools::kCheckSynopsis,
    .options = tools::kCheckOptions,
    .page = "store-check(8)",
};

absl::StatusOr<image::CheckOptions> HowToCheck(const cli::Invocation& invocation) {
  image::CheckOptions options;
  for (const std::string& operand : invocation.operands()) {
    auto reference = oci::Reference::Parse(operand);
    if (!reference.ok()) return cli::AsUsage(reference.status());
    options.only.push_back(*std::move(reference));
  }
  options.how.depth = FLAGS_quick ? store::Depth::kQuick : store::Depth::kWhole;
  options.how.mend = FLAGS_repair ? store::Mend::kYes : store::Mend::kNo;
  STAVE_ASSIGN_OR_RETURN(const std::string libexec, base::LibexecDir());
  options.how.unpacker = libexec + "/stave-unpack";
  if (::geteuid() != 0) options.how.attributes = image::OverlayAttributes::kUser;
  return options;
}

// Layers below one that depends on them are all open while it is settled.
void RaiseFileLimit() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string Count(size_t count, absl::string_view one, absl::string_view many) {
  return absl::StrCat(count, " ", count == 1 ? one : many);
}

std::string Summary(const store::Findings::Totals& totals) {
  if (totals.damages == 0 && totals.lying == 0) {
    if (!totals.failures.empty()) return "nothing found in what could be looked at";
    return absl::StrCat("no damage; ", Count(totals.images, "image", "images"), ", ",
                        Count(totals.layers, "layer", "layers"));
  }
  std::string text = totals.damages == 0 ? "no damage"
                                         : absl::StrCat(Count(totals.damages, "damage", "damages"),
                                                        ", ", totals.mended, " mended");
  if (totals.lying > 0) {
    absl::StrAppend(&text, "; ", Count(totals.lying, "thing lies", "things lie"),
                    " about for nobody, ", totals.taken_away, " removed");
  }
  return text;
}

void PrintEnd(const store::Findings::Totals& totals) {
  std::string text;
  for (const std::string& note : totals.notes) absl::StrAppend(&text, "store-check: ", note, "\n");
  for (const absl::Status& failure : totals.failures) cli::PrintError(kProgram, failure);
  for (const std::string& remedy : totals.remedies) absl::StrAppend(&text, "hint: ", remedy, "\n");
  const bool looked = totals.has_store || totals.damages > 0 || !totals.failures.empty();
  if (looked) absl::StrAppend(&text, "store-check: ", Summary(totals), "\n");
  (void)base::WriteAll(STDERR_FILENO, text, "stderr");
}

absl::StatusOr<int> Run(const cli::Invocation& invocation) {
  STAVE_ASSIGN_OR_RETURN(const image::CheckOptions options, HowToCheck(invocation));
  STAVE_ASSIGN_OR_RETURN(const store::Roots roots, store::FindRoots());
  RaiseFileLimit();
  absl::Status written;
  store::Findings findings([&written](const store::Finding& finding) {
    const std::string line =
        FLAGS_json ? json::Print(store::FindingJson(finding)) : store::FindingLine(finding);
    if (written.ok()) written = base::WriteAll(STDOUT_FILENO, line + "\n", "stdout");
  });
  const absl::Status checked = image::CheckStore(roots, options, &findings);
  const store::Findings::Totals totals = findings.totals();
  // What keeps the store from being opened may have been told already.
  if (!checked.ok() && totals.damages == totals.mended) return checked;
  if (!checked.ok()) findings.AddFailure(checked);
  PrintEnd(findings.totals());
  STAVE_RETURN_IF_ERROR(written);
  return checked.ok() && totals.failures.empty() && totals.damages == totals.mended ? 0 : 1;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

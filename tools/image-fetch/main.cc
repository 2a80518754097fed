// SPDX-License-Identifier: Apache-2.0
//
// image-fetch: an image's reference in, its document out. What is missing of the image is fetched
// by a helper that is executed only then; a present image costs a few small reads.
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/document.h"
#include "libs/cli/program.h"
#include "libs/image/source_name.h"
#include "libs/json/value.h"
#include "libs/oci/platform.h"
#include "libs/oci/reference.h"
#include "libs/oci/stave_member.h"
#include "libs/store/image_document.h"
#include "libs/store/refs.h"
#include "libs/store/resolve.h"
#include "libs/store/store.h"
#include "tools/image-fetch/choose_name.h"
#include "tools/image-fetch/pull.h"

DEFINE_bool(all_platforms, false, "");
DEFINE_string(authfile, "", "");
DEFINE_bool(lines, false, "");
DEFINE_bool(no_document, false, "");
DEFINE_string(platform, "", "");
DEFINE_string(policy, "missing", "");
DEFINE_bool(plain_http, false, "");
DEFINE_bool(quiet, false, "");
DEFINE_string(stall, "", "");
DEFINE_bool(verbose, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"platform", 0, cli::Takes::kValue, "OS/ARCH",
     "which of an image's platforms, as linux/arm64; default: this machine's"},
    {"all-platforms", 0, cli::Takes::kNothing, "",
     "fetch every platform's image; the document is this machine's"},
    {"authfile", 0, cli::Takes::kValue, "FILE", "read logins from this file only; see ENVIRONMENT"},
    {"policy", 0, cli::Takes::kValue, "WHEN",
     "when to ask the registry: missing (the default), always, newer or never"},
    {"plain-http", 0, cli::Takes::kNothing, "", "speak http to the registry, wherever it is"},
    {"stall", 0, cli::Takes::kValue, "TIME", "how long a transfer may stand still; default: 30s"},
    {"lines", 0, cli::Takes::kNothing, "",
     "show progress as docker does, with --no-document on stdout, and take names as docker does: a "
     "short one is Docker Hub's"},
    {"no-document", 0, cli::Takes::kNothing, "",
     "print no document; with --lines the image's full name, last"},
    {"quiet", 'q', cli::Takes::kNothing, "", "show no progress"},
    {"verbose", 'v', cli::Takes::kNothing, "", "show each request"},
};

constexpr cli::Program kProgram = {
    .name = "image-fetch",
    .purpose = "fetch an image where it is missing, and print its document",
    .synopsis = "[OPTION...] REFERENCE",
    .options = kOptions,
};

absl::Status CheckFlags(const cli::Invocation& invocation) {
  if (invocation.operands().empty()) return cli::UsageError("one REFERENCE is wanted");
  if (invocation.operands().size() > 1) {
    return cli::UsageError(absl::StrCat("\"", base::Printable(invocation.operands()[1]),
                                        "\": one REFERENCE is wanted"));
  }
  if (FLAGS_policy != "missing" && FLAGS_policy != "always" && FLAGS_policy != "newer" &&
      FLAGS_policy != "never") {
    return cli::UsageError(absl::StrCat("--policy: \"", base::Printable(FLAGS_policy, 64),
                                        "\": is not missing, always, newer or never"));
  }
  if (invocation.Has("authfile") && FLAGS_authfile.empty()) {
    return cli::UsageError("--authfile: is empty");
  }
  if (invocation.Has("stall")) {
    const auto stall = base::ParseDuration(FLAGS_stall);
    if (!stall.ok()) return cli::BadValue("stall", stall.status());
    if (*stall < absl::Seconds(1)) return cli::UsageError("--stall: is at least 1s");
  }
  if (FLAGS_all_platforms && (!FLAGS_platform.empty() || FLAGS_policy == "never")) {
    return cli::UsageError("--all-platforms: goes neither with --platform nor with --policy never");
  }
  return absl::OkStatus();
}

// An image without an index has one platform only, which may not be the one that was asked for.
absl::Status CheckPlatform(const store::ResolvedImage& image, const oci::Platform& wanted) {
  const std::vector<oci::Platform> order = oci::PlatformOrder(wanted);
  if (FLAGS_platform.empty() ||
      std::find(order.begin(), order.end(), image.config.platform) != order.end()) {
    return absl::OkStatus();
  }
  return base::Error(
      absl::StatusCode::kFailedPrecondition, "E_PLATFORM",
      absl::StrCat(image.reference.String(), ": is for ", oci::PlatformName(image.config.platform),
                   ", not for ", oci::PlatformName(wanted)));
}

// Whether fetching may help: something is missing, or damaged.
bool MayFetch(const absl::Status& status) {
  return FLAGS_policy != "never" && (absl::IsNotFound(status) || absl::IsDataLoss(status));
}

// `present`: the image is, and will do if its registry cannot be reached.
absl::Status Fetch(const std::string& store, const std::string& source, bool present) {
  if (::geteuid() != 0) {
    return base::WithHint(
        base::Error(absl::StatusCode::kPermissionDenied, "E_PERMISSION",
                    absl::StrCat(base::Printable(source),
                                 ": unpacking keeps the owners of files, which needs root")),
        "run it as root");
  }
  tools::PullRequest request;
  request.store = store;
  request.platform = FLAGS_platform;
  request.all_platforms = FLAGS_all_platforms;
  request.source = source;
  request.quiet = FLAGS_quiet;
  request.authfile = FLAGS_authfile;
  request.stall = FLAGS_stall;
  request.plain_http = FLAGS_plain_http;
  request.verbose = FLAGS_verbose;
  request.keep = present;
  request.on_stdout = FLAGS_lines && FLAGS_no_document;
  return tools::Pull(request);
}

absl::Status Print(const std::string& line) {
  return base::WriteAll(STDOUT_FILENO, line + "\n", "stdout");
}

// What Docker says before it fetches.
absl::Status Announce(const image::SourceName& name, const std::string& given) {
  if (!FLAGS_lines || FLAGS_quiet || name.kind != image::SourceKind::kRegistry) {
    return absl::OkStatus();
  }
  const oci::Reference& reference = name.reference;
  if (!FLAGS_no_document) {
    if (FLAGS_policy != "missing") return absl::OkStatus();
    return base::WriteAll(
        STDERR_FILENO, absl::StrCat("Unable to find image '", reference.Familiar(), "' locally\n"),
        "stderr");
  }
  const bool by_default = !reference.digest().has_value() && reference.tag() == "latest" &&
                          !absl::EndsWith(given, ":latest");
  return by_default ? Print("Using default tag: latest") : absl::OkStatus();
}

// The document, or what is wanted in its place.
absl::Status Tell(const store::Store& store, const store::ResolvedImage& image,
                  const image::SourceName& name, const std::string& given) {
  if (FLAGS_no_document) {
    return FLAGS_lines ? Print(name.reference.String()) : absl::OkStatus();
  }
  STAVE_ASSIGN_OR_RETURN(json::Value document, store::MakeImageDocument(store, image));
  if (name.kind == image::SourceKind::kRegistry) oci::SetAskedImage(given, &document);
  return cli::WriteDocument(document);
}

// Of an image that nobody is asked for, in Docker's words.
absl::Status NotHere(const store::Store& store, const image::SourceName& name,
                     const absl::Status& status) {
  if (FLAGS_policy != "never" || !absl::IsNotFound(store::GetRef(store, name.reference).status())) {
    return status;
  }
  return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                     absl::StrCat("No such image: ", name.reference.Familiar()));
}

absl::StatusOr<int> Run(const cli::Invocation& invocation) {
  STAVE_RETURN_IF_ERROR(CheckFlags(invocation));
  std::string source = invocation.operands()[0];
  auto name = image::ParseSourceName(source);
  if (!name.ok()) return cli::AsUsage(name.status());
  auto platform =
      !invocation.Has("platform") ? oci::HostPlatform() : oci::ParsePlatform(FLAGS_platform);
  if (!platform.ok()) return cli::BadValue("platform", platform.status());

  STAVE_ASSIGN_OR_RETURN(store::Store store, store::Store::Open(store::Access::kRead));
  // Docker has no aliases: what a name means is then the same to all of its commands.
  if (name->kind == image::SourceKind::kRegistry && !FLAGS_lines) {
    STAVE_ASSIGN_OR_RETURN(source, tools::ChooseName(store, source));
    STAVE_ASSIGN_OR_RETURN(name, image::ParseSourceName(source));
  }
  // What a local directory or file holds now is not known by its name: it is always read.
  bool fetch = FLAGS_policy == "always" || FLAGS_policy == "newer" || FLAGS_all_platforms ||
               (FLAGS_policy == "missing" && name->kind != image::SourceKind::kRegistry);
  absl::StatusOr<store::ResolvedImage> image = absl::NotFoundError("");
  if (!fetch || FLAGS_policy == "newer") {
    image = store::ResolveImage(store, name->reference, *platform);
    fetch = fetch || MayFetch(image.status());
  }
  if (fetch) {
    STAVE_RETURN_IF_ERROR(Announce(*name, source));
    STAVE_RETURN_IF_ERROR(Fetch(store.state_path(), source, image.ok()));
    STAVE_ASSIGN_OR_RETURN(store, store::Store::Open(store::Access::kRead));
    image = store::ResolveImage(store, name->reference, *platform);
  }
  if (!image.ok()) return NotHere(store, *name, image.status());
  if (!fetch) STAVE_RETURN_IF_ERROR(store::EnsureDurable(store, name->reference));
  STAVE_RETURN_IF_ERROR(CheckPlatform(*image, *platform));

  STAVE_RETURN_IF_ERROR(Tell(store, *image, *name, invocation.operands()[0]));
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
//
// stave-pull brings one image into the store: the transfer of image-fetch, which executes it when
// something is missing, and in whose name it speaks. Progress and errors go to stderr.

#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/cli/program.h"
#include "libs/image/open_source.h"
#include "libs/image/progress.h"
#include "libs/image/pull.h"
#include "libs/image/source_name.h"
#include "libs/oci/manifest.h"
#include "libs/oci/platform.h"
#include "libs/oci/reference.h"
#include "libs/registry/client.h"
#include "libs/registry/credentials.h"
#include "libs/registry/endpoints.h"
#include "libs/registry/refusal.h"
#include "libs/registry/registries_conf.h"
#include "libs/registry/repository.h"
#include "libs/registry/token.h"
#include "libs/store/store.h"

DEFINE_string(store, "", "");
DEFINE_string(platform, "", "");
DEFINE_string(authfile, "", "");
DEFINE_bool(all_platforms, false, "");
DEFINE_string(stall, "30s", "");
DEFINE_bool(keep, false, "");
DEFINE_bool(on_stdout, false, "");
DEFINE_bool(quiet, false, "");
DEFINE_bool(plain_http, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"store", 0, cli::Takes::kValue, "DIR", "state root to pull into; default: as image-fetch"},
    {"platform", 0, cli::Takes::kValue, "OS/ARCH", "which of an image's platforms"},
    {"all-platforms", 0, cli::Takes::kNothing, "", "every platform's image of an index"},
    {"authfile", 0, cli::Takes::kValue, "FILE", "read logins from this file only"},
    {"plain-http", 0, cli::Takes::kNothing, "", "speak http to the registry, wherever it is"},
    {"stall", 0, cli::Takes::kValue, "TIME", "give up when no byte came for so long; default 30s"},
    {"keep", 0, cli::Takes::kNothing, "", "a registry that cannot be reached is no error"},
    {"on-stdout", 0, cli::Takes::kNothing, "", "show progress on stdout, not on stderr"},
    {"quiet", 'q', cli::Takes::kNothing, "", "show no progress"},
    {"v", 0, cli::Takes::kValue, "LEVEL", "show each request from level 1 on"},
};
constexpr cli::Program kProgram = {
    .name = "image-fetch",
    .purpose = "pull an image into the store (a helper of image-fetch)",
    .synopsis = "[OPTION...] REFERENCE",
    .options = kOptions,
};

absl::StatusOr<store::Store> OpenStore() {
  STAVE_ASSIGN_OR_RETURN(store::Roots roots, store::FindRoots());
  if (!FLAGS_store.empty()) roots.state = FLAGS_store;
  return store::Store::OpenRoots(roots, store::Access::kWrite);
}

// The mirrors of the reference and its registry, as registries.conf says.
absl::StatusOr<std::vector<registry::Endpoint>> Endpoints(const image::SourceName& name) {
  if (name.kind != image::SourceKind::kRegistry) return std::vector<registry::Endpoint>();
  STAVE_ASSIGN_OR_RETURN(const registry::RegistriesConf conf,
                         registry::ReadRegistriesConf(registry::FindRegistriesConf()));
  return registry::PlanEndpoints(conf, name.reference);
}

absl::StatusOr<image::RegistryAccess> Network(const image::SourceName& name,
                                              image::Progress& progress) {
  const auto stall = base::ParseDuration(FLAGS_stall);
  if (!stall.ok()) return cli::BadValue("stall", stall.status());
  image::RegistryAccess access;
  registry::ClientOptions& options = access.client;
  options.http.user_agent = absl::StrCat("stave/", STAVE_VERSION);
  options.http.plain_http = FLAGS_plain_http;
  options.http.stall_timeout = *stall;
  auto servers = registry::TokenServersOfEnvironment();
  if (!servers.ok()) return cli::AsUsage(servers.status());
  options.token_servers = *std::move(servers);
  options.http.trace = [](absl::string_view line) { VLOG(1) << std::string(line); };
  options.note = [&progress](registry::Note note, absl::string_view text) {
    if (note == registry::Note::kProgress) {
      progress.Line(text);
    } else {
      progress.Warn(absl::StrCat("image-fetch: warning: ", text));
    }
  };
  access.credential_for = [files = registry::FindCredentialFiles(FLAGS_authfile)](
                              const registry::Endpoint& endpoint) -> registry::CredentialSource {
    return [files, repository = endpoint.repository] {
      return registry::FindCredential(files, repository);
    };
  };
  STAVE_ASSIGN_OR_RETURN(access.endpoints, Endpoints(name));
  return access;
}

absl::StatusOr<image::PullOptions> HowToPull() {
  image::PullOptions options;
  options.platform = oci::HostPlatform();
  options.all_platforms = FLAGS_all_platforms;
  options.platform_is_asked = !FLAGS_platform.empty();
  if (options.platform_is_asked) {
    const auto platform = oci::ParsePlatform(FLAGS_platform);
    if (!platform.ok()) return cli::BadValue("platform", platform.status());
    options.platform = *platform;
  }
  STAVE_ASSIGN_OR_RETURN(const std::string libexec, base::LibexecDir());
  options.layers.unpacker = libexec + "/stave-unpack";
  if (::geteuid() != 0) options.layers.attributes = image::OverlayAttributes::kUser;
  return options;
}

// Layers below one that depends on them are all open while it is settled.
void RaiseFileLimit() {
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Whether the registry could not be asked, so that what it has now is unknown.
bool IsUnreachable(const absl::Status& status) {
  const std::string word = base::ErrorWord(status);
  return word == "E_CONNECT" || word == "E_REMOTE" || word == "E_TIMEOUT" || word == "E_RATE";
}

absl::Status PullImage(const image::SourceName& name, const image::RegistryAccess& access,
                       const image::PullOptions& how, image::Progress& progress) {
  STAVE_ASSIGN_OR_RETURN(const store::Store store, OpenStore());
  STAVE_ASSIGN_OR_RETURN(const std::unique_ptr<image::Source> source,
                         image::OpenSource(name, access));
  STAVE_ASSIGN_OR_RETURN(const image::Pulled pulled,
                         image::Pull(store, *source, name.reference, how, progress));
  progress.Line(absl::StrCat("Digest: ", pulled.digest.ToString()));
  progress.Line(absl::StrCat(
      "Status: ", pulled.newer ? "Downloaded newer image for " : "Image is up to date for ",
      name.reference.Familiar()));
  return absl::OkStatus();
}

// What a registry will not give, in Docker's words; then ours.
absl::Status Told(const absl::Status& status, const oci::Reference& reference,
                  const oci::Platform& platform) {
  const std::string word = base::ErrorWord(status);
  std::string noun = reference.String();
  if (word == "E_DENIED") {
    noun = absl::StrCat("pull access denied for ", reference.FamiliarName(),
                        ", repository does not exist or may require 'docker login'");
  } else if (absl::EndsWith(status.message(), registry::kNoSuchRepository)) {
    noun = absl::StrCat("repository ", reference.FamiliarName(), " not found");
  } else if (absl::EndsWith(status.message(), registry::kNoSuchImage)) {
    noun = absl::StrCat("manifest for ", reference.Familiar(), " not found");
  } else if (absl::StartsWith(status.message(), oci::kNoImageFor)) {
    noun = absl::StrCat("no matching manifest for ", oci::PlatformName(platform),
                        " in the manifest list entries");
  } else if (absl::StartsWith(status.message(), noun)) {
    return status;
  }
  return base::WithContext(status, noun);
}

absl::StatusOr<int> Run(const cli::Invocation& call) {
  if (call.operands().size() != 1) return cli::UsageError("it takes one REFERENCE");
  const auto name = image::ParseSourceName(call.operands()[0]);
  if (!name.ok()) {
    return base::WithHint(cli::UsageError(name.status().message()), base::ErrorHint(name.status()));
  }
  STAVE_ASSIGN_OR_RETURN(const image::PullOptions how, HowToPull());
  RaiseFileLimit();
  if (FLAGS_v > 0) {
    FLAGS_logtostderr = true;
    google::InitGoogleLogging("stave-pull");
  }
  const int out = FLAGS_on_stdout ? STDOUT_FILENO : STDERR_FILENO;
  image::Progress progress(
      out, FLAGS_quiet ? image::ProgressStyle::kNone : image::ProgressStyleFor(out));
  STAVE_ASSIGN_OR_RETURN(const image::RegistryAccess access, Network(*name, progress));
  absl::Status status = PullImage(*name, access, how, progress);
  if (status.ok()) return 0;
  if (base::ErrorWord(status) == "E_NO_FILES") {
    status = base::WithHint(std::move(status), "raise the hard limit: ulimit -Hn");
  }
  if (FLAGS_keep && IsUnreachable(status)) {
    progress.Warn(absl::StrCat("image-fetch: warning: ", name->reference.String(), ": ",
                               status.message(), "; what is here is used"));
    return 0;
  }
  if (name->kind == image::SourceKind::kRegistry) {
    return Told(status, name->reference, how.platform);
  }
  const std::string noun = base::Printable(name->path);
  return absl::StartsWith(status.message(), noun) ? status : base::WithContext(status, noun);
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
//
// image-search: images of Docker Hub, or of a registry that lists its repositories.
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/format.h"
#include "libs/cli/program.h"
#include "libs/http/transfer.h"
#include "libs/http/url.h"
#include "libs/json/parse.h"
#include "libs/registry/catalog.h"
#include "libs/registry/client.h"
#include "libs/registry/credentials.h"
#include "libs/registry/endpoints.h"
#include "libs/registry/login_host.h"
#include "libs/registry/registries_conf.h"
#include "libs/registry/search.h"
#include "libs/registry/token.h"
#include "tools/image-search/results.h"

DEFINE_string(authfile, "", "");
DEFINE_string(format, "", "");
DEFINE_bool(json, false, "");
DEFINE_string(limit, "25", "");
DEFINE_bool(no_trunc, false, "");
DEFINE_bool(plain_http, false, "");

namespace stave {
namespace {

constexpr int kMaxLimit = 100;
constexpr char kHub[] = "docker.io";
constexpr char kIndexVariable[] = "STAVE_SEARCH_INDEX";

constexpr cli::Option kOptions[] = {
    {"limit", 0, cli::Takes::kValue, "N", "show at most N results, 1 to 100; default: 25"},
    {"filter", 'f', cli::Takes::kList, "KEY=VALUE",
     "show only what stars=N, is-official=true or is-automated=true takes; may be repeated"},
    {"no-trunc", 0, cli::Takes::kNothing, "", "show descriptions whole"},
    {"format", 0, cli::Takes::kValue, "TEMPLATE",
     "print by a Go template, as a \"table TEMPLATE\", or as json"},
    {"json", 0, cli::Takes::kNothing, "", "print one JSON object a line, a stable interface"},
    {"authfile", 0, cli::Takes::kValue, "FILE", "read logins from this file only"},
    {"plain-http", 0, cli::Takes::kNothing, "", "speak http to the registry, wherever it is"},
    {"v", 0, cli::Takes::kValue, "LEVEL", "show each request from level 1 on"},
};

constexpr cli::Program kProgram = {
    .name = "image-search",
    .purpose = "search Docker Hub or a registry for images",
    .synopsis = "[OPTION...] [HOST/]TERM",
    .options = kOptions,
};

absl::StatusOr<int> Limit() {
  const auto limit = base::ParseUint(FLAGS_limit, 1, kMaxLimit);
  if (limit.ok()) return static_cast<int>(*limit);
  return cli::UsageError(absl::StrCat("--limit: limit ", base::Printable(FLAGS_limit, 64),
                                      " is outside the range of [1, ", kMaxLimit, "]"));
}

http::Options Network() {
  http::Options options;
  options.user_agent = absl::StrCat("stave/", STAVE_VERSION);
  options.plain_http = FLAGS_plain_http;
  options.trace = [](absl::string_view line) { VLOG(1) << std::string(line); };
  return options;
}

absl::StatusOr<std::vector<registry::SearchResult>> SearchHub(const std::string& term, int limit) {
  const char* given = ::getenv(kIndexVariable);
  const auto index = http::ParseUrl(given != nullptr ? given : registry::kHubIndex);
  if (!index.ok()) return cli::AsUsage(base::WithContext(index.status(), kIndexVariable));
  http::Connection connection(Network());
  auto results = registry::SearchIndex(connection, *index, term, limit);
  const std::string origin = http::FormatOrigin(*index);
  if (!results.ok() && !absl::StartsWith(results.status().message(), origin)) {
    return base::WithContext(results.status(), origin);
  }
  if (!results.ok()) return results.status();
  if (results->size() > static_cast<size_t>(limit)) results->resize(static_cast<size_t>(limit));
  return results;
}

absl::StatusOr<registry::ClientOptions> RegistryOptions(const std::string& host) {
  registry::ClientOptions options;
  options.http = Network();
  options.scopes = {registry::kCatalogScope};
  auto servers = registry::TokenServersOfEnvironment();
  if (!servers.ok()) return cli::AsUsage(servers.status());
  options.token_servers = *std::move(servers);
  options.credential = [files = registry::FindCredentialFiles(FLAGS_authfile), host] {
    return registry::FindCredential(files, host);
  };
  options.note = [](registry::Note, absl::string_view text) { cli::PrintWarning(kProgram, text); };
  STAVE_ASSIGN_OR_RETURN(const registry::RegistriesConf conf,
                         registry::ReadRegistriesConf(registry::FindRegistriesConf()));
  STAVE_ASSIGN_OR_RETURN(options.http.insecure_host, registry::InsecureHost(conf, host));
  return options;
}

absl::StatusOr<std::vector<registry::SearchResult>> SearchRegistry(const std::string& host,
                                                                   const std::string& term,
                                                                   int limit) {
  STAVE_ASSIGN_OR_RETURN(registry::ClientOptions options, RegistryOptions(host));
  registry::Client client(registry::ApiHostOf(host), "", std::move(options));
  const auto names = registry::SearchCatalog(client, term, static_cast<size_t>(limit));
  if (absl::IsNotFound(names.status())) {
    return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                       absl::StrCat(host, ": the registry does not list its repositories"));
  }
  if (!names.ok()) return base::WithContext(names.status(), host);
  std::vector<registry::SearchResult> results;
  for (const std::string& name : *names) {
    results.push_back({absl::StrCat(host, "/", name), "", 0, false});
  }
  return results;
}

absl::Status CheckFlags(const cli::Invocation& call) {
  if (call.operands().size() != 1 || call.operands()[0].empty()) {
    return cli::UsageError("one TERM is wanted");
  }
  if (FLAGS_json && call.Has("format")) {
    return cli::UsageError("--json and --format: only one of them");
  }
  if (call.Has("authfile") && FLAGS_authfile.empty()) {
    return cli::UsageError("--authfile: is empty");
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Run(const cli::Invocation& call) {
  STAVE_RETURN_IF_ERROR(CheckFlags(call));
  STAVE_ASSIGN_OR_RETURN(const int limit, Limit());
  const auto filter = tools::ResultFilter::Parse(call.List("filter"));
  if (!filter.ok()) return cli::BadValue("filter", filter.status());
  const tools::Query query = tools::SplitTerm(call.operands()[0]);
  const auto host = registry::ParseLoginHost(query.host);
  if (!host.ok()) return cli::AsUsage(host.status());
  STAVE_ASSIGN_OR_RETURN(cli::Format format,
                         cli::Format::Parse(FLAGS_format, tools::SearchListing()));
  if (FLAGS_v > 0) {
    FLAGS_logtostderr = true;
    google::InitGoogleLogging("image-search");
  }
  STAVE_ASSIGN_OR_RETURN(
      const std::vector<registry::SearchResult> results,
      *host == kHub ? SearchHub(query.term, limit) : SearchRegistry(*host, query.term, limit));
  std::string lines;
  for (const registry::SearchResult& result : results) {
    if (!filter->Takes(result)) continue;
    if (FLAGS_json) {
      absl::StrAppend(&lines, json::Print(tools::JsonLine(result)), "\n");
    } else {
      STAVE_RETURN_IF_ERROR(format.Add(tools::RowOf(result, FLAGS_no_trunc, format.is_json())));
    }
  }
  STAVE_RETURN_IF_ERROR(
      base::WriteAll(STDOUT_FILENO, FLAGS_json ? lines : format.Finish(), "stdout"));
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

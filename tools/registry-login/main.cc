// SPDX-License-Identifier: Apache-2.0
//
// registry-login: a user name and password for a registry, tried there and then kept where docker,
// podman and image-fetch find them.
#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/registry/client.h"
#include "libs/registry/credential.h"
#include "libs/registry/credentials.h"
#include "libs/registry/endpoints.h"
#include "libs/registry/login_host.h"
#include "libs/registry/login_store.h"
#include "libs/registry/registries_conf.h"
#include "libs/registry/secret.h"
#include "libs/registry/token.h"
#include "tools/registry-login/prompt.h"

DEFINE_string(username, "", "");
DEFINE_string(password, "", "");
DEFINE_bool(password_stdin, false, "");
DEFINE_string(authfile, "", "");
DEFINE_bool(get_login, false, "");
DEFINE_bool(plain_http, false, "");

namespace stave {
namespace {

constexpr size_t kMaxPassword = size_t{32} << 10;

constexpr cli::Option kOptions[] = {
    {"username", 'u', cli::Takes::kValue, "NAME", "who logs in; asked for where it is missing"},
    {"password-stdin", 0, cli::Takes::kNothing, "", "read the password from stdin"},
    {"password", 'p', cli::Takes::kValue, "TEXT",
     "the password; others on this machine can see it: --password-stdin is better"},
    {"authfile", 0, cli::Takes::kValue, "FILE", "keep the login in this file"},
    {"get-login", 0, cli::Takes::kNothing, "", "print who is logged in, and do nothing"},
    {"plain-http", 0, cli::Takes::kNothing, "", "speak http to the registry, wherever it is"},
    {"v", 0, cli::Takes::kValue, "LEVEL", "show each request from level 1 on"},
};

constexpr cli::Program kProgram = {
    .name = "registry-login",
    .purpose = "log in to a registry",
    .synopsis = "[OPTION...] [HOST]",
    .options = kOptions,
};

absl::Status CheckFlags(const cli::Invocation& call) {
  if (call.operands().size() > 1) return cli::UsageError("it takes one HOST");
  if (!call.operands().empty() && call.operands()[0].empty()) {
    return cli::UsageError("HOST is empty");
  }
  if (call.Has("authfile") && FLAGS_authfile.empty()) {
    return cli::UsageError("--authfile: is empty");
  }
  if (call.Has("password") && FLAGS_password_stdin) {
    return cli::UsageError("--password and --password-stdin exclude each other");
  }
  if ((call.Has("password") || FLAGS_password_stdin) && FLAGS_username.empty()) {
    return cli::UsageError("a password is of nobody without --username");
  }
  if (absl::StrContains(FLAGS_username, ":")) {
    return cli::UsageError("--username: a user name has no colon");
  }
  if (call.Has("password") && FLAGS_password.empty()) {
    return cli::UsageError("--password: the password is empty");
  }
  return absl::OkStatus();
}

absl::StatusOr<registry::Secret> ReadPassword() {
  STAVE_ASSIGN_OR_RETURN(std::string text, base::ReadAll(STDIN_FILENO, kMaxPassword, "stdin"));
  absl::string_view line = text;
  absl::ConsumeSuffix(&line, "\n");
  absl::ConsumeSuffix(&line, "\r");
  if (line.empty()) return cli::UsageError("--password-stdin: the password is empty");
  return registry::Secret(std::string(line));
}

// What is stored already; none where the file is still to be made.
absl::StatusOr<std::optional<registry::Credential>> FindStored(
    const registry::CredentialFiles& files, const std::string& host) {
  auto stored = registry::FindCredential(files, host);
  if (absl::IsNotFound(stored.status()) && base::ErrorWord(stored.status()) == "E_NOT_FOUND") {
    return std::nullopt;
  }
  return stored;
}

absl::StatusOr<registry::Credential> AskPerson(const std::string& host, const std::string& known) {
  STAVE_ASSIGN_OR_RETURN(tools::Prompt prompt, tools::Prompt::Open());
  registry::Credential login;
  login.user = FLAGS_username;
  if (login.user.empty()) {
    const std::string offer = known.empty() ? "" : absl::StrCat(" (", base::Printable(known), ")");
    STAVE_ASSIGN_OR_RETURN(
        login.user, prompt.Ask(absl::StrCat("Username for ", host, offer, ": "), tools::Echo::kOn));
    if (login.user.empty()) login.user = known;
  }
  if (login.user.empty() || absl::StrContains(login.user, ":")) {
    return cli::UsageError("a user name is wanted, without a colon");
  }
  STAVE_ASSIGN_OR_RETURN(std::string password, prompt.Ask("Password: ", tools::Echo::kOff));
  if (password.empty()) return cli::UsageError("a password is wanted");
  login.password = registry::Secret(std::move(password));
  return login;
}

// The API of a registry, as registries.conf says it is to be reached.
absl::StatusOr<registry::ClientOptions> Network(const std::string& host) {
  registry::ClientOptions options;
  options.http.user_agent = absl::StrCat("stave/", STAVE_VERSION);
  options.http.plain_http = FLAGS_plain_http;
  options.http.trace = [](absl::string_view line) { VLOG(1) << std::string(line); };
  auto servers = registry::TokenServersOfEnvironment();
  if (!servers.ok()) return cli::AsUsage(servers.status());
  options.token_servers = *std::move(servers);
  STAVE_ASSIGN_OR_RETURN(const registry::RegistriesConf conf,
                         registry::ReadRegistriesConf(registry::FindRegistriesConf()));
  STAVE_ASSIGN_OR_RETURN(options.http.insecure_host, registry::InsecureHost(conf, host));
  return options;
}

// Whether the registry lets `login` in.
absl::Status Try(const std::string& host, const registry::Credential& login) {
  STAVE_ASSIGN_OR_RETURN(registry::ClientOptions options, Network(host));
  options.credential = [&login] { return std::optional<registry::Credential>(login); };
  registry::Client client(registry::ApiHostOf(host), "", std::move(options));
  const absl::Status status = client.Ping();
  if (absl::IsNotFound(status)) {
    return base::Error(absl::StatusCode::kUnavailable, "E_REMOTE",
                       absl::StrCat(host, ": there is no registry"));
  }
  // Who asks is logging in already: that hint does not help.
  if (absl::IsPermissionDenied(status) && base::ErrorWord(status) == "E_DENIED" &&
      !absl::StrContains(base::ErrorHint(status), "STAVE_TOKEN_SERVERS")) {
    return base::Error(absl::StatusCode::kPermissionDenied, "E_DENIED",
                       absl::StrCat(host, ": ", status.message()));
  }
  return status.ok() ? status : base::WithContext(status, host);
}

absl::StatusOr<int> PrintLogin(const registry::CredentialFiles& files, const std::string& host) {
  STAVE_ASSIGN_OR_RETURN(const auto stored, FindStored(files, host));
  if (!stored.has_value()) {
    return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                       absl::StrCat("not logged in to ", host));
  }
  const std::string user = stored->user.empty() ? "<token>" : stored->user;
  return cli::PrintOrFail(kProgram, absl::StrCat(base::Printable(user), "\n"));
}

// The login from the command line, from stdin, from an earlier time if it still holds, or from the
// person; nullopt: that of an earlier time, nothing needs to be stored.
absl::StatusOr<std::optional<registry::Credential>> GetLogin(const cli::Invocation& call,
                                                             const registry::CredentialFiles& files,
                                                             const std::string& host) {
  registry::Credential login;
  login.user = FLAGS_username;
  if (FLAGS_password_stdin) {
    STAVE_ASSIGN_OR_RETURN(login.password, ReadPassword());
    return login;
  }
  if (call.Has("password")) {
    cli::PrintWarning(kProgram,
                      "--password: others on this machine can see it; use --password-stdin");
    login.password = registry::Secret(FLAGS_password);
    return login;
  }
  std::string known;
  if (FLAGS_username.empty()) {
    STAVE_ASSIGN_OR_RETURN(const auto stored, FindStored(files, host));
    if (stored.has_value()) {
      const absl::Status status = Try(host, *stored);
      if (status.ok()) return std::nullopt;
      if (base::ErrorWord(status) != "E_DENIED") return status;
      cli::PrintWarning(kProgram, absl::StrCat("the stored login is not accepted any more"));
      known = stored->user;
    }
  }
  return AskPerson(host, known);
}

absl::StatusOr<int> Run(const cli::Invocation& call) {
  STAVE_RETURN_IF_ERROR(CheckFlags(call));
  const auto host = registry::ParseLoginHost(call.operands().empty() ? "" : call.operands()[0]);
  if (!host.ok()) return cli::AsUsage(host.status());
  if (FLAGS_v > 0) {
    FLAGS_logtostderr = true;
    google::InitGoogleLogging("registry-login");
  }
  const registry::CredentialFiles files = registry::FindCredentialFiles(FLAGS_authfile);
  if (FLAGS_get_login) return PrintLogin(files, *host);
  STAVE_ASSIGN_OR_RETURN(const auto login, GetLogin(call, files, *host));
  if (!login.has_value()) return cli::PrintOrFail(kProgram, "Login Succeeded\n");
  STAVE_RETURN_IF_ERROR(Try(*host, *login));
  STAVE_ASSIGN_OR_RETURN(const registry::LoginPlace place,
                         registry::StoreLogin(files, *host, *login));
  if (place.helper.empty()) {
    cli::PrintWarning(kProgram, absl::StrCat("the password is kept unencrypted in ",
                                             base::Printable(place.path)));
  }
  if (!files.from_environment.empty()) {
    cli::PrintWarning(kProgram, "DOCKER_AUTH_CONFIG is set, and is looked at first");
  }
  return cli::PrintOrFail(kProgram, "Login Succeeded\n");
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}

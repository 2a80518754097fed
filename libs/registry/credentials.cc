// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/credentials.h"

#include <stdlib.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/registry/auth_file.h"

namespace stave::registry {
namespace {

// An absolute path from the environment, or "".
std::string Folder(const char* name) {
  const char* value = ::getenv(name);
  return value != nullptr && value[0] == '/' ? value : "";
}

std::string Below(const std::string& home, absl::string_view name) {
  return home.empty() ? "" : absl::StrCat(home, "/", name);
}

// What one file says of `repository`.
absl::StatusOr<std::optional<Credential>> Ask(const AuthFile& file, absl::string_view repository,
                                              const HelperLimits& limits) {
  const absl::string_view host = repository.substr(0, repository.find('/'));
  if (const std::optional<HelperKey> key = file.FindHelper(host); key.has_value()) {
    STAVE_ASSIGN_OR_RETURN(const CredentialHelper helper,
                           CredentialHelper::Open(key->suffix, limits));
    STAVE_ASSIGN_OR_RETURN(std::optional<Credential> login, helper.Get(key->server));
    if (login.has_value()) return login;
  }
  return file.Find(repository);
}

}  // namespace

CredentialFiles FindCredentialFiles(absl::string_view authfile) {
  CredentialFiles files;
  if (!authfile.empty()) {
    files.paths = {std::string(authfile)};
    files.given = true;
    return files;
  }
  const char* text = ::getenv("DOCKER_AUTH_CONFIG");
  if (text != nullptr) files.from_environment = Secret(text);
  const char* given = ::getenv("REGISTRY_AUTH_FILE");
  if (given != nullptr && given[0] != '\0') {
    files.paths = {given};
    files.given = true;
    return files;
  }
  const std::string home = Folder("HOME");
  const std::string runtime = Folder("XDG_RUNTIME_DIR");
  std::string config = Folder("XDG_CONFIG_HOME");
  if (config.empty()) config = Below(home, ".config");
  std::string docker = Folder("DOCKER_CONFIG");
  if (docker.empty()) docker = Below(home, ".docker");
  files.paths.push_back(runtime.empty() ? absl::StrCat("/run/containers/", ::getuid(), "/auth.json")
                                        : Below(runtime, "containers/auth.json"));
  if (!config.empty()) files.paths.push_back(Below(config, "containers/auth.json"));
  files.docker = Below(docker, "config.json");
  if (!files.docker.empty()) files.paths.push_back(files.docker);
  return files;
}

absl::StatusOr<std::optional<Credential>> FindCredential(const CredentialFiles& files,
                                                         absl::string_view repository) {
  if (!files.from_environment.empty()) {
    STAVE_ASSIGN_OR_RETURN(const AuthFile file,
                           AuthFile::Parse(files.from_environment.Reveal(), "DOCKER_AUTH_CONFIG"));
    STAVE_ASSIGN_OR_RETURN(auto login, file.Find(repository));
    if (login.has_value()) return login;
  }
  for (const std::string& path : files.paths) {
    STAVE_ASSIGN_OR_RETURN(const std::optional<AuthFile> file, AuthFile::Read(path));
    if (!file.has_value()) {
      if (!files.given) continue;
      return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                         absl::StrCat(base::Printable(path), ": there is no such file of logins"));
    }
    STAVE_ASSIGN_OR_RETURN(auto login, Ask(*file, repository, files.helper));
    if (login.has_value()) return login;
  }
  return std::nullopt;
}

}  // namespace stave::registry

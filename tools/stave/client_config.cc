// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/client_config.h"

#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"

namespace stave::tools {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;

struct Format {
  const char* verb;
  const char* member;
};
constexpr Format kFormats[] = {
    {"ps", "psFormat"}, {"images", "imagesFormat"}, {"stats", "statsFormat"}};

struct Proxy {
  const char* member;
  const char* variable;
};
constexpr Proxy kProxies[] = {{"httpProxy", "HTTP_PROXY"},
                              {"httpsProxy", "HTTPS_PROXY"},
                              {"ftpProxy", "FTP_PROXY"},
                              {"noProxy", "NO_PROXY"},
                              {"allProxy", "ALL_PROXY"}};

bool IsNamed(const Verb& verb, absl::string_view name) {
  const std::vector<absl::string_view> names = NamesOf(verb);
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool HasFlag(const Verb& verb, absl::string_view name) {
  return std::any_of(verb.flags.begin(), verb.flags.end(),
                     [name](const Flag& flag) { return name == flag.option.name; });
}

bool MakesContainers(const Verb& verb) { return IsNamed(verb, "run") || IsNamed(verb, "create"); }

std::string TextAt(const json::Value& value, std::initializer_list<absl::string_view> path) {
  const json::Value* found = value.Find(path);
  return found != nullptr && found->is_string() ? found->text() : "";
}

bool SetsVariable(const Given& given, const std::string& name) {
  const std::vector<std::string> all = given.List("env");
  return std::any_of(all.begin(), all.end(), [&name](const std::string& one) {
    return one == name || absl::StartsWith(one, name + "=");
  });
}

}  // namespace

absl::StatusOr<ClientConfig> ClientConfig::Read() {
  const char* folder = ::getenv("DOCKER_CONFIG");
  const char* home = ::getenv("HOME");
  std::string path;
  if (folder != nullptr && *folder != '\0') {
    path = absl::StrCat(folder, "/config.json");
  } else if (home != nullptr && *home != '\0') {
    path = absl::StrCat(home, "/.docker/config.json");
  } else {
    return ClientConfig(json::Value::Object());
  }
  const auto text = base::ReadFileAt(AT_FDCWD, path, kMaxBytes);
  if (absl::IsNotFound(text.status())) return ClientConfig(json::Value::Object());
  STAVE_RETURN_IF_ERROR(text.status());
  auto file = json::Parse(*text);
  if (!file.ok()) return base::WithContext(file.status(), path);
  return ClientConfig(*std::move(file));
}

bool ClientConfig::Concerns(const Verb& verb) {
  return HasFlag(verb, "detach-keys") || MakesContainers(verb) ||
         std::any_of(std::begin(kFormats), std::end(kFormats),
                     [&verb](const Format& format) { return IsNamed(verb, format.verb); });
}

void ClientConfig::Complete(const Verb& verb, Given* given) const {
  if (!file_.is_object()) return;
  const auto add = [given](const char* flag, const std::string& text) {
    if (!text.empty() && !given->Has(flag)) given->Add(flag, text);
  };
  // `start` is attached only if it is told so.
  const bool attached = IsNamed(verb, "start") ? given->Has("attach") || given->Has("interactive")
                                               : !given->Has("detach");
  if (HasFlag(verb, "detach-keys") && attached) add("detach-keys", TextAt(file_, {"detachKeys"}));
  for (const Format& format : kFormats) {
    if (IsNamed(verb, format.verb) && !given->Has("quiet")) {
      add("format", TextAt(file_, {format.member}));
    }
  }
  if (!MakesContainers(verb)) return;
  for (const Proxy& proxy : kProxies) {
    const std::string text = TextAt(file_, {"proxies", "default", proxy.member});
    for (const std::string& name :
         {std::string(proxy.variable), absl::AsciiStrToLower(proxy.variable)}) {
      if (!text.empty() && !SetsVariable(*given, name)) {
        given->Add("env", absl::StrCat(name, "=", text));
      }
    }
  }
}

}  // namespace stave::tools

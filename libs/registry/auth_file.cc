// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/auth_file.h"

#include <fcntl.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/registry/login_host.h"

namespace stave::registry {
namespace {

constexpr char kHub[] = "docker.io";
constexpr size_t kMaxFile = size_t{4} << 20;

// The string member `name`, or "".
std::string Text(const json::Value& object, absl::string_view name) {
  const json::Value* member = object.Find(name);
  return member != nullptr && member->is_string() ? member->text() : "";
}

// Whether a key means the host and nothing below it.
bool MeansHost(absl::string_view key, absl::string_view host) {
  return KeyMatch(key, host) == host.size();
}

}  // namespace

absl::Status AuthFile::Error(absl::string_view where, absl::string_view why) const {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_AUTH_FILE",
                     absl::StrCat(base::Printable(name_), ": ", where, ": ", why));
}

absl::StatusOr<AuthFile> AuthFile::Parse(absl::string_view text, std::string name) {
  AuthFile file(json::Value::Object(), std::move(name));
  if (absl::StripAsciiWhitespace(text).empty()) return file;
  auto root = json::Parse(text);
  if (!root.ok()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_AUTH_FILE",
                       absl::StrCat(base::Printable(file.name_), ": ", root.status().message()));
  }
  if (!root->is_object()) return file.Error("/", "is no JSON object");
  for (const char* member : {"auths", "credHelpers"}) {
    const json::Value* value = root->Find(member);
    if (value == nullptr || value->is_null()) continue;
    if (!value->is_object()) return file.Error(member, "is no JSON object");
    for (const auto& [key, entry] : value->members()) {
      const bool good = member == absl::string_view("auths") ? entry.is_object() || entry.is_null()
                                                             : entry.is_string();
      if (!good) return file.Error(member, absl::StrCat(base::Printable(key), ": of a wrong type"));
    }
  }
  const json::Value* store = root->Find("credsStore");
  if (store != nullptr && !store->is_string() && !store->is_null()) {
    return file.Error("credsStore", "is no string");
  }
  file.root_ = *std::move(root);
  return file;
}

absl::StatusOr<std::optional<AuthFile>> AuthFile::Read(const std::string& path) {
  const auto text = base::ReadFileAt(AT_FDCWD, path, kMaxFile);
  if (absl::IsNotFound(text.status())) return std::nullopt;
  STAVE_RETURN_IF_ERROR(text.status());
  STAVE_ASSIGN_OR_RETURN(AuthFile file, Parse(*text, path));
  return file;
}

std::optional<HelperKey> AuthFile::FindHelper(absl::string_view host) const {
  if (const json::Value* helpers = root_.Find("credHelpers"); helpers != nullptr) {
    for (const auto& [key, suffix] : helpers->members()) {
      if (MeansHost(key, host) && !suffix.text().empty()) return HelperKey{suffix.text(), key};
    }
  }
  const std::string store = Text(root_, "credsStore");
  if (store.empty()) return std::nullopt;
  return HelperKey{store, host == kHub ? kHubKey : std::string(host)};
}

absl::StatusOr<std::optional<Credential>> AuthFile::Decode(absl::string_view key,
                                                           const json::Value& entry) const {
  Credential login;
  login.user = Text(entry, "username");
  login.password = Secret(Text(entry, "password"));
  if (std::string packed = Text(entry, "auth"); !packed.empty()) {
    std::string plain;
    const size_t colon = absl::Base64Unescape(packed, &plain) ? plain.find(':') : plain.npos;
    if (colon == plain.npos) {
      return Error("auths",
                   absl::StrCat(base::Printable(key), ": auth is not USER:PASSWORD in base64"));
    }
    login.user = plain.substr(0, colon);
    std::string password = plain.substr(colon + 1);
    while (!password.empty() && password.back() == '\0') password.pop_back();  // old Dockers'
    login.password = Secret(std::move(password));
  }
  if (std::string token = Text(entry, "identitytoken"); !token.empty()) {
    login.identity_token = Secret(std::move(token));
    login.password = Secret();
    return login;
  }
  if (login.user.empty() && login.password.empty()) return std::nullopt;
  return login;
}

absl::StatusOr<std::optional<Credential>> AuthFile::Find(absl::string_view repository) const {
  const json::Value* auths = root_.Find("auths");
  if (auths == nullptr) return std::nullopt;
  std::vector<std::pair<size_t, const std::pair<std::string, json::Value>*>> matches;
  for (const auto& member : auths->members()) {
    const size_t match = KeyMatch(member.first, repository);
    if (match > 0) matches.emplace_back(match, &member);
  }
  // The most specific first; of several spellings of it the plain one.
  std::stable_sort(matches.begin(), matches.end(), [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first > b.first;
    return a.second->first.size() == a.first && b.second->first.size() != b.first;
  });
  for (const auto& [unused, member] : matches) {
    STAVE_ASSIGN_OR_RETURN(std::optional<Credential> login, Decode(member->first, member->second));
    if (login.has_value()) return login;
  }
  return std::nullopt;
}

bool AuthFile::Has(absl::string_view host) const {
  const std::vector<std::string> keys = Keys();
  return std::any_of(keys.begin(), keys.end(),
                     [&](const std::string& key) { return MeansHost(key, host); });
}

void AuthFile::Set(absl::string_view host, const std::optional<Credential>& login,
                   absl::string_view new_key) {
  json::Value entry = json::Value::Object();
  if (login.has_value()) {
    const bool identity = !login->identity_token.empty();
    entry.Set("auth", json::Value::String(absl::Base64Escape(
                          absl::StrCat(login->user, ":", login->password.Reveal()))));
    if (identity) {
      entry.Set("identitytoken", json::Value::String(login->identity_token.Reveal()));
    }
  }
  json::Value& auths = root_.Make({"auths"});
  std::string key(new_key);
  for (const std::string& old : Keys()) {
    if (MeansHost(old, host)) {
      key = old;
      break;
    }
  }
  json::Value::Members kept;
  for (auto& member : auths.members()) {
    if (member.first == key || !MeansHost(member.first, host)) kept.push_back(std::move(member));
  }
  auths.members() = std::move(kept);
  auths.Set(key, std::move(entry));
}

bool AuthFile::Remove(absl::string_view host) {
  bool found = false;
  for (const std::string& key : Keys()) {
    if (MeansHost(key, host)) found = root_.Find("auths")->Remove(key) || found;
  }
  return found;
}

void AuthFile::RemoveAll() {
  if (root_.Find("auths") != nullptr) root_.Set("auths", json::Value::Object());
}

std::vector<std::string> AuthFile::Keys() const {
  std::vector<std::string> keys;
  if (const json::Value* auths = root_.Find("auths"); auths != nullptr) {
    for (const auto& [key, unused] : auths->members()) keys.push_back(key);
  }
  return keys;
}

std::vector<HelperKey> AuthFile::Helpers() const {
  std::vector<HelperKey> found;
  if (const json::Value* helpers = root_.Find("credHelpers"); helpers != nullptr) {
    for (const auto& [key, suffix] : helpers->members()) found.push_back({suffix.text(), key});
  }
  if (const std::string store = Text(root_, "credsStore"); !store.empty()) {
    found.push_back({store, ""});
  }
  return found;
}

std::string AuthFile::Print() const { return json::PrintIndented(root_) + "\n"; }

}  // namespace stave::registry

// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/credential_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace stave::registry {
namespace {

constexpr char kIdentityUser[] = "<token>";
constexpr char kNotFound[] = "credentials not found in native keychain";

class Deadline {
 public:
  explicit Deadline(absl::Duration time) : end_(Now() + time) {}
  // Waits for `fd`; false when the time is over.
  bool Wait(int fd) const {
    pollfd entry{fd, POLLIN, 0};
    while (true) {
      const int64_t left = absl::ToInt64Milliseconds(end_ - Now());
      if (left <= 0) return false;
      const int ready = ::poll(&entry, 1, static_cast<int>(std::min<int64_t>(left + 1, 1 << 30)));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return true;  // the read says what is wrong
    }
  }

 private:
  static absl::Duration Now() {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
  const absl::Duration end_;
};

// The text that a helper failed with, but for one that looks like an answer.
std::string Said(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty() || absl::StrContains(text, "{")) return "";
  return absl::StrCat(": ", base::Printable(text, 200));
}

std::string Member(const json::Value& object, absl::string_view name) {
  const json::Value* member = object.Find(name);
  return member != nullptr && member->is_string() ? member->text() : "";
}

}  // namespace

absl::StatusOr<CredentialHelper> CredentialHelper::Open(absl::string_view suffix,
                                                        HelperLimits limits) {
  const std::string name = absl::StrCat("docker-credential-", suffix);
  const bool clean = !suffix.empty() && std::all_of(suffix.begin(), suffix.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
  if (!clean) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_HELPER",
                       absl::StrCat(base::Printable(name, 80), ": is no name of a program"));
  }
  const char* search = ::getenv("PATH");
  for (const absl::string_view folder : absl::StrSplit(search == nullptr ? "" : search, ':')) {
    if (!absl::StartsWith(folder, "/")) continue;
    std::string path = absl::StrCat(folder, "/", name);
    if (::access(path.c_str(), X_OK) == 0) return CredentialHelper(std::move(path), limits);
  }
  return base::WithHint(
      base::Error(absl::StatusCode::kNotFound, "E_HELPER",
                  absl::StrCat(name, ": the credential helper is not in PATH")),
      "install it, or take it out of credsStore and credHelpers in the file of logins");
}

absl::Status CredentialHelper::Failure(absl::StatusCode code, absl::string_view act,
                                       absl::string_view why) const {
  return base::Error(code, "E_HELPER", absl::StrCat(path_, " ", act, ": ", why));
}

absl::StatusOr<std::pair<int, std::string>> CredentialHelper::Exchange(
    absl::string_view act, absl::string_view input) const {
  // Less than a pipe holds: writing never waits for a helper that does not read.
  if (input.size() >= limits_.bytes) {
    return Failure(absl::StatusCode::kResourceExhausted, act, "too much to hand over");
  }
  STAVE_ASSIGN_OR_RETURN(base::Pipe in, base::MakePipe(path_));
  STAVE_ASSIGN_OR_RETURN(base::Pipe out, base::MakePipe(path_));
  base::Command command;
  command.path = path_;
  command.args = {path_, std::string(act)};
  command.fds = {{in.reader.get(), STDIN_FILENO}, {out.writer.get(), STDOUT_FILENO}};
  const Deadline deadline(limits_.time);
  STAVE_RETURN_IF_ERROR(base::WriteAll(in.writer.get(), input, path_));
  auto child = base::Start(command);
  if (!child.ok()) return Failure(absl::StatusCode::kInternal, act, child.status().message());
  in.reader.Reset();
  in.writer.Reset();
  out.writer.Reset();
  const base::UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child->pid(), 0)));

  std::string output;
  char buffer[4096];
  while (true) {
    if (!deadline.Wait(out.reader.get())) break;
    const ssize_t n = ::read(out.reader.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    output.append(buffer, static_cast<size_t>(n));
    if (output.size() > limits_.bytes) {
      return Failure(absl::StatusCode::kResourceExhausted, act, "its answer is too long");
    }
  }
  if (!deadline.Wait(process.get())) {
    return Failure(absl::StatusCode::kDeadlineExceeded, act,
                   absl::StrCat("no answer within ", absl::FormatDuration(limits_.time)));
  }
  STAVE_ASSIGN_OR_RETURN(const int code, child->Wait());
  return std::make_pair(code, std::move(output));
}

absl::StatusOr<std::optional<std::string>> CredentialHelper::Run(absl::string_view act,
                                                                 absl::string_view input) const {
  STAVE_ASSIGN_OR_RETURN(auto outcome, Exchange(act, input));
  auto& [code, output] = outcome;
  if (code == 0) return std::move(output);
  if (absl::StripAsciiWhitespace(output) == kNotFound) return std::nullopt;
  return Failure(absl::StatusCode::kInternal, act,
                 code > 128 ? absl::StrCat("was ended by signal ", code - 128)
                            : absl::StrCat("failed", Said(output)));
}

absl::StatusOr<std::optional<Credential>> CredentialHelper::Get(absl::string_view server) const {
  STAVE_ASSIGN_OR_RETURN(const std::optional<std::string> output, Run("get", server));
  if (!output.has_value()) return std::nullopt;
  const auto answer = json::Parse(*output);
  if (!answer.ok() || !answer->is_object()) {
    return Failure(absl::StatusCode::kInternal, "get", "its answer is no JSON object");
  }
  Credential login;
  login.user = Member(*answer, "Username");
  Secret secret(Member(*answer, "Secret"));
  if (login.user.empty() && secret.empty()) return std::nullopt;
  if (secret.empty()) {
    return Failure(absl::StatusCode::kInternal, "get", "its answer has no Secret");
  }
  if (login.user == kIdentityUser) {
    login.user.clear();
    login.identity_token = std::move(secret);
  } else {
    login.password = std::move(secret);
  }
  return login;
}

absl::Status CredentialHelper::Store(absl::string_view server, const Credential& login) const {
  const bool identity = !login.identity_token.empty();
  json::Value entry = json::Value::Object();
  entry.Set("ServerURL", json::Value::String(server));
  entry.Set("Username", json::Value::String(identity ? kIdentityUser : login.user));
  entry.Set("Secret",
            json::Value::String((identity ? login.identity_token : login.password).Reveal()));
  const std::string text = json::Print(entry);
  const auto same = json::Parse(text);
  if (!same.ok() || !(*same == entry)) {  // JSON would keep another password
    return Failure(absl::StatusCode::kInvalidArgument, "store",
                   "a user name or password that is not UTF-8");
  }
  return Run("store", text).status();
}

absl::StatusOr<bool> CredentialHelper::Erase(absl::string_view server) const {
  STAVE_ASSIGN_OR_RETURN(const std::optional<Credential> login, Get(server));
  if (!login.has_value()) return false;
  STAVE_RETURN_IF_ERROR(Run("erase", server).status());
  return true;
}

absl::StatusOr<std::vector<std::string>> CredentialHelper::List() const {
  STAVE_ASSIGN_OR_RETURN(const std::optional<std::string> output, Run("list", ""));
  std::vector<std::string> servers;
  if (!output.has_value()) return servers;
  const auto answer = json::Parse(*output);
  if (!answer.ok() || !answer->is_object()) {
    return Failure(absl::StatusCode::kInternal, "list", "its answer is no JSON object");
  }
  for (const auto& [server, unused] : answer->members()) servers.push_back(server);
  return servers;
}

}  // namespace stave::registry

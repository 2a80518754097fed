// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/process.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"

namespace stave::oci {
namespace {

using json::Value;

void Append(const std::vector<std::string>& words, std::vector<std::string>* args) {
  args->insert(args->end(), words.begin(), words.end());
}

bool IsVariable(const Value& entry, absl::string_view name) {
  absl::string_view text = entry.text();
  return absl::StartsWith(text, name) && text.size() > name.size() && text[name.size()] == '=';
}

Value& EnvOf(Value* document) {
  Value& process = document->Make({"process"});
  Value* env = process.Find("env");
  if (env != nullptr && env->is_array()) return *env;
  return process.Set("env", Value::Array());
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ProcessArgs(const CommandWords& image,
                                                     const std::optional<std::string>& entrypoint,
                                                     const std::vector<std::string>& operands) {
  std::vector<std::string> args;
  if (entrypoint) {
    if (!entrypoint->empty()) args.push_back(*entrypoint);
  } else if (image.entrypoint) {
    args = *image.entrypoint;
  }
  Append(operands, &args);
  if (!entrypoint && operands.empty() && image.cmd) Append(*image.cmd, &args);
  if (args.empty()) {
    return base::WithHint(base::Error(absl::StatusCode::kInvalidArgument, "E_NO_COMMAND",
                                      "no command given, and the image has none"),
                          "name one: ns-run -- COMMAND, stave run IMAGE COMMAND");
  }
  if (args[0].empty()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_NO_COMMAND",
                       "the command is an empty word");
  }
  return args;
}

bool HasTerminal(const json::Value& document) {
  const json::Value* terminal = document.Find({"process", "terminal"});
  return terminal != nullptr && terminal->boolean();
}

void SetArgs(const std::vector<std::string>& args, Value* document) {
  document->Make({"process"}).Set("args", Value::Strings(args));
}

absl::Status SetEnv(absl::string_view assignment, Value* document) {
  const size_t equals = assignment.find('=');
  if (equals == assignment.npos || equals == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", base::Printable(assignment, 64), "\": is not NAME=VALUE"));
  }
  Value& env = EnvOf(document);
  for (Value& entry : env.elements()) {
    if (!IsVariable(entry, assignment.substr(0, equals))) continue;
    entry = Value::String(assignment);
    return absl::OkStatus();
  }
  env.elements().push_back(Value::String(assignment));
  return absl::OkStatus();
}

std::optional<std::string> GetEnv(absl::string_view name, const Value& document) {
  const Value* env = document.Find({"process", "env"});
  if (env == nullptr) return std::nullopt;
  for (const Value& entry : env->elements()) {
    if (IsVariable(entry, name)) return entry.text().substr(name.size() + 1);
  }
  return std::nullopt;
}

void RemoveEnv(absl::string_view name, Value* document) {
  Value::Elements& entries = EnvOf(document).elements();
  entries.erase(std::remove_if(entries.begin(), entries.end(),
                               [&](const Value& entry) { return IsVariable(entry, name); }),
                entries.end());
}

void SetUser(const User& user, Value* document) {
  Value& member = document->Make({"process", "user"});
  member.Set("uid", Value::Number(user.uid));
  member.Set("gid", Value::Number(user.gid));
  Value::Elements gids;
  for (const uint32_t gid : user.additional_gids) gids.push_back(Value::Number(gid));
  member.Set("additionalGids", Value::Array(std::move(gids)));
  if (document->Find({"process", "capabilities"}) != nullptr) {
    SetCapabilities(BoundingCapabilities(*document), document);
  }
  if (!GetEnv("HOME", *document)) {
    EnvOf(document).elements().push_back(Value::String(absl::StrCat("HOME=", user.home)));
  }
}

void ChangeUser(const User& before, const User& user, Value* document) {
  if (GetEnv("HOME", *document) == before.home) RemoveEnv("HOME", document);
  SetUser(user, document);
}

void SetCapabilities(const std::vector<std::string>& names, Value* document) {
  const Value* uid = document->Find({"process", "user", "uid"});
  const bool root = uid == nullptr || uid->is_null() || uid->AsInt64().value_or(1) == 0;
  const std::vector<std::string> own = root ? names : std::vector<std::string>();
  Value& member = document->Make({"process", "capabilities"});
  member.Set("bounding", Value::Strings(names));
  member.Set("effective", Value::Strings(own));
  member.Set("permitted", Value::Strings(own));
  member.Remove("inheritable");
  member.Remove("ambient");
}

std::vector<std::string> BoundingCapabilities(const Value& document) {
  std::vector<std::string> names;
  const Value* bounding = document.Find({"process", "capabilities", "bounding"});
  if (bounding == nullptr) return names;
  for (const Value& name : bounding->elements()) names.push_back(name.text());
  return names;
}

}  // namespace stave::oci

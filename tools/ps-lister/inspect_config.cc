// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/inspect_config.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/oci/life_member.h"
#include "tools/ps-lister/members.h"

namespace stave::tools {
namespace {

using json::Value;
using Words = std::vector<std::string>;

Value Set(const Words& keys) {
  Value set = Value::Object();
  for (const std::string& key : keys) set.Set(key, Value::Object());
  return set;
}

// What ns-run has added to the environment: the hostname, and what goes with a terminal and a user.
bool IsAdded(absl::string_view assignment, const Value& document) {
  if (assignment == absl::StrCat("HOSTNAME=", TextAt(document, {"hostname"}))) return true;
  if (assignment == "TERM=xterm") return FlagAt(document, {"process", "terminal"});
  return assignment == "HOME=/root" || assignment == "HOME=/";
}

Value Env(const Value& document) {
  Value env = Value::Array();
  for (const std::string& assignment : WordsAt(document, {"process", "env"})) {
    if (!IsAdded(assignment, document)) env.elements().push_back(Value::String(assignment));
  }
  return env;
}

struct Command {
  Words entrypoint;
  Words cmd;
};

// process.args, taken apart: --entrypoint is one word; else the image's entrypoint if they begin
// with it.
Command CommandOf(const Value& document, const store::Record& record) {
  Words args = WordsAt(document, {"process", "args"});
  if (args.empty()) args = record.command;
  const Words image = WordsAt(document, {"stave", "image", "entrypoint"});
  const Value* asked = document.Find({"stave", "entrypoint"});
  size_t split = 0;
  if (asked != nullptr && asked->is_string()) {
    split = asked->text().empty() || args.empty() ? 0 : 1;
  } else if (!image.empty()) {
    const bool same =
        args.size() >= image.size() && std::equal(image.begin(), image.end(), args.begin());
    split = same ? image.size() : std::min<size_t>(1, args.size());
  }
  const auto at = args.begin() + static_cast<Words::difference_type>(split);
  return {Words(args.begin(), at), Words(at, args.end())};
}

Value Nanoseconds(absl::Duration duration) {
  return Value::Number(absl::ToInt64Nanoseconds(duration));
}

// As it holds: of the document, else of the image.
Value Healthcheck(const Value& document, const oci::Life& life) {
  const Value* own = document.Find({"stave", "life", "health"});
  const Value* image = document.Find({"stave", "image", "healthcheck"});
  if ((own == nullptr || own->is_null()) && image != nullptr && image->is_object()) return *image;
  if (life.health.test.empty()) return Value();
  Value check = Value::Object();
  check.Set("Test", Value::Strings(life.health.test));
  if (!life.health.enabled()) return check;
  check.Set("Interval", Nanoseconds(life.health.interval));
  check.Set("Timeout", Nanoseconds(life.health.timeout));
  check.Set("StartPeriod", Nanoseconds(life.health.start_period));
  check.Set("StartInterval", Nanoseconds(life.health.start_interval));
  check.Set("Retries", Value::Number(life.health.retries));
  return check;
}

std::string User(const Value& document) {
  const std::string asked = TextAt(document, {"stave", "user"});
  return asked.empty() ? TextAt(document, {"stave", "image", "user"}) : asked;
}

std::string WorkingDir(const Value& document) {
  const std::string cwd = TextAt(document, {"process", "cwd"});
  return cwd == "/" ? TextAt(document, {"stave", "image", "workdir"}) : cwd;
}

void SetStreams(const Value& document, const oci::Life& life, Value* config) {
  for (const char* name : {"AttachStdin", "AttachStdout", "AttachStderr"}) {
    config->Set(name, Value::Bool(false));
  }
  if (const Words ports = WordsAt(document, {"stave", "image", "ports"}); !ports.empty()) {
    config->Set("ExposedPorts", Set(ports));
  }
  config->Set("Tty", Value::Bool(FlagAt(document, {"process", "terminal"})));
  config->Set("OpenStdin", Value::Bool(life.interactive));
  config->Set("StdinOnce", Value::Bool(false));
}

void SetStop(const Value& document, const oci::Life& life, Value* config) {
  std::string signal = life.stop.signal;
  if (signal.empty()) signal = TextAt(document, {"stave", "image", "stopSignal"});
  if (!signal.empty()) config->Set("StopSignal", Value::String(signal));
  if (life.stop.timeout) config->Set("StopTimeout", Value::Number(*life.stop.timeout));
}

}  // namespace

json::Value ConfigOf(const json::Value& document, const store::Record& record) {
  const auto known = oci::GetLife(document);
  const oci::Life life = known.ok() ? *known : oci::Life();
  Value config = Value::Object();
  config.Set("Hostname", Value::String(TextAt(document, {"hostname"})));
  config.Set("Domainname", Value::String(TextAt(document, {"domainname"})));
  config.Set("User", Value::String(User(document)));
  SetStreams(document, life, &config);
  config.Set("Env", Env(document));
  const Command command = CommandOf(document, record);
  config.Set("Cmd", WordsOrNull(command.cmd));
  if (Value check = Healthcheck(document, life); !check.is_null()) {
    config.Set("Healthcheck", std::move(check));
  }
  config.Set("Image",
             Value::String(record.image_asked.empty() ? record.image : record.image_asked));
  const Words volumes = WordsAt(document, {"stave", "image", "volumes"});
  config.Set("Volumes", volumes.empty() ? Value() : Set(volumes));
  config.Set("WorkingDir", Value::String(WorkingDir(document)));
  config.Set("Entrypoint", WordsOrNull(command.entrypoint));
  config.Set("OnBuild", Value());
  Value labels = Value::Object();
  for (const auto& [key, text] : record.labels) labels.Set(key, Value::String(text));
  config.Set("Labels", std::move(labels));
  SetStop(document, life, &config);
  return config;
}

}  // namespace stave::tools

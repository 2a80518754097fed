// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/image_config.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/oci/user.h"

namespace stave::oci {
namespace {

constexpr char kWord[] = "E_CONFIG";
constexpr size_t kMaxString = 131072 - 1;  // MAX_ARG_STRLEN of execve(2), without its NUL
constexpr int64_t kMaxNanoseconds = int64_t{1} << 53;

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", base::Printable(text, 64), "\"");
}

// "is not absolute", "holds \"..\"", or "".
absl::string_view PathFault(absl::string_view path) {
  if (!absl::StartsWith(path, "/")) return "is not an absolute path";
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part == "..") return "holds \"..\"";
  }
  return path.size() > 4095 ? "is longer than 4095 bytes" : "";
}

bool IsPortSpec(absl::string_view text) {
  const size_t slash = text.find('/');
  const absl::string_view protocol = slash == text.npos ? "tcp" : text.substr(slash + 1);
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return false;
  const absl::string_view range = text.substr(0, slash);
  const size_t dash = range.find('-');
  const auto first = base::ParseUint(range.substr(0, dash), 1, 65535);
  if (!first.ok()) return false;
  return dash == range.npos || base::ParseUint(range.substr(dash + 1), *first, 65535).ok();
}

absl::Status CheckEnv(const MemberReader& reader, const std::vector<std::string>& env) {
  for (const std::string& variable : env) {
    const size_t equals = variable.find('=');
    if (equals == std::string::npos || equals == 0) {
      return reader.Error("Env", absl::StrCat(Quoted(variable), ": is not NAME=VALUE"));
    }
    if (variable.size() > kMaxString) {
      return reader.Error(
          "Env", absl::StrCat(Quoted(variable.substr(0, equals)), ": is longer than 128 KiB"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckArgs(const MemberReader& reader, absl::string_view key,
                       const std::optional<std::vector<std::string>>& args) {
  if (!args) return absl::OkStatus();
  for (const std::string& arg : *args) {
    if (arg.size() > kMaxString) return reader.Error(key, "a word is longer than 128 KiB");
  }
  return absl::OkStatus();
}

absl::Status CheckPaths(const MemberReader& reader, const ImageConfig& config) {
  if (!config.working_dir.empty()) {
    const absl::string_view fault = PathFault(config.working_dir);
    if (!fault.empty()) {
      return reader.Error("WorkingDir", absl::StrCat(Quoted(config.working_dir), ": ", fault));
    }
  }
  for (const std::string& volume : config.volumes) {
    const absl::string_view fault = PathFault(volume);
    if (!fault.empty()) return reader.Error("Volumes", absl::StrCat(Quoted(volume), ": ", fault));
  }
  for (const std::string& port : config.exposed_ports) {
    if (!IsPortSpec(port)) {
      return reader.Error("ExposedPorts", absl::StrCat(Quoted(port),
                                                       ": is not PORT/tcp, udp or "
                                                       "sctp within 1..65535"));
    }
  }
  return absl::OkStatus();
}

// {"Test":["CMD","x"],"Interval":30000000000,"Timeout":..,"StartPeriod":..,"Retries":3}, times in
// nanoseconds.
absl::StatusOr<std::optional<json::Value>> ReadHealthcheck(const MemberReader& config) {
  STAVE_ASSIGN_OR_RETURN(const json::Value* value, config.Object("Healthcheck"));
  if (value == nullptr) return std::optional<json::Value>();
  const MemberReader reader(*value, config.PointerTo("Healthcheck"), kWord);
  STAVE_RETURN_IF_ERROR(reader.Texts("Test").status());
  for (const char* key : {"Interval", "Timeout", "StartPeriod", "StartInterval"}) {
    STAVE_RETURN_IF_ERROR(reader.Integer(key, 0, kMaxNanoseconds, 0).status());
  }
  STAVE_RETURN_IF_ERROR(reader.Integer("Retries", 0, 1000000, 0).status());
  return std::optional<json::Value>(*value);
}

absl::Status ReadDefaults(const MemberReader& reader, ImageConfig* config) {
  STAVE_ASSIGN_OR_RETURN(config->user, reader.Text("User"));
  STAVE_ASSIGN_OR_RETURN(config->env, reader.Texts("Env"));
  STAVE_ASSIGN_OR_RETURN(config->entrypoint, reader.OptionalTexts("Entrypoint"));
  STAVE_ASSIGN_OR_RETURN(config->cmd, reader.OptionalTexts("Cmd"));
  STAVE_ASSIGN_OR_RETURN(config->working_dir, reader.Text("WorkingDir"));
  STAVE_ASSIGN_OR_RETURN(config->volumes, reader.Names("Volumes"));
  STAVE_ASSIGN_OR_RETURN(config->exposed_ports, reader.Names("ExposedPorts"));
  STAVE_ASSIGN_OR_RETURN(config->labels, reader.TextMap("Labels"));
  STAVE_ASSIGN_OR_RETURN(config->stop_signal, reader.Text("StopSignal"));
  STAVE_ASSIGN_OR_RETURN(config->healthcheck, ReadHealthcheck(reader));

  const absl::Status user = CheckUserSpec(config->user);
  if (!user.ok()) return reader.Error("User", user.message());
  STAVE_RETURN_IF_ERROR(CheckEnv(reader, config->env));
  STAVE_RETURN_IF_ERROR(CheckArgs(reader, "Entrypoint", config->entrypoint));
  STAVE_RETURN_IF_ERROR(CheckArgs(reader, "Cmd", config->cmd));
  STAVE_RETURN_IF_ERROR(CheckPaths(reader, *config));
  if (!config->stop_signal.empty() && !base::ParseSignal(config->stop_signal).ok()) {
    return reader.Error("StopSignal", absl::StrCat(Quoted(config->stop_signal), ": is no signal"));
  }
  return absl::OkStatus();
}

absl::Status ReadRootfs(const MemberReader& document, ImageConfig* config) {
  STAVE_ASSIGN_OR_RETURN(const json::Value* value, document.Object("rootfs"));
  if (value == nullptr) return document.Error("rootfs", "is missing");
  const MemberReader reader(*value, "/rootfs", kWord);
  STAVE_ASSIGN_OR_RETURN(const std::string type, reader.Text("type"));
  if (type != "layers") return reader.Error("type", absl::StrCat(Quoted(type), ": is not layers"));
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> texts, reader.Texts("diff_ids"));
  for (const std::string& text : texts) {
    absl::StatusOr<Digest> digest = Digest::Parse(text);
    if (!digest.ok()) return base::WithContext(digest.status(), reader.PointerTo("diff_ids"));
    config->diff_ids.push_back(*std::move(digest));
  }
  return absl::OkStatus();
}

absl::Status ReadPlatform(const MemberReader& document, ImageConfig* config) {
  Platform platform;
  STAVE_ASSIGN_OR_RETURN(platform.os, document.Text("os"));
  STAVE_ASSIGN_OR_RETURN(platform.architecture, document.Text("architecture"));
  STAVE_ASSIGN_OR_RETURN(platform.variant, document.Text("variant"));
  STAVE_ASSIGN_OR_RETURN(platform.os_version, document.Text("os.version"));
  if (platform.os.empty()) return document.Error("os", "is missing");
  if (platform.architecture.empty()) return document.Error("architecture", "is missing");
  config->platform = Normalize(platform);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ImageConfig> ParseImageConfig(absl::string_view bytes) {
  if (bytes.size() > kMaxImageConfigSize) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("image config has more than ", kMaxImageConfigSize, " bytes"));
  }
  json::Limits limits;
  limits.bytes = kMaxImageConfigSize;
  STAVE_ASSIGN_OR_RETURN(const json::Value value, json::Parse(bytes, limits));
  const MemberReader document(value, "", kWord);
  STAVE_RETURN_IF_ERROR(document.CheckObject());
  ImageConfig config;
  STAVE_RETURN_IF_ERROR(ReadPlatform(document, &config));
  STAVE_ASSIGN_OR_RETURN(config.created, document.Text("created"));
  // A wrong date harms nobody: it is unknown then.
  if (absl::Time t; !absl::ParseTime(absl::RFC3339_full, config.created, &t, nullptr)) {
    config.created.clear();
  }
  STAVE_ASSIGN_OR_RETURN(const json::Value* defaults, document.Object("config"));
  if (defaults != nullptr) {
    STAVE_RETURN_IF_ERROR(ReadDefaults(MemberReader(*defaults, "/config", kWord), &config));
  }
  STAVE_RETURN_IF_ERROR(ReadRootfs(document, &config));
  return config;
}

absl::Status CheckSameLayers(const Manifest& manifest, const ImageConfig& config) {
  if (manifest.layers.size() == config.diff_ids.size()) return absl::OkStatus();
  return base::Error(
      absl::StatusCode::kInvalidArgument, "E_MANIFEST",
      absl::StrCat("manifest has ", manifest.layers.size(), " layers, but the image config ",
                   config.diff_ids.size(), " diff_ids"));
}

}  // namespace stave::oci

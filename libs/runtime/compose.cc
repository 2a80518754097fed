// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/compose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/fd_path.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/capability/capability.h"
#include "libs/json/cursor.h"
#include "libs/json/parse.h"
#include "libs/oci/default_config.h"
#include "libs/oci/default_seccomp.h"
#include "libs/oci/process.h"
#include "libs/oci/stave_member.h"
#include "libs/oci/user.h"
#include "libs/runtime/root_user.h"
#include "libs/runtime/volume.h"
#include "libs/store/image_user.h"

namespace stave::runtime {
namespace {

absl::Status Usage(absl::string_view option, absl::string_view value, absl::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                     absl::StrCat("--", option, ": \"", base::Printable(value, 128), "\": ", why));
}

// --- users -------------------------------------------------------------------------------------

absl::StatusOr<oci::User> ResolveInDirectory(const std::string& directory, absl::string_view spec) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd root, base::OpenDirAt(AT_FDCWD, directory));
  return ResolveUserInRoot(root.get(), spec);
}

absl::StatusOr<oci::User> Resolve(const store::Store& store, const json::Value& document,
                                  const oci::StaveMember& member, absl::string_view spec) {
  if (const json::Value* path = document.Find({"root", "path"}))
    return ResolveInDirectory(path->text(), spec);
  if (member.image) return store::ResolveImageUser(store, member.image->layers, spec);
  return oci::ResolveUser(spec, "", "");
}

absl::Status ApplyUser(const std::string& spec, const store::Store& store,
                       const oci::StaveMember& member, json::Value* document) {
  oci::User before;
  before.home = "/root";
  if (member.image) {
    STAVE_ASSIGN_OR_RETURN(before, Resolve(store, *document, member, member.image->user));
  }
  auto user = Resolve(store, *document, member, spec);
  if (!user.ok()) return base::WithContext(user.status(), "--user");
  const std::vector<std::string> bounding = oci::BoundingCapabilities(*document);
  oci::ChangeUser(before, *user, document);
  oci::SetAskedUser(spec, document);
  if (!bounding.empty()) oci::SetCapabilities(bounding, document);
  return absl::OkStatus();
}

// --- capabilities and security -----------------------------------------------------------------

absl::Status ApplyCapabilities(const RunOptions& options, json::Value* document) {
  if (options.cap_add.empty() && options.cap_drop.empty()) return absl::OkStatus();
  const std::vector<std::string> before = oci::BoundingCapabilities(*document);
  auto after = capability::Tweak(before, options.cap_add, options.cap_drop);
  if (!after.ok()) return base::WithContext(after.status(), "--cap-add, --cap-drop");
  // The default profile depends on the capabilities; another one is the caller's own.
  const json::Value* profile = document->Find({"linux", "seccomp"});
  const bool ours = profile != nullptr && *profile == oci::DefaultSeccomp(before);
  oci::SetCapabilities(*after, document);
  if (ours) document->Make({"linux"}).Set("seccomp", oci::DefaultSeccomp(*after));
  return absl::OkStatus();
}

absl::Status ApplySeccomp(const std::string& value, json::Value* document) {
  json::Value& linux = document->Make({"linux"});
  if (value == "unconfined") {
    linux.Remove("seccomp");
    return absl::OkStatus();
  }
  if (value == "default") {
    linux.Set("seccomp", oci::DefaultSeccomp(oci::BoundingCapabilities(*document)));
    return absl::OkStatus();
  }
  auto text = base::ReadFileAt(AT_FDCWD, value, size_t{1} << 20);
  if (!text.ok()) return base::WithContext(text.status(), "--security-opt seccomp");
  auto profile = json::Parse(*text);
  if (!profile.ok()) {
    return base::WithContext(profile.status(),
                             absl::StrCat("--security-opt seccomp: ", base::Printable(value)));
  }
  if (!profile->is_object()) return Usage("security-opt", value, "is no seccomp profile");
  linux.Set("seccomp", *std::move(profile));
  return absl::OkStatus();
}

// "key=value" or "key:value"; just "key" gives an empty value.
std::pair<std::string, std::string> SplitSecurity(const std::string& option) {
  const size_t at = option.find_first_of("=:");
  if (at == std::string::npos) return {option, ""};
  return {option.substr(0, at), option.substr(at + 1)};
}

absl::Status CheckSecurity(const std::string& option) {
  const auto [key, value] = SplitSecurity(option);
  if (key == "no-new-privileges" && (value.empty() || value == "true" || value == "false"))
    return absl::OkStatus();
  if ((key == "seccomp" || key == "apparmor") && !value.empty()) return absl::OkStatus();
  if (key == "systempaths" && value == "unconfined") return absl::OkStatus();
  if (key == "label" && value == "disable") return absl::OkStatus();
  if (key == "label") {
    return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                       "--security-opt label: SELinux is not supported");
  }
  return base::WithHint(Usage("security-opt", option, "is not known"),
                        "known are no-new-privileges, seccomp=FILE|unconfined, apparmor=PROFILE, "
                        "label=disable, systempaths=unconfined");
}

absl::Status ApplySecurity(const std::string& option, json::Value* document) {
  const auto [key, value] = SplitSecurity(option);
  if (key == "seccomp") return ApplySeccomp(value, document);
  if (key == "no-new-privileges") {
    document->Make({"process"}).Set("noNewPrivileges", json::Value::Bool(value != "false"));
  } else if (key == "apparmor") {
    if (value == "unconfined") {
      document->Make({"process"}).Remove("apparmorProfile");
    } else {
      document->Make({"process"}).Set("apparmorProfile", json::Value::String(value));
    }
  } else if (key == "label") {
    document->Make({"process"}).Remove("selinuxLabel");
    document->Make({"linux"}).Remove("mountLabel");
  } else {
    json::Value& linux = document->Make({"linux"});
    linux.Remove("maskedPaths");
    linux.Remove("readonlyPaths");
  }
  return absl::OkStatus();
}

// --- network -----------------------------------------------------------------------------------

absl::Status CheckNetwork(const std::string& mode) {
  absl::string_view rest = mode;
  if (mode == "none" || mode == "host") return absl::OkStatus();
  if (absl::ConsumePrefix(&rest, "container:") && !rest.empty()) return absl::OkStatus();
  return base::WithHint(
      Usage("network", mode, "is none of none, host, container:NAME"),
      "without the option a container has a network of its own with only loopback");
}

void ApplyNetwork(const std::string& mode, json::Value* document) {
  oci::SetMode("network", mode, document);
  json::Value& linux = document->Make({"linux"});
  json::Value* namespaces = linux.Find("namespaces");
  if (namespaces == nullptr || !namespaces->is_array()) {
    namespaces = &linux.Set("namespaces", json::Value::Array());
  }
  auto& list = namespaces->elements();
  std::erase_if(list, [](const json::Value& one) {
    const json::Value* type = one.Find("type");
    return type != nullptr && type->text() == "network";
  });
  if (mode != "host") {
    list.push_back(json::Value::Object({{"type", json::Value::String("network")}}));
    return;
  }
  // The host's network settings are not the container's to change.
  if (json::Value* sysctl = linux.Find("sysctl")) {
    std::erase_if(sysctl->members(),
                  [](const auto& one) { return absl::StartsWith(one.first, "net."); });
  }
}

// --- environment -------------------------------------------------------------------------------

absl::Status ApplyEnv(const std::string& assignment, json::Value* document) {
  if (assignment.find('=') != std::string::npos) return oci::SetEnv(assignment, document);
  // Docker: a bare name takes the caller's value, or takes the variable away.
  if (const char* value = ::getenv(assignment.c_str())) {
    return oci::SetEnv(absl::StrCat(assignment, "=", value), document);
  }
  oci::RemoveEnv(assignment, document);
  return absl::OkStatus();
}

absl::Status CheckEnv(const std::string& assignment) {
  if (assignment.empty() || assignment[0] == '=') return Usage("env", assignment, "has no name");
  return absl::OkStatus();
}

absl::Status CheckHostname(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= 64;
  if (fits &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
          name.npos) {
    return absl::OkStatus();
  }
  return Usage("hostname", name, "is no hostname (letters, digits, \"-\", \".\"; at most 64)");
}

absl::Status ApplyArgs(const RunOptions& options, const oci::StaveMember& member,
                       json::Value* document) {
  const json::Value* args = document->Find({"process", "args"});
  const bool given = !options.operands.empty() || options.entrypoint;
  if (!given && args != nullptr && !args->elements().empty()) return absl::OkStatus();
  const oci::CommandWords words = member.image ? member.image->command : oci::CommandWords();
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> made,
                         oci::ProcessArgs(words, options.entrypoint, options.operands));
  if (options.entrypoint) oci::SetAskedEntrypoint(*options.entrypoint, document);
  oci::SetArgs(made, document);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckOptions(const RunOptions& options) {
  if (options.name) {
    const absl::Status name = oci::CheckContainerName(*options.name);
    if (!name.ok()) return base::WithContext(name, "--name");
  }
  if (options.user) {
    const absl::Status user = oci::CheckUserSpec(*options.user);
    if (!user.ok() || options.user->empty()) {
      return user.ok() ? Usage("user", "", "is empty") : base::WithContext(user, "--user");
    }
  }
  if (options.workdir && !absl::StartsWith(*options.workdir, "/")) {
    return Usage("workdir", *options.workdir, "is not an absolute path");
  }
  if (options.hostname) STAVE_RETURN_IF_ERROR(CheckHostname(*options.hostname));
  if (options.network) STAVE_RETURN_IF_ERROR(CheckNetwork(*options.network));
  for (const std::string& one : options.env) STAVE_RETURN_IF_ERROR(CheckEnv(one));
  for (const std::string& one : options.security) STAVE_RETURN_IF_ERROR(CheckSecurity(one));
  for (const std::string& one : options.volumes) STAVE_RETURN_IF_ERROR(ParseVolume(one).status());
  for (const std::string& one : options.tmpfs) STAVE_RETURN_IF_ERROR(ParseTmpfs(one).status());
  return capability::Tweak({}, options.cap_add, options.cap_drop).ok()
             ? absl::OkStatus()
             : base::WithContext(capability::Tweak({}, options.cap_add, options.cap_drop).status(),
                                 "--cap-add, --cap-drop");
}

absl::Status CheckShape(const json::Value& document) {
  const json::Cursor top(document);
  const json::Cursor process = top["process"], linux = top["linux"];
  for (const json::Cursor& object :
       {process, process["user"], process["capabilities"], linux, linux["resources"],
        linux["sysctl"], top["root"], top["annotations"], top["stave"]}) {
    STAVE_RETURN_IF_ERROR(object.MembersOrNone().status());
  }
  STAVE_RETURN_IF_ERROR(process["args"].StringsOrNone().status());
  STAVE_ASSIGN_OR_RETURN(const auto env, process["env"].ElementsOrNone());
  for (const json::Cursor& variable : env) {
    STAVE_ASSIGN_OR_RETURN(const std::string text, variable.String());
    if (text.find('=') == std::string::npos) return variable.Error("is no NAME=VALUE");
  }
  STAVE_ASSIGN_OR_RETURN(const auto mounts, top["mounts"].ElementsOrNone());
  for (const json::Cursor& mount : mounts)
    STAVE_RETURN_IF_ERROR(mount["destination"].String().status());
  STAVE_ASSIGN_OR_RETURN(const auto namespaces, linux["namespaces"].ElementsOrNone());
  for (const json::Cursor& one : namespaces) STAVE_RETURN_IF_ERROR(one["type"].String().status());
  STAVE_ASSIGN_OR_RETURN(const auto annotations, top["annotations"].MembersOrNone());
  for (const auto& [key, value] : annotations) STAVE_RETURN_IF_ERROR(value.String().status());
  if (top["hostname"].exists()) STAVE_RETURN_IF_ERROR(top["hostname"].String().status());
  if (!top["stave"]["id"].exists()) return absl::OkStatus();
  return base::WithHint(top["stave"]["id"].Error("a document has no id"),
                        "each run draws its own: del(.stave.id)");
}

absl::Status Compose(const RunOptions& options, const store::Store& store, json::Value* document) {
  STAVE_RETURN_IF_ERROR(CheckOptions(options));
  STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(*document));
  if (options.name) oci::SetName(*options.name, document);
  STAVE_RETURN_IF_ERROR(ApplyArgs(options, member, document));
  if (options.user) STAVE_RETURN_IF_ERROR(ApplyUser(*options.user, store, member, document));
  if (options.workdir)
    document->Make({"process"}).Set("cwd", json::Value::String(*options.workdir));
  if (options.hostname) document->Set("hostname", json::Value::String(*options.hostname));
  if (options.read_only) {
    if (json::Value* root = document->Find("root")) root->Set("readonly", json::Value::Bool(true));
    oci::SetRootfsReadonly(true, document);
  }
  if (options.terminal) {
    document->Make({"process"}).Set("terminal", json::Value::Bool(true));
    if (!oci::GetEnv("TERM", *document)) STAVE_RETURN_IF_ERROR(oci::SetEnv("TERM=xterm", document));
  }
  for (const std::string& one : options.env) STAVE_RETURN_IF_ERROR(ApplyEnv(one, document));
  STAVE_RETURN_IF_ERROR(ApplyCapabilities(options, document));
  for (const std::string& one : options.security)
    STAVE_RETURN_IF_ERROR(ApplySecurity(one, document));
  if (options.network) ApplyNetwork(*options.network, document);
  return AddVolumes(options.volumes, options.tmpfs, store.state_path(), document);
}

absl::StatusOr<json::Value> RootfsDocument(const std::string& path) {
  struct stat st;
  if (::stat(path.c_str(), &st) < 0)
    return base::PosixError(errno, absl::StrCat("--rootfs: ", path), "open");
  if (!S_ISDIR(st.st_mode)) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                       absl::StrCat("--rootfs: ", base::Printable(path), ": is not a directory"));
  }
  // The caller's own path: resolved once, then only its descriptor is used.
  const base::UniqueFd dir(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  STAVE_ASSIGN_OR_RETURN(const std::string whole, base::FdPath(dir.get(), path));
  if (whole == "/") {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                       "--rootfs: \"/\" is the host's own root filesystem");
  }
  json::Value document = oci::DefaultConfig();
  json::Value::Members& members = document.members();
  members.insert(members.begin() + 1,
                 {"root", json::Value::Object({{"path", json::Value::String(whole)}})});
  return document;
}

}  // namespace stave::runtime

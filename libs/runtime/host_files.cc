// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/host_files.h"

#include <fcntl.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/stave_member.h"
#include "libs/store/containers.h"

namespace stave::runtime {
namespace {

constexpr size_t kMaxHostFile = size_t{64} << 10;

constexpr char kHostname[] = "hostname";
constexpr char kResolvConf[] = "resolv.conf";
constexpr absl::string_view kFiles[] = {kHostname, "hosts", kResolvConf};

constexpr char kHosts[] =
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n";

std::string HostFile(const std::string& path, absl::string_view otherwise) {
  auto text = base::ReadFileAt(AT_FDCWD, path, kMaxHostFile);
  return text.ok() ? *std::move(text) : std::string(otherwise);
}

std::string TextOf(absl::string_view file, const std::string& name, const json::Value& document) {
  if (file == kHostname) return name + "\n";
  if (file == kResolvConf) return HostFile("/etc/resolv.conf", "");
  const json::Value* mode = document.Find({"stave", "network", "mode"});
  if (mode != nullptr && mode->text() == "host") return HostFile("/etc/hosts", kHosts);
  return absl::StrCat(kHosts, name.empty() ? "" : "127.0.0.1\t" + name + "\n");
}

// Whether the document binds the file `source`.
bool IsBound(const json::Value& document, absl::string_view source) {
  const json::Value* mounts = document.Find("mounts");
  if (mounts == nullptr) return false;
  for (const json::Value& mount : mounts->elements()) {
    const json::Value* there = mount.Find("source");
    if (there != nullptr && there->text() == source) return true;
  }
  return false;
}

bool IsMounted(const json::Value& document, absl::string_view destination) {
  const json::Value* mounts = document.Find("mounts");
  if (mounts == nullptr) return false;
  for (const json::Value& mount : mounts->elements()) {
    const json::Value* there = mount.Find("destination");
    if (there != nullptr && there->text() == destination) return true;
  }
  return false;
}

void AddBind(const std::string& source, absl::string_view destination, json::Value* document) {
  json::Value* mounts = document->Find("mounts");
  if (mounts == nullptr || !mounts->is_array())
    mounts = &document->Set("mounts", json::Value::Array());
  mounts->elements().push_back(json::Value::Object({
      {"destination", json::Value::String(destination)},
      {"type", json::Value::String("bind")},
      {"source", json::Value::String(source)},
      {"options", json::Value::Strings({"rbind", "rprivate"})},
  }));
}

}  // namespace

absl::Status AddHostFiles(const store::Store& store, const std::string& run_path,
                          json::Value* document) {
  STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(*document));
  absl::string_view other = member.network_mode;
  std::string network_path = run_path;
  if (absl::ConsumePrefix(&other, "container:")) {
    STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, other));
    network_path = absl::StrCat(store.run_path(), "/containers/", id);
  }
  for (const absl::string_view file : kFiles) {
    const std::string destination = absl::StrCat("/etc/", file);
    if (IsMounted(*document, destination)) continue;
    const bool of_network = file != kHostname;
    AddBind(absl::StrCat(of_network ? network_path : run_path, "/", file), destination, document);
  }
  return absl::OkStatus();
}

absl::Status WriteHostFiles(int run, const std::string& run_path, const json::Value& document) {
  const json::Value* hostname = document.Find("hostname");
  const std::string name = hostname != nullptr ? hostname->text() : "";
  for (const absl::string_view file : kFiles) {
    if (!IsBound(document, absl::StrCat(run_path, "/", file))) continue;
    STAVE_RETURN_IF_ERROR(base::ReplaceFileAt(run, std::string(file), TextOf(file, name, document),
                                              0644, base::Durability::kVolatile));
  }
  return absl::OkStatus();
}

absl::StatusOr<base::UniqueFd> OpenNetwork(const store::Store& store, absl::string_view mode) {
  if (!absl::ConsumePrefix(&mode, "container:")) return base::UniqueFd();
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, mode));
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
  const absl::Status not_running =
      base::Error(absl::StatusCode::kFailedPrecondition, "E_NOT_RUNNING",
                  absl::StrCat("--network: container ", base::Printable(mode), ": is not running"));
  if (view.status != store::Status::kRunning || !view.state || !view.state->init)
    return not_running;
  const std::string path = absl::StrCat("/proc/", view.state->init->pid, "/ns/net");
  base::UniqueFd network(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // Looked at afterwards: then what was opened was that process's, not one that has got its pid.
  STAVE_ASSIGN_OR_RETURN(const auto alive, base::OpenProcess(*view.state->init));
  if (!network.valid() || !alive.has_value()) return not_running;
  return network;
}

}  // namespace stave::runtime

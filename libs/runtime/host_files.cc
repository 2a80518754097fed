// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/host_files.h"

#include <fcntl.h>
#include <sys/utsname.h>

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
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

// The texts of the list `member` of stave.network.
std::vector<std::string> NetworkWords(const json::Value& document, absl::string_view member) {
  std::vector<std::string> words;
  const json::Value* list = document.Find({"stave", "network", member});
  if (list == nullptr) return words;
  for (const json::Value& one : list->elements()) words.push_back(one.text());
  return words;
}

std::string HostsText(const std::string& name, const json::Value& document) {
  const json::Value* mode = document.Find({"stave", "network", "mode"});
  const std::string own = absl::StrCat(kHosts, name.empty() ? "" : "127.0.0.1\t" + name + "\n");
  std::string text =
      mode != nullptr && mode->text() == "host" ? HostFile("/etc/hosts", kHosts) : own;
  for (const std::string& line : NetworkWords(document, "hosts")) {
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

// Of each of the three, what the document says, or else what the host's file does.
std::string ResolvText(const json::Value& document) {
  const std::vector<std::string> servers = NetworkWords(document, "dns");
  const std::vector<std::string> domains = NetworkWords(document, "dnsSearch");
  const std::vector<std::string> options = NetworkWords(document, "dnsOptions");
  const std::string host = HostFile("/etc/resolv.conf", "");
  if (servers.empty() && domains.empty() && options.empty()) return host;
  std::string text;
  for (const absl::string_view line : absl::StrSplit(host, '\n', absl::SkipWhitespace())) {
    const bool replaced = (!servers.empty() && absl::StartsWith(line, "nameserver")) ||
                          (!options.empty() && absl::StartsWith(line, "options")) ||
                          (!domains.empty() &&
                           (absl::StartsWith(line, "search") || absl::StartsWith(line, "domain")));
    if (!replaced) absl::StrAppend(&text, line, "\n");
  }
  for (const std::string& server : servers) absl::StrAppend(&text, "nameserver ", server, "\n");
  const bool none = domains.size() == 1 && domains[0] == ".";
  if (!domains.empty() && !none) {
    absl::StrAppend(&text, "search ", absl::StrJoin(domains, " "), "\n");
  }
  if (!options.empty()) absl::StrAppend(&text, "options ", absl::StrJoin(options, " "), "\n");
  return text;
}

// The machine's own name where the container bears it, else "".
std::string HostsName(const json::Value& document) {
  if (const json::Value* namespaces = document.Find({"linux", "namespaces"})) {
    for (const json::Value& one : namespaces->elements()) {
      const json::Value* type = one.Find("type");
      if (type != nullptr && type->text() == "uts") return "";
    }
  }
  struct utsname names;
  return ::uname(&names) == 0 ? names.nodename : "";
}

std::string TextOf(absl::string_view file, const std::string& name, const json::Value& document) {
  if (file == kHostname) return name + "\n";
  return file == kResolvConf ? ResolvText(document) : HostsText(name, document);
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
  const std::string name = hostname != nullptr ? hostname->text() : HostsName(document);
  for (const absl::string_view file : kFiles) {
    if (!IsBound(document, absl::StrCat(run_path, "/", file))) continue;
    STAVE_RETURN_IF_ERROR(base::ReplaceFileAt(run, std::string(file), TextOf(file, name, document),
                                              0644, base::Durability::kVolatile));
  }
  return absl::OkStatus();
}

}  // namespace stave::runtime

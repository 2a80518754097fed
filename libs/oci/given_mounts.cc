// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/given_mounts.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace stave::oci {
namespace {

constexpr absl::string_view kHostFiles[] = {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"};
constexpr absl::string_view kOwnTmpfs[] = {"/dev", "/dev/shm", "/sys/fs/cgroup"};
constexpr size_t kIdLength = 64;

template <size_t N>
bool IsAmong(const absl::string_view (&list)[N], absl::string_view text) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

std::string Text(const json::Value& mount, absl::string_view key) {
  const json::Value* value = mount.Find(key);
  return value != nullptr && value->is_string() ? value->text() : "";
}

// Whether `source` is RUN/containers/ID/NAME where the destination is /etc/NAME.
bool IsHostFile(absl::string_view source, absl::string_view destination) {
  if (!IsAmong(kHostFiles, destination)) return false;
  if (!absl::ConsumeSuffix(&source, absl::StripPrefix(destination, "/etc"))) return false;
  if (source.size() < kIdLength) return false;
  const absl::string_view id = source.substr(source.size() - kIdLength);
  source.remove_suffix(kIdLength);
  return absl::EndsWith(source, "/containers/") &&
         id.find_first_not_of("0123456789abcdef") == id.npos;
}

json::Value::Elements MountsOf(const json::Value& document) {
  const json::Value* mounts = document.Find("mounts");
  return mounts == nullptr ? json::Value::Elements() : mounts->elements();
}

bool IsBind(const json::Value& mount) {
  if (Text(mount, "type") == "bind") return true;
  const json::Value* options = mount.Find("options");
  if (options == nullptr) return false;
  return std::any_of(options->elements().begin(), options->elements().end(),
                     [](const auto& one) { return one.text() == "bind" || one.text() == "rbind"; });
}

}  // namespace

std::vector<GivenMount> GivenMounts(const json::Value& document) {
  std::vector<GivenMount> given;
  for (const json::Value& mount : MountsOf(document)) {
    GivenMount one{"bind", Text(mount, "source"), Text(mount, "destination"), {}};
    if (!IsBind(mount)) one.type = Text(mount, "type");
    if (one.type == "bind" ? IsHostFile(one.source, one.destination)
                           : one.type != "tmpfs" || IsAmong(kOwnTmpfs, one.destination)) {
      continue;
    }
    if (const json::Value* options = mount.Find("options")) {
      for (const json::Value& option : options->elements()) one.options.push_back(option.text());
    }
    given.push_back(std::move(one));
  }
  return given;
}

std::string HostFileOf(const json::Value& document, absl::string_view destination) {
  for (const json::Value& mount : MountsOf(document)) {
    std::string source = Text(mount, "source");
    if (Text(mount, "destination") == destination && IsHostFile(source, destination)) {
      return source;
    }
  }
  return "";
}

}  // namespace stave::oci

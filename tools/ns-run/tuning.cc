// SPDX-License-Identifier: Apache-2.0
#include "tools/ns-run/tuning.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "tools/ns-run/array_member.h"

namespace stave::tools {
namespace {

using json::Value;

// No program writes a larger integer: jq would change it.
constexpr int64_t kLargest = int64_t{1} << 53;
constexpr int64_t kSmallestShm = 4096;
constexpr int64_t kWorstScore = 1000;

constexpr absl::string_view kLimits[] = {
    "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
    "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};

absl::Status Wrong(absl::string_view option, absl::string_view text, absl::string_view why) {
  return cli::UsageError(absl::StrCat("--", option, ": ", base::Quoted(text, 128), ": ", why));
}

using Pair = std::pair<std::string, std::string>;

// "NAME=VALUE" apart.
absl::StatusOr<Pair> Split(absl::string_view option, const std::string& text) {
  Pair parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  if (parts.first.empty() || text.find('=') == text.npos) {
    return Wrong(option, text, "is no NAME=VALUE");
  }
  return parts;
}

absl::StatusOr<int64_t> ParseLimit(const std::string& whole, const std::string& text) {
  if (text == "-1" || text == "unlimited") return -1;
  const auto number = base::ParseInt(text, 0, kLargest);
  if (!number.ok()) return Wrong("ulimit", whole, "is no NAME=SOFT[:HARD]");
  return *number;
}

absl::Status SetUlimit(const std::string& text, Value* document) {
  STAVE_ASSIGN_OR_RETURN(const Pair parts, Split("ulimit", text));
  if (std::find(std::begin(kLimits), std::end(kLimits), parts.first) == std::end(kLimits)) {
    return Wrong("ulimit", text, "is no limit that there is, such as nofile or nproc");
  }
  const Pair bounds = absl::StrSplit(parts.second, absl::MaxSplits(':', 1));
  STAVE_ASSIGN_OR_RETURN(const int64_t soft, ParseLimit(text, bounds.first));
  int64_t hard = soft;
  if (parts.second.find(':') != parts.second.npos) {
    STAVE_ASSIGN_OR_RETURN(hard, ParseLimit(text, bounds.second));
  }
  if (hard != -1 && (soft == -1 || soft > hard)) {
    return Wrong("ulimit", text, "the soft limit is above the hard one");
  }
  const std::string type = absl::StrCat("RLIMIT_", absl::AsciiStrToUpper(parts.first));
  Value& limits = ArrayMember(document->Make({"process"}), "rlimits");
  std::erase_if(limits.elements(), [&type](const Value& one) {
    const Value* of = one.Find("type");
    return of != nullptr && of->text() == type;
  });
  limits.elements().push_back(Value::Object({{"type", Value::String(type)},
                                             {"hard", Value::Number(hard)},
                                             {"soft", Value::Number(soft)}}));
  return absl::OkStatus();
}

absl::Status SetShmSize(const std::string& text, Value* document) {
  const auto size = base::ParseSize(text);
  if (!size.ok()) return cli::BadValue("shm-size", size.status());
  if (*size < kSmallestShm) return Wrong("shm-size", text, "is less than 4096 bytes");
  for (Value& mount : ArrayMember(*document, "mounts").elements()) {
    const Value* there = mount.Find("destination");
    const Value* type = mount.Find("type");
    if (there == nullptr || there->text() != "/dev/shm") continue;
    if (type == nullptr || type->text() != "tmpfs") break;
    auto& options = ArrayMember(mount, "options").elements();
    std::erase_if(options, [](const Value& one) { return absl::StartsWith(one.text(), "size="); });
    options.push_back(Value::String(absl::StrCat("size=", *size)));
    return absl::OkStatus();
  }
  return Wrong("shm-size", text, "/dev/shm is no tmpfs of the container's own");
}

absl::Status AddGroup(const std::string& text, const FindGroup& find_group, Value* document) {
  auto id = base::ParseUserId(text);
  if (!id.ok()) id = find_group(text);
  if (!id.ok()) return base::WithContext(id.status(), "--group-add");
  auto& groups = ArrayMember(document->Make({"process", "user"}), "additionalGids").elements();
  const Value group = Value::Number(*id);
  if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
  return absl::OkStatus();
}

bool IsAddress(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool IsWord(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > ' ' && c < 0x7f && c != '#';
  });
}

// "NAME:ADDRESS" or "NAME=ADDRESS", to a line of hosts(5).
absl::Status AddHost(const std::string& text, Value* document) {
  const size_t at = std::min(text.find('='), text.find(':'));
  std::string address = at == text.npos ? "" : text.substr(at + 1);
  if (absl::StartsWith(address, "[") && absl::EndsWith(address, "]")) {
    address = address.substr(1, address.size() - 2);
  }
  const std::string name = text.substr(0, at);
  if (!IsWord(name) || !IsAddress(address)) {
    return Wrong("add-host", text, "is no NAME:ADDRESS with an IP address");
  }
  ArrayMember(document->Make({"stave", "network"}), "hosts")
      .elements()
      .push_back(Value::String(absl::StrCat(address, "\t", name)));
  return absl::OkStatus();
}

absl::Status SetNames(const cli::Invocation& given, Value* document) {
  for (const std::string& text : given.List("add-host")) {
    STAVE_RETURN_IF_ERROR(AddHost(text, document));
  }
  for (const auto& [option, member] :
       {std::pair{"dns", "dns"}, std::pair{"dns-search", "dnsSearch"},
        std::pair{"dns-option", "dnsOptions"}}) {
    for (const std::string& text : given.List(option)) {
      const bool address = option == absl::string_view("dns");
      if (!IsWord(text) || (address && !IsAddress(text))) {
        return Wrong(option, text, address ? "is no IP address" : "is not one word");
      }
      ArrayMember(document->Make({"stave", "network"}), member)
          .elements()
          .push_back(Value::String(text));
    }
  }
  return absl::OkStatus();
}

absl::Status SetPairs(const cli::Invocation& given, Value* document) {
  for (const std::string& text : given.List("sysctl")) {
    STAVE_ASSIGN_OR_RETURN(const Pair parts, Split("sysctl", text));
    document->Make({"linux", "sysctl"}).Set(parts.first, Value::String(parts.second));
  }
  for (const std::string& text : given.List("annotation")) {
    STAVE_ASSIGN_OR_RETURN(const Pair parts, Split("annotation", text));
    document->Make({"annotations"}).Set(parts.first, Value::String(parts.second));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Tune(const cli::Invocation& given, const FindGroup& find_group, Value* document) {
  for (const std::string& text : given.List("ulimit")) {
    STAVE_RETURN_IF_ERROR(SetUlimit(text, document));
  }
  if (given.Has("oom-score-adj")) {
    const auto score = base::ParseInt(given.Get("oom-score-adj"), -kWorstScore, kWorstScore);
    if (!score.ok()) return cli::BadValue("oom-score-adj", score.status());
    document->Make({"process"}).Set("oomScoreAdj", Value::Number(*score));
  }
  if (given.Has("shm-size")) {
    STAVE_RETURN_IF_ERROR(SetShmSize(given.Get("shm-size"), document));
  }
  for (const std::string& text : given.List("group-add")) {
    STAVE_RETURN_IF_ERROR(AddGroup(text, find_group, document));
  }
  if (given.Has("domainname")) {
    if (!IsWord(given.Get("domainname"))) {
      return Wrong("domainname", given.Get("domainname"), "is not one word");
    }
    document->Set("domainname", Value::String(given.Get("domainname")));
  }
  if (given.Has("cgroup-parent")) {
    const std::string parent = given.Get("cgroup-parent");
    if (!absl::StartsWith(parent, "/")) {
      return Wrong("cgroup-parent", parent, "is not an absolute path");
    }
    document->Make({"linux"}).Set("cgroupsPath", Value::String(parent));
  }
  STAVE_RETURN_IF_ERROR(SetPairs(given, document));
  return SetNames(given, document);
}

}  // namespace stave::tools

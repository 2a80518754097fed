// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/ports.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"

namespace stave::tools {
namespace {

std::string Text(const PortRange& range) {
  return range.first == range.last
             ? absl::StrCat(range.first, "/", range.protocol)
             : absl::StrCat(range.first, "-", range.last, "/", range.protocol);
}

absl::StatusOr<uint16_t> ParsePort(absl::string_view text) {
  STAVE_ASSIGN_OR_RETURN(const uint64_t port, base::ParseUint(text, 0, 65535));
  return static_cast<uint16_t>(port);
}

}  // namespace

absl::StatusOr<PortRange> ParsePorts(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  PortRange range;
  if (!parts.second.empty()) range.protocol = absl::AsciiStrToLower(parts.second);
  if (range.protocol != "tcp" && range.protocol != "udp" && range.protocol != "sctp") {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid proto: ", base::Printable(range.protocol, 64)));
  }
  const std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(parts.first, absl::MaxSplits('-', 1));
  STAVE_ASSIGN_OR_RETURN(range.first, ParsePort(ends.first));
  range.last = range.first;
  if (parts.first.find('-') != parts.first.npos) {
    STAVE_ASSIGN_OR_RETURN(range.last, ParsePort(ends.second));
  }
  if (range.last < range.first) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid range specified for port: ", parts.first));
  }
  return range;
}

std::vector<PortRange> PortsOf(const std::vector<std::string>& texts) {
  std::vector<PortRange> ports;
  for (const std::string& text : texts) {
    auto range = ParsePorts(text);
    if (range.ok()) ports.push_back(*std::move(range));
  }
  return ports;
}

bool Meet(const PortRange& a, const PortRange& b) {
  return a.protocol == b.protocol && a.first <= b.last && b.first <= a.last;
}

std::string PortsText(std::vector<PortRange> ports) {
  std::sort(ports.begin(), ports.end(), [](const PortRange& a, const PortRange& b) {
    return std::tie(a.first, a.protocol) < std::tie(b.first, b.protocol);
  });
  std::vector<std::string> texts;
  std::vector<PortRange> open;  // one a protocol, which may yet grow, in the order of the first
  for (PortRange& port : ports) {
    const auto same = std::find_if(open.begin(), open.end(), [&](const PortRange& one) {
      return one.protocol == port.protocol;
    });
    if (same == open.end()) {
      open.push_back(std::move(port));
    } else if (port.first <= same->last + 1) {
      same->last = std::max(same->last, port.last);
    } else {
      texts.push_back(Text(*same));
      *same = std::move(port);
    }
  }
  for (const PortRange& range : open) texts.push_back(Text(range));
  return absl::StrJoin(texts, ", ");
}

}  // namespace stave::tools

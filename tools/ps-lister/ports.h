// SPDX-License-Identifier: Apache-2.0
//
// The ports that an image speaks of, and those that a filter asks for.
//
//   80  80/tcp  8000-8010/udp       tcp where nothing is said

#ifndef STAVE_TOOLS_PS_LISTER_PORTS_H_
#define STAVE_TOOLS_PS_LISTER_PORTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::tools {

struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;
  std::string protocol = "tcp";
};

// Errors: InvalidArgument for another text, a range that goes down, a protocol other than tcp, udp
// and sctp.
absl::StatusOr<PortRange> ParsePorts(absl::string_view text);

// Those of `texts` that are ports.
std::vector<PortRange> PortsOf(const std::vector<std::string>& texts);

// Whether they have a port of the same protocol in common.
bool Meet(const PortRange& a, const PortRange& b);

// As in Docker's column PORTS: "80/tcp, 8000-8010/udp", consecutive ones folded.
std::string PortsText(std::vector<PortRange> ports);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_PORTS_H_

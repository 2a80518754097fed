// SPDX-License-Identifier: Apache-2.0
//
// How many pulls a registry still allows, as Docker Hub tells with each manifest:
//
//   ratelimit-limit: 100;w=21600    ratelimit-remaining: 7;w=21600    docker-ratelimit-source:
//   192.0.2.1
//
// Source: Docker Hub's "Usage and limits"; draft-ietf-httpapi-ratelimit-headers.

#ifndef STAVE_LIBS_REGISTRY_RATE_LIMIT_H_
#define STAVE_LIBS_REGISTRY_RATE_LIMIT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/http/transfer.h"

namespace stave::registry {

struct RateLimit {
  uint64_t limit = 0;
  uint64_t remaining = 0;
  absl::Duration window;  // zero if it is not told
  std::string source;     // whom it counts for: an address, an account; printable, or ""

  // A tenth is left, or less.
  bool IsLow() const { return remaining <= limit / 10; }
  // "7 of 100 pulls in 6h are left, counted for 192.0.2.1".
  std::string ToString() const;
};

// nullopt if the registry tells none, or nothing that can be read.
std::optional<RateLimit> ParseRateLimit(const http::Response& response);

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_RATE_LIMIT_H_

// SPDX-License-Identifier: Apache-2.0
//
// "linux/arm64/v8": for which machine an image is, how names of it are made equal, and in which
// order images of near platforms are tried.
//
//   amd64/v3   v3, v2, plain, 386          arm64        plain, arm/v8, v7, v6, v5
//   arm/v7     v7, v6, v5                  arm64/v9.1   v9.1, v9, v8.6 .. v8.1, plain, arm/..
//
// Sources: image-spec image-index.md "Platform Variants"; containerd's platform order.

#ifndef STAVE_LIBS_OCI_PLATFORM_H_
#define STAVE_LIBS_OCI_PLATFORM_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::oci {

struct Platform {
  std::string os;            // "linux"
  std::string architecture;  // "amd64"
  std::string variant;       // "" or "v7"
  std::string os_version;    // of other systems; kept, not compared

  // Equal os, architecture and variant; normalise both first.
  friend bool operator==(const Platform& a, const Platform& b) {
    return a.os == b.os && a.architecture == b.architecture && a.variant == b.variant;
  }
};

// "os/arch[/variant]", "arch" or "os" (the rest is this machine's), normalised.
// Errors: InvalidArgument [E_PLATFORM].
absl::StatusOr<Platform> ParsePlatform(absl::string_view text);

// x86_64 becomes amd64, aarch64 arm64, armhf arm/v7, armel arm/v6, i386 386, macos darwin, any
// case; variants that say nothing (amd64/v1, arm64/v8) become "", arm without one v7.
Platform Normalize(const Platform& platform);

// This machine's, from uname(2).
Platform HostPlatform();

// "linux/arm/v7".
std::string PlatformName(const Platform& platform);

// What is acceptable for `wanted`, best first; normalised.
std::vector<Platform> PlatformOrder(const Platform& wanted);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_PLATFORM_H_

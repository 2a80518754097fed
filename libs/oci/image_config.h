// SPDX-License-Identifier: Apache-2.0
//
// An image's config: for which machine it is, what runs by default, and the diffIDs of its layers.
//
//   {"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["sh"]},
//    "rootfs":{"type":"layers","diff_ids":["sha256:.."]},"history":[..]}
//
// Unknown members are allowed, null is the same as absent. The bytes themselves are what an image
// is named by and are kept as they came. Source: image-spec config.md; Docker's Healthcheck.

#ifndef STAVE_LIBS_OCI_IMAGE_CONFIG_H_
#define STAVE_LIBS_OCI_IMAGE_CONFIG_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/oci/digest.h"
#include "libs/oci/manifest.h"
#include "libs/oci/member_reader.h"
#include "libs/oci/platform.h"

namespace stave::oci {

inline constexpr size_t kMaxImageConfigSize = size_t{4} << 20;

struct ImageConfig {
  Platform platform;             // normalised
  std::string created;           // RFC 3339, or "" if absent or no date
  std::string user;              // "" is root; its form is checked, see user.h
  std::vector<std::string> env;  // NAME=VALUE
  std::optional<std::vector<std::string>> entrypoint;
  std::optional<std::vector<std::string>> cmd;
  std::string working_dir;                 // "" or absolute
  std::vector<std::string> volumes;        // absolute
  std::vector<std::string> exposed_ports;  // "80/tcp", "8000-8010/udp"
  TextPairs labels;
  std::string stop_signal;                 // "" or "SIGTERM", "9"
  std::optional<json::Value> healthcheck;  // as it came; checked
  std::vector<Digest> diff_ids;            // base first
};

// Parses `bytes`, at most kMaxImageConfigSize.
// Errors: ResourceExhausted [E_LIMIT]; InvalidArgument [E_JSON]; InvalidArgument [E_CONFIG] with a
// JSON pointer: architecture or os missing, rootfs.type not "layers", diff_ids that are no digests
// ([E_DIGEST]); in "config" a User, Env, WorkingDir, Volumes, ExposedPorts, StopSignal or
// Healthcheck that no runtime could take, relative paths and ".." among them.
absl::StatusOr<ImageConfig> ParseImageConfig(absl::string_view bytes);

// Whether `config` can be that of `manifest`: as many diffIDs as layers.
// Errors: InvalidArgument [E_MANIFEST].
absl::Status CheckSameLayers(const Manifest& manifest, const ImageConfig& config);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_IMAGE_CONFIG_H_

// SPDX-License-Identifier: Apache-2.0
//
// What the confined unpacker (stave-unpack) tells its caller about a layer that it has unpacked:
// what must be known about the layers below to finish it (libs/image/settle.h), and its diffID.
// It travels over descriptor 4 as the protobuf message of unpack_report.proto.

#ifndef STAVE_LIBS_IMAGE_UNPACK_REPORT_H_
#define STAVE_LIBS_IMAGE_UNPACK_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::image {

inline constexpr size_t kMaxReport = 64 * 1024 * 1024;

// All paths are clean and relative to the layer's root ("usr/bin", never "." but where said), and
// go through directories of the layer only, not through its symlinks.
struct UnpackReport {
  std::string diff_id;      // "sha256:HEX" of the whole uncompressed stream
  uint64_t bytes = 0;       // its length
  uint64_t file_bytes = 0;  // data of all files
  uint64_t entries = 0;     // tar entries, whiteouts included
  bool root_named = false;  // an entry said owner, mode and mtime of the root; else it is 0755 0:0
  // Directories made without an entry of their own, unless the layer hides those below.
  std::vector<std::string> implied_parents;
  std::vector<std::string> whiteouts;  // char device 0:0 is there
  std::vector<std::string>
      opaque;  // directories, may be "."; no mark yet: that needs CAP_SYS_ADMIN
  // Hard links whose target this layer does not have: (path, target). Nothing is there yet.
  std::vector<std::pair<std::string, std::string>> lower_links;
  uint64_t dropped_xattrs = 0;
};

// Whether the tree depends on the layers below, so that its key is the chainID and not the diffID.
bool DependsOnLower(const UnpackReport& report);

// The message. Errors: ResourceExhausted [E_LIMIT] above kMaxReport bytes.
absl::StatusOr<std::string> SerializeReport(const UnpackReport& report);

// Reads it back. The writer had untrusted bytes in its hands: each path is checked to be clean and
// the digest to be one. Errors: InvalidArgument [E_REPORT].
absl::StatusOr<UnpackReport> ParseReport(absl::string_view bytes);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_UNPACK_REPORT_H_

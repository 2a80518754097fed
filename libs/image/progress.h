// SPDX-License-Identifier: Apache-2.0
//
// What a pull shows while it runs, in Docker's words:
//
//   latest: Pulling from library/alpine
//   8e097b52bfb8: Pulling fs layer
//   8e097b52bfb8: Pull complete
//   Digest: sha256:...
//
// On a terminal each layer has one line, which is rewritten; elsewhere each change is a line.

#ifndef STAVE_LIBS_IMAGE_PROGRESS_H_
#define STAVE_LIBS_IMAGE_PROGRESS_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/oci/digest.h"

namespace stave::image {

enum class ProgressStyle { kNone, kLines, kTerminal };

// kTerminal if `fd` is one that can be written over (TERM is not "dumb"), else kLines.
ProgressStyle ProgressStyleFor(int fd);

// Writes to `fd`, which is borrowed; errors of writing are ignored. Any thread may call.
class Progress {
 public:
  Progress(int fd, ProgressStyle style) : fd_(fd), style_(style) {}

  // A line of its own. Untrusted text must have been escaped.
  void Line(absl::string_view text);

  // The same, shown in every style.
  void Warn(absl::string_view text);

  // The state of a layer: "Pulling fs layer", "Pull complete".
  void Set(const oci::Digest& layer, absl::string_view state);

  // Whether so many layers can be shown at once, each on a line that is rewritten, or on lines that
  // never are.
  bool Fits(size_t layers);

  // "Downloading  3.1MB/7.2MB", on a terminal only, a few times a second.
  void Bytes(const oci::Digest& layer, int64_t done, int64_t total);

 private:
  struct Row {
    std::string name;
    absl::Time drawn;
  };
  Row* FindRow(const std::string& name);
  void Draw(const std::string& name, absl::string_view state);

  const int fd_;
  ProgressStyle style_;
  std::mutex mutex_;
  std::vector<Row> rows_;  // the last lines of the terminal, in this order
};

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_PROGRESS_H_

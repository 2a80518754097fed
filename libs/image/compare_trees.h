// SPDX-License-Identifier: Apache-2.0
//
// Whether one directory tree is what another is: type, mode, owner, time, size, content, target of
// links, device, extended attributes, and which names are hard links of one another.
//
//   usr/bin/ls    content differs             [E_CONTENT]
//   etc/motd      is missing                  [E_MISSING]
//   etc/evil      does not belong here        [E_EXTRA]
//   bin/su        mode is 0755 instead of 4755 [E_CHANGED]
//
// Only regular files are opened for reading, and directories. What the kernel or the file system
// decides (sizes and link counts of directories, access and change times, labels of security
// modules) does not count.

#ifndef STAVE_LIBS_IMAGE_COMPARE_TREES_H_
#define STAVE_LIBS_IMAGE_COMPARE_TREES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::image {

struct Difference {
  std::string path;  // as it is on the disk; "." is the root
  std::string what;
  std::string word;
};

struct Comparison {
  std::vector<Difference> differences;  // in the order of paths, directory by directory
  uint64_t more = 0;                    // that were not kept
};

// How `actual` differs from `expected`, both open directories; at most `max` are kept. Below a
// missing directory, or one that should not be there, nothing more is told. `any_time`: whether the
// time of that path is left out. Whiteouts (char device 0:0) have none that counts.
// Errors: those of reading the trees; FailedPrecondition if somebody changes one meanwhile.
absl::StatusOr<Comparison> CompareTrees(int expected, int actual,
                                        const std::function<bool(const std::string&)>& any_time,
                                        size_t max);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_COMPARE_TREES_H_

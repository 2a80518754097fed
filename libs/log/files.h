// SPDX-License-Identifier: Apache-2.0
//
// The files of a log, in one folder: json.log is the newest, json.log.1 the one before, and so on.
// Rotation renames each to the next number; it never changes what is in one. A file is known by
// its inode, so that it is found again under another name.

#ifndef STAVE_LIBS_LOG_FILES_H_
#define STAVE_LIBS_LOG_FILES_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"

namespace stave::log {

// "json.log" for 0, "json.log.1" for 1. Numbers go up to kMaxNumber.
inline constexpr int kMaxNumber = 9999;
std::string FileName(int number);

// A file that is open for reading.
struct LogFile {
  base::UniqueFd fd;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;  // when it was opened
};

struct LogFiles {
  std::vector<LogFile> files;  // oldest first
  bool gap = false;            // the known one is gone: others may have come and gone between
};

// Opens the files that are newer than `known`, or all if that is nullptr. Each is there once, and
// none is missed, however often the log is rotated meanwhile, unless it is gone by then.
// Errors: those of open(2) and readdir(3); a name that is no regular file is FailedPrecondition.
absl::StatusOr<LogFiles> OpenFiles(int dirfd, const LogFile* known);

// Whether json.log is another file than `known` by now.
bool IsRotated(int dirfd, const LogFile& known);

}  // namespace stave::log

#endif  // STAVE_LIBS_LOG_FILES_H_

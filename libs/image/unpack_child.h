// SPDX-License-Identifier: Apache-2.0
//
// A running stave-unpack: the confined program that turns the bytes of one layer into a tree. It
// gets them through a pipe while they arrive, and reports at the end.
//
//   stdin  the layer, plain or compressed      3  the empty directory to fill
//   stderr one line if it fails                4  its report (unpack_report.h)

#ifndef STAVE_LIBS_IMAGE_UNPACK_CHILD_H_
#define STAVE_LIBS_IMAGE_UNPACK_CHILD_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/image/unpack_report.h"

namespace stave::image {

// Kills and reaps the program if it has not been waited for. SIGPIPE must be ignored.
class UnpackChild {
 public:
  // Starts `program` (absolute) on the directory `fs`, which is borrowed for the call only.
  static absl::StatusOr<UnpackChild> Start(const std::string& program, int fs);

  // Gives it more of the layer; blocks while it is busy. Once it has stopped reading this does
  // nothing: Finish() tells why. Errors: those of write(2) but EPIPE.
  absl::Status Write(absl::string_view data);

  // The layer is complete: waits for the end. Errors: what the program says, with its word;
  // Internal if it dies of a signal or reports nonsense. The directory is then half filled.
  absl::StatusOr<UnpackReport> Finish();

 private:
  UnpackChild(base::ChildProcess process, base::UniqueFd input, base::UniqueFd report,
              base::UniqueFd errors)
      : process_(std::move(process)),
        input_(std::move(input)),
        report_(std::move(report)),
        errors_(std::move(errors)) {}

  base::ChildProcess process_;
  base::UniqueFd input_;
  base::UniqueFd report_;
  base::UniqueFd errors_;
};

// The Status of what a program of stave has printed: "name: text [E_WORD]\nhint: ...\n".
absl::Status ParseErrorLine(absl::string_view printed);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_UNPACK_CHILD_H_

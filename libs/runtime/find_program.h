// SPDX-License-Identifier: Apache-2.0
//
// The file that a payload is executed from, and why one cannot be: looked at by the child, in the
// container's root and as the payload's user.
//
// The kernel has one errno for many causes: ENOENT is also a script's or a program's own
// interpreter that is missing. So the file's beginning is read before it is executed, and the error
// says what is amiss. Sources: execve(2), elf(5); fs/binfmt_script.c.

#ifndef STAVE_LIBS_RUNTIME_FIND_PROGRAM_H_
#define STAVE_LIBS_RUNTIME_FIND_PROGRAM_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/runtime/plan.h"

namespace stave::runtime {

struct FoundProgram {
  std::string path;
  // The error, should the kernel not know its format after all: of another architecture, no script.
  // OK where it should. binfmt_misc(5) may know better, so it is tried (report.h, SendDoubt).
  absl::Status doubt;
};

// The path of args[0] in the container: itself if it has a slash, else found in PATH of
// process.env. Errors: with exit codes 126 and 127, and a cause (report.h): not-found, not-in-path,
// not-executable, permission, is-directory, noexec, no-interpreter, crlf, no-loader.
absl::StatusOr<FoundProgram> FindProgram(const Process& process);

// What the first bytes of a file say of who executes it. Pure.
struct ProgramFormat {
  enum class Kind { kScript, kElf, kText, kEmpty, kOther };
  Kind kind = Kind::kOther;
  std::string interpreter;     // kScript: the word after "#!"
  std::string architecture;    // kElf: of another machine than this one; else ""
  uint64_t loader_offset = 0;  // kElf: where the path of its interpreter lies; 0: it has none
  uint64_t loader_size = 0;
};
ProgramFormat ReadFormat(absl::string_view head);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_FIND_PROGRAM_H_

// SPDX-License-Identifier: Apache-2.0
//
// How the child that becomes the payload tells its parent what went wrong, over a pipe that closes
// when the payload's file has been executed.
//
//   nothing      it died before it came to executing the payload: killed
//   R            it came there, and the payload runs
//   R, 4 bytes   errno of the last execve, written by stave_init.cc
//   R, .., P and 4 bytes  the pid of a payload that stave_init.cc has made for Enter()
//   longer       (perhaps R,) EXIT (1 byte: 125, 126, 127) CODE (1 byte: absl's) WORD NUL MESSAGE,
//                perhaps NUL CAUSE NUL HINT
//   before all   perhaps D SIZE (2 bytes) and one of the longer ones: what an execve that fails
//   with
//                ENOEXEC means
//
// The texts of 126 and 127 keep the fragments that engines look for: "permission denied",
// "executable file not found", "no such file or directory".

#ifndef STAVE_LIBS_RUNTIME_REPORT_H_
#define STAVE_LIBS_RUNTIME_REPORT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::runtime {

// Exit codes of programs that run a payload.
inline constexpr int kOwnFailure = 125;
inline constexpr int kNotExecutable = 126;
inline constexpr int kNotFound = 127;
// What a payload wrote could not be shown, as docker has it.
inline constexpr int kNotShown = 1;

// `status` with the exit code that it stands for (default: kOwnFailure).
absl::Status WithExitCode(absl::Status status, int exit_code);
int ExitCodeOf(const absl::Status& status);

// That writing a payload's output to `stream`, of the caller, failed with errno `error`:
// base::PosixError's, with kNotShown.
absl::Status NotShown(int error, absl::string_view stream);

// `status` with a word that says more finely what it is about, for ps-why(1): "no-interpreter". One
// that is there already is kept. "" without one.
absl::Status WithCause(absl::Status status, absl::string_view cause);
std::string CauseOf(const absl::Status& status);

// `status` with a hint if it is [E_KILLED] and `resources`, a document's linux.resources or
// nullptr, limit the memory: then it may have been that.
absl::Status HintAtMemory(absl::Status status, const json::Value* resources);

// In the child. SendReady comes last before the execve, SendDoubt before that.
void SendReady(int fd);
void SendReport(int fd, const absl::Status& status);
void SendDoubt(int fd, const absl::Status& doubt);  // nothing if it is OK

// Cuts the doubt off the front of a report; the result is to be put there again for ParseReport.
std::string CutDoubt(std::string* report);

// What a whole report says. OK if only SendReady was called.
absl::Status ParseReport(std::string text, absl::string_view program);

// In the parent: ParseReport of what `fd` gives until the pipe closes.
// Errors: Aborted [E_KILLED] if nothing came. `program` is what was executed, for the message of an
// errno.
absl::Status ReceiveReport(int fd, absl::string_view program);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_REPORT_H_

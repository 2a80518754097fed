// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"

namespace stave::runtime {
namespace {

constexpr char kExitCode[] = "stave/exit";
constexpr char kReady = 'R';  // no exit code of a report: those are 125 to 127

absl::Status ExecuteError(int error, absl::string_view program) {
  const std::string name = base::Printable(program);
  const auto failed = [&](int code, const char* word, absl::string_view why) {
    return WithExitCode(base::Error(absl::StatusCode::kFailedPrecondition, word,
                                    absl::StrCat("exec \"", name, "\": ", why)),
                        code);
  };
  switch (error) {
    case ENOENT:
      return base::WithHint(
          failed(kNotFound, "E_NOT_FOUND", "no such file or directory: its interpreter is missing"),
          "for a script look at its first line (a CR at its end?), for a program at its loader");
    case ENOEXEC:
      return base::WithHint(failed(kNotExecutable, "E_NOT_EXECUTABLE", "exec format error"),
                            "the file is of another architecture, or a script without #!");
    case EACCES:
    case EPERM:
      return failed(kNotExecutable, "E_NOT_EXECUTABLE", "permission denied");
    case E2BIG:
      return failed(kNotExecutable, "E_NOT_EXECUTABLE",
                    "argument list too long: arguments and environment exceed the kernel's limit");
    default:
      return failed(kNotExecutable, "E_NOT_EXECUTABLE", ::strerror(error));
  }
}

}  // namespace

absl::Status WithExitCode(absl::Status status, int exit_code) {
  if (!status.ok()) status.SetPayload(kExitCode, absl::Cord(absl::StrCat(exit_code)));
  return status;
}

int ExitCodeOf(const absl::Status& status) {
  int code = kOwnFailure;
  if (const auto text = status.GetPayload(kExitCode)) {
    if (!absl::SimpleAtoi(std::string(*text), &code)) return kOwnFailure;
  }
  return code;
}

void SendReady(int fd) { [[maybe_unused]] const ssize_t n = ::write(fd, &kReady, 1); }

void SendReport(int fd, const absl::Status& status) {
  std::string text;
  text += static_cast<char>(ExitCodeOf(status));
  text += static_cast<char>(status.code());
  text += base::ErrorWord(status);
  text += '\0';
  absl::StrAppend(&text, status.message());
  [[maybe_unused]] const ssize_t n = ::write(fd, text.data(), text.size());
}

absl::Status ReceiveReport(int fd, absl::string_view program) {
  auto text = base::ReadAll(fd, 1 << 16, "report");
  return text.ok() ? ParseReport(*std::move(text), program) : text.status();
}

absl::Status ParseReport(std::string text, absl::string_view program) {
  if (text.empty()) {
    return base::WithHint(
        base::Error(absl::StatusCode::kAborted, "E_KILLED",
                    "the container's first process was killed before it could start the payload"),
        "a memory limit of less than 6m leaves no room for it");
  }
  if (text[0] == kReady) text.erase(0, 1);
  if (text.empty()) return absl::OkStatus();
  if (text.size() == sizeof(int)) {
    int error;
    ::memcpy(&error, text.data(), sizeof error);
    return ExecuteError(error, program);
  }
  const size_t nul = text.find('\0', 2);
  if (text.size() < 4 || nul == std::string::npos) {
    return absl::InternalError("the container's first process sent a report that makes no sense");
  }
  return WithExitCode(base::Error(static_cast<absl::StatusCode>(text[1]), text.substr(2, nul - 2),
                                  text.substr(nul + 1)),
                      static_cast<unsigned char>(text[0]));
}

}  // namespace stave::runtime

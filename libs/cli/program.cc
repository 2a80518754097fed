// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/termination.h"
#include "libs/cli/help.h"
#include "libs/cli/last_words.h"

namespace stave::cli {
namespace {

constexpr char kVersion[] = STAVE_VERSION;
constexpr char kUsageWord[] = "E_USAGE";
constexpr char kUsage[] = "stave/usage";  // a payload: wrong usage, whatever the word

// A program whose 0, 1 or 2 is closed must not get a store file under that number.
void OpenStandardStreams() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      // Stdout not for writing: a document that nobody can have got is a failure.
      // lint: no O_CLOEXEC, what the program executes inherits its streams
      [[maybe_unused]] const int opened = ::open("/dev/null", fd == 2 ? O_RDWR : O_RDONLY);
    }
  }
}

int AnswerCommon(const Program& program, const Invocation& invocation) {
  if (invocation.Has("version")) {
    return PrintOrFail(program, absl::StrCat(program.name, " (stave) ", kVersion, "\n"));
  }
  const std::string kind = invocation.Get("help");
  if (kind == "man") return PrintOrFail(program, ManualOptions(program));
  if (kind == "complete") return PrintOrFail(program, CompletionTable(program));
  return PrintOrFail(program, HelpText(program));
}

void PrintLine(const std::string& line) {
  [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

absl::string_view Version() { return kVersion; }

void BeginProgram() {
  OpenStandardStreams();
  ::signal(SIGPIPE, SIG_IGN);
  // Ignored by the caller it would be ignored here: children would go without having been waited
  // for, and what they ended with with them.
  ::signal(SIGCHLD, SIG_DFL);
}

int PrintOrFail(const Program& program, absl::string_view text) {
  if (::fwrite(text.data(), 1, text.size(), stdout) == text.size() && ::fflush(stdout) == 0)
    return 0;
  PrintError(program,
             base::Error(absl::StatusCode::kUnavailable, "E_IO", "stdout: cannot be written"));
  return program.failure_exit;
}

int ExitCode(const Program& program, const absl::Status& status) {
  const bool usage = base::ErrorWord(status) == kUsageWord || status.GetPayload(kUsage).has_value();
  return usage ? program.usage_exit : program.failure_exit;
}

absl::Status UsageError(absl::string_view message) {
  return AsUsage(base::Error(absl::StatusCode::kInvalidArgument, kUsageWord, message));
}

absl::Status AsUsage(absl::Status status) {
  status.SetPayload(kUsage, absl::Cord());
  return status;
}

absl::Status BadValue(absl::string_view option, const absl::Status& status) {
  return AsUsage(base::WithContext(status, absl::StrCat("--", option)));
}

void PrintError(const Program& program, const absl::Status& status) {
  const std::string hint = base::ErrorHint(status);
  std::string text = absl::StrCat(program.name, ": ", base::Printable(status.message(), 4096), " [",
                                  base::ErrorWord(status), "]\n");
  if (!hint.empty()) absl::StrAppend(&text, "hint: ", base::Printable(hint, 1024), "\n");
  PrintLine(text);
}

void PrintWarning(const Program& program, absl::string_view message) {
  PrintLine(absl::StrCat(program.name, ": warning: ", base::Printable(message, 4096), "\n"));
}

int Main(const Program& program, absl::StatusOr<int> (*run)(const Invocation&), int argc,
         char** argv) {
  BeginProgram();
  SetLastWords(program.name, program.failure_exit);
  char* no_name[] = {const_cast<char*>(program.name), nullptr};
  if (argc < 1) {  // execve(2) with an empty argv
    argc = 1;
    argv = no_name;
  }
  const auto invocation = ParseCommandLine(program, argc, argv);
  if (!invocation.ok()) {
    PrintError(program, invocation.status());
    return program.usage_exit;
  }
  if (invocation->Has("help") || invocation->Has("version"))
    return AnswerCommon(program, *invocation);
  const absl::StatusOr<int> code = run(*invocation);
  if (code.ok()) return *code;
  // As any program whose reader has gone: `image-list | head -n 1`.
  if (base::ErrorWord(code.status()) == "E_PIPE" &&
      absl::StartsWith(code.status().message(), "stdout:")) {
    base::EndBySignal(SIGPIPE);
  }
  if (base::ErrorWord(code.status()) != "E_SILENT") PrintError(program, code.status());
  return ExitCode(program, code.status());
}

}  // namespace stave::cli

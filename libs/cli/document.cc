// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/document.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/json/parse.h"

namespace stave::cli {
namespace {

constexpr int64_t kVersion = 1;

bool IsPipe(int fd) {
  struct stat st;
  return ::fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

// Where `stave` has become this program, the stages before are its children, and have told why they
// failed. In a shell's pipeline they are not, and may be anything.
bool HasFailedChild() {
  bool failed = false;
  int status = 0;
  for (;;) {
    const pid_t pid = ::waitpid(-1, &status, 0);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) return failed;
    failed = failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  }
}

bool IsBlank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

absl::Status BadDocument(absl::string_view message) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT", message);
}

absl::StatusOr<json::Value> ParseDocument(const std::string& text, absl::string_view noun) {
  absl::StatusOr<json::Value> document = json::Parse(text);
  if (!document.ok()) return base::WithContext(document.status(), noun);
  if (!document->is_object()) {
    return BadDocument(
        absl::StrCat(noun, ": an object is wanted, not ", json::TypeName(document->type())));
  }
  if (const json::Value* version = document->Find({"stave", "version"})) {
    const auto number = version->AsInt64();
    if (!number.ok()) return BadDocument(absl::StrCat(noun, ": /stave/version: is not a number"));
    if (*number != kVersion) {
      return base::WithHint(
          BadDocument(absl::StrCat(noun, ": /stave/version: ", *number, ": is not version 1")),
          "the document was written by a newer stave");
    }
  }
  return document;
}

}  // namespace

absl::Status SilentFailure() {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_SILENT", "");
}

absl::StatusOr<json::Value> ReadDocument(Stage stage) {
  if (::isatty(STDIN_FILENO)) {
    return base::WithHint(UsageError("stdin is a terminal where a document is due"),
                          "image-fetch IMAGE | ... starts a pipeline; see stave-document(5)");
  }
  STAVE_ASSIGN_OR_RETURN(const std::string text,
                         base::ReadAll(STDIN_FILENO, json::Limits().bytes, "stdin"));
  if (IsBlank(text)) {
    if (stage == Stage::kMiddle && IsPipe(STDOUT_FILENO)) return SilentFailure();
    if (HasFailedChild()) return SilentFailure();
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_NO_DOCUMENT",
                       "no document: the stage before failed");
  }
  return ParseDocument(text, "stdin");
}

absl::StatusOr<json::Value> ReadDocumentFile(const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(const std::string text,
                         base::ReadFileAt(AT_FDCWD, path, json::Limits().bytes));
  return ParseDocument(text, base::Printable(path));
}

absl::Status WriteDocument(const json::Value& document) {
  return base::WriteAll(STDOUT_FILENO, json::Print(document) + "\n", "stdout");
}

}  // namespace stave::cli

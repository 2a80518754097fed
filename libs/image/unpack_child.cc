// SPDX-License-Identifier: Apache-2.0
#include "libs/image/unpack_child.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::image {
namespace {

constexpr int kPipeSize = 1 << 20;
constexpr size_t kMaxErrorText = 65536;

absl::StatusCode CodeOf(absl::string_view word) {
  if (word == "E_NO_SPACE" || word == "E_LIMIT") return absl::StatusCode::kResourceExhausted;
  if (word == "E_CORRUPT") return absl::StatusCode::kDataLoss;
  if (word == "E_UNSUPPORTED") return absl::StatusCode::kUnimplemented;
  if (word == "E_PERMISSION") return absl::StatusCode::kPermissionDenied;
  return absl::StatusCode::kInvalidArgument;
}

// Ours may hold passwords; what finds the shared libraries, ld.so(8), is all that it needs.
std::vector<std::string> LoadersEnvironment() {
  std::vector<std::string> kept;
  for (char** one = environ; *one != nullptr; ++one) {
    if (absl::StartsWith(*one, "LD_")) kept.emplace_back(*one);
  }
  return kept;
}

}  // namespace

absl::Status ParseErrorLine(absl::string_view printed) {
  absl::string_view line = printed.substr(0, printed.find('\n'));
  const size_t name = line.find(": ");
  if (name == absl::string_view::npos) {
    return absl::InternalError(absl::StrCat("stave-unpack failed: ", base::Printable(line)));
  }
  line.remove_prefix(name + 2);
  std::string word = "E_INTERNAL";
  const size_t bracket = line.rfind(" [E_");
  if (bracket != absl::string_view::npos && absl::EndsWith(line, "]")) {
    word = std::string(line.substr(bracket + 2, line.size() - bracket - 3));
    line = line.substr(0, bracket);
  }
  absl::Status status = base::Error(CodeOf(word), word, base::Printable(line, 1024));
  const size_t end = printed.find('\n');
  absl::string_view rest = end == absl::string_view::npos ? "" : printed.substr(end + 1);
  if (absl::ConsumePrefix(&rest, "hint: ")) {
    return base::WithHint(status, base::Printable(rest.substr(0, rest.find('\n'))));
  }
  return status;
}

absl::StatusOr<UnpackChild> UnpackChild::Start(const std::string& program, int fs) {
  STAVE_ASSIGN_OR_RETURN(base::Pipe input, base::MakePipe("stave-unpack"));
  STAVE_ASSIGN_OR_RETURN(base::Pipe report, base::MakePipe("stave-unpack"));
  STAVE_ASSIGN_OR_RETURN(base::Pipe errors, base::MakePipe("stave-unpack"));
  ::fcntl(input.writer.get(), F_SETPIPE_SZ,
          kPipeSize);  // fewer switches; a refusal does not matter
  base::Command command;
  command.path = program;
  command.args = {"stave-unpack"};
  command.environment = LoadersEnvironment();
  command.fds = {
      {input.reader.get(), 0}, {errors.writer.get(), 2}, {fs, 3}, {report.writer.get(), 4}};
  STAVE_ASSIGN_OR_RETURN(base::ChildProcess process, base::Start(command));
  return UnpackChild(std::move(process), std::move(input.writer), std::move(report.reader),
                     std::move(errors.reader));
}

absl::Status UnpackChild::Write(absl::string_view data) {
  while (!data.empty() && input_.valid()) {
    const ssize_t n = ::write(input_.get(), data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE) {
      input_.Reset();
      return absl::OkStatus();
    }
    if (n < 0) return base::PosixError(errno, "stave-unpack", "write");
    data.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::StatusOr<UnpackReport> UnpackChild::Finish() {
  input_.Reset();
  const auto report = base::ReadAll(report_.get(), kMaxReport, "report of stave-unpack");
  report_.Reset();  // one that is too long must not keep its writer
  const auto errors = base::ReadAll(errors_.get(), kMaxErrorText, "stave-unpack");
  errors_.Reset();
  STAVE_ASSIGN_OR_RETURN(const int code, process_.Wait());
  if (code > 128) {
    return absl::InternalError(absl::StrCat("stave-unpack was ended by signal ", code - 128));
  }
  if (code != 0) return ParseErrorLine(errors.ok() ? *errors : "");
  STAVE_RETURN_IF_ERROR(report.status());
  return ParseReport(*report);
}

}  // namespace stave::image

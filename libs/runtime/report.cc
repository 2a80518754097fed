// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"

namespace stave::runtime {
namespace {

constexpr char kExitCode[] = "stave/exit";
constexpr char kCause[] = "stave/cause";  // as in libs/monitor/channel.cc
constexpr absl::string_view kNul("\0", 1);
constexpr char kDoubt = 'D';
constexpr char kReady = 'R';  // no exit code of a report: those are 125 to 127

absl::Status ExecuteError(int error, absl::string_view program) {
  const std::string name = base::Printable(program);
  const auto failed = [&](int code, const char* word, const char* cause, absl::string_view why) {
    absl::Status status = base::Error(absl::StatusCode::kFailedPrecondition, word,
                                      absl::StrCat("exec \"", name, "\": ", why));
    return WithCause(WithExitCode(std::move(status), code), cause);
  };
  switch (error) {
    case ENOENT:
      return base::WithHint(
          failed(kNotFound, "E_NOT_FOUND", "no-interpreter",
                 "no such file or directory: its interpreter is missing"),
          "for a script look at its first line (a CR at its end?), for a program at its loader");
    case ENOEXEC:
      return base::WithHint(
          failed(kNotExecutable, "E_NOT_EXECUTABLE", "architecture", "exec format error"),
          "the file is of another architecture, or a script without #!");
    case EACCES:
    case EPERM:
      return failed(kNotExecutable, "E_NOT_EXECUTABLE", "permission", "permission denied");
    case E2BIG:
      return failed(kNotExecutable, "E_NOT_EXECUTABLE", "",
                    "argument list too long: arguments and environment exceed the kernel's limit");
    default:
      return failed(kNotExecutable, "E_NOT_EXECUTABLE", "", ::strerror(error));
  }
}

std::string FormatReport(const absl::Status& status) {
  std::string text;
  text += static_cast<char>(ExitCodeOf(status));
  text += static_cast<char>(status.code());
  absl::StrAppend(&text, base::ErrorWord(status), kNul, status.message());
  const std::string cause = CauseOf(status), hint = base::ErrorHint(status);
  if (!cause.empty() || !hint.empty()) absl::StrAppend(&text, kNul, cause, kNul, hint);
  return text;
}

// FormatReport's other direction.
absl::Status ParseStatus(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text.substr(2), '\0');
  absl::Status status = base::Error(static_cast<absl::StatusCode>(text[1]), parts[0],
                                    parts.size() > 1 ? parts[1] : "");
  if (parts.size() > 2) status = WithCause(std::move(status), parts[2]);
  if (parts.size() > 3 && !parts[3].empty()) status = base::WithHint(std::move(status), parts[3]);
  return WithExitCode(std::move(status), static_cast<unsigned char>(text[0]));
}

}  // namespace

absl::Status NotShown(int error, absl::string_view stream) {
  return WithExitCode(base::PosixError(error, stream, "write"), kNotShown);
}

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

absl::Status WithCause(absl::Status status, absl::string_view cause) {
  if (!status.ok() && !cause.empty() && CauseOf(status).empty()) {
    status.SetPayload(kCause, absl::Cord(cause));
  }
  return status;
}

std::string CauseOf(const absl::Status& status) {
  const auto text = status.GetPayload(kCause);
  return text ? std::string(*text) : "";
}

absl::Status HintAtMemory(absl::Status status, const json::Value* resources) {
  const json::Value* limit = resources == nullptr ? nullptr : resources->Find({"memory", "limit"});
  if (limit == nullptr || base::ErrorWord(status) != "E_KILLED") return status;
  const auto bytes = limit->AsInt64();
  if (!bytes.ok() || *bytes <= 0) return status;
  return base::WithHint(std::move(status), "a memory limit of less than 6m leaves no room for it");
}

void SendReady(int fd) { [[maybe_unused]] const ssize_t n = ::write(fd, &kReady, 1); }

void SendReport(int fd, const absl::Status& status) {
  const std::string text = FormatReport(status);
  [[maybe_unused]] const ssize_t n = ::write(fd, text.data(), text.size());
}

void SendDoubt(int fd, const absl::Status& doubt) {
  if (doubt.ok()) return;
  const std::string report = FormatReport(doubt);
  if (report.size() > UINT16_MAX) return;
  const uint16_t size = static_cast<uint16_t>(report.size());
  std::string text(1, kDoubt);
  text.append(reinterpret_cast<const char*>(&size), sizeof size);
  text += report;
  [[maybe_unused]] const ssize_t n = ::write(fd, text.data(), text.size());
}

std::string CutDoubt(std::string* report) {
  uint16_t size = 0;
  if (report->size() < 1 + sizeof size || (*report)[0] != kDoubt) return "";
  ::memcpy(&size, report->data() + 1, sizeof size);
  if (report->size() - 1 - sizeof size < size) return "";
  std::string doubt = report->substr(0, 1 + sizeof size + size);
  report->erase(0, doubt.size());
  return doubt;
}

absl::Status ReceiveReport(int fd, absl::string_view program) {
  auto text = base::ReadAll(fd, 1 << 16, "report");
  return text.ok() ? ParseReport(*std::move(text), program) : text.status();
}

absl::Status ParseReport(std::string text, absl::string_view program) {
  const std::string doubt = CutDoubt(&text);
  if (text.empty()) {
    return base::Error(
        absl::StatusCode::kAborted, "E_KILLED",
        "the container's first process was killed before it could start the payload");
  }
  if (text[0] == kReady) text.erase(0, 1);
  if (text.empty()) return absl::OkStatus();
  if (text.size() == sizeof(int)) {
    int error;
    ::memcpy(&error, text.data(), sizeof error);
    constexpr size_t kBefore = 1 + sizeof(uint16_t);
    if (error == ENOEXEC && doubt.size() > kBefore + 2) return ParseStatus(doubt.substr(kBefore));
    return ExecuteError(error, program);
  }
  if (text.size() < 4 || text.find('\0', 2) == std::string::npos) {
    return absl::InternalError("the container's first process sent a report that makes no sense");
  }
  return ParseStatus(text);
}

}  // namespace stave::runtime

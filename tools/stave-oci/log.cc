// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/json/parse.h"

namespace stave::stave_oci {

std::string LogLine(LogFormat format, cli::Severity severity, absl::string_view message,
                    absl::Time time) {
  const char* level = severity == cli::Severity::kError ? "error" : "warning";
  const std::string text = json::Quote(message);
  const std::string when = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
  if (format == LogFormat::kText) {
    return absl::StrCat("time=\"", when, "\" level=", level, " msg=", text, "\n");
  }
  return absl::StrCat("{\"level\":\"", level, "\",\"msg\":", text, ",\"time\":\"", when, "\"}\n");
}

absl::Status Log::Open(const cli::Invocation& global) {
  const std::string format = global.Get("log-format");
  if (format == "json") {
    format_ = LogFormat::kJson;
  } else if (!format.empty() && format != "text") {
    return cli::UsageError(absl::StrCat("--log-format: \"", base::Printable(format, 64),
                                        "\": is neither text nor json"));
  }
  const std::string path = global.Get("log");
  if (path.empty()) return absl::OkStatus();
  // A FIFO that nobody reads is an error, not a wait.
  file_ = base::UniqueFd(::open(
      path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0644));
  if (file_.valid() && ::fcntl(file_.get(), F_SETFL, O_APPEND) == 0) return absl::OkStatus();
  return base::WithContext(base::PosixError(errno, base::Printable(path), "open"), "--log");
}

bool Log::Write(cli::Severity severity, absl::string_view message) const {
  if (!file_.valid()) return false;
  const std::string line = LogLine(format_, severity, message, absl::Now());
  [[maybe_unused]] const ssize_t written = ::write(file_.get(), line.data(), line.size());
  return true;
}

}  // namespace stave::stave_oci

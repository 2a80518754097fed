// SPDX-License-Identifier: Apache-2.0
//
// The file of --log, where engines read what went wrong: a line a message, each with one write(2).
//
//   json  {"level":"error","msg":"container \"c1\" does not exist","time":"2026-01-02T03:04:05Z"}
//   text  time="2026-01-02T03:04:05Z" level=error msg="container \"c1\" does not exist"

#ifndef STAVE_TOOLS_STAVE_OCI_LOG_H_
#define STAVE_TOOLS_STAVE_OCI_LOG_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/unique_fd.h"
#include "libs/cli/verbs.h"

namespace stave::stave_oci {

enum class LogFormat { kText, kJson };

// The line with its newline. Pure.
std::string LogLine(LogFormat format, cli::Severity severity, absl::string_view message,
                    absl::Time time);

class Log {
 public:
  // Opens --log with --log-format, if they are given. The file is made (0644) and appended to.
  // Errors: those of open(2); UsageError for another format.
  absl::Status Open(const cli::Invocation& global);

  // False without a file. One that cannot be written is not told of: there is no place left.
  bool Write(cli::Severity severity, absl::string_view message) const;

 private:
  base::UniqueFd file_;
  LogFormat format_ = LogFormat::kText;
};

}  // namespace stave::stave_oci

#endif  // STAVE_TOOLS_STAVE_OCI_LOG_H_

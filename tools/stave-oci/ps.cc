// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/ps.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/lifecycle/control.h"
#include "tools/stave-oci/call.h"
#include "tools/stave-oci/commands.h"

namespace stave::stave_oci {
namespace {

constexpr cli::Option kOptions[] = {
    {"format", 'f', cli::Takes::kValue, "FORMAT", "table, or json: only the process ids"},
};

// A runtime is started without PATH, and must not run what a caller's PATH says.
constexpr char kPs[] = "/bin/ps";
constexpr size_t kMaxOutput = size_t{64} << 20;

// What ps(1) prints with `options`.
absl::StatusOr<std::string> RunPs(const std::vector<std::string>& options) {
  STAVE_ASSIGN_OR_RETURN(base::Pipe pipe, base::MakePipe("ps"));
  base::Command command;
  command.path = kPs;
  command.args = {"ps"};
  command.args.insert(command.args.end(), options.begin(), options.end());
  command.fds = {{pipe.writer.get(), STDOUT_FILENO}};
  STAVE_ASSIGN_OR_RETURN(base::ChildProcess child, base::Start(command));
  pipe.writer.Reset();
  STAVE_ASSIGN_OR_RETURN(std::string output, base::ReadAll(pipe.reader.get(), kMaxOutput, "ps"));
  STAVE_ASSIGN_OR_RETURN(const int code, child.Wait());
  if (code == 0) return output;
  return base::Error(absl::StatusCode::kAborted, "E_HELPER",
                     absl::StrCat("ps: ended with code ", code));
}

std::string PidList(const std::vector<pid_t>& pids) {
  json::Value::Elements numbers;
  for (const pid_t pid : pids) numbers.push_back(json::Value::Number(pid));
  return absl::StrCat(json::Print(json::Value::Array(std::move(numbers))), "\n");
}

absl::StatusOr<int> Run(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "ps", 1, SIZE_MAX));
  STAVE_ASSIGN_OR_RETURN(const bool wants_json, WantsJson(call));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  const std::vector<std::string>& operands = call.own.operands();
  STAVE_ASSIGN_OR_RETURN(const std::vector<pid_t> pids, lifecycle::Processes(root, operands[0]));
  std::string text = PidList(pids);
  if (!wants_json) {
    std::vector<std::string> options(operands.begin() + 1, operands.end());
    if (options.empty()) options = {"-ef"};
    STAVE_ASSIGN_OR_RETURN(const std::string output, RunPs(options));
    STAVE_ASSIGN_OR_RETURN(text, LinesOf(output, pids));
  }
  STAVE_RETURN_IF_ERROR(Print(text));
  return 0;
}

}  // namespace

absl::StatusOr<std::string> LinesOf(absl::string_view output, const std::vector<pid_t>& pids) {
  const std::vector<absl::string_view> lines = absl::StrSplit(output, '\n', absl::SkipEmpty());
  const auto words = [](absl::string_view line) {
    return std::vector<absl::string_view>(absl::StrSplit(line, ' ', absl::SkipEmpty()));
  };
  const std::vector<absl::string_view> titles = words(lines.empty() ? "" : lines[0]);
  const auto title = std::find(titles.begin(), titles.end(), "PID");
  if (title == titles.end()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                       "ps: there is no column PID in what it prints");
  }
  const auto column = static_cast<size_t>(std::distance(titles.begin(), title));
  std::string text = absl::StrCat(lines[0], "\n");
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<absl::string_view> fields = words(lines[i]);
    pid_t pid = 0;
    if (fields.size() <= column || !absl::SimpleAtoi(fields[column], &pid)) continue;
    if (std::find(pids.begin(), pids.end(), pid) != pids.end()) {
      absl::StrAppend(&text, lines[i], "\n");
    }
  }
  return text;
}

cli::Verb PsVerb() {
  return {Table("ps", "[OPTION...] ID [PS-OPTION...]",
                "list the processes of a container, by ps(1), which gets -ef or what follows ID",
                kOptions, Operands::kLast),
          Run};
}

}  // namespace stave::stave_oci

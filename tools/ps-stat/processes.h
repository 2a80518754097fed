// SPDX-License-Identifier: Apache-2.0
//
// Processes as ps(1) shows them, read from /proc: `ps -ef`, or columns by choice.
//
//   UID        PID        PPID       C          STIME      TTY        TIME       CMD
//   root       4711       4700       0          09:30      ?          00:00:00   httpd -f
//
// Sources: proc_pid_stat(5), proc_pid_status(5); ps(1) "STANDARD FORMAT SPECIFIERS".

#ifndef STAVE_TOOLS_PS_STAT_PROCESSES_H_
#define STAVE_TOOLS_PS_STAT_PROCESSES_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/cli/table.h"

namespace stave::tools {

struct Process {
  pid_t pid = 0;
  pid_t ppid = 0;
  pid_t pgid = 0;
  pid_t sid = 0;
  std::string comm;
  std::string args;  // as it was called; "[comm]" of one without
  std::string state;
  uint32_t uid = 0;  // the effective one
  int64_t tty = 0;   // 0: none
  absl::Duration cpu;
  absl::Duration start;  // since the machine was started
  int64_t nice = 0;
  int64_t threads = 0;
  int64_t vsz = 0;  // KiB
  int64_t rss = 0;
};

// Of the texts of /proc/PID/stat, status and cmdline.
// Errors: DataLoss [E_CORRUPT] for what is no such text.
absl::StatusOr<Process> ParseProcess(absl::string_view stat, absl::string_view status,
                                     absl::string_view cmdline);

// Errors: NotFound if it is gone.
absl::StatusOr<Process> ReadProcess(pid_t pid);

// What columns are computed from, beside the process.
struct Machine {
  absl::Time booted;
  absl::Time now;
  absl::TimeZone zone;
  std::map<uint32_t, std::string> users;  // of /etc/passwd
};
Machine ReadMachine();

// "uid,pid,cmd" -> {"uid","pid","cmd"}: pid ppid pgid sid comm args cmd command state s stat uid
// user euser c tty tt time cputime stime start etime ni nice nlwp thcount vsz rss.
// Errors: InvalidArgument for another one, or none at all.
absl::StatusOr<std::vector<std::string>> ParseColumns(absl::string_view text);

// Those of `ps -ef`. Its first column, UID, shows the name.
std::vector<std::string> UsualColumns();

cli::TableRow ProcessHeader(const std::vector<std::string>& columns);
// Cells are safe for a terminal.
cli::TableRow ProcessRow(const std::vector<std::string>& columns, const Process& process,
                         const Machine& machine);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_STAT_PROCESSES_H_

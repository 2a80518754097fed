// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-stat/processes.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::tools {
namespace {

constexpr size_t kMaxFile = size_t{4} << 20;
constexpr size_t kWidestArgs = 4096;

absl::Status Odd(absl::string_view file) {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                     absl::StrCat(file, ": is not what it should be"));
}

int64_t PerSecond() {
  static const int64_t ticks = std::max<int64_t>(::sysconf(_SC_CLK_TCK), 1);
  return ticks;
}

absl::Duration Ticks(int64_t ticks) { return absl::Nanoseconds(1000000000 / PerSecond()) * ticks; }

// "Uid:\t0\t0\t0\t0\n": the second is the effective one.
bool FindUid(absl::string_view status, uint32_t* uid) {
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    if (!absl::ConsumePrefix(&line, "Uid:\t")) continue;
    const std::vector<absl::string_view> ids = absl::StrSplit(line, '\t');
    return ids.size() >= 2 && absl::SimpleAtoi(ids[1], uid);
  }
  return false;
}

std::string Args(absl::string_view cmdline, const std::string& comm) {
  while (absl::ConsumeSuffix(&cmdline, absl::string_view("\0", 1))) {
  }
  if (cmdline.empty()) return absl::StrCat("[", comm, "]");
  return absl::StrReplaceAll(cmdline, {{absl::string_view("\0", 1), " "}});
}

// major and minor as in proc_pid_stat(5) tty_nr.
std::string TtyText(int64_t tty) {
  if (tty == 0) return "?";
  const int64_t major = (tty >> 8) & 0xfff;
  const int64_t minor = (tty & 0xff) | ((tty >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return absl::StrCat("pts/", (major - 136) * 256 + minor);
  if (major == 4) return minor < 64 ? absl::StrCat("tty", minor) : absl::StrCat("ttyS", minor - 64);
  return "?";
}

// "[DD-]HH:MM:SS"
std::string TimeText(absl::Duration time) {
  const int64_t seconds = std::max<int64_t>(absl::ToInt64Seconds(time), 0);
  const int64_t days = seconds / 86400;
  return absl::StrCat(
      days > 0 ? absl::StrCat(days, "-") : "",
      absl::StrFormat("%02d:%02d:%02d", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60));
}

// "[[DD-]HH:]MM:SS"
std::string ElapsedText(absl::Duration time) {
  if (time >= absl::Hours(1)) return TimeText(time);
  const int64_t seconds = std::max<int64_t>(absl::ToInt64Seconds(time), 0);
  return absl::StrFormat("%02d:%02d", seconds / 60, seconds % 60);
}

// Today's the hour, this year's the day, else the year.
std::string StartText(absl::Time start, const Machine& machine) {
  const absl::CivilSecond then = absl::ToCivilSecond(start, machine.zone);
  const absl::CivilSecond now = absl::ToCivilSecond(machine.now, machine.zone);
  const char* format = then.year() != now.year()                     ? "%Y"
                       : absl::CivilDay(then) == absl::CivilDay(now) ? "%H:%M"
                                                                     : "%b%d";
  return absl::FormatTime(format, start, machine.zone);
}

std::string UserText(uint32_t uid, const Machine& machine) {
  const auto user = machine.users.find(uid);
  return user == machine.users.end() ? absl::StrCat(uid) : user->second;
}

absl::Duration Age(const Process& process, const Machine& machine) {
  return machine.now - machine.booted - process.start;
}

// Whole per cent of a CPU over its whole life.
int64_t CpuShare(const Process& process, const Machine& machine) {
  const absl::Duration age = Age(process, machine);
  if (age <= absl::ZeroDuration()) return 0;
  return std::min<int64_t>(static_cast<int64_t>(100 * absl::FDivDuration(process.cpu, age)), 99999);
}

// A column: what its header says and how a cell of it is made.
struct Column {
  const char* name;
  const char* header;
  std::string (*cell)(const Process& process, const Machine& machine);
};

using P = const Process&;
using M = const Machine&;
std::string PidCell(P p, M) { return absl::StrCat(p.pid); }
std::string PpidCell(P p, M) { return absl::StrCat(p.ppid); }
std::string PgidCell(P p, M) { return absl::StrCat(p.pgid); }
std::string SidCell(P p, M) { return absl::StrCat(p.sid); }
std::string CommCell(P p, M) { return p.comm; }
std::string ArgsCell(P p, M) { return p.args; }
std::string StateCell(P p, M) { return p.state; }
std::string UidCell(P p, M) { return absl::StrCat(p.uid); }
std::string UserCell(P p, M m) { return UserText(p.uid, m); }
std::string ShareCell(P p, M m) { return absl::StrCat(CpuShare(p, m)); }
std::string TtyCell(P p, M) { return TtyText(p.tty); }
std::string TimeCell(P p, M) { return TimeText(p.cpu); }
std::string StartCell(P p, M m) { return StartText(m.booted + p.start, m); }
std::string ElapsedCell(P p, M m) { return ElapsedText(Age(p, m)); }
std::string NiceCell(P p, M) { return absl::StrCat(p.nice); }
std::string ThreadsCell(P p, M) { return absl::StrCat(p.threads); }
std::string VszCell(P p, M) { return absl::StrCat(p.vsz); }
std::string RssCell(P p, M) { return absl::StrCat(p.rss); }

constexpr Column kColumns[] = {
    {"pid", "PID", PidCell},           {"ppid", "PPID", PpidCell},
    {"pgid", "PGID", PgidCell},        {"sid", "SID", SidCell},
    {"comm", "COMMAND", CommCell},     {"args", "COMMAND", ArgsCell},
    {"cmd", "CMD", ArgsCell},          {"command", "COMMAND", ArgsCell},
    {"state", "S", StateCell},         {"s", "S", StateCell},
    {"stat", "STAT", StateCell},       {"uid", "UID", UidCell},
    {"user", "USER", UserCell},        {"euser", "EUSER", UserCell},
    {"uname", "UID", UserCell},        {"c", "C", ShareCell},
    {"tty", "TTY", TtyCell},           {"tt", "TT", TtyCell},
    {"time", "TIME", TimeCell},        {"cputime", "TIME", TimeCell},
    {"stime", "STIME", StartCell},     {"start", "STARTED", StartCell},
    {"etime", "ELAPSED", ElapsedCell}, {"ni", "NI", NiceCell},
    {"nice", "NI", NiceCell},          {"nlwp", "NLWP", ThreadsCell},
    {"thcount", "THCNT", ThreadsCell}, {"vsz", "VSZ", VszCell},
    {"rss", "RSS", RssCell},
};

const Column* FindColumn(absl::string_view name) {
  for (const Column& column : kColumns) {
    if (name == column.name) return &column;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<Process> ParseProcess(absl::string_view stat, absl::string_view status,
                                     absl::string_view cmdline) {
  Process process;
  // "4711 (a) b) S 1 ..": the name may hold anything, so fields count from the last ')'.
  const size_t open = stat.find(" ("), close = stat.rfind(')');
  if (open == stat.npos || close == stat.npos || close < open + 2 || close + 2 > stat.size() ||
      !absl::SimpleAtoi(stat.substr(0, open), &process.pid)) {
    return Odd("stat");
  }
  process.comm = std::string(stat.substr(open + 2, close - open - 2));
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::StripAsciiWhitespace(stat.substr(close + 2)), ' ');
  if (fields.size() < 22) return Odd("stat");
  process.state = std::string(fields[0]);
  int64_t user = 0, system = 0, start = 0, bytes = 0, pages = 0;
  if (!absl::SimpleAtoi(fields[1], &process.ppid) || !absl::SimpleAtoi(fields[2], &process.pgid) ||
      !absl::SimpleAtoi(fields[3], &process.sid) || !absl::SimpleAtoi(fields[4], &process.tty) ||
      !absl::SimpleAtoi(fields[11], &user) || !absl::SimpleAtoi(fields[12], &system) ||
      !absl::SimpleAtoi(fields[16], &process.nice) ||
      !absl::SimpleAtoi(fields[17], &process.threads) || !absl::SimpleAtoi(fields[19], &start) ||
      !absl::SimpleAtoi(fields[20], &bytes) || !absl::SimpleAtoi(fields[21], &pages)) {
    return Odd("stat");
  }
  process.cpu = Ticks(user) + Ticks(system);
  process.start = Ticks(start);
  process.vsz = bytes / 1024;
  process.rss = pages * (::sysconf(_SC_PAGESIZE) / 1024);
  if (!FindUid(status, &process.uid)) return Odd("status");
  process.args = Args(cmdline, process.comm);
  return process;
}

absl::StatusOr<Process> ReadProcess(pid_t pid) {
  // One folder, so that all is of one process.
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd folder,
                         base::OpenDirAt(AT_FDCWD, absl::StrCat("/proc/", pid)));
  STAVE_ASSIGN_OR_RETURN(const std::string stat, base::ReadFileAt(folder.get(), "stat", kMaxFile));
  STAVE_ASSIGN_OR_RETURN(const std::string status,
                         base::ReadFileAt(folder.get(), "status", kMaxFile));
  const auto cmdline = base::ReadFileAt(folder.get(), "cmdline", kMaxFile);
  return ParseProcess(stat, status, cmdline.ok() ? *cmdline : "");
}

Machine ReadMachine() {
  Machine machine;
  machine.now = absl::Now();
  timespec up = {};
  ::clock_gettime(CLOCK_BOOTTIME, &up);
  machine.booted = machine.now - absl::DurationFromTimespec(up);
  machine.zone = absl::LocalTimeZone();
  const auto passwd = base::ReadFileAt(AT_FDCWD, "/etc/passwd", kMaxFile);
  if (!passwd.ok()) return machine;
  for (const absl::string_view line : absl::StrSplit(*passwd, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ':');
    uint32_t uid = 0;
    if (fields.size() >= 3 && absl::SimpleAtoi(fields[2], &uid)) {
      machine.users.emplace(uid, std::string(fields[0]));
    }
  }
  return machine;
}

absl::StatusOr<std::vector<std::string>> ParseColumns(absl::string_view text) {
  std::vector<std::string> columns;
  for (const absl::string_view name : absl::StrSplit(text, ',')) {
    if (FindColumn(name) == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", base::Printable(name), "\": is no column"));
    }
    columns.emplace_back(name);
  }
  return columns;
}

std::vector<std::string> UsualColumns() {
  return {"uname", "pid", "ppid", "c", "stime", "tty", "time", "cmd"};
}

cli::TableRow ProcessHeader(const std::vector<std::string>& columns) {
  cli::TableRow header;
  for (const std::string& name : columns) {
    const Column* column = FindColumn(name);
    header.emplace_back(column == nullptr ? "" : column->header);
  }
  return header;
}

cli::TableRow ProcessRow(const std::vector<std::string>& columns, const Process& process,
                         const Machine& machine) {
  cli::TableRow row;
  for (const std::string& name : columns) {
    const Column* column = FindColumn(name);
    const std::string cell = column == nullptr ? "" : column->cell(process, machine);
    row.push_back(base::Printable(cell, kWidestArgs));
  }
  return row;
}

}  // namespace stave::tools

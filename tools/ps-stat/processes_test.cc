// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-stat/processes.h"

#include <unistd.h>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::tools {
namespace {

constexpr char kStat[] =
    "4711 (a) b (c) S 4700 4711 4710 34817 4711 4194560 1 0 0 0 6000 100 0 0 20 5 3 0 12000 "
    "2097152 256 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n";
constexpr char kStatus[] = "Name:\ta\nUid:\t0\t1000\t0\t0\nGid:\t0\t0\t0\t0\n";

Process Example() {
  const auto process = ParseProcess(kStat, kStatus, absl::string_view("httpd\0-f\0", 9));
  EXPECT_TRUE(process.ok()) << process.status();
  return process.ok() ? *process : Process();
}

Machine Here() {
  Machine machine;
  machine.zone = absl::UTCTimeZone();
  machine.booted = absl::FromUnixSeconds(1700000000);  // 2023-11-14 22:13:20
  machine.now = machine.booted + absl::Minutes(10);
  machine.users = {{1000, "user"}};
  return machine;
}

TEST(ProcessTest, IsParsed) {
  const Process process = Example();
  EXPECT_EQ(process.pid, 4711);
  EXPECT_EQ(process.comm, "a) b (c");
  EXPECT_EQ(process.ppid, 4700);
  EXPECT_EQ(process.uid, 1000u);
  EXPECT_EQ(process.args, "httpd -f");
  EXPECT_EQ(process.nice, 5);
  EXPECT_EQ(process.threads, 3);
  EXPECT_EQ(process.vsz, 2048);
  EXPECT_EQ(process.cpu, absl::Seconds(61));
  EXPECT_EQ(process.start, absl::Seconds(120));
}

TEST(ProcessTest, WithoutArgumentsItsNameIsShown) {
  EXPECT_EQ(ParseProcess(kStat, kStatus, "")->args, "[a) b (c]");
}

TEST(ProcessTest, SurvivesDamage) {
  const std::string stat = kStat;
  for (size_t size = 0; size < 60; ++size) {
    EXPECT_EQ(base::ErrorWord(ParseProcess(stat.substr(0, size), kStatus, "").status()),
              "E_CORRUPT")
        << size;
  }
  for (size_t at = 0; at < stat.size(); ++at) {
    std::string changed = stat;
    changed[at] = 'x';
    (void)ParseProcess(changed, kStatus, "");
  }
  EXPECT_FALSE(ParseProcess(kStat, "Uid:\t", "").ok());
  EXPECT_FALSE(ParseProcess("", "", "").ok());
}

TEST(ProcessTest, ReadsOwn) {
  const auto me = ReadProcess(::getpid());
  ASSERT_TRUE(me.ok()) << me.status();
  EXPECT_EQ(me->pid, ::getpid());
  EXPECT_EQ(me->ppid, ::getppid());
  EXPECT_EQ(me->uid, ::geteuid());
  EXPECT_FALSE(ReadProcess(4194303).ok());
}

TEST(RowTest, IsAsOfPs) {
  EXPECT_EQ(ProcessHeader(UsualColumns()),
            (cli::TableRow{"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"}));
  EXPECT_EQ(
      ProcessRow(UsualColumns(), Example(), Here()),
      (cli::TableRow{"user", "4711", "4700", "12", "22:15", "pts/1", "00:01:01", "httpd -f"}));
}

TEST(RowTest, OlderOnesShowTheDayOrTheYear) {
  Machine machine = Here();
  machine.now += absl::Hours(24);
  EXPECT_EQ(ProcessRow({"stime"}, Example(), machine)[0], "Nov14");
  machine.now += absl::Hours(24 * 365);
  EXPECT_EQ(ProcessRow({"stime", "etime"}, Example(), machine),
            (cli::TableRow{"2023", "366-00:08:00"}));
}

TEST(RowTest, CellsAreSafeForATerminal) {
  Process process = Example();
  process.args = "a\x1b[31m\nb";
  const std::string cell = ProcessRow({"args"}, process, Here())[0];
  EXPECT_EQ(cell.find('\x1b'), std::string::npos);
  EXPECT_EQ(cell.find('\n'), std::string::npos);
}

TEST(ColumnsTest, AreKnownOnes) {
  EXPECT_EQ(*ParseColumns("pid,comm,etime"), (std::vector<std::string>{"pid", "comm", "etime"}));
  for (const char* wrong : {"", "pid,", "nope", "PID", "pid comm"}) {
    EXPECT_FALSE(ParseColumns(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace stave::tools

// SPDX-License-Identifier: Apache-2.0
//
// plan.h: the `process` member, in a config and alone.
#include <sched.h>
#include <sys/resource.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/plan_test_config.h"

namespace stave::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::StatusOr<Process> Make(const std::string& members,
                             std::vector<std::string>* warnings = nullptr) {
  std::vector<std::string> ignored;
  const std::string text = absl::StrCat("{\"args\":[\"sh\"],\"cwd\":\"/\"", members, "}");
  return MakeProcess(*json::Parse(text), warnings == nullptr ? &ignored : warnings);
}

std::string ProcessError(const std::string& members) {
  const auto process = Make(members);
  if (process.ok()) return "accepted";
  return absl::StrCat(process.status().message(), " [", base::ErrorWord(process.status()), "]");
}

TEST(MakeProcessTest, ReadsAnObjectAlone) {
  const auto process = Make(R"(,"env":["A=b"],"user":{"uid":1,"gid":2,"additionalGids":[3,4],
      "umask":18},"terminal":true,"consoleSize":{"height":24,"width":80},"noNewPrivileges":true,
      "oomScoreAdj":-1,"apparmorProfile":"p","selinuxLabel":"a:b:c:d")");
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_THAT(process->args, ElementsAre("sh"));
  EXPECT_THAT(process->env, ElementsAre("A=b"));
  EXPECT_EQ(process->uid, 1u);
  EXPECT_THAT(process->groups, ElementsAre(3, 4));
  EXPECT_EQ(process->umask, 022);
  EXPECT_EQ(process->rows, 24);
  EXPECT_EQ(process->columns, 80);
  EXPECT_TRUE(process->no_new_privileges);
  EXPECT_EQ(process->oom_score_adj, -1);
  EXPECT_EQ(process->apparmor_profile, "p");
  EXPECT_EQ(process->selinux_label, "a:b:c:d");
  EXPECT_FALSE(process->scheduler || process->io_priority || process->capabilities);
  EXPECT_EQ(process->affinity_before + process->affinity_after, "");
}

TEST(MakeProcessTest, NothingAndOtherThingsAreNoProcess) {
  std::vector<std::string> warnings;
  EXPECT_EQ(MakeProcess(json::Value(), &warnings).status().message(),
            "/process: is missing, so there is nothing to start");
  EXPECT_EQ(MakeProcess(json::Value::Array(), &warnings).status().message(),
            "/process: an object is wanted, not array");
  EXPECT_EQ(Error("/process", "null"), "accepted");  // there may be one at start
}

TEST(MakeProcessTest, ArgumentsAndEnvironmentAreWords) {
  EXPECT_EQ(Error("/process/args", "[]"), "/process/args: is empty [E_DOCUMENT]");
  EXPECT_EQ(Error("/process/args", "[\"\"]"), "/process/args/0: is empty [E_DOCUMENT]");
  EXPECT_EQ(Error("/process/args", "\"sh\""),
            "/process/args: an array is wanted, not string [E_DOCUMENT]");
  EXPECT_EQ(Error("/process/args", R"(["a\u0000"])"),
            "/process/args/0: a NUL character is in the string [E_NUL]");
  EXPECT_EQ(ProcessError(R"(,"env":["A=b","C"])"), "/process/env/1: is no NAME=VALUE [E_DOCUMENT]");
  EXPECT_EQ(ProcessError(R"(,"env":["=b"])"), "/process/env/0: is no NAME=VALUE [E_DOCUMENT]");
  EXPECT_EQ(Error("/process/cwd", "\"work\""),
            "/process/cwd: is not an absolute path [E_DOCUMENT]");
  EXPECT_EQ(Error("/process/cwd", "\"\""), "/process/cwd: is not an absolute path [E_DOCUMENT]");
}

TEST(MakeProcessTest, IdsAreBelowMinusOne) {
  EXPECT_EQ(ProcessError(R"(,"user":{"uid":4294967295})"),
            "/process/user/uid: 4294967295 is not within 0..4294967294 [E_DOCUMENT]");
  EXPECT_EQ(ProcessError(R"(,"user":{"gid":-1})"),
            "/process/user/gid: -1 is not within 0..4294967294 [E_DOCUMENT]");
  EXPECT_EQ(ProcessError(R"(,"user":{"additionalGids":[null]})"),
            "/process/user/additionalGids/0: a number is wanted, not null [E_DOCUMENT]");
  EXPECT_EQ(ProcessError(R"(,"user":{"umask":512})"),
            "/process/user/umask: 512 is not within 0..511 [E_DOCUMENT]");
  EXPECT_EQ(ProcessError(R"(,"user":{"uid":4294967294})"), "accepted");
  EXPECT_EQ(ProcessError(R"(,"user":"root")"),
            "/process/user: an object is wanted, not string [E_DOCUMENT]");
}

TEST(MakeProcessTest, SizesAreForTerminals) {
  EXPECT_EQ(ProcessError(R"(,"terminal":true,"consoleSize":{"height":65536,"width":1})"),
            "/process/consoleSize/height: 65536 is not within 0..65535 [E_DOCUMENT]");
  const auto process = Make(R"(,"consoleSize":{"height":65536,"width":1})");
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(process->columns, 0);
}

TEST(MakeProcessTest, RlimitsAreWholeAndOnce) {
  const auto process =
      Make(R"(,"rlimits":[{"type":"RLIMIT_NOFILE","soft":5,"hard":18446744073709551615}])");
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(process->rlimits[0].resource, RLIMIT_NOFILE);
  EXPECT_EQ(process->rlimits[0].hard, RLIM_INFINITY);

  EXPECT_EQ(ProcessError(R"(,"rlimits":[{"type":"RLIMIT_X","soft":5,"hard":5}])"),
            "/process/rlimits/0/type: is no resource of setrlimit(2) [E_DOCUMENT]");
  EXPECT_EQ(ProcessError(R"(,"rlimits":[{"type":"RLIMIT_CPU","soft":6,"hard":5}])"),
            "/process/rlimits/0/soft: is above the hard limit [E_DOCUMENT]");
  EXPECT_EQ(ProcessError(R"(,"rlimits":[{"type":"RLIMIT_CPU","soft":5,"hard":5},
                                        {"type":"RLIMIT_CPU","soft":5,"hard":5}])"),
            "/process/rlimits/1/type: appears twice [E_DOCUMENT]");
}

TEST(MakeProcessTest, ScoresHaveBounds) {
  for (const char* score : {"1001", "-1001", "18446744073709551615"}) {
    EXPECT_EQ(ProcessError(absl::StrCat(",\"oomScoreAdj\":", score)),
              absl::StrCat("/process/oomScoreAdj: ", score,
                           " is not within -1000..1000 "
                           "[E_DOCUMENT]"));
  }
}

TEST(MakeProcessTest, CapabilitiesThatCannotBeHadAreWarnings) {
  std::vector<std::string> warnings;
  const auto process = Make(R"(,"capabilities":{"bounding":["CAP_CHOWN","CAP_NEW"],
      "permitted":["CAP_CHOWN","CAP_KILL"],"effective":["CAP_CHOWN","CAP_SYS_ADMIN"],
      "inheritable":["CAP_CHOWN"],"ambient":["CAP_CHOWN","CAP_KILL"]})",
                            &warnings);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_THAT(warnings,
              ElementsAre("/process/capabilities: \"CAP_NEW\" is no capability of this kernel",
                          "/process/capabilities/effective: what is not in permitted is left out"));
  EXPECT_EQ(process->capabilities->effective, 1u);
  EXPECT_EQ(process->capabilities->ambient, 1u);
}

TEST(SchedulerTest, IsRead) {
  const auto process = Make(R"(,"scheduler":{"policy":"SCHED_DEADLINE","runtime":1000000,
      "deadline":2000000,"period":3000000,"flags":["SCHED_FLAG_RESET_ON_FORK",
      "SCHED_FLAG_UTIL_CLAMP_MAX"]})");
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(process->scheduler->policy, 6u);
  EXPECT_EQ(process->scheduler->runtime, 1000000u);
  EXPECT_EQ(process->scheduler->deadline, 2000000u);
  EXPECT_EQ(process->scheduler->period, 3000000u);
  EXPECT_EQ(process->scheduler->flags, 0x41u);
  const auto batch = Make(R"(,"scheduler":{"policy":"SCHED_BATCH","nice":-20})");
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->scheduler->policy, static_cast<uint32_t>(SCHED_BATCH));
  EXPECT_EQ(batch->scheduler->nice, -20);
  const auto fifo = Make(R"(,"scheduler":{"policy":"SCHED_FIFO","priority":99})");
  ASSERT_TRUE(fifo.ok()) << fifo.status();
  EXPECT_EQ(fifo->scheduler->priority, 99u);
  for (const char* policy : {"SCHED_OTHER", "SCHED_IDLE"}) {
    EXPECT_EQ(ProcessError(absl::StrCat(",\"scheduler\":{\"policy\":\"", policy, "\"}")),
              "accepted");
  }
}

TEST(SchedulerTest, FieldsGoWithTheirPolicy) {
  const struct {
    const char *members, *error;
  } cases[] = {
      {R"("nice":1)", "/policy: a string is wanted, and it is missing [E_DOCUMENT]"},
      {R"("policy":"FIFO")", "/policy: is no scheduling policy [E_DOCUMENT]"},
      {R"("policy":"SCHED_ISO")", "/policy: the kernel has no SCHED_ISO [E_UNSUPPORTED]"},
      {R"("policy":"SCHED_OTHER","nice":20)", "/nice: 20 is not within -20..19 [E_DOCUMENT]"},
      {R"("policy":"SCHED_OTHER","nice":18446744073709551615)",
       "/nice: 18446744073709551615 is not within -20..19 [E_DOCUMENT]"},
      {R"("policy":"SCHED_OTHER","priority":1)",
       "/priority: is for SCHED_FIFO and SCHED_RR only [E_DOCUMENT]"},
      {R"("policy":"SCHED_RR")", "/priority: SCHED_FIFO and SCHED_RR want 1..99 [E_DOCUMENT]"},
      {R"("policy":"SCHED_RR","priority":100)", "/priority: 100 is not within 0..99 [E_DOCUMENT]"},
      {R"("policy":"SCHED_OTHER","flags":["X"])", "/flags/0: is no scheduling flag [E_DOCUMENT]"},
      {R"("policy":"SCHED_OTHER","deadline":5)",
       "/deadline: is for SCHED_DEADLINE only [E_DOCUMENT]"},
      {R"("policy":"SCHED_DEADLINE","runtime":5,"deadline":4)",
       ": SCHED_DEADLINE wants 0 < runtime <= deadline <= period [E_DOCUMENT]"},
      {R"("policy":"SCHED_DEADLINE","runtime":5,"deadline":6,"period":5)",
       ": SCHED_DEADLINE wants 0 < runtime <= deadline <= period [E_DOCUMENT]"},
  };
  for (const auto& [members, error] : cases) {
    EXPECT_EQ(ProcessError(absl::StrCat(",\"scheduler\":{", members, "}")),
              absl::StrCat("/process/scheduler", error));
  }
}

TEST(IoPriorityTest, IsOneNumber) {
  const auto priority = [](const char* name, int level) {
    return Make(absl::StrCat(",\"ioPriority\":{\"class\":\"", name, "\",\"priority\":", level, "}"))
        ->io_priority;
  };
  EXPECT_EQ(priority("IOPRIO_CLASS_RT", 0), 0x2000);
  EXPECT_EQ(priority("IOPRIO_CLASS_BE", 4), 0x4004);
  EXPECT_EQ(priority("IOPRIO_CLASS_IDLE", 7), 0x6007);
  EXPECT_EQ(ProcessError(R"(,"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":8})"),
            "/process/ioPriority/priority: 8 is not within 0..7 [E_DOCUMENT]");
  EXPECT_EQ(ProcessError(R"(,"ioPriority":{"class":"BE","priority":1})"),
            "/process/ioPriority/class: is no class of ioprio_set(2) [E_DOCUMENT]");
  EXPECT_EQ(ProcessError(R"(,"ioPriority":{"priority":1})"),
            "/process/ioPriority/class: a string is wanted, and it is missing [E_DOCUMENT]");
  EXPECT_EQ(ProcessError(R"(,"ioPriority":{"class":"IOPRIO_CLASS_BE"})"),
            "/process/ioPriority/priority: a number is wanted, and it is missing [E_DOCUMENT]");
}

TEST(AffinityTest, IsTwoLists) {
  const auto process = Make(R"(,"execCPUAffinity":{"initial":"0-2,7","final":"8191"})");
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(process->affinity_before, "0-2,7");
  EXPECT_EQ(process->affinity_after, "8191");
  EXPECT_EQ(Make(R"(,"execCPUAffinity":{"final":""})")->affinity_after, "");
  for (const char* bad : {"x", "1-", "-1", "3-1", "0,,1", " 1", "0-1-2", "8192"}) {
    EXPECT_EQ(ProcessError(absl::StrCat(",\"execCPUAffinity\":{\"initial\":\"", bad, "\"}")),
              "/process/execCPUAffinity/initial: is no list of CPUs such as 0-2,7 [E_DOCUMENT]")
        << bad;
  }
}

}  // namespace
}  // namespace stave::runtime

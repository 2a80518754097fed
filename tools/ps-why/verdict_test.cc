// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-why/verdict.h"

#include <signal.h>

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::tools {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

// One that has ended, five minutes ago, after a minute.
Evidence Ended(std::optional<int> code, std::optional<int> signal = std::nullopt) {
  Evidence evidence;
  evidence.now = kNow;
  evidence.booted = kNow - absl::Hours(10);
  evidence.view.record.id = std::string(64, 'a');
  evidence.view.record.name = "web";
  evidence.view.record.created = kNow - absl::Hours(1);
  evidence.view.record.started = true;
  evidence.view.status = store::Status::kExited;
  store::Exit exit;
  exit.code = code;
  exit.signal = signal;
  exit.pid = 4711;
  exit.started = kNow - absl::Minutes(6);
  exit.finished = kNow - absl::Minutes(5);
  evidence.view.exit = exit;
  evidence.asked.args = {"httpd"};
  evidence.has_log = true;
  return evidence;
}

Evidence Running() {
  Evidence evidence = Ended(0);
  evidence.view.exit.reset();
  evidence.view.status = store::Status::kRunning;
  evidence.view.state.emplace();
  evidence.view.state->started = kNow - absl::Minutes(5);
  return evidence;
}

std::string CauseOf(const Evidence& evidence) { return Judge(evidence).cause; }

void Send(int signal, const char* why, Evidence* evidence) {
  store::SentSignal sent;
  sent.signal = signal;
  sent.why = why;
  sent.time = *evidence->view.exit->finished - absl::Seconds(1);
  sent.uid = 0;
  sent.pid = 77;
  sent.name = "ps-signal";
  evidence->view.exit->sent.push_back(sent);
}

std::string OomLine(const char* constraint, int pid) {
  return absl::StrCat("oom-kill:constraint=", constraint,
                      ",task_memcg=/stave/a,task=perl,pid=", pid, ",uid=0");
}

TEST(VerdictTest, OutOfMemory) {
  Evidence evidence = Ended(137, SIGKILL);
  evidence.view.exit->oom = true;
  evidence.asked.memory = 64 << 20;
  EXPECT_EQ(CauseOf(evidence), "oom");
  evidence.view.exit->kernel = {OomLine("CONSTRAINT_MEMCG", 4711)};
  EXPECT_EQ(Judge(evidence).summary,
            "was killed for memory: the kernel killed its first process, 4711 \"perl\", at its "
            "limit of 64MiB, exit code 137, 5 minutes ago");
  evidence.view.exit->kernel = {
      "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/stave,task_memcg=/stave/"
      "a,task=perl,pid=4711,"
      "uid=0"};
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("at the limit of a cgroup above it"));
  evidence.view.exit->kernel = {OomLine("CONSTRAINT_NONE", 4711)};
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("the whole machine was out of memory"));
}

TEST(VerdictTest, AnotherProcessWasKilledForMemory) {
  Evidence evidence = Ended(1);
  evidence.view.exit->oom = true;
  evidence.view.exit->kernel = {OomLine("CONSTRAINT_MEMCG", 5000)};
  EXPECT_EQ(CauseOf(evidence), "oom");
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("a process of it, 5000 \"perl\","));
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("its first process then ended, exit code 1"));
}

// No false OOM: memory has run out, and that is not why it has ended.
TEST(VerdictTest, MemoryIsNotAlwaysTheCause) {
  Evidence evidence = Ended(0);
  evidence.view.exit->oom = true;
  EXPECT_EQ(CauseOf(evidence), "exited");
  evidence = Ended(143, SIGTERM);
  evidence.view.exit->oom = true;
  Send(SIGTERM, "stop", &evidence);
  EXPECT_EQ(CauseOf(evidence), "stopped");
  evidence = Ended(137, SIGKILL);
  evidence.view.exit->oom = true;
  Send(SIGTERM, "stop", &evidence);
  Send(SIGKILL, "timeout", &evidence);
  EXPECT_EQ(CauseOf(evidence), "stop-timeout");
  evidence.view.exit->kernel = {OomLine("CONSTRAINT_MEMCG", 5000)};
  EXPECT_EQ(CauseOf(evidence), "stop-timeout");
  evidence.view.exit->kernel = {OomLine("CONSTRAINT_MEMCG", 4711)};
  EXPECT_EQ(CauseOf(evidence), "oom");
}

TEST(VerdictTest, Stops) {
  Evidence evidence = Ended(3);
  Send(SIGTERM, "stop", &evidence);
  EXPECT_EQ(Judge(evidence).summary,
            "was stopped on request and obeyed: it ended 1s after SIGTERM, exit code 3, asked for "
            "by ps-signal of uid 0, 5 minutes ago");
  evidence = Ended(137, SIGKILL);
  Send(SIGTERM, "stop", &evidence);
  Send(SIGKILL, "timeout", &evidence);
  evidence.view.exit->sent[0].time -= absl::Seconds(10);
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("ignored SIGTERM and was killed 10s later"));
  evidence = Ended(143, SIGTERM);
  Send(SIGTERM, "shutdown", &evidence);
  EXPECT_EQ(CauseOf(evidence), "shutdown");
}

TEST(VerdictTest, Signals) {
  Evidence evidence = Ended(137, SIGKILL);
  EXPECT_EQ(CauseOf(evidence), "signalled");
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("nobody sent through stave"));
  Send(SIGKILL, "signal", &evidence);
  EXPECT_EQ(CauseOf(evidence), "killed");
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("asked for by ps-signal of uid 0"));
  evidence = Ended(138, SIGUSR1);
  EXPECT_EQ(CauseOf(evidence), "signalled");
  Send(SIGINT, "signal", &evidence);
  EXPECT_EQ(CauseOf(evidence), "signalled");
  evidence = Ended(130);
  Send(SIGINT, "signal", &evidence);
  evidence.view.exit->sent[0].pid = 0;
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("asked for from the terminal"));
}

// What no watcher could see is in the events of the run.
TEST(VerdictTest, EventsTellOfSignalsToo) {
  const auto event = [](const char* action, const char* signal) {
    store::Event one;
    one.action = action;
    if (*signal != '\0') one.attributes["signal"] = signal;
    one.time = kNow;
    return one;
  };
  Evidence evidence = Ended(137, SIGKILL);
  evidence.events = {event("start", ""), event("kill", "9"), event("die", "")};
  EXPECT_EQ(CauseOf(evidence), "killed");
  evidence.events = {event("start", ""), event("kill", "15"), event("kill", "9"), event("die", ""),
                     event("stop", "")};
  EXPECT_EQ(CauseOf(evidence), "stop-timeout");
  evidence = Ended(0);
  evidence.events = {event("start", ""), event("kill", "15"), event("die", ""), event("stop", "")};
  EXPECT_EQ(CauseOf(evidence), "stopped");
}

TEST(VerdictTest, Crashes) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE}) {
    EXPECT_EQ(CauseOf(Ended(128 + signal, signal)), "crashed") << signal;
    EXPECT_EQ(CauseOf(Ended(128 + signal)), "crashed") << signal;
  }
  Evidence evidence = Ended(139, SIGSEGV);
  evidence.view.exit->kernel = {"a[4711]: segfault at 0 ip 1 sp 2 error 6 in a[1,2+1]"};
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("segfault at 0 ip 1"));
  EXPECT_EQ(CauseOf(Ended(152, SIGXCPU)), "cpu-limit");
  EXPECT_EQ(CauseOf(Ended(153, SIGXFSZ)), "file-limit");
}

TEST(VerdictTest, Seccomp) {
  Evidence evidence = Ended(159, SIGSYS);
  EXPECT_EQ(CauseOf(evidence), "seccomp");
  evidence.asked.seccomp = json::Parse(
                               "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
                               "\"mkdir\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"}]}")
                               .value();
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("called mkdir(2)"));
  evidence.call = "rmdir";
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("called rmdir(2)"));
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("says the kernel's log"));
}

TEST(VerdictTest, CluesOfTheLog) {
  const std::pair<const char*, const char*> cases[] = {
      {"a: error while loading shared libraries: libz.so.1: ..", "missing-library"},
      {"sh: write error: No space left on device", "disk-full"},
      {"touch: /x: Read-only file system", "read-only"},
      {"cat: can't open '/x': Permission denied", "failed"},
      {"nothing", "failed"},
  };
  for (const auto& [line, cause] : cases) {
    Evidence evidence = Ended(1);
    evidence.log = {line};
    EXPECT_EQ(CauseOf(evidence), cause) << line;
    evidence.view.exit->code = 0;
    EXPECT_EQ(CauseOf(evidence), "exited") << line;
  }
  Evidence evidence = Ended(1);
  evidence.log = {"cat: can't open '/x': Permission denied"};
  evidence.asked.uid = 1000;
  EXPECT_EQ(CauseOf(evidence), "permission");
}

TEST(VerdictTest, LimitOfProcesses) {
  Evidence evidence = Ended(1);
  evidence.view.exit->pids_refused = 3;
  evidence.asked.pids = 10;
  EXPECT_EQ(CauseOf(evidence), "failed");
  evidence.has_log = false;
  EXPECT_EQ(CauseOf(evidence), "pids-limit");
  evidence.has_log = true;
  evidence.log = {"sh: can't fork: Resource temporarily unavailable"};
  EXPECT_EQ(CauseOf(evidence), "pids-limit");
  evidence.log = {"sh: write error: No space left on device"};
  EXPECT_EQ(CauseOf(evidence), "disk-full");
  evidence.view.exit->code = 0;
  EXPECT_EQ(CauseOf(evidence), "exited");
}

TEST(VerdictTest, TheEndOfItsOwnAccord) {
  Evidence evidence = Ended(3);
  evidence.log = {"cannot", "\x1b[31mred\n", " "};
  EXPECT_EQ(CauseOf(evidence), "failed");
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("its last words: \"\\x1b[31mred\""));
  evidence = Ended(0);
  EXPECT_EQ(Judge(evidence).summary,
            "ended by itself after 1m with success, exit code 0, 5 minutes ago");
  evidence.asked.args = {"/bin/bash"};
  evidence.view.exit->started = evidence.view.exit->finished;
  EXPECT_EQ(CauseOf(evidence), "no-input");
  evidence.asked.input = true;
  EXPECT_EQ(CauseOf(evidence), "exited");
  evidence.asked.input = false;
  evidence.asked.args = {"sh", "-c", "true"};
  EXPECT_EQ(CauseOf(evidence), "exited");
}

TEST(VerdictTest, WhatIsAlive) {
  Evidence evidence = Running();
  EXPECT_EQ(CauseOf(evidence), "running");
  evidence.oom_kills = 2;
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("killed for memory: 2"));
  evidence.watcher_lives = false;
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("nobody watches it"));
  evidence.health =
      store::Health{store::Wellness::kUnhealthy, 3, {{kNow, kNow, 1, "connection refused\n"}}};
  EXPECT_EQ(CauseOf(evidence), "unhealthy");
  EXPECT_THAT(Judge(evidence).summary,
              HasSubstr("3 health checks in a row have failed, the last one with exit code 1; its "
                        "last words: \"connection refused\""));
  evidence.frozen = true;
  EXPECT_EQ(CauseOf(evidence), "paused");
}

TEST(VerdictTest, Restarts) {
  Evidence evidence = Running();
  evidence.view.status = store::Status::kRestarting;
  evidence.view.state->restarts = 4;
  evidence.view.state->last = Ended(1).view.exit;
  evidence.view.state->next = kNow + absl::Seconds(2);
  EXPECT_EQ(CauseOf(evidence), "restarting");
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("restart 4 by its policy, the next in 2s"));
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("failed by itself, exit code 1"));
}

TEST(VerdictTest, StartsThatFail) {
  Evidence evidence = Ended(127);
  evidence.view.record.started = false;
  evidence.view.status = store::Status::kCreated;
  evidence.view.exit->error = store::StartError{kNow - absl::Minutes(2), "E_NOT_FOUND",
                                                "not-in-path", "exec \"x\": no", ""};
  EXPECT_EQ(Judge(evidence).cause, "not-in-path");
  EXPECT_EQ(Judge(evidence).summary,
            "could not be started: exec \"x\": no [E_NOT_FOUND], exit code 127, 2 minutes ago");
  evidence.view.exit->error->cause = "";
  EXPECT_EQ(CauseOf(evidence), "start-failed");
  evidence.view.exit->error->word = "E_NO_SPACE";
  EXPECT_EQ(CauseOf(evidence), "disk-full");
  evidence.view.exit.reset();
  EXPECT_EQ(CauseOf(evidence), "created");
}

TEST(VerdictTest, WhatNobodySaw) {
  Evidence evidence = Ended(std::nullopt);
  evidence.view.exit->watcher_lost = true;
  EXPECT_EQ(CauseOf(evidence), "watcher-lost");
  evidence.view.exit->watcher_lost = false;
  EXPECT_EQ(CauseOf(evidence), "reboot");
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("as with a reboot"));
  evidence.booted = evidence.view.record.created + absl::Minutes(1);
  EXPECT_THAT(Judge(evidence).summary, HasSubstr("with the machine, which came up again at 2023-"));
  evidence.view.state.emplace();
  EXPECT_EQ(CauseOf(evidence), "watcher-lost");
  evidence.other_boot = true;
  EXPECT_EQ(CauseOf(evidence), "reboot");
  evidence.view.damage = absl::DataLossError("record.json: is no JSON");
  EXPECT_EQ(CauseOf(evidence), "damaged");
}

TEST(VerdictTest, WhatIsGone) {
  const auto event = [](const char* action, std::map<std::string, std::string> attributes = {}) {
    store::Event one;
    one.time = kNow - absl::Minutes(1);
    one.action = action;
    one.attributes = std::move(attributes);
    return one;
  };
  Evidence evidence;
  evidence.now = kNow;
  evidence.events = {event("start"), event("die", {{"exitCode", "3"}}), event("destroy")};
  const auto verdict = JudgeRemoved(evidence);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->cause, "removed");
  EXPECT_THAT(verdict->summary, HasSubstr("failed by itself, exit code 3"));
  evidence.events.pop_back();
  EXPECT_FALSE(JudgeRemoved(evidence).has_value());
}

TEST(VerdictTest, JsonHasTheEvidence) {
  Evidence evidence = Ended(137, SIGKILL);
  evidence.view.exit->oom = true;
  evidence.view.exit->kernel = {OomLine("CONSTRAINT_MEMCG", 4711)};
  evidence.log = {"1", "2", "3", "4", "5", "6"};

  const json::Value line = ToJson(Judge(evidence), evidence, "web");

  EXPECT_EQ(line.Find("cause")->text(), "oom");
  EXPECT_EQ(line.Find("state")->text(), "exited");
  EXPECT_EQ(line.Find({"evidence", "signal"})->text(), "SIGKILL");
  EXPECT_EQ(line.Find({"evidence", "log"})->elements().size(), 5u);
  const json::Value* victims = line.Find({"evidence", "killedForMemory"});
  ASSERT_NE(victims, nullptr);
  EXPECT_TRUE(victims->elements()[0].Find("first")->boolean());
}

}  // namespace
}  // namespace stave::tools

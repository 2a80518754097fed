// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/cells.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/store/containers.h"
#include "libs/store/record.h"

namespace stave::tools {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

store::ContainerView Running() {
  store::ContainerView view;
  view.record.id = std::string(64, 'a');
  view.record.name = "web";
  view.record.ports = {"443/tcp", "80/tcp"};
  view.record.created = kNow - absl::Minutes(5);
  view.status = store::Status::kRunning;
  view.state = store::State();
  view.state->init = base::ProcessIdentity{"boot", 4711, 1};
  view.state->started = kNow - absl::Seconds(31);
  return view;
}

store::ContainerView Exited(std::optional<int> code) {
  store::ContainerView view = Running();
  view.status = store::Status::kExited;
  view.state.reset();
  view.exit = store::Exit();
  view.exit->code = code;
  return view;
}

std::string Command(const std::vector<std::string>& words, Width width) {
  store::Record record;
  record.command = words;
  return CommandText(record, width);
}

TEST(CommandTextTest, IsQuotedAndCut) {
  EXPECT_EQ(Command({"sh"}, Width::kShort), "\"sh\"");
  EXPECT_EQ(Command({"sh", "-c", "echo hello; sleep 60"}, Width::kShort),
            "\"sh -c 'echo hello; \u2026\"");
  EXPECT_EQ(Command({"sh", "-c", "echo hello; sleep 60"}, Width::kWhole),
            "\"sh -c 'echo hello; sleep 60'\"");
  EXPECT_EQ(Command({"12345678901234567890"}, Width::kShort), "\"12345678901234567890\"");
  EXPECT_EQ(Command({"/my program"}, Width::kShort), "\"/my program\"");
}

TEST(CommandTextTest, EscapesAsGoDoes) {
  EXPECT_EQ(Command({"a\n\t\"b\\"}, Width::kWhole), "\"a\\n\\t\\\"b\\\\\"");
  EXPECT_EQ(Command({"\x1b[31m"}, Width::kWhole), "\"\\x1b[31m\"");
}

TEST(StatusTextTest, TellsHowItEnded) {
  store::ContainerView view = Exited(137);
  view.exit->finished = kNow - absl::Seconds(3);
  EXPECT_EQ(StatusText(view, kNow), "Exited (137) 3 seconds ago");
  EXPECT_EQ(StatusText(Exited(std::nullopt), kNow), "Exited (unknown)");

  view = Running();
  view.status = store::Status::kCreated;
  EXPECT_EQ(StatusText(view, kNow), "Created");
}

TEST(StatusTextTest, TellsOfHealthPauseAndRestart) {
  store::ContainerView view = Running();
  view.health = store::Wellness::kStarting;
  EXPECT_EQ(StatusText(view, kNow), "Up 31 seconds (health: starting)");
  view.health = store::Wellness::kHealthy;
  EXPECT_EQ(StatusText(view, kNow), "Up 31 seconds (healthy)");
  view.marked_paused = true;
  EXPECT_EQ(StatusText(view, kNow), "Up 31 seconds (Paused)");

  view = Running();
  view.status = store::Status::kRestarting;
  view.state->init.reset();
  view.state->last_code = 1;
  view.state->finished = kNow - absl::Seconds(3);
  EXPECT_EQ(StatusText(view, kNow), "Restarting (1) 3 seconds ago");
}

TEST(StatusTextTest, ADamagedRecordIsDead) {
  store::ContainerView view;
  view.record.id = std::string(64, 'b');
  view.damage = absl::DataLossError("record.json: broken");
  EXPECT_EQ(StatusText(view, kNow), "Dead");
}

TEST(PortsCellTest, IsOfOneThatRunsWithItsOwnNetwork) {
  EXPECT_EQ(PortsCell(Running()), "80/tcp, 443/tcp");
  EXPECT_EQ(PortsCell(Exited(0)), "");
  store::ContainerView hosts = Running();
  for (const char* network : {"host", "none"}) {
    hosts.record.network = network;
    EXPECT_EQ(PortsCell(hosts), "");
  }
}

TEST(CellsTest, TheRest) {
  store::Record record;
  record.labels = {{"b", "2"}, {"a", "1"}};
  record.mounts = {{"/srv", "/a"}, {"/var/lib/long/path", "/b"}};
  record.network = "container:" + std::string(64, 'c');
  EXPECT_EQ(LabelsText(record), "a=1,b=2");
  EXPECT_EQ(MountsText(record, Width::kShort), "/srv,/var/lib/long/\u2026");
  EXPECT_EQ(MountsText(record, Width::kWhole), "/srv,/var/lib/long/path");
  EXPECT_EQ(NetworksText(record), "");
  EXPECT_EQ(SizeText({0, 0}), "0B");
  EXPECT_EQ(SizeText({212, 7797760}), "212B (virtual 7.8MB)");
  EXPECT_EQ(IdText(Running(), Width::kShort), "aaaaaaaaaaaa");
  EXPECT_EQ(CreatedText(kNow, absl::UTCTimeZone()), "2023-11-14 22:13:20 +0000 UTC");
  EXPECT_EQ(AgeText(kNow - absl::Minutes(5), kNow), "5 minutes ago");
}

}  // namespace
}  // namespace stave::tools

// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/rows.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"
#include "libs/store/containers.h"
#include "libs/store/record.h"

namespace stave::tools {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

store::ContainerView Running() {
  store::ContainerView view;
  view.record.id = std::string(64, 'a');
  view.record.name = "web";
  view.record.image = "docker.io/library/alpine:latest";
  view.record.image_digest = "sha256:" + std::string(64, '1');
  view.record.command = {"sh", "-c", "echo hello; sleep 60"};
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

TEST(RowTest, LooksLikeDockers) {
  EXPECT_EQ(Row(Running(), kNow, Width::kShort),
            (cli::TableRow{"aaaaaaaaaaaa", "alpine", "\"sh -c echo hello; s\u2026\"",
                           "5 minutes ago", "Up 31 seconds", "", "web"}));
}

TEST(RowTest, IsWholeWithoutTruncation) {
  const cli::TableRow row = Row(Running(), kNow, Width::kWhole);

  EXPECT_EQ(row[0], std::string(64, 'a'));
  EXPECT_EQ(row[2], "\"sh -c echo hello; sleep 60\"");
}

TEST(RowTest, EscapesWhatOthersChose) {
  store::ContainerView view = Running();
  view.record.command = {"a\x1b[31m\"b\\"};
  view.record.image = "/root\nfs";
  view.record.image_digest = "";

  const cli::TableRow row = Row(view, kNow, Width::kShort);

  EXPECT_EQ(row[1].find('\n'), std::string::npos);
  EXPECT_EQ(row[2].find('\x1b'), std::string::npos);
  EXPECT_NE(row[2].find("\\\"b\\\\\""), std::string::npos) << row[2];
}

TEST(RowTest, KeepsOtherRegistriesAndTags) {
  store::ContainerView view = Running();
  view.record.image = "docker.io/user/x:1";
  EXPECT_EQ(Row(view, kNow, Width::kShort)[1], "user/x:1");
  view.record.image = "quay.io/library/x:latest";
  EXPECT_EQ(Row(view, kNow, Width::kShort)[1], "quay.io/library/x");
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

TEST(StatusTextTest, TellsOfPauseAndRestart) {
  store::ContainerView view = Running();
  view.marked_paused = true;
  EXPECT_EQ(StatusText(view, kNow), "Up 31 seconds (Paused)");
  EXPECT_EQ(JsonLine(view, kNow).Find("state")->text(), "paused");

  view = Running();
  view.status = store::Status::kRestarting;
  view.state->init.reset();
  view.state->last_code = 1;
  view.state->restarts = 2;
  view.state->finished = kNow - absl::Seconds(3);
  EXPECT_EQ(StatusText(view, kNow), "Restarting (1) 3 seconds ago");
  const json::Value line = JsonLine(view, kNow);
  EXPECT_EQ(line.Find("state")->text(), "restarting");
  EXPECT_EQ(line.Find("exitCode")->text(), "1");
  EXPECT_EQ(line.Find("restarts")->text(), "2");
  EXPECT_TRUE(line.Find("pid")->is_null());
}

TEST(StatusTextTest, ADamagedRecordIsDead) {
  store::ContainerView view;
  view.record.id = std::string(64, 'b');
  view.damage = absl::DataLossError("record.json: broken");

  EXPECT_EQ(StatusText(view, kNow), "Dead");
  EXPECT_EQ(Row(view, kNow, Width::kShort)[0], "bbbbbbbbbbbb");
}

TEST(JsonLineTest, HasTypedMembers) {
  EXPECT_EQ(
      json::Print(JsonLine(Running(), kNow)),
      "{\"id\":\"" + std::string(64, 'a') +
          "\",\"name\":\"web\",\"image\":\"docker.io/library/alpine:latest\","
          "\"imageDigest\":\"sha256:" +
          std::string(64, '1') +
          "\",\"command\":[\"sh\",\"-c\",\"echo hello; sleep 60\"],"
          "\"created\":\"2023-11-14T22:08:20Z\",\"state\":\"running\","
          "\"status\":\"Up 31 seconds\",\"exitCode\":null,\"oom\":false,\"pid\":4711,"
          "\"started\":\"2023-11-14T22:12:49Z\",\"finished\":null,\"restarts\":0,\"rm\":false,"
          "\"labels\":{},\"damage\":null}");
}

TEST(JsonLineTest, SaysNullForWhatNobodyKnows) {
  const json::Value line = JsonLine(Exited(std::nullopt), kNow);

  EXPECT_TRUE(line.Find("exitCode")->is_null());
  EXPECT_TRUE(line.Find("pid")->is_null());
  EXPECT_EQ(line.Find("state")->text(), "exited");
}

}  // namespace
}  // namespace stave::tools

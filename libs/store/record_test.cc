// SPDX-License-Identifier: Apache-2.0
#include "libs/store/record.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::store {
namespace {

const absl::Time kTime = absl::FromUnixNanos(1700000000600000000);

Record Example() {
  Record record;
  record.id = std::string(64, 'a');
  record.name = "web";
  record.image = "docker.io/library/alpine:latest";
  record.image_digest = "sha256:" + std::string(64, '1');
  record.command = {"sh", "-c", "echo \"\n\""};
  record.created = kTime;
  record.labels = {{"k", "v"}};
  record.started = true;
  return record;
}

State Running() {
  State state;
  state.status = Status::kRunning;
  state.init = base::ProcessIdentity{"boot", 4711, 123456};
  state.started = kTime;
  state.cgroup = "/sys/fs/cgroup/x";
  return state;
}

// Each beginning of `text`, and `text` with each byte zeroed, is refused or read, never worse.
template <typename T>
void Torture(const std::string& text, absl::StatusOr<T> (*parse)(absl::string_view)) {
  ASSERT_TRUE(parse(text).ok());
  for (size_t size = 0; size + 1 < text.size(); ++size) {
    EXPECT_EQ(base::ErrorWord(parse(text.substr(0, size)).status()), "E_CORRUPT") << size;
  }
  for (size_t at = 0; at < text.size(); ++at) {
    std::string zeroed = text;
    zeroed[at] = '\0';
    EXPECT_FALSE(parse(zeroed).ok() && at + 1 < text.size()) << at;
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      (void)parse(flipped);
    }
  }
  for (const std::string& other :
       {std::string(1000, '\0'), std::string("[]"), std::string("null"), std::string("{}"),
        std::string("{\"version\":2}"), std::string(5000000, ' '), std::string(100000, '[')}) {
    EXPECT_EQ(base::ErrorWord(parse(other).status()), "E_CORRUPT");
  }
}

TEST(RecordTest, GoesThereAndBack) {
  const auto record = ParseRecord(FormatRecord(Example()));

  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->id, Example().id);
  EXPECT_EQ(record->name, "web");
  EXPECT_EQ(record->image_digest, Example().image_digest);
  EXPECT_EQ(record->command, Example().command);
  EXPECT_EQ(record->created, kTime);
  EXPECT_EQ(record->labels.at("k"), "v");
  EXPECT_FALSE(record->rm);
  EXPECT_TRUE(record->started);
}

TEST(RecordTest, IsWhatTheHeaderShows) {
  EXPECT_EQ(FormatRecord(Example()),
            "{\"version\":1,\"id\":\"" + std::string(64, 'a') +
                "\",\"name\":\"web\",\"image\":\"docker.io/library/alpine:latest\","
                "\"imageDigest\":\"sha256:" +
                std::string(64, '1') +
                "\",\"command\":[\"sh\",\"-c\",\"echo \\\"\\n\\\"\"],"
                "\"created\":\"2023-11-14T22:13:20.6Z\",\"labels\":{\"k\":\"v\"},\"rm\":false,"
                "\"started\":true}\n");
}

TEST(RecordTest, SurvivesDamage) { Torture(FormatRecord(Example()), ParseRecord); }

TEST(RecordTest, RefusesAnIdThatIsNone) {
  Record record = Example();
  record.id = "../../etc";

  EXPECT_EQ(base::ErrorWord(ParseRecord(FormatRecord(record)).status()), "E_CORRUPT");
}

TEST(StateTest, GoesThereAndBack) {
  const auto state = ParseState(FormatState(Running()));

  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->status, Status::kRunning);
  EXPECT_EQ(state->init->pid, 4711);
  EXPECT_EQ(state->init->start_time, 123456u);
  EXPECT_EQ(state->init->boot_id, "boot");
  EXPECT_FALSE(state->runner.has_value());
  EXPECT_EQ(state->started, kTime);
  EXPECT_FALSE(state->finished.has_value());
  EXPECT_EQ(state->cgroup, "/sys/fs/cgroup/x");
}

TEST(StateTest, SurvivesDamage) { Torture(FormatState(Running()), ParseState); }

TEST(StateTest, KeepsTheInodeOfAProcessIfItHasOne) {
  State state = Running();
  EXPECT_EQ(FormatState(state).find("inode"), std::string::npos);
  EXPECT_FALSE(ParseState(FormatState(state))->init->inode.has_value());
  state.init->inode = 7890;
  EXPECT_EQ(ParseState(FormatState(state))->init->inode, 7890u);
  Torture(FormatState(state), ParseState);
}

TEST(StateTest, TellsOfRestarts) {
  State state = Running();
  EXPECT_EQ(FormatState(state).find("restarts"), std::string::npos);
  state.status = Status::kRestarting;
  state.init.reset();
  state.restarts = 3;
  state.last_code = 1;

  const auto read = ParseState(FormatState(state));

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->status, Status::kRestarting);
  EXPECT_EQ(read->restarts, 3);
  EXPECT_EQ(read->last_code, 1);
  EXPECT_EQ(ParseState(FormatState(Running()))->restarts, 0);
  EXPECT_FALSE(ParseState(FormatState(Running()))->last_code.has_value());
  Torture(FormatState(state), ParseState);
}

TEST(StateTest, RefusesPidsThatKillMore) {
  for (const char* pid : {"0", "-1", "4194305", "1.5", "\"7\"", "18446744073709551615"}) {
    const std::string text =
        std::string("{\"version\":1,\"status\":\"running\",\"init\":{\"boot\":\"b\",\"pid\":") +
        pid + ",\"start\":1},\"cgroup\":\"\"}";
    EXPECT_EQ(base::ErrorWord(ParseState(text).status()), "E_CORRUPT") << pid;
  }
}

TEST(ExitTest, GoesThereAndBack) {
  Exit exit;
  exit.code = 137;
  exit.signal = 9;
  exit.oom = true;
  exit.requested = true;
  exit.restarts = 4;
  exit.finished = kTime;

  const auto read = ParseExit(FormatExit(exit));

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->code, 137);
  EXPECT_EQ(read->signal, 9);
  EXPECT_TRUE(read->oom);
  EXPECT_TRUE(read->requested);
  EXPECT_EQ(read->restarts, 4);
  EXPECT_EQ(read->finished, kTime);
  EXPECT_FALSE(read->started.has_value());
}

TEST(ExitTest, AnUnknownCodeIsNotZero) {
  const auto read = ParseExit(FormatExit(Exit()));

  ASSERT_TRUE(read.ok());
  EXPECT_FALSE(read->code.has_value());
  EXPECT_EQ(base::ErrorWord(ParseExit("{\"version\":1,\"code\":256}").status()), "E_CORRUPT");
}

TEST(ExitTest, SurvivesDamage) {
  Exit exit;
  exit.code = 1;
  Torture(FormatExit(exit), ParseExit);
}

}  // namespace
}  // namespace stave::store

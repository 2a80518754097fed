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
  record.image_id = "sha256:" + std::string(64, '2');
  record.image_asked = "alpine";
  record.network = "none";
  record.ports = {"80/tcp"};
  record.mounts = {{"/srv", "/data"}};
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
  EXPECT_EQ(record->image_id, Example().image_id);
  EXPECT_EQ(record->image_asked, "alpine");
  EXPECT_EQ(record->network, "none");
  EXPECT_EQ(record->ports, Example().ports);
  ASSERT_EQ(record->mounts.size(), 1u);
  EXPECT_EQ(record->mounts[0].source, "/srv");
  EXPECT_EQ(record->mounts[0].destination, "/data");
}

TEST(RecordTest, ReadsTimesAsAnybodyWritesThem) {
  const auto created = [](const std::string& time) {
    std::string text = FormatRecord(Example());
    text.replace(text.find("2023-11-14T22:13:20.6Z"), 22, time);
    return ParseRecord(text);
  };
  EXPECT_EQ(created("2023-11-14T22:13:20.6Z")->created, kTime);
  EXPECT_EQ(created("2023-11-14T22:13:20.600000000Z")->created, kTime);
  EXPECT_EQ(created("2023-11-14T23:13:20.6+01:00")->created, kTime);
  EXPECT_EQ(created("2024-02-29T00:00:00Z")->created, absl::FromUnixSeconds(1709164800));
  EXPECT_EQ(created("1969-12-01T00:00:00.5Z")->created,
            absl::FromUnixSeconds(-2678400) + absl::Milliseconds(500));
  for (const char* wrong : {"", "Z", "2023-02-30T00:00:00Z", "2023-11-14T24:13:20Z",
                            "2023-11-14T22:13:20.Z", "2023-11-14 22:13:20.6", "infinite-future"}) {
    EXPECT_EQ(base::ErrorWord(created(wrong).status()), "E_CORRUPT") << wrong;
  }
}

TEST(RecordTest, DoesWithoutWhatOlderOnesLack) {
  Record record = Example();
  record.image_id = record.image_asked = record.network = "";
  record.ports.clear();
  record.mounts.clear();

  const std::string text = FormatRecord(record);

  EXPECT_EQ(text.find("imageId"), std::string::npos);
  EXPECT_EQ(text.find("mounts"), std::string::npos);
  EXPECT_EQ(ParseRecord(text)->network, "");
}

TEST(RecordTest, IsWhatTheHeaderShows) {
  EXPECT_EQ(FormatRecord(Example()),
            "{\"version\":1,\"id\":\"" + std::string(64, 'a') +
                "\",\"name\":\"web\",\"image\":\"docker.io/library/alpine:latest\","
                "\"imageDigest\":\"sha256:" +
                std::string(64, '1') +
                "\",\"command\":[\"sh\",\"-c\",\"echo \\\"\\n\\\"\"],"
                "\"created\":\"2023-11-14T22:13:20.6Z\",\"labels\":{\"k\":\"v\"},\"rm\":false,"
                "\"started\":true,\"imageId\":\"sha256:" +
                std::string(64, '2') +
                "\",\"imageAsked\":\"alpine\",\"network\":\"none\",\"ports\":[\"80/tcp\"],"
                "\"mounts\":[{\"source\":\"/srv\",\"destination\":\"/data\"}]}\n");
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

// All that an end can leave.
Exit Whole() {
  Exit exit;
  exit.code = 137;
  exit.pid = 4711;
  exit.pids_refused = 3;
  exit.watcher_lost = true;
  exit.kernel = {"oom-kill:constraint=CONSTRAINT_MEMCG"};
  exit.sent = {{15, kTime, "stop", 77, 0, "ps-signal"}, {9, kTime, "timeout", {}, {}, ""}};
  exit.error = StartError{kTime, "E_NOT_FOUND", "not-in-path", "exec \"x\": ..", "look"};
  return exit;
}

TEST(ExitTest, KeepsWhatTellsTheCause) {
  const auto read = ParseExit(FormatExit(Whole()));

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FormatExit(*read), FormatExit(Whole()));
  EXPECT_EQ(read->pid, 4711);
  EXPECT_EQ(read->pids_refused, 3);
  EXPECT_TRUE(read->watcher_lost);
  ASSERT_EQ(read->sent.size(), 2u);
  EXPECT_EQ(read->sent[0].uid, 0);
  EXPECT_EQ(read->sent[0].name, "ps-signal");
  EXPECT_FALSE(read->sent[1].pid.has_value());
  EXPECT_EQ(read->error->cause, "not-in-path");
  EXPECT_EQ(read->error->hint, "look");
  Torture(FormatExit(Whole()), ParseExit);
}

TEST(StateTest, KeepsHowTheRunBeforeEnded) {
  State state = Running();
  state.status = Status::kRestarting;
  state.last = Whole();
  state.next = kTime;

  const auto read = ParseState(FormatState(state));

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FormatExit(*read->last), FormatExit(Whole()));
  EXPECT_EQ(read->next, kTime);
  EXPECT_FALSE(ParseState(FormatState(Running()))->last.has_value());
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

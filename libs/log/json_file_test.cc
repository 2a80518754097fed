// SPDX-License-Identifier: Apache-2.0
#include "libs/log/json_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/testutil/temp_dir.h"

namespace stave::log {
namespace {

class JsonFileTest : public ::testing::Test {
 protected:
  JsonFile Open(const Limits& limits, absl::string_view attributes = "") {
    const auto folder = base::OpenDirAt(AT_FDCWD, dir_.path());
    auto file = JsonFile::Open(folder->get(), limits, attributes);
    EXPECT_TRUE(file.ok()) << file.status();
    file->SetTime(absl::UnixEpoch());
    return *std::move(file);
  }

  testutil::TempDir dir_;
};

TEST_F(JsonFileTest, WritesLinesOfBothStreamsInTheirOrder) {
  JsonFile file = Open({}, R"({"k":"v"})");

  file.Put(Stream::kStdout, "one\n");
  file.Put(Stream::kStderr, "two\n");
  EXPECT_EQ(dir_.Get("json.log"), "");
  file.SetTime(absl::FromUnixSeconds(1));
  file.Put(Stream::kStdout, "three");
  file.Flush();

  EXPECT_EQ(dir_.Get("json.log"),
            "{\"log\":\"one\\n\",\"stream\":\"stdout\",\"attrs\":{\"k\":\"v\"},\"time\":\"1970-01-"
            "01T00:00:00Z\"}\n"
            "{\"log\":\"two\\n\",\"stream\":\"stderr\",\"attrs\":{\"k\":\"v\"},\"time\":\"1970-01-"
            "01T00:00:00Z\"}\n"
            "{\"log\":\"three\",\"stream\":\"stdout\",\"attrs\":{\"k\":\"v\"},\"time\":\"1970-01-"
            "01T00:00:01Z\"}\n");
}

TEST_F(JsonFileTest, TheLongestPiecesFitIntoTheBuffer) {
  JsonFile file = Open({-1, 1});
  for (int i = 0; i < 9; ++i) file.Put(Stream::kStdout, std::string(kMaxPiece, '\xff'));
  file.Flush();
  EXPECT_GT(dir_.Get("json.log").size(), 9 * 8 * kMaxPiece);
}

TEST_F(JsonFileTest, MemoryThatWasGivenBackIsUsedAgain) {
  JsonFile file = Open({});
  file.Put(Stream::kStdout, "one\n");
  file.Flush();
  file.ReleaseMemory();
  file.Put(Stream::kStdout, "one\n");
  file.Flush();
  const std::string text = dir_.Get("json.log");
  EXPECT_EQ(text.substr(0, text.size() / 2), text.substr(text.size() / 2));
}

TEST_F(JsonFileTest, LostLinesAreToldWhenThereIsRoomAgain) {
  JsonFile file = Open({-1, 1});
  file.Put(Stream::kStdout, "kept\n");
  file.Flush();
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit full = {static_cast<rlim_t>(dir_.Get("json.log").size()), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  for (int i = 0; i < 2; ++i) {
    file.Put(Stream::kStdout, "lost\n");
    file.Flush();
  }
  EXPECT_EQ(file.lost(), 2u);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, ignored);

  file.Put(Stream::kStdout, "next\n");
  file.Flush();

  EXPECT_EQ(file.lost(), 0u);
  const std::string end = "\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:00Z\"}\n";
  EXPECT_EQ(dir_.Get("json.log"),
            "{\"log\":\"kept\\n" + end +
                "{\"log\":\"stave: 2 lines of this log were lost: File too large\\n\","
                "\"stream\":\"stderr\",\"time\":\"1970-01-01T00:00:00Z\"}\n"
                "{\"log\":\"next\\n" +
                end);
}

}  // namespace
}  // namespace stave::log

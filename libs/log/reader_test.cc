// SPDX-License-Identifier: Apache-2.0
#include "libs/log/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/log/writer.h"
#include "libs/testutil/temp_dir.h"

namespace stave::log {
namespace {

using Strings = std::vector<std::string>;

class ReaderTest : public ::testing::Test {
 protected:
  ReaderTest()
      : folder_(*base::OpenDirAt(AT_FDCWD, dir_.path())), awake_(::eventfd(1, EFD_CLOEXEC)) {}

  Writer Open(const Limits& limits) {
    auto writer = Writer::Open(folder_.get(), {.limits = limits});
    EXPECT_TRUE(writer.ok()) << writer.status();
    return *std::move(writer);
  }
  Reader Begin(const Query& query = {}) {
    auto reader = Reader::Open(folder_.get(), query);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }
  static Strings Rest(Reader* reader) {
    Strings texts;
    const absl::Status read = reader->Read([&](const Record& record) {
      texts.push_back(record.text);
      return absl::OkStatus();
    });
    EXPECT_TRUE(read.ok()) << read;
    return texts;
  }
  Strings All(const Query& query = {}) {
    Reader reader = Begin(query);
    return Rest(&reader);
  }

  testutil::TempDir dir_;
  base::UniqueFd folder_;
  base::UniqueFd awake_;  // always readable
};

constexpr int64_t kAboutTwoLines = 150;

absl::Time At(int second) { return absl::FromUnixSeconds(second); }

TEST_F(ReaderTest, ReadsAllFilesOldestFirst) {
  EXPECT_EQ(All(), Strings());
  Writer writer = Open({kAboutTwoLines, 3});
  for (const char* text : {"1\n", "2\n", "3\n", "4\n", "5\n"}) {
    writer.Write(Stream::kStdout, text, At(0));
  }
  EXPECT_EQ(All(), (Strings{"1\n", "2\n", "3\n", "4\n", "5\n"}));
  EXPECT_EQ(All({.tail = 2}), (Strings{"4\n", "5\n"}));
  EXPECT_EQ(All({.tail = 0}), Strings());
}

TEST_F(ReaderTest, ReadsWhatWasThereAtOpen) {
  Writer writer = Open({kAboutTwoLines, 3});
  writer.Write(Stream::kStdout, "1\n2\n3\n", At(0));
  Reader reader = Begin();
  Reader none = Begin({.tail = 0});
  writer.Write(Stream::kStdout, "4\n5\n6\n7\n8\n9\n", At(0));
  EXPECT_EQ(Rest(&reader).size(), 4u);  // to the end of the last file that was there
  EXPECT_EQ(Rest(&none), Strings());
}

TEST_F(ReaderTest, KeepsToThePeriod) {
  Writer writer = Open({});
  for (int second = 1; second < 6; ++second) {
    writer.Write(Stream::kStdout, absl::StrCat(second, "\n"), At(second));
  }
  EXPECT_EQ(All({.since = At(4)}), (Strings{"4\n", "5\n"}));
  EXPECT_EQ(All({.until = At(2)}), (Strings{"1\n", "2\n"}));
  EXPECT_EQ(All({.since = At(2), .until = At(3)}), (Strings{"2\n", "3\n"}));
  EXPECT_EQ(All({.tail = 1, .until = At(3)}), Strings{"3\n"});
  EXPECT_EQ(All({.tail = 4, .since = At(4)}), (Strings{"4\n", "5\n"}));
}

TEST_F(ReaderTest, DamageIsPassedOverAndCounted) {
  Writer(Open({})).Write(Stream::kStdout, "1\n", At(0));
  const std::string one = dir_.Get("json.log");
  dir_.Put("json.log.2", one + "rubbish\n\n" + one + "torn");
  dir_.Put("json.log.1", std::string(5 * kMaxLine, '\0') + "\n" + one);
  dir_.Put("json.log", std::string(kMaxLine + 70, 'x') + "\n" + one + "torn, too");
  Reader reader = Begin();
  EXPECT_EQ(Rest(&reader), (Strings{"1\n", "1\n", "1\n", "1\n"}));
  EXPECT_EQ(reader.damaged(), 5u);
  EXPECT_TRUE(reader.torn());
  EXPECT_FALSE(reader.gap());
}

TEST_F(ReaderTest, AnErrorOfTheSinkEndsIt) {
  Open({}).Write(Stream::kStdout, "1\n2\n", At(0));
  Reader reader = Begin();
  int told = 0;
  const absl::Status read = reader.Read([&](const Record&) {
    ++told;
    return absl::CancelledError("enough");
  });
  EXPECT_TRUE(absl::IsCancelled(read));
  EXPECT_EQ(told, 1);
}

TEST_F(ReaderTest, FollowingReadsWhatWasWrittenBeforeTheEnd) {
  Writer writer = Open({kAboutTwoLines, 4});
  writer.Write(Stream::kStdout, "1\n", At(0));
  Reader reader = Begin();
  Strings texts;
  int asked = 0;
  const absl::Status followed = reader.Follow(
      [&](const Record& record) {
        texts.push_back(record.text);
        return absl::OkStatus();
      },
      {.ended = [&]() -> absl::StatusOr<bool> {
         ++asked;
         writer.Write(Stream::kStdout, absl::StrCat(asked, "a\n", asked, "b\n"), At(0));
         return asked == 3;
       },
       .wake = {},
       .idle = [] { return absl::OkStatus(); }});
  EXPECT_TRUE(followed.ok()) << followed;
  EXPECT_EQ(texts, (Strings{"1\n", "1a\n", "1b\n", "2a\n", "2b\n", "3a\n", "3b\n"}));
}

TEST_F(ReaderTest, FollowingEndsWhenThePeriodIsOver) {
  Writer writer = Open({});
  writer.Write(Stream::kStdout, "1\n", absl::Now());
  Reader reader = Begin({.until = absl::Now() + absl::Milliseconds(20)});
  int told = 0;
  const absl::Status followed = reader.Follow(
      [&](const Record&) {
        ++told;
        return absl::OkStatus();
      },
      {.ended = []() -> absl::StatusOr<bool> { return false; },
       .wake = {},
       .idle = [] { return absl::OkStatus(); }});
  EXPECT_TRUE(followed.ok()) << followed;
  EXPECT_EQ(told, 1);
}

TEST_F(ReaderTest, AFileThatIsEmptiedByHandIsReadFromItsStart) {
  Writer writer = Open({});
  writer.Write(Stream::kStdout, "a line of some length\n", At(0));
  Reader reader = Begin();
  Strings texts;
  int asked = 0;
  const absl::Status followed = reader.Follow(
      [&](const Record& record) {
        texts.push_back(record.text);
        return absl::OkStatus();
      },
      {.ended = [&]() -> absl::StatusOr<bool> {
         if (++asked == 2) {
           EXPECT_EQ(::truncate((dir_.path() + "/json.log").c_str(), 0), 0);
           writer.Write(Stream::kStdout, "x\n", At(0));
         }
         return asked == 2;
       },
       .wake = {{awake_.get(), POLLIN, 0}},
       .idle = [] { return absl::OkStatus(); }});
  EXPECT_TRUE(followed.ok()) << followed;
  EXPECT_EQ(texts, (Strings{"a line of some length\n", "x\n"}));
}

// A writer that rotates every few lines, and a reader that follows it: each number once, in order.
// The writer waits where the reader is a file behind, for a log that is gone cannot be read.
TEST_F(ReaderTest, FollowsAWriterThroughRotationWithoutLossOrRepeat) {
  static constexpr int kLines = 100000;
  static constexpr int kPiece = 10;
  static constexpr int kAhead = 100;  // lines; a file holds about that many
  std::atomic<int> read{0};
  const base::UniqueFd ended(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  std::thread writing([&] {
    Writer writer = Open({7000, 3});
    for (int line = 0; line < kLines;) {
      std::string piece;
      for (const int end = line + kPiece; line < end; ++line) absl::StrAppend(&piece, line, "\n");
      const Stream stream = line / kPiece % 2 == 0 ? Stream::kStdout : Stream::kStderr;
      const size_t half = piece.size() / 2;  // in the midst of a line
      writer.Write(stream, piece.substr(0, half), absl::Now());
      writer.Write(stream, piece.substr(half), absl::Now());
      while (line - read > kAhead) std::this_thread::yield();
    }
    const uint64_t one = 1;
    EXPECT_EQ(::write(ended.get(), &one, sizeof one), 8);
  });

  Reader reader = Begin();
  int wrong = 0;
  const absl::Status followed = reader.Follow(
      [&](const Record& record) {
        wrong += record.text != absl::StrCat(read.load(), "\n");
        ++read;
        return absl::OkStatus();
      },
      {.ended = [&]() -> absl::StatusOr<bool> {
         uint64_t count;
         return ::read(ended.get(), &count, sizeof count) > 0;
       },
       .wake = {{ended.get(), POLLIN, 0}},
       .idle = [] { return absl::OkStatus(); }});
  writing.join();

  EXPECT_TRUE(followed.ok()) << followed;
  EXPECT_EQ(read, kLines);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(reader.damaged(), 0u);
  EXPECT_FALSE(reader.gap());
}

}  // namespace
}  // namespace stave::log

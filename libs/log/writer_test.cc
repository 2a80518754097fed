// SPDX-License-Identifier: Apache-2.0
#include "libs/log/writer.h"

#include <fcntl.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/testutil/temp_dir.h"

namespace stave::log {
namespace {

class WriterTest : public ::testing::Test {
 protected:
  Writer Open(const WriterOptions& options = {}) {
    const auto folder = base::OpenDirAt(AT_FDCWD, dir_.path());
    auto writer = Writer::Open(folder->get(), options);
    EXPECT_TRUE(writer.ok()) << writer.status();
    return *std::move(writer);
  }
  std::vector<Record> Records() const {
    std::vector<Record> records;
    for (const absl::string_view line : absl::StrSplit(dir_.Get("json.log"), '\n')) {
      if (line.empty()) continue;
      records.emplace_back();
      const absl::Status parsed = ParseLine(line, &records.back());
      EXPECT_TRUE(parsed.ok()) << parsed << line;
    }
    return records;
  }
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const Record& record : Records()) texts.push_back(record.text);
    return texts;
  }

  testutil::TempDir dir_;
  const absl::Time now_ = absl::UnixEpoch();
};

using Strings = std::vector<std::string>;

TEST_F(WriterTest, HoldsALineUntilItsEnd) {
  Writer writer = Open();
  writer.Write(Stream::kStdout, "one\ntw", now_);
  EXPECT_EQ(Texts(), Strings{"one\n"});
  writer.Write(Stream::kStdout, "", now_);
  writer.Write(Stream::kStdout, "o", now_);
  writer.Write(Stream::kStdout, "\n\nthree", absl::FromUnixSeconds(7));
  EXPECT_EQ(Texts(), (Strings{"one\n", "two\n", "\n"}));
  EXPECT_EQ(Records()[1].time, absl::FromUnixSeconds(7));
  writer.End(Stream::kStdout, now_);
  writer.End(Stream::kStdout, now_);
  EXPECT_EQ(Texts(), (Strings{"one\n", "two\n", "\n", "three"}));
}

TEST_F(WriterTest, StreamsAreHeldApart) {
  Writer writer = Open();
  writer.Write(Stream::kStdout, "out ", now_);
  writer.Write(Stream::kStderr, "err ", now_);
  writer.Write(Stream::kStdout, "put\n", now_);
  writer.Write(Stream::kStderr, "or\n", now_);
  EXPECT_EQ(Texts(), (Strings{"out put\n", "err or\n"}));
  EXPECT_EQ(Records()[1].stream, Stream::kStderr);
}

TEST_F(WriterTest, LongLinesAreSplitAsDockerDoes) {
  Writer writer = Open();
  const std::string full(kMaxPiece, 'x');
  writer.Write(Stream::kStdout, full.substr(1) + "\n", now_);
  EXPECT_EQ(Texts(), Strings{full.substr(1) + "\n"});
  writer.Write(Stream::kStdout, full, now_);  // its newline may be next
  EXPECT_EQ(Texts().size(), 1u);
  writer.Write(Stream::kStdout, "\n", now_);
  EXPECT_EQ(Texts(), (Strings{full.substr(1) + "\n", full, "\n"}));
  writer.Write(Stream::kStdout, full + full + "end\n", now_);
  EXPECT_EQ(Texts().size(), 6u);
  EXPECT_EQ(Texts()[5], "end\n");
}

TEST_F(WriterTest, AnythingInAnyPiecesComesBack) {
  std::mt19937 random(7);
  std::string all;
  for (int i = 0; i < 400000; ++i) all.push_back(static_cast<char>(random()));
  all += std::string(50000, 'y');
  for (int i = 0; i < 20000; ++i) absl::StrAppend(&all, "\u20ac");
  std::vector<std::string> at_once;
  for (const size_t most :
       {size_t{1} << 20, size_t{65536}, size_t{16385}, size_t{1000}, size_t{3}}) {
    dir_.Put("json.log", "");
    Writer writer = Open({.limits = {-1, 1}});
    for (size_t at = 0; at < all.size();) {
      const size_t size = std::min(all.size() - at, 1 + random() % most);
      writer.Write(Stream::kStdout, absl::string_view(all).substr(at, size), now_);
      at += size;
    }
    writer.End(Stream::kStdout, now_);
    std::string back;
    for (const std::string& text : Texts()) {
      EXPECT_LE(text.size(), kMaxPiece);
      back += text;
    }
    ASSERT_TRUE(back == all) << most;
    if (at_once.empty()) at_once = Texts();
    EXPECT_TRUE(Texts() == at_once) << most;
  }
}

TEST_F(WriterTest, SaysAttributesWithEachLine) {
  WriterOptions options;
  options.origin.attributes = {{"k", "v"}};
  Writer writer = Open(options);
  writer.Write(Stream::kStdout, "x\n", now_);
  EXPECT_EQ(Records()[0].attributes, R"({"k":"v"})");
}

TEST_F(WriterTest, NoneStoresNothing) {
  Writer writer = Open({.driver = Driver::kNone});
  writer.Write(Stream::kStdout, "x\n", now_);
  writer.End(Stream::kStdout, now_);
  writer.ReleaseMemory();
  EXPECT_EQ(dir_.Get("json.log"), "");
  EXPECT_EQ(writer.lost(), 0u);
}

TEST_F(WriterTest, JournaldWithoutAJournalIsAnError) {
  const auto writer =
      Writer::Open(-1, {.driver = Driver::kJournald, .journal_socket = dir_.path() + "/none"});
  ASSERT_FALSE(writer.ok());
  EXPECT_EQ(base::ErrorWord(writer.status()), "E_UNSUPPORTED");
}

}  // namespace
}  // namespace stave::log

// SPDX-License-Identifier: Apache-2.0
#include "libs/log/tail.h"

#include <fcntl.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/posix.h"
#include "libs/log/line.h"
#include "libs/testutil/temp_dir.h"

namespace stave::log {
namespace {

std::string Line(absl::string_view piece, Stream stream = Stream::kStdout, int second = 0) {
  LineFormat format(stream, "");
  format.SetTime(absl::FromUnixSeconds(second));
  std::string line(format.MaxSize(piece.size()), '\0');
  line.resize(static_cast<size_t>(format.Write(piece, line.data()) - line.data()));
  return line;
}

class TailTest : public ::testing::Test {
 protected:
  // What comes from there on, file by file.
  std::string Tail(uint64_t count, absl::Time until = absl::InfiniteFuture()) {
    const auto folder = base::OpenDirAt(AT_FDCWD, dir_.path());
    const auto found = OpenFiles(folder->get(), nullptr);
    EXPECT_TRUE(found.ok()) << found.status();
    const auto position = FindTail(found->files, count, until);
    EXPECT_TRUE(position.ok()) << position.status();
    std::string text;
    for (size_t i = position->file; i < found->files.size(); ++i) {
      const std::string whole = dir_.Get(FileName(static_cast<int>(found->files.size() - 1 - i)));
      text += i == position->file ? whole.substr(static_cast<size_t>(position->offset)) : whole;
    }
    return text;
  }

  testutil::TempDir dir_;
};

TEST_F(TailTest, CountsLinesOverFiles) {
  const std::string one = Line("1\n"), two = Line("2\n"), three = Line("3\n"), four = Line("4\n");
  dir_.Put("json.log.1", one + two);
  dir_.Put("json.log", three + four);
  EXPECT_EQ(Tail(0), "");
  EXPECT_EQ(Tail(1), four);
  EXPECT_EQ(Tail(2), three + four);
  EXPECT_EQ(Tail(3), two + three + four);
  EXPECT_EQ(Tail(4), one + two + three + four);
  EXPECT_EQ(Tail(5), one + two + three + four);
}

TEST_F(TailTest, NothingIsNothing) {
  EXPECT_EQ(Tail(3), "");
  dir_.Put("json.log", "");
  EXPECT_EQ(Tail(3), "");
  EXPECT_EQ(Tail(0), "");
}

TEST_F(TailTest, ALongLineCountsOnce) {
  const std::string part = Line(std::string(kMaxPiece, 'x')), end = Line("end\n");
  const std::string before = Line("before\n"), open = Line("no end");
  dir_.Put("json.log", before + part + part + end);
  EXPECT_EQ(Tail(1), part + part + end);
  EXPECT_EQ(Tail(2), before + part + part + end);
  dir_.Put("json.log", before + end + open);
  EXPECT_EQ(Tail(1), open);
  EXPECT_EQ(Tail(2), end + open);
}

TEST_F(TailTest, EachStreamHasItsOwnLines) {
  const std::string out_part = Line("out"), error = Line("err\n", Stream::kStderr);
  const std::string out_end = Line(" end\n"), before = Line("before\n");
  dir_.Put("json.log", before + out_part + error + out_end);
  EXPECT_EQ(Tail(2), out_part + error + out_end);
  EXPECT_EQ(Tail(3), before + out_part + error + out_end);
}

TEST_F(TailTest, DamagedLinesAndLaterOnesDoNotCount) {
  const std::string one = Line("1\n"), two = Line("2\n", Stream::kStdout, 5), bad = "rubbish\n\n";
  dir_.Put("json.log", one + bad + two + "torn");
  EXPECT_EQ(Tail(1), two + "torn");
  EXPECT_EQ(Tail(2), one + bad + two + "torn");
  EXPECT_EQ(Tail(1, absl::FromUnixSeconds(4)), one + bad + two + "torn");
  EXPECT_EQ(Tail(1, absl::FromUnixSeconds(5)), two + "torn");
}

TEST_F(TailTest, BlocksDoNotMatter) {
  std::string text;
  std::vector<size_t> starts;
  for (int i = 0; i < 3000; ++i) {
    starts.push_back(text.size());
    text += Line(absl::StrCat(std::string(static_cast<size_t>(i * 37 % 200), 'x'), i, "\n"));
  }
  dir_.Put("json.log", text);
  for (size_t count : {1, 2, 250, 251, 252, 253, 254, 1000, 2999, 3000}) {
    EXPECT_EQ(Tail(count), text.substr(starts[starts.size() - count])) << count;
  }
}

TEST_F(TailTest, GiantsAreDamage) {
  const std::string one = Line("1\n"), two = Line("2\n");
  const std::string giant = std::string(3 * kMaxLine, 'x') + "\n";
  dir_.Put("json.log", one + giant + two);
  EXPECT_EQ(Tail(1), two);
  EXPECT_EQ(Tail(2), one + giant + two);
  dir_.Put("json.log", one + giant);
  EXPECT_EQ(Tail(1), one + giant);
  dir_.Put("json.log", std::string(5 * kMaxLine, '\0'));
  EXPECT_EQ(Tail(1).size(), 5 * kMaxLine);
}

}  // namespace
}  // namespace stave::log

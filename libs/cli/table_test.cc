// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/table.h"

#include "gtest/gtest.h"

namespace stave::cli {
namespace {

TEST(FormatTableTest, PadsAllButTheLastColumn) {
  EXPECT_EQ(
      FormatTable({"ID", "LONG HEADER", "NAMES"}, {{"4f2a6c3b9d01", "x", "a"}, {"", "", "b"}}),
      "ID             LONG HEADER   NAMES\n"
      "4f2a6c3b9d01   x             a\n"
      "                             b\n");
}

TEST(FormatTableTest, PrintsTheHeaderOfAnEmptyTable) {
  EXPECT_EQ(
      FormatTable({"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"}, {}),
      "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n");
}

TEST(FormatTableTest, CountsCharactersNotBytes) {
  EXPECT_EQ(FormatTable({"A", "B"}, {{"\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc", "x"}}),
            "A          B\n\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc   x\n");
}

TEST(EllipsisTest, CutsToTheWidthWithTheEllipsis) {
  EXPECT_EQ(Ellipsis("12345678901234567890", 20), "12345678901234567890");
  EXPECT_EQ(Ellipsis("123456789012345678901", 20), "1234567890123456789\u2026");
  EXPECT_EQ(Ellipsis("\u00e4\u00e4\u00e4\u00e4", 3), "\u00e4\u00e4\u2026");
  EXPECT_EQ(Ellipsis("", 3), "");
}

TEST(EllipsisTest, CountsBrokenBytesOneByOne) {
  EXPECT_EQ(CharacterCount("\x80\x80\xff"), 3u);
  EXPECT_EQ(CharacterCount("\xe2\x80"), 1u);
  EXPECT_EQ(Ellipsis("\xff\xff\xff\xff", 3), "\xff\xff\u2026");
}

}  // namespace
}  // namespace stave::cli

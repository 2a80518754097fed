// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_number.h"

#include <cstdint>
#include <limits>
#include <optional>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace stave::archive {
namespace {

using absl::string_view;

TEST(TarNumberTest, ReadsOctal) {
  EXPECT_EQ(ParseTarNumber(string_view("0000644\0", 8)), 0644);
  EXPECT_EQ(ParseTarNumber("   644 "), 0644);
  EXPECT_EQ(ParseTarNumber(string_view("7\0junk", 6)), 7);
  EXPECT_EQ(ParseTarNumber(string_view("\0\0\0", 3)), 0);
}

TEST(TarNumberTest, RefusesWhatIsNotOctal) {
  EXPECT_EQ(ParseTarNumber("0000648"), std::nullopt);
  EXPECT_EQ(ParseTarNumber("-1"), std::nullopt);
  EXPECT_EQ(ParseTarNumber("1 2"), std::nullopt);
  EXPECT_EQ(ParseTarNumber("7777777777777777777777"), std::nullopt);
}

TEST(TarNumberTest, ReadsBase256) {
  EXPECT_EQ(ParseTarNumber(string_view("\x80\0\0\0\0\0\x01\x02", 8)), 258);
  EXPECT_EQ(ParseTarNumber("\xff\xff\xff\xff\xff\xff\xff\xfe"), -2);
  EXPECT_EQ(ParseTarNumber(string_view("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12)),
            std::numeric_limits<int64_t>::max());
}

TEST(TarNumberTest, RefusesBase256ThatDoesNotFit) {
  EXPECT_EQ(ParseTarNumber(string_view("\x80\0\0\0\x80\0\0\0\0\0\0\0", 12)), std::nullopt);
  EXPECT_EQ(ParseTarNumber(string_view("\x80\0\0\x01\0\0\0\0\0\0\0\0", 12)), std::nullopt);
  EXPECT_EQ(ParseTarNumber(string_view("\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12)),
            std::nullopt);
}

TEST(PaxNumberTest, ReadsDigitsOnly) {
  EXPECT_EQ(ParsePaxNumber("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ParsePaxNumber("9223372036854775808"), std::nullopt);
  EXPECT_EQ(ParsePaxNumber(""), std::nullopt);
  EXPECT_EQ(ParsePaxNumber("-1"), std::nullopt);
  EXPECT_EQ(ParsePaxNumber("1 "), std::nullopt);
}

TEST(PaxTimeTest, ReadsFractions) {
  const std::optional<timespec> time = ParsePaxTime("1700000000.1234567899");

  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(time->tv_sec, 1700000000);
  EXPECT_EQ(time->tv_nsec, 123456789);
}

TEST(PaxTimeTest, NanosecondsAreNeverNegative) {
  const std::optional<timespec> time = ParsePaxTime("-1.25");

  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(time->tv_sec, -2);
  EXPECT_EQ(time->tv_nsec, 750000000);
}

TEST(PaxTimeTest, RefusesTheRest) {
  for (const char* text :
       {"", "-", ".", ".5", "nan", "1e9", "1.5x", "1.1234567890x", "+1", "--1"}) {
    EXPECT_EQ(ParsePaxTime(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace stave::archive

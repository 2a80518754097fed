// SPDX-License-Identifier: Apache-2.0
#include "libs/template/formatter.h"

#include <string>

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

Flags Width(int width) {
  Flags flags;
  flags.width = width;
  return flags;
}

std::string Int(int value, char verb, const Flags& flags = {}) {
  std::string out;
  Formatter formatter(&out, 1000);
  formatter.flags = flags;
  const auto magnitude = static_cast<uint64_t>(value < 0 ? -value : value);
  return formatter.Integer(magnitude, value < 0, true, static_cast<char32_t>(verb)) ? out : "no";
}

std::string Text(absl::string_view text, char verb, const Flags& flags = {}) {
  std::string out;
  Formatter formatter(&out, 1000);
  formatter.flags = flags;
  return formatter.String(text, static_cast<char32_t>(verb)) ? out : "no";
}

std::string Float(double value, char verb, const Flags& flags = {}) {
  std::string out;
  Formatter formatter(&out, 1000);
  formatter.flags = flags;
  return formatter.Float(value, static_cast<char32_t>(verb)) ? out : "no";
}

TEST(Formatter, Integers) {
  EXPECT_EQ(Int(-5, 'd'), "-5");
  EXPECT_EQ(Int(10, 'b'), "1010");
  EXPECT_EQ(Int(8, 'O'), "0o10");
  EXPECT_EQ(Int(255, 'X'), "FF");
  EXPECT_EQ(Int(65, 'c'), "A");
  EXPECT_EQ(Int(65, 'q'), "'A'");
  EXPECT_EQ(Int(65, 'U'), "U+0041");
  EXPECT_EQ(Int(5, 'd', Width(4)), "   5");
  EXPECT_EQ(Int(5, 's'), "no");
  Flags zero = Width(5);
  zero.zero = true;
  EXPECT_EQ(Int(-5, 'd', zero), "-0005");
  Flags precise = Width(6);
  precise.precision = 3;
  EXPECT_EQ(Int(5, 'd', precise), "   005");
}

TEST(Formatter, Strings) {
  EXPECT_EQ(Text("abc", 's', Width(5)), "  abc");
  EXPECT_EQ(Text("abc", 'x'), "616263");
  EXPECT_EQ(Text("a\"", 'q'), "\"a\\\"\"");
  EXPECT_EQ(Text("abc", 'd'), "no");
  Flags cut;
  cut.precision = 2;
  EXPECT_EQ(Text("\u00E9bc", 's', cut), "\u00E9b");
  Flags left = Width(5);
  left.minus = true;
  EXPECT_EQ(Text("abc", 's', left), "abc  ");
  Flags raw;
  raw.sharp = true;
  EXPECT_EQ(Text("a\"", 'q', raw), "`a\"`");
  raw.space = true;
  EXPECT_EQ(Text("ab", 'x', raw), "0x61 0x62");
}

TEST(Formatter, Floats) {
  EXPECT_EQ(Float(1.5, 'v'), "1.5");
  EXPECT_EQ(Float(1.5, 'f'), "1.500000");
  EXPECT_EQ(Float(1.5, 'd'), "no");
  Flags zero = Width(8);
  zero.zero = true;
  zero.precision = 2;
  EXPECT_EQ(Float(-1.5, 'f', zero), "-0001.50");
  Flags sharp;
  sharp.sharp = true;
  EXPECT_EQ(Float(1, 'g', sharp), "1.00000");
  Flags plus;
  plus.plus = true;
  EXPECT_EQ(Float(1, 'v', plus), "+1");
}

TEST(Formatter, EndsAtItsLimit) {
  std::string out;
  Formatter formatter(&out, 100);
  formatter.flags.width = 1000;
  formatter.Pad("x");
  EXPECT_TRUE(formatter.full());
  EXPECT_LE(out.size(), 100u);
}

}  // namespace
}  // namespace stave::templates

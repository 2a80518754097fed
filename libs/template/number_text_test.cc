// SPDX-License-Identifier: Apache-2.0
#include "libs/template/number_text.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

TEST(FloatText, General) {
  EXPECT_EQ(FloatText(1, 'g', -1), "1");
  EXPECT_EQ(FloatText(0.1, 'g', -1), "0.1");
  EXPECT_EQ(FloatText(123456, 'g', -1), "123456");
  EXPECT_EQ(FloatText(1000000, 'g', -1), "1e+06");
  EXPECT_EQ(FloatText(123456789, 'G', -1), "1.23456789E+08");
  EXPECT_EQ(FloatText(0.0001, 'g', -1), "0.0001");
  EXPECT_EQ(FloatText(0.00001, 'g', -1), "1e-05");
  EXPECT_EQ(FloatText(100000, 'g', 3), "1e+05");
  EXPECT_EQ(FloatText(0, 'g', -1), "0");
}

TEST(FloatText, Others) {
  EXPECT_EQ(FloatText(1.5, 'f', 2), "1.50");
  EXPECT_EQ(FloatText(1.5, 'f', -1), "1.5");
  EXPECT_EQ(FloatText(1.5, 'e', 2), "1.50e+00");
  EXPECT_EQ(FloatText(-1.5, 'E', -1), "-1.5E+00");
  EXPECT_EQ(FloatText(1.5, 'x', -1), "0x1.8p+00");
  EXPECT_EQ(FloatText(3.14, 'x', 0), "0x1p+02");
  EXPECT_EQ(FloatText(1e100, 'X', -1), "0X1.249AD2594C37DP+332");
  EXPECT_EQ(FloatText(1.5, 'b', -1), "6755399441055744p-52");
  EXPECT_EQ(FloatText(0, 'b', -1), "0p-1074");
  EXPECT_EQ(FloatText(1e308, 'f', 3).size(), 313u);
}

TEST(FloatText, NoNumbers) {
  EXPECT_EQ(FloatText(std::nan(""), 'f', 2), "NaN");
  EXPECT_EQ(FloatText(std::numeric_limits<double>::infinity(), 'x', 2), "+Inf");
  EXPECT_EQ(FloatText(-std::numeric_limits<double>::infinity(), 'G', 2), "-Inf");
}

TEST(FloatText, Json) {
  EXPECT_EQ(JsonFloatText(1.5), "1.5");
  EXPECT_EQ(JsonFloatText(0), "0");
  EXPECT_EQ(JsonFloatText(1e20), "100000000000000000000");
  EXPECT_EQ(JsonFloatText(1e21), "1e+21");
  EXPECT_EQ(JsonFloatText(1.5e-7), "1.5e-7");
  EXPECT_EQ(JsonFloatText(1e-10), "1e-10");
}

}  // namespace
}  // namespace stave::templates

// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/columns.h"

#include "gtest/gtest.h"

namespace stave::cli {
namespace {

TEST(LayOutColumns, PadsToTheWidestAndThreeAtLeastTen) {
  EXPECT_EQ(LayOutColumns("ID\tNAME\tX\n1\tlonger than ten\ty\n"),
            "ID        NAME              X\n"
            "1         longer than ten   y\n");
  EXPECT_EQ(LayOutColumns("caf\u00E9\tx\n12345678\ty\n"), "caf\u00E9       x\n12345678   y\n");
}

TEST(LayOutColumns, WhatNoTabEndsIsInNoColumn) {
  EXPECT_EQ(LayOutColumns("a very long line without tabs\nb\tc\n"),
            "a very long line without tabs\nb         c\n");
  EXPECT_EQ(LayOutColumns(""), "");
  EXPECT_EQ(LayOutColumns("a\t\n"), "a         \n");
}

TEST(LayOutColumns, ALineWithoutTheTabEndsTheColumn) {
  EXPECT_EQ(LayOutColumns("0123456789\tx\n\na\tx\n"), "0123456789   x\n\na         x\n");
  EXPECT_EQ(LayOutColumns("a\tb\tc\na\tb\na\t0123456789\tc\n"),
            "a         b         c\na         b\na         0123456789   c\n");
}

TEST(LayOutColumns, EmptyCellsHaveTheirWidth) {
  EXPECT_EQ(LayOutColumns("\tx\n\ty\n"), "          x\n          y\n");
}

}  // namespace
}  // namespace stave::cli

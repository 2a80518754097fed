// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/orders.h"

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

TEST(OrdersTest, WhatIsWrittenIsRead) {
  Orders orders;
  orders.act = "watch";
  orders.state = "/a=b c";
  orders.id = "4f";
  orders.entry = 3;
  orders.waited = 60000;
  const auto words = FormatOrders(orders);
  const auto read = ParseOrders(words);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(FormatOrders(*read), words);
  EXPECT_EQ(read->state, "/a=b c");
  EXPECT_EQ(read->entry, 3);
  EXPECT_EQ(read->listener, -1);
}

TEST(OrdersTest, WhatIsNoOrderIsRefused) {
  EXPECT_FALSE(ParseOrders({}).ok());
  EXPECT_FALSE(ParseOrders({"--help"}).ok());
  EXPECT_FALSE(ParseOrders({"make", "x=1"}).ok());
  EXPECT_FALSE(ParseOrders({"make", "entry=three"}).ok());
}

}  // namespace
}  // namespace stave::tools

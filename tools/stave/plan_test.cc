// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/plan.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::tools {
namespace {

TEST(PlanAsJsonTest, APipeline) {
  Plan plan;
  plan.stages = {{"image-fetch", {"alpine"}}, {"ns-run", {"-d"}}};
  plan.keeps_stdin = true;

  EXPECT_EQ(*PlanAsJson(plan),
            "{\"version\":1,\"stdin\":3,\"stages\":["
            "{\"program\":\"image-fetch\",\"args\":[\"alpine\"],\"stdout\":\"pipe\"},"
            "{\"program\":\"ns-run\",\"args\":[\"-d\"],\"stdout\":\"inherited\",\"inPlace\":true}"
            "]}\n");
}

TEST(PlanAsJsonTest, OtherJoinsAndAQuestion) {
  Plan plan;
  plan.question = "Really?\n";
  plan.stages = {{"a", {}, true, Join::kAnd}, {"b", {}, false, Join::kAlways}, {"c", {}}};

  EXPECT_EQ(*PlanAsJson(plan),
            "{\"version\":1,\"question\":\"Really?\\n\",\"stages\":["
            "{\"program\":\"a\",\"args\":[],\"stdout\":\"null\",\"then\":\"and\"},"
            "{\"program\":\"b\",\"args\":[],\"stdout\":\"inherited\",\"then\":\"always\"},"
            "{\"program\":\"c\",\"args\":[],\"stdout\":\"inherited\",\"inPlace\":true}]}\n");
}

TEST(PlanAsJsonTest, BytesThatAreNoTextAreRefused) {
  Plan plan;
  plan.stages = {{"a", {"\xff"}}};

  EXPECT_EQ(base::ErrorWord(PlanAsJson(plan).status()), "E_USAGE");
}

}  // namespace
}  // namespace stave::tools

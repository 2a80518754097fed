// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/poststart.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::lifecycle {
namespace {

std::vector<runtime::Hook> FailingAndGood() {
  runtime::Hook failing, good;
  failing.path = "/bin/false";
  good.path = "/bin/true";
  return {failing, good};
}

TEST(RunPoststartTest, AnOldConfigIsWarnedOf) {
  Record record;
  record.oci_version = "1.0.2-dev";
  int warnings = 0;

  const absl::Status ran =
      RunPoststart(FailingAndGood(), record, 1, [&warnings](const std::string&) { ++warnings; });

  EXPECT_TRUE(ran.ok()) << ran;
  EXPECT_EQ(warnings, 1);
}

TEST(RunPoststartTest, ANewConfigFails) {
  Record record;
  record.oci_version = "1.3.0";

  EXPECT_EQ(base::ErrorWord(RunPoststart(FailingAndGood(), record, 1, nullptr)), "E_HOOK");
}

}  // namespace
}  // namespace stave::lifecycle

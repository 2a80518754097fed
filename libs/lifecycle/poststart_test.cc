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

TEST(PoststartMayFailTest, LooksAtTheMinorVersion) {
  for (const char* old : {"1.0.0", "1.0.2-dev", "1.1.0", "1.2.1"}) {
    EXPECT_TRUE(PoststartMayFail(old)) << old;
  }
  for (const char* now : {"1.3.0", "1.10.0", "1.20.0"}) EXPECT_FALSE(PoststartMayFail(now)) << now;
}

}  // namespace
}  // namespace stave::lifecycle

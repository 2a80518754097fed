// SPDX-License-Identifier: Apache-2.0
#include "libs/log/driver.h"

#include <optional>

#include "gtest/gtest.h"

namespace stave::log {
namespace {

TEST(DriverTest, NamesAreReadBack) {
  for (const Driver driver : {Driver::kJsonFile, Driver::kNone, Driver::kJournald}) {
    EXPECT_EQ(ParseDriver(DriverName(driver)), driver);
  }
  EXPECT_EQ(DriverName(Driver::kJsonFile), "json-file");
}

TEST(DriverTest, OthersAreNone) {
  for (const char* name : {"", "json", "JSON-FILE", "syslog", "none "}) {
    EXPECT_EQ(ParseDriver(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace stave::log

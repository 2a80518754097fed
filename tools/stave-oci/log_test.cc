// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/log.h"

#include "gtest/gtest.h"

namespace stave::stave_oci {
namespace {

const absl::Time kTime = absl::FromUnixSeconds(1767323045);

TEST(LogLineTest, Json) {
  EXPECT_EQ(
      LogLine(LogFormat::kJson, cli::Severity::kError, "container \"c1\" does not exist", kTime),
      "{\"level\":\"error\",\"msg\":\"container \\\"c1\\\" does not exist\","
      "\"time\":\"2026-01-02T03:04:05Z\"}\n");
}

TEST(LogLineTest, Text) {
  EXPECT_EQ(LogLine(LogFormat::kText, cli::Severity::kWarning, "two\nlines", kTime),
            "time=\"2026-01-02T03:04:05Z\" level=warning msg=\"two\\nlines\"\n");
}

TEST(LogTest, WithoutAFileNothingIsWritten) {
  EXPECT_FALSE(Log().Write(cli::Severity::kError, "lost"));
}

}  // namespace
}  // namespace stave::stave_oci

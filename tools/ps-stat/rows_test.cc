// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-stat/rows.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/cli/format.h"
#include "libs/json/parse.h"

namespace stave::tools {
namespace {

constexpr int64_t kMachine = int64_t{8} << 30;

Use Example() {
  Use use;
  use.record.id = std::string(64, 'a');
  use.record.name = "web";
  use.before = Sample();
  use.before->at = absl::Seconds(100);
  use.before->cpu = absl::Seconds(5);
  use.now = use.before;
  use.now->at = absl::Seconds(101);
  use.now->cpu = absl::Seconds(5) + absl::Milliseconds(125);
  use.now->memory = 1572864;
  use.now->memory_limit = 67108864;
  use.now->received = 1100;
  use.now->sent = 126;
  use.now->pids = 3;
  return use;
}

TEST(RowTest, LooksLikeDockers) {
  EXPECT_EQ(Row(Example(), kMachine, Width::kShort),
            (cli::TableRow{"aaaaaaaaaaaa", "web", "12.50%", "1.5MiB / 64MiB", "2.34%",
                           "1.1kB / 126B", "0B / 0B", "3"}));
  EXPECT_EQ(Row(Example(), kMachine, Width::kWhole)[0], std::string(64, 'a'));
}

TEST(RowTest, WithoutALimitTheMachineIsIt) {
  Use use = Example();
  use.now->memory_limit.reset();
  const cli::TableRow row = Row(use, kMachine, Width::kShort);
  EXPECT_EQ(row[3], "1.5MiB / 8GiB");
  EXPECT_EQ(row[4], "0.02%");
}

TEST(RowTest, WhatDoesNotRunHasNoNumbers) {
  Use use = Example();
  use.now.reset();
  EXPECT_EQ(Row(use, kMachine, Width::kShort),
            (cli::TableRow{"aaaaaaaaaaaa", "web", "0.00%", "0B / 0B", "0.00%", "0B / 0B", "0B / 0B",
                           "0"}));
}

TEST(FormatRowTest, KnowsDockersFields) {
  auto format =
      cli::Format::Parse("{{.Container}} {{.Name}} {{.CPUPerc}} {{.PIDs}}", StatListing());
  ASSERT_TRUE(format.ok()) << format.status();
  ASSERT_TRUE(format->Add(FormatRow(Example(), "we", kMachine, Width::kShort)).ok());
  EXPECT_EQ(format->Finish(), "we web 12.50% 3\n");
  auto table = cli::Format::Parse("table", StatListing());
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_TRUE(table->Add(FormatRow(Example(), "we", kMachine, Width::kShort)).ok());
  EXPECT_EQ(table->Finish(), cli::FormatTable(Header(), {Row(Example(), kMachine, Width::kShort)}));
}

TEST(CpuPercentTest, NeedsTwoSamplesAndNeverFalls) {
  Use use = Example();
  EXPECT_DOUBLE_EQ(*CpuPercent(use), 12.5);
  use.now->cpu = absl::ZeroDuration();
  EXPECT_DOUBLE_EQ(*CpuPercent(use), 0);
  use.now->at = use.before->at;
  EXPECT_FALSE(CpuPercent(use).has_value());
  use.before.reset();
  EXPECT_FALSE(CpuPercent(use).has_value());
}

TEST(JsonLineTest, IsWhatTheHeaderShows) {
  Use use = Example();
  use.now->pids_limit = 4096;
  EXPECT_EQ(
      json::Print(JsonLine(use, kMachine)),
      "{\"id\":\"" + std::string(64, 'a') +
          "\",\"name\":\"web\",\"cpuPercent\":12.50,\"cpuSeconds\":5.125000,\"memory\":1572864,"
          "\"memoryLimit\":67108864,\"memoryPercent\":2.34,\"received\":1100,\"sent\":126,"
          "\"read\":0,\"written\":0,\"pids\":3,\"pidsLimit\":4096}");
}

TEST(JsonLineTest, SaysNullForWhatIsNotKnown) {
  Use use = Example();
  use.now.reset();
  const json::Value line = JsonLine(use, kMachine);
  for (const auto& [key, value] : line.members()) {
    EXPECT_TRUE(value.is_null() || key == "id" || key == "name") << key;
  }
}

}  // namespace
}  // namespace stave::tools

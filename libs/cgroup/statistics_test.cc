// SPDX-License-Identifier: Apache-2.0
//
// Folders and files stand in for cgroups; tests/root has the comparison with runc.
#include "libs/cgroup/statistics.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"
#include "libs/testutil/temp_dir.h"

namespace stave::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class StatisticsTest : public ::testing::Test {
 protected:
  StatisticsTest() { dir_.Mkdir("x"); }

  void Put(absl::string_view file, absl::string_view text) {
    dir_.Put(absl::StrCat("x/", file), text);
  }
  // All controllers in one hierarchy.
  Statistics Read(Version version) {
    const Hierarchies one = {{{version,
                               {version == Version::kV1 ? "blkio" : "io", "cpu", "cpuacct",
                                "cpuset", "hugetlb", "memory", "pids"},
                               dir_.path()}}};
    return ReadStatistics(*Cgroup::Open("/x", one));
  }

  testutil::TempDir dir_;
};

TEST_F(StatisticsTest, WithoutFilesTheShapeIsThere) {
  EXPECT_EQ(json::Print(StatisticsToJson(Read(Version::kV2))),
            R"({"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},)"
            R"("cpuset":{"cpu_exclusive":0,"mem_exclusive":0,"mem_hardwall":0,)"
            R"("memory_migrate":0,"memory_pressure":0,"memory_spread_page":0,)"
            R"("memory_spread_slab":0,"sched_load_balance":0,"sched_relax_domain_level":0},)"
            R"("memory":{"usage":{"limit":0,"failcnt":0},"swap":{"limit":0,"failcnt":0},)"
            R"("kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0}},)"
            R"("pids":{},"blkio":{},"hugetlb":{},"intel_rdt":{},"network_interfaces":[]})");
}

TEST_F(StatisticsTest, CpuOnEitherVersion) {
  Put("cpuacct.usage", "5000\n");
  Put("cpuacct.usage_user", "3000\n");
  Put("cpuacct.usage_sys", "2000\n");
  Put("cpuacct.usage_percpu", "4000 1000 \n");
  Put("cpuacct.usage_all", "cpu user system\n0 2500 1500\n1 500 500\n");
  Put("cpu.stat", "nr_periods 3\nnr_throttled 2\nthrottled_time 9000\nwait_sum 1\n");
  const CpuStatistics v1 = Read(Version::kV1).cpu;
  EXPECT_EQ(v1.total, 5000);
  EXPECT_EQ(v1.user, 3000);
  EXPECT_THAT(v1.percpu, ElementsAre(4000, 1000));
  EXPECT_THAT(v1.percpu_kernel, ElementsAre(1500, 500));
  EXPECT_EQ(v1.throttled_time, 9000);

  Put("cpu.stat",
      "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 3\nnr_throttled 2\n"
      "throttled_usec 9\n");
  Put("cpu.pressure",
      "some avg10=1.25 avg60=0.00 avg300=0.00 total=77\n"
      "full avg10=0.00 avg60=0.50 avg300=0.00 total=5\n");
  const CpuStatistics v2 = Read(Version::kV2).cpu;
  EXPECT_EQ(v2.total, 5000);
  EXPECT_EQ(v2.kernel, 2000);
  EXPECT_EQ(v2.throttled_periods, 2);
  EXPECT_EQ(v2.throttled_time, 9000);
  ASSERT_TRUE(v2.pressure.has_value());
  EXPECT_EQ(v2.pressure->some.avg10, 1.25);
  EXPECT_EQ(v2.pressure->full.avg60, 0.5);
  EXPECT_EQ(v2.pressure->full.total, 5);
}

TEST_F(StatisticsTest, MemoryOnV1) {
  Put("memory.limit_in_bytes", "9223372036854771712\n");
  Put("memory.usage_in_bytes", "4096\n");
  Put("memory.failcnt", "3\n");
  Put("memory.memsw.usage_in_bytes", "8192\n");
  Put("memory.stat", "rss 5\ncache 12\n");

  const MemoryStatistics memory = Read(Version::kV1).memory;

  EXPECT_EQ(memory.usage.limit, 9223372036854771712u);
  EXPECT_EQ(memory.usage.failcnt, 3);
  EXPECT_EQ(memory.swap.usage, 8192);
  EXPECT_EQ(memory.cache, 12);
  EXPECT_THAT(memory.raw, ElementsAre(Pair("cache", 12), Pair("rss", 5)));
}

TEST_F(StatisticsTest, SwapOfV2IsTheSumAsOnV1) {
  Put("memory.max", "100\n");
  Put("memory.current", "40\n");
  Put("memory.swap.max", "50\n");
  Put("memory.swap.current", "7\n");
  Put("memory.stat", "anon 5\nfile 12\n");
  MemoryStatistics memory = Read(Version::kV2).memory;
  EXPECT_EQ(memory.swap.limit, 150);
  EXPECT_EQ(memory.swap.usage, 47);
  EXPECT_EQ(memory.cache, 12);

  Put("memory.swap.max", "max\n");
  EXPECT_EQ(Read(Version::kV2).memory.swap.limit, UINT64_MAX);
}

TEST_F(StatisticsTest, IoTakesTheFilesThatCount) {
  Put("blkio.bfq.io_service_bytes_recursive", "Total 0\n");
  Put("blkio.throttle.io_service_bytes_recursive", "8:0 Read 4096\n8:0 Total 4096\nTotal 4096\n");
  Put("blkio.time_recursive", "8:16 12\n");
  const auto v1 = Read(Version::kV1).io;
  ASSERT_EQ(v1.count("ioServiceBytesRecursive"), 1);
  ASSERT_EQ(v1.at("ioServiceBytesRecursive").size(), 2);
  EXPECT_EQ(v1.at("ioServiceBytesRecursive")[0].op, "Read");
  EXPECT_EQ(v1.at("ioTimeRecursive")[0].minor, 16);
  EXPECT_EQ(v1.at("ioTimeRecursive")[0].value, 12);
  EXPECT_EQ(v1.count("ioServicedRecursive"), 0);

  Put("io.stat", "8:0 rbytes=4096 wbytes=1 rios=2 wios=3 dbytes=0 dios=0\n");
  const Statistics v2 = Read(Version::kV2);
  EXPECT_THAT(json::Print(*StatisticsToJson(v2).Find("blkio")),
              R"({"ioServiceBytesRecursive":[{"major":8,"op":"Read","value":4096},)"
              R"({"major":8,"op":"Write","value":1}],"ioServicedRecursive":)"
              R"([{"major":8,"op":"Read","value":2},{"major":8,"op":"Write","value":3}]})");
}

TEST_F(StatisticsTest, HugePagesByTheirSize) {
  Put("hugetlb.2MB.current", "5\n");
  Put("hugetlb.2MB.rsvd.current", "7\n");
  Put("hugetlb.2MB.events", "max 2\n");
  Put("hugetlb.1GB.current", "1\n");

  const auto sizes = Read(Version::kV2).hugetlb;

  EXPECT_EQ(sizes.size(), 2);
  EXPECT_EQ(sizes.at("2MB").usage, 7);
  EXPECT_EQ(sizes.at("2MB").failcnt, 2);
  EXPECT_EQ(sizes.at("1GB").usage, 1);
}

TEST_F(StatisticsTest, CpusetsAndPids) {
  Put("cpuset.cpus", "0-2,7\n");
  Put("cpuset.mems", "\n");
  Put("cpuset.sched_relax_domain_level", "-1\n");
  Put("pids.current", "3\n");
  Put("pids.max", "max\n");

  const Statistics statistics = Read(Version::kV1);

  EXPECT_THAT(statistics.cpuset.cpus, ElementsAre(0, 1, 2, 7));
  EXPECT_TRUE(statistics.cpuset.mems.empty());
  EXPECT_EQ(statistics.cpuset.flags.at("sched_relax_domain_level"), -1);
  EXPECT_EQ(statistics.pids, 3);
  EXPECT_EQ(statistics.pids_limit, 0);
}

}  // namespace
}  // namespace stave::cgroup

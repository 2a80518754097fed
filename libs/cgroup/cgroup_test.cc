// SPDX-License-Identifier: Apache-2.0
//
// What can be seen without cgroups: folders and files stand in for them. tests/root and tests/vm
// have the rest.
#include "libs/cgroup/cgroup.h"

#include <sys/stat.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/testutil/temp_dir.h"

namespace stave::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CgroupTest : public ::testing::Test {
 protected:
  CgroupTest() {
    for (const char* name : {"memory/x", "cpu,cpuacct/x", "unified/x"}) dir_.Mkdir(name);
    hierarchies_.all = {{Version::kV1, {"memory"}, root_ + "/memory"},
                        {Version::kV1, {"cpu", "cpuacct"}, root_ + "/cpu,cpuacct"},
                        {Version::kV2, {"hugetlb"}, root_ + "/unified"}};
  }

  void Put(absl::string_view file, absl::string_view text) { dir_.Put(file, text); }
  std::string Get(absl::string_view file) { return dir_.Get(file); }
  Cgroup Open() { return *Cgroup::Open("/x", hierarchies_); }

  testutil::TempDir dir_;
  const std::string& root_ = dir_.path();
  Hierarchies hierarchies_;
};

TEST_F(CgroupTest, RefusesPathsThatAreNotPlain) {
  for (const char* path : {"", "/", "x", "/x/", "/x//y", "/../x", "/x/.", "/x\ny"}) {
    const auto group = Cgroup::Create(path, hierarchies_, Limits());
    ASSERT_FALSE(group.ok()) << path;
    EXPECT_EQ(group.status().code(), absl::StatusCode::kInvalidArgument) << path;
  }
}

TEST_F(CgroupTest, CreateTellsWhatExists) {
  EXPECT_EQ(Cgroup::Create("/x", hierarchies_, Limits()).status().code(),
            absl::StatusCode::kAlreadyExists);
  struct stat st;
  EXPECT_EQ(stat((root_ + "/memory/x").c_str(), &st), 0);  // it was not its own
}

TEST_F(CgroupTest, CreateLeavesNothingWhenItFails) {
  EXPECT_FALSE(Cgroup::Create("/new/y", hierarchies_, Limits()).ok());  // there is no `tasks`

  struct stat st;
  EXPECT_NE(stat((root_ + "/memory/new/y").c_str(), &st), 0);
  EXPECT_EQ(stat((root_ + "/memory/new").c_str(), &st), 0);  // ancestors stay
}

TEST_F(CgroupTest, OpenAndRemoveOfWhatIsNotThere) {
  EXPECT_EQ(Cgroup::Open("/none", hierarchies_).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Cgroup::RemoveByPath("/none", hierarchies_).ok());
}

TEST_F(CgroupTest, RemoveByPathRemovesTheFolders) {
  EXPECT_TRUE(Cgroup::RemoveByPath("/x", hierarchies_).ok());

  EXPECT_EQ(Cgroup::Open("/x", hierarchies_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CgroupTest, ApplyWritesWhereTheControllerIs) {
  Put("memory/x/memory.limit_in_bytes", "");
  Put("unified/x/hugetlb.2MB.max", "");
  Limits limits;
  limits.settings = {{"/m", "memory", "memory.limit_in_bytes", "5"},
                     {"/h", "hugetlb", "hugetlb.2MB.max", "7"},
                     {"/h", "hugetlb", "hugetlb.2MB.rsvd.max", "7", "", "", true}};

  EXPECT_TRUE(Open().Apply(limits).ok());

  EXPECT_EQ(Get("memory/x/memory.limit_in_bytes"), "5");
  EXPECT_EQ(Get("unified/x/hugetlb.2MB.max"), "7");
}

TEST_F(CgroupTest, ApplyTakesTheOtherFile) {
  Put("memory/x/memory.b", "");
  Limits limits;
  limits.settings = {{"/m", "memory", "memory.a", "5", "memory.b", "6"}};

  EXPECT_TRUE(Open().Apply(limits).ok());

  EXPECT_EQ(Get("memory/x/memory.b"), "6");
}

TEST_F(CgroupTest, ApplyNamesTheFileThatIsMissing) {
  Limits limits;
  limits.settings = {{"/m/a", "memory", "memory.a", "5"}};

  const absl::Status status = Open().Apply(limits);

  EXPECT_EQ(base::ErrorWord(status), "E_CGROUP");
  EXPECT_THAT(std::string(status.message()), HasSubstr("/m/a: this kernel has no memory.a in "));
}

TEST_F(CgroupTest, BindPathsHaveAliasesForJoinedControllers) {
  const auto paths = Open().BindPaths();

  ASSERT_EQ(paths.size(), 3);
  EXPECT_EQ(paths[1].source, root_ + "/cpu,cpuacct/x");
  EXPECT_EQ(paths[1].name, "cpu,cpuacct");
  EXPECT_THAT(paths[1].aliases, ElementsAre("cpu", "cpuacct"));
  EXPECT_TRUE(paths[0].aliases.empty());
}

TEST_F(CgroupTest, ReadUsageTakesWhatIsThere) {
  Put("memory/x/memory.max_usage_in_bytes", "4096\n");
  Put("memory/x/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  Put("cpu,cpuacct/x/cpuacct.usage_user", "5000\n");

  const Usage usage = Open().ReadUsage();

  EXPECT_EQ(usage.memory_peak, 4096);
  EXPECT_EQ(usage.oom_kills, 2);
  EXPECT_EQ(usage.cpu_user, absl::Microseconds(5));
  EXPECT_EQ(usage.pids_peak, std::nullopt);
}

}  // namespace
}  // namespace stave::cgroup

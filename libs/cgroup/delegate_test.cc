// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/delegate.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace stave::cgroup {
namespace {

using ::testing::ElementsAre;

TEST(DelegatedFilesTest, AreThoseOfTheKernel) {
  EXPECT_THAT(DelegatedFiles("cgroup.procs\nmemory.oom.group\n"),
              ElementsAre("cgroup.procs", "memory.oom.group"));
}

TEST(DelegatedFilesTest, AreTheUsualOnesWhereItSaysNothing) {
  EXPECT_THAT(DelegatedFiles(""),
              ElementsAre("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"));
}

TEST(DelegatedFilesTest, ArePlainNames) {
  EXPECT_THAT(DelegatedFiles("../x\n..\ncgroup.procs"), ElementsAre("cgroup.procs"));
}

}  // namespace
}  // namespace stave::cgroup

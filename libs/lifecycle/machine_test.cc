// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/machine.h"

#include "gtest/gtest.h"
#include "libs/base/process.h"

namespace stave::lifecycle {
namespace {

TEST(MachineTest, ReadsOnce) {
  Machine machine;

  const auto& boot = machine.BootId();

  EXPECT_EQ(boot.value(), base::BootId().value());
  EXPECT_EQ(&machine.BootId(), &boot);
}

TEST(MachineTest, KnowsTheHierarchiesThatOthersFind) {
  Machine machine;
  const auto found = cgroup::FindHierarchies();

  const auto& known = machine.Hierarchies();

  ASSERT_EQ(known.status().code(), found.status().code());
  EXPECT_EQ(&machine.Hierarchies(), &known);
  if (!found.ok()) return;
  ASSERT_EQ(known->all.size(), found->all.size());
  for (size_t i = 0; i < found->all.size(); ++i) {
    EXPECT_EQ(known->all[i].mount_point, found->all[i].mount_point);
  }
}

}  // namespace
}  // namespace stave::lifecycle

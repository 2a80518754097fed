// SPDX-License-Identifier: Apache-2.0
//
// What needs no container; the rest is in tests/root/file_copy_test.py.
#include "libs/runtime/container_root.h"

#include <vector>

#include "gtest/gtest.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/user_namespace.h"

namespace stave::runtime {
namespace {

TEST(ContainerRoot, IdsAreMappedBackAsTheyWereMapped) {
  const std::vector<IdMapping> mappings = {{0, 100000, 1000}, {1000, 5, 1}, {2000, 300000, 10}};
  for (const uint32_t id : {0u, 1u, 999u, 1000u, 2000u, 2009u}) {
    EXPECT_EQ(ContainerId(mappings, HostId(mappings, id)), id);
  }
  EXPECT_EQ(ContainerId(mappings, 0), 65534u);
  EXPECT_EQ(ContainerId(mappings, 101000), 65534u);
  EXPECT_EQ(ContainerId(mappings, 300010), 65534u);
}

TEST(ContainerRoot, WithoutMappingsTheyAreTheSame) {
  EXPECT_EQ(ContainerId({}, 0), 0u);
  EXPECT_EQ(ContainerId({}, 4294967294u), 4294967294u);
}

}  // namespace
}  // namespace stave::runtime

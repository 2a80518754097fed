// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/container_group.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "libs/store/containers.h"
#include "libs/store/record.h"

namespace stave::runtime {
namespace {

const std::string kId(64, 'a');

TEST(ContainerGroupTest, OnlyAPathThatEndsInTheIdIsTheContainers) {
  EXPECT_TRUE(IsCgroupOf(kId, "/stave/" + kId));
  EXPECT_TRUE(IsCgroupOf(kId, "/my.slice/deep/" + kId));
  for (const std::string& other :
       {std::string(), std::string("/"), std::string("/stave"), "/stave/x" + kId, kId,
        "/stave/" + kId + "/below", "/stave/" + std::string(64, 'b')}) {
    EXPECT_FALSE(IsCgroupOf(kId, other)) << other;
  }
}

TEST(ContainerGroupTest, WhateverAStateSaysNoOtherIsOpened) {
  store::ContainerView view;
  view.record.id = kId;
  EXPECT_TRUE(absl::IsNotFound(OpenCgroupOf(view).status()));
  view.state = store::State();
  for (const char* path : {"", "/", "/stave", "/init.scope"}) {
    view.state->cgroup = path;
    EXPECT_TRUE(absl::IsNotFound(OpenCgroupOf(view).status())) << path;
  }
}

}  // namespace
}  // namespace stave::runtime

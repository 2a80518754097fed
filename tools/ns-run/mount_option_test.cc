// SPDX-License-Identifier: Apache-2.0
#include "tools/ns-run/mount_option.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::tools {
namespace {

// "volume ..." or "tmpfs ...", or the error.
std::string Short(const std::string& text) {
  runtime::RunOptions options;
  const absl::Status status = AddMount(text, &options);
  if (!status.ok()) return std::string(status.message());
  return options.volumes.empty() ? absl::StrCat("tmpfs ", absl::StrJoin(options.tmpfs, " "))
                                 : absl::StrCat("volume ", absl::StrJoin(options.volumes, " "));
}

TEST(AddMountTest, Binds) {
  EXPECT_EQ(Short("type=bind,source=/a,target=/b"), "volume /a:/b");
  EXPECT_EQ(Short("type=bind,src=/a,dst=/b,readonly"), "volume /a:/b:ro");
  EXPECT_EQ(Short("type=bind,src=/a,destination=/b,ro=true,bind-propagation=rslave"),
            "volume /a:/b:rslave,ro");
  EXPECT_EQ(Short("type=bind,src=/a,dst=/b,readonly=false"), "volume /a:/b");
}

TEST(AddMountTest, Tmpfs) {
  EXPECT_EQ(Short("type=tmpfs,target=/b"), "tmpfs /b");
  EXPECT_EQ(Short("type=tmpfs,dst=/b,tmpfs-size=64m,tmpfs-mode=1777,ro"),
            "tmpfs /b:size=64m,mode=1777,ro");
}

TEST(AddMountTest, WhatThereIsNot) {
  EXPECT_EQ(Short("dst=/b"), "--mount: type=volume: is not supported: bind and tmpfs are");
  EXPECT_EQ(Short("type=image,dst=/b"),
            "--mount: type=image: is not supported: bind and tmpfs are");
  EXPECT_EQ(Short("type=bind,src=/a,dst=/b,consistency=x"),
            "--mount: \"type=bind,src=/a,dst=/b,consistency=x\": \"consistency\" is not supported");
}

TEST(AddMountTest, WhatIsWrong) {
  for (const char* text :
       {"type=bind,dst=/b", "type=bind,src=/a", "type=tmpfs,src=/a,dst=/b", "type=x,dst=/b",
        "type=bind,src=/a:c,dst=/b", "type=bind,src=/a,dst=/b,tmpfs-size=1m", "",
        "type=bind,src=/a,dst=/b,ro=maybe", "type=tmpfs,dst=/b,bind-propagation=shared"}) {
    runtime::RunOptions options;
    EXPECT_FALSE(AddMount(text, &options).ok()) << text;
    EXPECT_TRUE(options.volumes.empty() && options.tmpfs.empty()) << text;
  }
}

}  // namespace
}  // namespace stave::tools

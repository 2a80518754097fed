// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/root.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/testutil/temp_dir.h"

namespace stave::lifecycle {
namespace {

TEST(CheckIdTest, TakesWhatRuncTakes) {
  for (const char* id : {"a", "0", "web-1", "-x", "...", ".hidden", "A_b+c.d-e"}) {
    EXPECT_TRUE(CheckId(id).ok()) << id;
  }
  EXPECT_TRUE(CheckId(std::string(kMaxId, 'a')).ok());
}

TEST(CheckIdTest, RefusesTheRest) {
  for (const std::string& id :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("/"),
        std::string("a b"), std::string("a\n"), std::string("a\0b", 3), std::string("ä"),
        std::string("a~new"), std::string(kMaxId + 1, 'a'), std::string(1025, 'a')}) {
    const absl::Status status = CheckId(id);
    EXPECT_EQ(base::ErrorWord(status), "E_USAGE") << id;
    EXPECT_EQ(status.message().find("invalid container id"), 0u) << status;
  }
}

class RootTest : public ::testing::Test {
 protected:
  void SetUp() override { ::unsetenv("STAVE_RUN"); }
  void TearDown() override { ::unsetenv("STAVE_RUN"); }
  testutil::TempDir temp_;
  const std::string& dir_ = temp_.path();
};

TEST_F(RootTest, TheOptionComesBeforeTheEnvironment) {
  ::setenv("STAVE_RUN", "/r", 1);

  EXPECT_EQ(RootPath("/x/").value(), "/x");
  EXPECT_EQ(RootPath("").value(), "/r/oci");
}

TEST_F(RootTest, AnEmptyVariableIsNone) {
  ::setenv("STAVE_RUN", "", 1);
  if (::geteuid() == 0) {
    EXPECT_EQ(RootPath("").value(), "/run/stave/oci");
  } else {
    ::setenv("XDG_RUNTIME_DIR", "", 1);
    EXPECT_FALSE(RootPath("").ok());
    ::setenv("XDG_RUNTIME_DIR", "/x", 1);
    EXPECT_EQ(RootPath("").value(), "/x/stave/oci");
  }
}

TEST_F(RootTest, IsMadeForItsOwnerOnly) {
  const auto root = Root::Make(dir_ + "/a/b");

  ASSERT_TRUE(root.ok()) << root.status();
  struct stat st;
  ASSERT_EQ(::fstat(root->dir(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700u);
}

TEST_F(RootTest, OneThatIsMissingIsEmpty) {
  const auto root = Root::Open(dir_ + "/missing");

  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_FALSE(root->is_there());
  EXPECT_TRUE(root->Ids().value().empty());
}

TEST_F(RootTest, ListsContainersOnly) {
  const auto root = Root::Make(dir_);
  ASSERT_TRUE(root.ok());
  for (const char* name : {"b", "a", "a~new", "c~gone"}) {
    ASSERT_EQ(::mkdirat(root->dir(), name, 0700), 0);
  }
  ASSERT_EQ(::mknodat(root->dir(), "file", S_IFREG | 0600, 0), 0);

  EXPECT_EQ(root->Ids().value(), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace stave::lifecycle

// SPDX-License-Identifier: Apache-2.0
#include "libs/store/store.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

class FindRootsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("STAVE_STATE");
    ::unsetenv("STAVE_RUN");
  }
};

TEST_F(FindRootsTest, TheEnvironmentOverridesBoth) {
  ::setenv("STAVE_STATE", "/a//b/./c/", 1);
  ::setenv("STAVE_RUN", "/r", 1);

  const auto roots = FindRoots();

  ASSERT_TRUE(roots.ok()) << roots.status();
  EXPECT_EQ(roots->state, "/a/b/c");
  EXPECT_EQ(roots->run, "/r");
}

TEST_F(FindRootsTest, RefusesWhatIsNoPlainAbsolutePath) {
  for (const char* path : {"relative", "/a/../b", "/", "//", ".", "/a\n/.."}) {
    ::setenv("STAVE_STATE", path, 1);
    const auto roots = FindRoots();
    EXPECT_EQ(base::ErrorWord(roots.status()), "E_STORE") << path;
  }
}

using OpenTest = StoreTest;

TEST_F(OpenTest, MakesPrivateFolders) {
  struct stat st;
  for (const char* path : {"state", "state/layers", "state/containers", "state/names", "run",
                           "run/pending", "run/foreground"}) {
    ASSERT_EQ(::stat((folder() + "/" + path).c_str(), &st), 0) << path;
    EXPECT_EQ(st.st_mode & 0777, 0700u) << path;
  }
  EXPECT_EQ(Read("state/images/oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}\n");
}

TEST_F(OpenTest, ReadsAStoreThatDoesNotExistAsEmpty) {
  const auto opened =
      Store::OpenRoots({folder() + "/none/state", folder() + "/none/run"}, Access::kRead);

  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->state(), -1);
  EXPECT_FALSE(Exists("none"));
}

TEST_F(OpenTest, ChangesAStoreThatIsThereOnly) {
  const Roots roots{folder() + "/s", folder() + "/r"};

  EXPECT_LT(Store::OpenRoots(roots, Access::kChange)->state(), 0);
  EXPECT_LT(Store::OpenRoots(roots, Access::kChange)->run(), 0);
  ASSERT_TRUE(Store::OpenRoots(roots, Access::kWrite).ok());
  ASSERT_EQ(::rename((folder() + "/r").c_str(), (folder() + "/gone").c_str()), 0);

  EXPECT_GE(Store::OpenRoots(roots, Access::kChange)->run(), 0);
}

TEST_F(OpenTest, MakesMissingParents) {
  const auto opened =
      Store::OpenRoots({folder() + "/p/q/state", folder() + "/p/r"}, Access::kWrite);

  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE(Exists("p/q/state/store.json"));
}

TEST_F(OpenTest, CompletesAHalfMadeStore) {
  Remove("state/store.json");
  Remove("state/layers");

  ASSERT_TRUE(Store::OpenRoots(roots(), Access::kWrite).ok());

  EXPECT_TRUE(Exists("state/layers"));
  EXPECT_TRUE(Exists("state/store.json"));
}

TEST_F(OpenTest, RefusesOtherKindsAndNewerVersions) {
  const char* other = ::geteuid() == 0 ? "rootless" : "rootful";
  for (const std::string& text :
       {std::string("{\"version\":2,\"kind\":\"rootful\"}"),
        std::string("{\"version\":1,\"kind\":\"") + other + "\"}", std::string("{\"version\":1}"),
        std::string("{\"kind\":\"rootful\"}"), std::string("{}"), std::string("[]"),
        std::string(""), std::string("{"), std::string(100, '\0'), std::string(100000, ' ')}) {
    Write("state/store.json", text);
    const auto opened = Store::OpenRoots(roots(), Access::kWrite);
    EXPECT_EQ(base::ErrorWord(opened.status()), "E_STORE") << text;
  }
}

TEST_F(OpenTest, HintsWhatToDoWithAnotherKind) {
  Write("state/store.json", "{\"version\":9,\"kind\":\"rootful\"}");

  const auto opened = Store::OpenRoots(roots(), Access::kRead);

  EXPECT_FALSE(base::ErrorHint(opened.status()).empty());
}

TEST_F(OpenTest, RefusesADirectoryInPlaceOfTheMarker) {
  Remove("state/store.json");
  MakeDir("state/store.json");

  EXPECT_EQ(base::ErrorWord(Store::OpenRoots(roots(), Access::kRead).status()), "E_STORE");
}

TEST_F(OpenTest, RefusesRootsThatOthersMayWriteTo) {
  ASSERT_EQ(::chmod((folder() + "/state").c_str(), 0777), 0);

  const auto opened = Store::OpenRoots(roots(), Access::kRead);

  EXPECT_EQ(base::ErrorWord(opened.status()), "E_STORE");
}

TEST_F(OpenTest, RefusesSymlinksAndFiles) {
  ASSERT_EQ(::symlink("state", (folder() + "/link").c_str()), 0);
  Write("file", "");

  for (const char* name : {"/link", "/file"}) {
    const auto opened = Store::OpenRoots({folder() + name, folder() + "/run"}, Access::kWrite);
    EXPECT_EQ(base::ErrorWord(opened.status()), "E_STORE") << name;
  }
}

}  // namespace
}  // namespace stave::store

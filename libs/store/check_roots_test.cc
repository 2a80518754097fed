// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_roots.h"

#include <sys/stat.h>

#include "gtest/gtest.h"
#include "libs/store/test_findings.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

class CheckRootsTest : public StoreTest {
 protected:
  CheckRootsTest() { Write("state/refs/x", "not empty"); }
  Lines Check(Mend mend) {
    const auto checked = CheckRoots(roots(), mend, findings_.get());
    EXPECT_TRUE(checked.ok()) << checked.status();
    return findings_.Take();
  }
  // Told, mended, and then gone.
  void ExpectMends(const std::string& line) {
    EXPECT_EQ(Check(Mend::kNo), Lines{line});
    EXPECT_EQ(Check(Mend::kYes), Lines{line + " (mended)"});
    EXPECT_EQ(Check(Mend::kNo), Lines{});
  }
  TestFindings findings_;
};

TEST_F(CheckRootsTest, ASoundStoreHasNone) { EXPECT_EQ(Check(Mend::kYes), Lines{}); }

TEST_F(CheckRootsTest, NoStoreHasNone) {
  EXPECT_TRUE(CheckRoots({folder() + "/a", folder() + "/b"}, Mend::kYes, findings_.get()).ok());
  EXPECT_FALSE(Exists("a"));
  MakeDir("c");
  EXPECT_FALSE(*CheckRoots({folder() + "/c", folder() + "/b"}, Mend::kYes, findings_.get()));
  EXPECT_EQ(findings_.Take(), Lines{});
}

TEST_F(CheckRootsTest, Modes) {
  ::chmod(roots().state.c_str(), 0755);
  ExpectMends("store " + roots().state + ": its mode is 0755 instead of 0700 [E_STORE]");
  ::chmod(roots().run.c_str(), 0770);
  ExpectMends("store " + roots().run + ": its mode is 0770 instead of 0700 [E_STORE]");
}

TEST_F(CheckRootsTest, FilesAndFolders) {
  Remove("state/store.json");
  ExpectMends("store store.json: is missing [E_MISSING]");
  Write("state/store.json", "");
  ExpectMends("store store.json: is empty [E_CORRUPT]");
  Write("state/store.json", "{");
  ExpectMends("store store.json: is damaged [E_CORRUPT]");
  Write("state/images/oci-layout", "");
  ExpectMends("store images/oci-layout: is damaged [E_CORRUPT]");
  Remove("state/images/oci-layout");
  ExpectMends("store images/oci-layout: is missing [E_MISSING]");
  Remove("state/names");
  ExpectMends("store names: is missing [E_MISSING]");
}

TEST_F(CheckRootsTest, AnotherVersionIsLeftToItsOwner) {
  Write("state/store.json", "{\"version\":2}");

  EXPECT_EQ(Check(Mend::kYes), Lines{});
  EXPECT_EQ(Read("state/store.json"), "{\"version\":2}");
}

}  // namespace
}  // namespace stave::store

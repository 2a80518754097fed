// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_refs.h"

#include "gtest/gtest.h"
#include "libs/store/test_findings.h"
#include "libs/store/test_images.h"

namespace stave::store {
namespace {

class CheckRefsTest : public ImagesTest {
 protected:
  CheckRefsTest() { SetName("a:1", oci::kOciManifest, Blob("{}")); }
  Lines Check(Mend mend) {
    EXPECT_TRUE(CheckRefs(store(), mend, findings_.get()).ok());
    EXPECT_TRUE(CheckIndex(store(), mend, findings_.get()).ok());
    return findings_.Take();
  }
  void ExpectMends(const std::string& line) {
    EXPECT_EQ(Check(Mend::kNo), Lines{line});
    EXPECT_EQ(Check(Mend::kYes), Lines{line + " (mended)"});
    EXPECT_EQ(Check(Mend::kNo), Lines{});
  }
  TestFindings findings_;
};

TEST_F(CheckRefsTest, ASoundStoreHasNone) { EXPECT_EQ(Check(Mend::kYes), Lines{}); }

TEST_F(CheckRefsTest, TheIndexKnowsWhatALostReferenceMeant) {
  const std::string path = "state/refs/docker.io/library/a/:1";
  const std::string sound = Read(path);
  Write(path, "");
  ExpectMends("image docker.io/library/a:1: its reference file is empty [E_CORRUPT]");
  EXPECT_EQ(Read(path), sound);
  Write(path, sound.substr(0, 20));
  ExpectMends("image docker.io/library/a:1: its reference file is damaged [E_CORRUPT]");
}

TEST_F(CheckRefsTest, AReferenceToWhatIsNotHereIsNotMadeUp) {
  Remove(BlobPath("{}"));
  Write("state/refs/docker.io/library/a/:1", "");

  EXPECT_EQ(Check(Mend::kYes),
            Lines{"image docker.io/library/a:1: its reference file is empty [E_CORRUPT]"});
  EXPECT_EQ(findings_.get()->totals().remedies,
            Lines{"image-fetch --policy always docker.io/library/a:1"});
}

TEST_F(CheckRefsTest, WhatIsNoReferenceGoes) {
  Write("state/refs/x", "");
  ExpectMends("store refs/x: is the file of no reference [E_EXTRA]");
}

TEST_F(CheckRefsTest, TheIndexIsMadeAnew) {
  Write("state/images/index.json", "{}");
  ExpectMends("store images/index.json: does not say what refs/ says [E_STALE]");
  Write("state/images/index.json", "");
  ExpectMends("store images/index.json: is empty [E_CORRUPT]");
  Remove("state/images/index.json");
  ExpectMends("store images/index.json: is missing [E_MISSING]");
}

}  // namespace
}  // namespace stave::store

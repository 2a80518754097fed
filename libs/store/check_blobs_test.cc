// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_blobs.h"

#include <algorithm>

#include "gtest/gtest.h"
#include "libs/base/lock.h"
#include "libs/base/posix.h"
#include "libs/store/test_findings.h"
#include "libs/store/test_images.h"

namespace stave::store {
namespace {

class CheckBlobsTest : public ImagesTest {
 protected:
  CheckBlobsTest() : image_(Image({"base"})) { SetName("a:1", oci::kOciManifest, image_.manifest); }
  Lines Check(const BlobCheck& how) {
    const auto bad =
        CheckBlobs(store(), FindNeeded(store(), *ListImages(store())), how, findings_.get());
    EXPECT_TRUE(bad.ok()) << bad.status();
    bad_ = *bad;
    Lines lines = findings_.Take();
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  std::string Line(const std::string& content, const std::string& rest) {
    return "blob " + oci::DigestOf(content).ToString() + ": " + rest;
  }

  const TestImage image_;
  std::set<oci::Digest> bad_;
  TestFindings findings_;
};

constexpr BlobCheck kQuick = {Depth::kQuick, Extent::kStore, Mend::kNo};
constexpr BlobCheck kMend = {Depth::kWhole, Extent::kStore, Mend::kYes};

TEST_F(CheckBlobsTest, ASoundStoreHasNone) {
  Blob("of nobody");

  EXPECT_EQ(Check(kMend), Lines{});
  EXPECT_TRUE(bad_.empty());
}

TEST_F(CheckBlobsTest, TellsSizesQuicklyAndDigestsSlowly) {
  const std::string& blob = image_.blobs[0];
  const std::string needed = "; needed by docker.io/library/a:1 [E_";
  Write(BlobPath(blob), "");
  EXPECT_EQ(Check(kQuick), Lines{Line(blob, "has 0 bytes instead of 11" + needed + "SIZE]")});
  EXPECT_EQ(bad_.count(oci::DigestOf(blob)), 1u);
  Write(BlobPath(blob), "Packed base");
  EXPECT_EQ(Check(kQuick), Lines{});
  EXPECT_EQ(Check({}),
            Lines{Line(blob, "its content has the digest " +
                                 oci::DigestOf("Packed base").ToString() + needed + "DIGEST]")});
  Remove(BlobPath(blob));
  EXPECT_EQ(Check(kQuick), Lines{Line(blob, "is missing" + needed + "MISSING]")});
}

TEST_F(CheckBlobsTest, RemovesWhatIsDamaged) {
  Write(BlobPath(image_.config), "short");
  Write(BlobPath("nobody's"), "wrong");

  EXPECT_EQ(Check(kMend).size(), 2u);
  EXPECT_FALSE(Exists(BlobPath(image_.config)));
  EXPECT_FALSE(Exists(BlobPath("nobody's")));
  EXPECT_EQ(findings_.get()->totals().damages, 2u);
  EXPECT_EQ(findings_.get()->totals().mended, 1u);
  EXPECT_EQ(findings_.get()->totals().remedies,
            Lines{"image-fetch --policy always docker.io/library/a:1"});
}

TEST_F(CheckBlobsTest, WhatAWriterHoldsIsHis) {
  const std::string& blob = image_.blobs[0];
  Write(BlobPath(blob), "");
  const auto ingest = base::OpenDirAt(store().state(), "ingest");
  const auto lock = base::LockFileAt(ingest->get(), "sha256-" + oci::DigestOf(blob).hex() + ".lock",
                                     base::LockMode::kExclusive);

  EXPECT_EQ(Check(kMend), Lines{});
  EXPECT_TRUE(Exists(BlobPath(blob)));
  EXPECT_EQ(bad_.size(), 1u);
}

TEST_F(CheckBlobsTest, WhatIsNoBlobGoes) {
  MakeDir("state/images/blobs/sha256/folder");

  EXPECT_EQ(Check({Depth::kWhole, Extent::kImages, Mend::kYes}), Lines{});
  EXPECT_EQ(Check(kMend), Lines{"store images/blobs/sha256/folder: is no blob [E_EXTRA] (mended)"});
  EXPECT_FALSE(Exists("state/images/blobs/sha256/folder"));
  EXPECT_TRUE(Exists("state/lost+found/folder"));
}

}  // namespace
}  // namespace stave::store

// SPDX-License-Identifier: Apache-2.0
#include "libs/store/blobs.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

const oci::Digest kDigest = oci::DigestOf("hello");

class BlobsTest : public StoreTest {
 protected:
  std::string Path() const { return "state/images/blobs/sha256/" + kDigest.hex(); }
};

TEST_F(BlobsTest, ReadsWhatIsThere) {
  Write(Path(), "hello");

  EXPECT_TRUE(HasBlob(store(), kDigest, 5));
  EXPECT_TRUE(OpenBlob(store(), kDigest, 5).ok());
  EXPECT_EQ(ReadBlob(store(), kDigest, 5, 5).value(), "hello");
  EXPECT_EQ(ReadBlob(store(), kDigest, -1, 5).value(), "hello");
}

TEST_F(BlobsTest, AWrongSizeIsDamage) {
  Write(Path(), "hello");

  EXPECT_FALSE(HasBlob(store(), kDigest, 6));
  EXPECT_EQ(base::ErrorWord(OpenBlob(store(), kDigest, 6).status()), "E_CORRUPT");
  EXPECT_EQ(base::ErrorWord(ReadBlob(store(), kDigest, 4, 9).status()), "E_CORRUPT");
}

TEST_F(BlobsTest, OtherContentOfTheRightSizeIsDamage) {
  Write(Path(), "hallo");

  EXPECT_EQ(base::ErrorWord(ReadBlob(store(), kDigest, 5, 9).status()), "E_CORRUPT");
}

TEST_F(BlobsTest, OnlyDamagedOnesAreRemoved) {
  Write(Path(), "hello");
  EXPECT_TRUE(RemoveDamagedBlob(store(), kDigest, 5, 9).ok());
  EXPECT_TRUE(HasBlob(store(), kDigest, 5));

  Write(Path(), "hallo");
  EXPECT_TRUE(RemoveDamagedBlob(store(), kDigest, 5, 9).ok());
  EXPECT_FALSE(HasBlob(store(), kDigest, 5));
  EXPECT_TRUE(RemoveDamagedBlob(store(), kDigest, 5, 9).ok());
}

TEST_F(BlobsTest, ReadsAreBounded) {
  Write(Path(), "hello");

  EXPECT_EQ(base::ErrorWord(ReadBlob(store(), kDigest, 5, 4).status()), "E_LIMIT");
}

TEST_F(BlobsTest, WhatIsMissingIsNamed) {
  const auto missing = OpenBlob(store(), kDigest, 5);

  EXPECT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_EQ(missing.status().message(), kDigest.ToString() + ": no such blob");
}

TEST_F(BlobsTest, ADirectoryIsNoBlob) {
  MakeDir(Path());

  EXPECT_FALSE(HasBlob(store(), kDigest, 4096));
  EXPECT_FALSE(OpenBlob(store(), kDigest, 4096).ok());
}

TEST_F(BlobsTest, AnEmptyStoreHasNone) {
  const auto none = Store::OpenRoots({folder() + "/x", folder() + "/y"}, Access::kRead);

  EXPECT_FALSE(HasBlob(*none, kDigest, 5));
  EXPECT_TRUE(absl::IsNotFound(ReadBlob(*none, kDigest, 5, 9).status()));
}

}  // namespace
}  // namespace stave::store

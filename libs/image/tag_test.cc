// SPDX-License-Identifier: Apache-2.0
#include "libs/image/tag.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/image/stored_image.h"
#include "libs/oci/media_type.h"
#include "libs/store/refs.h"
#include "libs/store/test_images.h"

namespace stave::image {
namespace {

using Texts = std::vector<std::string>;

class TagTest : public store::ImagesTest {
 protected:
  void SetUp() override {
    store::ImagesTest::SetUp();
    one_ = Image({"one"});
    index_ = Index({one_.manifest, "not here"});
    SetName("alpine:3", oci::kOciIndex, index_);
  }
  absl::Status Tag(const std::string& source, const std::string& target) {
    return TagImage(store(), source, Name(target));
  }
  oci::Descriptor Get(const std::string& name) {
    const auto descriptor = store::GetRef(store(), Name(name));
    EXPECT_TRUE(descriptor.ok()) << descriptor.status();
    return *descriptor;
  }
  store::TestImage one_;
  std::string index_;
};

TEST_F(TagTest, ANameGivesAllThatItMeans) {
  ASSERT_TRUE(Tag("alpine:3", "mine").ok());

  EXPECT_EQ(Get("mine:latest").digest, oci::DigestOf(index_));
  EXPECT_TRUE(store::IsTaggedHere(Get("mine:latest")));
  EXPECT_EQ(RepoTags(*FindStoredImage(store(), "mine")), (Texts{"alpine:3", "mine:latest"}));
}

TEST_F(TagTest, AnIdGivesTheImageAlone) {
  ASSERT_TRUE(Tag(one_.id().hex().substr(0, 8), "mine:1").ok());

  EXPECT_EQ(Get("mine:1").digest, one_.manifest_digest());
  EXPECT_EQ(Get("mine:1").media_type, oci::kOciManifest);
  EXPECT_EQ(Get("mine:1").size, static_cast<int64_t>(one_.manifest.size()));
}

TEST_F(TagTest, WithinARepositoryTheDigestStaysKnown) {
  ASSERT_TRUE(Tag("alpine:3", "alpine:mine").ok());
  ASSERT_TRUE(Tag("alpine:3", "alpine:3").ok());

  EXPECT_FALSE(store::IsTaggedHere(Get("alpine:mine")));
  EXPECT_FALSE(store::IsTaggedHere(Get("alpine:3")));
}

TEST_F(TagTest, AnImageWithoutNameGetsOne) {
  const store::TestImage two = Image({"two"});

  ASSERT_TRUE(Tag(two.id().hex(), "alpine:3").ok());

  EXPECT_EQ(Get("alpine:3").digest, two.manifest_digest());
}

TEST_F(TagTest, WhatIsNotThereHasNoName) {
  EXPECT_EQ(Tag("none", "mine:1").message(), "No such image: none:latest");
  EXPECT_FALSE(store::GetRef(store(), Name("mine:1")).ok());
}

TEST(ParseTargetTest, RefusesInDockersWords) {
  const auto why = [](const std::string& text) {
    const auto target = ParseTarget(text);
    return target.ok() ? "none" : std::string(target.status().message());
  };
  EXPECT_EQ(why("a/b:1"), "none");
  EXPECT_EQ(why("a@sha256:" + std::string(64, 'a')),
            "refusing to create a tag with a digest reference");
  EXPECT_EQ(why("sha256:abc"),
            "refusing to create an ambiguous tag using digest algorithm as name");
  EXPECT_EQ(why("A:").substr(0, 61),
            "Error parsing reference: \"A:\" is not a valid repository/tag: ");
}

}  // namespace
}  // namespace stave::image

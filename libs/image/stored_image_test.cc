// SPDX-License-Identifier: Apache-2.0
#include "libs/image/stored_image.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/oci/media_type.h"
#include "libs/store/test_images.h"

namespace stave::image {
namespace {

using Texts = std::vector<std::string>;

class StoredImageTest : public store::ImagesTest {
 protected:
  void SetUp() override {
    store::ImagesTest::SetUp();
    one_ = Image({"base", "top"});
    SetName("alpine:3", oci::kOciManifest, one_.manifest);
  }
  StoredImage Find(const std::string& text) {
    auto image = FindStoredImage(store(), text);
    EXPECT_TRUE(image.ok()) << image.status();
    return *std::move(image);
  }
  std::string Fails(const std::string& text) {
    const auto image = FindStoredImage(store(), text);
    return image.ok() ? "found" : std::string(image.status().message());
  }
  // Another name for it, given here.
  void Tag(const std::string& name, const std::string& manifest) {
    oci::Descriptor descriptor{oci::kOciManifest,
                               oci::DigestOf(manifest),
                               static_cast<int64_t>(manifest.size()),
                               {},
                               {},
                               {{store::kTaggedHereAnnotation, "true"}}};
    ASSERT_TRUE(SetRef(store(), Name(name), descriptor).ok());
  }
  store::TestImage one_;
};

TEST_F(StoredImageTest, IsFoundByNameDigestAndId) {
  const std::string id = one_.id().hex();
  const std::string digest = one_.manifest_digest().ToString();
  for (const std::string& text :
       {std::string("alpine:3"), std::string("docker.io/library/alpine:3"), "alpine@" + digest, id,
        id.substr(0, 12), "sha256:" + id.substr(0, 5)}) {
    EXPECT_EQ(Find(text).id, one_.id()) << text;
  }
  EXPECT_EQ(Fails("alpine"), "No such image: alpine:latest");
  EXPECT_EQ(Fails("other/alpine@" + digest), "No such image: other/alpine@" + digest);
  EXPECT_EQ(Fails("A@@"), "No such image: A@@");
}

TEST_F(StoredImageTest, ASizeIsOfAllLayers) {
  const StoredImage image = Find("alpine:3");

  ASSERT_EQ(image.layers.size(), 2u);
  EXPECT_EQ(image.size, 2000);
  EXPECT_EQ(image.layers[0].diff_id, oci::DigestOf("base"));
  EXPECT_EQ(image.layers[1].key, one_.layers[1]);
  EXPECT_FALSE(image.created.has_value());
}

TEST_F(StoredImageTest, ANameThatWasGivenHereHasNoDigest) {
  Tag("mine:1", one_.manifest);
  const StoredImage image = Find("mine:1");

  EXPECT_EQ(RepoTags(image), (Texts{"alpine:3", "mine:1"}));
  EXPECT_EQ(RepoDigests(image), Texts{"alpine@" + one_.manifest_digest().ToString()});
  EXPECT_EQ(Fails("mine@" + one_.manifest_digest().ToString()),
            "No such image: mine@" + one_.manifest_digest().ToString());
}

TEST_F(StoredImageTest, ListsThoseWithoutANameToo) {
  const store::TestImage two = Image({"two"});
  Blob("{}");
  Container(std::string(64, 'a'), two);

  const auto all = ListStoredImages(store(), {.containers = true});
  const auto named = ListStoredImages(store(), {.unnamed = false});

  ASSERT_TRUE(all.ok() && named.ok());
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[1].id, two.id());
  EXPECT_EQ((*all)[1].containers, Texts{std::string(64, 'a')});
  EXPECT_EQ((*all)[1].manifests.size(), 1u);
  ASSERT_EQ(named->size(), 1u);
  EXPECT_EQ((*named)[0].id, one_.id());
  EXPECT_TRUE((*named)[0].named.has_value());
}

}  // namespace
}  // namespace stave::image

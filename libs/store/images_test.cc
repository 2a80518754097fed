// SPDX-License-Identifier: Apache-2.0
#include "libs/store/images.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/test_images.h"

namespace stave::store {
namespace {

class ImageListTest : public ImagesTest {
 protected:
  void SetUp() override {
    one_ = ImagesTest::Image({"one"});
    two_ = ImagesTest::Image({"two", "more"});
    SetName("a:1", oci::kOciManifest, one_.manifest);
    SetName("b:1", oci::kOciIndex, Index({one_.manifest, "not here"}));
  }
  Origins Now() { return *FindOrigins(store()); }
  TestImage one_, two_;
};

TEST_F(ImageListTest, AnImageHasAllItsNames) {
  const auto images = NamedImages(store(), Now());

  ASSERT_EQ(images.size(), 1u);
  EXPECT_EQ(images[0].id, one_.id());
  ASSERT_EQ(images[0].names.size(), 2u);
  EXPECT_EQ(images[0].names[1].reference, Name("b:1"));
}

TEST_F(ImageListTest, WithoutANameItIsStillAnImage) {
  const auto images = UnnamedImages(store(), Now());

  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_EQ(images->size(), 1u);
  EXPECT_EQ((*images)[0].id, two_.id());
  EXPECT_EQ((*images)[0].manifests, std::vector<oci::Digest>{two_.manifest_digest()});
}

TEST_F(ImageListTest, IsFoundByTheBeginningOfItsId) {
  const std::string hex = two_.id().hex();
  EXPECT_EQ(FindImageById(store(), Now(), hex)->id, two_.id());
  EXPECT_EQ(FindImageById(store(), Now(), "sha256:" + hex.substr(0, 6))->id, two_.id());
  EXPECT_EQ(FindImageById(store(), Now(), one_.id().hex().substr(0, 12))->names.size(), 2u);
  EXPECT_EQ(base::ErrorWord(FindImageById(store(), Now(), "sha256:").status()), "E_NOT_FOUND");
  EXPECT_EQ(base::ErrorWord(FindImageById(store(), Now(), "nohex").status()), "E_NOT_FOUND");
  EXPECT_EQ(base::ErrorWord(FindImageById(store(), Now(), std::string(64, '0')).status()),
            "E_NOT_FOUND");
}

TEST_F(ImageListTest, ABeginningOfSeveralIdsIsNone) {
  // Among 17 images two begin alike.
  for (int i = 0; i < 17; ++i) ImagesTest::Image({absl::StrCat("many", i)});
  bool ambiguous = false;
  for (const char digit : std::string("0123456789abcdef")) {
    const auto found = FindImageById(store(), Now(), std::string(1, digit));
    ambiguous = ambiguous || base::ErrorWord(found.status()) == "E_AMBIGUOUS";
  }
  EXPECT_TRUE(ambiguous);
}

TEST_F(ImageListTest, ContainersAreOfAnImage) {
  const std::string id(64, 'c');
  Container(id, two_);

  EXPECT_TRUE(ContainersOf(Now(), {one_.id()}).empty());
  ASSERT_EQ(ContainersOf(Now(), {one_.id(), two_.id()}).size(), 1u);
  EXPECT_EQ(ContainersOf(Now(), {two_.id()})[0].id, id);
}

TEST_F(ImageListTest, ItsLayersAreKnownByEitherKey) {
  EXPECT_EQ(
      LayerKeys(store(), two_.id()),
      (std::vector<oci::Digest>{oci::DigestOf("two"), oci::DigestOf("more"), two_.layers[1]}));
  EXPECT_TRUE(LayerKeys(store(), oci::DigestOf("nothing")).empty());
}

}  // namespace
}  // namespace stave::store

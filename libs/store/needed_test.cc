// SPDX-License-Identifier: Apache-2.0
#include "libs/store/needed.h"

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "libs/store/test_images.h"

namespace stave::store {
namespace {

class NeededTest : public ImagesTest {
 protected:
  Needed Find() {
    const auto images = ListImages(store());
    EXPECT_TRUE(images.ok()) << images.status();
    return FindNeeded(store(), *images);
  }
};

TEST_F(NeededTest, KnowsTheSizesAndThePlaces) {
  const TestImage image = Image({"base", "top"});
  SetName("a:1", oci::kOciManifest, image.manifest);
  SetName("b:1", oci::kOciManifest, image.manifest);

  const Needed needed = Find();

  EXPECT_TRUE(needed.findings.empty());
  EXPECT_EQ(needed.blobs.size(), 4u);
  const NeededBlob& config = needed.blobs.at(image.id());
  EXPECT_EQ(config.size, static_cast<int64_t>(image.config.size()));
  EXPECT_TRUE(config.document);
  EXPECT_EQ(config.images.size(), 2u);
  EXPECT_FALSE(needed.blobs.at(oci::DigestOf(image.blobs[0])).document);
  const NeededLayer& top = needed.layers.at(image.layers[1]);
  EXPECT_EQ(top.diff_id, oci::DigestOf("top"));
  EXPECT_EQ(top.below, std::vector<oci::Digest>{image.layers[0]});
  EXPECT_TRUE(top.unpacked);
}

TEST_F(NeededTest, DoesNotFollowWhatIsDamaged) {
  const TestImage image = Image({"base"});
  SetName("a:1", oci::kOciManifest, image.manifest);
  Write(BlobPath(image.config), std::string(image.config.size(), ' '));

  const Needed needed = Find();

  EXPECT_TRUE(needed.blobs.contains(image.id()));  // to be told with the blobs
  EXPECT_TRUE(needed.layers.empty());
  EXPECT_TRUE(needed.findings.empty());
}

TEST_F(NeededTest, OtherPlatformsNeedNotBeHere) {
  const TestImage image = Image({"base"});
  SetName("a:1", oci::kOciIndex, Index({image.manifest, "not pulled"}));

  const Needed needed = Find();

  EXPECT_TRUE(needed.findings.empty());
  EXPECT_FALSE(needed.blobs.contains(oci::DigestOf("not pulled")));
  EXPECT_TRUE(needed.layers.contains(image.layers[0]));
}

TEST_F(NeededTest, AnIndexOfNothingIsTold) {
  SetName("a:1", oci::kOciIndex, Index({"gone"}));

  const Needed needed = Find();

  ASSERT_EQ(needed.findings.size(), 1u);
  EXPECT_EQ(needed.findings[0].name, "docker.io/library/a:1");
  EXPECT_TRUE(absl::EndsWith(needed.findings[0].problem, "none of its manifests is here"));
}

TEST_F(NeededTest, ADocumentThatIsNoImageIsTold) {
  SetName("a:1", oci::kOciManifest, Blob("{}"));

  const Needed needed = Find();

  ASSERT_EQ(needed.findings.size(), 1u);
  EXPECT_EQ(needed.findings[0].word, "E_MANIFEST");
}

}  // namespace
}  // namespace stave::store

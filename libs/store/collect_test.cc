// SPDX-License-Identifier: Apache-2.0
#include "libs/store/collect.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/images.h"
#include "libs/store/test_images.h"
#include "libs/store/trash.h"

namespace stave::store {
namespace {

class CollectTest : public ImagesTest {
 protected:
  void SetUp() override {
    kept_ = Image({"base", "kept"});
    gone_ = Image({"base", "gone"});
    SetName("kept", oci::kOciManifest, kept_.manifest);
  }
  Marked Needed() { return Mark(store(), *FindOrigins(store())); }
  bool IsWhole(const TestImage& image) {
    bool whole = Exists(BlobPath(image.config)) && Exists(BlobPath(image.manifest));
    for (const std::string& blob : image.blobs) whole = whole && Exists(BlobPath(blob));
    for (const oci::Digest& key : image.layers) whole = whole && Exists(LayerPath(key));
    return whole;
  }
  TestImage kept_, gone_;
};

TEST_F(CollectTest, FindsWhatNothingNeeds) {
  const auto found = FindUnneeded(store(), Needed(), nullptr);

  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->blobs.size(), 3u);  // config, manifest, one layer; the base's is shared
  EXPECT_EQ(found->layers, std::vector<oci::Digest>{gone_.layers[1]});
  EXPECT_EQ(found->bytes, 1000 + static_cast<int64_t>(gone_.config.size() + gone_.manifest.size() +
                                                      gone_.blobs[1].size()));
}

TEST_F(CollectTest, LooksOnlyAmongWhatItIsTold) {
  const TestImage other = Image({"other"});
  const Marked among = MarkNames(store(), {}, {other.manifest_digest()});

  const auto found = FindUnneeded(store(), Needed(), &among);

  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->layers, std::vector<oci::Digest>{other.layers[0]});
}

TEST_F(CollectTest, MovesIntoTheTrashAndNoFurther) {
  auto trash = TrashFolder::Make(store());
  ASSERT_TRUE(trash.ok()) << trash.status();

  ASSERT_TRUE(MoveToTrash(store(), *FindUnneeded(store(), Needed(), nullptr), &*trash).ok());

  EXPECT_TRUE(IsWhole(kept_));
  EXPECT_FALSE(Exists(BlobPath(gone_.config)));
  EXPECT_FALSE(Exists(LayerPath(gone_.layers[1])));
  const auto again = FindUnneeded(store(), Needed(), nullptr);
  EXPECT_TRUE(again->blobs.empty() && again->layers.empty());
}

TEST_F(CollectTest, DamageIsSaidWithTheFileAndAHint) {
  EXPECT_TRUE(CheckUndamaged(Needed().damage).ok());
  Write("state/refs/docker.io/library/kept/:latest", "");

  const absl::Status refused = CheckUndamaged(Needed().damage);

  EXPECT_EQ(base::ErrorWord(refused), "E_CORRUPT");
  EXPECT_TRUE(absl::StrContains(refused.message(), "docker.io/library/kept:latest"));
  EXPECT_TRUE(absl::StrContains(base::ErrorHint(refused), "store-check"));
}

}  // namespace
}  // namespace stave::store

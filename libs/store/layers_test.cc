// SPDX-License-Identifier: Apache-2.0
#include "libs/store/layers.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

const oci::Digest kDiff = oci::DigestOf("diff");
const oci::Digest kChain = oci::DigestOf("chain");

class LayersTest : public StoreTest {
 protected:
  void Make(const oci::Digest& key) { MakeDir("state/layers/" + key.hex()); }
  std::string Meta(const oci::Digest& key) { return "state/layers/" + key.hex() + "/meta.json"; }
};

TEST_F(LayersTest, TheDiffIdComesBeforeTheChainId) {
  EXPECT_EQ(FindLayer(store(), kDiff, kChain), std::nullopt);
  Make(kChain);
  EXPECT_EQ(FindLayer(store(), kDiff, kChain), kChain);
  Make(kDiff);
  EXPECT_EQ(FindLayer(store(), kDiff, kChain), kDiff);
}

TEST_F(LayersTest, AFileInPlaceOfALayerIsNone) {
  Write("state/layers/" + kDiff.hex(), "x");

  EXPECT_EQ(FindLayer(store(), kDiff, kDiff), std::nullopt);
}

TEST_F(LayersTest, ListsKeysOnly) {
  Make(kDiff);
  Make(kChain);
  MakeDir("state/layers/other");

  const auto keys = ListLayers(store());

  ASSERT_TRUE(keys.ok());
  EXPECT_EQ(keys->size(), 2u);
  EXPECT_LT((*keys)[0], (*keys)[1]);
}

TEST_F(LayersTest, OpensTheTree) {
  EXPECT_TRUE(absl::IsNotFound(OpenLayer(store(), kDiff).status()));
  Make(kDiff);
  MakeDir("state/layers/" + kDiff.hex() + "/fs");

  EXPECT_TRUE(OpenLayer(store(), kDiff).ok());
  EXPECT_EQ(LayerPath(store(), kDiff), folder() + "/state/layers/" + kDiff.hex() + "/fs");
}

TEST_F(LayersTest, OneThatLostItsFilesIsTold) {
  EXPECT_TRUE(CheckHasFiles(store(), kDiff).ok());
  Make(kDiff);
  const std::string fs = "state/layers/" + kDiff.hex() + "/fs";
  EXPECT_EQ(base::ErrorWord(CheckHasFiles(store(), kDiff)), "E_CORRUPT");
  EXPECT_EQ(base::ErrorWord(OpenLayer(store(), kDiff).status()), "E_CORRUPT");
  MakeDir(fs);
  Write(Meta(kDiff), FormatLayerMeta({kDiff, std::nullopt, 0, 2}));
  EXPECT_TRUE(CheckHasFiles(store(), kDiff).ok());
  Write(Meta(kDiff), FormatLayerMeta({kDiff, std::nullopt, 1, 2}));
  EXPECT_EQ(base::ErrorWord(CheckHasFiles(store(), kDiff)), "E_CORRUPT");
  Write(fs + "/.hidden", "x");
  EXPECT_TRUE(CheckHasFiles(store(), kDiff).ok());
}

TEST_F(LayersTest, MetaGoesThereAndBack) {
  Make(kChain);
  Write(Meta(kChain), FormatLayerMeta({kDiff, kChain, 7340032, 513}));

  const auto meta = ReadLayerMeta(store(), kChain);

  ASSERT_TRUE(meta.ok()) << meta.status();
  EXPECT_EQ(meta->diff_id, kDiff);
  EXPECT_EQ(meta->chain_id, kChain);
  EXPECT_EQ(meta->size, 7340032);
  EXPECT_EQ(meta->entries, 513);
}

TEST_F(LayersTest, DamagedMetaIsTold) {
  Make(kDiff);
  EXPECT_TRUE(absl::IsNotFound(ReadLayerMeta(store(), kDiff).status()));
  const std::string whole = FormatLayerMeta({kDiff, std::nullopt, 1, 2});
  for (size_t size = 0; size + 1 < whole.size(); ++size) {
    Write(Meta(kDiff), whole.substr(0, size));
    EXPECT_EQ(base::ErrorWord(ReadLayerMeta(store(), kDiff).status()), "E_CORRUPT") << size;
  }
  for (const std::string& text : {std::string("{}"), std::string(50, '\0'), std::string(9999, ' '),
                                  FormatLayerMeta({kDiff, std::nullopt, -5, 2})}) {
    Write(Meta(kDiff), text);
    EXPECT_EQ(base::ErrorWord(ReadLayerMeta(store(), kDiff).status()), "E_CORRUPT") << text;
  }
}

TEST_F(LayersTest, AnEmptyStoreHasNone) {
  const auto none = Store::OpenRoots({folder() + "/x", folder() + "/y"}, Access::kRead);

  EXPECT_EQ(FindLayer(*none, kDiff, kChain), std::nullopt);
  EXPECT_TRUE(absl::IsNotFound(OpenLayer(*none, kDiff).status()));
  EXPECT_TRUE(absl::IsNotFound(ReadLayerMeta(*none, kDiff).status()));
  EXPECT_TRUE(ListLayers(*none)->empty());
}

}  // namespace
}  // namespace stave::store

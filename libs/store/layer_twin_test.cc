// SPDX-License-Identifier: Apache-2.0
#include "libs/store/layer_twin.h"

#include <utility>

#include "gtest/gtest.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/store/ingest.h"
#include "libs/store/lease.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

const oci::Digest kKey = oci::DigestOf("key");

class LayerTwinTest : public StoreTest {
 protected:
  LayerTwinTest() {
    MakeDir("state/layers/" + kKey.hex());
    MakeDir("state/layers/" + kKey.hex() + "/fs");
    Write(File(), "damaged");
  }
  static std::string File() { return "state/layers/" + kKey.hex() + "/fs/file"; }
  static std::string Twin() { return "state/ingest/check-" + kKey.hex(); }
  LayerTwin Begin() {
    auto twin = LayerTwin::Begin(store(), kKey);
    EXPECT_TRUE(twin.ok() && twin->has_value()) << twin.status();
    EXPECT_TRUE(
        base::ReplaceFileAt((*twin)->fs(), "file", "sound", 0600, base::Durability::kVolatile)
            .ok());
    return **std::move(twin);
  }
};

TEST_F(LayerTwinTest, GoesWithItsOwner) {
  {
    const LayerTwin twin = Begin();
    EXPECT_TRUE(Exists(Twin() + "/fs/file"));
    EXPECT_TRUE(SweepIngest(store()).ok());  // it has an owner
    EXPECT_TRUE(Exists(Twin()));
    EXPECT_FALSE((*LayerTwin::Begin(store(), kKey)).has_value());
  }
  EXPECT_FALSE(Exists(Twin()));
  EXPECT_FALSE(Exists(Twin() + ".lock"));
  EXPECT_EQ(Read(File()), "damaged");
}

TEST_F(LayerTwinTest, TakesThePlaceOfTheLayer) {
  {
    LayerTwin twin = Begin();
    ASSERT_TRUE(twin.Exchange({kKey, std::nullopt, 5, 1}).ok());
  }
  EXPECT_EQ(Read(File()), "sound");
  EXPECT_EQ(ReadLayerMeta(store(), kKey)->size, 5);
  EXPECT_FALSE(Exists(Twin()));
}

TEST_F(LayerTwinTest, NotWhileSomebodyUsesIt) {
  auto lease = PullLease::Begin(store());
  ASSERT_TRUE(lease->Add({kKey}).ok());
  {
    LayerTwin twin = Begin();
    const absl::Status exchanged = twin.Exchange({kKey, std::nullopt, 5, 1});
    EXPECT_EQ(base::ErrorWord(exchanged), "E_STATE");
  }
  EXPECT_EQ(Read(File()), "damaged");
}

TEST_F(LayerTwinTest, NotInPlaceOfNothing) {
  LayerTwin twin = Begin();
  Remove("state/layers/" + kKey.hex());

  EXPECT_TRUE(absl::IsNotFound(twin.Exchange({kKey, std::nullopt, 5, 1})));
}

}  // namespace
}  // namespace stave::store

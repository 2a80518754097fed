// SPDX-License-Identifier: Apache-2.0
#include "tools/store-info/usage.h"

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

image::StoredImage Image(const std::vector<std::string>& layers) {
  image::StoredImage image{oci::DigestOf(layers.back()), {}, {}, {}, {}, {}, {}, 0, {}, {}};
  for (const std::string& layer : layers) {
    image.layers.push_back({oci::DigestOf(layer), oci::DigestOf(layer), 10});
    image.size += 10;
  }
  return image;
}

TEST(UsageTest, SharesAreToldWhereThereIsSomething) {
  EXPECT_EQ(ReclaimableText({"Images", 5, 2, 1200, 500}), "500B (41%)");
  EXPECT_EQ(ReclaimableText({"Images", 0, 0, 0, 0}), "0B");
  const cli::Row row = UsageRow({"Containers", 3, 1, 1234567, 0});
  EXPECT_EQ(row.fields[0].text(), "Containers");
  EXPECT_EQ(row.fields[1].text(), "3");
  EXPECT_EQ(row.fields[2].text(), "1");
  EXPECT_EQ(row.fields[3].text(), "1.235MB");
  EXPECT_EQ(row.fields[4].text(), "0B (0%)");
}

TEST(UsageTest, ALayerIsSharedWhereTwoImagesHaveIt) {
  EXPECT_EQ(SharedSizes({Image({"base", "a"}), Image({"base", "mid", "b"}), Image({"c", "c"})}),
            (std::vector<int64_t>{10, 10, 0}));
}

}  // namespace
}  // namespace stave::tools

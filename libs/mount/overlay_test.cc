// SPDX-License-Identifier: Apache-2.0
//
// What is refused before anything is mounted; tests/root:layers_test and tests/vm mount.
#include "libs/mount/overlay.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::mount {
namespace {

TEST(OverlayTest, OfNothingThereIsNone) {
  EXPECT_TRUE(absl::IsInvalidArgument(MakeOverlay({}).status()));
}

TEST(OverlayTest, MoreLayersThanTheKernelTakesAreNamed) {
  Overlay overlay;
  for (size_t i = 0; i <= kMaxLower; ++i) overlay.lower.push_back(absl::StrCat("/none/", i));

  const absl::Status refused = MakeOverlay(overlay).status();

  EXPECT_EQ(base::ErrorWord(refused), "E_LIMIT");
  EXPECT_EQ(refused.message(), "overlay: 501 layers, and the kernel takes 500 at the most");
  EXPECT_FALSE(base::ErrorHint(refused).empty());
}

}  // namespace
}  // namespace stave::mount

// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_leftovers.h"

#include <sys/stat.h>

#include "gtest/gtest.h"
#include "libs/store/ingest.h"
#include "libs/store/lease.h"
#include "libs/store/test_findings.h"
#include "libs/store/test_images.h"

namespace stave::store {
namespace {

class CheckLeftoversTest : public ImagesTest {
 protected:
  Lines Unneeded(Mend mend) {
    EXPECT_TRUE(CheckUnneeded(store(), mend, findings_.get()).ok());
    return findings_.Take();
  }
  Lines Left(Mend mend) {
    EXPECT_TRUE(CheckLeftovers(store(), mend, findings_.get()).ok());
    return findings_.Take();
  }
  TestFindings findings_;
};

TEST_F(CheckLeftoversTest, WhatNobodyNeedsGoes) {
  const TestImage image = Image({"base"});
  SetName("a:1", oci::kOciManifest, image.manifest);
  EXPECT_EQ(Unneeded(Mend::kYes), Lines{});
  const std::string line =
      "blob " + oci::DigestOf("nobody's").ToString() + ": nothing needs it [E_UNNEEDED]";
  Blob("nobody's");

  EXPECT_EQ(Unneeded(Mend::kNo), Lines{line});
  EXPECT_EQ(Unneeded(Mend::kYes), Lines{line + " (mended)"});
  EXPECT_FALSE(Exists(BlobPath("nobody's")));
  EXPECT_TRUE(Exists(BlobPath(image.config)));
  EXPECT_EQ(findings_.get()->totals().damages, 0u);
}

TEST_F(CheckLeftoversTest, WhatAPullHasNamedStays) {
  Blob("soon needed");
  auto lease = PullLease::Begin(store());
  ASSERT_TRUE(lease->Add({oci::DigestOf("soon needed")}).ok());

  EXPECT_EQ(Unneeded(Mend::kYes), Lines{});
  EXPECT_EQ(Left(Mend::kYes), Lines{});
  EXPECT_TRUE(Exists(BlobPath("soon needed")));
}

TEST_F(CheckLeftoversTest, DamageKeepsFromKnowing) {
  Blob("somebody's, perhaps");
  Write("state/refs/x", "");

  EXPECT_EQ(Unneeded(Mend::kYes), Lines{});
  EXPECT_EQ(findings_.get()->totals().notes.size(), 1u);
  EXPECT_TRUE(Exists(BlobPath("somebody's, perhaps")));
}

TEST_F(CheckLeftoversTest, WhatTheDeadLeftGoes) {
  MakeDir("state/trash/gone-1");
  MakeDir("state/ingest/layer-x");
  Write("state/ingest/sha256-young", "part");
  auto alive = LayerIngest::Begin(store(), oci::DigestOf("a"), oci::DigestOf("a"));
  ASSERT_TRUE(alive.ok() && alive->has_value());
  const std::string why = ": was left by somebody who was killed [E_STALE]";

  EXPECT_EQ(Left(Mend::kNo), (Lines{"store ingest/layer-x" + why, "store trash/gone-1" + why}));
  EXPECT_EQ(Left(Mend::kYes), (Lines{"store ingest/layer-x" + why + " (mended)",
                                     "store trash/gone-1" + why + " (mended)"}));
  EXPECT_EQ(Left(Mend::kNo), Lines{});
  EXPECT_TRUE(Exists("state/ingest/sha256-young"));
  EXPECT_TRUE(Exists("state/ingest/layer-" + oci::DigestOf("a").hex()));
}

}  // namespace
}  // namespace stave::store

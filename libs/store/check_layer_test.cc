// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_layer.h"

#include "gtest/gtest.h"
#include "libs/store/layers.h"
#include "libs/store/test_findings.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

const oci::Digest kDiff = oci::DigestOf("diff");
const oci::Digest kChain = oci::DigestOf("chain");

class CheckLayerTest : public StoreTest {
 protected:
  CheckLayerTest() {
    MakeDir(Path(""));
    MakeDir(Path("/fs"));
    Write(Path("/fs/file"), "x");
    Write(Path("/meta.json"), FormatLayerMeta({kDiff, kChain, 1, 1}));
  }
  static std::string Path(const std::string& below) {
    return "state/layers/" + kChain.hex() + below;
  }
  Lines Check() {
    Lines lines;
    const auto found = CheckLayerFolder(store(), kChain, kDiff);
    EXPECT_TRUE(found.ok()) << found.status();
    for (const Finding& finding : *found) {
      lines.push_back(FindingLine(finding));
    }
    return lines;
  }
  static std::string Line(const std::string& rest) {
    return "layer " + kChain.ToString() + ": " + rest;
  }
};

TEST_F(CheckLayerTest, ASoundOneHasNone) {
  EXPECT_EQ(Check(), Lines{});
  EXPECT_TRUE(CheckLayerFolder(store(), oci::DigestOf("none"), kDiff)->empty());
}

TEST_F(CheckLayerTest, TellsOfEachPart) {
  Write(Path("/more"), "");
  EXPECT_EQ(Check(), Lines{Line("more: does not belong here [E_EXTRA]")});
  Remove(Path("/more"));
  Remove(Path("/fs/file"));
  EXPECT_EQ(Check(), Lines{Line("fs: is empty, and should hold files of 1 bytes [E_MISSING]")});
  Remove(Path("/fs"));
  EXPECT_EQ(Check(), Lines{Line("fs: is missing [E_MISSING]")});
  Write(Path("/fs"), "");
  EXPECT_EQ(Check(), Lines{Line("fs: is no directory [E_CORRUPT]")});
  Remove(Path(""));
  Write(Path(""), "");
  EXPECT_EQ(Check(), Lines{Line("is no directory [E_CORRUPT]")});
}

TEST_F(CheckLayerTest, MetaAgrees) {
  Remove(Path("/meta.json"));
  EXPECT_EQ(Check(), Lines{Line("meta.json: is missing [E_MISSING]")});
  Write(Path("/meta.json"), "");
  EXPECT_EQ(Check(), Lines{Line("meta.json: is damaged [E_CORRUPT]")});
  Write(Path("/meta.json"), FormatLayerMeta({kDiff, std::nullopt, 1, 1}));
  EXPECT_EQ(Check(),
            Lines{Line("meta.json: says that the layer is " + kDiff.ToString() + " [E_CORRUPT]")});
  Write(Path("/meta.json"), FormatLayerMeta({kChain, kChain, 1, 1}));
  EXPECT_EQ(Check(), Lines{Line("meta.json: says the diffID " + kChain.ToString() + ", the image " +
                                kDiff.ToString() + " [E_CORRUPT]")});
}

TEST_F(CheckLayerTest, WhatIsNoLayerGoes) {
  TestFindings findings;
  MakeDir("state/layers/other");

  EXPECT_TRUE(CheckLayersFolder(store(), Mend::kNo, findings.get()).ok());
  EXPECT_EQ(findings.Take(), Lines{"store layers/other: is no layer [E_EXTRA]"});
  EXPECT_TRUE(CheckLayersFolder(store(), Mend::kYes, findings.get()).ok());
  EXPECT_EQ(findings.Take(), Lines{"store layers/other: is no layer [E_EXTRA] (mended)"});
  EXPECT_FALSE(Exists("state/layers/other"));
  EXPECT_TRUE(Exists(Path("/meta.json")));
}

}  // namespace
}  // namespace stave::store

// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_containers.h"

#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/store/record.h"
#include "libs/store/test_findings.h"
#include "libs/store/test_images.h"

namespace stave::store {
namespace {

const std::string kId(64, 'a');

class CheckContainersTest : public ImagesTest {
 protected:
  CheckContainersTest() : image_(Image({"base"})) {
    Container(kId, image_);
    Record record;
    record.id = kId;
    record.name = "web";
    record.image = "docker.io/library/x:1";
    Write(Home() + "/record.json", FormatRecord(record));
    EXPECT_EQ(::symlinkat(kId.c_str(), store().state(), "names/web"), 0);
  }
  static std::string Home() { return "state/containers/" + kId; }
  Lines Check(Mend mend) {
    EXPECT_TRUE(CheckContainers(store(), mend, findings_.get()).ok());
    return findings_.Take();
  }
  const TestImage image_;
  TestFindings findings_;
};

TEST_F(CheckContainersTest, ASoundOneHasNone) { EXPECT_EQ(Check(Mend::kYes), Lines{}); }

TEST_F(CheckContainersTest, RecordsAreTold) {
  Write(Home() + "/exit.json", "");
  EXPECT_EQ(Check(Mend::kYes),
            Lines{"container " + kId + ": exit.json: offset 0: the document is empty [E_CORRUPT]"});
  Remove(Home() + "/exit.json");
  Write(Home() + "/config.json", "{");
  EXPECT_EQ(Check(Mend::kYes), Lines{"container " + kId + ": config.json: is damaged [E_CORRUPT]"});
  Remove(Home() + "/config.json");
  EXPECT_EQ(Check(Mend::kYes), Lines{"container " + kId + ": config.json: is missing [E_CORRUPT]"});
}

TEST_F(CheckContainersTest, LayersHaveToBeThere) {
  Remove(LayerPath(image_.layers[0]));

  EXPECT_EQ(Check(Mend::kYes), Lines{"container " + kId + ": layer " + image_.layers[0].ToString() +
                                     " of its image is missing [E_MISSING]"});
  EXPECT_EQ(findings_.get()->totals().remedies,
            Lines{"image-fetch --policy always docker.io/library/x:1"});
}

TEST_F(CheckContainersTest, NamesOfNothingGo) {
  ASSERT_EQ(::symlinkat(std::string(64, 'b').c_str(), store().state(), "names/lost"), 0);
  const std::string line = "name lost: its container is not there [E_STALE]";

  EXPECT_EQ(Check(Mend::kNo), Lines{line});
  EXPECT_EQ(Check(Mend::kYes), Lines{line + " (mended)"});
  EXPECT_EQ(Check(Mend::kNo), Lines{});
}

// A rename that was killed left it.
TEST_F(CheckContainersTest, ASecondNameGoes) {
  ASSERT_EQ(::symlinkat(kId.c_str(), store().state(), "names/second"), 0);
  const std::string line = "name second: its container is called web [E_STALE]";

  EXPECT_EQ(Check(Mend::kNo), Lines{line});
  EXPECT_EQ(Check(Mend::kYes), Lines{line + " (mended)"});
  EXPECT_EQ(Check(Mend::kNo), Lines{});
  EXPECT_TRUE(Exists("state/names/web"));
}

}  // namespace
}  // namespace stave::store

// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/prune_filter.h"

#include "gtest/gtest.h"

namespace stave::cli {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

bool Takes(const std::vector<std::string>& filters, absl::Duration age = absl::Hours(2)) {
  const auto filter = PruneFilter::Parse(filters, kNow, absl::UTCTimeZone());
  EXPECT_TRUE(filter.ok()) << filter.status();
  return filter.ok() && filter->Takes(kNow - age, {{"tier", "web"}, {"empty", ""}});
}

TEST(PruneFilterTest, WithoutOneAllAreTaken) { EXPECT_TRUE(Takes({})); }

TEST(PruneFilterTest, UntilIsWhenItWasMade) {
  EXPECT_TRUE(Takes({"until=1h"}));
  EXPECT_FALSE(Takes({"until=3h"}));
  EXPECT_FALSE(Takes({"until=2h"}));
  EXPECT_TRUE(Takes({"until=1700000000"}));
  EXPECT_FALSE(Takes({"until=1600000000"}));
}

TEST(PruneFilterTest, LabelsMustAllHold) {
  EXPECT_TRUE(Takes({"label=tier"}));
  EXPECT_TRUE(Takes({"label=tier=web", "label=empty="}));
  EXPECT_FALSE(Takes({"label=tier=db"}));
  EXPECT_FALSE(Takes({"label=tier", "label=other"}));
  EXPECT_TRUE(Takes({"label!=other", "label!=tier=db"}));
  EXPECT_FALSE(Takes({"label!=tier"}));
  EXPECT_FALSE(Takes({"label=tier", "until=3h"}));
}

TEST(PruneFilterTest, RefusesWhatIsNone) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"x"},
                                                {"name=a"},
                                                {"until=soon"},
                                                {"until=1h", "until=2h"},
                                                {""}}) {
    EXPECT_FALSE(PruneFilter::Parse(wrong, kNow, absl::UTCTimeZone()).ok()) << wrong[0];
  }
}

}  // namespace
}  // namespace stave::cli

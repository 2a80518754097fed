// SPDX-License-Identifier: Apache-2.0
#include "tools/image-list/history.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::tools {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

image::StoredImage Image() {
  image::StoredImage image{oci::DigestOf("config"), {}, {}, {}, {}, {}, {}, 0, {}, {}};
  image.document = *json::Parse(
      R"({"history":[{"created":"2023-11-12T20:13:20Z","created_by":"ADD\tx"},)"
      R"({"created_by":"ENV a=b","empty_layer":true,"comment":"c"},)"
      R"({"created":"1970-01-01T00:00:00Z","created_by":"RUN y"},{"created_by":"RUN z"}]})");
  for (const int64_t size : {5600, 127000000}) {
    image.layers.push_back({oci::DigestOf("x"), std::nullopt, size});
  }
  return image;
}

TEST(HistoryTest, NewestFirstWithTheSizesOfTheLayers) {
  const std::vector<Step> steps = StepsOf(Image());

  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(steps[0].id, oci::DigestOf("config").ToString());
  EXPECT_EQ(steps[0].size, 0);  // there is no third layer
  EXPECT_EQ(steps[1].id, "<missing>");
  EXPECT_EQ(steps[1].size, 127000000);
  EXPECT_TRUE(steps[2].empty_layer);
  EXPECT_EQ(steps[2].size, 0);
  EXPECT_EQ(steps[2].comment, "c");
  EXPECT_EQ(steps[3].size, 5600);
  EXPECT_TRUE(StepsOf({oci::DigestOf("c"), {}, {}, {}, {}, {}, {}, 0, {}, {}}).empty());
}

TEST(HistoryTest, CellsAreDockers) {
  const std::vector<Step> steps = StepsOf(Image());
  HistoryStyle style{kNow, absl::UTCTimeZone()};
  cli::Row row = HistoryRow(steps[3], style);
  EXPECT_EQ(row.fields[0].text(), "<missing>");
  EXPECT_EQ(row.fields[1].text(), "2 days ago");
  EXPECT_EQ(row.fields[2].text(), "2023-11-12T20:13:20Z");
  EXPECT_EQ(row.fields[3].text(), "ADD x");
  EXPECT_EQ(row.fields[4].text(), "5.6kB");
  EXPECT_EQ(HistoryRow(steps[1], style).fields[1].text(), "");
  EXPECT_EQ(HistoryRow(steps[0], style).fields[0].text(),
            oci::DigestOf("config").hex().substr(0, 12));
  style.human = false;
  style.whole = true;
  row = HistoryRow(steps[3], style);
  EXPECT_EQ(row.fields[1].text(), "2023-11-12T20:13:20Z");
  EXPECT_EQ(row.fields[4].text(), "5600");
}

TEST(HistoryTest, CommandsAreCut) {
  Step step;
  step.created_by = std::string(50, 'x');
  HistoryStyle style{kNow, absl::UTCTimeZone()};
  EXPECT_EQ(HistoryRow(step, style).fields[3].text(), std::string(44, 'x') + "\u2026");
  style.whole = true;
  EXPECT_EQ(HistoryRow(step, style).fields[3].text(), std::string(50, 'x'));
}

TEST(HistoryTest, JsonIsTyped) {
  EXPECT_EQ(json::Print(HistoryJson(StepsOf(Image())[3])),
            R"({"id":null,"created":"2023-11-12T20:13:20Z","createdBy":"ADD\tx",)"
            R"("size":5600,"comment":"","emptyLayer":false})");
}

}  // namespace
}  // namespace stave::tools

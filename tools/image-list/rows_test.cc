// SPDX-License-Identifier: Apache-2.0
#include "tools/image-list/rows.h"

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::tools {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

oci::Digest Digest() { return oci::DigestOf("index"); }

store::NamedImage Name(const std::string& text, bool tagged_here = false) {
  oci::Descriptor descriptor{"", Digest(), 1, {}, {}, {}};
  if (tagged_here) descriptor.annotations = {{store::kTaggedHereAnnotation, "true"}};
  return {*oci::Reference::Parse(text), descriptor};
}

image::StoredImage Image(const std::vector<store::NamedImage>& names) {
  image::StoredImage image{oci::DigestOf("config"), names, {}, {}, {}, {}, {}, 7797760, {}, {}};
  image.created = kNow - absl::Hours(50);
  return image;
}

// Repository, tag, digest of each row; a digest as "D".
std::string Names(const image::StoredImage& image, const RowStyle& style) {
  std::vector<std::string> rows;
  for (const cli::Row& row : RowsOf(image, style)) {
    const std::string digest = row.fields[3].text();
    rows.push_back(row.fields[1].text() + " " + row.fields[2].text() + " " +
                   (digest == Digest().ToString() ? "D" : digest));
  }
  return absl::StrJoin(rows, ", ");
}

TEST(RowsTest, ARowATag) {
  const RowStyle style{kNow, absl::UTCTimeZone()};
  EXPECT_EQ(Names(Image({Name("alpine:3"), Name("alpine"), Name("reg.io/a/b:1")}), style),
            "alpine 3 <none>, alpine latest <none>, reg.io/a/b 1 <none>");
  EXPECT_EQ(Names(Image({}), style), "<none> <none> <none>");
}

TEST(RowsTest, DigestsAreToldWhereTheyAreWanted) {
  RowStyle style{kNow, absl::UTCTimeZone()};
  const image::StoredImage image = Image({Name("alpine:3"), Name("mine:1", true)});
  const image::StoredImage untagged = Image({Name("alpine@" + Digest().ToString())});
  EXPECT_EQ(Names(untagged, style), "alpine <none> ");
  style.needs_digest = true;
  EXPECT_EQ(Names(image, style), "alpine 3 D, mine 1 <none>");
  EXPECT_EQ(Names(untagged, style), "alpine <none> ");
  style.digests = true;
  EXPECT_EQ(Names(untagged, style), "alpine <none> D");
}

TEST(RowsTest, OtherCells) {
  RowStyle style{kNow, absl::UTCTimeZone()};
  image::StoredImage image = Image({});
  cli::Row row = RowsOf(image, style)[0];
  EXPECT_EQ(row.fields[0].text(), image.id.hex().substr(0, 12));
  EXPECT_EQ(row.fields[4].text(), "2 days ago");
  EXPECT_EQ(row.fields[5].text(), "2023-11-12 20:13:20 +0000 UTC");
  EXPECT_EQ(row.fields[6].text(), "7.8MB");
  EXPECT_EQ(row.fields[7].text(), "N/A");
  EXPECT_EQ(row.fields[9].text(), "7.798MB");
  style.whole_ids = true;
  image.created.reset();
  row = RowsOf(image, style)[0];
  EXPECT_EQ(row.fields[0].text(), image.id.ToString());
  EXPECT_EQ(row.fields[4].text(), "");
  EXPECT_EQ(row.fields[5].text(), "0001-01-01 00:00:00 +0000 UTC");
}

TEST(FormatTextTest, QuietAndDigestsChangeDockersOwnFormats) {
  EXPECT_EQ(FormatText("", true, false), "{{.ID}}");
  EXPECT_EQ(FormatText("table", true, true), "{{.ID}}");
  EXPECT_NE(FormatText("", false, true).find("{{.Digest}}"), std::string::npos);
  EXPECT_EQ(FormatText("", false, false).find("{{.Digest}}"), std::string::npos);
  EXPECT_EQ(FormatText("{{.Tag}}", true, true), "{{.Tag}}");
  EXPECT_EQ(FormatText("table {{.Tag}}", false, true), "table {{.Tag}}\t{{.Digest}}");
  EXPECT_EQ(FormatText("raw", true, false), "image_id: {{.ID}}");
  EXPECT_EQ(FormatText("json", false, false), "json");
}

TEST(JsonLineTest, IsTyped) {
  image::StoredImage image = Image({Name("alpine:3")});
  image.containers = {"c1"};
  EXPECT_EQ(json::Print(JsonLine(image)),
            R"({"id":")" + image.id.ToString() + R"(","names":["alpine:3"],"digests":["alpine@)" +
                Digest().ToString() +
                R"("],"created":"2023-11-12T20:13:20Z","size":7797760,"architecture":"","os":"",)"
                R"("variant":"","labels":{},"containers":["c1"]})");
}

}  // namespace
}  // namespace stave::tools

// SPDX-License-Identifier: Apache-2.0
#include "libs/image/unpack_report.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::image {
namespace {

UnpackReport Sample() {
  UnpackReport report;
  report.diff_id = "sha256:" + std::string(64, 'a');
  report.bytes = 1;
  report.file_bytes = 2;
  report.entries = 3;
  report.root_named = true;
  report.dropped_xattrs = 4;
  return report;
}

TEST(UnpackReportTest, ComesBackAsItWas) {
  UnpackReport report = Sample();
  report.implied_parents = {"a", "a/b"};
  report.whiteouts = {"a/\xff"};
  report.opaque = {".", "a/b"};
  report.lower_links = {{"a/l", "bin/x"}};

  const auto back = ParseReport(SerializeReport(report).value());

  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->diff_id, report.diff_id);
  EXPECT_EQ(back->bytes, 1u);
  EXPECT_EQ(back->file_bytes, 2u);
  EXPECT_EQ(back->entries, 3u);
  EXPECT_TRUE(back->root_named);
  EXPECT_EQ(back->dropped_xattrs, 4u);
  EXPECT_EQ(back->implied_parents, report.implied_parents);
  EXPECT_EQ(back->whiteouts, report.whiteouts);
  EXPECT_EQ(back->opaque, report.opaque);
  EXPECT_EQ(back->lower_links, report.lower_links);
}

TEST(UnpackReportTest, RefusesPathsThatAreNotClean) {
  for (const char* path : {"", ".", "..", "/a", "a/", "a//b", "a/../b", "./a"}) {
    UnpackReport report = Sample();
    report.whiteouts = {path};
    EXPECT_EQ(base::ErrorWord(ParseReport(SerializeReport(report).value()).status()), "E_REPORT")
        << path;
  }
}

TEST(UnpackReportTest, RefusesGarbageAndAForgedDigest) {
  UnpackReport report = Sample();
  report.diff_id = "sha256:../../x";

  EXPECT_FALSE(ParseReport(SerializeReport(report).value()).ok());
  EXPECT_EQ(base::ErrorWord(ParseReport("\xff\xff\xff").status()), "E_REPORT");
}

TEST(UnpackReportTest, OpaqueDirectoriesAloneNeedNothingBelow) {
  UnpackReport report = Sample();
  report.opaque = {"a"};
  EXPECT_FALSE(DependsOnLower(report));

  report.whiteouts = {"b"};
  EXPECT_TRUE(DependsOnLower(report));
}

}  // namespace
}  // namespace stave::image

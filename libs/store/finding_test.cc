// SPDX-License-Identifier: Apache-2.0
#include "libs/store/finding.h"

#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::store {
namespace {

TEST(FindingTest, IsALine) {
  Finding finding{"layer",     "sha256:ab", "bin/\x1b[1m", "content differs",
                  "E_CONTENT", true,        false,         kRepairCommand};
  EXPECT_EQ(FindingLine(finding), "layer sha256:ab: bin/\\x1b[1m: content differs [E_CONTENT]");
  finding.path.clear();
  finding.mended = true;
  EXPECT_EQ(FindingLine(finding), "layer sha256:ab: content differs [E_CONTENT] (mended)");
}

TEST(FindingTest, IsAnObject) {
  Finding finding{"blob", "sha256:ab", "", "is missing", "E_MISSING", true, false, "do this"};
  EXPECT_EQ(json::Print(FindingJson(finding)),
            R"({"kind":"blob","name":"sha256:ab","path":null,"problem":"is missing",)"
            R"("word":"E_MISSING","damage":true,"mended":false,"remedy":"do this"})");
  finding.mended = true;
  EXPECT_TRUE(FindingJson(finding).Find("remedy")->is_null());
}

TEST(FindingsTest, CountsAndKeepsEachRemedyOnce) {
  size_t shown = 0;
  Findings findings([&](const Finding&) { ++shown; });
  findings.Add({"blob", "a", "", "p", "E_SIZE", true, false, "one"});
  findings.Add({"blob", "b", "", "p", "E_SIZE", true, false, "one"});
  findings.Add({"blob", "c", "", "p", "E_SIZE", true, true, "two"});
  findings.Add({"blob", "d", "", "p", "E_UNNEEDED", false, true, "two"});
  findings.AddNote("note");
  findings.AddNote("note");

  const Findings::Totals totals = findings.totals();

  EXPECT_EQ(shown, 4u);
  EXPECT_EQ(totals.damages, 3u);
  EXPECT_EQ(totals.mended, 1u);
  EXPECT_EQ(totals.lying, 1u);
  EXPECT_EQ(totals.taken_away, 1u);
  EXPECT_EQ(totals.remedies, std::vector<std::string>{"one"});
  EXPECT_EQ(totals.notes.size(), 1u);
}

}  // namespace
}  // namespace stave::store

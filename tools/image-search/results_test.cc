// SPDX-License-Identifier: Apache-2.0
#include "tools/image-search/results.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

using Texts = std::vector<std::string>;

registry::SearchResult Result(int64_t stars, bool official) {
  return {"alpine", std::string(40, 'd') + "\nmore words", stars, official};
}

TEST(ResultFilterTest, AllOfThemHold) {
  const auto takes = [](const Texts& filters, int64_t stars, bool official) {
    const auto filter = ResultFilter::Parse(filters);
    EXPECT_TRUE(filter.ok()) << filter.status();
    return filter->Takes(Result(stars, official));
  };
  EXPECT_TRUE(takes({}, 0, false));
  EXPECT_TRUE(takes({"stars=3", "stars=1"}, 3, false));
  EXPECT_FALSE(takes({"stars=3", "stars=1"}, 2, false));
  EXPECT_FALSE(takes({"is-official=true"}, 9, false));
  EXPECT_FALSE(takes({"is-official=false"}, 9, true));
  EXPECT_TRUE(takes({"is-automated=false"}, 9, true));
  EXPECT_FALSE(takes({"is-automated=true"}, 9, true));
}

TEST(ResultFilterTest, RefusesWhatIsNone) {
  for (const char* filter : {"", "x=1", "stars", "stars=x", "stars=-1", "is-official=maybe"}) {
    EXPECT_FALSE(ResultFilter::Parse({filter}).ok()) << filter;
  }
}

TEST(RowOfTest, ADescriptionIsOneShortLine) {
  const cli::Row row = RowOf(Result(7, true), false, false);
  EXPECT_EQ(row.fields[0].text(), "alpine");
  EXPECT_EQ(row.fields[1].text(), std::string(40, 'd') + " mor\u2026");
  EXPECT_EQ(row.fields[2].text(), "7");
  EXPECT_EQ(row.fields[3].text(), "[OK]");
  EXPECT_EQ(RowOf(Result(7, true), true, true).fields[1].text(),
            std::string(40, 'd') + " more words");
  EXPECT_EQ(RowOf(Result(7, false), true, true).fields[3].text(), "false");
  EXPECT_EQ(RowOf(Result(7, false), true, false).fields[3].text(), "");
}

TEST(SplitTermTest, AHostIsWhatLooksLikeOne) {
  const auto split = [](const std::string& text) {
    const Query query = SplitTerm(text);
    return query.host + " " + query.term;
  };
  EXPECT_EQ(split("alpine"), "docker.io alpine");
  EXPECT_EQ(split("user/web"), "docker.io user/web");
  EXPECT_EQ(split("docker.io/library/alpine"), "docker.io alpine");
  EXPECT_EQ(split("localhost/x"), "localhost x");
  EXPECT_EQ(split("reg.io:5000/a/b"), "reg.io:5000 a/b");
  EXPECT_EQ(split("127.0.0.1:5000/"), "127.0.0.1:5000 ");
}

}  // namespace
}  // namespace stave::tools

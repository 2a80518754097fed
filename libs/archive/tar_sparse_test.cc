// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_sparse.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::archive {
namespace {

using Form = SparseRecords::Form;
using Pairs = std::vector<std::pair<uint64_t, uint64_t>>;

Pairs Parts(const SparseMap& map) {
  Pairs pairs;
  for (const TarExtent& extent : map.extents()) pairs.emplace_back(extent.offset, extent.size);
  return pairs;
}

std::string OldPair(unsigned offset, unsigned size) {
  char text[25];
  std::snprintf(text, sizeof(text), "%011o", offset);
  std::snprintf(text + 12, 13, "%011o", size);
  return std::string(text, 24);
}

absl::Status Take(const std::vector<std::pair<std::string, std::string>>& records,
                  SparseRecords* to) {
  for (const auto& [key, value] : records) {
    const absl::Status status = to->Take(key, value);
    if (!status.ok()) return status;
  }
  return to->Finish().status();
}

TEST(SparseMapTest, DropsEmptyParts) {
  SparseMap map;
  ASSERT_TRUE(map.Add(0, 0).ok());
  ASSERT_TRUE(map.Add(5, 2).ok());
  ASSERT_TRUE(map.Add(7, 1).ok());
  ASSERT_TRUE(map.Add(100, 0).ok());

  EXPECT_EQ(Parts(map), (Pairs{{5, 2}, {7, 1}}));
  EXPECT_TRUE(map.Check(100, 3).ok());
  EXPECT_EQ(map.Check(99, 3).message(), "sparse file: a part lies behind its end");
  EXPECT_EQ(map.Check(100, 4).message(), "sparse file: its parts have 3 bytes, 4 are stored");
}

TEST(SparseMapTest, RefusesBadParts) {
  const std::pair<std::optional<int64_t>, std::optional<int64_t>> bad[] = {
      {9, 1}, {-1, 1}, {10, -1}, {10, INT64_MAX - 9}, {std::nullopt, 1}, {10, std::nullopt}};
  for (const auto& [offset, size] : bad) {
    SparseMap map;
    ASSERT_TRUE(map.Add(5, 5).ok());
    EXPECT_EQ(base::ErrorWord(map.Add(offset, size)), "E_TAR");
  }
}

TEST(SparseMapTest, ReadsOldPairs) {
  SparseMap map;

  EXPECT_TRUE(map.AddOldPairs(OldPair(512, 512) + OldPair(2048, 1)).value());
  EXPECT_FALSE(map.AddOldPairs(OldPair(4096, 0) + std::string(24, '\0') + OldPair(0, 1)).value());

  EXPECT_EQ(Parts(map), (Pairs{{512, 512}, {2048, 1}}));
  EXPECT_FALSE(map.AddOldPairs(std::string(12, '\0') + "00000000001").ok());
}

TEST(SparseMapTest, ReadsTextInAnyPieces) {
  const std::string text = "2\n512\n10\n1024\n20\nrest";
  for (size_t piece = 1; piece < text.size(); ++piece) {
    SparseMap map;
    bool complete = false;
    for (size_t at = 0; at < text.size() && !complete; at += piece) {
      complete = map.AddText(absl::string_view(text).substr(at, piece)).value();
    }
    EXPECT_TRUE(complete);
    EXPECT_EQ(Parts(map), (Pairs{{512, 10}, {1024, 20}})) << piece;
  }
}

TEST(SparseMapTest, RefusesBadText) {
  for (const char* text : {"x\n", "\n", "-1\n", "1\n\n", "1\n5 \n", "123456789012345678901"}) {
    EXPECT_EQ(base::ErrorWord(SparseMap().AddText(text).status()), "E_TAR") << text;
  }
  EXPECT_EQ(base::ErrorWord(SparseMap().AddText("4294967296\n").status()), "E_LIMIT");
  EXPECT_TRUE(SparseMap().AddText("0\n").value());
}

TEST(SparseMapTest, ReadsOneMebibyteOfMap) {
  SparseMap map;
  std::string text = "262144\n";
  while (text.size() < 1 << 20) text += "0\n";
  text.resize(1 << 20);
  EXPECT_FALSE(map.AddText(text).value());
  EXPECT_EQ(base::ErrorWord(map.AddText("0").status()), "E_LIMIT");

  SparseMap old;
  for (int i = 0; i < (1 << 20) / 504; ++i) {
    std::string pairs;
    for (int j = 0; j < 21; ++j) pairs += OldPair(1, 0);
    ASSERT_TRUE(old.AddOldPairs(pairs).value());
  }
  EXPECT_EQ(base::ErrorWord(old.AddOldPairs(std::string(504, '1')).status()), "E_LIMIT");
}

TEST(SparseRecordsTest, ReadsEachVersion) {
  SparseRecords none, v00, v01, v10;
  ASSERT_EQ(none.Finish().value(), Form::kNone);
  ASSERT_TRUE(Take({{"size", "100"},
                    {"numblocks", "2"},
                    {"offset", "5"},
                    {"numbytes", "1"},
                    {"offset", "9"},
                    {"numbytes", "2"}},
                   &v00)
                  .ok());
  ASSERT_TRUE(
      Take({{"size", "100"}, {"numblocks", "2"}, {"name", "n"}, {"map", "5,1,9,2"}}, &v01).ok());
  ASSERT_TRUE(
      Take({{"major", "1"}, {"minor", "0"}, {"realsize", "100"}, {"name", "n"}}, &v10).ok());

  EXPECT_EQ(v00.Finish().value(), Form::kComplete);
  EXPECT_EQ(v01.Finish().value(), Form::kComplete);
  EXPECT_EQ(v10.Finish().value(), Form::kInData);
  for (const SparseRecords* records : {&v00, &v01}) {
    EXPECT_EQ(Parts(records->map()), (Pairs{{5, 1}, {9, 2}}));
  }
  for (const SparseRecords* records : {&v00, &v01, &v10}) EXPECT_EQ(records->size(), 100u);
  EXPECT_EQ(v00.name(), std::nullopt);
  EXPECT_EQ(v10.name(), "n");
}

TEST(SparseRecordsTest, RefusesTheRest) {
  const std::vector<std::pair<std::string, std::string>> bad[] = {
      {{"name", "n"}},
      {{"size", "1"}},
      {{"size", "x"}},
      {{"size", "1"}, {"realsize", "2"}},
      {{"major", "1"}, {"minor", "0"}},
      {{"major", "1"}, {"minor", "1"}, {"size", "1"}},
      {{"major", "2"}, {"minor", "0"}, {"size", "1"}},
      {{"major", "1"}, {"size", "1"}, {"map", "0,1"}},
      {{"size", "9"}, {"numblocks", "2"}, {"map", "0,1"}},
      {{"size", "9"}, {"map", "0,1"}},
      {{"size", "9"}, {"numblocks", "1"}, {"map", "0"}},
      {{"size", "9"}, {"numblocks", "1"}, {"map", "0,1,"}},
      {{"size", "9"}, {"numblocks", "1"}, {"map", "0, 1"}},
      {{"size", "9"}, {"numblocks", "2"}, {"map", "0,1"}, {"map", "2,1"}},
      {{"size", "9"}, {"numblocks", "1"}, {"offset", "0"}},
      {{"size", "9"}, {"numblocks", "1"}, {"numbytes", "1"}},
      {{"size", "9"}, {"numblocks", "1"}, {"offset", "0"}, {"offset", "1"}},
      {{"size", "9"}, {"numblocks", "4294967296"}, {"map", "0,1"}},
  };
  for (const auto& records : bad) {
    SparseRecords sparse;
    EXPECT_EQ(base::ErrorWord(Take(records, &sparse)), "E_TAR")
        << absl::StrCat(records.back().first, "=", records.back().second);
  }
}

}  // namespace
}  // namespace stave::archive

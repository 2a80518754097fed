// SPDX-License-Identifier: Apache-2.0
#include "libs/mount/options.h"

#include <linux/mount.h>
#include <sys/mount.h>

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace stave::mount {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ParseOptionsTest, SortsWordsByWhoTakesThem) {
  const auto options =
      ParseOptions({"nosuid", "strictatime", "mode=755", "size=65536k", "rslave", "newinstance"});

  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->set, uint64_t{MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME});
  EXPECT_EQ(options->propagation, uint64_t{MS_SLAVE});
  EXPECT_EQ(options->propagation_depth, Depth::kTree);
  EXPECT_THAT(options->parameters,
              ElementsAre(Pair("mode", "755"), Pair("size", "65536k"), Pair("newinstance", "")));
}

TEST(ParseOptionsTest, TheLastWordOfAPairWins) {
  const auto options = ParseOptions({"rbind", "nosuid", "suid", "rro"});

  ASSERT_TRUE(options.ok());
  EXPECT_TRUE(options->bind);
  EXPECT_EQ(options->depth, Depth::kTree);
  EXPECT_EQ(options->set & MOUNT_ATTR_NOSUID, 0u);
  EXPECT_EQ(options->clear & MOUNT_ATTR_NOSUID, uint64_t{MOUNT_ATTR_NOSUID});
  EXPECT_EQ(options->set_tree, uint64_t{MOUNT_ATTR_RDONLY});
}

TEST(ParseOptionsTest, RefusesContradictions) {
  EXPECT_TRUE(ParseOptions({"ro", "rw"})->contradicts);
  EXPECT_EQ(ParseOptions({"ro", "rw"})->set & MOUNT_ATTR_RDONLY, 0u);
  EXPECT_FALSE(ParseOptions({"bind", "idmap"}).ok());
}

TEST(KnownOptionsTest, EachIsTaken) {
  const std::vector<std::string> words = KnownOptions();
  EXPECT_GT(words.size(), 60u);
  for (const char* word :
       {"ro", "rro", "rbind", "rslave", "dirsync", "remount", "ridmap", "tmpcopyup"}) {
    EXPECT_TRUE(std::binary_search(words.begin(), words.end(), word)) << word;
  }
}

}  // namespace
}  // namespace stave::mount

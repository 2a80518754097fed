// SPDX-License-Identifier: Apache-2.0
#include "libs/testutil/temp_dir.h"

#include <unistd.h>

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace stave::testutil {
namespace {

TEST(TempDirTest, GoesWithWhatIsInIt) {
  std::optional<TempDir> dir(std::in_place);
  const std::string path = dir->path();
  dir->Mkdir("a/b");
  dir->Put("a/b/c", "text");
  dir->Put("a/b/c", "new");

  EXPECT_EQ(dir->Get("a/b/c"), "new");
  EXPECT_EQ(dir->Get("none"), "");
  dir.reset();

  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(TempDirTest, EachIsItsOwn) { EXPECT_NE(TempDir().path(), TempDir().path()); }

}  // namespace
}  // namespace stave::testutil

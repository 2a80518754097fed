// SPDX-License-Identifier: Apache-2.0
#include "libs/store/upper_size.h"

#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

using UpperSizeTest = StoreTest;

TEST_F(UpperSizeTest, CountsEachFileOnceAndFollowsNoLink) {
  const std::string id(64, 'a');
  EXPECT_EQ(UpperBytes(store(), id), 0);
  for (const char* made : {"", "/upper", "/upper/d", "/upper/d/e", "/work"}) {
    MakeDir("state/containers/" + id + made);
  }
  const std::string home = "state/containers/" + id;
  Write(home + "/record.json", "not counted");
  Write(home + "/upper/a", "12345");
  Write(home + "/upper/d/e/b", "123");
  const std::string upper = folder() + "/" + home + "/upper";
  ASSERT_EQ(::link((upper + "/a").c_str(), (upper + "/d/again").c_str()), 0);
  ASSERT_EQ(::symlink(folder().c_str(), (upper + "/out").c_str()), 0);

  EXPECT_EQ(UpperBytes(store(), id), 8);
}

TEST_F(UpperSizeTest, ALinkInItsPlaceIsNone) {
  const std::string id(64, 'a');
  MakeDir("state/containers/" + id);
  ASSERT_EQ(::symlink(folder().c_str(), (folder() + "/state/containers/" + id + "/upper").c_str()),
            0);
  EXPECT_EQ(UpperBytes(store(), id), 0);
}

}  // namespace
}  // namespace stave::store

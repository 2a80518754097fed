// SPDX-License-Identifier: Apache-2.0
//
// What can be seen without cgroups: folders and files stand in for them. tests/root and tests/vm
// freeze processes.
#include "libs/cgroup/freezer.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/testutil/temp_dir.h"

namespace stave::cgroup {
namespace {

class FreezerTest : public ::testing::Test {
 protected:
  FreezerTest() { dir_.Mkdir("x"); }

  void Put(absl::string_view file, absl::string_view text) {
    dir_.Put(absl::StrCat("x/", file), text);
  }
  std::string Get(absl::string_view file) { return dir_.Get(absl::StrCat("x/", file)); }
  Cgroup OpenV1() {
    const Hierarchies one = {{{Version::kV1, {"freezer"}, dir_.path()}}};
    return *Cgroup::Open("/x", one);
  }
  Cgroup OpenV2() {
    const Hierarchies one = {{{Version::kV2, {}, dir_.path()}}};
    return *Cgroup::Open("/x", one);
  }

  testutil::TempDir dir_;
};

TEST_F(FreezerTest, V1WritesTheState) {
  Put("freezer.state", "THAWED");

  EXPECT_TRUE(Freeze(OpenV1(), absl::Seconds(1)).ok());

  EXPECT_EQ(Get("freezer.state"), "FROZEN");
  EXPECT_TRUE(Thaw(OpenV1()).ok());
  EXPECT_EQ(Get("freezer.state"), "THAWED");
}

TEST_F(FreezerTest, V2IsThereWhenTheEventsSaySo) {
  Put("cgroup.freeze", "0");
  Put("cgroup.events", "populated 1\nfrozen 1\n");

  EXPECT_TRUE(Freeze(OpenV2(), absl::Seconds(1)).ok());

  EXPECT_EQ(Get("cgroup.freeze"), "1");
  EXPECT_TRUE(IsFrozen(OpenV2()));
}

TEST_F(FreezerTest, ThawsWhatDoesNotFreezeInTime) {
  Put("cgroup.freeze", "0");
  Put("cgroup.events", "populated 1\nfrozen 0\n");

  const absl::Status status = Freeze(OpenV2(), absl::ZeroDuration());

  EXPECT_EQ(base::ErrorWord(status), "E_TIMEOUT");
  EXPECT_EQ(Get("cgroup.freeze"), "0");
}

TEST_F(FreezerTest, SaysThatThereIsNone) {
  EXPECT_EQ(base::ErrorWord(Freeze(OpenV2(), absl::Seconds(1))), "E_CGROUP");
  EXPECT_EQ(base::ErrorWord(Thaw(OpenV2())), "E_CGROUP");
  EXPECT_FALSE(IsFrozen(OpenV2()));
}

}  // namespace
}  // namespace stave::cgroup

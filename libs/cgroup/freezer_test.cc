// SPDX-License-Identifier: Apache-2.0
//
// What can be seen without cgroups: folders and files stand in for them. tests/root and tests/vm
// freeze processes.
#include "libs/cgroup/freezer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"

namespace stave::cgroup {
namespace {

class FreezerTest : public ::testing::Test {
 protected:
  FreezerTest() : root_(absl::StrCat(getenv("TEST_TMPDIR"), "/XXXXXX")) {
    EXPECT_NE(mkdtemp(root_.data()), nullptr);
    mkdir((root_ + "/x").c_str(), 0755);
  }
  ~FreezerTest() override {
    const size_t slash = root_.rfind('/');
    (void)base::RemoveTreeAt(base::OpenDirAt(AT_FDCWD, root_.substr(0, slash))->get(),
                             root_.substr(slash + 1));
  }

  void Put(absl::string_view file, absl::string_view text) {
    std::ofstream(absl::StrCat(root_, "/x/", file)) << text;
  }
  std::string Get(absl::string_view file) {
    std::ifstream in(absl::StrCat(root_, "/x/", file));
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  Cgroup OpenV1() {
    const Hierarchies one = {{{Version::kV1, {"freezer"}, root_}}};
    return *Cgroup::Open("/x", one);
  }
  Cgroup OpenV2() {
    const Hierarchies one = {{{Version::kV2, {}, root_}}};
    return *Cgroup::Open("/x", one);
  }

  std::string root_;
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

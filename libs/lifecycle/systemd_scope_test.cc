// SPDX-License-Identifier: Apache-2.0
//
// With a helper that is a script here: what systemd makes of it is tests/vm's to show.
#include "libs/lifecycle/systemd_scope.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::lifecycle {
namespace {

class SystemdScope : public testing::Test {
 protected:
  SystemdScope() : folder_(testing::TempDir() + "/libexec") {
    ::mkdir(folder_.c_str(), 0700);
    ::setenv("STAVE_LIBEXEC", folder_.c_str(), 1);
    ::unlink(Helper().c_str());
  }
  std::string Helper() const { return folder_ + "/stave-scope"; }
  // `body` has what it was called with in "$@".
  void Install(const std::string& body) const {
    std::ofstream(Helper()) << "#!/bin/sh\necho \"$*\" >" << folder_ << "/args\n" << body << "\n";
    ::chmod(Helper().c_str(), 0700);
  }
  std::string Args() const {
    std::stringstream text;
    text << std::ifstream(folder_ + "/args").rdbuf();
    return text.str();
  }

  const std::string folder_;
  const ScopeName name_ = {"a.slice", "b-c.scope", "/a.slice/b-c.scope"};
};

TEST_F(SystemdScope, HoldsAPlaceholderUntilItIsLeft) {
  Install("echo $$ >" + folder_ + "/pid; echo /a.slice/b-c.scope; exec sleep 1000");
  auto scope = Scope::Start(name_, "container c", {"TasksMax=t:5"});
  ASSERT_TRUE(scope.ok()) << scope.status();
  EXPECT_EQ(scope->cgroup(), "/a.slice/b-c.scope");
  EXPECT_EQ(Args(), "-- start b-c.scope a.slice container c TasksMax=t:5\n");
  pid_t pid = 0;
  std::ifstream(folder_ + "/pid") >> pid;
  EXPECT_EQ(::kill(pid, 0), 0);
  scope->Leave();
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(SystemdScope, TellsWhatTheHelperTells) {
  Install("echo 'stave-scope: starting b-c.scope: no [E_SYSTEMD]\nhint: try' >&2; exit 1");
  const absl::Status status = Scope::Start(name_, "container c", {}).status();
  EXPECT_EQ(status.message(), "systemd cgroup manager: starting b-c.scope: no");
  EXPECT_EQ(base::ErrorWord(status), "E_SYSTEMD");
  EXPECT_EQ(base::ErrorHint(status), "try");
  EXPECT_EQ(StopScope("b-c.scope"), status);
}

TEST_F(SystemdScope, IsAnErrorWithoutAnAnswer) {
  Install("exit 9");
  EXPECT_EQ(Scope::Start(name_, "container c", {}).status().message(),
            "systemd cgroup manager: stave-scope ended with 9");
}

TEST_F(SystemdScope, IsChangedAndStopped) {
  Install("exit 0");
  EXPECT_EQ(SetScope("b-c.scope", {"TasksMax=t:5"}), absl::OkStatus());
  EXPECT_EQ(Args(), "-- set b-c.scope TasksMax=t:5\n");
  EXPECT_EQ(StopScope("b-c.scope"), absl::OkStatus());
  EXPECT_EQ(Args(), "-- stop b-c.scope\n");
  Install("exit 1");
  EXPECT_EQ(SetScope("b-c.scope", {}), absl::OkStatus()) << "nothing to change";
}

TEST_F(SystemdScope, NeedsTheHelper) {
  const absl::Status status = StopScope("b-c.scope");
  EXPECT_EQ(base::ErrorWord(status), "E_HELPER");
  EXPECT_EQ(status.message(), Helper() + ": the helper that asks systemd is missing");
}

TEST(CheckSystemdHierarchies, WantsNoV1) {
  cgroup::Hierarchies hierarchies;
  hierarchies.all.push_back({cgroup::Version::kV2, {"memory"}, "/sys/fs/cgroup"});
  EXPECT_EQ(CheckSystemdHierarchies(hierarchies), absl::OkStatus());
  hierarchies.all.insert(hierarchies.all.begin(),
                         {cgroup::Version::kV1, {"memory"}, "/sys/fs/cgroup/memory"});
  EXPECT_EQ(base::ErrorWord(CheckSystemdHierarchies(hierarchies)), "E_UNSUPPORTED");
}

}  // namespace
}  // namespace stave::lifecycle

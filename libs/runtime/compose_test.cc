// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/compose.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/oci/default_config.h"
#include "libs/oci/default_seccomp.h"
#include "libs/oci/process.h"
#include "libs/store/store.h"

namespace stave::runtime {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class ComposeTest : public ::testing::Test {
 protected:
  ComposeTest()
      : store_(*store::Store::OpenRoots({"/nowhere/state", "/nowhere/run"}, store::Access::kRead)) {
    document_ = oci::DefaultConfig();
    options_.operands = {"sh"};
  }

  absl::Status Apply() { return Compose(options_, store_, &document_); }
  std::string At(std::initializer_list<absl::string_view> path) {
    const json::Value* value = document_.Find(path);
    return value == nullptr ? "absent" : json::Print(*value);
  }

  store::Store store_;
  json::Value document_;
  RunOptions options_;
};

TEST_F(ComposeTest, OperandsAndEntrypoint) {
  options_.entrypoint = "echo";
  options_.operands = {"a", "b"};

  ASSERT_TRUE(Apply().ok());

  EXPECT_EQ(At({"process", "args"}), R"(["echo","a","b"])");
}

TEST_F(ComposeTest, NothingToRunIsTold) {
  options_.operands.clear();

  const absl::Status status = Apply();

  EXPECT_EQ(base::ErrorWord(status), "E_NO_COMMAND");
  EXPECT_THAT(base::ErrorHint(status), HasSubstr("ns-run -- COMMAND"));
}

TEST_F(ComposeTest, AddingACapabilityRenewsTheDefaultProfile) {
  options_.cap_add = {"sys_admin"};

  ASSERT_TRUE(Apply().ok());

  const std::vector<std::string> bounding = oci::BoundingCapabilities(document_);
  EXPECT_THAT(bounding, Contains("CAP_SYS_ADMIN"));
  EXPECT_EQ(*document_.Find({"linux", "seccomp"}), oci::DefaultSeccomp(bounding));
}

TEST_F(ComposeTest, ACallersProfileIsKept) {
  const json::Value own = *json::Parse(R"({"defaultAction":"SCMP_ACT_ALLOW"})");
  document_.Make({"linux"}).Set("seccomp", own);
  options_.cap_drop = {"ALL"};

  ASSERT_TRUE(Apply().ok());

  EXPECT_EQ(*document_.Find({"linux", "seccomp"}), own);
  EXPECT_EQ(At({"process", "capabilities", "bounding"}), "[]");
}

TEST_F(ComposeTest, HostNetworkTakesTheNamespaceAndItsSysctlsAway) {
  document_.Make({"linux", "sysctl"}).Set("net.core.somaxconn", json::Value::String("1"));
  options_.network = "host";

  ASSERT_TRUE(Apply().ok());

  EXPECT_THAT(At({"linux", "namespaces"}), Not(HasSubstr("network")));
  EXPECT_EQ(At({"linux", "sysctl"}), "{}");
  EXPECT_EQ(At({"stave", "network", "mode"}), "\"host\"");
}

TEST_F(ComposeTest, ABareNumberIsAUser) {
  options_.user = "1000:100";

  ASSERT_TRUE(Apply().ok());

  EXPECT_EQ(At({"process", "user", "uid"}), "1000");
  EXPECT_EQ(At({"process", "user", "gid"}), "100");
}

TEST_F(ComposeTest, SystemPathsUnconfinedClearsMasks) {
  options_.security = {"systempaths=unconfined", "no-new-privileges", "seccomp=unconfined"};

  ASSERT_TRUE(Apply().ok());

  EXPECT_EQ(At({"linux", "maskedPaths"}), "absent");
  EXPECT_EQ(At({"linux", "seccomp"}), "absent");
  EXPECT_EQ(At({"process", "noNewPrivileges"}), "true");
}

TEST_F(ComposeTest, WrongValuesNameTheOption) {
  const auto refused = [](void (*change)(RunOptions*)) {
    RunOptions options;
    change(&options);
    return std::string(CheckOptions(options).message());
  };

  EXPECT_THAT(refused([](RunOptions* o) { o->name = "../x"; }), HasSubstr("--name"));
  EXPECT_THAT(refused([](RunOptions* o) { o->user = "4294967295"; }), HasSubstr("--user"));
  EXPECT_THAT(refused([](RunOptions* o) { o->workdir = "relative"; }), HasSubstr("--workdir"));
  EXPECT_THAT(refused([](RunOptions* o) { o->hostname = std::string(65, 'a'); }),
              HasSubstr("--hostname"));
  EXPECT_THAT(refused([](RunOptions* o) { o->network = "bridge"; }), HasSubstr("--network"));
  EXPECT_THAT(refused([](RunOptions* o) { o->env = {"=x"}; }), HasSubstr("--env"));
  EXPECT_THAT(refused([](RunOptions* o) { o->cap_add = {"CAP_FOO"}; }), HasSubstr("--cap-add"));
  EXPECT_THAT(refused([](RunOptions* o) { o->security = {"nope"}; }), HasSubstr("--security-opt"));
}

}  // namespace
}  // namespace stave::runtime

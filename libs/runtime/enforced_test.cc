// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/enforced.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"

namespace stave::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(AddStatus, TakesIdentityAndConfinement) {
  json::Value report = json::Value::Object();
  AddStatus(
      "Name:\tsh\nUmask:\t0022\nUid:\t0\t0\t0\t0\nGid:\t5\t5\t5\t5\nGroups:\t0 10 \n"
      "CapInh:\t0000000000000000\nCapPrm:\t0000000000000001\nCapEff:\t0000000000000001\n"
      "CapBnd:\t0000000000000003\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
      "Seccomp_filters:\t1\nodd line\n",
      &report);
  EXPECT_EQ(json::Print(report),
            R"({"user":{"umask":"0022","uids":[0,0,0,0],"gids":[5,5,5,5],"groups":[0,10]},)"
            R"("capabilities":{"inheritable":[],"permitted":["CAP_CHOWN"],)"
            R"("effective":["CAP_CHOWN"],"bounding":["CAP_CHOWN","CAP_DAC_OVERRIDE"],)"
            R"("ambient":[]},"noNewPrivileges":true,"seccomp":{"mode":"filter","filters":1}})");
}

TEST(MountsOf, ReadsFieldsAndEscapes) {
  EXPECT_EQ(
      json::Print(MountsOf("36 35 98:0 /a\\040b /mnt\\040x rw,noatime master:1 shared:2 - ext3 "
                           "/dev/root rw,errors=continue\nnonsense\n")),
      R"([{"destination":"/mnt x","type":"ext3","options":["rw","noatime"],)"
      R"("superOptions":["rw","errors=continue"],"propagation":"slave,shared",)"
      R"("root":"/a b"}])");
  EXPECT_THAT(MountsOf("1 2 3 - \n - - -\n").elements(), IsEmpty());
}

TEST(LimitsOf, ReadsColumns) {
  EXPECT_EQ(
      json::Print(LimitsOf(
          "Limit                     Soft Limit           Hard Limit           Units     \n"
          "Max open files            1024                 unlimited            files     \n")),
      R"([{"type":"Max open files","soft":"1024","hard":"unlimited"}])");
}

TEST(MappingsOf, ReadsLines) {
  EXPECT_EQ(json::Print(MappingsOf("         0     100000      65536\n")),
            R"([{"containerID":0,"hostID":100000,"size":65536}])");
}

TEST(Enforced, DescribesThisProcess) {
  const base::UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  const auto report = Enforced(::getpid(), self.get());
  if (!report.ok()) GTEST_SKIP() << "needs /sys/fs/cgroup: " << report.status();
  EXPECT_THAT(json::Print(*report), HasSubstr(R"("shared":true)"));
  EXPECT_EQ(report->Find("pid")->text(), std::to_string(::getpid()));
}

}  // namespace
}  // namespace stave::runtime

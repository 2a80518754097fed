// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/user.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::oci {
namespace {

constexpr char kPasswd[] =
    "root:x:0:0:root:/root:/bin/sh\n"
    "bad line\n"
    "wrong:x:-1:0::/:/bin/sh\n"
    "1000:x:0:0::/evil:/bin/sh\n"
    "app:x:1000:1000:App:/home/app:/bin/sh\r\n"
    "app:x:7:7::/second:/bin/sh\n"
    "nohome:x:2000:2000\n";
constexpr char kGroup[] =
    "root:x:0:root\n"
    "wheel:x:10:root,app\n"
    "bad:x:zz:app\n"
    "app:x:1000:\n"
    "web:x:33:app,other\n"
    "web2:x:33:app\n";

std::string Resolve(absl::string_view spec, absl::string_view passwd = kPasswd,
                    absl::string_view group = kGroup) {
  const auto user = ResolveUser(spec, passwd, group);
  if (!user.ok()) {
    return absl::StrCat(base::ErrorWord(user.status()), " ", user.status().message());
  }
  return absl::StrCat(user->uid, ":", user->gid, " [", absl::StrJoin(user->additional_gids, ","),
                      "] ", user->home);
}

TEST(ResolveUserTest, NobodyIsRoot) {
  EXPECT_EQ(Resolve(""), "0:0 [0,10] /root");
  EXPECT_EQ(Resolve("", "", ""), "0:0 [0] /");
}

TEST(ResolveUserTest, ByName) {
  EXPECT_EQ(Resolve("app"), "1000:1000 [1000,10,33] /home/app");
  EXPECT_EQ(Resolve("nohome"), "2000:2000 [2000] /");
  EXPECT_EQ(Resolve("nobody"), "E_USER user \"nobody\": is not in the image's /etc/passwd");
}

TEST(ResolveUserTest, DigitsAreNumbers) {
  // CVE-2016-3697: the line named "1000" is root.
  EXPECT_EQ(Resolve("1000"), "1000:1000 [1000,10,33] /home/app");
  EXPECT_EQ(Resolve("01"), "1:0 [0] /");
  EXPECT_EQ(Resolve("4294967294"), "4294967294:0 [0] /");
  EXPECT_EQ(Resolve("2147483648"), "2147483648:0 [0] /");
}

TEST(ResolveUserTest, GroupReplacesAllOthers) {
  EXPECT_EQ(Resolve("app:web"), "1000:33 [33] /home/app");
  EXPECT_EQ(Resolve("app:5"), "1000:5 [5] /home/app");
  EXPECT_EQ(Resolve("1:1"), "1:1 [1] /");
  EXPECT_EQ(Resolve(":1"), "0:1 [1] /root");
  EXPECT_EQ(Resolve("1:"), "1:0 [0] /");
  EXPECT_EQ(Resolve("app:none"), "E_USER group \"none\": is not in the image's /etc/group");
}

TEST(ResolveUserTest, RefusesOddForms) {
  for (const char* spec : {":", "a:b:c", "::", "-1", "4294967295", "4294967296", "0x0", "1e3", "+1",
                           " 1", "1 ", "1a", "\xd9\xa3", "a b", "../x", "-rf", "a\nb", "1:-1"}) {
    EXPECT_EQ(base::ErrorWord(ResolveUser(spec, kPasswd, kGroup).status()), "E_USER") << spec;
    EXPECT_FALSE(CheckUserSpec(spec).ok()) << spec;
  }
  EXPECT_FALSE(CheckUserSpec(std::string(4096, 'a')).ok());
  EXPECT_TRUE(CheckUserSpec("app:web").ok());
  EXPECT_TRUE(CheckUserSpec("").ok());
}

TEST(ResolveUserTest, BoundsTheFiles) {
  const std::string huge(kMaxUserFile + 1, 'a');
  const std::string long_line =
      absl::StrCat("big:x:50:app,", std::string(kMaxUserLine, 'b'), "\nok:x:60:app\n");

  EXPECT_EQ(Resolve("0", huge).substr(0, 7), "E_LIMIT");
  EXPECT_EQ(Resolve("0", "", huge).substr(0, 7), "E_LIMIT");
  EXPECT_EQ(Resolve("app", kPasswd, long_line), "1000:1000 [1000,60] /home/app");
}

TEST(ResolveUserTest, MaximumIdInAFileIsABadLine) {
  EXPECT_EQ(Resolve("x", "x:x:4294967295:0::/:\n").substr(0, 6), "E_USER");
}

}  // namespace
}  // namespace stave::oci

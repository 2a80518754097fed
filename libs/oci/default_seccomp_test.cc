// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/default_seccomp.h"

#include <algorithm>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::oci {
namespace {

using json::Value;

// The names that are allowed whatever their arguments are.
std::vector<std::string> Allowed(const Value& policy) {
  std::vector<std::string> names;
  for (const Value& name : policy.Find("syscalls")->elements()[0].Find("names")->elements()) {
    names.push_back(name.text());
  }
  return names;
}

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(DefaultSeccompTest, NamesEachCallOnce) {
  const auto names = Allowed(DefaultSeccomp({}));

  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_GT(names.size(), 360u);
}

TEST(DefaultSeccompTest, WhatIsOut) {
  const auto names = Allowed(DefaultSeccomp({}));

  for (const char* name :
       {"mount", "unshare", "setns", "keyctl", "add_key", "bpf", "reboot", "clone", "clone3",
        "socket", "io_uring_setup", "userfaultfd", "chroot"}) {
    EXPECT_FALSE(Has(names, name)) << name;
  }
  EXPECT_TRUE(Has(names, "ptrace"));
}

TEST(DefaultSeccompTest, CapabilitiesAddCalls) {
  EXPECT_TRUE(Has(Allowed(DefaultSeccomp({"CAP_SYS_CHROOT"})), "chroot"));
  const Value admin = DefaultSeccomp({"CAP_SYS_ADMIN"});
  EXPECT_TRUE(Has(Allowed(admin), "clone3"));
  EXPECT_EQ(json::Print(admin).find("MASKED_EQ"), std::string::npos);
}

TEST(DefaultSeccompTest, IsCompact) {
  EXPECT_LT(json::Print(DefaultSeccomp({"CAP_SYS_CHROOT"})).size(), 12u << 10);
}

}  // namespace
}  // namespace stave::oci

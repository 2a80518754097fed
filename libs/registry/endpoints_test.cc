// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/endpoints.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::registry {
namespace {

// "host path" of each endpoint, with ! for an insecure one.
std::string Plan(const RegistriesConf& conf, absl::string_view text) {
  const auto reference = oci::Reference::Parse(text);
  EXPECT_TRUE(reference.ok()) << reference.status();
  const auto endpoints = PlanEndpoints(conf, *reference);
  if (!endpoints.ok()) return base::ErrorWord(endpoints.status());
  return absl::StrJoin(*endpoints, ", ", [](std::string* out, const Endpoint& endpoint) {
    absl::StrAppend(out, endpoint.mirror ? "~" : "", endpoint.host, " ", endpoint.path,
                    endpoint.insecure ? "!" : "");
  });
}

TEST(PlanEndpoints, WithoutAnEntryItIsTheRegistryItself) {
  EXPECT_EQ(Plan({}, "alpine"), "registry-1.docker.io library/alpine");
  EXPECT_EQ(Plan({}, "reg.io:5000/a/b:1"), "reg.io:5000 a/b");
}

TEST(PlanEndpoints, MirrorsComeFirst) {
  RegistriesConf conf;
  conf.registries.push_back(
      {"docker.io", "docker.io", false, false, {{"m1.io", true}, {"m2.io:5000/hub"}}});
  EXPECT_EQ(Plan(conf, "alpine"),
            "~m1.io library/alpine!, ~m2.io:5000 hub/library/alpine, registry-1.docker.io "
            "library/alpine");
  EXPECT_EQ(Plan(conf, "quay.io/a"), "quay.io a");
}

TEST(PlanEndpoints, SomeMirrorsServeTagsOrDigestsOnly) {
  RegistriesConf conf;
  conf.registries.push_back({"a.io",
                             "a.io",
                             false,
                             false,
                             {{"tags.io", false, PullFromMirror::kTagOnly},
                              {"digests.io", false, PullFromMirror::kDigestOnly}}});
  const std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(Plan(conf, "a.io/x:1"), "~tags.io x, a.io x");
  EXPECT_EQ(Plan(conf, "a.io/x@" + digest), "~digests.io x, a.io x");
}

TEST(PlanEndpoints, TheLongestPrefixWinsAtABoundary) {
  RegistriesConf conf;
  conf.registries.push_back({"a.io", "b.io", false, false, {}});
  conf.registries.push_back({"a.io/team", "c.io/x", true, false, {}});
  EXPECT_EQ(Plan(conf, "a.io/one"), "b.io one");
  EXPECT_EQ(Plan(conf, "a.io/team/one"), "c.io x/one!");
  EXPECT_EQ(Plan(conf, "a.io/team"), "c.io x!");
  EXPECT_EQ(Plan(conf, "a.io/teams/one"), "b.io teams/one");
  EXPECT_EQ(Plan(conf, "a.io:5000/one"), "a.io:5000 one");
}

TEST(PlanEndpoints, Wildcards) {
  RegistriesConf conf;
  conf.registries.push_back({"*.example.com", "", true, false, {{"m.io/all"}}});
  conf.registries.push_back({"*.bad.example.com", "", false, true, {}});
  EXPECT_EQ(Plan(conf, "x.example.com/a"), "~m.io all/a, x.example.com a!");
  EXPECT_EQ(Plan(conf, "example.com/a"), "example.com a");
  EXPECT_EQ(Plan(conf, "evilexample.com/a"), "evilexample.com a");
  EXPECT_EQ(Plan(conf, "y.bad.example.com/a"), "E_BLOCKED");
  EXPECT_EQ(Plan(conf, "z.io/x.example.com/a"), "z.io x.example.com/a");
}

TEST(InsecureHost, IsTheRegistrysOwn) {
  RegistriesConf conf;
  conf.registries.push_back({"reg.io:5000", "reg.io:5000", true, false, {}});
  EXPECT_EQ(*InsecureHost(conf, "reg.io:5000"), "reg.io");
  EXPECT_EQ(*InsecureHost(conf, "quay.io"), "");
  EXPECT_EQ(*InsecureHost({}, "docker.io"), "");
}

}  // namespace
}  // namespace stave::registry

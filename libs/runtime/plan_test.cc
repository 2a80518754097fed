// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/plan.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/runtime/plan_test_config.h"

namespace stave::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

TEST(MakePlanTest, UnderstandsTheDefaultConfig) {
  const auto plan = MakePlan(With("/process/cwd", "\"/\""));

  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->Creates(CLONE_NEWPID));
  EXPECT_TRUE(plan->Creates(CLONE_NEWCGROUP));
  EXPECT_FALSE(plan->Joins(CLONE_NEWPID));
  EXPECT_FALSE(plan->Has(CLONE_NEWUSER));
  EXPECT_EQ(plan->mounts[0].destination, "/proc");
  EXPECT_EQ(plan->process.umask, 022);
  EXPECT_EQ(plan->process.capabilities->inheritable, 0u);
  EXPECT_FALSE(plan->seccomp.is_null());
  EXPECT_EQ(plan->listener.path, "");
  EXPECT_EQ(plan->root_propagation, 0u);
  EXPECT_FALSE(plan->personality.has_value());
  EXPECT_THAT(plan->warnings, IsEmpty());
}

TEST(MakePlanTest, VersionsFrom100To13AreUnderstood) {
  for (const char* version : {"1.0.0", "1.0.2-dev", "1.0.1-rc1", "1.1.0+build", "1.2.1+dev",
                              "1.3.0", "1.3.7", "1.1.0-rc.2", "1.0.0+x-y"}) {
    EXPECT_EQ(Error("/ociVersion", absl::StrCat("\"", version, "\"")), "accepted") << version;
  }
  for (const char* version : {"2.0.0", "0.9.0", "abc", "1", "1.0", "1.0.0.0", "1..0", "1.0.",
                              "1.0.x", " 1.0.0", "1.0.0-", "", "-", "01.0.0"}) {
    EXPECT_EQ(Error("/ociVersion", absl::StrCat("\"", version, "\"")),
              absl::StrCat("/ociVersion: \"", version, "\" is not a version 1.x.y [E_DOCUMENT]"));
  }
  EXPECT_EQ(Error("/ociVersion", "\"1.0.0-rc0\""),
            "/ociVersion: \"1.0.0-rc0\" is older than 1.0.0 [E_DOCUMENT]");
  EXPECT_EQ(Error("/ociVersion", "\"1.4.0\""),
            "/ociVersion: \"1.4.0\" is newer than 1.3, the last that is understood "
            "[E_UNSUPPORTED]");
  EXPECT_EQ(Error(*json::Parse("{}")),
            "/ociVersion: a string is wanted, and it is missing [E_DOCUMENT]");
  EXPECT_EQ(Error(*json::Parse("[]")), "document: an object is wanted, not array [E_DOCUMENT]");
}

TEST(MakePlanTest, ObjectsAreObjects) {
  for (const char* pointer :
       {"/root", "/linux", "/hooks", "/annotations", "/linux/resources", "/linux/seccomp",
        "/linux/personality", "/linux/sysctl", "/linux/timeOffsets", "/process", "/process/user",
        "/process/capabilities", "/process/scheduler", "/process/ioPriority",
        "/process/execCPUAffinity"}) {
    EXPECT_EQ(Error(pointer, "\"x\""),
              absl::StrCat(pointer, ": an object is wanted, not string [E_DOCUMENT]"));
  }
}

TEST(MakePlanTest, RootsHavePaths) {
  const auto plan = MakePlan(With("/root", R"({"path":"rootfs","readonly":true})"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->root_path, "rootfs");
  EXPECT_TRUE(plan->root_readonly);
  EXPECT_EQ(Error("/root", "{}"), "/root/path: a string is wanted, and it is missing [E_DOCUMENT]");
  EXPECT_EQ(Error("/root", R"({"path":""})"), "/root/path: is empty [E_DOCUMENT]");
}

TEST(MakePlanTest, AnnotationsAreStrings) {
  const auto plan = MakePlan(With("/annotations", R"({"org.a":"1","b":""})"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->annotations, ElementsAre(Pair("org.a", "1"), Pair("b", "")));
  EXPECT_EQ(Error("/annotations", R"({"a":1})"),
            "/annotations/a: a string is wanted, not number [E_DOCUMENT]");
}

TEST(MakePlanTest, HostnamesNeedAUtsNamespace) {
  EXPECT_EQ(Error("/hostname", "\"a/b\""),
            "/hostname: has a character that no hostname has [E_DOCUMENT]");
  EXPECT_EQ(Error("/domainname", absl::StrCat("\"", std::string(65, 'a'), "\"")),
            "/domainname: is longer than 64 bytes [E_DOCUMENT]");
  const json::Value shared =
      With("/linux/namespaces", R"([{"type":"mount"}])", With("/linux/sysctl", "{}"));
  EXPECT_EQ(Error(With("/hostname", "\"a\"", shared)),
            "/hostname: needs a uts namespace [E_DOCUMENT]");
  EXPECT_EQ(Error(With("/domainname", "\"a\"", shared)),
            "/domainname: needs a uts namespace [E_DOCUMENT]");
  EXPECT_EQ(Error(With("/hostname", "\"\"", shared)), "accepted");
  const json::Value joined =
      With("/linux/namespaces", R"([{"type":"mount"},{"type":"uts","path":"/p"}])", shared);
  EXPECT_EQ(Error(With("/hostname", "\"a\"", joined)), "accepted");
}

TEST(MakePlanTest, PathsOfTheContainerHaveNoWayUp) {
  EXPECT_EQ(Error("/linux/maskedPaths", R"(["proc"])"),
            "/linux/maskedPaths/0: \"proc\" is not an absolute path without \"..\" [E_DOCUMENT]");
  EXPECT_EQ(Error("/linux/readonlyPaths", R"(["/a","/proc/../x"])"),
            "/linux/readonlyPaths/1: \"/proc/../x\" is not an absolute path without \"..\" "
            "[E_DOCUMENT]");
  std::string many = "[\"/a\"";
  for (int i = 0; i < 4096; ++i) many += ",\"/a\"";
  EXPECT_EQ(Error("/linux/maskedPaths", many + "]"),
            "/linux/maskedPaths: has more than 4096 paths [E_DOCUMENT]");
}

TEST(MakePlanTest, CgroupPathsAreBelowTheRoot) {
  const auto path = [](const char* text) {
    const auto plan = MakePlan(With("/linux/cgroupsPath", absl::StrCat("\"", text, "\"")));
    return plan.ok() ? plan->cgroups_path : "refused";
  };
  EXPECT_EQ(path("/a/b"), "/a/b");
  EXPECT_EQ(path("a/b"), "/a/b");
  EXPECT_EQ(path(""), "");
  EXPECT_EQ(path("/a:b:c"), "/a:b:c");
  EXPECT_EQ(path("system.slice:stave:one"), "system.slice:stave:one");
  EXPECT_EQ(path(":stave:one"), ":stave:one");
  EXPECT_EQ(path("a:b:c/d"), "/a:b:c/d");
  EXPECT_EQ(path("a:b"), "/a:b");
  for (const char* bad :
       {"/", "/a/../..", "/a//b", "/a/", "//a", "/./a", "../a", "a:b:/..", "/a\\nb", "a\\r"}) {
    EXPECT_EQ(Error("/linux/cgroupsPath", absl::StrCat("\"", bad, "\"")),
              "/linux/cgroupsPath: is not a plain path below the root [E_DOCUMENT]")
        << bad;
  }
}

TEST(MakePlanTest, AllPropagationsOfTheRootAreUnderstood) {
  const struct {
    const char* word;
    uint64_t flag;
    bool tree;
  } cases[] = {{"private", MS_PRIVATE, false},       {"rprivate", MS_PRIVATE, true},
               {"slave", MS_SLAVE, false},           {"rslave", MS_SLAVE, true},
               {"shared", MS_SHARED, false},         {"rshared", MS_SHARED, true},
               {"unbindable", MS_UNBINDABLE, false}, {"runbindable", MS_UNBINDABLE, true}};
  for (const auto& [word, flag, tree] : cases) {
    const auto plan = MakePlan(With("/linux/rootfsPropagation", absl::StrCat("\"", word, "\"")));
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(plan->root_propagation, flag) << word;
    EXPECT_EQ(plan->root_propagation_tree, tree) << word;
  }
  for (const char* bad : {"\"rrslave\"", "\"r\"", "\"Shared\""}) {
    EXPECT_EQ(Error("/linux/rootfsPropagation", bad),
              "/linux/rootfsPropagation: is no propagation [E_DOCUMENT]");
  }
}

TEST(MakePlanTest, PersonalitiesAreTwo) {
  EXPECT_EQ(MakePlan(With("/linux/personality", R"({"domain":"LINUX"})"))->personality, PER_LINUX);
  EXPECT_EQ(MakePlan(With("/linux/personality", R"({"domain":"LINUX32","flags":[]})"))->personality,
            PER_LINUX32);
  EXPECT_EQ(Error("/linux/personality", R"({"domain":"linux"})"),
            "/linux/personality/domain: is neither LINUX nor LINUX32 [E_DOCUMENT]");
  EXPECT_EQ(Error("/linux/personality", "{}"),
            "/linux/personality/domain: a string is wanted, and it is missing [E_DOCUMENT]");
  EXPECT_EQ(Error("/linux/personality", R"({"domain":"LINUX","flags":["ADDR_NO_RANDOMIZE"]})"),
            "/linux/personality/flags: no flag is known [E_UNSUPPORTED]");
}

TEST(MakePlanTest, ListenersGoWithNotify) {
  constexpr char kNotify[] =
      R"("defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}])";
  const auto seccomp = [&](const std::string& more) {
    return With("/linux/seccomp", absl::StrCat("{", kNotify, more, "}"));
  };
  const auto plan = MakePlan(seccomp(R"(,"listenerPath":"/run/a","listenerMetadata":"m")"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->listener.path, "/run/a");
  EXPECT_EQ(plan->listener.metadata, "m");

  EXPECT_EQ(Error(seccomp("")),
            "/linux/seccomp/listenerPath: SCMP_ACT_NOTIFY needs it [E_DOCUMENT]");
  EXPECT_EQ(Error(seccomp(R"(,"listenerMetadata":"m")")),
            "/linux/seccomp/listenerMetadata: is there without listenerPath [E_DOCUMENT]");
  EXPECT_EQ(Error(seccomp(R"(,"listenerPath":"a")")),
            "/linux/seccomp/listenerPath: is not an absolute path [E_DOCUMENT]");
  EXPECT_EQ(Error(seccomp(absl::StrCat(",\"listenerPath\":\"/", std::string(106, 'a'), "\""))),
            "accepted");
  EXPECT_EQ(Error(seccomp(absl::StrCat(",\"listenerPath\":\"/", std::string(107, 'a'), "\""))),
            "/linux/seccomp/listenerPath: is longer than 107 bytes, the limit of a socket's path "
            "[E_DOCUMENT]");
}

TEST(MakePlanTest, AListenerWithoutNotifyIsIgnored) {
  const auto plan = MakePlan(
      With("/linux/seccomp", R"({"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/a"})"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->listener.path, "");
}

TEST(MakePlanTest, WhatHandsOverTheListenerCannotNotify) {
  EXPECT_EQ(Error("/linux/seccomp", R"({"defaultAction":"SCMP_ACT_NOTIFY","listenerPath":"/a"})"),
            "/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY cannot be the default [E_DOCUMENT]");
  EXPECT_EQ(Error("/linux/seccomp",
                  R"({"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/a",
                "syscalls":[{"names":["read","write"],"action":"SCMP_ACT_NOTIFY"}]})"),
            "/linux/seccomp/syscalls/0/names: SCMP_ACT_NOTIFY cannot be the action of write "
            "[E_DOCUMENT]");
}

TEST(MakePlanTest, WhatIsNotDoneIsRefused) {
  for (const char* key : {"intelRdt", "memoryPolicy", "netDevices"}) {
    EXPECT_EQ(Error(absl::StrCat("/linux/", key), "{}"),
              absl::StrCat("/linux/", key, ": is not supported [E_UNSUPPORTED]"));
  }
}

TEST(MakePlanTest, LabelsAreKept) {
  const auto plan =
      MakePlan(With("/linux/mountLabel", "\"a:b:c\"", With("/process/selinuxLabel", "\"d:e:f\"")));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->mount_label, "a:b:c");
  EXPECT_EQ(plan->process.selinux_label, "d:e:f");
}

TEST(HooksTest, AllSixAreRead) {
  const auto plan = MakePlan(With("/hooks", R"({
      "prestart": [{"path":"/a"}], "createRuntime": [{"path":"/b"},{"path":"/b2"}],
      "createContainer": [{"path":"/c","args":["c","1"],"env":["A=1"],"timeout":3}],
      "startContainer": [{"path":"/d/../e"}], "poststart": [{"path":"/e"}],
      "poststop": [{"path":"/f"}], "somethingElse": 7})"));

  ASSERT_TRUE(plan.ok()) << plan.status();
  const Hooks& hooks = plan->hooks;
  EXPECT_EQ(hooks.prestart[0].path, "/a");
  EXPECT_THAT(hooks.prestart[0].args, IsEmpty());
  EXPECT_FALSE(hooks.prestart[0].timeout.has_value());
  EXPECT_THAT(hooks.create_runtime, SizeIs(2));
  EXPECT_THAT(hooks.create_container[0].args, ElementsAre("c", "1"));
  EXPECT_THAT(hooks.create_container[0].env, ElementsAre("A=1"));
  EXPECT_EQ(hooks.create_container[0].timeout, absl::Seconds(3));
  EXPECT_EQ(hooks.start_container[0].path, "/d/../e");
  EXPECT_EQ(hooks.poststart[0].path, "/e");
  EXPECT_EQ(hooks.poststop[0].path, "/f");
}

TEST(HooksTest, BadOnesAreRefused) {
  EXPECT_EQ(Error("/hooks", R"({"prestart":[{"path":"true"}]})"),
            "/hooks/prestart/0/path: is not an absolute path [E_DOCUMENT]");
  EXPECT_EQ(Error("/hooks", R"({"poststop":[{}]})"),
            "/hooks/poststop/0/path: a string is wanted, and it is missing [E_DOCUMENT]");
  EXPECT_EQ(Error("/hooks", R"({"poststop":["/bin/true"]})"),
            "/hooks/poststop/0: an object is wanted, not string [E_DOCUMENT]");
  EXPECT_EQ(Error("/hooks", R"({"poststart":{}})"),
            "/hooks/poststart: an array is wanted, not object [E_DOCUMENT]");
  EXPECT_EQ(Error("/hooks", R"({"poststart":[{"path":"/a","timeout":0}]})"),
            "/hooks/poststart/0/timeout: 0 is not within 1..2147483647 [E_DOCUMENT]");
  EXPECT_EQ(Error("/hooks", R"({"poststart":[{"path":"/a","timeout":-1}]})"),
            "/hooks/poststart/0/timeout: -1 is not within 1..2147483647 [E_DOCUMENT]");
  EXPECT_EQ(Error("/hooks", R"({"poststart":[{"path":"/a","env":[1]}]})"),
            "/hooks/poststart/0/env/0: a string is wanted, not number [E_DOCUMENT]");
  EXPECT_EQ(Error("/hooks", R"({"poststart":[{"path":"/a\u0000b"}]})"),
            "/hooks/poststart/0/path: a NUL character is in the string [E_NUL]");
}

}  // namespace
}  // namespace stave::runtime

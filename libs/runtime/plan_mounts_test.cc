// SPDX-License-Identifier: Apache-2.0
//
// plan.h: mounts and devices.
#include <linux/mount.h>
#include <sys/stat.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/plan_test_config.h"

namespace stave::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kMaps[] =
    R"("uidMappings":[{"containerID":0,"hostID":1000,"size":1}],
       "gidMappings":[{"containerID":0,"hostID":2000,"size":1}])";

std::string Mounts(const std::string& members) {
  return absl::StrCat("[{\"destination\":\"/x\",", members, "}]");
}

absl::StatusOr<Plan> PlanOf(const std::string& members) {
  return MakePlan(With("/mounts", Mounts(members)));
}

std::string MountError(const std::string& members) { return Error("/mounts", Mounts(members)); }

TEST(MountsTest, DestinationsAreBelowTheRoot) {
  const auto error = [](const char* destination) {
    return Error("/mounts",
                 absl::StrCat("[{\"type\":\"tmpfs\",\"destination\":\"", destination, "\"}]"));
  };
  EXPECT_EQ(error("/a/../../b"), "/mounts/0/destination: has \"..\" in it [E_DOCUMENT]");
  EXPECT_EQ(error("/proc/../proc"), "/mounts/0/destination: has \"..\" in it [E_DOCUMENT]");
  EXPECT_EQ(error(""), "/mounts/0/destination: is empty [E_DOCUMENT]");
  for (const char* root : {"/", ".", "//", "/./"}) {
    EXPECT_EQ(error(root), "/mounts/0/destination: is the root itself [E_DOCUMENT]");
  }
  EXPECT_EQ(error(std::string(4095, 'a').c_str()),
            "/mounts/0/destination: is longer than 4095 bytes [E_DOCUMENT]");
  EXPECT_EQ(Error("/mounts", R"([{"type":"tmpfs"}])"),
            "/mounts/0/destination: a string is wanted, and it is missing [E_DOCUMENT]");
  const auto plan = MakePlan(With("/mounts", R"([{"destination":"a/b","type":"tmpfs"}])"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->mounts[0].destination, "/a/b");
}

TEST(MountsTest, BindsHaveASourceAndNoType) {
  const auto plan = PlanOf(R"("type":"none","source":"data","options":["rbind","ro"])");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->mounts[0].type, "");
  EXPECT_EQ(plan->mounts[0].source, "data");
  EXPECT_EQ(plan->mounts[0].id_mapped, IdMapped::kNo);
  EXPECT_EQ(MountError(R"("options":["bind"])"), "/mounts/0/source: is missing [E_DOCUMENT]");
  EXPECT_EQ(MountError(R"("source":"/a")"), "/mounts/0/type: is missing [E_DOCUMENT]");
  const auto sized = PlanOf(R"("source":"/a","options":["bind","size=1"])");
  ASSERT_TRUE(sized.ok()) << sized.status();
  EXPECT_TRUE(sized->mounts[0].options.parameters.empty());
  EXPECT_EQ(sized->doubts.back(), "/mounts/0/options: option size: is not for a bind mount");
  const auto both = PlanOf(R"("type":"tmpfs","options":["ro","rw"])");
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(both->mounts[0].options.set & MOUNT_ATTR_RDONLY, 0u);
  EXPECT_EQ(both->doubts.back(), "/mounts/0/options: options ro and rw contradict each other");
}

TEST(MountsTest, CopyUpIsForTmpfs) {
  const auto plan = PlanOf(R"("type":"tmpfs","options":["tmpcopyup","size=1m"])");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->mounts[0].options.copy_up);
  EXPECT_EQ(MountError(R"("type":"proc","options":["tmpcopyup"])"),
            "/mounts/0/options: tmpcopyup is for a tmpfs only [E_DOCUMENT]");
  EXPECT_EQ(MountError(R"("type":"tmpfs","source":"/a","options":["bind","tmpcopyup"])"),
            "/mounts/0/options: tmpcopyup is for a tmpfs only [E_DOCUMENT]");
}

TEST(MountsTest, IdMappedBindsBringMappings) {
  const struct {
    const char* options;
    IdMapped wanted;
  } cases[] = {{R"(["bind"])", IdMapped::kMount},
               {R"(["rbind","idmap"])", IdMapped::kMount},
               {R"(["rbind","ridmap"])", IdMapped::kTree}};
  for (const auto& [options, wanted] : cases) {
    const auto plan = PlanOf(absl::StrCat("\"source\":\"/a\",\"options\":", options, ",", kMaps));
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(plan->mounts[0].id_mapped, wanted) << options;
    EXPECT_EQ(plan->mounts[0].uid_mappings[0].host_id, 1000u);
    EXPECT_EQ(plan->mounts[0].gid_mappings[0].host_id, 2000u);
  }
}

TEST(MountsTest, OrTakeThoseOfTheUserNamespace) {
  constexpr char kBind[] = R"([{"destination":"/x","source":"/a","options":["bind","idmap"]}])";
  EXPECT_EQ(Error("/mounts", kBind),
            "/mounts/0: an idmapped mount needs uidMappings and gidMappings, or a user namespace "
            "[E_DOCUMENT]");
  const json::Value joined =
      With("/linux/namespaces", R"([{"type":"mount"},{"type":"user","path":"/p"}])",
           With("/linux/sysctl", "{}"));
  const auto plan = MakePlan(With("/mounts", kBind, joined));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->mounts[0].id_mapped, IdMapped::kMount);
  EXPECT_THAT(plan->mounts[0].uid_mappings, IsEmpty());
}

TEST(MountsTest, OtherIdMapsAreRefused) {
  EXPECT_EQ(MountError(absl::StrCat(R"("type":"tmpfs",)", kMaps)),
            "/mounts/0: only a bind mount can be idmapped [E_DOCUMENT]");
  EXPECT_EQ(MountError(R"("type":"tmpfs","options":["ridmap"])"),
            "/mounts/0: only a bind mount can be idmapped [E_DOCUMENT]");
  EXPECT_EQ(MountError(R"("source":"/a","options":["bind","idmap"],
                          "uidMappings":[{"containerID":0,"hostID":1000,"size":1}])"),
            "/mounts/0: uidMappings and gidMappings come together or not at all [E_DOCUMENT]");
  EXPECT_EQ(MountError(R"("source":"/a","options":["bind","idmap"],
                          "uidMappings":[{"containerID":0,"hostID":1000,"size":0}])"),
            "/mounts/0/uidMappings/0/size: 0 is not within 1..4294967295 [E_DOCUMENT]");
}

TEST(DevicesTest, AreRead) {
  const auto plan = MakePlan(With("/linux/devices", R"([
      {"path":"/dev/a","type":"c","major":10,"minor":229,"fileMode":8630,"uid":1,"gid":2},
      {"path":"/srv/pipe","type":"p"}, {"path":"/dev/b","type":"u","major":1,"minor":3},
      {"path":"/dev/d","type":"b","major":4095,"minor":1048575}])"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_THAT(plan->devices, SizeIs(4));
  EXPECT_EQ(plan->devices[0].type, static_cast<mode_t>(S_IFCHR));
  EXPECT_EQ(plan->devices[0].minor, 229u);
  EXPECT_EQ(plan->devices[0].mode, 0666u);  // 8630: with the bits of the type
  EXPECT_EQ(plan->devices[0].gid, 2u);
  EXPECT_EQ(plan->devices[1].type, static_cast<mode_t>(S_IFIFO));
  EXPECT_EQ(plan->devices[2].type, static_cast<mode_t>(S_IFCHR));
  EXPECT_EQ(plan->devices[3].type, static_cast<mode_t>(S_IFBLK));
}

TEST(DevicesTest, BadOnesAreRefused) {
  const auto error = [](const char* device) {
    return Error("/linux/devices", absl::StrCat("[", device, "]"));
  };
  EXPECT_EQ(error(R"({"path":"/dev/x","type":"x"})"),
            "/linux/devices/0/type: is none of c, b, u, p [E_DOCUMENT]");
  EXPECT_EQ(error(R"({"path":"/dev/x","type":"c","major":-1})"),
            "/linux/devices/0/major: -1 is not within 0..4095 [E_DOCUMENT]");
  EXPECT_EQ(error(R"({"path":"/dev/x","type":"b","major":8,"minor":-1})"),
            "/linux/devices/0/minor: -1 is not within 0..1048575 [E_DOCUMENT]");
  EXPECT_EQ(error(R"({"path":"/dev/x","type":"c","major":1})"),
            "/linux/devices/0/minor: a number is wanted, and it is missing [E_DOCUMENT]");
  EXPECT_EQ(error(R"({"path":"../../dev/x","type":"c"})"),
            "/linux/devices/0/path: \"../../dev/x\" is not an absolute path without \"..\" "
            "[E_DOCUMENT]");
  EXPECT_EQ(error(R"({"path":"//","type":"c"})"),
            "/linux/devices/0/path: is the root itself [E_DOCUMENT]");
  EXPECT_EQ(error(R"({"path":"/x","type":"c","major":1,"minor":3,"fileMode":-1})"),
            "/linux/devices/0/fileMode: -1 is not within 0..65535 [E_DOCUMENT]");
}

TEST(DevicesTest, OnePathIsOneDevice) {
  EXPECT_EQ(Error("/linux/devices",
                  R"([{"path":"/dev/x","type":"c","major":1,"minor":3},
                      {"path":"/dev/./x","type":"c","major":1,"minor":5}])"),
            "/linux/devices/1/path: appears twice, as two devices [E_DOCUMENT]");
  const auto plan = MakePlan(With("/linux/devices",
                                  R"([{"path":"/dev/x","type":"c","major":1,"minor":3},
                                      {"path":"/dev//x","type":"c","major":1,"minor":3}])"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->devices, SizeIs(1));
}

}  // namespace
}  // namespace stave::runtime

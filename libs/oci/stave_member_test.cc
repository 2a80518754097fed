// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/stave_member.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::oci {
namespace {

const Digest kA = DigestOf("a");
const Digest kB = DigestOf("b");

std::string Refusal(absl::string_view member) {
  const json::Value document = *json::Parse(absl::StrCat(R"({"stave":)", member, "}"));
  const absl::Status status = GetStaveMember(document).status();
  return absl::StrCat(base::ErrorWord(status), " ", status.message());
}

TEST(StaveMemberTest, AbsentIsAllDefaults) {
  const auto member = GetStaveMember(*json::Parse("{}"));

  ASSERT_TRUE(member.ok());
  EXPECT_EQ(member->store, "");
  EXPECT_FALSE(member->image.has_value());
  EXPECT_FALSE(member->rootfs_readonly);
}

TEST(StaveMemberTest, ReadsWhatWasSet) {
  json::Value document;
  ImageConfig config;
  config.entrypoint = {"/e"};
  config.user = "app";
  config.volumes = {"/v"};
  config.stop_signal = "SIGINT";
  SetStore("/var/lib/stave", &document);
  SetImage(MakeImageMember("docker.io/library/a:1", kA, kB, {kA, kB}, config), &document);
  SetName("web", &document);
  SetLabels({{"a", "1"}, {"b", "2"}}, &document);
  SetLabels({{"a", "3"}}, &document);
  SetRootfsReadonly(true, &document);
  SetMode("network", "none", &document);
  SetMode("pid", "container:db", &document);

  const auto member = GetStaveMember(*json::Parse(json::Print(document)));

  ASSERT_TRUE(member.ok()) << member.status();
  EXPECT_EQ(member->store, "/var/lib/stave");
  EXPECT_EQ(member->image->reference, "docker.io/library/a:1");
  EXPECT_EQ(member->image->manifest, kA);
  EXPECT_EQ(member->image->config, kB);
  EXPECT_EQ(member->image->layers, (std::vector<Digest>{kA, kB}));
  EXPECT_EQ(member->image->command.entrypoint, std::vector<std::string>{"/e"});
  EXPECT_EQ(member->image->command.cmd, std::nullopt);
  EXPECT_EQ(member->image->stop_signal, "SIGINT");
  EXPECT_EQ(member->name, "web");
  EXPECT_EQ(member->labels, (TextPairs{{"a", "3"}, {"b", "2"}}));
  EXPECT_TRUE(member->rootfs_readonly);
  EXPECT_EQ(member->network_mode, "none");
  EXPECT_EQ(member->pid_mode, "container:db");
  EXPECT_EQ(member->ipc_mode, "");
}

TEST(StaveMemberTest, SettingKeepsTheRest) {
  json::Value document = *json::Parse(
      R"({"x":1,"stave":{"version":1,"later":{"n":1.50},"rootfs":{"size":5},"name":"a"},"y":2})");

  SetRootfsReadonly(false, &document);
  SetName("bb", &document);

  EXPECT_EQ(json::Print(document), R"({"x":1,"stave":{"version":1,"later":{"n":1.50},)"
                                   R"("rootfs":{"size":5,"readonly":false},"name":"bb"},"y":2})");
}

TEST(StaveMemberTest, NamesWhatItRefuses) {
  EXPECT_EQ(Refusal("[]"), "E_DOCUMENT /stave: is an array, not an object");
  EXPECT_EQ(Refusal(R"({"version":2})"),
            "E_DOCUMENT /stave/version: 2: was written by a newer stave");
  EXPECT_EQ(Refusal(R"({"store":"x"})"), "E_DOCUMENT /stave/store: is not an absolute path");
  EXPECT_EQ(Refusal(R"({"store":"/a/../b"})"), "E_DOCUMENT /stave/store: holds \"..\"");
  EXPECT_EQ(Refusal(R"({"rootfs":{"readonly":1}})"),
            "E_DOCUMENT /stave/rootfs/readonly: is a number, not a boolean");
  EXPECT_EQ(Refusal(R"({"ipc":{"mode":1}})"),
            "E_DOCUMENT /stave/ipc/mode: is a number, not a string");
  EXPECT_EQ(Refusal(R"({"name":"../x"})").substr(0, 30), "E_DOCUMENT /stave/name: \"../x\"");
  EXPECT_EQ(Refusal(absl::StrCat(R"({"image":{"manifest":")", kA.ToString(), R"(","config":")",
                                 kB.ToString(), R"(","layers":["../../etc"]}})")),
            "E_DIGEST /stave/image/layers/0: digest \"../../etc\": does not begin with "
            "\"sha256:\"");
  EXPECT_EQ(Refusal(R"({"image":{}})").substr(0, 31), "E_DIGEST /stave/image/manifest:");
}

TEST(CheckContainerNameTest, GrammarOfNames) {
  for (const char* name : {"web", "a", "a1", "my_web.1-x", "0a"}) {
    EXPECT_TRUE(CheckContainerName(name).ok()) << name;
  }
  for (const char* name : {"", "-", "-rf", ".x", "../x", "a/b", "a b", "a\n", "\x1b[31m"}) {
    EXPECT_EQ(base::ErrorWord(CheckContainerName(name)), "E_NAME") << name;
  }
  EXPECT_FALSE(CheckContainerName(std::string(300, 'a')).ok());
}

}  // namespace
}  // namespace stave::oci

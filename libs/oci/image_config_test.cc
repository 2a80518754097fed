// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/image_config.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::oci {
namespace {

const std::string kDiffId = absl::StrCat("sha256:", std::string(64, 'd'));

std::string With(absl::string_view config) {
  return absl::StrCat(R"({"architecture":"amd64","os":"linux","config":)", config,
                      R"(,"rootfs":{"type":"layers","diff_ids":[")", kDiffId, R"("]}})");
}

std::string Refusal(absl::string_view config) {
  const absl::Status status = ParseImageConfig(With(config)).status();
  return absl::StrCat(base::ErrorWord(status), " ", status.message());
}

TEST(ParseImageConfigTest, ReadsAll) {
  const auto config = ParseImageConfig(absl::StrCat(
      R"({"created":"2015-10-31T22:22:56.015925234Z","author":"A","architecture":"arm64",
          "variant":"v8","os":"linux","unknown":[1],
          "config":{"User":"alice","ExposedPorts":{"8080/tcp":{},"90-95/udp":{}},
            "Env":["PATH=/bin","E="],"Entrypoint":["/bin/app"],"Cmd":["--x"],
            "Volumes":{"/var/log":{}},"WorkingDir":"/home/alice","Labels":{"a":"b"},
            "StopSignal":"SIGRTMIN+3",
            "Healthcheck":{"Test":["CMD","true"],"Interval":30000000000,"Retries":3}},
          "rootfs":{"diff_ids":[")",
      kDiffId, R"("],"type":"layers"},"history":[{}]})"));

  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(PlatformName(config->platform), "linux/arm64");
  EXPECT_EQ(config->created, "2015-10-31T22:22:56.015925234Z");
  EXPECT_EQ(config->user, "alice");
  EXPECT_EQ(config->env, (std::vector<std::string>{"PATH=/bin", "E="}));
  EXPECT_EQ(config->entrypoint, std::vector<std::string>{"/bin/app"});
  EXPECT_EQ(config->cmd, std::vector<std::string>{"--x"});
  EXPECT_EQ(config->exposed_ports, (std::vector<std::string>{"8080/tcp", "90-95/udp"}));
  EXPECT_EQ(config->volumes, std::vector<std::string>{"/var/log"});
  EXPECT_EQ(config->working_dir, "/home/alice");
  EXPECT_EQ(config->labels, (TextPairs{{"a", "b"}}));
  EXPECT_EQ(config->stop_signal, "SIGRTMIN+3");
  EXPECT_TRUE(config->healthcheck.has_value());
  ASSERT_EQ(config->diff_ids.size(), 1u);
  EXPECT_EQ(config->diff_ids[0].ToString(), kDiffId);
}

TEST(ParseImageConfigTest, NullsAreAbsent) {
  const auto config =
      ParseImageConfig(With(R"({"User":"","Env":null,"Entrypoint":null,"Cmd":null,"Volumes":null,
               "ExposedPorts":null,"Labels":null,"WorkingDir":"","Healthcheck":null})"));

  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->entrypoint, std::nullopt);
  EXPECT_EQ(config->cmd, std::nullopt);
  EXPECT_TRUE(ParseImageConfig(With("null")).ok());
}

TEST(ParseImageConfigTest, WrongDateIsUnknown) {
  std::string text = With("{}");
  text.insert(1, R"("created":"year 99999",)");

  EXPECT_EQ(ParseImageConfig(text)->created, "");
}

TEST(ParseImageConfigTest, NamesTheHostileMember) {
  EXPECT_EQ(Refusal(R"({"User":"4294967296"})"),
            "E_CONFIG /config/User: user \"4294967296\": a number is not within 0..4294967294");
  EXPECT_EQ(Refusal(R"({"Env":["NOVALUE"]})"),
            "E_CONFIG /config/Env: \"NOVALUE\": is not NAME=VALUE");
  EXPECT_EQ(Refusal(R"({"Env":["=x"]})"), "E_CONFIG /config/Env: \"=x\": is not NAME=VALUE");
  EXPECT_EQ(Refusal(absl::StrCat(R"({"Env":["A=)", std::string(200000, 'x'), R"("]})")),
            "E_CONFIG /config/Env: \"A\": is longer than 128 KiB");
  EXPECT_EQ(Refusal(R"({"Entrypoint":"sh"})"),
            "E_CONFIG /config/Entrypoint: is a string, not an array");
  EXPECT_EQ(Refusal(R"({"Cmd":["a\u0000b"]})"), "E_CONFIG /config/Cmd/0: holds a NUL character");
  EXPECT_EQ(Refusal(R"({"WorkingDir":"../.."})"),
            "E_CONFIG /config/WorkingDir: \"../..\": is not an absolute path");
  EXPECT_EQ(Refusal(R"({"WorkingDir":"/a/../.."})"),
            "E_CONFIG /config/WorkingDir: \"/a/../..\": holds \"..\"");
  EXPECT_EQ(Refusal(R"({"Volumes":{"/../etc":{}}})"),
            "E_CONFIG /config/Volumes: \"/../etc\": holds \"..\"");
  EXPECT_EQ(Refusal(R"({"StopSignal":"SIGNOPE"})"),
            "E_CONFIG /config/StopSignal: \"SIGNOPE\": is no signal");
  EXPECT_EQ(Refusal(R"({"Healthcheck":{"Interval":-1}})"),
            "E_CONFIG /config/Healthcheck/Interval: -1: is not within 0..9007199254740992");
  EXPECT_EQ(Refusal(R"({"Labels":{"a":1}})"),
            "E_CONFIG /config/Labels/a: is a number, not a string");
}

TEST(ParseImageConfigTest, RefusesBadPorts) {
  for (const char* port : {"99999/tcp", "0/tcp", "80/xyz", "x/tcp", "", "9-8/tcp", "-1", "80/"}) {
    EXPECT_NE(Refusal(absl::StrCat(R"({"ExposedPorts":{")", port, R"(":{}}})"))
                  .find("E_CONFIG /config/ExposedPorts"),
              std::string::npos)
        << port;
  }
}

TEST(ParseImageConfigTest, RefusesBadRootfs) {
  const auto word = [](absl::string_view text) {
    return base::ErrorWord(ParseImageConfig(text).status());
  };
  EXPECT_EQ(word(R"({"os":"linux","architecture":"amd64"})"), "E_CONFIG");
  EXPECT_EQ(word(R"({"os":"linux","architecture":"amd64","rootfs":{"type":"x"}})"), "E_CONFIG");
  EXPECT_EQ(word(R"({"os":"linux","architecture":"amd64",
                     "rootfs":{"type":"layers","diff_ids":["sha256:../x"]}})"),
            "E_DIGEST");
  EXPECT_EQ(word(R"({"os":"linux","rootfs":{"type":"layers"}})"), "E_CONFIG");
  EXPECT_EQ(word("{}"), "E_CONFIG");
  EXPECT_EQ(word("{"), "E_JSON");
  EXPECT_EQ(word(std::string(kMaxImageConfigSize + 1, ' ')), "E_LIMIT");
}

TEST(CheckSameLayersTest, CountsMustAgree) {
  const ImageConfig config = *ParseImageConfig(With("{}"));
  const Descriptor blob{"m", DigestOf(""), 0, {}, "", {}};

  EXPECT_TRUE(CheckSameLayers({"", blob, {blob}}, config).ok());
  EXPECT_EQ(CheckSameLayers({"", blob, {}}, config).message(),
            "manifest has 0 layers, but the image config 1 diff_ids");
}

}  // namespace
}  // namespace stave::oci

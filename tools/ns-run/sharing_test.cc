// SPDX-License-Identifier: Apache-2.0
#include "tools/ns-run/sharing.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"
#include "libs/oci/default_config.h"
#include "libs/oci/process.h"

namespace stave::tools {
namespace {

using cli::Takes;
using testing::HasSubstr;

constexpr cli::Option kOptions[] = {
    {"device", 0, Takes::kList, "", ""},     {"pid", 0, Takes::kValue, "", ""},
    {"ipc", 0, Takes::kValue, "", ""},       {"uts", 0, Takes::kValue, "", ""},
    {"cgroupns", 0, Takes::kValue, "", ""},  {"userns", 0, Takes::kValue, "", ""},
    {"hostname", 0, Takes::kValue, "", ""},  {"domainname", 0, Takes::kValue, "", ""},
    {"network", 0, Takes::kValue, "", ""},   {"dns", 0, Takes::kList, "", ""},
    {"dns-search", 0, Takes::kList, "", ""}, {"dns-option", 0, Takes::kList, "", ""},
    {"add-host", 0, Takes::kList, "", ""},   {"shm-size", 0, Takes::kValue, "", ""},
};

std::string Shared(std::vector<std::string> words, absl::string_view text = "{}") {
  words.insert(words.begin(), "ns-run");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const cli::Program program = {
      .name = "ns-run", .purpose = "", .synopsis = "", .options = kOptions};
  const auto given = cli::ParseCommandLine(program, static_cast<int>(words.size()), argv.data());
  json::Value document = *json::Parse(text);
  const absl::Status status = Share(*given, &document);
  return status.ok() ? json::Print(document) : std::string(status.message());
}

TEST(ShareTest, ADevice) {
  const std::string text = Shared({"--device", "/dev/null:/dev/also:r"});

  EXPECT_THAT(text, HasSubstr(R"("devices":[{"path":"/dev/also","type":"c","major":1,"minor":3,)"));
  EXPECT_THAT(text, HasSubstr(R"({"allow":true,"type":"c","major":1,"minor":3,"access":"r"})"));
  EXPECT_THAT(Shared({"--device", "/dev/zero"}), HasSubstr(R"("path":"/dev/zero")"));
  EXPECT_THAT(Shared({"--device", "/dev/zero:w"}), HasSubstr(R"("access":"w")"));
}

TEST(ShareTest, WhatIsNoDevice) {
  EXPECT_EQ(Shared({"--device", "/"}), "--device: \"/\": is not a device");
  EXPECT_EQ(Shared({"--device", "x"}), "--device: \"x\": is no /dev/HOST[:/dev/CONTAINER[:rwm]]");
  EXPECT_THAT(Shared({"--device", "/dev/none/such"}),
              HasSubstr("--device: /dev/none/such: stat: "));
}

TEST(ShareTest, Namespaces) {
  constexpr char kBoth[] = R"({"linux":{"namespaces":[{"type":"pid"},{"type":"ipc"}]},)"
                           R"("mounts":[{"destination":"/dev/shm","type":"tmpfs"}]})";

  EXPECT_EQ(Shared({"--pid", "private", "--ipc", "private"}, kBoth), kBoth);
  EXPECT_EQ(Shared({"--pid", "host"}, kBoth),
            R"({"linux":{"namespaces":[{"type":"ipc"}]},)"
            R"("mounts":[{"destination":"/dev/shm","type":"tmpfs"}]})");
  EXPECT_THAT(Shared({"--ipc", "host"}, kBoth),
              HasSubstr(R"({"destination":"/dev/shm","type":"bind","source":"/dev/shm")"));
  EXPECT_EQ(
      Shared({"--pid", "private"}, R"({"linux":{"namespaces":[{"type":"pid","path":"/p"}]}})"),
      R"({"linux":{"namespaces":[{"type":"pid"}]}})");
}

TEST(ShareTest, NamespacesOfAnother) {
  const std::string shared = Shared({"--pid", "container:web", "--ipc", "container:db"});

  EXPECT_EQ(
      shared,
      R"({"stave":{"version":1,"pid":{"mode":"container:web"},"ipc":{"mode":"container:db"}},)"
      R"("linux":{"namespaces":[{"type":"pid"},{"type":"ipc"}]}})");
  EXPECT_THAT(Shared({"--pid", "host"}, shared), HasSubstr(R"("pid":{"mode":""})"));
  EXPECT_THAT(Shared({"--ipc", "private"}, shared), HasSubstr(R"("ipc":{"mode":""})"));
  EXPECT_THAT(Shared({"--ipc", "shareable"}), HasSubstr(R"("ipc":{"mode":"shareable"})"));
}

TEST(ShareTest, TheMachinesOwn) {
  constexpr char kThree[] =
      R"({"hostname":"box","linux":{"namespaces":[{"type":"uts"},{"type":"cgroup"},{"type":"user"}],)"
      R"("uidMappings":[],"gidMappings":[],"x":1}})";

  EXPECT_EQ(Shared({"--uts", "host", "--cgroupns", "host", "--userns", "host"}, kThree),
            R"({"linux":{"namespaces":[],"x":1}})");
  EXPECT_EQ(Shared({"--uts", "private", "--cgroupns", "private"}, kThree), kThree);
}

TEST(ShareTest, WhatIsAnothersToSay) {
  for (const auto& [option, what] :
       std::vector<std::pair<std::string, std::string>>{{"--dns", "dns"},
                                                        {"--add-host", "custom host-to-IP mapping"},
                                                        {"--hostname", "hostname"}}) {
    EXPECT_EQ(Shared({"--network", "container:db", option, "x"}),
              "conflicting options: " + what + " and the network mode");
  }
  EXPECT_EQ(Shared({"--ipc", "container:db", "--shm-size", "1m"}),
            "--shm-size: with --ipc container:NAME it is that one's");
}

TEST(ShareTest, WrongModes) {
  EXPECT_EQ(Shared({"--pid", "x"}), "--pid: \"x\": is none of host, private, container:NAME");
  EXPECT_EQ(Shared({"--pid", "shareable"}),
            "--pid: \"shareable\": is none of host, private, container:NAME");
  EXPECT_EQ(Shared({"--ipc", "container:"}),
            "--ipc: \"container:\": is none of host, private, shareable, container:NAME");
  EXPECT_EQ(Shared({"--uts", "container:a"}),
            "--uts: \"container:a\": is neither host nor private");
  EXPECT_EQ(Shared({"--userns", "private"}), "--userns: \"private\": is not host");
  EXPECT_EQ(Shared({"--uts", "host", "--hostname", "box"}),
            "--hostname: with --uts host it is the machine's");
  EXPECT_EQ(Shared({"--uts", "host", "--domainname", "d"}),
            "--domainname: with --uts host it is the machine's");
}

TEST(MakePrivilegedTest, NothingIsKeptFromIt) {
  json::Value document = oci::DefaultConfig();
  MakePrivileged(&document);

  EXPECT_GT(oci::BoundingCapabilities(document).size(), 35u);
  for (const char* gone : {"seccomp", "maskedPaths", "readonlyPaths"}) {
    EXPECT_EQ(document.Find({"linux", gone}), nullptr) << gone;
  }
  EXPECT_EQ(json::Print(*document.Find({"linux", "resources", "devices"})),
            R"([{"allow":true,"access":"rwm"}])");
  EXPECT_EQ(document.Find({"linux", "resources", "pids", "limit"})->text(), "4096");
  for (const json::Value& mount : document.Find("mounts")->elements()) {
    for (const json::Value& option : mount.Find("options")->elements()) {
      EXPECT_NE(option.text(), "ro");
    }
  }
}

}  // namespace
}  // namespace stave::tools

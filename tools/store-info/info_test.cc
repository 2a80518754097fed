// SPDX-License-Identifier: Apache-2.0
#include "tools/store-info/info.h"

#include <string>

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

Facts SomeFacts() {
  Facts facts;
  facts.version = "1.2.3";
  facts.running = 2;
  facts.paused = 1;
  facts.stopped = 3;
  facts.images = 5;
  facts.root = "/var/lib/stave";
  facts.file_system = "extfs";
  facts.machine = {"6.1.0", "A B 12", "12", "x86_64", "host", 2, int64_t{3} << 30, "2", true};
  return facts;
}

TEST(InfoTest, TextIsLaidOutAsDockers) {
  EXPECT_EQ(InfoText(SomeFacts()),
            "Client: stave\n Version:    1.2.3\n Context:    default\n Debug Mode: false\n\n"
            "Server:\n Containers: 6\n  Running: 2\n  Paused: 1\n  Stopped: 3\n Images: 5\n"
            " Server Version: 28.5.2\n Storage Driver: overlay2\n  Backing Filesystem: extfs\n"
            "  Supports d_type: true\n  userxattr: false\n Logging Driver: json-file\n"
            " Cgroup Driver: cgroupfs\n Cgroup Version: 2\n Plugins:\n  Volume: \n"
            "  Network: container host none\n  Log: journald json-file none\n Swarm: inactive\n"
            " Runtimes: stave\n Default Runtime: stave\n Init Binary: \n Security Options:\n"
            "  seccomp\n   Profile: builtin\n  cgroupns\n Kernel Version: 6.1.0\n"
            " Operating System: A B 12\n OSType: linux\n Architecture: x86_64\n CPUs: 2\n"
            " Total Memory: 3GiB\n Name: host\n Docker Root Dir: /var/lib/stave\n"
            " Debug Mode: false\n Experimental: false\n Live Restore Enabled: true\n\n");
}

TEST(InfoTest, WhatIsNotKnownHasNoLine) {
  Facts facts = SomeFacts();
  facts.machine = {};
  facts.is_root = false;
  const std::string text = InfoText(facts);
  EXPECT_EQ(text.find("Kernel Version"), std::string::npos);
  EXPECT_EQ(text.find("seccomp"), std::string::npos);
  EXPECT_NE(text.find("  rootless\n"), std::string::npos);
}

TEST(InfoTest, JsonHasDockersMembers) {
  const json::Value json = InfoJson(SomeFacts());
  EXPECT_EQ(json.Find("Containers")->text(), "6");
  EXPECT_EQ(json.Find("ContainersStopped")->text(), "3");
  EXPECT_EQ(json.Find("DriverStatus")->elements()[0].elements()[1].text(), "extfs");
  EXPECT_EQ(json.Find("SecurityOptions")->elements()[0].text(), "name=seccomp,profile=builtin");
  EXPECT_EQ(json.Find({"Swarm", "LocalNodeState"})->text(), "inactive");
  EXPECT_EQ(json.Find("MemTotal")->text(), "3221225472");
  EXPECT_TRUE(json.Find("Warnings")->is_null());
}

}  // namespace
}  // namespace stave::tools

// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/inspect_config.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/json/parse.h"
#include "libs/oci/default_config.h"

namespace stave::tools {
namespace {

const std::string kId(64, 'a');

// A document as image-fetch and ns-run write it.
json::Value Document() {
  json::Value document = oci::DefaultConfig();
  document.Set("hostname", json::Value::String("aaaaaaaaaaaa"));
  document.Make({"process"}).Set("args", json::Value::Strings({"/entry", "serve"}));
  document.Make({"process"})
      .Set("env",
           json::Value::Strings({"PATH=/bin", "HOME=/root", "HOSTNAME=aaaaaaaaaaaa", "A=1"}));
  document.Make({"linux"}).Set("cgroupsPath", json::Value::String(absl::StrCat("/stave/", kId)));
  document.Make({"stave"}).Set(
      "image", *json::Parse(R"({"reference":"docker.io/library/x:1","entrypoint":["/entry"],
        "cmd":["run"],"user":"app","workdir":"","volumes":["/v"],"ports":["80/tcp"],
        "stopSignal":"SIGINT","healthcheck":{"Test":["CMD","true"]}})"));
  return document;
}

store::Record Record() {
  store::Record record;
  record.id = kId;
  record.image = "docker.io/library/x:1";
  record.image_asked = "x:1";
  record.network = "none";
  record.labels = {{"k", "v"}};
  return record;
}

std::string Config(const json::Value& document, const char* member) {
  const json::Value config = ConfigOf(document, Record());
  const json::Value* found = config.Find(member);
  return found == nullptr ? "absent" : json::Print(*found);
}

std::string HostConfig(const json::Value& document, const char* member) {
  const json::Value config = HostConfigOf(document, Record());
  const json::Value* found = config.Find(member);
  return found == nullptr ? "absent" : json::Print(*found);
}

TEST(ConfigOfTest, IsWhatWasAskedFor) {
  json::Value document = Document();
  EXPECT_EQ(Config(document, "Hostname"), "\"aaaaaaaaaaaa\"");
  EXPECT_EQ(Config(document, "User"), "\"app\"");
  EXPECT_EQ(Config(document, "Image"), "\"x:1\"");
  EXPECT_EQ(Config(document, "ExposedPorts"), R"({"80/tcp":{}})");
  EXPECT_EQ(Config(document, "Volumes"), R"({"/v":{}})");
  EXPECT_EQ(Config(document, "Env"), R"(["PATH=/bin","A=1"])");
  EXPECT_EQ(Config(document, "Labels"), R"({"k":"v"})");
  EXPECT_EQ(Config(document, "StopSignal"), "\"SIGINT\"");
  EXPECT_EQ(Config(document, "Healthcheck"), R"({"Test":["CMD","true"]})");
  EXPECT_EQ(Config(document, "StopTimeout"), "absent");
  EXPECT_EQ(Config(document, "WorkingDir"), "\"\"");

  document.Make({"stave"}).Set("user", json::Value::String("www:www"));
  document.Make({"stave", "life", "stop"}).Set("timeout", json::Value::Number(3));
  document.Make({"stave", "life"}).Set("interactive", json::Value::Bool(true));
  document.Make({"process"}).Set("cwd", json::Value::String("/srv"));
  EXPECT_EQ(Config(document, "User"), "\"www:www\"");
  EXPECT_EQ(Config(document, "StopTimeout"), "3");
  EXPECT_EQ(Config(document, "OpenStdin"), "true");
  EXPECT_EQ(Config(document, "WorkingDir"), "\"/srv\"");
}

TEST(ConfigOfTest, TakesTheCommandApart) {
  json::Value document = Document();
  EXPECT_EQ(Config(document, "Entrypoint"), R"(["/entry"])");
  EXPECT_EQ(Config(document, "Cmd"), R"(["serve"])");
  document.Make({"process"}).Set("args", json::Value::Strings({"/other", "-x"}));
  EXPECT_EQ(Config(document, "Entrypoint"), R"(["/other"])");
  EXPECT_EQ(Config(document, "Cmd"), R"(["-x"])");
  document.Make({"stave", "image"}).Set("entrypoint", json::Value());
  EXPECT_EQ(Config(document, "Entrypoint"), "null");
  EXPECT_EQ(Config(document, "Cmd"), R"(["/other","-x"])");
}

TEST(ConfigOfTest, TimesOfAHealthCheckAreNanoseconds) {
  json::Value document = Document();
  document.Make({"stave", "life"})
      .Set("health", *json::Parse(R"({"test":["CMD-SHELL","true"],"interval":1000,"timeout":2000,
                                 "startPeriod":0,"startInterval":5000,"retries":2})"));
  EXPECT_EQ(Config(document, "Healthcheck"),
            R"({"Test":["CMD-SHELL","true"],"Interval":1000000000,"Timeout":2000000000,)"
            R"("StartPeriod":0,"StartInterval":5000000000,"Retries":2})");
}

TEST(HostConfigOfTest, TheDefaultsAreDockers) {
  const json::Value document = Document();
  for (const auto& [member, text] : std::vector<std::pair<const char*, const char*>>{
           {"Binds", "null"},
           {"NetworkMode", "\"none\""},
           {"CapAdd", "null"},
           {"CapDrop", "null"},
           {"CgroupnsMode", "\"private\""},
           {"IpcMode", "\"private\""},
           {"PidMode", "\"\""},
           {"UTSMode", "\"\""},
           {"UsernsMode", "\"\""},
           {"Privileged", "false"},
           {"SecurityOpt", "null"},
           {"ShmSize", "67108864"},
           {"CgroupParent", "\"\""},
           {"NanoCpus", "0"},
           {"Memory", "0"},
           {"PidsLimit", "4096"},
           {"AutoRemove", "false"},
           {"RestartPolicy", R"({"Name":"no","MaximumRetryCount":0})"},
           {"LogConfig", R"({"Type":"json-file","Config":{}})"},
           {"Tmpfs", "absent"},
           {"Init", "absent"}}) {
    EXPECT_EQ(HostConfig(document, member), text) << member;
  }
}

TEST(HostConfigOfTest, ReadsTheOptionsBack) {
  json::Value document = Document();
  json::Value::Elements& mounts = document.Find("mounts")->elements();
  mounts.push_back(*json::Parse(R"({"destination":"/b","type":"bind","source":"/a",
                                    "options":["rbind","rprivate","ro"]})"));
  mounts.push_back(*json::Parse(R"({"destination":"/t","type":"tmpfs","source":"tmpfs",
                                    "options":["nosuid","size=1m"]})"));
  document.Make({"linux", "resources"}).Set("cpu", *json::Parse(R"({"quota":150000,
                                                                    "period":100000})"));
  document.Make({"linux", "resources", "memory"}).Set("limit", json::Value::Number(67108864));
  document.Make({"stave", "life"})
      .Set("restart", *json::Parse(R"({"policy":"on-failure","retries":3})"));
  document.Make({"process"})
      .Set("rlimits", *json::Parse(R"([{"type":"RLIMIT_NOFILE","hard":20,"soft":10}])"));
  EXPECT_EQ(HostConfig(document, "Binds"), R"(["/a:/b:ro"])");
  EXPECT_EQ(HostConfig(document, "Tmpfs"), R"({"/t":"nosuid,size=1m"})");
  EXPECT_EQ(HostConfig(document, "NanoCpus"), "1500000000");
  EXPECT_EQ(HostConfig(document, "CpuQuota"), "0");
  EXPECT_EQ(HostConfig(document, "Memory"), "67108864");
  EXPECT_EQ(HostConfig(document, "RestartPolicy"),
            R"({"Name":"on-failure","MaximumRetryCount":3})");
  EXPECT_EQ(HostConfig(document, "Ulimits"), R"([{"Name":"nofile","Hard":20,"Soft":10}])");
  document.Make({"linux", "resources"}).Set("cpu", *json::Parse(R"({"quota":5000,
                                                                    "period":50000})"));
  EXPECT_EQ(HostConfig(document, "NanoCpus"), "0");
  EXPECT_EQ(HostConfig(document, "CpuQuota"), "5000");
  EXPECT_EQ(HostConfig(document, "CpuPeriod"), "50000");
}

TEST(HostConfigOfTest, CapabilitiesAndSecurity) {
  json::Value document = Document();
  document.Make({"process", "capabilities"}).Set("bounding", json::Value::Strings({"CAP_CHOWN"}));
  EXPECT_NE(HostConfig(document, "CapDrop").find("\"CAP_KILL\""), std::string::npos);
  document.Make({"process", "capabilities"}).Set("bounding", json::Value::Strings({}));
  EXPECT_EQ(HostConfig(document, "CapDrop"), R"(["ALL"])");
  document.Make({"process"}).Set("noNewPrivileges", json::Value::Bool(true));
  document.Make({"linux"}).Remove("seccomp");
  EXPECT_EQ(HostConfig(document, "SecurityOpt"), R"(["no-new-privileges","seccomp=unconfined"])");
  document.Make({"linux"}).Set("namespaces", json::Value::Array());
  EXPECT_EQ(HostConfig(document, "PidMode"), "\"host\"");
}

TEST(ConfigsTest, SurviveNonsense) {
  for (const char* text :
       {"null", "[]", "1", R"({"process":1,"linux":[],"mounts":{},"stave":"x"})",
        R"({"process":{"args":[1],"env":{},"rlimits":[1]},"linux":{"namespaces":[1],)"
        R"("resources":[],"devices":[{}]},"stave":{"life":{"restart":7},"image":[]}})"}) {
    const json::Value document = *json::Parse(text);
    EXPECT_TRUE(ConfigOf(document, Record()).is_object()) << text;
    EXPECT_TRUE(HostConfigOf(document, Record()).is_object()) << text;
  }
}

}  // namespace
}  // namespace stave::tools

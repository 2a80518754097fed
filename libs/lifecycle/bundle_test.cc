// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/json/parse.h"
#include "libs/lifecycle/container.h"
#include "libs/testutil/temp_dir.h"

namespace stave::lifecycle {
namespace {

json::Value Config() {
  return json::Parse(R"({"ociVersion":"1.0.2","root":{"path":"rootfs"},
      "process":{"args":["true"],"cwd":"/","user":{"uid":0,"gid":0}},
      "linux":{"namespaces":[{"type":"mount"},{"type":"pid"}]}})")
      .value();
}

absl::StatusOr<Bundle> Read(const json::Value& config) {
  return ReadConfig(json::Print(config), "/b", "c1");
}

TEST(ReadConfigTest, ResolvesWhatIsRelative) {
  json::Value config = Config();
  config.Set("mounts", json::Parse(R"([
      {"destination":"/a","type":"none","source":"file","options":["rbind"]},
      {"destination":"/c","type":"bind","source":"/abs"},
      {"destination":"/proc","type":"proc","source":"proc"}])")
                           .value());

  const auto bundle = Read(config);

  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ(bundle->rootfs, "/b/rootfs");
  EXPECT_EQ(bundle->plan.root_path, "/b/rootfs");
  EXPECT_EQ(bundle->plan.cgroups_path, "/stave/c1");
  ASSERT_EQ(bundle->plan.mounts.size(), 3u);
  EXPECT_EQ(bundle->plan.mounts[0].source, "/b/file");
  EXPECT_EQ(bundle->plan.mounts[1].source, "/abs");
  EXPECT_EQ(bundle->plan.mounts[2].source, "proc");
  EXPECT_EQ(json::Print(bundle->config), json::Print(config));
}

TEST(ReadConfigTest, KeepsThePathOfTheCgroup) {
  json::Value config = Config();
  config.Make({"linux"}).Set("cgroupsPath", json::Value::String("/docker/x"));
  EXPECT_EQ(Read(config)->plan.cgroups_path, "/docker/x");
  config.Make({"linux"}).Set("cgroupsPath", json::Value::String("pods/x"));
  EXPECT_EQ(Read(config)->plan.cgroups_path, "/stave/pods/x");
}

TEST(ReadConfigTest, HasAScopeWithTheSystemdCgroupManager) {
  json::Value config = Config();
  const auto read = [&config](CgroupManager manager) {
    return ReadConfig(json::Print(config), "/b", "c1", manager);
  };
  EXPECT_EQ(read(CgroupManager::kSystemd)->plan.cgroups_path, "/system.slice/stave-c1.scope");
  config.Make({"linux"}).Set("cgroupsPath", json::Value::String("a.slice:b:c"));
  const auto bundle = read(CgroupManager::kSystemd);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ(bundle->plan.cgroups_path, "/a.slice/b-c.scope");
  EXPECT_EQ(bundle->scope->unit, "b-c.scope");

  const absl::Status refused = read(CgroupManager::kCgroupfs).status();
  EXPECT_EQ(
      refused.message(),
      "/linux/cgroupsPath: \"a.slice:b:c\": is of the form that the systemd cgroup manager takes");
  EXPECT_EQ(base::ErrorHint(refused),
            "give --systemd-cgroup, or have the engine use its cgroupfs driver");
  config.Make({"linux"}).Set("cgroupsPath", json::Value::String("/a"));
  EXPECT_EQ(base::ErrorWord(read(CgroupManager::kSystemd).status()), "E_DOCUMENT");
}

TEST(ReadConfigTest, DefaultDevicesFollowTheList) {
  json::Value config = Config();
  config.Make({"linux", "resources"})
      .Set("devices", json::Parse(R"([{"allow":true,"type":"c","major":10,"minor":229}])").value());

  const auto bundle = Read(config);

  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const json::Value* devices = bundle->plan.resources.Find("devices");
  ASSERT_NE(devices, nullptr);
  EXPECT_GT(devices->elements().size(), 5u);
  EXPECT_EQ(devices->elements()[0].Find("major")->text(), "10");
}

TEST(ReadConfigTest, WithoutAListTheRestIsDenied) {
  const auto bundle = Read(Config());

  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const json::Value* devices = bundle->plan.resources.Find("devices");
  ASSERT_NE(devices, nullptr);
  EXPECT_FALSE(devices->elements()[0].Find("allow")->boolean());
}

TEST(ReadConfigTest, TakesEveryVersionOfOne) {
  for (const char* version : {"1.0.0", "1.0.2-dev", "1.3.0", "1.1.0+build"}) {
    json::Value config = Config();
    config.Set("ociVersion", json::Value::String(version));
    EXPECT_TRUE(Read(config).ok()) << version;
  }
}

TEST(ReadConfigTest, RefusesOtherVersions) {
  for (const char* version : {"", "2.0.0", "0.9.0", "1.0.0-rc0", "abc", "1", "1.0", "1..0", "1.0.x",
                              "v1.0.0", "10.0.0"}) {
    json::Value config = Config();
    config.Set("ociVersion", json::Value::String(version));
    EXPECT_EQ(base::ErrorWord(Read(config).status()), "E_DOCUMENT") << version;
  }
  json::Value config = Config();
  config.Remove("ociVersion");
  EXPECT_EQ(base::ErrorWord(Read(config).status()), "E_DOCUMENT");
}

TEST(ReadConfigTest, NamesWhatIsMissing) {
  json::Value config = Config();
  config.Remove("root");
  const auto bundle = Read(config);
  EXPECT_EQ(base::ErrorWord(bundle.status()), "E_DOCUMENT");
  EXPECT_NE(bundle.status().message().find("/root"), std::string::npos);
}

TEST(ReadConfigTest, AnnotationsAreTexts) {
  json::Value config = Config();
  config.Set("annotations", json::Parse(R"({"a":1})").value());
  EXPECT_EQ(base::ErrorWord(Read(config).status()), "E_DOCUMENT");
}

class ReadBundleTest : public ::testing::Test {
 protected:
  std::string config() const { return dir_ + "/config.json"; }
  testutil::TempDir temp_;
  const std::string& dir_ = temp_.path();
};

TEST_F(ReadBundleTest, ReadsAndKeepsTheText) {
  const std::string text = json::PrintIndented(Config());
  const auto folder = base::OpenDirAt(AT_FDCWD, dir_);
  ASSERT_TRUE(
      base::ReplaceFileAt(folder->get(), "config.json", text, 0600, base::Durability::kVolatile)
          .ok());

  const auto bundle = ReadBundle(dir_, "c1");

  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ(bundle->path, dir_);
  EXPECT_EQ(bundle->text, text);
}

TEST_F(ReadBundleTest, RefusesWhatIsNoBundle) {
  const std::string fifo = dir_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);

  EXPECT_TRUE(absl::IsNotFound(ReadBundle(dir_ + "/missing", "c1").status()));
  EXPECT_FALSE(ReadBundle(fifo, "c1").ok());
  EXPECT_TRUE(absl::IsNotFound(ReadBundle(dir_, "c1").status()));
}

TEST_F(ReadBundleTest, RefusesAConfigThatIsNoFile) {
  ASSERT_EQ(::mkfifo(config().c_str(), 0600), 0);
  EXPECT_EQ(base::ErrorWord(ReadBundle(dir_, "c1").status()), "E_STATE");
  ASSERT_EQ(::unlink(config().c_str()), 0);
  ASSERT_EQ(::mkdir(config().c_str(), 0700), 0);
  EXPECT_FALSE(ReadBundle(dir_, "c1").ok());
}

TEST_F(ReadBundleTest, RefusesAHugeConfig) {
  const int fd = ::open(config().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::ftruncate(fd, kMaxConfig + 1), 0);
  ::close(fd);

  EXPECT_EQ(base::ErrorWord(ReadBundle(dir_, "c1").status()), "E_LIMIT");
}

}  // namespace
}  // namespace stave::lifecycle

// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/login_store.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/registry/credential.h"
#include "libs/registry/credentials.h"
#include "libs/registry/secret.h"

namespace stave::registry {
namespace {

class LoginStoreTest : public testing::Test {
 protected:
  LoginStoreTest() {
    std::string name = testing::TempDir() + "/loginsXXXXXX";
    top_ = ::mkdtemp(name.data());
    files_.paths = {top_ + "/run/containers/auth.json", top_ + "/docker/config.json"};
    files_.docker = files_.paths[1];
  }
  ~LoginStoreTest() override { std::filesystem::remove_all(top_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
  }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  LoginPlace Store(const std::string& host, const std::string& user) {
    const auto place = StoreLogin(files_, host, {user, Secret("pw"), Secret()});
    EXPECT_TRUE(place.ok()) << place.status();
    return place.ok() ? *place : LoginPlace{};
  }
  std::string User(const std::string& repository) {
    const auto login = FindCredential(files_, repository);
    return login.ok() && login->has_value() ? (*login)->user : "none";
  }

  std::string top_;
  CredentialFiles files_;
};

TEST_F(LoginStoreTest, MakesContainersFileWhereThereIsNone) {
  EXPECT_EQ(Store("docker.io", "ann").path, files_.paths[0]);
  struct stat status;
  ASSERT_EQ(::stat(files_.paths[0].c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_NE(Read(files_.paths[0]).find("\"docker.io\""), std::string::npos);
  EXPECT_EQ(User("docker.io/library/x"), "ann");
}

TEST_F(LoginStoreTest, DockersFileIsTakenWhereItIsAndKeepsWhatItHas) {
  Write(files_.docker, "{\n\t\"detachKeys\": \"ctrl-x\",\n\t\"unknown\": 1e2\n}\n");
  EXPECT_EQ(Store("docker.io", "ann").path, files_.docker);
  EXPECT_EQ(Store("reg.io", "bob").path, files_.docker);
  const std::string text = Read(files_.docker);
  EXPECT_NE(text.find("\"https://index.docker.io/v1/\""), std::string::npos) << text;
  EXPECT_NE(text.find("1e2"), std::string::npos) << text;
  EXPECT_LT(text.find("detachKeys"), text.find("auths"));
  EXPECT_FALSE(std::filesystem::exists(files_.paths[0]));
}

TEST_F(LoginStoreTest, TheLoginThatWouldBeFoundIsReplaced) {
  Write(files_.docker, "{}");
  Write(files_.paths[0], R"({"auths":{"reg.io":{"auth":"YTpi"}}})");
  EXPECT_EQ(Store("reg.io", "new").path, files_.paths[0]);
  EXPECT_EQ(User("reg.io/x"), "new");
}

TEST_F(LoginStoreTest, ALinkStaysALink) {
  Write(top_ + "/dotfiles/real.json", "{}");
  std::filesystem::create_directories(top_ + "/docker");
  std::filesystem::create_symlink("../dotfiles/real.json", files_.docker);
  Store("reg.io", "ann");
  EXPECT_TRUE(std::filesystem::is_symlink(files_.docker));
  EXPECT_NE(Read(top_ + "/dotfiles/real.json").find("reg.io"), std::string::npos);
}

TEST_F(LoginStoreTest, ALinkToNothingMakesTheFile) {
  std::filesystem::create_directories(top_ + "/docker");
  std::filesystem::create_symlink(top_ + "/elsewhere/real.json", files_.docker);
  files_.paths = {files_.docker};
  Store("reg.io", "ann");
  EXPECT_NE(Read(top_ + "/elsewhere/real.json").find("reg.io"), std::string::npos);
}

TEST_F(LoginStoreTest, AFileThatIsBrokenStaysAsItIs) {
  Write(files_.docker, "{\"auths\":");
  const auto place = StoreLogin(files_, "reg.io", {"ann", Secret("pw"), Secret()});
  EXPECT_EQ(base::ErrorWord(place.status()), "E_AUTH_FILE");
  EXPECT_EQ(Read(files_.docker), "{\"auths\":");
}

TEST_F(LoginStoreTest, AHelperKeepsTheSecret) {
  Write(top_ + "/bin/docker-credential-x", "#!/bin/sh\ncd " + top_ + R"(
    case $1 in store) cat >kept ;;
    get) cat kept 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
    erase) rm kept ;;
    list) if [ -e kept ]; then echo '{"reg.io":"ann"}'; else echo '{}'; fi ;; esac)");
  ::chmod((top_ + "/bin/docker-credential-x").c_str(), 0755);
  ::setenv("PATH", (top_ + "/bin:/usr/bin:/bin").c_str(), 1);
  Write(files_.docker, R"({"credsStore":"x","auths":{"reg.io":{"auth":"b2xkOnB3"}}})");
  EXPECT_EQ(Store("reg.io", "ann").helper, "docker-credential-x");
  EXPECT_EQ(Read(files_.docker).find("auth\""), std::string::npos) << Read(files_.docker);
  EXPECT_NE(Read(top_ + "/kept").find("pw"), std::string::npos);
  EXPECT_EQ(User("reg.io/x"), "ann");
  EXPECT_TRUE(*EraseLogin(files_, "reg.io"));
  EXPECT_FALSE(*EraseLogin(files_, "reg.io"));
  EXPECT_FALSE(std::filesystem::exists(top_ + "/kept"));
  Store("reg.io", "ann");
  EXPECT_EQ(EraseAllLogins(files_)->size(), 2u);
  EXPECT_FALSE(std::filesystem::exists(top_ + "/kept"));
}

TEST_F(LoginStoreTest, EraseLooksEverywhere) {
  Write(files_.docker, R"({"auths":{"https://reg.io":{"auth":"YTpi"},"b.io":{"auth":"YTpi"}}})");
  Write(files_.paths[0], R"({"auths":{"reg.io":{"auth":"YTpi"},"reg.io/a":{"auth":"YTpi"}}})");
  EXPECT_TRUE(*EraseLogin(files_, "reg.io"));
  EXPECT_EQ(User("reg.io/b"), "none");
  EXPECT_EQ(User("reg.io/a"), "a");
  EXPECT_EQ(User("b.io/b"), "a");
  EXPECT_FALSE(*EraseLogin(files_, "reg.io"));
  EXPECT_EQ(EraseAllLogins(files_)->size(), 2u);
  EXPECT_EQ(User("b.io/b"), "none");
}

TEST_F(LoginStoreTest, ManyAtOnceLoseNothing) {
  Write(files_.docker, "{}");
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([this, i] { Store("reg" + std::to_string(i) + ".io", "ann"); });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 16; ++i) EXPECT_EQ(User("reg" + std::to_string(i) + ".io/x"), "ann") << i;
}

}  // namespace
}  // namespace stave::registry

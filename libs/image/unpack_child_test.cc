// SPDX-License-Identifier: Apache-2.0
#include "libs/image/unpack_child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/unique_fd.h"

namespace stave::image {
namespace {

TEST(ParseErrorLineTest, TextWordAndHint) {
  const absl::Status status =
      ParseErrorLine("stave-unpack: a: b: not a tar [E_TAR]\nhint: do something\n");

  EXPECT_EQ(status.message(), "a: b: not a tar");
  EXPECT_EQ(base::ErrorWord(status), "E_TAR");
  EXPECT_EQ(base::ErrorHint(status), "do something");
}

TEST(ParseErrorLineTest, NoSpaceIsResourceExhausted) {
  const absl::Status status = ParseErrorLine("stave-unpack: x: write: No space left [E_NO_SPACE]");

  EXPECT_TRUE(absl::IsResourceExhausted(status));
}

TEST(ParseErrorLineTest, AnythingElseIsInternal) {
  for (const char* text : {"", "\n", "dead", "x: y"}) {
    EXPECT_EQ(base::ErrorWord(ParseErrorLine(text)), "E_INTERNAL") << text;
  }
}

TEST(UnpackChildTest, AProgramThatFailsSilently) {
  ::signal(SIGPIPE, SIG_IGN);
  const base::UniqueFd dir(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto child = UnpackChild::Start("/bin/false", dir.get());
  ASSERT_TRUE(child.ok()) << child.status();

  EXPECT_TRUE(child->Write(std::string(4 << 20, 'x')).ok());

  EXPECT_EQ(base::ErrorWord(child->Finish().status()), "E_INTERNAL");
}

TEST(UnpackChildTest, TheEnvironmentIsKeptBack) {
  const std::string program = std::string(::getenv("TEST_TMPDIR")) + "/tells";
  {
    std::ofstream script(program);
    script << "#!/bin/sh\necho \"stave-unpack: x: \"${DOCKER_AUTH_CONFIG-nothing} "
              "$LD_LIBRARY_PATH\" [E_TAR]\" >&2\n"
              "exit 1\n";
  }
  ASSERT_EQ(::chmod(program.c_str(), 0700), 0);
  ASSERT_EQ(::setenv("DOCKER_AUTH_CONFIG", "secret", 1), 0);
  ASSERT_EQ(::setenv("LD_LIBRARY_PATH", "/opt/lib", 1), 0);
  const base::UniqueFd dir(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto child = UnpackChild::Start(program, dir.get());
  ASSERT_TRUE(child.ok()) << child.status();

  EXPECT_EQ(child->Finish().status().message(), "x: nothing /opt/lib");
}

TEST(UnpackChildTest, AProgramThatReportsNothing) {
  const base::UniqueFd dir(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto child = UnpackChild::Start("/bin/true", dir.get());
  ASSERT_TRUE(child.ok()) << child.status();

  EXPECT_FALSE(child->Finish().ok());
}

TEST(UnpackChildTest, AProgramThatIsNotThere) {
  EXPECT_TRUE(absl::IsNotFound(UnpackChild::Start("/nowhere/stave-unpack", 0).status()));
}

}  // namespace
}  // namespace stave::image

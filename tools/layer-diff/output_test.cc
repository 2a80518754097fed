// SPDX-License-Identifier: Apache-2.0
#include "tools/layer-diff/output.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/posix.h"

namespace stave::tools {
namespace {

class OutputTest : public testing::Test {
 protected:
  OutputTest() {
    std::string path = absl::StrCat(::getenv("TEST_TMPDIR"), "/XXXXXX");
    path_ = absl::StrCat(::mkdtemp(path.data()), "/file");
  }
  std::string Content() const { return *base::ReadFileAt(AT_FDCWD, path_, 100); }
  void Write(const std::string& text, bool done) {
    auto output = Output::Open(path_);
    ASSERT_TRUE(output.ok()) << output.status();
    ASSERT_TRUE(base::WriteAll(output->fd(), text, output->name()).ok());
    if (done) {
      ASSERT_TRUE(output->Done().ok());
    }
  }
  std::string path_;
};

TEST_F(OutputTest, AFileIsReplacedWhenItIsDone) {
  Write("one", true);
  EXPECT_EQ(Content(), "one");
  Write("two", false);
  EXPECT_EQ(Content(), "one");
  Write("three", true);
  EXPECT_EQ(Content(), "three");
}

TEST_F(OutputTest, DevicesAreWrittenTo) {
  path_ = "/dev/null";
  Write("x", true);
  struct stat st;
  ASSERT_EQ(::stat("/dev/null", &st), 0);
  EXPECT_TRUE(S_ISCHR(st.st_mode));
}

TEST_F(OutputTest, WithoutANameItIsStdout) { EXPECT_EQ(Output::Open("")->fd(), STDOUT_FILENO); }

TEST_F(OutputTest, AFolderThatIsNotThere) {
  const absl::Status status = Output::Open(path_ + "/x").status();

  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message().find("partial"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace stave::tools

// SPDX-License-Identifier: Apache-2.0
#include "libs/image/file_range.h"

#include <fcntl.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/unique_fd.h"
#include "libs/image/tar_text.h"

namespace stave::image {
namespace {

class ReadRangeTest : public ::testing::Test {
 protected:
  absl::Status Read(int64_t offset, int64_t size) {
    read_.clear();
    return ReadRange(fd_.get(), offset, size, "file", [this](absl::string_view data) {
      absl::StrAppend(&read_, data);
      return absl::OkStatus();
    });
  }
  const std::string content_ = std::string(300000, 'a') + "bcd";
  const base::UniqueFd fd_{::open(WriteTestFile("range", content_).c_str(), O_RDONLY | O_CLOEXEC)};
  std::string read_;
};

TEST_F(ReadRangeTest, PartsOfAFile) {
  ASSERT_TRUE(Read(0, 300003).ok());
  EXPECT_EQ(read_, content_);
  ASSERT_TRUE(Read(299999, 3).ok());
  EXPECT_EQ(read_, "abc");
  ASSERT_TRUE(Read(5, 0).ok());
  EXPECT_EQ(read_, "");
}

TEST_F(ReadRangeTest, AFileThatEndsTooEarly) {
  EXPECT_EQ(base::ErrorWord(Read(300000, 4)), "E_SIZE");
}

TEST_F(ReadRangeTest, TheSinksErrorEndsIt) {
  const absl::Status status = ReadRange(fd_.get(), 0, 300000, "file", [](absl::string_view) {
    return absl::CancelledError("enough");
  });

  EXPECT_TRUE(absl::IsCancelled(status));
}

}  // namespace
}  // namespace stave::image

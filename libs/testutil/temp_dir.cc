// SPDX-License-Identifier: Apache-2.0
#include "libs/testutil/temp_dir.h"

#include <fcntl.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/posix.h"

namespace stave::testutil {

TempDir::TempDir() : path_(::testing::TempDir() + "/XXXXXX") {
  EXPECT_NE(::mkdtemp(path_.data()), nullptr) << path_;
}

TempDir::~TempDir() {
  const absl::Status removed = base::RemoveTreeAt(AT_FDCWD, path_);
  EXPECT_TRUE(removed.ok()) << removed;
}

void TempDir::Mkdir(absl::string_view name) const {
  std::error_code error;
  std::filesystem::create_directories(absl::StrCat(path_, "/", name), error);
  EXPECT_FALSE(error) << name << ": " << error.message();
}

void TempDir::Put(absl::string_view name, absl::string_view text) const {
  std::ofstream out(absl::StrCat(path_, "/", name));
  out << text;
  EXPECT_TRUE(out.flush()) << name;
}

std::string TempDir::Get(absl::string_view name) const {
  std::ifstream in(absl::StrCat(path_, "/", name));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace stave::testutil

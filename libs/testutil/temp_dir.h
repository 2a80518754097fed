// SPDX-License-Identifier: Apache-2.0
//
// A directory for one test.

#ifndef STAVE_LIBS_TESTUTIL_TEMP_DIR_H_
#define STAVE_LIBS_TESTUTIL_TEMP_DIR_H_

#include <string>

#include "absl/strings/string_view.h"

namespace stave::testutil {

// Made empty below ::testing::TempDir(), removed with all that is in it. What fails fails the test.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

  // A directory, with its parents.
  void Mkdir(absl::string_view name) const;
  // Makes or replaces a file.
  void Put(absl::string_view name, absl::string_view text) const;
  // The text of a file; "" if there is none.
  std::string Get(absl::string_view name) const;

 private:
  std::string path_;
};

}  // namespace stave::testutil

#endif  // STAVE_LIBS_TESTUTIL_TEMP_DIR_H_

// SPDX-License-Identifier: Apache-2.0
//
// A store of its own for each test, in a fresh folder that goes with it.

#ifndef STAVE_LIBS_STORE_TEST_STORE_H_
#define STAVE_LIBS_STORE_TEST_STORE_H_

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "libs/base/atomic_file.h"
#include "libs/base/posix.h"
#include "libs/store/store.h"

namespace stave::store {

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    char path[] = "/tmp/stave-store-XXXXXX";
    folder_ = ::mkdtemp(path);
    auto opened = Store::OpenRoots(roots(), Access::kWrite);
    EXPECT_TRUE(opened.ok()) << opened.status();
    store_ = std::make_unique<Store>(*std::move(opened));
  }
  ~StoreTest() override { (void)base::RemoveTreeAt(AT_FDCWD, folder_); }

  Roots roots() const { return {folder_ + "/state", folder_ + "/run"}; }
  const Store& store() const { return *store_; }

  // Files below the state root ("state/...") or the run root ("run/...").
  void Write(const std::string& path, const std::string& text) {
    const std::string whole = folder_ + "/" + path;
    const size_t slash = whole.rfind('/');
    auto dir = base::OpenDirAt(AT_FDCWD, whole.substr(0, slash));
    ASSERT_TRUE(dir.ok()) << dir.status();
    ASSERT_TRUE(base::ReplaceFileAt(dir->get(), whole.substr(slash + 1), text, 0600,
                                    base::Durability::kVolatile)
                    .ok());
  }
  void MakeDir(const std::string& path) {
    ASSERT_TRUE(base::MakeDirAt(AT_FDCWD, folder_ + "/" + path, 0700).ok());
  }
  void Remove(const std::string& path) {
    ASSERT_TRUE(base::RemoveTreeAt(AT_FDCWD, folder_ + "/" + path).ok());
  }
  std::string Read(const std::string& path) const {
    return base::ReadFileAt(AT_FDCWD, folder_ + "/" + path, size_t{1} << 24).value_or("(none)");
  }
  bool Exists(const std::string& path) const {
    return ::faccessat(AT_FDCWD, (folder_ + "/" + path).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  }
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  std::unique_ptr<Store> store_;
};

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_TEST_STORE_H_

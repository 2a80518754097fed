// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_extension.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::archive {
namespace {

std::string Record(absl::string_view key, absl::string_view value) {
  const std::string body = absl::StrCat(" ", key, "=", value, "\n");
  size_t length = body.size() + 1;
  while (absl::StrCat(length).size() + body.size() != length) ++length;
  return absl::StrCat(length, body);
}

std::string WordOf(absl::string_view records) {
  TarExtension extension;
  return base::ErrorWord(ReadPaxRecords(records, &extension));
}

TEST(TarExtensionTest, ReadsRecords) {
  TarExtension extension;
  ASSERT_TRUE(extension.empty());

  ASSERT_TRUE(ReadPaxRecords(Record("path", "a=b\nc") + Record("size", "9") + Record("uid", "1") +
                                 Record("gid", "4294967294") + Record("mtime", "-1.5") +
                                 Record("vendor.key", "x"),
                             &extension)
                  .ok());

  EXPECT_FALSE(extension.empty());
  EXPECT_EQ(extension.path, "a=b\nc");
  EXPECT_EQ(extension.size, 9);
  EXPECT_EQ(extension.uid, 1u);
  EXPECT_EQ(extension.gid, 4294967294u);
  EXPECT_EQ(extension.mtime->tv_sec, -2);
  EXPECT_EQ(extension.link, std::nullopt);
}

TEST(TarExtensionTest, TheLastCountsAndEmptyIsNothing) {
  TarExtension extension;

  ASSERT_TRUE(ReadPaxRecords(Record("path", "a") + Record("path", "b") + Record("uid", "1") +
                                 Record("uid", "") + Record("mtime", ""),
                             &extension)
                  .ok());

  EXPECT_EQ(extension.path, "b");
  EXPECT_EQ(extension.uid, std::nullopt);
}

TEST(TarExtensionTest, RefusesWhatIsMalformed) {
  for (const absl::string_view text : {"5 a=b\n", "99 a=b\n", "6 abc\n", "5 =b\n", "a=b\n", "6 a=b",
                                       "00000006 a=b\n", "-6 a=b\n", "6\ta=b\n", "4 a=\n"}) {
    EXPECT_EQ(WordOf(text), "E_TAR") << text;
  }
  for (const char* id : {"-1", "4294967295", "x", "1.0"}) {
    EXPECT_EQ(WordOf(Record("uid", id)), "E_TAR") << id;
  }
  EXPECT_EQ(WordOf(Record("SCHILY.xattr.", "v")), "E_TAR");
}

TEST(TarExtensionTest, XattrsHaveABound) {
  EXPECT_EQ(WordOf(Record("SCHILY.xattr.user.a", std::string(65536, 'v'))), "");
  EXPECT_EQ(WordOf(Record("SCHILY.xattr.user.a", std::string(65537, 'v'))), "E_LIMIT");
}

TEST(TarExtensionTest, GlobalRecordsSayNothingOfEntries) {
  EXPECT_TRUE(CheckGlobalRecords(Record("comment", "c") + Record("uid", "9")).ok());
  for (const char* key : {"path", "linkpath", "size", "SCHILY.xattr.user.a", "GNU.sparse.size"}) {
    EXPECT_EQ(CheckGlobalRecords(Record(key, "1")).message(),
              absl::StrCat("a global header sets \"", key, "\""));
  }
}

}  // namespace
}  // namespace stave::archive

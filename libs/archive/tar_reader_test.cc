// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_reader.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/archive/byte_source.h"
#include "libs/base/error.h"

namespace stave::archive {
namespace {

const std::string& End() {
  static const std::string& end = *new std::string(1024, '\0');
  return end;
}

std::string Padded(std::string data) {
  data.resize((data.size() + 511) / 512 * 512);
  return data;
}

// A ustar header.
std::string Header(const std::string& name, char type, size_t size, const std::string& link) {
  std::string block(512, '\0');
  const auto put = [&block](size_t offset, const std::string& text) {
    block.replace(offset, text.size(), text);
  };
  char octal[12];
  put(0, name);
  put(100, "0000755");
  put(108, "0000001");
  put(116, "0000002");
  std::snprintf(octal, sizeof(octal), "%011zo", size);
  put(124, octal);
  put(136, "00000000007");
  put(156, std::string(1, type));
  put(157, link);
  put(257, std::string("ustar\00000", 8));
  put(148, "        ");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  std::snprintf(octal, sizeof(octal), "%06o", sum);
  put(148, std::string(octal, 7));
  return block;
}

std::string File(const std::string& name, const std::string& data) {
  return Header(name, '0', data.size(), "") + Padded(data);
}

std::string Record(const std::string& key, const std::string& value) {
  const std::string body = absl::StrCat(" ", key, "=", value, "\n");
  size_t length = body.size() + 1;
  while (absl::StrCat(length).size() + body.size() != length) ++length;
  return absl::StrCat(length, body);
}

std::string Pax(char type, const std::string& records) {
  return Header("pax", type, records.size(), "") + Padded(records);
}

// Reads all of `archive` in pieces of `piece` bytes: entries and their data.
struct Listing {
  std::vector<std::pair<TarEntry, std::string>> entries;
  absl::Status status;
};

Listing List(const std::string& archive, size_t piece) {
  MemorySource source(archive, piece);
  TarReader tar(&source);
  Listing listing;
  while (true) {
    TarEntry entry;
    const auto more = tar.Next(&entry);
    listing.status = more.status();
    if (!more.ok() || !*more) return listing;
    std::string data;
    while (true) {
      const auto part = tar.ReadData();
      listing.status = part.status();
      if (!part.ok()) return listing;
      if (part->empty()) break;
      absl::StrAppend(&data, *part);
    }
    listing.entries.emplace_back(std::move(entry), std::move(data));
  }
}

Listing List(const std::string& archive) { return List(archive, 1 << 20); }

TEST(TarReaderTest, ReadsUstar) {
  const Listing listing = List(Header("d/", '5', 0, "") + File("d/f", "data") +
                               Header("s", '2', 0, "../t") + Header("h", '1', 0, "/d/f") + End());

  ASSERT_TRUE(listing.status.ok()) << listing.status;
  ASSERT_EQ(listing.entries.size(), 4u);
  EXPECT_EQ(listing.entries[0].first.path, "d");
  EXPECT_EQ(listing.entries[0].first.type, TarType::kDirectory);
  const TarEntry& file = listing.entries[1].first;
  EXPECT_EQ(file.mode, 0755u);
  EXPECT_EQ(file.uid, 1u);
  EXPECT_EQ(file.gid, 2u);
  EXPECT_EQ(file.mtime.tv_sec, 7);
  EXPECT_EQ(listing.entries[1].second, "data");
  EXPECT_EQ(listing.entries[2].first.link, "../t");
  EXPECT_EQ(listing.entries[3].first.link, "d/f");
}

TEST(TarReaderTest, PiecesMakeNoDifference) {
  const std::string big(700'000, 'x');
  const std::string archive = File("a", big) + File("b", "b") + End();

  for (const size_t piece : {1u, 511u, 512u, 100'000u}) {
    const Listing listing = List(archive, piece);
    ASSERT_TRUE(listing.status.ok()) << listing.status;
    ASSERT_EQ(listing.entries.size(), 2u);
    EXPECT_EQ(listing.entries[0].second, big);
  }
}

TEST(TarReaderTest, DataMayBeLeftUnread) {
  const std::string archive = File("a", std::string(600'000, 'x')) + File("b", "b") + End();
  MemorySource source(archive, 4096);
  TarReader tar(&source);
  TarEntry entry;

  ASSERT_TRUE(tar.Next(&entry).value());
  ASSERT_TRUE(tar.Next(&entry).value());
  EXPECT_EQ(entry.path, "b");
  EXPECT_FALSE(tar.Next(&entry).value());
  EXPECT_FALSE(tar.Next(&entry).value());
}

TEST(TarReaderTest, ReadsPax) {
  const Listing listing =
      List(Pax('x', Record("path", "long/name") + Record("mtime", "1.5") + Record("uid", "70000") +
                        Record("SCHILY.xattr.user.a", std::string("v\0w", 3))) +
           File("x", "1") + File("y", "2") + End());

  ASSERT_TRUE(listing.status.ok()) << listing.status;
  const TarEntry& first = listing.entries[0].first;
  EXPECT_EQ(first.path, "long/name");
  EXPECT_EQ(first.uid, 70000u);
  EXPECT_EQ(first.mtime.tv_nsec, 500000000);
  ASSERT_EQ(first.xattrs.size(), 1u);
  EXPECT_EQ(first.xattrs[0].first, "user.a");
  EXPECT_EQ(first.xattrs[0].second, std::string("v\0w", 3));
  EXPECT_EQ(listing.entries[1].first.path, "y");
  EXPECT_TRUE(listing.entries[1].first.xattrs.empty());
}

TEST(TarReaderTest, GlobalHeadersSetDefaults) {
  const Listing listing =
      List(Pax('g', Record("uid", "9") + Record("comment", "c")) + File("x", "") +
           Pax('x', Record("uid", "8")) + File("y", "") + End());

  ASSERT_TRUE(listing.status.ok()) << listing.status;
  EXPECT_EQ(listing.entries[0].first.uid, 9u);
  EXPECT_EQ(listing.entries[1].first.uid, 8u);
}

TEST(TarReaderTest, ReadsGnuLongNames) {
  const std::string name(200, 'n');
  const Listing listing = List(Header("././@LongLink", 'L', 201, "") +
                               Padded(name + std::string(1, '\0')) + File("n", "") + End());

  ASSERT_TRUE(listing.status.ok()) << listing.status;
  EXPECT_EQ(listing.entries[0].first.path, name);
}

TEST(TarReaderTest, EndBlocksMayBeMissing) {
  EXPECT_TRUE(List("").status.ok());
  EXPECT_TRUE(List(File("a", "1")).status.ok());
  EXPECT_TRUE(List(File("a", "1") + std::string(512, '\0')).status.ok());
}

struct BadCase {
  const char* name;
  std::string archive;
  const char* word;
  const char* message;
};

TEST(TarReaderTest, RefusesWithTheEntrysName) {
  std::string odd = File("x", "");
  odd[0] = 'y';
  const BadCase cases[] = {
      {"escape", File("a/../../x", ""), "E_TAR_ESCAPE", "\"a/../../x\": leaves the root"},
      {"link out", Header("h", '1', 0, "../x"), "E_TAR_ESCAPE",
       "\"h\": hard link to: \"../x\": leaves the root"},
      {"escaped name", Header("\x1b[31m", 'Z', 0, ""), "E_TAR", "\"\\x1b[31m\": unknown type 'Z'"},
      {"sparse", Header("x", 'S', 0, ""), "E_TAR", "\"x\": sparse files are not supported"},
      {"checksum", odd, "E_TAR", "header at byte 0: not a tar header (wrong checksum)"},
      {"short data", Header("x", '0', 600, "") + "data", "E_TAR",
       "\"x\": the archive is cut short"},
      {"zeros", File("a", "") + std::string(512, '\0') + File("b", ""), "E_TAR",
       "header at byte 512: a block of zeros amid the archive"},
      {"much after", End() + std::string(1 << 20, '\0'), "E_LIMIT",
       "after the end of the archive: more than 65536 bytes follow"},
      {"long name", Header("././@LongLink", 'L', 1 << 30, ""), "E_LIMIT",
       "header at byte 0: an extended header of 1073741824 bytes"},
      {"global path", Pax('g', Record("path", "p")) + File("x", ""), "E_TAR",
       "header at byte 0: a global header sets \"path\""},
      {"nan", Pax('x', Record("mtime", "nan")) + File("x", ""), "E_TAR",
       "header at byte 0: bad mtime"},
      {"xattr", Pax('x', Record("SCHILY.xattr.user.a", std::string(65537, 'v'))) + File("x", ""),
       "E_LIMIT", "header at byte 0: xattr \"user.a\" has 65537 bytes, at most 65536 are read"},
      {"alone", Pax('x', Record("path", "p")) + End(), "E_TAR",
       "header at byte 1024: an extended header is not followed by an entry"},
  };
  for (const BadCase& bad : cases) {
    const Listing listing = List(bad.archive);
    EXPECT_EQ(base::ErrorWord(listing.status), bad.word) << bad.name;
    EXPECT_EQ(listing.status.message(), bad.message) << bad.name;
  }
}

TEST(CleanTarPathTest, CleansLexically) {
  EXPECT_EQ(CleanTarPath("/a//./b/").value(), "a/b");
  EXPECT_EQ(CleanTarPath("a/../b").value(), "b");
  EXPECT_EQ(CleanTarPath("./").value(), ".");
  EXPECT_EQ(CleanTarPath("/").value(), ".");
  EXPECT_EQ(base::ErrorWord(CleanTarPath("/..").status()), "E_TAR_ESCAPE");
  EXPECT_EQ(base::ErrorWord(CleanTarPath("").status()), "E_TAR");
  EXPECT_EQ(base::ErrorWord(CleanTarPath(std::string(4097, 'a')).status()), "E_LIMIT");
}

}  // namespace
}  // namespace stave::archive

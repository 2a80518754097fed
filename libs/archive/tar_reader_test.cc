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

TEST(TarReaderTest, GlobalHeadersSayNothing) {
  const Listing listing =
      List(Pax('g', Record("uid", "9") + Record("comment", "c")) + File("x", "") +
           Pax('x', Record("uid", "8")) + File("y", "") + End());

  ASSERT_TRUE(listing.status.ok()) << listing.status;
  EXPECT_EQ(listing.entries[0].first.uid, 1u);
  EXPECT_EQ(listing.entries[1].first.uid, 8u);
}

TEST(TarReaderTest, ReadsGnuLongNames) {
  const std::string name(200, 'n');
  const Listing listing = List(Header("././@LongLink", 'L', 201, "") +
                               Padded(name + std::string(1, '\0')) + File("n", "") + End());

  ASSERT_TRUE(listing.status.ok()) << listing.status;
  EXPECT_EQ(listing.entries[0].first.path, name);
}

// A GNU header of type S with these pairs of octal numbers and this size of the whole file.
std::string OldSparse(size_t stored, const std::string& pairs, char more, const std::string& size) {
  std::string block = Header("s", 'S', stored, "");
  block.replace(257, 8, std::string("ustar  \0", 8));
  block.replace(386, pairs.size(), pairs);
  block[482] = more;
  block.replace(483, size.size(), size);
  block.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  char octal[12];
  std::snprintf(octal, sizeof(octal), "%06o", sum);
  block.replace(148, 7, octal, 7);
  return block;
}

std::string Pair(int offset, int size) {
  char text[25];
  std::snprintf(text, sizeof(text), "%011o", offset);
  std::snprintf(text + 12, 13, "%011o", size);
  return std::string(text, 24);
}

// The next entry as a file: pieces at their places, holes as zeros.
std::string NextFile(TarReader* tar) {
  TarEntry entry;
  const auto more = tar->Next(&entry);
  if (!more.ok() || !*more) return more.ok() ? "end" : std::string(more.status().message());
  std::string text(entry.size, '.');
  uint64_t got = 0;
  while (true) {
    const auto piece = tar->ReadData();
    if (!piece.ok()) return std::string(piece.status().message());
    if (piece->empty()) break;
    text.replace(tar->position(), piece->size(), std::string(*piece));
    got += piece->size();
  }
  EXPECT_EQ(got, entry.stored);
  return absl::StrCat(entry.path, ":", text);
}

TEST(TarReaderTest, ReadsSparseFilesOfEachForm) {
  const std::string data = Padded("abcde");
  const std::string map = Padded("2\n1\n2\n5\n3\n");
  const std::string archive =
      OldSparse(5, Pair(1, 2) + Pair(5, 3) + Pair(10, 0), 0, "00000000012") + data +
      Pax('x', Record("GNU.sparse.size", "10") + Record("GNU.sparse.numblocks", "2") +
                   Record("GNU.sparse.offset", "1") + Record("GNU.sparse.numbytes", "2") +
                   Record("GNU.sparse.offset", "5") + Record("GNU.sparse.numbytes", "3")) +
      File("p00", "abcde") +
      Pax('x', Record("GNU.sparse.size", "10") + Record("GNU.sparse.numblocks", "2") +
                   Record("GNU.sparse.name", "p01") + Record("GNU.sparse.map", "1,2,5,3")) +
      File("x", "abcde") +
      Pax('x', Record("GNU.sparse.major", "1") + Record("GNU.sparse.minor", "0") +
                   Record("GNU.sparse.name", "p10") + Record("GNU.sparse.realsize", "10")) +
      File("x", map + "abcde") + File("after", "1") + End();
  for (const size_t piece : {1u, 511u, 100'000u}) {
    MemorySource source(archive, piece);
    TarReader tar(&source);
    for (const char* name : {"s", "p00", "p01", "p10"}) {
      EXPECT_EQ(NextFile(&tar), absl::StrCat(name, ":.ab..cde.."));
    }
    EXPECT_EQ(NextFile(&tar), "after:1");
    EXPECT_EQ(NextFile(&tar), "end");
  }
}

TEST(TarReaderTest, OldSparseMapsGoOnInBlocks) {
  std::string pairs, block(512, '\0');
  for (int i = 0; i < 4; ++i) pairs += Pair(2 * i, 1);
  block.replace(0, 48, Pair(8, 1) + Pair(10, 1));
  const std::string archive =
      OldSparse(6, pairs, 1, "00000000013") + block + Padded("abcdef") + File("after", "1");
  MemorySource source(archive, 1000);
  TarReader tar(&source);

  EXPECT_EQ(NextFile(&tar), "s:a.b.c.d.e.f");
  EXPECT_EQ(NextFile(&tar), "after:1");
}

TEST(TarReaderTest, SparseDataMayBeLeftUnread) {
  const std::string archive =
      OldSparse(5, Pair(1, 2) + Pair(5, 3), 0, "00000000012") + Padded("abcde") + File("b", "1");
  MemorySource source(archive, 1000);
  TarReader tar(&source);
  TarEntry entry;

  ASSERT_TRUE(tar.Next(&entry).value());
  EXPECT_EQ(NextFile(&tar), "b:1");
}

TEST(TarReaderTest, OnlyV7HasDirectoriesByTheirNames) {
  const Listing listing = List(Header("d/", '\0', 0, "") + Header("f/", '0', 0, "") + End());

  ASSERT_TRUE(listing.status.ok()) << listing.status;
  EXPECT_EQ(listing.entries[0].first.type, TarType::kDirectory);
  EXPECT_EQ(listing.entries[1].first.type, TarType::kFile);
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
      {"sparse", Header("x", 'S', 0, ""), "E_TAR",
       "\"x\": type 'S' of a dialect that is not GNU's"},
      {"sparse overlap", OldSparse(2, Pair(1, 1) + Pair(1, 1), 0, "00000000012") + Padded("ab"),
       "E_TAR", "\"s\": sparse file: its parts overlap or are out of order"},
      {"sparse end", OldSparse(1, Pair(1, 1), 1, "00000000012") + std::string(512, 'x'), "E_TAR",
       "\"s\": its map goes on behind its end"},
      {"sparse map cut",
       Pax('x', Record("GNU.sparse.major", "1") + Record("GNU.sparse.size", "1")) +
           File("x", "1\n0\n1\n"),
       "E_TAR", "\"x\": its map is cut short"},
      {"sparse directory",
       Pax('x', Record("GNU.sparse.major", "1") + Record("GNU.sparse.size", "1")) +
           Header("x", '5', 0, ""),
       "E_TAR", "\"x\": sparse, but no file"},
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

// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_writer.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/archive/byte_source.h"
#include "libs/base/error.h"

namespace stave::archive {
namespace {

TarEntry Entry(const std::string& path, TarType type) {
  TarEntry entry;
  entry.path = path;
  entry.type = type;
  entry.mode = 0644;
  entry.mtime.tv_sec = 1700000000;
  return entry;
}

TarEntry File(const std::string& path, const std::string& data) {
  TarEntry entry = Entry(path, TarType::kFile);
  entry.size = data.size();
  return entry;
}

// The stream of these entries, each with its data.
std::string Written(const std::vector<std::pair<TarEntry, std::string>>& entries) {
  std::string text;
  StringSink sink(&text);
  TarWriter tar(&sink);
  for (const auto& [entry, data] : entries) {
    EXPECT_EQ(tar.Begin(entry), absl::OkStatus());
    EXPECT_EQ(tar.WriteData(data), absl::OkStatus());
    EXPECT_EQ(tar.data_left(), 0u);
  }
  EXPECT_EQ(tar.Finish(), absl::OkStatus());
  EXPECT_EQ(tar.bytes(), text.size());
  return text;
}

std::string Written(const TarEntry& entry) { return Written({{entry, ""}}); }

// What our reader makes of `text`.
std::vector<std::pair<TarEntry, std::string>> Read(const std::string& text) {
  MemorySource source(text, 777);
  TarReader tar(&source);
  std::vector<std::pair<TarEntry, std::string>> entries;
  for (;;) {
    TarEntry entry;
    const auto more = tar.Next(&entry);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return entries;
    std::string data;
    for (;;) {
      const auto piece = tar.ReadData();
      EXPECT_TRUE(piece.ok()) << piece.status();
      if (!piece.ok() || piece->empty()) break;
      absl::StrAppend(&data, *piece);
    }
    entries.emplace_back(std::move(entry), data);
  }
}

TarEntry ReadOne(const TarEntry& entry) {
  const auto entries = Read(Written(entry));
  EXPECT_EQ(entries.size(), 1u);
  return entries.empty() ? TarEntry() : entries[0].first;
}

TEST(TarWriter, APlainHeaderIsOneBlockOfUstar) {
  TarEntry entry = File("etc/motd", "hello");
  entry.mode = 04755;
  entry.uid = 1000;
  entry.gid = 100;
  const std::string text = Written({{entry, "hello"}});
  ASSERT_EQ(text.size(), 512u + 512 + 1024);
  EXPECT_EQ(text.substr(0, 9), std::string("etc/motd\0", 9));
  EXPECT_EQ(text.substr(100, 8), std::string("0004755\0", 8));
  EXPECT_EQ(text.substr(108, 8), std::string("0001750\0", 8));
  EXPECT_EQ(text.substr(116, 8), std::string("0000144\0", 8));
  EXPECT_EQ(text.substr(124, 12), std::string("00000000005\0", 12));
  EXPECT_EQ(text.substr(136, 12), std::string("14524770400\0", 12));
  EXPECT_EQ(text.substr(156, 1), "0");
  EXPECT_EQ(text.substr(257, 8), std::string("ustar\0"
                                             "00",
                                             8));
  EXPECT_EQ(text.substr(265, 64), std::string(64, '\0')) << "names of users are the machine's";
  EXPECT_EQ(text.substr(512, 8), std::string("hello\0\0\0", 8));
}

TEST(TarWriter, EveryTypeComesBack) {
  TarEntry link = Entry("b", TarType::kHardLink);
  link.link = "a";
  TarEntry symlink = Entry("c", TarType::kSymlink);
  symlink.link = "/x/y";
  TarEntry device = Entry("d", TarType::kCharDevice);
  device.device_major = 4095;
  device.device_minor = 1048575;
  const auto entries = Read(Written({{File("a", "12345"), "12345"},
                                     {link, ""},
                                     {symlink, ""},
                                     {device, ""},
                                     {Entry("e", TarType::kBlockDevice), ""},
                                     {Entry("f", TarType::kFifo), ""},
                                     {Entry("g", TarType::kDirectory), ""},
                                     {Entry(".", TarType::kDirectory), ""}}));
  ASSERT_EQ(entries.size(), 8u);
  EXPECT_EQ(entries[0].second, "12345");
  EXPECT_EQ(entries[1].first.type, TarType::kHardLink);
  EXPECT_EQ(entries[1].first.link, "a");
  EXPECT_EQ(entries[2].first.link, "/x/y");
  EXPECT_EQ(entries[3].first.device_major, 4095u);
  EXPECT_EQ(entries[3].first.device_minor, 1048575u);
  EXPECT_EQ(entries[4].first.type, TarType::kBlockDevice);
  EXPECT_EQ(entries[5].first.type, TarType::kFifo);
  EXPECT_EQ(entries[6].first.type, TarType::kDirectory);
  EXPECT_EQ(entries[7].first.path, ".");
}

TEST(TarWriter, NamesOfEveryLengthComeBack) {
  for (size_t size = 1; size <= 400; ++size) {
    for (const size_t step : {size_t{9}, size_t{60}, size_t{99}, size_t{101}, size_t{500}}) {
      std::string name(size, 'n');
      for (size_t at = step; at + 1 < size; at += step + 1) name[at] = '/';
      for (const TarType type : {TarType::kFile, TarType::kDirectory}) {
        ASSERT_EQ(ReadOne(Entry(name, type)).path, name);
      }
    }
    TarEntry link = Entry("x", TarType::kSymlink);
    link.link = std::string(size, 't');
    ASSERT_EQ(ReadOne(link).link, link.link);
  }
}

TEST(TarWriter, ANameThatFitsTheHeaderHasNoOther) {
  EXPECT_EQ(Written(Entry(std::string(100, 'a'), TarType::kFile)).size(), 512u + 1024);
  EXPECT_EQ(Written(Entry(std::string(101, 'a'), TarType::kFile)).size(), 3 * 512u + 1024);
  EXPECT_EQ(Written(Entry(std::string(99, 'a'), TarType::kDirectory)).size(), 512u + 1024);
  const std::string divided = std::string(155, 'p') + "/" + std::string(100, 'n');
  EXPECT_EQ(Written(Entry(divided, TarType::kFile)).size(), 512u + 1024);
  EXPECT_EQ(Written(Entry("p" + divided, TarType::kFile)).size(), 3 * 512u + 1024);
}

TEST(TarWriter, NamesThatAreNotUtf8SaySo) {
  const std::string bytes = std::string(120, 'x') + "\xff\xfe";
  EXPECT_EQ(ReadOne(Entry(bytes, TarType::kFile)).path, bytes);
  EXPECT_TRUE(absl::StrContains(Written(Entry(bytes, TarType::kFile)), "21 hdrcharset=BINARY\n"));
  const std::string text = std::string(120, 'x') + "\u00e4\u20ac\U0001f600";
  EXPECT_FALSE(absl::StrContains(Written(Entry(text, TarType::kFile)), "hdrcharset"));
  EXPECT_EQ(ReadOne(Entry("\xff", TarType::kFile)).path, "\xff");
}

TEST(TarWriter, NumbersThatAHeaderCannotSayComeBack) {
  for (const uint32_t id : {2097151u, 2097152u, 4294967294u}) {
    TarEntry entry = Entry("a", TarType::kFile);
    entry.uid = id;
    entry.gid = id;
    EXPECT_EQ(ReadOne(entry).uid, id);
    EXPECT_EQ(ReadOne(entry).gid, id);
  }
  for (const timespec time :
       {timespec{0, 0}, timespec{0, 1}, timespec{1700000000, 123456789}, timespec{1, 500000000},
        timespec{-1, 0}, timespec{-1, 500000000}, timespec{-2, 999999999}, timespec{-1000000, 1},
        timespec{8589934591, 0}, timespec{8589934592, 0}}) {
    TarEntry entry = Entry("a", TarType::kFile);
    entry.mtime = time;
    const TarEntry read = ReadOne(entry);
    EXPECT_EQ(read.mtime.tv_sec, time.tv_sec) << time.tv_sec << " " << time.tv_nsec;
    EXPECT_EQ(read.mtime.tv_nsec, time.tv_nsec) << time.tv_sec << " " << time.tv_nsec;
  }
}

TEST(TarWriter, ALargeFileHasItsSizeBeforeItsData) {
  std::string text;
  StringSink sink(&text);
  {
    TarWriter tar(&sink);
    TarEntry entry = Entry("large", TarType::kFile);
    entry.size = uint64_t{8} << 30;
    ASSERT_EQ(tar.Begin(entry), absl::OkStatus());
    // The buffer goes with the first large piece.
    ASSERT_EQ(tar.WriteData(std::string(kBufferSize, 'x')), absl::OkStatus());
    EXPECT_EQ(tar.data_left(), entry.size - kBufferSize);
  }
  MemorySource source(text, 4096);
  TarReader tar(&source);
  TarEntry read;
  ASSERT_TRUE(tar.Next(&read).ok());
  EXPECT_EQ(read.size, uint64_t{8} << 30);
}

TEST(TarWriter, AttributesComeBackSorted) {
  TarEntry entry = Entry("a", TarType::kFile);
  entry.xattrs = {{"user.z", std::string("\0\n=\xff", 4)}, {"user.a", std::string(40000, 'v')}};
  const TarEntry read = ReadOne(entry);
  ASSERT_EQ(read.xattrs.size(), 2u);
  EXPECT_EQ(read.xattrs[0].first, "user.a");
  EXPECT_EQ(read.xattrs[0].second, std::string(40000, 'v'));
  EXPECT_EQ(read.xattrs[1].second, std::string("\0\n=\xff", 4));
}

TEST(TarWriter, WhatATarCannotSayIsRefused) {
  std::string text;
  StringSink sink(&text);
  TarWriter tar(&sink);
  TarEntry entry = Entry("", TarType::kFile);
  EXPECT_EQ(base::ErrorWord(tar.Begin(entry)), "E_TAR");
  EXPECT_EQ(base::ErrorWord(tar.Begin(Entry(std::string("a\0b", 3), TarType::kFile))), "E_TAR");
  entry = Entry("a", TarType::kFile);
  entry.xattrs = {{"user.a=b", "c"}};
  EXPECT_EQ(base::ErrorWord(tar.Begin(entry)), "E_TAR");
  entry = Entry("a", TarType::kFile);
  entry.mtime.tv_nsec = 1000000000;
  EXPECT_EQ(base::ErrorWord(tar.Begin(entry)), "E_TAR");
}

TEST(TarWriter, DataMustBeWhatWasSaid) {
  std::string text;
  StringSink sink(&text);
  TarWriter tar(&sink);
  ASSERT_EQ(tar.Begin(File("a", "12345")), absl::OkStatus());
  EXPECT_TRUE(absl::IsInternal(tar.WriteData("123456")));
  EXPECT_TRUE(absl::IsInternal(tar.Begin(File("b", ""))));
  EXPECT_TRUE(absl::IsInternal(tar.Finish()));
  EXPECT_EQ(tar.WriteData("12"), absl::OkStatus());
  EXPECT_EQ(tar.WriteZeros(3), absl::OkStatus());
  EXPECT_EQ(tar.Finish(), absl::OkStatus());
  EXPECT_EQ(Read(text)[0].second, std::string("12\0\0\0", 5));
}

}  // namespace
}  // namespace stave::archive

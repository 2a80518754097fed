// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/decompress.h"

#include <zlib.h>
#include <zstd.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/read_ahead.h"
#include "libs/base/error.h"

namespace stave::archive {
namespace {

std::string Text(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) absl::StrAppend(&text, "line ", i * i, "\n");
  text.resize(size);
  return text;
}

std::string GzipOf(const std::string& plain) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, plain.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string ZstdOf(const std::string& plain) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3));
  return packed;
}

absl::StatusOr<std::string> ReadAll(ByteSource* source, size_t piece) {
  std::string all, buffer(piece, '\0');
  while (true) {
    const auto got = source->Read(buffer.data(), buffer.size());
    if (!got.ok()) return got.status();
    if (*got == 0) return all;
    all.append(buffer, 0, *got);
  }
}

absl::StatusOr<std::string> Unpacked(const std::string& packed, size_t in, size_t out) {
  MemorySource source(packed, in);
  const auto plain = Decompress(&source);
  if (!plain.ok()) return plain.status();
  return ReadAll(plain->get(), out);
}

std::string WordOf(const std::string& packed) {
  return base::ErrorWord(Unpacked(packed, 1 << 20, kBufferSize).status());
}

TEST(DecompressTest, ReadsAllKindsInAllPieces) {
  const std::string plain = Text(900'000);
  for (const std::string& packed : {plain, GzipOf(plain), ZstdOf(plain)}) {
    for (const size_t in : {size_t{7}, size_t{4096}, size_t{1 << 20}}) {
      for (const size_t out : {size_t{1000}, kBufferSize}) {
        const auto got = Unpacked(packed, in, out);
        ASSERT_TRUE(got.ok()) << got.status();
        EXPECT_TRUE(*got == plain);
      }
    }
  }
}

TEST(DecompressTest, EmptyIsEmpty) {
  EXPECT_EQ(Unpacked("", 1, 1).value(), "");
  EXPECT_EQ(Unpacked(GzipOf(""), 1, 1).value(), "");
  EXPECT_EQ(Unpacked(ZstdOf(""), 1, 1).value(), "");
}

TEST(DecompressTest, MembersAndFramesAreOneStream) {
  EXPECT_EQ(Unpacked(GzipOf("ab") + GzipOf("") + GzipOf("cd"), 3, 3).value(), "abcd");
  const std::string skippable("\x5e\x2a\x4d\x18\x03\0\0\0xyz", 11);
  EXPECT_EQ(Unpacked(skippable + ZstdOf("ab") + skippable + ZstdOf("cd") + skippable, 3, 3).value(),
            "abcd");
}

TEST(DecompressTest, EveryCutIsSeen) {
  for (const std::string& packed : {GzipOf(Text(300)), ZstdOf(Text(300))}) {
    for (size_t size = 4; size < packed.size(); ++size) {
      EXPECT_EQ(WordOf(packed.substr(0, size)), "E_CORRUPT") << size;
    }
  }
}

TEST(DecompressTest, RefusesDamage) {
  std::string crc = GzipOf("text");
  crc[crc.size() - 8] ^= 1;
  EXPECT_EQ(WordOf(crc), "E_CORRUPT");
  EXPECT_EQ(WordOf(GzipOf("text") + "x"), "E_CORRUPT");
  EXPECT_EQ(WordOf(GzipOf("text") + "garbage"), "E_CORRUPT");
  EXPECT_EQ(WordOf(ZstdOf("text") + "garbage"), "E_CORRUPT");
}

TEST(DecompressTest, RefusesHugeWindows) {
  EXPECT_EQ(WordOf(std::string("\x28\xb5\x2f\xfd\0\xa8", 6) + std::string(100, '\0')), "E_LIMIT");
}

TEST(DecompressTest, RefusesOtherKindsByName) {
  const auto status = Unpacked(std::string("\xfd"
                                           "7zXZ\0\0\4",
                                           8),
                               1, 1)
                          .status();

  EXPECT_EQ(base::ErrorWord(status), "E_UNSUPPORTED");
  EXPECT_EQ(status.message(), "xz data: only gzip, zstd and plain tar are read");
}

TEST(DecompressTest, AnErrorStays) {
  const std::string packed = GzipOf("text") + "garbage";
  MemorySource source(packed, 1);
  const auto plain = Decompress(&source);
  ASSERT_TRUE(plain.ok());

  const auto first = ReadAll(plain->get(), 100);

  char byte;
  EXPECT_EQ((*plain)->Read(&byte, 1).status(), first.status());
}

TEST(ReadAheadTest, GivesWhatItsSourceGives) {
  const std::string plain = Text(3'000'000), packed = GzipOf(plain);
  MemorySource source(packed, 10'000);
  const auto decoded = Decompress(&source);
  ASSERT_TRUE(decoded.ok());
  ReadAhead ahead(decoded->get());

  EXPECT_TRUE(ReadAll(&ahead, 12'345).value() == plain);
  char byte;
  EXPECT_EQ(ahead.Read(&byte, 1).value(), 0u);
}

TEST(ReadAheadTest, TheErrorComesAfterTheBytes) {
  const std::string plain = Text(2'000'000), packed = GzipOf(plain) + "garbage";
  MemorySource source(packed, 10'000);
  const auto decoded = Decompress(&source);
  ASSERT_TRUE(decoded.ok());
  ReadAhead ahead(decoded->get());

  EXPECT_EQ(base::ErrorWord(ReadAll(&ahead, 10'000).status()), "E_CORRUPT");
}

TEST(ReadAheadTest, MayBeLeftHalfRead) {
  const std::string plain = Text(5'000'000);
  MemorySource source(plain, 100'000);
  ReadAhead ahead(&source);
  char byte;

  EXPECT_EQ(ahead.Read(&byte, 1).value(), 1u);
}

}  // namespace
}  // namespace stave::archive

// SPDX-License-Identifier: Apache-2.0
//
// The tar reader: what it accepts keeps the promises of its header, how the bytes arrive makes no
// difference, and it takes little memory whatever the headers say.

#include <malloc.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/tar_reader.h"

// Of the sanitizer, where there is one.
extern "C" size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace {

// A buffer of 256 KiB, headers of 1 MiB and the map of a sparse file, each a few times.
constexpr size_t kMostMemory = 32 << 20;

using stave::archive::TarEntry;
using stave::archive::TarType;

void Require(bool condition) {
  if (!condition) std::abort();
}

void RequireClean(absl::string_view path) {
  if (path == ".") return;
  Require(path.find('\0') == absl::string_view::npos);
  Require(path.size() <= stave::archive::kMaxName);
  for (const absl::string_view name : absl::StrSplit(path, '/')) {
    Require(!name.empty() && name != "." && name != "..");
  }
}

size_t Allocated() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) {
    return __sanitizer_get_current_allocated_bytes();
  }
  return ::mallinfo2().uordblks;
}

// All that was read, as text.
std::string Read(absl::string_view bytes, size_t piece) {
  const size_t before = Allocated();
  stave::archive::MemorySource source(bytes, piece);
  stave::archive::TarReader tar(&source);
  TarEntry entry;
  std::string all;
  while (true) {
    const auto more = tar.Next(&entry);
    Require(Allocated() <= before + kMostMemory + 2 * all.capacity());
    if (!more.ok()) return absl::StrCat(all, "error ", more.status().message());
    if (!*more) return all;
    RequireClean(entry.path);
    if (entry.type == TarType::kHardLink) RequireClean(entry.link);
    Require(entry.type == TarType::kFile || entry.size == 0);
    Require(entry.stored <= entry.size);
    Require(entry.type != TarType::kSymlink || !entry.link.empty());
    Require((entry.mode & ~07777u) == 0 && entry.uid != ~0u && entry.gid != ~0u);
    Require(entry.mtime.tv_nsec >= 0 && entry.mtime.tv_nsec < 1'000'000'000);
    absl::StrAppend(&all, entry.path, "\n", entry.link, "\n", entry.size, " ", entry.stored, " ",
                    entry.mode, " ", entry.mtime.tv_sec, "\n");
    for (const auto& [name, value] : entry.xattrs) absl::StrAppend(&all, name, "=", value, "\n");
    // Every other entry is skipped.
    if (entry.size % 2 != 0) continue;
    uint64_t got = 0, end = 0;
    while (true) {
      const auto data = tar.ReadData();
      if (!data.ok()) return absl::StrCat(all, "error ", data.status().message());
      if (data->empty()) break;
      Require(tar.position() >= end);
      if (tar.position() > end) absl::StrAppend(&all, "@", tar.position(), " ");
      absl::StrAppend(&all, *data);
      end = tar.position() + data->size();
      got += data->size();
    }
    Require(got == entry.stored && end <= entry.size);
  }
}

// Blind changes never hit a checksum: with those of all headers set right.
std::string Mended(absl::string_view bytes) {
  std::string mended(bytes);
  for (size_t at = 0; at + 512 <= mended.size(); at += 512) {
    if (mended.compare(at + 257, 5, "ustar") != 0) continue;
    mended.replace(at + 148, 8, "        ");
    unsigned sum = 0;
    for (size_t i = at; i < at + 512; ++i) sum += static_cast<unsigned char>(mended[i]);
    char octal[8];
    std::snprintf(octal, sizeof(octal), "%06o", sum);
    mended.replace(at + 148, 7, octal, 7);
  }
  return mended;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const std::string& text : {std::string(bytes), Mended(bytes)}) {
    Require(Read(text, 1 << 20) == Read(text, 333));
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// The tar reader: what it accepts keeps the promises of its header, and how the bytes arrive makes
// no difference.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/tar_reader.h"

namespace {

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

// All that was read, as text.
std::string Read(absl::string_view bytes, size_t piece) {
  stave::archive::MemorySource source(bytes, piece);
  stave::archive::TarReader tar(&source);
  TarEntry entry;
  std::string all;
  while (true) {
    const auto more = tar.Next(&entry);
    if (!more.ok()) return absl::StrCat(all, "error ", more.status().message());
    if (!*more) return all;
    RequireClean(entry.path);
    if (entry.type == TarType::kHardLink) RequireClean(entry.link);
    Require(entry.type == TarType::kFile || entry.size == 0);
    Require(entry.type != TarType::kSymlink || !entry.link.empty());
    Require((entry.mode & ~07777u) == 0 && entry.uid != ~0u && entry.gid != ~0u);
    Require(entry.mtime.tv_nsec >= 0 && entry.mtime.tv_nsec < 1'000'000'000);
    absl::StrAppend(&all, entry.path, "\n", entry.link, "\n", entry.size, " ", entry.mode, " ",
                    entry.mtime.tv_sec, "\n");
    for (const auto& [name, value] : entry.xattrs) absl::StrAppend(&all, name, "=", value, "\n");
    // Every other entry is skipped.
    if (entry.size % 2 != 0) continue;
    uint64_t got = 0;
    while (true) {
      const auto data = tar.ReadData();
      if (!data.ok()) return absl::StrCat(all, "error ", data.status().message());
      if (data->empty()) break;
      got += data->size();
    }
    Require(got == entry.size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  Require(Read(bytes, 1 << 20) == Read(bytes, 333));
  return 0;
}

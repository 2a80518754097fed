// SPDX-License-Identifier: Apache-2.0
#include "libs/image/tar_text.h"

#include <stdlib.h>

#include <cstdio>
#include <cstring>
#include <fstream>

namespace stave::image {
namespace {

constexpr size_t kBlock = 512;

std::string Header(const TarText& member) {
  std::string block(kBlock, '\0');
  std::memcpy(&block[0], member.name.data(), member.name.size());
  std::memcpy(&block[100],
              "0000644\0"
              "0000000\0"
              "0000000\0",
              24);
  char number[16];
  std::snprintf(number, sizeof number, "%011zo", member.data.size());
  std::memcpy(&block[124], number, 12);
  std::memcpy(&block[136], "00000000000", 12);
  std::memset(&block[148], ' ', 8);
  block[156] = member.type;
  std::memcpy(&block[157], member.link.data(), member.link.size());
  std::memcpy(&block[257],
              "ustar\0"
              "00",
              8);
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  std::snprintf(number, sizeof number, "%06o", sum);
  std::memcpy(&block[148], number, 7);
  return block;
}

}  // namespace

std::string MakeTar(const std::vector<TarText>& members) {
  std::string tar;
  for (const TarText& member : members) {
    tar += Header(member) + member.data;
    tar.resize((tar.size() + kBlock - 1) / kBlock * kBlock, '\0');
  }
  return tar + std::string(2 * kBlock, '\0');
}

std::string WriteTestFile(const std::string& name, const std::string& content) {
  const char* folder = ::getenv("TEST_TMPDIR");
  const std::string path = std::string(folder == nullptr ? "/tmp" : folder) + "/" + name;
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  return path;
}

}  // namespace stave::image

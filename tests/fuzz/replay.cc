// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target over the files it is given, and over nothing, where there is no libFuzzer.

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  LLVMFuzzerTestOneInput(nullptr, 0);
  std::printf("%d inputs\n", argc);
}

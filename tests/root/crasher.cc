// SPDX-License-Identifier: Apache-2.0
//
// A payload that ends in the way that its argument names, for why_test.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace {

volatile int zero = 0;

void Bus() {
  const int fd = ::open("/tmp/empty", O_RDWR | O_CREAT, 0600);
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  *static_cast<volatile char*>(page) = 1;  // beyond the end of the file
}

void Eat() {
  for (;;) {
    constexpr size_t kSize = size_t{1} << 20;
    ::memset(::malloc(kSize), 1, kSize);
  }
}

void Fill() {
  const int fd = ::open("/tmp/full", O_WRONLY | O_CREAT, 0600);
  char block[65536] = {};
  while (::write(fd, block, sizeof block) > 0) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "";
  if (how == "segv") *reinterpret_cast<volatile int*>(static_cast<long>(zero) + 8) = 1;
  if (how == "abrt") ::abort();
  if (how == "bus") Bus();
  if (how == "ill") __builtin_trap();
  if (how == "fpe") ::printf("%d", 100 / zero);
  if (how == "memory") Eat();
  if (how == "file") Fill();
  if (how == "mkdir") ::mkdir("/tmp/made", 0700);
  while (how == "spin") {
    zero = 0;
  }
  return 9;
}

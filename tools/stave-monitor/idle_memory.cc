// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/idle_memory.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

extern "C" const char __executable_start, etext;  // the linker's

namespace stave::tools {

void ReleaseIdleMemory() {
  ::malloc_trim(0);
  const uintptr_t page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t begin = reinterpret_cast<uintptr_t>(&__executable_start) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(&etext) / page * page;
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace stave::tools

// SPDX-License-Identifier: Apache-2.0
//
// What a process that will sleep for long gives back: there is one for each container that runs.

#ifndef STAVE_TOOLS_STAVE_MONITOR_IDLE_MEMORY_H_
#define STAVE_TOOLS_STAVE_MONITOR_IDLE_MEMORY_H_

namespace stave::tools {

// Free heap, and the mapping of the program's code: most of that was for the beginning, and the
// kernel maps 64 KiB around each page. The next steps map what they need from the page cache.
void ReleaseIdleMemory();

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_MONITOR_IDLE_MEMORY_H_

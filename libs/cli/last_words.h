// SPDX-License-Identifier: Apache-2.0
//
// What a program says when the C++ library cannot go on: no memory, or no thread. Errors of ours
// are absl::Status and never come here.

#ifndef STAVE_LIBS_CLI_LAST_WORDS_H_
#define STAVE_LIBS_CLI_LAST_WORDS_H_

namespace stave::cli {

// From now on an exception of the library ends the process with the line
//
//   NAME: out of memory [E_NO_MEMORY]
//   NAME: a thread: cannot be started [E_NO_MEMORY]
//
// and exit code 125 if `failure_exit` is that, else 1. No destructor runs: what is half done is as
// after SIGKILL. An exception of another type still aborts. `name` must live on.
void SetLastWords(const char* name, int failure_exit);

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_LAST_WORDS_H_

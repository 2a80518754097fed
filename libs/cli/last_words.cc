// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/last_words.h"

#include <cxxabi.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include <exception>
#include <new>
#include <system_error>
#include <typeinfo>

#include "absl/strings/string_view.h"

namespace stave::cli {
namespace {

constexpr int kPayloadFailure = 125;

iovec Piece(absl::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

// Allocates nothing. The name is where libc keeps it for error(3).
void Say(absl::string_view what) {
  const iovec pieces[] = {Piece(program_invocation_short_name), Piece(": "), Piece(what),
                          Piece(" [E_NO_MEMORY]\n")};
  [[maybe_unused]] const ssize_t n = ::writev(STDERR_FILENO, pieces, 4);
}

template <int kExitCode>
void Terminate() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) ::abort();
  if (*type == typeid(std::bad_alloc)) {
    Say("out of memory");
  } else if (*type == typeid(std::system_error)) {
    Say("a thread: cannot be started");
  } else {
    ::abort();
  }
  ::_exit(kExitCode);
}

}  // namespace

void SetLastWords(const char* name, int failure_exit) {
  program_invocation_short_name = const_cast<char*>(name);
  std::set_terminate(failure_exit == kPayloadFailure ? Terminate<kPayloadFailure> : Terminate<1>);
}

}  // namespace stave::cli

// SPDX-License-Identifier: Apache-2.0
//
// A seccomp policy: what is compiled, the kernel loads. Every jump ends within the program, every
// way ends in a return.
#include <linux/filter.h>

#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "libs/json/parse.h"
#include "libs/seccomp/compile.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto policy =
      stave::json::Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!policy.ok()) return 0;
  const auto program = stave::seccomp::Compile(*policy);
  if (!program.ok()) return 0;
  const size_t length = program->filter.size();
  Require(length > 0 && length <= BPF_MAXINSNS);
  for (size_t i = 0; i < length; ++i) {
    const sock_filter& one = program->filter[i];
    if (BPF_CLASS(one.code) == BPF_RET) continue;
    Require(i + 1 < length);
    if (BPF_CLASS(one.code) != BPF_JMP) continue;
    const uint64_t next = i + 1;
    if (BPF_OP(one.code) == BPF_JA) {
      Require(next + one.k < length);
    } else {
      Require(next + one.jt < length && next + one.jf < length);
    }
  }
  return 0;
}

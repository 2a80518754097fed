// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/filter_cache.h"

#include <string.h>
#include <sys/utsname.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/atomic_file.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/oci/digest.h"

namespace stave::runtime {
namespace {

constexpr size_t kMaxInstructions = 4096;  // seccomp(2), BPF_MAXINSNS
constexpr size_t kMaxBytes = sizeof(uint32_t) + kMaxInstructions * sizeof(sock_filter);

std::string NameOf(const json::Value& policy) {
  utsname kernel{};
  ::uname(&kernel);
  return oci::DigestOf(absl::StrCat(json::Print(policy), "\n", seccomp::kCompilerVersion, "\n",
                                    kernel.release, " ", kernel.machine))
      .hex();
}

std::string Encode(const seccomp::Program& program) {
  const uint32_t flags = program.flags;
  std::string text(reinterpret_cast<const char*>(&flags), sizeof flags);
  text.append(reinterpret_cast<const char*>(program.filter.data()),
              program.filter.size() * sizeof(sock_filter));
  return text;
}

bool Decode(const std::string& text, seccomp::Program* program) {
  if (text.size() <= sizeof(uint32_t)) return false;
  const size_t bytes = text.size() - sizeof(uint32_t);
  if (bytes % sizeof(sock_filter) != 0) return false;
  uint32_t flags;
  ::memcpy(&flags, text.data(), sizeof flags);
  program->flags = flags;
  program->filter.resize(bytes / sizeof(sock_filter));
  ::memcpy(program->filter.data(), text.data() + sizeof flags, bytes);
  return true;
}

}  // namespace

absl::StatusOr<seccomp::Program> CompiledFilter(const json::Value& policy, int run) {
  if (run < 0) return seccomp::Compile(policy);
  const std::string name = NameOf(policy);
  seccomp::Program program;
  const auto kept = base::ReadFileAt(run, "seccomp/" + name, kMaxBytes);
  if (kept.ok() && Decode(*kept, &program)) return program;
  STAVE_ASSIGN_OR_RETURN(program, seccomp::Compile(policy));
  if (base::MakeDirAt(run, "seccomp", 0700).ok()) {
    if (const auto dir = base::OpenDirAt(run, "seccomp"); dir.ok()) {
      base::ReplaceFileAt(dir->get(), name, Encode(program), 0600, base::Durability::kVolatile)
          .IgnoreError();
    }
  }
  return program;
}

}  // namespace stave::runtime

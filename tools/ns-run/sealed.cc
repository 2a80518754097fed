// SPDX-License-Identifier: Apache-2.0
#include "tools/ns-run/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/runtime/sealed_self.h"
#include "libs/runtime/shared_namespaces.h"

namespace stave::tools {
namespace {

constexpr char kDocument[] = "document";

absl::StatusOr<base::UniqueFd> InMemory(const std::string& text) {
  base::UniqueFd file(::memfd_create(kDocument, MFD_CLOEXEC));
  if (!file.valid()) return base::PosixError(errno, kDocument, "memfd_create");
  STAVE_RETURN_IF_ERROR(base::WriteAll(file.get(), text, kDocument));
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return base::PosixError(errno, kDocument, "seek");
  return file;
}

}  // namespace

absl::Status SealForDirectory(const cli::Invocation& given) {
  if (!given.Has("rootfs") || !absl::StartsWith(given.Get("pid"), "container:")) {
    return absl::OkStatus();
  }
  return runtime::SealSelf();
}

absl::Status SealForRun(const cli::Invocation& given, const json::Value& document) {
  if (given.Has("rootfs") || !runtime::SharesProcesses(document)) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const bool sealed, runtime::IsSealed());
  if (sealed) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd file, InMemory(json::Print(document)));
  std::vector<std::string> words = {"ns-run"};
  if (given.Has("config")) {  // stdin is the payload's
    ::fcntl(file.get(), F_SETFD, 0);
    words.push_back(absl::StrCat("--config=/proc/self/fd/", file.get()));
  } else if (::dup2(file.get(), STDIN_FILENO) < 0) {
    return base::PosixError(errno, "stdin", "dup2");
  }
  for (const char* flag : {"rm", "interactive"}) {
    if (given.Has(flag)) words.push_back(absl::StrCat("--", flag));
  }
  if (given.Has("stdin-fd")) words.push_back(absl::StrCat("--stdin-fd=", given.Get("stdin-fd")));
  return runtime::SealSelf(words);
}

}  // namespace stave::tools

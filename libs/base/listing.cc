// SPDX-License-Identifier: Apache-2.0
#include "libs/base/listing.h"

#include <dirent.h>
#include <errno.h>

#include <memory>

#include "libs/base/posix.h"

namespace stave::base {

absl::StatusOr<std::vector<std::string>> ListNames(UniqueFd dir, absl::string_view noun) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(dir.get()), ::closedir);
  if (stream == nullptr) return PosixError(errno, noun, "list");
  (void)dir.Release();  // the stream owns it
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return PosixError(errno, noun, "list");
  return names;
}

}  // namespace stave::base

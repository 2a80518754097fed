// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/root_user.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/rootpath/rootpath.h"

namespace stave::runtime {
namespace {

absl::StatusOr<std::string> ReadUserFile(int root, const char* path) {
  auto file = rootpath::OpenInRoot(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat st;
  if (absl::IsNotFound(file.status())) return std::string();
  if (!file.ok()) return file.status();
  if (::fstat(file->get(), &st) < 0 || !S_ISREG(st.st_mode)) return std::string();
  return base::ReadAll(file->get(), oci::kMaxUserFile, path);
}

}  // namespace

absl::StatusOr<oci::User> ResolveUserInRoot(int root, absl::string_view spec) {
  STAVE_ASSIGN_OR_RETURN(const std::string passwd, ReadUserFile(root, "etc/passwd"));
  STAVE_ASSIGN_OR_RETURN(const std::string group, ReadUserFile(root, "etc/group"));
  return oci::ResolveUser(spec, passwd, group);
}

}  // namespace stave::runtime

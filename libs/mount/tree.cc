// SPDX-License-Identifier: Apache-2.0
#include "libs/mount/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::mount {
namespace {

// The newest line of the context's log: "e overlay: Unknown parameter 'x'" without its class.
std::string KernelSays(int context) {
  char text[512];
  std::string last;
  for (;;) {
    const ssize_t n = ::read(context, text, sizeof text);
    if (n <= 2) return last;
    last = std::string(
        absl::StripAsciiWhitespace(absl::string_view(text + 2, static_cast<size_t>(n) - 2)));
  }
}

absl::Status Failed(int context, int error, const std::string& type, absl::string_view act) {
  const std::string said = KernelSays(context);
  return base::PosixError(error, said.empty() ? type : absl::StrCat(type, " (", said, ")"), act);
}

absl::Status SetParameters(int context, const std::string& type,
                           const std::vector<Parameter>& parameters) {
  for (const auto& [key, value] : parameters) {
    const long done =
        value.empty()
            ? ::syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0)
            : ::syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0);
    if (done >= 0) continue;
    const std::string option = absl::StrCat(key, value.empty() ? "" : "=", value);
    return Failed(context, errno, type, absl::StrCat("option ", base::Printable(option, 80)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<base::UniqueFd> MakeFilesystem(const std::string& type, const std::string& source,
                                              const std::vector<Parameter>& parameters,
                                              uint64_t attributes) {
  const base::UniqueFd context(
      static_cast<int>(::syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC)));
  if (!context.valid()) return base::PosixError(errno, type, "fsopen");
  if (!source.empty() && ::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "source",
                                   source.c_str(), 0) < 0) {
    return Failed(context.get(), errno, type, "source");
  }
  STAVE_RETURN_IF_ERROR(SetParameters(context.get(), type, parameters));
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
    return Failed(context.get(), errno, type, "make the file system");
  }
  base::UniqueFd tree(static_cast<int>(
      ::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes))));
  if (!tree.valid()) return Failed(context.get(), errno, type, "mount");
  return tree;
}

absl::StatusOr<base::UniqueFd> CloneTree(int dirfd, const std::string& path, Depth depth) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (path.empty() ? AT_EMPTY_PATH : 0u) |
                         (depth == Depth::kTree ? AT_RECURSIVE : 0u);
  base::UniqueFd tree(static_cast<int>(::syscall(SYS_open_tree, dirfd, path.c_str(), flags)));
  if (!tree.valid()) return base::PosixError(errno, path.empty() ? "mount" : path, "open_tree");
  return tree;
}

absl::Status SetAttributes(int mountfd, uint64_t set, uint64_t clear, uint64_t propagation,
                           Depth depth) {
  mount_attr attributes{};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  attributes.propagation = propagation;
  const unsigned flags = AT_EMPTY_PATH | (depth == Depth::kTree ? AT_RECURSIVE : 0u);
  if (::syscall(SYS_mount_setattr, mountfd, "", flags, &attributes, sizeof attributes) < 0) {
    return base::PosixError(errno, "mount", "mount_setattr");
  }
  return absl::OkStatus();
}

absl::Status Reconfigure(int target, const std::vector<Parameter>& parameters) {
  const base::UniqueFd context(
      static_cast<int>(::syscall(SYS_fspick, target, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC)));
  if (!context.valid()) return base::PosixError(errno, "mount", "fspick");
  STAVE_RETURN_IF_ERROR(SetParameters(context.get(), "remount", parameters));
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) < 0) {
    return Failed(context.get(), errno, "remount", "change the file system");
  }
  return absl::OkStatus();
}

absl::Status MapIds(int mountfd, int user, Depth depth) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<uint64_t>(user);
  const unsigned flags = AT_EMPTY_PATH | (depth == Depth::kTree ? AT_RECURSIVE : 0u);
  if (::syscall(SYS_mount_setattr, mountfd, "", flags, &attributes, sizeof attributes) == 0) {
    return absl::OkStatus();
  }
  if (errno != EINVAL) return base::PosixError(errno, "mount", "map the ids");
  return base::Error(absl::StatusCode::kInvalidArgument, "E_UNSUPPORTED",
                     "its file system cannot be idmapped by this kernel");
}

absl::Status Attach(int mountfd, int target, absl::string_view noun) {
  if (::syscall(SYS_move_mount, mountfd, "", target, "",
                MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) {
    return base::PosixError(errno, noun, "move_mount");
  }
  return absl::OkStatus();
}

}  // namespace stave::mount

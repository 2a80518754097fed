// SPDX-License-Identifier: Apache-2.0
#include "libs/mount/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/passing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/mount/tree.h"

namespace stave::mount {
namespace {

// Off whatever the module's defaults are.
const Parameter kAlways[] = {
    {"redirect_dir", "off"}, {"metacopy", "off"}, {"index", "off"}, {"xino", "off"}};

// Linux 6.7. Asked of the version: a try would cost a mount and put a line into the kernel's log.
bool HasLowerdirPlus() {
  utsname kernel{};
  int major = 0, minor = 0;
  if (::uname(&kernel) < 0 || ::sscanf(kernel.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 6 || (major == 6 && minor >= 7);
}

absl::StatusOr<base::UniqueFd> MakeByParameters(const Overlay& overlay) {
  std::vector<Parameter> parameters;
  for (const std::string& lower : overlay.lower) parameters.emplace_back("lowerdir+", lower);
  if (!overlay.upper.empty()) {
    parameters.emplace_back("upperdir", overlay.upper);
    parameters.emplace_back("workdir", overlay.work);
  }
  for (const Parameter& parameter : kAlways) parameters.push_back(parameter);
  if (overlay.syncing == Syncing::kVolatile && !overlay.upper.empty()) {
    parameters.emplace_back("volatile", "");
  }
  return MakeFilesystem("overlay", "overlay", parameters, 0);
}

// Attaches an idmapped clone of the directory `path` at `name`, which is made.
int AttachIdMapped(const std::string& path, const char* name, int id_map) {
  if (::mkdir(name, 0700) < 0) return -errno;
  const int tree = static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (tree < 0) return -errno;
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<uint64_t>(id_map);
  if (::syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0 ||
      ::syscall(SYS_move_mount, tree, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) < 0) {
    return -errno;
  }
  return ::close(tree);
}

int MakeShort(const std::string& path, const char* name, int id_map) {
  if (id_map >= 0) return AttachIdMapped(path, name, id_map);
  return ::symlink(path.c_str(), name) < 0 ? -errno : 0;
}

// overlayfs works in `work` with the ids of whoever mounted it, which must be known to the idmapped
// upper mount. The file system ids change without giving up any capability.
int BecomeMappedRoot(const Overlay& overlay) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2];
  if (::syscall(SYS_capget, &header, sets) < 0) return -errno;
  ::setfsgid(overlay.root_gid);
  ::setfsuid(overlay.root_uid);
  return ::syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
}

// What the child of MakeFromShortNames does, in plain system calls: its own mount namespace, a
// tmpfs on /proc (any folder that surely exists) with 0, 1, 2 .. for the lower directories and "h"
// for what holds upper and work, and the overlay made of these.
int MountFromShortNames(const Overlay& overlay, const std::string& options) {
  if (::unshare(CLONE_NEWNS) < 0) return -errno;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return -errno;
  if (::mount("tmpfs", "/proc", "tmpfs", 0, "mode=755") < 0) return -errno;
  if (::chdir("/proc") < 0) return -errno;
  for (size_t i = 0; i < overlay.lower.size(); ++i) {
    char name[24];
    ::snprintf(name, sizeof name, "%zu", i);
    if (const int error = MakeShort(overlay.lower[i], name, overlay.id_map); error < 0)
      return error;
  }
  if (!overlay.upper.empty()) {
    const std::string home = overlay.upper.substr(0, overlay.upper.rfind('/'));
    if (const int error = MakeShort(home, "h", overlay.id_map); error < 0) return error;
  }
  if (::mkdir("m", 0700) < 0) return -errno;
  if (overlay.id_map >= 0) {
    if (const int error = BecomeMappedRoot(overlay); error < 0) return error;
  }
  // mountinfo shows only the short names as options: the source says whose mount it is.
  const std::string& source = overlay.upper.empty() ? overlay.lower[0] : overlay.upper;
  if (::mount(source.c_str(), "m", "overlay", 0, options.c_str()) < 0) return -errno;
  const int tree = static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, "m", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  return tree < 0 ? -errno : tree;
}

absl::StatusOr<base::UniqueFd> MakeFromShortNames(const Overlay& overlay) {
  std::string options = "lowerdir=0";
  for (size_t i = 1; i < overlay.lower.size(); ++i) absl::StrAppend(&options, ":", i);
  if (!overlay.upper.empty()) absl::StrAppend(&options, ",upperdir=h/upper,workdir=h/work");
  for (const auto& [key, value] : kAlways) absl::StrAppend(&options, ",", key, "=", value);
  if (overlay.syncing == Syncing::kVolatile && !overlay.upper.empty()) options += ",volatile";
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
    return base::PosixError(errno, "overlay", "socketpair");
  }
  const base::UniqueFd mine(ends[0]);
  base::UniqueFd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return base::PosixError(errno, "overlay", "fork");
  if (child == 0) {
    const int tree = MountFromShortNames(overlay, options);
    base::SendMessage(theirs.get(), absl::StrCat(tree < 0 ? -tree : 0), tree).IgnoreError();
    ::_exit(0);
  }
  theirs.Reset();
  auto answer = base::ReceiveMessage(mine.get(), 16, 0);
  base::ReapChild(child);
  if (!answer.ok()) return base::WithContext(answer.status(), "overlay");
  if (answer->fd.valid()) return std::move(answer->fd);
  int error = EINVAL;
  (void)absl::SimpleAtoi(answer->text, &error);
  return base::PosixError(error, "overlay", "mount");
}

// Where it cannot make its directories below `work`, the kernel mounts the overlay read-only and
// says so only in its log.
absl::Status CheckWritable(int tree, const Overlay& overlay) {
  struct statvfs st;
  if (overlay.upper.empty() || ::fstatvfs(tree, &st) < 0 || (st.f_flag & ST_RDONLY) == 0) {
    return absl::OkStatus();
  }
  const std::string probe = overlay.work + "/probe";
  if (::mkdir(probe.c_str(), 0700) < 0) return base::PosixError(errno, overlay.work, "mkdir");
  ::rmdir(probe.c_str());
  return base::PosixError(EROFS, overlay.upper, "mount the overlay");
}

}  // namespace

absl::StatusOr<base::UniqueFd> MakeOverlay(const Overlay& overlay) {
  if (overlay.lower.empty()) return absl::InvalidArgumentError("overlay: no lower directory");
  if (overlay.lower.size() > kMaxLower) {
    return base::WithHint(
        base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                    absl::StrCat("overlay: ", overlay.lower.size(),
                                 " layers, and the kernel takes ", kMaxLower, " at the most")),
        "build the image with fewer layers, or squash it");
  }
  if (overlay.id_map < 0 && overlay.upper.empty() && overlay.lower.size() == 1) {
    STAVE_ASSIGN_OR_RETURN(base::UniqueFd tree,
                           CloneTree(AT_FDCWD, overlay.lower[0], Depth::kMount));
    STAVE_RETURN_IF_ERROR(
        SetAttributes(tree.get(), MOUNT_ATTR_RDONLY, 0, MS_PRIVATE, Depth::kMount));
    return tree;
  }
  const bool by_parameters = overlay.id_map < 0 && HasLowerdirPlus();
  absl::StatusOr<base::UniqueFd> tree =
      by_parameters ? MakeByParameters(overlay) : MakeFromShortNames(overlay);
  if (tree.ok()) STAVE_RETURN_IF_ERROR(CheckWritable(tree->get(), overlay));
  return tree;
}

}  // namespace stave::mount

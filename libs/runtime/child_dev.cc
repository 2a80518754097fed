// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/child_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/mount/tree.h"
#include "libs/rootpath/rootpath.h"

namespace stave::runtime {
namespace {

using mount::Depth;

// runtime-linux.md and config-linux.md "Default Devices".
const Device kDefaultDevices[] = {
    {"/dev/null", S_IFCHR, 1, 3, 0666, 0, 0},    {"/dev/zero", S_IFCHR, 1, 5, 0666, 0, 0},
    {"/dev/full", S_IFCHR, 1, 7, 0666, 0, 0},    {"/dev/random", S_IFCHR, 1, 8, 0666, 0, 0},
    {"/dev/urandom", S_IFCHR, 1, 9, 0666, 0, 0}, {"/dev/tty", S_IFCHR, 5, 0, 0666, 0, 0}};

constexpr struct {
  const char* name;
  const char* target;
} kLinks[] = {{"fd", "/proc/self/fd"},
              {"stdin", "/proc/self/fd/0"},
              {"stdout", "/proc/self/fd/1"},
              {"stderr", "/proc/self/fd/2"}};

// In a user namespace devices cannot be made; the host's is bound instead.
absl::Status BindDevice(int root, const Device& device) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd tree,
                         mount::CloneTree(AT_FDCWD, device.path, Depth::kMount));
  struct stat st;
  if (::fstat(tree.get(), &st) < 0 || (st.st_mode & S_IFMT) != device.type ||
      st.st_rdev != makedev(device.major, device.minor)) {
    return absl::FailedPreconditionError(
        absl::StrCat(device.path, ": is another device on the host and cannot be made here"));
  }
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd target,
                         rootpath::MakeFileInRoot(root, device.path, 0644));
  return mount::Attach(tree.get(), target.get(), device.path);
}

absl::Status MakeDevice(int root, const Device& device, bool in_user_namespace) {
  if (in_user_namespace && device.type != S_IFIFO) return BindDevice(root, device);
  const size_t slash = device.path.rfind('/');
  const std::string name = device.path.substr(slash + 1);
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd dir,
                         rootpath::MakeDirsInRoot(root, device.path.substr(0, slash), 0755));
  const dev_t number = device.type == S_IFIFO ? 0 : makedev(device.major, device.minor);
  if (::mknodat(dir.get(), name.c_str(), device.type | device.mode, number) < 0) {
    struct stat st;
    if (errno == EEXIST && ::fstatat(dir.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        (st.st_mode & S_IFMT) == device.type && st.st_rdev == number) {
      return absl::OkStatus();
    }
    return base::PosixError(errno, device.path, "mknod");
  }
  if (device.uid == 0 && device.gid == 0) return absl::OkStatus();
  if (::fchownat(dir.get(), name.c_str(), device.uid, device.gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return base::PosixError(errno, device.path, "chown");
  }
  return absl::OkStatus();
}

// Whether /dev is somebody else's folder, perhaps the host's own.
bool IsBound(const Plan& plan) {
  return std::any_of(plan.mounts.begin(), plan.mounts.end(), [](const Mount& mount) {
    return mount.options.bind && !mount.options.remount &&
           (mount.destination == "/dev" || mount.destination == "/dev/");
  });
}

}  // namespace

absl::Status MakeDev(const ChildInputs& inputs, const MountedTree& mounted) {
  const Plan& plan = *inputs.request->plan;
  if (IsBound(plan)) return absl::OkStatus();
  const int root = inputs.request->root;
  const bool user = plan.Has(CLONE_NEWUSER);
  const mode_t old = ::umask(0);
  for (const Device& device : kDefaultDevices) {
    STAVE_RETURN_IF_ERROR(MakeDevice(root, device, user));
  }
  for (const Device& device : plan.devices) {
    STAVE_RETURN_IF_ERROR(base::WithContext(MakeDevice(root, device, user), "/linux/devices"));
  }
  ::umask(old);
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd dev, rootpath::MakeDirsInRoot(root, "/dev", 0755));
  for (const auto& [name, target] : kLinks) {
    if (::symlinkat(target, dev.get(), name) < 0 && errno != EEXIST) {
      return base::PosixError(errno, absl::StrCat("/dev/", name), "symlink");
    }
  }
  if (mounted.pts.valid()) {
    ::unlinkat(dev.get(), "ptmx", 0);
    if (::symlinkat("pts/ptmx", dev.get(), "ptmx") < 0)
      return base::PosixError(errno, "/dev/ptmx", "symlink");
  }
  return absl::OkStatus();
}

absl::Status MountConsole(int root, int slave) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd bind, mount::CloneTree(slave, "", Depth::kMount));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd dev, rootpath::MakeDirsInRoot(root, "/dev", 0755));
  // A link is not followed, it may lead into /proc; nor is it taken away, /dev may be the host's.
  struct stat st;
  if (::fstatat(dev.get(), "console", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) {
    return absl::FailedPreconditionError("/dev/console: is a symbolic link");
  }
  STAVE_RETURN_IF_ERROR(rootpath::MakeFileInRoot(dev.get(), "console", 0600).status());
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd target,
                         rootpath::OpenBeneath(dev.get(), "console", O_PATH | O_NOFOLLOW));
  return mount::Attach(bind.get(), target.get(), "/dev/console");
}

}  // namespace stave::runtime

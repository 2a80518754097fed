// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/child_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/mount/tree.h"
#include "libs/rootpath/rootpath.h"
#include "libs/runtime/child_dev.h"
#include "libs/runtime/copy_up.h"

namespace stave::runtime {
namespace {

using mount::Depth;

// Files under /proc that lxcfs and its like mount over; anything else there is refused, as in runc.
constexpr absl::string_view kProcAllowed[] = {"/proc/cpuinfo",
                                              "/proc/diskstats",
                                              "/proc/meminfo",
                                              "/proc/stat",
                                              "/proc/swaps",
                                              "/proc/uptime",
                                              "/proc/loadavg",
                                              "/proc/slabinfo",
                                              "/proc/net/dev",
                                              "/proc/sys/kernel/ns_last_pid",
                                              "/proc/sys/crypto/fips_enabled"};

bool IsOn(int fd, long magic) {
  struct statfs fs;
  return ::fstatfs(fd, &fs) == 0 && fs.f_type == magic;
}

bool IsDirectory(int fd) {
  struct stat st;
  return ::fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

// The place to mount at, made where it is missing. /proc, /sys and /dev must be real directories:
// an image where one is a symlink would have the mount, or the label and the masks that rely on it,
// somewhere else (CVE-2019-19921, CVE-2026-41579).
absl::StatusOr<base::UniqueFd> OpenDestination(int root, const Mount& wanted, bool directory) {
  const std::string& path = wanted.destination;
  const bool own = wanted.type == "proc" || wanted.type == "sysfs" || path == "/dev";
  if (own) {
    auto there = rootpath::OpenBeneath(root, path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (there.ok()) return there;
    if (!absl::IsNotFound(there.status())) {
      return absl::FailedPreconditionError(absl::StrCat(path, ": is not an ordinary directory"));
    }
  }
  auto found = rootpath::OpenInRoot(root, path, O_PATH);
  if (!found.ok() && absl::IsNotFound(found.status())) {
    found = directory ? rootpath::MakeDirsInRoot(root, path, 0755)
                      : rootpath::MakeFileInRoot(root, path, 0644);
  }
  if (!found.ok()) return found.status();
  if (IsOn(found->get(), PROC_SUPER_MAGIC) &&
      std::find(std::begin(kProcAllowed), std::end(kProcAllowed), path) == std::end(kProcAllowed)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": cannot be mounted over: it is inside /proc"));
  }
  if (directory != IsDirectory(found->get())) {
    return absl::InvalidArgumentError(
        directory ? absl::StrCat(path, ": a directory cannot be mounted onto a file")
                  : absl::StrCat(path, ": a file cannot be mounted onto a directory"));
  }
  return found;
}

absl::Status AttachAt(int root, const Mount& wanted, int tree) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd target,
                         OpenDestination(root, wanted, IsDirectory(tree)));
  return mount::Attach(tree, target.get(), wanted.destination);
}

// Attributes that a detached tree gets before anybody sees it.
absl::Status Finish(int tree, const mount::Options& options) {
  if (options.set_tree != 0 || options.clear_tree != 0) {
    STAVE_RETURN_IF_ERROR(
        mount::SetAttributes(tree, options.set_tree, options.clear_tree, 0, Depth::kTree));
  }
  if (options.set != 0 || options.clear != 0) {
    STAVE_RETURN_IF_ERROR(mount::SetAttributes(tree, options.set, options.clear, 0, Depth::kMount));
  }
  if (options.propagation == 0) return absl::OkStatus();
  return mount::SetAttributes(tree, 0, 0, options.propagation, options.propagation_depth);
}

// The container's cgroup at /sys/fs/cgroup: binds of the host's directories, which cost 0.05 ms
// where a fresh cgroup mount may wait 10 ms for the kernel.
absl::Status MountCgroup(const ChildInputs& inputs, const Mount& wanted) {
  const int root = inputs.request->root;
  const std::vector<cgroup::BindPath> paths = inputs.request->group != nullptr
                                                  ? inputs.request->group->BindPaths()
                                                  : std::vector<cgroup::BindPath>();
  const mount::Options& options = wanted.options;
  const uint64_t attributes = options.set & ~uint64_t{MOUNT_ATTR__ATIME};
  if (paths.size() == 1 && paths[0].name.empty()) {
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd tree,
                           mount::CloneTree(AT_FDCWD, paths[0].source, Depth::kMount));
    STAVE_RETURN_IF_ERROR(
        mount::SetAttributes(tree.get(), attributes, 0, MS_PRIVATE, Depth::kMount));
    return AttachAt(root, wanted, tree.get());
  }
  STAVE_ASSIGN_OR_RETURN(
      const base::UniqueFd top,
      mount::MakeFilesystem("tmpfs", "cgroup", {{"mode", "755"}, {"size", "64k"}},
                            attributes & ~uint64_t{MOUNT_ATTR_RDONLY}));
  for (const cgroup::BindPath& path : paths) {
    if (::mkdirat(top.get(), path.name.c_str(), 0755) < 0)
      return base::PosixError(errno, path.name, "mkdir");
    for (const std::string& alias : path.aliases) {
      if (::symlinkat(path.name.c_str(), top.get(), alias.c_str()) < 0 && errno != EEXIST) {
        return base::PosixError(errno, alias, "symlink");
      }
    }
  }
  STAVE_RETURN_IF_ERROR(AttachAt(root, wanted, top.get()));
  for (const cgroup::BindPath& path : paths) {
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd tree,
                           mount::CloneTree(AT_FDCWD, path.source, Depth::kMount));
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd target,
                           rootpath::OpenBeneath(top.get(), path.name, O_PATH | O_DIRECTORY));
    STAVE_RETURN_IF_ERROR(mount::Attach(tree.get(), target.get(), path.name));
  }
  // All of them at once. The host's are no peers of these any more.
  return mount::SetAttributes(top.get(), attributes, 0, MS_PRIVATE, Depth::kTree);
}

// config.md "mountLabel" means nothing to a kernel without SELinux.
bool IsLabelled(const Plan& plan) {
  return !plan.mount_label.empty() && ::access("/sys/fs/selinux/enforce", F_OK) == 0;
}

absl::StatusOr<base::UniqueFd> MakeTree(const Plan& plan, const Mount& wanted) {
  // These are always instances of their own and do not know the word.
  std::vector<mount::Parameter> parameters = wanted.options.parameters;
  if (wanted.type == "devpts") {
    std::erase_if(parameters,
                  [](const mount::Parameter& one) { return one.first == "newinstance"; });
  }
  // What is copied up must be written first.
  const uint64_t attributes = wanted.options.copy_up
                                  ? wanted.options.set & ~uint64_t{MOUNT_ATTR_RDONLY}
                                  : wanted.options.set;
  if (IsLabelled(plan) && wanted.type != "proc" && wanted.type != "sysfs") {
    parameters.emplace_back("context", plan.mount_label);
  }
  auto tree = mount::MakeFilesystem(
      wanted.type, wanted.source.empty() ? wanted.type : wanted.source, parameters, attributes);
  // sysfs belongs to the network namespace; with the host's and a user namespace it is not to be
  // had anew, but the host's can be bound.
  if (!tree.ok() && absl::IsPermissionDenied(tree.status()) && wanted.type == "sysfs") {
    auto bound = mount::CloneTree(AT_FDCWD, "/sys", Depth::kTree);
    if (!bound.ok()) return bound.status();
    STAVE_RETURN_IF_ERROR(
        mount::SetAttributes(bound->get(), wanted.options.set, 0, 0, Depth::kTree));
    return bound;
  }
  return tree;
}

// What is mounted at the destination already: config.md "remount". With "bind" only the mount
// changes, else its file system too.
absl::Status Remount(int root, const Mount& wanted) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd target,
                         rootpath::OpenInRoot(root, wanted.destination, O_PATH));
  if (!wanted.options.bind && !wanted.options.parameters.empty()) {
    STAVE_RETURN_IF_ERROR(mount::Reconfigure(target.get(), wanted.options.parameters));
  }
  return Finish(target.get(), wanted.options);
}

// By its path, which must still lead to what the parent has opened.
absl::StatusOr<base::UniqueFd> CloneSource(const BindSource& source, const Mount& wanted) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd tree,
                         mount::CloneTree(AT_FDCWD, wanted.source, wanted.options.depth));
  struct stat seen, is;
  if (::fstat(source.fd, &seen) == 0 && ::fstat(tree.get(), &is) == 0 && seen.st_dev == is.st_dev &&
      seen.st_ino == is.st_ino) {
    return tree;
  }
  return absl::FailedPreconditionError(
      absl::StrCat(base::Printable(wanted.source), ": was exchanged while it was being mounted"));
}

absl::Status MountBind(const ChildInputs& inputs, const BindSource& source, const Mount& wanted) {
  base::UniqueFd own;
  if (!source.detached) {
    STAVE_ASSIGN_OR_RETURN(own, CloneSource(source, wanted));
  }
  const int tree = source.detached ? source.fd : own.get();
  if (wanted.destination == "/proc" && !IsOn(tree, PROC_SUPER_MAGIC)) {
    return absl::InvalidArgumentError("/proc: only a procfs can be mounted here");
  }
  // A clone stays in the peer group of what it was cloned from: for "slave" and "shared" it must.
  const uint64_t propagation = wanted.options.propagation;
  if (propagation != MS_SHARED) {
    STAVE_RETURN_IF_ERROR(mount::SetAttributes(
        tree, 0, 0, propagation == MS_SLAVE ? MS_SLAVE : MS_PRIVATE, Depth::kTree));
  }
  STAVE_RETURN_IF_ERROR(Finish(tree, wanted.options));
  return AttachAt(inputs.request->root, wanted, tree);
}

absl::Status MountOne(const ChildInputs& inputs, size_t index, MountedTree* mounted) {
  const Mount& wanted = inputs.request->plan->mounts[index];
  if (wanted.options.remount) return Remount(inputs.request->root, wanted);
  if (wanted.type == "cgroup" || wanted.type == "cgroup2") return MountCgroup(inputs, wanted);
  if (wanted.options.bind) return MountBind(inputs, inputs.bind_sources[index], wanted);
  const Plan& plan = *inputs.request->plan;
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd tree, MakeTree(plan, wanted));
  if (wanted.options.copy_up) {
    STAVE_RETURN_IF_ERROR(CopyUp(inputs.request->root, wanted.destination, tree.get()));
  }
  STAVE_RETURN_IF_ERROR(Finish(tree.get(), wanted.options));
  STAVE_RETURN_IF_ERROR(AttachAt(inputs.request->root, wanted, tree.get()));
  if (wanted.type == "proc" && wanted.destination == "/proc" &&
      (!plan.sysctls.empty() || !plan.process.apparmor_profile.empty() ||
       !plan.process.selinux_label.empty())) {
    // A clone, to write through: what will be mounted over /proc/sys is not in its way. Cloned once
    // it is attached, since before Linux 6.15 a detached mount cannot be cloned.
    STAVE_ASSIGN_OR_RETURN(mounted->proc, mount::CloneTree(tree.get(), "", Depth::kMount));
  }
  if (wanted.type == "devpts") mounted->pts = std::move(tree);
  return absl::OkStatus();
}

// --- paths -------------------------------------------------------------------------------------

absl::Status MakeReadOnly(int root, const std::string& path) {
  const auto target = rootpath::OpenInRoot(root, path, O_PATH);
  if (absl::IsNotFound(target.status())) return absl::OkStatus();
  if (!target.ok()) return target.status();
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd tree,
                         mount::CloneTree(target->get(), "", Depth::kTree));
  STAVE_RETURN_IF_ERROR(mount::SetAttributes(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, Depth::kTree));
  return mount::Attach(tree.get(), target->get(), path);
}

// The host's, checked: an image's /dev/null may be anything (CVE-2025-31133).
absl::StatusOr<base::UniqueFd> NullDevice() {
  base::UniqueFd fd(::open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat st;
  if (!fd.valid() || ::fstat(fd.get(), &st) < 0)
    return base::PosixError(errno, "/dev/null", "open");
  if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
    return absl::FailedPreconditionError("/dev/null: is not the null device");
  }
  return fd;
}

// A file shows the null device, a directory an empty read-only tmpfs, one for all.
absl::Status Mask(int root, const std::string& path, int null, base::UniqueFd* empty) {
  const auto target = rootpath::OpenInRoot(root, path, O_PATH);
  if (absl::IsNotFound(target.status())) return absl::OkStatus();
  if (!target.ok()) return target.status();
  if (!IsDirectory(target->get())) {
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd tree, mount::CloneTree(null, "", Depth::kMount));
    STAVE_RETURN_IF_ERROR(mount::SetAttributes(tree.get(), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0,
                                               MS_PRIVATE, Depth::kMount));
    return mount::Attach(tree.get(), target->get(), path);
  }
  if (!empty->valid()) {
    STAVE_ASSIGN_OR_RETURN(
        *empty, mount::MakeFilesystem(
                    "tmpfs", "tmpfs", {{"mode", "755"}, {"nr_inodes", "2"}, {"size", "4k"}},
                    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    return mount::Attach(empty->get(), target->get(), path);
  }
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd tree,
                         mount::CloneTree(empty->get(), "", Depth::kMount));
  return mount::Attach(tree.get(), target->get(), path);
}

}  // namespace

absl::StatusOr<base::UniqueFd> OpenPlace(const LaunchRequest& request) {
  const Plan& plan = *request.plan;
  const bool seen =
      request.created || !plan.hooks.create_container.empty() || !plan.Has(CLONE_NEWNS);
  const std::string path = seen && !request.root_path.empty() ? request.root_path : "/proc";
  base::UniqueFd place(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place.valid()) return base::PosixError(errno, path, "open");
  return place;
}

namespace {

// Whether the host's later mounts are to appear in the container, or in a bind of it.
bool FollowsHost(const Plan& plan) {
  const auto follows = [](uint64_t propagation) {
    return propagation == MS_SLAVE || propagation == MS_SHARED;
  };
  return follows(plan.root_propagation) ||
         std::any_of(plan.mounts.begin(), plan.mounts.end(), [&](const Mount& mount) {
           return mount.options.bind && follows(mount.options.propagation);
         });
}

}  // namespace

absl::StatusOr<MountedTree> BuildTree(const ChildInputs& inputs, int place) {
  const Plan& plan = *inputs.request->plan;
  const int root = inputs.request->root;
  // Nothing made from here on may travel back to the host. Without a mount namespace it is the
  // host's tree, and what is made lies at root_path, from where delete takes it.
  const bool slave = FollowsHost(plan);
  if (plan.Has(CLONE_NEWNS) &&
      ::mount(nullptr, "/", nullptr, MS_REC | (slave ? MS_SLAVE : MS_PRIVATE), nullptr) < 0) {
    return base::PosixError(errno, "/", "make private");
  }
  STAVE_RETURN_IF_ERROR(mount::Attach(root, place, "the root filesystem"));
  MountedTree mounted;
  for (size_t i = 0; i < plan.mounts.size(); ++i) {
    STAVE_RETURN_IF_ERROR(
        base::WithContext(MountOne(inputs, i, &mounted), absl::StrCat("/mounts/", i)));
  }
  STAVE_RETURN_IF_ERROR(MakeDev(inputs, mounted));
  for (const std::string& path : plan.readonly_paths) {
    STAVE_RETURN_IF_ERROR(base::WithContext(MakeReadOnly(root, path), "/linux/readonlyPaths"));
  }
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd null, NullDevice());
  base::UniqueFd empty;
  for (const std::string& path : plan.masked_paths) {
    STAVE_RETURN_IF_ERROR(
        base::WithContext(Mask(root, path, null.get(), &empty), "/linux/maskedPaths"));
  }
  return mounted;
}

absl::Status EnterTree(const ChildInputs& inputs) {
  const Plan& plan = *inputs.request->plan;
  const int root = inputs.request->root;
  if (plan.root_readonly) {
    STAVE_RETURN_IF_ERROR(mount::SetAttributes(root, MOUNT_ATTR_RDONLY, 0, 0, Depth::kMount));
  }
  if (::fchdir(root) < 0) return base::PosixError(errno, "the root filesystem", "chdir");
  if (!plan.Has(CLONE_NEWNS)) {
    if (::chroot(".") < 0) return base::PosixError(errno, "the root filesystem", "chroot");
  } else if (inputs.request->pivot) {
    // The old root lands on top of the new one and is taken off there: pivot_root(2) NOTES.
    if (::syscall(SYS_pivot_root, ".", ".") < 0)
      return base::PosixError(errno, "the root filesystem", "pivot_root");
    if (::umount2(".", MNT_DETACH) < 0) return base::PosixError(errno, "the old root", "umount");
  } else if (::mount(".", "/", nullptr, MS_MOVE, nullptr) < 0 || ::chroot(".") < 0) {
    return base::PosixError(errno, "the root filesystem", "move it to /");
  }
  if (::chdir("/") < 0) return base::PosixError(errno, "/", "chdir");
  const unsigned long depth = plan.root_propagation_tree ? MS_REC : 0;
  if (plan.root_propagation != 0 &&
      ::mount(nullptr, "/", nullptr, plan.root_propagation | depth, nullptr) < 0) {
    return base::PosixError(errno, "/linux/rootfsPropagation", "set");
  }
  return absl::OkStatus();
}

}  // namespace stave::runtime

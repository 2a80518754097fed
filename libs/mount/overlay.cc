// SPDX-License-Identifier: Apache-2.0
#include "libs/mount/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/mount/tree.h"

namespace stave::mount {
namespace {

// Off whatever the module's defaults are.
const Parameter kAlways[] = {
    {"redirect_dir", "off"}, {"metacopy", "off"}, {"index", "off"}, {"xino", "off"}};

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

// Sends an open descriptor, or an errno value as one int, over a socket.
void Send(int socket, int fd, int error) {
  iovec data{&error, sizeof error};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    ::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  [[maybe_unused]] const ssize_t n = ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

base::UniqueFd Receive(int socket, int* error) {
  iovec data{error, sizeof *error};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n;
  do {
    n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n != sizeof *error) *error = n < 0 ? errno : ECHILD;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (n < 0 || header == nullptr || header->cmsg_type != SCM_RIGHTS) return base::UniqueFd();
  int fd;
  ::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return base::UniqueFd(fd);
}

// What the child of MakeBySymlinks does, in plain system calls: its own mount namespace, a tmpfs
// with the links 0, 1, 2 .. on /proc (any folder that surely exists), the overlay over it.
int MountFromLinks(const Overlay& overlay, const std::string& options) {
  if (::unshare(CLONE_NEWNS) < 0) return -errno;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return -errno;
  if (::mount("tmpfs", "/proc", "tmpfs", 0, "mode=700") < 0) return -errno;
  if (::chdir("/proc") < 0) return -errno;
  for (size_t i = 0; i < overlay.lower.size(); ++i) {
    char name[24];
    ::snprintf(name, sizeof name, "%zu", i);
    if (::symlink(overlay.lower[i].c_str(), name) < 0) return -errno;
  }
  if (!overlay.upper.empty() &&
      (::symlink(overlay.upper.c_str(), "u") < 0 || ::symlink(overlay.work.c_str(), "w") < 0)) {
    return -errno;
  }
  if (::mkdir("m", 0700) < 0) return -errno;
  if (::mount("overlay", "m", "overlay", 0, options.c_str()) < 0) return -errno;
  const int tree = static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, "m", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  return tree < 0 ? -errno : tree;
}

absl::StatusOr<base::UniqueFd> MakeBySymlinks(const Overlay& overlay) {
  std::string options = "lowerdir=0";
  for (size_t i = 1; i < overlay.lower.size(); ++i) absl::StrAppend(&options, ":", i);
  if (!overlay.upper.empty()) absl::StrAppend(&options, ",upperdir=u,workdir=w");
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
    const int tree = MountFromLinks(overlay, options);
    Send(theirs.get(), tree, tree < 0 ? -tree : 0);
    ::_exit(0);
  }
  theirs.Reset();
  int error = 0;
  base::UniqueFd tree = Receive(mine.get(), &error);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!tree.valid()) return base::PosixError(error, "overlay", "mount");
  return tree;
}

}  // namespace

absl::StatusOr<base::UniqueFd> MakeOverlay(const Overlay& overlay) {
  if (overlay.lower.empty() || overlay.lower.size() > kMaxLower) {
    return absl::InvalidArgumentError(absl::StrCat("overlay: ", overlay.lower.size(),
                                                   " lower directories: 1 to ", kMaxLower,
                                                   " are possible"));
  }
  if (overlay.upper.empty() && overlay.lower.size() == 1) {
    STAVE_ASSIGN_OR_RETURN(base::UniqueFd tree,
                           CloneTree(AT_FDCWD, overlay.lower[0], Depth::kMount));
    STAVE_RETURN_IF_ERROR(
        SetAttributes(tree.get(), MOUNT_ATTR_RDONLY, 0, MS_PRIVATE, Depth::kMount));
    return tree;
  }
  absl::StatusOr<base::UniqueFd> tree = MakeByParameters(overlay);
  // Linux before 6.7: no lowerdir+, and 255 bytes a value.
  if (!tree.ok() && absl::IsInvalidArgument(tree.status())) return MakeBySymlinks(overlay);
  return tree;
}

}  // namespace stave::mount

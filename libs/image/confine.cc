// SPDX-License-Identifier: Apache-2.0
#include "libs/image/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::image {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "the table of system calls is for x86_64 and aarch64"
#endif

constexpr int kCapabilities[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,
                                 CAP_FSETID, CAP_MKNOD,        CAP_SETFCAP};

absl::Status Failed(absl::string_view act) {
  const int error = errno;
  return base::Error(absl::ErrnoToStatusCode(error), "E_CONFINE",
                     absl::StrCat("confinement: ", act, ": ", ::strerror(error)));
}

// Closes all but `keep`, 0 and 2; 1 becomes 2, so that nothing else is ever opened there.
absl::Status CloseOthers(int dirfd, absl::Span<const int> keep) {
  std::vector<int> kept(keep.begin(), keep.end());
  kept.insert(kept.end(), {0, 1, 2, dirfd});
  std::sort(kept.begin(), kept.end());
  uint32_t from = 0;
  for (const int fd : kept) {
    const uint32_t number = static_cast<uint32_t>(fd);
    if (number > from && ::syscall(SYS_close_range, from, number - 1, 0) < 0) {
      return Failed("close_range");
    }
    from = number + 1;
  }
  if (::syscall(SYS_close_range, from, ~0u, 0) < 0) return Failed("close_range");
  if (std::find(keep.begin(), keep.end(), 1) == keep.end() && ::dup2(2, 1) < 0) {
    return Failed("dup2");
  }
  return absl::OkStatus();
}

absl::Status ChangeRoot(int dirfd) {
  // A mount of the directory alone. Before unshare, since `dirfd` belongs to the mounts of now.
  const base::UniqueFd tree(static_cast<int>(
      ::syscall(SYS_open_tree, dirfd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!tree.valid()) return Failed("open_tree");
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0) return Failed("unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
    return Failed("make mounts private");
  }
  if (::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0) {
    return Failed("move_mount");
  }
  if (::fchdir(tree.get()) < 0) return Failed("fchdir");
  if (::mount(nullptr, ".", nullptr, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC,
              nullptr) < 0) {
    return Failed("remount");
  }
  if (::syscall(SYS_pivot_root, ".", ".") < 0) return Failed("pivot_root");
  if (::umount2(".", MNT_DETACH) < 0) return Failed("detach the old root");
  if (::chdir("/") < 0) return Failed("chdir");
  const base::UniqueFd root(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return Failed("open the new root");
  if (::dup3(root.get(), dirfd, O_CLOEXEC) < 0) return Failed("dup3");
  return absl::OkStatus();
}

absl::Status SetLimits(uint64_t max_file) {
  const auto set = [](auto which, rlim_t most) {
    rlimit limit;
    if (::getrlimit(which, &limit) < 0) return -1;
    limit.rlim_max = std::min(limit.rlim_max, most);
    limit.rlim_cur = limit.rlim_max;
    return ::setrlimit(which, &limit);
  };
  bool failed = set(RLIMIT_CORE, 0) < 0 || set(RLIMIT_FSIZE, max_file) < 0 ||
                set(RLIMIT_NOFILE, 8192) < 0;  // removing a deep tree needs one for each level
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  failed = failed || set(RLIMIT_AS, rlim_t{2} << 30) < 0;
#endif
  return failed ? Failed("setrlimit") : absl::OkStatus();
}

absl::Status DropCapabilities() {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return Failed("drop bounding set");
  }
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (::syscall(SYS_capget, &header, sets) < 0) return Failed("capget");
  uint32_t wanted[2] = {};
  for (const int capability : kCapabilities) {
    wanted[CAP_TO_INDEX(capability)] |= CAP_TO_MASK(capability);
  }
  for (int i = 0; i < 2; ++i) {
    sets[i].permitted &= wanted[i];
    sets[i].effective = sets[i].permitted;
    sets[i].inheritable = 0;
  }
  if (::syscall(SYS_capset, &header, sets) < 0) return Failed("capset");
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
    return Failed("clear ambient");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return Failed("no_new_privs");
  return absl::OkStatus();
}

// What unpacking, malloc, a thread and the way out need.
constexpr uint32_t kAllowed[] = {
    SYS_read,         SYS_write,          SYS_close,
    SYS_openat,       SYS_openat2,        SYS_mkdirat,
    SYS_mknodat,      SYS_linkat,         SYS_symlinkat,
    SYS_unlinkat,     SYS_readlinkat,     SYS_fchown,
    SYS_fchownat,     SYS_fchmod,         SYS_fchmodat,
    SYS_utimensat,    SYS_fstat,          SYS_newfstatat,
    SYS_statx,        SYS_fsetxattr,      SYS_getdents64,
    SYS_lseek,        SYS_ftruncate,      SYS_fcntl,
    SYS_munmap,       SYS_mremap,         SYS_brk,
    SYS_madvise,      SYS_futex,          SYS_set_robust_list,
    SYS_rseq,         SYS_rt_sigprocmask, SYS_rt_sigaction,
    SYS_rt_sigreturn, SYS_sched_yield,    SYS_sched_getaffinity,
    SYS_getrandom,    SYS_clock_gettime,  SYS_exit,
    SYS_exit_group,   SYS_gettid,         SYS_getpid,
    SYS_geteuid,      SYS_getegid,        SYS_getuid,
    SYS_getgid,       SYS_tgkill,
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    SYS_sigaltstack,  SYS_prctl,          SYS_sched_setaffinity,
    SYS_getrlimit,    SYS_prlimit64,      SYS_readlink,
    SYS_pipe,
    SYS_pipe2,  // UBSan asks with them whether memory can be read
#endif
};

constexpr uint32_t kLow = offsetof(seccomp_data, args[0]);  // both architectures are little-endian
constexpr uint32_t ArgumentAt(uint32_t index) { return kLow + 8 * index; }

sock_filter Load(uint32_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }
sock_filter Return(uint32_t value) { return BPF_STMT(BPF_RET | BPF_K, value); }
sock_filter SkipUnless(uint32_t value, uint8_t count) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
}
sock_filter SkipUnlessAnyBit(uint32_t bits, uint8_t count) {
  return BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, count);
}

std::vector<sock_filter> Filter() {
  const sock_filter allow = Return(SECCOMP_RET_ALLOW), deny = Return(SECCOMP_RET_ERRNO | EPERM);
  std::vector<sock_filter> filter = {
      Load(offsetof(seccomp_data, arch)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      Return(SECCOMP_RET_KILL_PROCESS),
      Load(offsetof(seccomp_data, nr)),  // x32's numbers are none of the table's
  };
  const auto add = [&filter](std::initializer_list<sock_filter> more) {
    filter.insert(filter.end(), more);
  };
  for (const uint32_t call : kAllowed) add({SkipUnless(call, 1), allow});
  // Memory, but none that is executable.
  for (const uint32_t call : {SYS_mmap, SYS_mprotect}) {
    add({SkipUnless(call, 4), Load(ArgumentAt(2)), SkipUnlessAnyBit(PROT_EXEC, 1), deny, allow});
  }
  // Threads: libc falls back to clone(2), whose flags a filter can read.
  add({SkipUnless(SYS_clone3, 1), Return(SECCOMP_RET_ERRNO | ENOSYS)});
  add({SkipUnless(SYS_clone, 4), Load(ArgumentAt(0)), SkipUnlessAnyBit(CLONE_THREAD, 1), allow,
       deny});
  add({deny});
  return filter;
}

absl::Status LoadFilter() {
  std::vector<sock_filter> filter = Filter();
  const sock_fprog program = {static_cast<uint16_t>(filter.size()), filter.data()};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0) return Failed("seccomp");
  return absl::OkStatus();
}

}  // namespace

absl::Status ConfineToDirectory(int dirfd, absl::Span<const int> keep, uint64_t max_file) {
  ::umask(0);
  STAVE_RETURN_IF_ERROR(CloseOthers(dirfd, keep));
  STAVE_RETURN_IF_ERROR(ChangeRoot(dirfd));
  STAVE_RETURN_IF_ERROR(SetLimits(max_file));
  STAVE_RETURN_IF_ERROR(DropCapabilities());
  return LoadFilter();
}

}  // namespace stave::image

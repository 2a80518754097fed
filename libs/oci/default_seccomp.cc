// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/default_seccomp.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace stave::oci {
namespace {

using json::Value;

constexpr int kEperm = 1;
constexpr int kEnosys = 38;

// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
constexpr int64_t kNamespaceFlags = 0x7E020000;

// personality(2): PER_LINUX, PER_LINUX32, each with UNAME26, and the query.
constexpr int64_t kPersonalities[] = {0x0, 0x8, 0x20000, 0x20008, 0xffffffff};

#if defined(__x86_64__)
constexpr const char* kArchitectures[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
constexpr char kOfArchitecture[] = "arch_prctl modify_ldt";
#elif defined(__aarch64__)
constexpr const char* kArchitectures[] = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
constexpr char kOfArchitecture[] =
    "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2";
#else
#error "no default seccomp policy for this architecture"
#endif

constexpr const char* kAlways[] = {
    // opening, reading, writing
    "open openat openat2 creat close close_range read readv pread64 preadv preadv2 write writev "
    "pwrite64 pwritev pwritev2 lseek _llseek dup dup2 dup3 fcntl fcntl64 flock ioctl pipe pipe2 "
    "copy_file_range sendfile sendfile64 splice tee vmsplice readahead fadvise64 fadvise64_64 "
    "fallocate truncate truncate64 ftruncate ftruncate64 sync syncfs fsync fdatasync "
    "sync_file_range memfd_create memfd_secret",
    // names in the file system
    "access faccessat faccessat2 chdir fchdir getcwd getdents getdents64 link linkat symlink "
    "symlinkat readlink readlinkat unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir "
    "mknod mknodat stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs "
    "statfs64 fstatfs fstatfs64 statmount listmount name_to_handle_at umask",
    // attributes of files
    "chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 utime "
    "utimes utimensat utimensat_time64 futimesat getxattr lgetxattr fgetxattr getxattrat setxattr "
    "lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr listxattrat removexattr "
    "lremovexattr fremovexattr removexattrat",
    // waiting for descriptors
    "poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create epoll_create1 "
    "epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 "
    "signalfd signalfd4 inotify_init inotify_init1 inotify_add_watch inotify_rm_watch "
    "fanotify_mark io_setup io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64 "
    "io_destroy",
    // memory
    "brk mmap mmap2 munmap mprotect mremap madvise mincore msync mlock mlock2 mlockall munlock "
    "munlockall remap_file_pages membarrier cachestat map_shadow_stack mseal pkey_alloc pkey_free "
    "pkey_mprotect process_mrelease",
    // processes and threads
    "fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid "
    "getpgrp setpgid getsid setsid set_tid_address get_thread_area set_thread_area "
    "get_robust_list set_robust_list rseq futex futex_time64 futex_wait futex_waitv futex_wake "
    "futex_requeue pidfd_open pidfd_send_signal prctl seccomp landlock_create_ruleset "
    "landlock_add_rule landlock_restrict_self ptrace process_vm_readv process_vm_writev "
    "restart_syscall uretprobe riscv_hwprobe",
    // scheduling and limits
    "sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam "
    "sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max "
    "sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getpriority "
    "setpriority ioprio_get ioprio_set getrlimit setrlimit ugetrlimit prlimit64 getrusage getcpu "
    "times sysinfo uname",
    // signals
    "kill tkill tgkill pause sigaltstack sigprocmask sigreturn rt_sigaction rt_sigpending "
    "rt_sigprocmask rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
    "rt_sigtimedwait_time64",
    // users, groups, capabilities
    "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 "
    "getresgid getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid "
    "setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid "
    "setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset",
    // time
    "time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 "
    "clock_nanosleep clock_nanosleep_time64 nanosleep alarm getitimer setitimer adjtimex "
    "clock_adjtime clock_adjtime64 timer_create timer_delete timer_getoverrun timer_gettime "
    "timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime "
    "timerfd_gettime64 timerfd_settime timerfd_settime64 getrandom",
    // sockets; socket(2) has rules of its own
    "socketcall socketpair bind connect listen accept accept4 shutdown getsockname getpeername "
    "getsockopt setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg "
    "recvmmsg_time64",
    // System V and POSIX queues
    "ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl "
    "shmdt shmget mq_open mq_unlink mq_getsetattr mq_notify mq_timedreceive "
    "mq_timedreceive_time64 mq_timedsend mq_timedsend_time64",
};

struct WithCapability {
  const char* capability;
  const char* names;
};

constexpr WithCapability kWithCapability[] = {
    {"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    {"CAP_SYS_ADMIN",
     "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie "
     "lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount "
     "open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount "
     "umount2 unshare"},
    {"CAP_SYS_BOOT", "reboot"},
    {"CAP_SYS_CHROOT", "chroot"},
    {"CAP_SYS_MODULE", "delete_module init_module finit_module"},
    {"CAP_SYS_PACCT", "acct"},
    {"CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"},
    {"CAP_SYS_RAWIO", "iopl ioperm"},
    {"CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"},
    {"CAP_SYS_TTY_CONFIG", "vhangup"},
    {"CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    {"CAP_SYSLOG", "syslog"},
    {"CAP_BPF", "bpf"},
    {"CAP_PERFMON", "perf_event_open"},
};

void AddNames(absl::string_view names, Value::Elements* list) {
  for (const absl::string_view name : absl::StrSplit(names, ' ')) {
    list->push_back(Value::String(name));
  }
}

Value Rule(Value::Elements names, const char* action) {
  Value rule = Value::Object();  // Set moves; an initializer list would copy hundreds of names
  rule.Set("names", Value::Array(std::move(names)));
  rule.Set("action", Value::String(action));
  return rule;
}

Value Condition(int64_t value, const char* op) {
  return Value::Object(
      {{"index", Value::Number(0)}, {"value", Value::Number(value)}, {"op", Value::String(op)}});
}

// Allows `name` where its first argument compares so.
Value RuleIf(const char* name, int64_t value, const char* op) {
  Value rule = Rule({Value::String(name)}, "SCMP_ACT_ALLOW");
  rule.Set("args", Value::Array({Condition(value, op)}));
  return rule;
}

// Not "above 40": a filter sees 64 bits of the family and the kernel takes the lower 32, so that
// 2^32 + 38 would be AF_ALG.
void AddSocketRules(Value::Elements* rules) {
  rules->push_back(RuleIf("socket", 38, "SCMP_CMP_LT"));
  for (int64_t family : {39, 41, 42, 43, 44, 45}) {  // up to AF_MCTP, the last of Linux 6.18
    rules->push_back(RuleIf("socket", family, "SCMP_CMP_EQ"));
  }
}

void AddCloneRules(Value::Elements* rules) {
  Value clone = RuleIf("clone", kNamespaceFlags, "SCMP_CMP_MASKED_EQ");
  clone.Find("args")->elements()[0].Set("valueTwo", Value::Number(0));
  rules->push_back(std::move(clone));
  Value clone3 = Rule({Value::String("clone3")}, "SCMP_ACT_ERRNO");
  clone3.Set("errnoRet", Value::Number(kEnosys));
  rules->push_back(std::move(clone3));
}

}  // namespace

Value DefaultSeccomp(const std::vector<std::string>& bounding) {
  const auto has = [&](absl::string_view capability) {
    return std::find(bounding.begin(), bounding.end(), capability) != bounding.end();
  };
  Value::Elements names;
  names.reserve(512);
  for (const char* group : kAlways) AddNames(group, &names);
  AddNames(kOfArchitecture, &names);
  for (const WithCapability& group : kWithCapability) {
    if (has(group.capability)) AddNames(group.names, &names);
  }
  Value::Elements rules;
  rules.push_back(Rule(std::move(names), "SCMP_ACT_ALLOW"));
  AddSocketRules(&rules);
  for (const int64_t personality : kPersonalities) {
    rules.push_back(RuleIf("personality", personality, "SCMP_CMP_EQ"));
  }
  if (!has("CAP_SYS_ADMIN")) AddCloneRules(&rules);

  Value::Elements architectures;
  for (const char* architecture : kArchitectures) {
    architectures.push_back(Value::String(architecture));
  }
  Value policy = Value::Object();
  policy.Set("defaultAction", Value::String("SCMP_ACT_ERRNO"));
  policy.Set("defaultErrnoRet", Value::Number(kEperm));
  policy.Set("architectures", Value::Array(std::move(architectures)));
  policy.Set("syscalls", Value::Array(std::move(rules)));
  return policy;
}

}  // namespace stave::oci

// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/capability/capability.h"
#include "libs/rootpath/rootpath.h"
#include "libs/runtime/report.h"

namespace stave::runtime {
namespace {

constexpr size_t kMaxNumber = 32;  // of a file in /proc that holds one

// struct sched_attr of <linux/sched/types.h>, which cannot be had beside <sched.h>.
struct SchedulingAttributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

absl::Status BringUpLoopback() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return base::PosixError(errno, "lo", "socket");
  ifreq request{};
  ::strcpy(request.ifr_name, "lo");  // lint: a literal that fits
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0)
    return base::PosixError(errno, "lo", "bring up");
  return absl::OkStatus();
}

absl::Status WriteSysctl(int proc, const std::string& key, const std::string& value) {
  const std::string path = absl::StrCat("sys/", key);
  auto file = rootpath::OpenBeneath(proc, path, O_WRONLY);
  if (!file.ok()) return base::WithContext(file.status(), "/linux/sysctl");
  return base::WriteAll(file->get(), value, absl::StrCat("/linux/sysctl: ", key));
}

absl::Status WriteAttribute(int proc, absl::string_view path, absl::string_view value,
                            absl::string_view member) {
  auto file = rootpath::OpenInRoot(proc, path, O_WRONLY);
  if (!file.ok()) return base::WithContext(file.status(), member);
  struct statfs fs;
  if (::fstatfs(file->get(), &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC) {
    return absl::FailedPreconditionError(absl::StrCat(member, ": there is no procfs to set it in"));
  }
  return base::WriteAll(file->get(), value, member);
}

absl::Status SetUser(const Process& process) {
  std::vector<gid_t> groups(process.groups.begin(), process.groups.end());
  if (::setgroups(groups.size(), groups.data()) < 0) {
    // A user namespace with setgroups denied has no groups to give up either.
    if (errno != EPERM || !groups.empty())
      return base::PosixError(errno, "/process/user/additionalGids", "setgroups");
  }
  if (::setresgid(process.gid, process.gid, process.gid) < 0) {
    return base::PosixError(errno, absl::StrCat("/process/user/gid ", process.gid), "setresgid");
  }
  if (::setresuid(process.uid, process.uid, process.uid) < 0) {
    return base::PosixError(errno, absl::StrCat("/process/user/uid ", process.uid), "setresuid");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SetNamespaceValues(const Plan& plan, int proc) {
  if (!plan.hostname.empty() && ::sethostname(plan.hostname.data(), plan.hostname.size()) < 0) {
    return base::PosixError(errno, "/hostname", "sethostname");
  }
  if (!plan.domainname.empty() &&
      ::setdomainname(plan.domainname.data(), plan.domainname.size()) < 0) {
    return base::PosixError(errno, "/domainname", "setdomainname");
  }
  if (plan.Creates(CLONE_NEWNET)) STAVE_RETURN_IF_ERROR(BringUpLoopback());
  for (const auto& [key, value] : plan.sysctls)
    STAVE_RETURN_IF_ERROR(WriteSysctl(proc, key, value));
  return absl::OkStatus();
}

absl::StatusOr<capability::Sets> ChooseCapabilities(const Process& process, UserNamespace where,
                                                    std::vector<std::string>* warnings) {
  if (!process.capabilities) return capability::Sets();
  if (where == UserNamespace::kOther) return *process.capabilities;
  STAVE_ASSIGN_OR_RETURN(const capability::Sets held,
                         capability::Current(capability::Any(*process.capabilities)));
  capability::Set missing = 0;
  const capability::Sets sets = capability::Attainable(*process.capabilities, held, &missing);
  if (missing != 0) {
    warnings->push_back(absl::StrCat("cannot be given, since the caller has not got them itself: ",
                                     absl::StrJoin(capability::ToNames(missing), ", ")));
  }
  return sets;
}

absl::Status EnterCgroup(const cgroup::Cgroup* group) {
  if (group == nullptr) return absl::OkStatus();
  const int error = cgroup::WriteTasks(group->task_fds());
  return error == 0 ? absl::OkStatus() : base::PosixError(error, group->path(), "enter the cgroup");
}

absl::Status JoinNewKeyring() {
  // ENOSYS: a kernel without keys.
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0 && errno != ENOSYS) {
    return base::PosixError(errno, "session keyring", "join a new one");
  }
  return absl::OkStatus();
}

absl::Status SetLabels(int proc, const Process& process) {
  const std::string& profile = process.apparmor_profile;
  if (!profile.empty()) {
    absl::Status written = WriteAttribute(proc, "thread-self/attr/apparmor/exec", "exec " + profile,
                                          "/process/apparmorProfile");
    if (absl::IsNotFound(written)) {  // Linux before 5.8
      written = WriteAttribute(proc, "thread-self/attr/exec", "exec " + profile,
                               "/process/apparmorProfile");
    }
    STAVE_RETURN_IF_ERROR(base::WithHint(
        written, "is AppArmor enabled here, and the profile loaded? See aa-status(8)"));
  }
  if (process.selinux_label.empty()) return absl::OkStatus();
  if (::access("/sys/fs/selinux/enforce", F_OK) < 0) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_UNSUPPORTED",
                       "/process/selinuxLabel: SELinux is not enabled here");
  }
  return WriteAttribute(proc, "thread-self/attr/exec", process.selinux_label,
                        "/process/selinuxLabel");
}

absl::Status SetLimits(const Process& process, std::vector<std::string>* warnings) {
  if (process.oom_score_adj) {
    const absl::Status set = base::WriteFileAt(AT_FDCWD, "/proc/self/oom_score_adj",
                                               absl::StrCat(*process.oom_score_adj));
    if (absl::IsPermissionDenied(set)) {
      // In a user namespace the parent has set it: /proc/self belongs to the host's root here.
      const auto now = base::ReadFileAt(AT_FDCWD, "/proc/self/oom_score_adj", kMaxNumber);
      if (!now.ok() || *now != absl::StrCat(*process.oom_score_adj, "\n")) {
        warnings->push_back(absl::StrCat("oomScoreAdj ", *process.oom_score_adj,
                                         ": the kernel does not permit it here"));
      }
    } else if (!set.ok()) {
      return set;
    }
  }
  for (const Rlimit& limit : process.rlimits) {
    rlimit value{limit.soft, limit.hard};
    if (::setrlimit(static_cast<__rlimit_resource>(limit.resource), &value) == 0) continue;
    if (errno != EPERM) return base::PosixError(errno, limit.name, "setrlimit");
    // Without CAP_SYS_RESOURCE: as much as is permitted.
    rlimit mine{};
    ::getrlimit(static_cast<__rlimit_resource>(limit.resource), &mine);
    value.rlim_max = std::min<rlim_t>(limit.hard, mine.rlim_max);
    value.rlim_cur = std::min<rlim_t>(limit.soft, value.rlim_max);
    if (::setrlimit(static_cast<__rlimit_resource>(limit.resource), &value) < 0) {
      return base::PosixError(errno, limit.name, "setrlimit");
    }
    warnings->push_back(absl::StrCat(limit.name, ": the hard limit stays at ", mine.rlim_max,
                                     ", more needs CAP_SYS_RESOURCE"));
  }
  return absl::OkStatus();
}

absl::Status SetScheduling(const Process& process) {
  if (process.io_priority &&
      ::syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, *process.io_priority) < 0) {
    return base::PosixError(errno, "/process/ioPriority", "ioprio_set");
  }
  if (!process.scheduler) return absl::OkStatus();
  const Scheduler& wanted = *process.scheduler;
  const SchedulingAttributes attributes{sizeof attributes, wanted.policy,   wanted.flags,
                                        wanted.nice,       wanted.priority, wanted.runtime,
                                        wanted.deadline,   wanted.period};
  if (::syscall(SYS_sched_setattr, 0, &attributes, 0) < 0) {
    return base::PosixError(errno, "/process/scheduler", "sched_setattr");
  }
  return absl::OkStatus();
}

absl::Status SetAffinity(const std::string& list) {
  if (list.empty()) return absl::OkStatus();
  constexpr int kCpus = 8192;
  cpu_set_t* set = CPU_ALLOC(kCpus);
  const size_t size = CPU_ALLOC_SIZE(kCpus);
  CPU_ZERO_S(size, set);
  for (const absl::string_view range : absl::StrSplit(list, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(range, '-');
    int first = 0, last = 0;
    if (!absl::SimpleAtoi(ends.front(), &first) || !absl::SimpleAtoi(ends.back(), &last)) continue;
    for (int cpu = first; cpu <= last && cpu < kCpus; ++cpu) CPU_SET_S(cpu, size, set);
  }
  const int failed = ::sched_setaffinity(0, size, set);
  CPU_FREE(set);
  if (failed == 0) return absl::OkStatus();
  return base::PosixError(errno, "/process/execCPUAffinity", "sched_setaffinity");
}

absl::Status SetIdentity(const Process& process, const capability::Sets& capabilities,
                         const std::function<absl::Status()>& load_filter) {
  if (process.umask) ::umask(*process.umask);
  // Without no_new_privs loading a filter needs CAP_SYS_ADMIN, which is about to go.
  if (!process.no_new_privileges) STAVE_RETURN_IF_ERROR(load_filter());
  if (process.capabilities) {
    STAVE_RETURN_IF_ERROR(capability::ApplyBounding(capabilities.bounding));
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
      return base::PosixError(errno, "capabilities", "keep");
  }
  STAVE_RETURN_IF_ERROR(SetUser(process));
  if (process.capabilities) {
    STAVE_RETURN_IF_ERROR(capability::ApplySets(capabilities));
    ::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  }
  if (process.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
    return base::PosixError(errno, "no_new_privs", "set");
  }
  return absl::OkStatus();
}

absl::Status MakeWorkDir(int root, const Process& process) {
  const auto made = rootpath::MakeDirsInRoot(root, process.cwd, 0755);
  if (made.ok()) return absl::OkStatus();
  return WithCause(base::WithContext(made.status(), "/process/cwd"), "workdir");
}

absl::Status EnterWorkDir(const Process& process) {
  const auto fail = [](absl::Status why) { return WithCause(std::move(why), "workdir"); };
  const base::UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto dir = rootpath::OpenInRoot(root.get(), process.cwd, O_PATH | O_DIRECTORY);
  if (!dir.ok()) return fail(base::WithContext(dir.status(), "/process/cwd"));
  if (::fchdir(dir->get()) < 0) return fail(base::PosixError(errno, process.cwd, "chdir"));
  char cwd[PATH_MAX];
  const long length = ::syscall(SYS_getcwd, cwd, sizeof cwd);
  if (length <= 0 || cwd[0] != '/') {
    return fail(absl::FailedPreconditionError(
        absl::StrCat("/process/cwd: ", base::Quoted(process.cwd), " is outside of the container")));
  }
  return absl::OkStatus();
}

}  // namespace stave::runtime

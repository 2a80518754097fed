// SPDX-License-Identifier: Apache-2.0
//
// What the kernel makes of libs/cgroup, on any version of cgroups:
//
//   cgroup_probe PARENT       makes cgroups below PARENT, with a child in them that it freezes,
//                             limits anew, lets run out of memory and kills; a line for each check
//   cgroup_probe --stats PATH prints the statistics of a cgroup as JSON
//
// Exit 0 if nothing is wrong.
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/delegate.h"
#include "libs/cgroup/device.h"
#include "libs/cgroup/freezer.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/oom_watch.h"
#include "libs/cgroup/plan.h"
#include "libs/cgroup/statistics.h"
#include "libs/cgroup/update.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace {

namespace base = stave::base;
namespace json = stave::json;
using stave::cgroup::Cgroup;
using stave::cgroup::CurrentLimits;
using stave::cgroup::Hierarchies;
using stave::cgroup::Limits;
using stave::cgroup::OomWatch;

constexpr absl::Duration kTimeout = absl::Seconds(20);
constexpr size_t kSome = size_t{8} << 20;
constexpr size_t kMuch = size_t{200} << 20;

int failed = 0;

void Check(const std::string& what, bool good) {
  printf("%s: %s\n", good ? "ok" : "FAILED", what.c_str());
  if (!good) ++failed;
}

void CheckOk(const std::string& what, const absl::Status& status) {
  Check(status.ok() ? what : absl::StrCat(what, ": ", status.message()), status.ok());
}

void Fill(size_t size) {
  memset(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, size);
}

// The child does what it is told, byte by byte, and answers each with one.
[[noreturn]] void Serve(int fd) {
  char order = 0;
  while (read(fd, &order, 1) == 1) {
    char answer = 0;
    if (order == 'k') {
      const int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
      answer = log < 0 ? static_cast<char>(errno) : '\0';
      if (log >= 0) close(log);
    }
    if (order == 'n') answer = static_cast<char>(access("/dev/null", W_OK));
    while (order == 'f') {  // for good
      const pid_t pid = fork();
      if (pid == 0) _exit(0);
      waitpid(pid, nullptr, 0);
    }
    if (order == 's') Fill(kSome);
    if (order == 'm') Fill(kMuch);
    if (write(fd, &answer, 1) != 1) break;
  }
  _exit(0);
}

struct Child {
  pid_t pid = -1;
  int fd = -1;

  // The answer; -1 if it is dead.
  int Ask(char order) const {
    char answer = 0;
    if (write(fd, &order, 1) != 1 || read(fd, &answer, 1) != 1) return -1;
    return answer;
  }
  // The signal that ended it, or 0.
  int Wait() {
    int status = 0;
    waitpid(pid, &status, 0);
    close(fd);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
};

absl::StatusOr<Child> StartIn(const Cgroup& group) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::PosixError(errno, "socket", "socketpair");
  }
  signal(SIGPIPE, SIG_IGN);
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    Serve(ends[1]);
  }
  close(ends[1]);
  STAVE_RETURN_IF_ERROR(group.Add(pid));
  return Child{pid, ends[0]};
}

absl::StatusOr<Cgroup> Make(const std::string& path, absl::string_view resources,
                            const Hierarchies& hierarchies) {
  STAVE_ASSIGN_OR_RETURN(const json::Value value, json::Parse(resources));
  STAVE_ASSIGN_OR_RETURN(const Limits limits, PlanLimits(&value, hierarchies));
  STAVE_ASSIGN_OR_RETURN(Cgroup group, Cgroup::Create(path, hierarchies, limits));
  STAVE_RETURN_IF_ERROR(group.Apply(limits));
  return group;
}

absl::Status Update(Cgroup* group, absl::string_view resources, const Hierarchies& hierarchies) {
  STAVE_ASSIGN_OR_RETURN(const json::Value value, json::Parse(resources));
  STAVE_ASSIGN_OR_RETURN(const Limits limits, PlanUpdate(&value, group->ReadLimits(), hierarchies));
  return group->Apply(limits);
}

absl::Status ProbeFreezer(const std::string& parent, const Hierarchies& hierarchies) {
  STAVE_ASSIGN_OR_RETURN(Cgroup group, Make(parent + "/freeze", "{}", hierarchies));
  STAVE_ASSIGN_OR_RETURN(Cgroup beside, Make(parent + "/freeze/beside", "{}", hierarchies));
  STAVE_ASSIGN_OR_RETURN(Cgroup below, Make(parent + "/freeze/below", "{}", hierarchies));
  STAVE_ASSIGN_OR_RETURN(Child child, StartIn(beside));
  STAVE_ASSIGN_OR_RETURN(Child deep, StartIn(below));
  const std::vector<pid_t> both = {std::min(child.pid, deep.pid), std::max(child.pid, deep.pid)};
  Check("all processes below it are listed", group.Processes() == both);
  Check("it is not frozen at first", !IsFrozen(group));
  CheckOk("it freezes", Freeze(group, kTimeout));
  CheckOk("a second time, too", Freeze(group, kTimeout));
  Check("it says so", IsFrozen(group) && !IsFrozen(below));
  CheckOk("it thaws", Thaw(group));
  Check("it goes on", !IsFrozen(group) && child.Ask('p') == 0 && deep.Ask('p') == 0);
  STAVE_ASSIGN_OR_RETURN(Child forking, StartIn(beside));
  Check("a process in it forks", write(forking.fd, "f", 1) == 1);
  absl::Status each;
  for (int i = 0; i < 20 && each.ok(); ++i) {
    each = Freeze(group, kTimeout);
    if (each.ok()) each = Thaw(group);
  }
  CheckOk("it freezes and thaws twenty times", each);
  CheckOk("and once more", Freeze(group, kTimeout));
  CheckOk("and so does the one below it, by itself", Freeze(below, kTimeout));
  CheckOk("a frozen cgroup is killed", group.Kill());
  Check("its processes die", child.Wait() == SIGKILL && forking.Wait() == SIGKILL);
  Check("so does that in the frozen one below", deep.Wait() == SIGKILL);
  Check("an empty one freezes", Freeze(below, kTimeout).ok() && Thaw(below).ok());
  STAVE_RETURN_IF_ERROR(below.End(kTimeout));
  STAVE_RETURN_IF_ERROR(beside.End(kTimeout));
  return group.End(kTimeout);
}

bool Has(const Cgroup& group, int64_t memory, int64_t sum) {
  const CurrentLimits now = group.ReadLimits();
  const stave::cgroup::Cgroup::Place* place = group.Find("memory");
  int64_t swap = now.swap.value_or(-1);
  if (place->hierarchy.version == stave::cgroup::Version::kV2 && swap >= 0 && memory >= 0) {
    swap += now.memory;
  }
  if (now.memory == memory && (swap == sum || !now.swap.has_value())) return true;
  printf("  memory %lld, with swap %lld\n", static_cast<long long>(now.memory),
         static_cast<long long>(swap));
  return false;
}

absl::Status ProbeMemory(const std::string& parent, const Hierarchies& hierarchies) {
  constexpr int64_t kMiB = 1 << 20;
  STAVE_ASSIGN_OR_RETURN(
      Cgroup group,
      Make(parent + "/memory", R"({"memory":{"limit":67108864,"swap":134217728}})", hierarchies));
  STAVE_ASSIGN_OR_RETURN(Child child, StartIn(group));
  const struct {
    const char* what;
    const char* resources;
    int64_t memory, sum;
  } steps[] = {
      {"both grow", R"({"memory":{"limit":268435456,"swap":536870912}})", 256, 512},
      {"the limit shrinks", R"({"memory":{"limit":134217728}})", 128, 512},
      {"both shrink", R"({"memory":{"limit":33554432,"swap":67108864}})", 32, 64},
      {"the sum grows", R"({"memory":{"swap":100663296}})", 32, 96},
      {"zeros stay", R"({"memory":{"limit":0,"swap":0},"cpu":{"shares":0},"pids":{"limit":0}})", 32,
       96},
      {"no limit of memory", R"({"memory":{"limit":-1}})", -1, -1},
      {"a limit again", R"({"memory":{"limit":33554432,"swap":33554432}})", 32, 32},
  };
  for (const auto& step : steps) {
    CheckOk(step.what, Update(&group, step.resources, hierarchies));
    const int64_t unit = step.memory < 0 ? 1 : kMiB;
    Check(absl::StrCat("  and is in force"), Has(group, step.memory * unit, step.sum * unit));
  }
  Check("a limit above the sum is refused",
        !Update(&group, R"({"memory":{"limit":67108864}})", hierarchies).ok());
  Check("one below what is in use is, if asked",
        child.Ask('s') == 0 &&
            !Update(&group, R"({"memory":{"limit":4194304,"checkBeforeUpdate":true}})", hierarchies)
                 .ok());

  auto watch = OomWatch::Start(group);
  CheckOk("it is watched", watch.status());
  Check("the child dies of its memory", child.Ask('m') == -1 && child.Wait() == SIGKILL);
  if (watch.ok()) {
    pollfd waiting = {watch->fd(), POLLIN, 0};
    Check("the watch wakes", poll(&waiting, 1, -1) == 1);
    const OomWatch::News news = watch->Take();
    Check("and tells of it", news.events >= 1 && news.kills == 1);
    STAVE_RETURN_IF_ERROR(group.End(kTimeout));
    if (!news.ended) poll(&waiting, 1, -1);
    Check("and of the end", watch->Take().ended);
    return absl::OkStatus();
  }
  return group.End(kTimeout);
}

absl::Status ProbeCpu(const std::string& parent, const Hierarchies& hierarchies) {
  STAVE_ASSIGN_OR_RETURN(
      Cgroup above,
      Make(parent + "/cpu", R"({"cpu":{"quota":50000,"period":100000}})", hierarchies));
  STAVE_ASSIGN_OR_RETURN(
      Cgroup group,
      Make(parent + "/cpu/group", R"({"cpu":{"quota":25000,"period":100000}})", hierarchies));
  const struct {
    const char* resources;
    int64_t quota, period;
  } steps[] = {{R"({"cpu":{"quota":5000,"period":10000}})", 5000, 10000},
               {R"({"cpu":{"quota":100000,"period":200000}})", 100000, 200000},
               {R"({"cpu":{"quota":40000}})", 40000, 200000},
               {R"({"cpu":{"period":100000}})", 40000, 100000},
               {R"({"cpu":{"quota":-1,"period":10000}})", -1, 10000},
               {R"({"cpu":{"quota":20000,"period":100000}})", 20000, 100000}};
  for (const auto& step : steps) {
    CheckOk(absl::StrCat("below a quota: ", step.resources),
            Update(&group, step.resources, hierarchies));
    const CurrentLimits now = group.ReadLimits();
    Check("  and is in force", now.cpu_quota == step.quota && now.cpu_period == step.period);
  }
  STAVE_RETURN_IF_ERROR(group.End(kTimeout));
  return above.End(kTimeout);
}

absl::Status ProbeDevices(const std::string& parent, const Hierarchies& hierarchies) {
  constexpr char kDenied[] = R"({"devices":[{"allow":false,"access":"rwm"}]})";
  constexpr char kAllowed[] = R"({"devices":[{"allow":false,"access":"rwm"},
      {"allow":true,"type":"c","major":1,"minor":11,"access":"rwm"}]})";
  STAVE_ASSIGN_OR_RETURN(json::Value resources, json::Parse(kDenied));
  for (json::Value& each : stave::cgroup::DefaultDevices()) {
    resources.Find("devices")->elements().push_back(each);
  }
  STAVE_ASSIGN_OR_RETURN(Cgroup group,
                         Make(parent + "/devices", json::Print(resources), hierarchies));
  STAVE_ASSIGN_OR_RETURN(Child child, StartIn(group));
  Check("a device is denied, a default one is not", child.Ask('k') == EPERM && child.Ask('n') == 0);
  CheckOk("it is allowed by an update", Update(&group, kAllowed, hierarchies));
  Check("then it opens", child.Ask('k') == 0 && child.Ask('n') == 0);
  CheckOk("it is denied by another", Update(&group, kDenied, hierarchies));
  Check("then it does not", child.Ask('k') == EPERM && child.Ask('n') == 0);
  CheckOk("the group ends", group.End(kTimeout));
  child.Wait();
  return absl::OkStatus();
}

absl::Status ProbeDelegation(const std::string& parent, const Hierarchies& hierarchies) {
  constexpr uid_t kUser = 12345;
  STAVE_ASSIGN_OR_RETURN(Cgroup group, Make(parent + "/own", "{}", hierarchies));
  CheckOk("it is handed on", Delegate(group, kUser));
  const Cgroup::Place* unified = group.Find("cgroup");
  if (unified != nullptr) {
    const uid_t want = hierarchies.HasV1() ? 0 : kUser;
    struct stat directory = {};
    struct stat procs = {};
    struct stat depth = {};
    stat(unified->directory.c_str(), &directory);
    stat((unified->directory + "/cgroup.procs").c_str(), &procs);
    stat((unified->directory + "/cgroup.max.depth").c_str(), &depth);
    Check("on v2 alone, and not its limits",
          directory.st_uid == want && procs.st_uid == want && depth.st_uid == 0);
  }
  return group.End(kTimeout);
}

// The error of a clone into the cgroup, as it is explained.
std::string EntryHint(const Cgroup& group) {
  clone_args args = {};
  args.flags = CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<uint64_t>(group.directory_fd());
  const long pid = syscall(SYS_clone3, &args, sizeof(args));
  const int error = errno;
  if (pid == 0) _exit(0);
  if (pid > 0) return "it was entered";
  return base::ErrorHint(group.ExplainEntry(base::PosixError(error, "process", "clone3")));
}

absl::Status ProbeEntry(const std::string& parent, const Hierarchies& hierarchies) {
  if (hierarchies.Unified() == nullptr) return absl::OkStatus();
  const std::string above = hierarchies.Unified()->mount_point + parent + "/threads";
  const std::string threaded = above + "/threaded";
  if (mkdir(above.c_str(), 0755) != 0 || mkdir(threaded.c_str(), 0755) != 0) {
    return base::PosixError(errno, threaded, "mkdir");
  }
  STAVE_RETURN_IF_ERROR(base::WriteFileAt(AT_FDCWD, threaded + "/cgroup.type", "threaded"));
  STAVE_ASSIGN_OR_RETURN(Cgroup invalid, Make(parent + "/threads/beside", "{}", hierarchies));
  Check("threaded cgroups above are told",
        EntryHint(invalid) == above +
                                  " has threaded cgroups below it (cgroup.type), where whole "
                                  "processes cannot be");
  STAVE_RETURN_IF_ERROR(invalid.End(kTimeout));
  rmdir(threaded.c_str());
  rmdir(above.c_str());
  if (hierarchies.HasV1()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(Cgroup full, Make(parent + "/full", "{}", hierarchies));
  STAVE_RETURN_IF_ERROR(Update(&full, R"({"unified":{"pids.max":"0"}})", hierarchies));
  Check("a full limit of tasks is told",
        absl::StrContains(EntryHint(full), "the limit of 0 tasks in /sys/fs/cgroup"));
  STAVE_RETURN_IF_ERROR(full.End(kTimeout));
  STAVE_ASSIGN_OR_RETURN(Cgroup zero,
                         Make(parent + "/zero", R"({"pids":{"limit":0}})", hierarchies));
  Check("a limit of 0 tasks lets the first one in", EntryHint(zero) == "it was entered");
  return zero.End(kTimeout);
}

int PrintStatistics(const std::string& path, const Hierarchies& hierarchies) {
  const auto group = Cgroup::Open(path, hierarchies);
  if (!group.ok()) return 1;
  printf("%s\n", json::Print(StatisticsToJson(ReadStatistics(*group))).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto hierarchies = stave::cgroup::FindHierarchies();
  if (!hierarchies.ok() || argc < 2) return 2;
  if (argc == 3 && strcmp(argv[1], "--stats") == 0) return PrintStatistics(argv[2], *hierarchies);
  for (const auto probe :
       {ProbeFreezer, ProbeMemory, ProbeCpu, ProbeDevices, ProbeDelegation, ProbeEntry}) {
    const absl::Status status = probe(argv[1], *hierarchies);
    if (!status.ok()) CheckOk("probe", status);
  }
  return failed == 0 ? 0 : 1;
}

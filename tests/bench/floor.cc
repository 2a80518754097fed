// SPDX-License-Identifier: Apache-2.0
//
// floor [-C] [-N] [-s] [-t] ROOTFS PROGRAM [ARG...]: the least that the kernel must do for a start.
//
// One process in new namespaces, a cgroup in every hierarchy and a root filesystem as `runc spec`
// asks for, made in the cheapest way known, without a config, a state, hooks or recovery. What a
// runtime takes beyond this is its own. Cheapest means: nothing is looked up twice, mounts are made
// detached and attached once with their flags, v1 cgroups are entered by the child's own "0" to
// `tasks`, v2 by CLONE_INTO_CGROUP, and the parent sleeps in clone3 until the exec.
//
//   -C  no cgroups
//   -N  no network namespace
//   -s  a seccomp filter that tells 400 system calls apart
//   -t  the microseconds of each phase on stderr
//
// Exits with the program's code, 125 where the set-up failed. Needs root and Linux 5.12.

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr long kCgroup2Magic = 0x63677270;
constexpr int kHierarchies = 24;
constexpr int kFailed = 125;
constexpr unsigned kHidden = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

struct Options {
  bool cgroups = true, network = true, filter = false, times = false;
  const char* root = nullptr;
  char** command = nullptr;
};

// Shared with the child: both write their phases here.
struct Times {
  int count;
  struct {
    const char* phase;
    int64_t at;
  } laps[64];
};

struct Cgroup {
  char path[256];
  bool unified;
  int fd;  // v1: its `tasks`; v2: the directory
};

Times* times;

int64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void Lap(const char* phase) {
  if (times != nullptr && times->count < 64) times->laps[times->count++] = {phase, Now()};
}

long Must(long result, const char* what) {
  if (result >= 0) return result;
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  _exit(kFailed);
}

// --- cgroups -------------------------------------------------------------------------------------

// A new v1 cpuset has no CPUs and no memory nodes, and takes nobody before it has.
void CopyToChild(const char* parent, const char* child, const char* name) {
  char path[300], value[256];
  snprintf(path, sizeof(path), "%s/%s", parent, name);
  int from = static_cast<int>(Must(open(path, O_RDONLY | O_CLOEXEC), path));
  ssize_t size = Must(read(from, value, sizeof(value)), path);
  snprintf(path, sizeof(path), "%s/%s", child, name);
  int to = static_cast<int>(Must(open(path, O_WRONLY | O_CLOEXEC), path));
  Must(write(to, value, size), path);
  close(from);
  close(to);
}

void MakeCgroup(const char* hierarchy, bool unified, Cgroup* group) {
  snprintf(group->path, sizeof(group->path), "%s/floor-%d", hierarchy, getpid());
  Must(mkdir(group->path, 0755), group->path);
  if (strstr(hierarchy, "/cpuset") != nullptr) {
    CopyToChild(hierarchy, group->path, "cpuset.cpus");
    CopyToChild(hierarchy, group->path, "cpuset.mems");
  }
  char path[300];
  snprintf(path, sizeof(path), "%s%s", group->path, unified ? "" : "/tasks");
  int flags = unified ? O_PATH | O_DIRECTORY : O_WRONLY;
  group->fd = static_cast<int>(Must(open(path, flags | O_CLOEXEC), path));
  group->unified = unified;
}

bool IsCgroup2(const char* path) {
  struct statfs fs {};
  return statfs(path, &fs) == 0 && fs.f_type == kCgroup2Magic;
}

// One in every hierarchy that is mounted; returns how many.
int MakeCgroups(Cgroup* groups) {
  const char* top = "/sys/fs/cgroup";
  if (IsCgroup2(top)) {
    MakeCgroup(top, true, &groups[0]);
    return 1;
  }
  DIR* folder = opendir(top);
  Must(folder == nullptr ? -1 : 0, top);
  int count = 0;
  while (dirent* entry = readdir(folder)) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || count == kHierarchies) continue;
    char path[300], procs[320];
    snprintf(path, sizeof(path), "%s/%s", top, entry->d_name);
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
    if (access(procs, F_OK) == 0) MakeCgroup(path, IsCgroup2(path), &groups[count++]);
  }
  closedir(folder);
  return count;
}

// --- mounts --------------------------------------------------------------------------------------

struct Setting {
  const char *key, *value;
};

int NewFilesystem(const char* type, unsigned attributes, const Setting* settings, int count) {
  int context = static_cast<int>(Must(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), type));
  for (int i = 0; i < count; ++i) {
    Must(syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, settings[i].key, settings[i].value, 0),
         settings[i].key);
  }
  Must(syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), type);
  int made =
      static_cast<int>(Must(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes), type));
  close(context);
  return made;
}

int Copy(int directory, const char* path, bool readonly) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (*path == '\0' ? AT_EMPTY_PATH : 0);
  int copy = static_cast<int>(syscall(SYS_open_tree, directory, path, flags));
  if (copy < 0 || !readonly) return copy;
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  Must(syscall(SYS_mount_setattr, copy, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)), path);
  return copy;
}

void Attach(int mount, const char* path) {
  Must(syscall(SYS_move_mount, mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH), path);
  close(mount);
}

void MountAll() {
  const Setting dev[] = {{"mode", "755"}, {"size", "65536k"}};
  const Setting pts[] = {{"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}};
  const Setting shm[] = {{"mode", "1777"}, {"size", "65536k"}};
  Attach(NewFilesystem("proc", 0, nullptr, 0), "proc");
  Attach(NewFilesystem("tmpfs", MOUNT_ATTR_NOSUID, dev, 2), "dev");
  Must(mkdir("dev/pts", 0755) | mkdir("dev/shm", 0755) | mkdir("dev/mqueue", 0755), "dev");
  Attach(NewFilesystem("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, pts, 3), "dev/pts");
  Attach(NewFilesystem("tmpfs", kHidden, shm, 2), "dev/shm");
  Attach(NewFilesystem("mqueue", kHidden, nullptr, 0), "dev/mqueue");
  Lap("proc, /dev, devpts, shm, mqueue");
  Attach(NewFilesystem("sysfs", kHidden | MOUNT_ATTR_RDONLY, nullptr, 0), "sys");
  Lap("sysfs");
}

void MakeDevices() {
  const struct {
    const char* path;
    int major, minor;
  } nodes[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
               {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
  const struct {
    const char *to, *path;
  } links[] = {{"/proc/self/fd", "dev/fd"},
               {"/proc/self/fd/0", "dev/stdin"},
               {"/proc/self/fd/1", "dev/stdout"},
               {"/proc/self/fd/2", "dev/stderr"},
               {"pts/ptmx", "dev/ptmx"}};
  mode_t mask = umask(0);
  for (const auto& node : nodes) {
    Must(mknod(node.path, S_IFCHR | 0666, makedev(node.major, node.minor)), node.path);
  }
  umask(mask);
  for (const auto& link : links) Must(symlink(link.to, link.path), link.path);
  Lap("device nodes and links");
}

void Hide() {
  const char* const readonly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                  "proc/sysrq-trigger"};
  const char* const masked[] = {"proc/acpi",        "proc/asound",        "proc/kcore",
                                "proc/keys",        "proc/latency_stats", "proc/timer_list",
                                "proc/timer_stats", "proc/sched_debug",   "sys/firmware",
                                "proc/scsi"};
  for (const char* path : readonly) {
    int copy = Copy(AT_FDCWD, path, true);
    if (copy >= 0) Attach(copy, path);
  }
  Lap("read-only paths");
  int empty = NewFilesystem("tmpfs", kHidden | MOUNT_ATTR_RDONLY, nullptr, 0);
  for (const char* path : masked) {
    struct stat info {};
    if (stat(path, &info) != 0) continue;
    int cover = S_ISDIR(info.st_mode) ? Copy(empty, "", false) : Copy(AT_FDCWD, "dev/null", false);
    Attach(static_cast<int>(Must(cover, path)), path);
  }
  close(empty);
  Lap("masked paths");
}

void EnterRoot(const char* root) {
  Must(mount(nullptr, "/", nullptr, MS_PRIVATE | MS_REC, nullptr), "private /");
  Attach(static_cast<int>(Must(Copy(AT_FDCWD, root, false), root)), root);
  Must(chdir(root), root);
  Lap("root bound");
  MountAll();
  MakeDevices();
  Must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  Must(umount2(".", MNT_DETACH), "umount");
  Must(chdir("/"), "/");
  Lap("pivot_root, old root away");
  Hide();
}

// --- the process ---------------------------------------------------------------------------------

void DropPrivileges() {
  constexpr unsigned kKept = 1U << CAP_KILL | 1U << CAP_NET_BIND_SERVICE | 1U << CAP_AUDIT_WRITE;
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if ((uint64_t{kKept} >> capability & 1) == 0) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  Must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {{kKept, kKept, 0}, {0, 0, 0}};
  Must(syscall(SYS_capset, &header, sets), "capset");
  Lap("capabilities");
}

// Decides numbers [first, last) by halves: the kernel runs a filter once for each system call when
// it is loaded, and a search of 9 steps is then a millisecond cheaper than a chain of 400.
void EmitSearch(unsigned first, unsigned last, sock_filter* code, unsigned* length) {
  if (last - first == 1) {
    code[(*length)++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    return;
  }
  unsigned middle = (first + last) / 2;
  code[(*length)++] = BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, middle, 0, 1);
  unsigned jump = (*length)++;
  EmitSearch(first, middle, code, length);
  code[jump] = BPF_STMT(BPF_JMP | BPF_JA, *length - jump - 1);
  EmitSearch(middle, last, code, length);
}

// As many numbers as a usual profile names; every system call passes.
void LoadFilter() {
  constexpr unsigned kNumbers = 400;
  sock_filter code[4 * kNumbers];
  unsigned length = 0;
  code[length++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
  EmitSearch(0, kNumbers, code, &length);
  sock_fprog program{static_cast<uint16_t>(length), code};
  Must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
  Lap("seccomp filter");
}

[[noreturn]] void Child(const Options& options, const Cgroup* groups, int count) {
  Lap("clone3");
  for (int i = 0; i < count; ++i) {
    if (!groups[i].unified) Must(write(groups[i].fd, "0", 1), groups[i].path);
  }
  Lap("into the v1 cgroups");
  EnterRoot(options.root);
  Must(sethostname("floor", 5), "hostname");
  DropPrivileges();
  if (options.filter) LoadFilter();
  execv(options.command[0], options.command);
  Must(-1, options.command[0]);
  _exit(kFailed);
}

void PrintTimes(int64_t begin) {
  int64_t last = begin;
  for (int i = 0; i < times->count; ++i) {
    fprintf(stderr, "%8.1f  %s\n", static_cast<double>(times->laps[i].at - last) * 1e-3,
            times->laps[i].phase);
    last = times->laps[i].at;
  }
  fprintf(stderr, "%8.1f  in all\n", static_cast<double>(last - begin) * 1e-3);
}

int Start(const Options& options) {
  if (options.times) {
    void* page =
        mmap(nullptr, sizeof(Times), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    times = page == MAP_FAILED ? nullptr : static_cast<Times*>(page);
  }
  int64_t begin = Now();
  Cgroup groups[kHierarchies];
  int count = options.cgroups ? MakeCgroups(groups) : 0;
  Lap("cgroups made");
  clone_args args{};
  args.exit_signal = SIGCHLD;
  args.flags = CLONE_VFORK | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS;
  if (options.network) args.flags |= CLONE_NEWNET;
  for (int i = 0; i < count; ++i) {
    if (!groups[i].unified) continue;
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = groups[i].fd;
  }
  long child = Must(syscall(SYS_clone3, &args, sizeof(args)), "clone3");
  if (child == 0) Child(options, groups, count);
  Lap("exec");
  int status = 0;
  Must(waitpid(static_cast<pid_t>(child), &status, 0), "waitpid");
  Lap("the program, its end, its namespaces' end");
  for (int i = 0; i < count; ++i) {
    while (rmdir(groups[i].path) != 0 && errno == EBUSY) {
    }
  }
  Lap("cgroups removed");
  if (times != nullptr) PrintTimes(begin);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  int option = 0;
  while ((option = getopt(argc, argv, "+CNst")) != -1) {
    if (option == 'C') options.cgroups = false;
    if (option == 'N') options.network = false;
    if (option == 's') options.filter = true;
    if (option == 't') options.times = true;
    if (option == '?') return 2;
  }
  if (argc - optind < 2) {
    fputs("usage: floor [-C] [-N] [-s] [-t] ROOTFS PROGRAM [ARG...]\n", stderr);
    return 2;
  }
  options.root = argv[optind];
  options.command = argv + optind + 1;
  return Start(options);
}

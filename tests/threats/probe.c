// SPDX-License-Identifier: Apache-2.0
//
// probe - what a hostile payload tries, from inside of a container; static, so that any root
// filesystem can hold it
//
//   probe fds                          the numbers of the descriptors that are open
//   probe call NR [ARG...]             one system call; prints "ok" or its errno
//   probe value NR [ARG...]            the same, but prints what it returns
//   probe socketcall FAMILY            socket(2) through the 32-bit socketcall(2): the same
//   probe allowed 64|32|x32 FIRST LAST the numbers of the calls that the seccomp filter allows;
//   none is made probe sockets FIRST LAST           the first arguments that socket(2) is allowed
//   with, none is made probe paths PATH...                "PATH kind ro|rw read=.. write=..
//   umount=.." a line probe type                         pushes characters into the terminal at
//   stdin, in all ways probe hunt FILE                    for each new process in /proc: its
//   executable, descriptors, root and
//                                      working directory, from which FILE (a name that only the
//                                      host has) must not be reached, and ptrace(2); until SIGTERM,
//                                      then prints it
//   probe exchange A B                 exchanges two names at full speed until SIGTERM, then prints
//   how often

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;
static void Stop(int signal) { stopped = signal; }

static void StopOnTerm(void) {
  struct sigaction action = {.sa_handler = Stop};
  sigaction(SIGTERM, &action, NULL);
}

static void Say(long result) {
  if (result >= 0) {
    puts("ok");
  } else {
    puts(strerrorname_np(errno));
  }
}

static int Fds(void) {
  const char* gap = "";
  for (int fd = 0; fd < 4096; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) continue;
    printf("%s%d", gap, fd);
    gap = " ";
  }
  puts("");
  return 0;
}

static int Call(int count, char** words, int value) {
  long args[7] = {0};
  for (int i = 0; i < count && i < 7; ++i) args[i] = (long)strtoull(words[i], NULL, 0);
  const long result = syscall(args[0], args[1], args[2], args[3], args[4], args[5], args[6]);
  if (value && result >= 0) {
    printf("%ld\n", result);
  } else {
    Say(result);
  }
  return 0;
}

// --- the 32-bit entry ---------------------------------------------------------------------------

#if defined(__x86_64__)
static long Call32(unsigned nr, unsigned a, unsigned b) {
  long result = nr;
  __asm__ volatile("int $0x80"
                   : "+a"(result)
                   : "b"((long)a), "c"((long)b), "d"(0L), "S"(0L), "D"(0L)
                   : "memory", "r8", "r9", "r10", "r11");
  return (int)result;
}

static int Socketcall(int family) {
  uint32_t* args =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (args == MAP_FAILED) return 1;
  args[0] = (uint32_t)family, args[1] = 5, args[2] = 0;  // SOCK_SEQPACKET, as AF_ALG wants it
  const long result = Call32(102, 1, (uint32_t)(uintptr_t)args);
  if (result < 0) errno = (int)-result;
  Say(result);
  return 0;
}

// --- what the filter allows ----------------------------------------------------------------------

enum { kAllowed = -999 };

static long Raw(long nr, long first) {
  long result = nr;
  register long r10 __asm__("r10") = 0;
  register long r8 __asm__("r8") = 0;
  register long r9 __asm__("r9") = 0;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(first), "S"(0L), "d"(0L), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

// In the child: a filter of our own that hands what the container's filter lets through to the
// tracer, who drops it. An errno of the container's filter counts for more than that and comes
// back. From the marker on only: what the C library does meanwhile goes through.
static void Ask(int kind, long first, long last, int out, volatile long* asked) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 77, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
  };
  const struct sock_fprog program = {sizeof code / sizeof code[0], code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) _exit(1);
  raise(SIGSTOP);
  char* allowed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, out, 0);
  if (allowed == MAP_FAILED || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
    _exit(1);
  for (long i = first; i <= last; ++i) {
    *asked = i;
    long result = 0;
    if (kind == 64) result = Raw(i, 0);
    if (kind == 32) result = Call32((unsigned)i, 0, 0);
    if (kind == 33) result = Raw(i | 0x40000000, 0);
    if (kind == 1) result = Raw(SYS_socket, i);
    allowed[i - first] = result == kAllowed;
  }
  Raw(SYS_exit_group, 77);
}

// Runs the child and drops each call that arrives here.
static int Allowed(int kind, long first, long last) {
  static volatile long asked;
  const int out = memfd_create("allowed", MFD_CLOEXEC);
  if (out < 0 || ftruncate(out, 4096) < 0 || last - first >= 4096) return 1;
  const pid_t child = fork();
  if (child == 0) Ask(kind, first, last, out, &asked);
  int status;
  if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) return 1;
  if (ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL) < 0) return 1;
  ptrace(PTRACE_CONT, child, 0, 0);
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
      struct user_regs_struct registers;
      ptrace(PTRACE_GETREGS, child, 0, &registers);
      registers.orig_rax = (unsigned long long)-1;
      registers.rax = (unsigned long long)kAllowed;
      ptrace(PTRACE_SETREGS, child, 0, &registers);
    }
    ptrace(PTRACE_CONT, child, 0, 0);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 77) return 1;
  const char* allowed = mmap(NULL, 4096, PROT_READ, MAP_SHARED, out, 0);
  if (allowed == MAP_FAILED) return 1;
  for (long i = first; i <= last; ++i) {
    if (allowed[i - first]) printf("%ld\n", i);
  }
  return 0;
}
#endif

// --- names ---------------------------------------------------------------------------------------

static const char* Open(const char* path, int flags, char* text, size_t size) {
  const int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return strerrorname_np(errno);
  struct stat st;
  fstat(fd, &st);
  if (flags != O_RDONLY) {
    snprintf(text, size, S_ISCHR(st.st_mode) ? "null" : "open");
  } else if (S_ISDIR(st.st_mode)) {
    DIR* dir = fdopendir(fd);
    int count = -2;
    while (dir != NULL && readdir(dir) != NULL) ++count;
    snprintf(text, size, "%d", count);
  } else {
    char byte;
    const ssize_t n = read(fd, &byte, 1);
    snprintf(text, size, "%s", n < 0 ? strerrorname_np(errno) : n == 0 ? "0" : "data");
  }
  close(fd);
  return text;
}

static int Paths(int count, char** paths) {
  for (int i = 0; i < count; ++i) {
    struct stat st;
    if (stat(paths[i], &st) < 0) {
      printf("%s %s\n", paths[i], strerrorname_np(errno));
      continue;
    }
    char kind[32], read_as[16], written_as[16];
    snprintf(kind, sizeof kind,
             S_ISDIR(st.st_mode)   ? "directory"
             : S_ISREG(st.st_mode) ? "file"
                                   : "device");
    const char* reading = Open(paths[i], O_RDONLY, read_as, sizeof read_as);
    const char* writing;
    if (S_ISDIR(st.st_mode)) {
      char below[512];
      snprintf(below, sizeof below, "%s/.probe", paths[i]);
      writing = mkdir(below, 0755) == 0 ? "made" : strerrorname_np(errno);
    } else {
      writing = Open(paths[i], O_WRONLY, written_as, sizeof written_as);
    }
    struct statvfs fs;
    const int read_only = statvfs(paths[i], &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0;
    printf("%s %s %s read=%s write=%s", paths[i], kind, read_only ? "ro" : "rw", reading, writing);
    printf(" umount=%s\n", umount2(paths[i], MNT_DETACH) == 0 ? "done" : strerrorname_np(errno));
  }
  return 0;
}

static int Exchange(const char* a, const char* b) {
  unsigned long count = 0;
  StopOnTerm();
  while (!stopped) count += syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0;
  printf("%lu\n", count);
  return 0;
}

// --- the terminal --------------------------------------------------------------------------------

static int Type(void) {
  char key = 'x';
  struct {
    char subcode;
    char mode;
  } paste = {3, 0};  // TIOCL_PASTESEL
  const unsigned long high = 1ul << 32;
  Say(syscall(SYS_ioctl, 0, TIOCSCTTY, 1));
  Say(syscall(SYS_ioctl, 0, TIOCSTI, &key));
  Say(syscall(SYS_ioctl, 0, TIOCSTI | high, &key));
  Say(syscall(SYS_ioctl, 0, TIOCLINUX, &paste));
  Say(syscall(SYS_ioctl, 0, TIOCLINUX | high, &paste));
  const int mine = open("/dev/tty", O_RDWR | O_NOCTTY);
  Say(mine < 0 ? -1 : syscall(SYS_ioctl, mine, TIOCSTI, &key));
  return 0;
}

// --- newborn processes ---------------------------------------------------------------------------

static const char* prey;  // the host's file
static long born, looked, seized;
static unsigned long exes[64][2];  // that were tried: device and inode

static void Found(long pid, const char* what, const char* where) {
  printf("found %ld %s %s\n", pid, what, where);
  fflush(stdout);
}

// Whether the host's file is below `dir` or below what is above it.
static int Reaches(int dir) {
  char path[1024];
  snprintf(path, sizeof path, "../../../../../../../../../../..%s", prey);
  return faccessat(dir, path, F_OK, 0) == 0 || faccessat(dir, prey + 1, F_OK, 0) == 0;
}

static void LookAtFolder(long pid, const char* name) {
  char path[64], text[512] = "";
  snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
  const int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0) return;
  ++looked;
  struct stat st;
  if (readlink(path, text, sizeof text - 1) < 0) text[0] = 0;
  if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && Reaches(fd)) Found(pid, name, text);
  if (strncmp(name, "fd/", 3) == 0 && atoi(name + 3) > 2) Found(pid, "descriptor", text);
  close(fd);
}

// Writes back the first byte of what `fd` (O_PATH) is. The container's own files may let that
// happen.
static void Overwrite(long pid, int fd) {
  char path[64], text[512] = "";
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(path, text, sizeof text - 1);
  struct stat st;
  struct stat own;
  if (n < 0 || fstat(fd, &st) < 0) return;
  if (stat(text, &own) == 0 && own.st_dev == st.st_dev && own.st_ino == st.st_ino) return;
  for (int i = 0; i < 64; ++i) {
    if (exes[i][1] == (unsigned long)st.st_ino && exes[i][0] == (unsigned long)st.st_dev) return;
    if (exes[i][1] != 0) continue;
    exes[i][0] = st.st_dev, exes[i][1] = st.st_ino;
    break;
  }
  for (int tries = 0; tries < 20000; ++tries) {  // ETXTBSY while it runs
    const int writer = open(path, O_RDWR | O_CLOEXEC);
    if (writer < 0 && errno == ETXTBSY) continue;
    char byte;
    if (writer >= 0 && pread(writer, &byte, 1, 0) == 1 && pwrite(writer, &byte, 1, 0) == 1)
      Found(pid, "overwritten", text);
    if (writer >= 0) close(writer);
    break;
  }
  printf("exe %lu:%lu %s\n", (unsigned long)st.st_dev, (unsigned long)st.st_ino, text);
}

// Of the tracee, as /proc/PID/status says: its effective capabilities, and whether it has a filter.
struct Confinement {
  unsigned long long capabilities;
  int seccomp;
};

static int Confined(long pid, struct Confinement* found) {
  char path[64], all[4096];
  snprintf(path, sizeof path, "/proc/%ld/status", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t n = fd < 0 ? -1 : read(fd, all, sizeof all - 1);
  if (fd >= 0) close(fd);
  all[n > 0 ? n : 0] = 0;
  const char *capabilities = strstr(all, "CapEff:"), *seccomp = strstr(all, "Seccomp:");
  if (capabilities == NULL || seccomp == NULL) return 0;
  found->capabilities = strtoull(capabilities + 7, NULL, 16);
  found->seccomp = atoi(seccomp + 8);
  return 1;
}

static void Hunted(long pid, const struct Confinement* mine) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/exe", pid);
  const int exe = open(path, O_PATH | O_CLOEXEC);
  LookAtFolder(pid, "root");
  LookAtFolder(pid, "cwd");
  for (int fd = 0; fd < 32; ++fd) {
    char name[16];
    snprintf(name, sizeof name, "fd/%d", fd);
    LookAtFolder(pid, name);
  }
  if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
    ++seized;
    struct Confinement theirs;
    if (Confined(pid, &theirs) &&
        ((theirs.capabilities & ~mine->capabilities) != 0 || theirs.seccomp < mine->seccomp)) {
      char text[64];
      snprintf(text, sizeof text, "capabilities %llx seccomp %d", theirs.capabilities,
               theirs.seccomp);
      Found(pid, "traced", text);
    }
    ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    int status;
    if (waitpid((pid_t)pid, &status, __WALL) == pid) ptrace(PTRACE_DETACH, pid, 0, 0);
  }
  if (exe >= 0) {
    ++looked;
    Overwrite(pid, exe);
    close(exe);
  }
}

static int Hunt(void) {
  char path[32];
  struct Confinement mine = {0, 0};
  StopOnTerm();
  Confined(getpid(), &mine);
  puts("hunting");
  fflush(stdout);
  long next = getpid() + 1;
  for (long round = 0; !stopped; ++round) {
    const long last = next + (round % 512 == 0 ? 512 : 8);
    for (long pid = next; pid < last && !stopped; ++pid) {
      snprintf(path, sizeof path, "/proc/%ld", pid);
      if (access(path, F_OK) < 0) continue;
      ++born;
      Hunted(pid, &mine);
      next = pid + 1;
    }
  }
  printf("born %ld looked %ld seized %ld\n", born, looked, seized);
  return 0;
}

int main(int argc, char** argv) {
  const char* verb = argc > 1 ? argv[1] : "";
  if (strcmp(verb, "fds") == 0) return Fds();
  if (strcmp(verb, "call") == 0 && argc > 2) return Call(argc - 2, argv + 2, 0);
  if (strcmp(verb, "value") == 0 && argc > 2) return Call(argc - 2, argv + 2, 1);
  if (strcmp(verb, "paths") == 0) return Paths(argc - 2, argv + 2);
  if (strcmp(verb, "type") == 0) return Type();
  if (strcmp(verb, "exchange") == 0 && argc == 4) return Exchange(argv[2], argv[3]);
  if (strcmp(verb, "hunt") == 0 && argc == 3) return prey = argv[2], Hunt();
#if defined(__x86_64__)
  if (strcmp(verb, "socketcall") == 0 && argc == 3) return Socketcall(atoi(argv[2]));
  if (strcmp(verb, "allowed") == 0 && argc == 5) {
    const int kind = strcmp(argv[2], "x32") == 0 ? 33 : atoi(argv[2]);
    return Allowed(kind, atol(argv[3]), atol(argv[4]));
  }
  if (strcmp(verb, "sockets") == 0 && argc == 4)
    return Allowed(1, strtol(argv[2], NULL, 0), strtol(argv[3], NULL, 0));
#endif
  return 2;
}

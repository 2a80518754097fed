// SPDX-License-Identifier: Apache-2.0
//
// The last program between stave and a payload: about 2 KiB, without a C library, run from a sealed
// memfd. While the payload's file is being executed, /proc/self/exe is this, so a payload that is a
// script of "#!/proc/self/exe" (CVE-2019-5736) gets a file that nobody can write to.
//
//   argv: "stave-init" MODE FD PATH ARGV0 [ARG...]
//     MODE  "x": execute PATH.  "i": run it as a child, pass signals on, reap orphans, exit with
//           its code (--init).
//     FD    where to write the errno of a failed execve, as four bytes; closed on success.
//
// Built with -ffreestanding -nostdlib; embedded into its users by //libs/runtime:init_image.

#include <asm/unistd.h>

namespace {

using Word = long;

#if defined(__x86_64__)
Word Call(Word number, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0) {
  Word result;
  register Word r10 asm("r10") = d;
  register Word r8 asm("r8") = e;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
               : "rcx", "r11", "memory");
  return result;
}
asm(".globl _start\n_start:\n xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call Main\n");
#elif defined(__aarch64__)
Word Call(Word number, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0) {
  register Word x8 asm("x8") = number;
  register Word x0 asm("x0") = a;
  register Word x1 asm("x1") = b;
  register Word x2 asm("x2") = c;
  register Word x3 asm("x3") = d;
  register Word x4 asm("x4") = e;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}
asm(".globl _start\n_start:\n mov x29,#0\n mov x0,sp\n bl Main\n");
#else
#error "stave-init: system calls of this architecture are missing"
#endif

constexpr int kSignals = 64;
constexpr Word kSigChild = 17, kSigStop = 19, kSigKill = 9, kSigTtyIn = 21, kSigTtyOut = 22;
constexpr Word kBlock = 0, kSetMask = 2;      // SIG_BLOCK, SIG_SETMASK
constexpr Word kNoHang = 1;                   // WNOHANG
constexpr Word kSetFd = 2, kCloseOnExec = 1;  // F_SETFD, FD_CLOEXEC
constexpr Word kNoChild = -10;                // -ECHILD
constexpr Word kInterrupted = -4;             // -EINTR
constexpr Word kCloneSignal = 17;             // clone(2): SIGCHLD when it ends

[[noreturn]] void Exit(Word code) {
  for (;;) Call(__NR_exit_group, code);
}

int Number(const char* text) {
  int value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) value = value * 10 + (*text - '0');
  return value;
}

[[noreturn]] void Execute(int report, char** argv, char** environment) {
  Call(__NR_fcntl, report, kSetFd, kCloseOnExec);
  const int error = static_cast<int>(-Call(__NR_execve, reinterpret_cast<Word>(argv[3]),
                                           reinterpret_cast<Word>(argv + 4),
                                           reinterpret_cast<Word>(environment)));
  Call(__NR_write, report, reinterpret_cast<Word>(&error), sizeof error);
  Exit(127);
}

// Process 1 of the container: everything that it is sent goes to the payload, everything that dies
// is reaped, and it ends with the payload's code.
[[noreturn]] void Watch(int report, char** argv, char** environment) {
  unsigned long all = ~0UL, old = 0;
  Call(__NR_rt_sigprocmask, kBlock, reinterpret_cast<Word>(&all), reinterpret_cast<Word>(&old), 8);
  const Word child = Call(__NR_clone, kCloneSignal);
  if (child < 0) {
    const int error = static_cast<int>(-child);
    Call(__NR_write, report, reinterpret_cast<Word>(&error), sizeof error);
    Exit(125);
  }
  if (child == 0) {
    Call(__NR_setsid);
    // TIOCSCTTY: the terminal, if stdin is one, becomes the payload's.
    Call(__NR_ioctl, 0, 0x540E, 1);
    Call(__NR_rt_sigprocmask, kSetMask, reinterpret_cast<Word>(&old), 0, 8);
    Execute(report, argv, environment);
  }
  Call(__NR_close, report);
  for (;;) {
    Word signal = Call(__NR_rt_sigtimedwait, reinterpret_cast<Word>(&all), 0, 0, 8);
    if (signal > 0 && signal <= kSignals && signal != kSigChild && signal != kSigStop &&
        signal != kSigKill && signal != kSigTtyIn && signal != kSigTtyOut) {
      Call(__NR_kill, child, signal);
    }
    // A filter that forbids waiting for signals leaves waiting for the payload.
    const Word options = signal < 0 && signal != kInterrupted ? 0 : kNoHang;
    for (;;) {
      int status = 0;
      const Word dead = Call(__NR_wait4, -1, reinterpret_cast<Word>(&status), options, 0);
      if (dead == child) Exit((status & 0x7F) != 0 ? 128 + (status & 0x7F) : (status >> 8) & 0xFF);
      if (dead == 0 || dead == kNoChild) break;
      if (dead < 0) break;
    }
  }
}

}  // namespace

extern "C" [[noreturn]] void Main(Word* stack) {
  const Word count = stack[0];
  char** argv = reinterpret_cast<char**>(stack + 1);
  char** environment = argv + count + 1;
  if (count < 5) Exit(125);
  const int report = Number(argv[2]);
  if (argv[1][0] == 'i') Watch(report, argv, environment);
  Execute(report, argv, environment);
}

// What the compiler may call for without a C library.
extern "C" void* memset(void* to, int value, unsigned long size) {
  char* bytes = static_cast<char*>(to);
  while (size-- > 0) bytes[size] = static_cast<char>(value);
  return to;
}

// SPDX-License-Identifier: Apache-2.0
//
// The last program between stave and a payload: about 2 KiB, without a C library, run from a sealed
// memfd. While the payload's file is being executed, /proc/self/exe is this, so a payload that is a
// script of "#!/proc/self/exe" (CVE-2019-5736) gets a file that nobody can write to.
//
//   argv: "stave-init" MODE FD GATE PARENT PATH ARGV0 [ARG...]
//     MODE    letters. x: execute PATH. i: run it as a child, pass signals on, reap orphans, exit
//             with its code (--init). f: make a child of the caller's that does x or i, write 'P'
//             and its pid (4 bytes) to FD, and exit: the child is in the pid namespace that
//             setns(2) has chosen. t: 0 becomes the payload's controlling terminal.
//     FD      where to write the errno of a failed execve, as four bytes; closed on success.
//     GATE    "-", or a FIFO to read one byte from before anything is executed.
//     PARENT  "-", or with f a pidfd: the child dies with its parent, which that is.
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
constexpr Word kSigCont = 18, kSigUrgent = 23, kSigResize = 28, kSigTtyStop = 20;
constexpr Word kBlock = 0, kSetMask = 2;      // SIG_BLOCK, SIG_SETMASK
constexpr Word kNoHang = 1;                   // WNOHANG
constexpr Word kSetFd = 2, kCloseOnExec = 1;  // F_SETFD, FD_CLOEXEC
constexpr Word kNoChild = -10;                // -ECHILD
constexpr Word kInterrupted = -4;             // -EINTR
constexpr Word kCloneSignal = 17;             // clone(2): SIGCHLD when it ends
constexpr Word kCloneParent = 0x8000, kCloneVfork = 0x4000;
constexpr Word kSetControllingTerminal = 0x540E;  // TIOCSCTTY
constexpr Word kSetParentDeathSignal = 1;         // PR_SET_PDEATHSIG
constexpr Word kSetDumpable = 4;                  // PR_SET_DUMPABLE
constexpr unsigned long kRestorer = 0x04000000;   // SA_RESTORER
constexpr short kPollIn = 1;

// What the command line says.
struct Order {
  bool reap = false, fork = false, terminal = false;
  int report = -1, gate = -1, parent = -1;
  char** argv = nullptr;  // PATH, ARGV0, ..
  char** environment = nullptr;
};

[[noreturn]] void Exit(Word code) {
  for (;;) Call(__NR_exit_group, code);
}

int Number(const char* text) {
  if (*text == '-') return -1;
  int value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) value = value * 10 + (*text - '0');
  return value;
}

void Tell(const Order& order, const void* bytes, Word size) {
  Call(__NR_write, order.report, reinterpret_cast<Word>(bytes), size);
}

[[noreturn]] void Fail(const Order& order, Word error, int code) {
  const int positive = static_cast<int>(-error);
  Tell(order, &positive, sizeof positive);
  Exit(code);
}

void OnSignal(int signal) { Exit(128 + signal); }

// Process 1 of a pid namespace gets only signals that it has a handler for; a container that is
// created and not started must end at SIGTERM and its kin all the same. execve(2) resets them.
void EndAtSignals() {
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    unsigned long mask;
  } action = {OnSignal, kRestorer, nullptr, 0};
  for (Word signal = 1; signal <= kSignals; ++signal) {
    if (signal == kSigChild || signal == kSigCont || signal == kSigUrgent || signal == kSigResize)
      continue;
    if (signal >= kSigTtyStop && signal <= kSigTtyOut) continue;
    Call(__NR_rt_sigaction, signal, reinterpret_cast<Word>(&action), 0, 8);
  }
}

// Nobody ever writes to the gate's end of file: this process holds it open for writing itself.
void AwaitStart(const Order& order) {
  if (order.gate < 0) return;
  EndAtSignals();
  char byte;
  while (Call(__NR_read, order.gate, reinterpret_cast<Word>(&byte), 1) == kInterrupted) {
  }
  Call(__NR_close, order.gate);
}

[[noreturn]] void Execute(const Order& order) {
  Call(__NR_fcntl, order.report, kSetFd, kCloseOnExec);
  Fail(order,
       Call(__NR_execve, reinterpret_cast<Word>(order.argv[0]),
            reinterpret_cast<Word>(order.argv + 1), reinterpret_cast<Word>(order.environment)),
       127);
}

void NewSession(const Order& order) {
  Call(__NR_setsid);
  if (order.terminal) Call(__NR_ioctl, 0, kSetControllingTerminal, 1);
}

// Process 1 of the container: everything that it is sent goes to the payload, everything that dies
// is reaped, and it ends with the payload's code.
[[noreturn]] void Watch(const Order& order) {
  unsigned long all = ~0UL, old = 0;
  Call(__NR_rt_sigprocmask, kBlock, reinterpret_cast<Word>(&all), reinterpret_cast<Word>(&old), 8);
  const Word child = Call(__NR_clone, kCloneSignal);
  if (child < 0) Fail(order, child, 125);
  if (child == 0) {
    NewSession(order);
    Call(__NR_rt_sigprocmask, kSetMask, reinterpret_cast<Word>(&old), 0, 8);
    Execute(order);
  }
  Call(__NR_close, order.report);
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

// The caller of f sleeps (CLONE_VFORK) until the child has executed the payload or failed, so what
// the child has to report comes before the pid.
[[noreturn]] void Fork(const Order& order) {
  const Word child = Call(__NR_clone, kCloneParent | kCloneVfork | kCloneSignal);
  if (child < 0) Fail(order, child, 125);
  if (child > 0) {
    unsigned char told[5] = {'P'};
    for (int i = 0; i < 4; ++i) told[1 + i] = static_cast<unsigned char>(child >> (8 * i));
    Tell(order, told, sizeof told);
    Exit(0);
  }
  NewSession(order);
  if (order.parent >= 0) {
    Call(__NR_prctl, kSetParentDeathSignal, kSigKill);
    struct {
      int fd;
      short events, happened;
    } watch = {order.parent, kPollIn, 0};
    const long now[2] = {0, 0};
    if (Call(__NR_ppoll, reinterpret_cast<Word>(&watch), 1, reinterpret_cast<Word>(now), 0, 8) > 0)
      Exit(125);
    Call(__NR_close, order.parent);
  }
  if (order.reap) Watch(order);
  Execute(order);
}

}  // namespace

extern "C" [[noreturn]] void Main(Word* stack) {
  const Word count = stack[0];
  char** argv = reinterpret_cast<char**>(stack + 1);
  if (count < 7) Exit(125);
  Order order;
  for (const char* mode = argv[1]; *mode != 0; ++mode) {
    order.reap = order.reap || *mode == 'i';
    order.fork = order.fork || *mode == 'f';
    order.terminal = order.terminal || *mode == 't';
  }
  order.report = Number(argv[2]);
  order.gate = Number(argv[3]);
  order.parent = Number(argv[4]);
  order.argv = argv + 5;
  order.environment = argv + count + 1;
  // Who is in the container already has the payload's rights and could otherwise open what is open
  // here: the pipe of the report, which would then never end, the gate. execve(2) undoes it.
  if (order.fork || order.gate >= 0) Call(__NR_prctl, kSetDumpable, 0);
  AwaitStart(order);
  if (order.fork) Fork(order);
  if (order.reap) Watch(order);
  Execute(order);
}

// What the compiler may call for without a C library.
extern "C" void* memset(void* to, int value, unsigned long size) {
  char* bytes = static_cast<char*>(to);
  while (size-- > 0) bytes[size] = static_cast<char>(value);
  return to;
}

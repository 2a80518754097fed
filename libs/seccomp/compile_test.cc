// SPDX-License-Identifier: Apache-2.0
#include "libs/seccomp/compile.h"

#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/oci/default_seccomp.h"

namespace stave::seccomp {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kNative = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t kNative = AUDIT_ARCH_AARCH64;
#endif

absl::StatusOr<Program> CompileText(absl::string_view text) { return Compile(*json::Parse(text)); }

std::string Refusal(absl::string_view text) {
  const absl::Status status = CompileText(text).status();
  return absl::StrCat(base::ErrorWord(status), " ", status.message());
}

bool Jumps(const sock_filter& i, uint32_t a) {
  switch (BPF_OP(i.code)) {
    case BPF_JEQ:
      return a == i.k;
    case BPF_JGT:
      return a > i.k;
    case BPF_JGE:
      return a >= i.k;
    case BPF_JSET:
      return (a & i.k) != 0;
    default:
      ADD_FAILURE() << "jump " << i.code;
      return false;
  }
}

// What the filter says to a call: the part of classic BPF that libseccomp makes.
uint32_t Ask(const Program& program, int number, uint64_t arg0 = 0, uint64_t arg1 = 0,
             uint32_t arch = kNative) {
  seccomp_data data{};
  data.nr = number;
  data.arch = arch;
  data.args[0] = arg0;
  data.args[1] = arg1;
  uint32_t a = 0;
  for (size_t pc = 0; pc < program.filter.size(); ++pc) {
    const sock_filter& i = program.filter[pc];
    switch (BPF_CLASS(i.code)) {
      case BPF_LD:
        std::memcpy(&a, reinterpret_cast<const char*>(&data) + i.k, 4);
        break;
      case BPF_ALU:
        a &= i.k;
        break;
      case BPF_JMP:
        pc += BPF_OP(i.code) == BPF_JA ? i.k : Jumps(i, a) ? i.jt : i.jf;
        break;
      case BPF_RET:
        return i.k;
      default:
        ADD_FAILURE() << "class " << i.code;
        return 0;
    }
  }
  ADD_FAILURE() << "no return";
  return 0;
}

uint32_t Errno(int error) { return SECCOMP_RET_ERRNO | static_cast<uint32_t>(error); }

TEST(CompileTest, Actions) {
  const auto program = CompileText(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
      {"names":["getpid"],"action":"SCMP_ACT_ERRNO"},
      {"names":["getppid"],"action":"SCMP_ACT_ERRNO","errnoRet":38},
      {"names":["gettid"],"action":"SCMP_ACT_TRACE","errnoRet":7},
      {"names":["getuid"],"action":"SCMP_ACT_KILL"},
      {"names":["getgid"],"action":"SCMP_ACT_KILL_PROCESS"},
      {"names":["geteuid"],"action":"SCMP_ACT_KILL_THREAD"},
      {"names":["getegid"],"action":"SCMP_ACT_TRAP"},
      {"names":["sync"],"action":"SCMP_ACT_LOG"}]})");

  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(Ask(*program, SYS_getpid), Errno(EPERM));
  EXPECT_EQ(Ask(*program, SYS_getppid), Errno(ENOSYS));
  EXPECT_EQ(Ask(*program, SYS_gettid), SECCOMP_RET_TRACE | 7u);
  EXPECT_EQ(Ask(*program, SYS_getuid), SECCOMP_RET_KILL_THREAD);
  EXPECT_EQ(Ask(*program, SYS_getgid), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(Ask(*program, SYS_geteuid), SECCOMP_RET_KILL_THREAD);
  EXPECT_EQ(Ask(*program, SYS_getegid), SECCOMP_RET_TRAP);
  EXPECT_EQ(Ask(*program, SYS_sync), SECCOMP_RET_LOG);
  EXPECT_EQ(Ask(*program, SYS_read), SECCOMP_RET_ALLOW);
  EXPECT_EQ(program->flags, 0u);
}

TEST(CompileTest, DefaultErrno) {
  const auto program = CompileText(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,
      "syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"},
                  {"names":["bpf"],"action":"SCMP_ACT_ERRNO","errnoRet":1},
                  {"names":["sync"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]})");

  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(Ask(*program, SYS_read), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(*program, SYS_bpf), Errno(EPERM));
  EXPECT_EQ(Ask(*program, SYS_write), Errno(ENOSYS));
  EXPECT_EQ(Ask(*program, SYS_sync), Errno(ENOSYS));
}

TEST(CompileTest, Operators) {
  const auto rule = [](const char* name, const char* op, const char* more) {
    return absl::StrCat(R"({"names":[")", name,
                        R"("],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_)", op,
                        R"(",)", more, "}]}");
  };
  const auto program = CompileText(absl::StrCat(
      R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[)", rule("read", "NE", "\"value\":5"), ",",
      rule("write", "LT", "\"value\":5"), ",", rule("open", "LE", "\"value\":5"), ",",
      rule("close", "EQ", "\"value\":18446744073709551615"), ",", rule("stat", "GE", "\"value\":5"),
      ",", rule("fstat", "GT", "\"value\":5"), ",",
      rule("clone", "MASKED_EQ", "\"value\":240,\"valueTwo\":16"), "]}"));

  ASSERT_TRUE(program.ok()) << program.status();
  const auto allowed = [&](int number, uint64_t arg) {
    return Ask(*program, number, arg) == SECCOMP_RET_ALLOW;
  };
  EXPECT_TRUE(allowed(SYS_read, 4) && !allowed(SYS_read, 5));
  EXPECT_TRUE(allowed(SYS_write, 4) && !allowed(SYS_write, 5));
  EXPECT_TRUE(allowed(SYS_open, 5) && !allowed(SYS_open, 6));
  EXPECT_TRUE(allowed(SYS_close, UINT64_MAX) && !allowed(SYS_close, UINT32_MAX));
  EXPECT_TRUE(allowed(SYS_stat, 5) && !allowed(SYS_stat, 4));
  EXPECT_TRUE(allowed(SYS_fstat, uint64_t{1} << 40) && !allowed(SYS_fstat, 5));
  EXPECT_TRUE(allowed(SYS_clone, 0x1f) && !allowed(SYS_clone, 0x2f));
}

TEST(CompileTest, ConditionsOnTwoArgumentsAreBothNeeded) {
  const auto program = CompileText(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
      {"names":["socket"],"action":"SCMP_ACT_ALLOW","args":[
        {"index":0,"value":1,"op":"SCMP_CMP_EQ"},{"index":1,"value":2,"op":"SCMP_CMP_EQ"}]}]})");

  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(Ask(*program, SYS_socket, 1, 2), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(*program, SYS_socket, 1, 3), Errno(EPERM));
}

TEST(CompileTest, ConditionsOnOneArgumentAreAlternatives) {
  const auto program = CompileText(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
      {"names":["socket"],"action":"SCMP_ACT_ALLOW","args":[
        {"index":0,"value":1,"op":"SCMP_CMP_EQ"},{"index":0,"value":2,"op":"SCMP_CMP_EQ"}]}]})");

  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(Ask(*program, SYS_socket, 2), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(*program, SYS_socket, 3), Errno(EPERM));
}

TEST(CompileTest, FlagsAndUnknownCalls) {
  const auto program = CompileText(R"({"defaultAction":"SCMP_ACT_ALLOW","args":null,
      "flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
      "syscalls":[{"names":["from_the_future","bpf"],"action":"SCMP_ACT_ERRNO","args":null}]})");

  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(program->flags, SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  EXPECT_EQ(program->unknown_syscalls, std::vector<std::string>{"from_the_future"});
  EXPECT_EQ(Ask(*program, SYS_bpf), Errno(EPERM));
}

TEST(CompileTest, NamesWhatItRefuses) {
  EXPECT_EQ(Refusal("[]"), "E_SECCOMP /linux/seccomp: is no object");
  EXPECT_EQ(Refusal("{}"), "E_SECCOMP /linux/seccomp/defaultAction: is missing or no string");
  EXPECT_EQ(Refusal(R"({"defaultAction":"ALLOW"})"),
            "E_SECCOMP /linux/seccomp/defaultAction: \"ALLOW\": is no action");
  EXPECT_EQ(Refusal(R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_VAX"]})"),
            "E_SECCOMP /linux/seccomp/architectures/0: \"SCMP_ARCH_VAX\": is no architecture");
  EXPECT_EQ(Refusal(R"({"defaultAction":"SCMP_ACT_ALLOW","flags":["X"]})"),
            "E_SECCOMP /linux/seccomp/flags/0: \"X\": is no flag");
  EXPECT_EQ(Refusal(R"({"defaultAction":"SCMP_ACT_ALLOW","defaultErrnoRet":1})"),
            "E_SECCOMP /linux/seccomp/defaultErrnoRet: SCMP_ACT_ALLOW returns no errno");
  EXPECT_EQ(Refusal(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}})"),
            "E_SECCOMP /linux/seccomp/syscalls: is no array");
}

TEST(CompileTest, NamesTheRule) {
  const auto rule = [](absl::string_view members) {
    return Refusal(
        absl::StrCat(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{)", members, "}]}"));
  };
  EXPECT_EQ(rule(R"("action":"SCMP_ACT_KILL")"),
            "E_SECCOMP /linux/seccomp/syscalls/0/names: names no system call");
  EXPECT_EQ(rule(R"("names":["read"],"action":"SCMP_ACT_X")"),
            "E_SECCOMP /linux/seccomp/syscalls/0/action: \"SCMP_ACT_X\": is no action");
  EXPECT_EQ(rule(R"("names":["read"],"action":"SCMP_ACT_ERRNO","errnoRet":4096)"),
            "E_SECCOMP /linux/seccomp/syscalls/0/errnoRet: is no errno within 0..4095");
  EXPECT_EQ(rule(R"("names":["read"],"action":"SCMP_ACT_KILL","args":[{"index":6,"op":"X"}])"),
            "E_SECCOMP /linux/seccomp/syscalls/0/args/0/index: is not within 0..5");
  EXPECT_EQ(rule(R"("names":["read"],"action":"SCMP_ACT_KILL","args":[{"index":0,"op":"X"}])"),
            "E_SECCOMP /linux/seccomp/syscalls/0/args/0/op: \"X\": is no operator");
}

TEST(CompileTest, Notifies) {
  const auto policy = [](absl::string_view flags) {
    return CompileText(
        absl::StrCat(R"({"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/agent","flags":[)",
                     flags, R"(],"syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]})"));
  };
  const auto program = policy("");

  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(Ask(*program, SYS_mkdir), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(Ask(*program, SYS_write), SECCOMP_RET_ALLOW);
  EXPECT_EQ(program->flags, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  EXPECT_EQ(
      policy(R"("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV","SECCOMP_FILTER_FLAG_TSYNC")")->flags,
      SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
          SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
}

TEST(CompileTest, WithoutNotificationsThereIsNobodyToWaitFor) {
  const auto program = CompileText(R"({"defaultAction":"SCMP_ACT_ALLOW","flags":[
      "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV","SECCOMP_FILTER_FLAG_TSYNC"]})");

  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(program->flags, SECCOMP_FILTER_FLAG_TSYNC);
}

TEST(CompileTest, WhatHandsTheListenerOverCannotNotify) {
  EXPECT_EQ(Refusal(R"({"defaultAction":"SCMP_ACT_NOTIFY"})"),
            "E_SECCOMP /linux/seccomp/defaultAction: SCMP_ACT_NOTIFY: cannot be, the listener is "
            "handed over by calls of its own");
  EXPECT_EQ(Refusal(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
                {"names":["read","write"],"action":"SCMP_ACT_NOTIFY"}]})"),
            "E_SECCOMP /linux/seccomp/syscalls/0: SCMP_ACT_NOTIFY: \"write\": cannot be, the "
            "listener is handed over by it");
}

TEST(CompileTest, WithoutRules) {
  const auto allow = CompileText(R"({"defaultAction":"SCMP_ACT_ALLOW"})");
  const auto refuse = CompileText(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[]})");

  ASSERT_TRUE(allow.ok()) << allow.status();
  ASSERT_TRUE(refuse.ok()) << refuse.status();
  for (const int number : {SYS_read, SYS_clone3, SYS_bpf}) {
    EXPECT_EQ(Ask(*allow, number), SECCOMP_RET_ALLOW) << number;
    EXPECT_EQ(Ask(*refuse, number), Errno(EPERM)) << number;
  }
}

TEST(CompileTest, CallsNewerThanThePolicyAreUnknown) {
  const auto policy = [](absl::string_view action) {
    return CompileText(
        absl::StrCat(R"({"defaultAction":")", action,
                     R"(","syscalls":[{"names":["bpf"],"action":"SCMP_ACT_KILL"}]})"));
  };
  EXPECT_EQ(Ask(*policy("SCMP_ACT_ERRNO"), SYS_bpf + 1), Errno(ENOSYS));
  EXPECT_EQ(Ask(*policy("SCMP_ACT_ERRNO"), SYS_bpf - 1), Errno(EPERM));
  EXPECT_EQ(Ask(*policy("SCMP_ACT_KILL_PROCESS"), 10000), Errno(ENOSYS));
  EXPECT_EQ(Ask(*policy("SCMP_ACT_ALLOW"), 10000), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(*policy("SCMP_ACT_LOG"), 10000), SECCOMP_RET_LOG);
}

// The flags are ones that the kernel takes together, and it gives a descriptor.
TEST(CompileTest, TheKernelNotifies) {
  const auto program = CompileText(R"({"defaultAction":"SCMP_ACT_ALLOW","flags":[
      "SECCOMP_FILTER_FLAG_TSYNC","SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
      "SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
      "syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]})");
  ASSERT_TRUE(program.ok()) << program.status();
  const sock_fprog load = {static_cast<unsigned short>(program->filter.size()),
                           const_cast<sock_filter*>(program->filter.data())};

  const pid_t pid = fork();
  if (pid == 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(1);
    const long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program->flags, &load);
    if (fd < 0) _exit(2);
    close(static_cast<int>(fd));  // nobody listens: the call fails
    _exit(syscall(SYS_mkdir, "/dev/null/x", 0700) == -1 && errno == ENOSYS ? 0 : 3);
  }
  int status = 0;
  waitpid(pid, &status, 0);

  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(DefaultPolicyTest, SaysWhatDockersSays) {
  const auto program = Compile(oci::DefaultSeccomp({"CAP_CHOWN", "CAP_SYS_CHROOT"}));

  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_LT(program->filter.size(), 4096u);
  for (const int number : {SYS_read, SYS_openat, SYS_execve, SYS_ptrace, SYS_chroot, SYS_mknod}) {
    EXPECT_EQ(Ask(*program, number), SECCOMP_RET_ALLOW) << number;
  }
  for (const int number : {SYS_mount, SYS_unshare, SYS_setns, SYS_keyctl, SYS_bpf, SYS_reboot,
                           SYS_io_uring_setup, SYS_userfaultfd, SYS_open_by_handle_at}) {
    EXPECT_EQ(Ask(*program, number), Errno(EPERM)) << number;
  }
  EXPECT_EQ(Ask(*program, SYS_clone3), Errno(ENOSYS));
  EXPECT_EQ(Ask(*program, SYS_clone, SIGCHLD), SECCOMP_RET_ALLOW);
  for (const uint64_t flag : {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWPID}) {
    EXPECT_EQ(Ask(*program, SYS_clone, flag), Errno(EPERM)) << flag;
  }
  for (uint64_t family = 0; family < 46; ++family) {
    EXPECT_EQ(Ask(*program, SYS_socket, family),
              family == 38 || family == 40 ? Errno(EPERM) : SECCOMP_RET_ALLOW)
        << family;
  }
  EXPECT_EQ(Ask(*program, SYS_personality, 8), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(*program, SYS_personality, 0x40000), Errno(EPERM));
}

TEST(DefaultPolicyTest, CapabilitiesOpenTheirCalls) {
  const auto program = Compile(oci::DefaultSeccomp({"CAP_SYS_ADMIN", "CAP_SYS_BOOT"}));

  ASSERT_TRUE(program.ok()) << program.status();
  for (const int number : {SYS_mount, SYS_unshare, SYS_setns, SYS_clone3, SYS_reboot}) {
    EXPECT_EQ(Ask(*program, number), SECCOMP_RET_ALLOW) << number;
  }
  EXPECT_EQ(Ask(*program, SYS_clone, CLONE_NEWNS), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(*program, SYS_keyctl), Errno(EPERM));
}

TEST(DefaultPolicyTest, OtherArchitecturesAreCovered) {
#if defined(__x86_64__)
  const auto program = Compile(oci::DefaultSeccomp({}));

  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(Ask(*program, 3 /* read */, 0, 0, AUDIT_ARCH_I386), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(*program, 21 /* mount */, 0, 0, AUDIT_ARCH_I386), Errno(EPERM));
  EXPECT_EQ(Ask(*program, 0x40000000 | 0 /* x32 read */), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Ask(*program, 0x40000000 | 165 /* x32 mount */), Errno(EPERM));
#endif
}

// The kernel takes it, and a process lives under it.
TEST(DefaultPolicyTest, Loads) {
  const auto program = Compile(oci::DefaultSeccomp({}));
  ASSERT_TRUE(program.ok()) << program.status();
  const sock_fprog load = {static_cast<unsigned short>(program->filter.size()),
                           const_cast<sock_filter*>(program->filter.data())};

  const pid_t pid = fork();
  if (pid == 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(1);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program->flags, &load) != 0) _exit(2);
    if (syscall(SYS_unshare, CLONE_NEWUSER) != -1 || errno != EPERM) _exit(3);
    if (socket(38, SOCK_SEQPACKET, 0) != -1 || errno != EPERM) _exit(4);
    if (syscall(SYS_clone3, nullptr, 0) != -1 || errno != ENOSYS) _exit(5);
    _exit(getpid() > 0 ? 0 : 6);
  }
  int status = 0;
  waitpid(pid, &status, 0);

  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace stave::seccomp

// SPDX-License-Identifier: Apache-2.0
#include "libs/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::base {
namespace {

// "4711 (a) b) S 1 ..": the name may hold anything, so fields count from the last ')'.
absl::StatusOr<uint64_t> StartTime(pid_t pid) {
  const std::string path = absl::StrCat("/proc/", pid, "/stat");
  STAVE_ASSIGN_OR_RETURN(const std::string stat, ReadFileAt(AT_FDCWD, path, 8192));
  const size_t close = stat.rfind(')');
  if (close == stat.npos) return absl::DataLossError(absl::StrCat(path, ": has no name"));
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(stat).substr(close + 2), ' ');
  uint64_t start = 0;
  if (fields.size() < 20 || !absl::SimpleAtoi(fields[19], &start)) {
    return absl::DataLossError(absl::StrCat(path, ": has no start time"));
  }
  if (fields[0] == "Z" || fields[0] == "X") {
    return absl::NotFoundError(absl::StrCat("process ", pid, ": has ended"));
  }
  return start;
}

// Absent also for a number that JSON does not keep.
std::optional<uint64_t> InodeOf(int pidfd) {
  struct stat st;
  if (::fstat(pidfd, &st) < 0 || st.st_ino > (uint64_t{1} << 53)) return std::nullopt;
  return st.st_ino;
}

}  // namespace

absl::StatusOr<std::string> BootId() {
  STAVE_ASSIGN_OR_RETURN(const std::string text,
                         ReadFileAt(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64));
  return std::string(absl::StripAsciiWhitespace(text));
}

absl::StatusOr<ProcessIdentity> IdentifyProcess(pid_t pid) {
  STAVE_ASSIGN_OR_RETURN(const std::string boot, BootId());
  return IdentifyProcess(pid, boot);
}

absl::StatusOr<ProcessIdentity> IdentifyProcess(pid_t pid, const std::string& boot_id) {
  ProcessIdentity identity;
  identity.boot_id = boot_id;
  identity.pid = pid;
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd.valid()) identity.inode = InodeOf(pidfd.get());
  STAVE_ASSIGN_OR_RETURN(identity.start_time, StartTime(pid));
  return identity;
}

absl::StatusOr<std::optional<UniqueFd>> OpenProcess(const ProcessIdentity& identity) {
  STAVE_ASSIGN_OR_RETURN(const std::string boot, BootId());
  return OpenProcess(identity, boot);
}

absl::StatusOr<std::optional<UniqueFd>> OpenProcess(const ProcessIdentity& identity,
                                                    const std::string& boot_id) {
  if (boot_id != identity.boot_id || identity.pid <= 0) return std::optional<UniqueFd>();
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, identity.pid, 0)));
  if (!pidfd.valid()) {
    if (errno == ESRCH || errno == EINVAL) return std::optional<UniqueFd>();
    return PosixError(errno, absl::StrCat("process ", identity.pid), "pidfd_open");
  }
  const auto start = StartTime(identity.pid);
  if (!start.ok() || *start != identity.start_time) return std::optional<UniqueFd>();
  if (identity.inode.has_value() && InodeOf(pidfd.get()) != identity.inode) {
    return std::optional<UniqueFd>();
  }
  return std::optional<UniqueFd>(std::move(pidfd));
}

absl::Status SignalProcess(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return absl::OkStatus();
  if (errno == ESRCH) return absl::NotFoundError("process: has ended");
  return PosixError(errno, absl::StrCat("signal ", signal), "send");
}

absl::StatusOr<int> ParseSignal(const std::string& text) {
  const std::string upper = absl::AsciiStrToUpper(text);
  absl::string_view name = upper;
  absl::ConsumePrefix(&name, "SIG");
  if (!name.empty() && absl::ascii_isdigit(static_cast<unsigned char>(upper[0]))) {
    STAVE_ASSIGN_OR_RETURN(const uint64_t number, ParseUint(text, 1, 64));
    return static_cast<int>(number);
  }
  for (int signal = 1; signal < 32; ++signal) {
    const char* abbreviation = ::sigabbrev_np(signal);
    if (abbreviation != nullptr && name == abbreviation) return signal;
  }
  if (name == "IOT") return SIGABRT;
  if (name == "CLD") return SIGCHLD;
  const bool from_min = absl::ConsumePrefix(&name, "RTMIN");
  if (from_min || absl::ConsumePrefix(&name, "RTMAX")) {
    if (name.empty()) return from_min ? 34 : 64;
    if (absl::ConsumePrefix(&name, from_min ? "+" : "-")) {
      const auto offset = ParseUint(name, 0, 30);
      if (offset.ok())
        return from_min ? 34 + static_cast<int>(*offset) : 64 - static_cast<int>(*offset);
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("\"", Printable(text, 64), "\": is not a signal"));
}

}  // namespace stave::base

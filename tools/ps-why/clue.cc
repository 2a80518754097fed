// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-why/clue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace stave::tools {
namespace {

// What is said, and what it means.
constexpr std::pair<const char*, const char*> kSayings[] = {
    {"error while loading shared libraries", "missing-library"},  // glibc
    {"Error loading shared library", "missing-library"},          // musl
    {"Error relocating ", "missing-library"},
    {"No space left on device", "disk-full"},
    {"Disk quota exceeded", "disk-full"},
    {"Read-only file system", "read-only"},
    {"Exec format error", "architecture"},
    {"Address already in use", "address-in-use"},
    {"Address in use", "address-in-use"},
    {"Resource temporarily unavailable", "no-fork"},
    {"can't fork", "no-fork"},
    {"Cannot fork", "no-fork"},
    {"unable to create native thread", "no-fork"},  // Java
    {"can't start new thread", "no-fork"},          // Python
    {"Operation not permitted", "not-permitted"},
    {"Permission denied", "denied"},
    {"permission denied", "denied"},
};

// Calls that a default profile keeps from containers: words of a line are looked up among them, as
// a profile names only what it permits.
constexpr absl::string_view kUsuallyDenied[] = {"acct",
                                                "add_key",
                                                "adjtimex",
                                                "bpf",
                                                "chroot",
                                                "clock_adjtime",
                                                "clock_settime",
                                                "clone3",
                                                "delete_module",
                                                "fanotify_init",
                                                "finit_module",
                                                "fsconfig",
                                                "fsmount",
                                                "fsopen",
                                                "fspick",
                                                "init_module",
                                                "io_uring_setup",
                                                "ioperm",
                                                "iopl",
                                                "kcmp",
                                                "kexec_file_load",
                                                "kexec_load",
                                                "keyctl",
                                                "mbind",
                                                "mount",
                                                "mount_setattr",
                                                "move_mount",
                                                "move_pages",
                                                "nfsservctl",
                                                "open_by_handle_at",
                                                "open_tree",
                                                "perf_event_open",
                                                "pivot_root",
                                                "process_vm_readv",
                                                "process_vm_writev",
                                                "ptrace",
                                                "quotactl",
                                                "reboot",
                                                "request_key",
                                                "set_mempolicy",
                                                "setdomainname",
                                                "sethostname",
                                                "setns",
                                                "settimeofday",
                                                "swapoff",
                                                "swapon",
                                                "syslog",
                                                "umount",
                                                "umount2",
                                                "unshare",
                                                "userfaultfd",
                                                "vhangup"};

bool IsDenial(absl::string_view action) {
  return action == "SCMP_ACT_ERRNO" || absl::StartsWith(action, "SCMP_ACT_KILL") ||
         action == "SCMP_ACT_TRAP";
}

absl::string_view TextOf(const json::Value* value) {
  return value != nullptr && value->is_string() ? absl::string_view(value->text())
                                                : absl::string_view();
}

bool Names(const json::Value& rule, absl::string_view call) {
  const json::Value* names = rule.Find("names");
  if (names == nullptr) return false;
  return std::any_of(names->elements().begin(), names->elements().end(),
                     [call](const json::Value& name) { return name.text() == call; });
}

enum class Answer { kUnnamed, kPermitted, kDenied };

// A rule that asks for arguments is none: what they were nobody knows.
Answer AnswerTo(absl::string_view call, const json::Value& seccomp) {
  const json::Value* rules = seccomp.Find("syscalls");
  if (rules == nullptr) return Answer::kUnnamed;
  for (const json::Value& rule : rules->elements()) {
    const json::Value* args = rule.Find("args");
    if (!Names(rule, call) || (args != nullptr && !args->elements().empty())) continue;
    return IsDenial(TextOf(rule.Find("action"))) ? Answer::kDenied : Answer::kPermitted;
  }
  return Answer::kUnnamed;
}

bool IsWordByte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

}  // namespace

std::optional<Clue> FindClue(const std::vector<std::string>& log) {
  for (auto line = log.rbegin(); line != log.rend(); ++line) {
    for (const auto& [saying, cause] : kSayings) {
      if (absl::StrContains(*line, saying)) return Clue{cause, *line};
    }
    // A CR within what a shell could not find: "env: 'bash\r'", "$'\r': command not found".
    const bool names_cr =
        absl::StrContains(absl::StripSuffix(*line, "\r"), "\r") || absl::StrContains(*line, "\\r");
    if (names_cr && absl::StrContains(*line, "ot found")) return Clue{"crlf", *line};
    if (names_cr && absl::StrContains(*line, "No such file")) return Clue{"crlf", *line};
  }
  return std::nullopt;
}

std::string DeniedCallIn(absl::string_view line, const json::Value& seccomp) {
  if (!seccomp.is_object()) return "";
  const bool denies = IsDenial(TextOf(seccomp.Find("defaultAction")));
  for (size_t at = 0; at < line.size();) {
    size_t end = at;
    while (end < line.size() && IsWordByte(line[end])) ++end;
    const absl::string_view word = line.substr(at, end - at);
    at = end == at ? at + 1 : end;
    if (word.empty()) continue;
    const Answer answer = AnswerTo(word, seccomp);
    const bool known = std::find(std::begin(kUsuallyDenied), std::end(kUsuallyDenied), word) !=
                       std::end(kUsuallyDenied);
    if (answer == Answer::kDenied || (answer == Answer::kUnnamed && denies && known)) {
      return std::string(word);
    }
  }
  return "";
}

std::vector<std::string> KillingCalls(const json::Value& seccomp) {
  std::vector<std::string> calls;
  const json::Value* rules = seccomp.Find("syscalls");
  if (rules == nullptr) return calls;
  for (const json::Value& rule : rules->elements()) {
    const absl::string_view action = TextOf(rule.Find("action"));
    if (!absl::StartsWith(action, "SCMP_ACT_KILL") && action != "SCMP_ACT_TRAP") continue;
    const json::Value* names = rule.Find("names");
    if (names == nullptr) continue;
    for (const json::Value& name : names->elements()) calls.push_back(name.text());
  }
  return calls;
}

}  // namespace stave::tools

// SPDX-License-Identifier: Apache-2.0
#include "libs/capability/capability.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"

namespace stave::capability {
namespace {

constexpr absl::string_view kPrefix = "CAP_";
constexpr absl::string_view kEverything = "ALL";

// By number, from linux/capability.h.
constexpr const char* kNames[kLast + 1] = {"CAP_CHOWN",
                                           "CAP_DAC_OVERRIDE",
                                           "CAP_DAC_READ_SEARCH",
                                           "CAP_FOWNER",
                                           "CAP_FSETID",
                                           "CAP_KILL",
                                           "CAP_SETGID",
                                           "CAP_SETUID",
                                           "CAP_SETPCAP",
                                           "CAP_LINUX_IMMUTABLE",
                                           "CAP_NET_BIND_SERVICE",
                                           "CAP_NET_BROADCAST",
                                           "CAP_NET_ADMIN",
                                           "CAP_NET_RAW",
                                           "CAP_IPC_LOCK",
                                           "CAP_IPC_OWNER",
                                           "CAP_SYS_MODULE",
                                           "CAP_SYS_RAWIO",
                                           "CAP_SYS_CHROOT",
                                           "CAP_SYS_PTRACE",
                                           "CAP_SYS_PACCT",
                                           "CAP_SYS_ADMIN",
                                           "CAP_SYS_BOOT",
                                           "CAP_SYS_NICE",
                                           "CAP_SYS_RESOURCE",
                                           "CAP_SYS_TIME",
                                           "CAP_SYS_TTY_CONFIG",
                                           "CAP_MKNOD",
                                           "CAP_LEASE",
                                           "CAP_AUDIT_WRITE",
                                           "CAP_AUDIT_CONTROL",
                                           "CAP_SETFCAP",
                                           "CAP_MAC_OVERRIDE",
                                           "CAP_MAC_ADMIN",
                                           "CAP_SYSLOG",
                                           "CAP_WAKE_ALARM",
                                           "CAP_BLOCK_SUSPEND",
                                           "CAP_AUDIT_READ",
                                           "CAP_PERFMON",
                                           "CAP_BPF",
                                           "CAP_CHECKPOINT_RESTORE"};
static_assert(CAP_CHECKPOINT_RESTORE == kLast);

int NumberOf(absl::string_view name) {
  for (int n = 0; n <= kLast; ++n) {
    if (name == kNames[n]) return n;
  }
  return -1;
}

// Whether `a` becomes `b` by one edit: a letter more, less, other, or two swapped.
bool OneEdit(absl::string_view a, absl::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > 1) return false;
  const size_t head =
      static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin());
  if (b.size() > a.size()) return a.substr(head) == b.substr(head + 1);
  if (head == a.size() || a.substr(head + 1) == b.substr(head + 1)) return true;
  return head + 1 < a.size() && a[head] == b[head + 1] && a[head + 1] == b[head] &&
         a.substr(head + 2) == b.substr(head + 2);
}

absl::Status Unknown(absl::string_view text, absl::string_view name) {
  absl::Status status =
      base::Error(absl::StatusCode::kInvalidArgument, "E_CAPABILITY",
                  absl::StrCat("\"", base::Printable(text, 40), "\": is no capability"));
  for (const char* known : kNames) {
    if (OneEdit(name, known)) return base::WithHint(status, absl::StrCat("did you mean ", known));
  }
  return status;
}

bool IsEverything(absl::string_view text) { return absl::EqualsIgnoreCase(text, kEverything); }

// The names of `texts`; "ALL" is told apart.
struct Choice {
  bool all = false;
  std::vector<std::string> names;
  bool Has(absl::string_view name) const {
    return std::find(names.begin(), names.end(), name) != names.end();
  }
};

absl::StatusOr<Choice> ParseAll(const std::vector<std::string>& texts) {
  Choice choice;
  for (const std::string& text : texts) {
    if (IsEverything(text)) {
      choice.all = true;
      continue;
    }
    STAVE_ASSIGN_OR_RETURN(std::string name, Parse(text));
    choice.names.push_back(std::move(name));
  }
  return choice;
}

void AddOnce(const std::string& name, std::vector<std::string>* list) {
  if (std::find(list->begin(), list->end(), name) == list->end()) list->push_back(name);
}

// capset(2) takes 64 bits as two words of each set.
struct Words {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
};

Set Join(uint32_t low, uint32_t high) { return Set{high} << 32 | low; }

absl::Status Compare(absl::string_view name, Set is, Set wanted) {
  if (is == wanted) return absl::OkStatus();
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_CAPABILITY",
                     absl::StrFormat("%s capabilities: are %x, not %x", name, is, wanted));
}

}  // namespace

absl::StatusOr<std::string> Parse(absl::string_view text) {
  std::string name = absl::AsciiStrToUpper(text);
  if (!absl::StartsWith(name, kPrefix)) name.insert(0, kPrefix.data(), kPrefix.size());
  if (NumberOf(name) < 0) return Unknown(text, name);
  return name;
}

Set FromNames(const std::vector<std::string>& names, std::vector<std::string>* unknown) {
  Set set = 0;
  for (const std::string& name : names) {
    const int number = NumberOf(name);
    if (number >= 0) {
      set |= Set{1} << number;
    } else {
      unknown->push_back(name);
    }
  }
  return set;
}

std::vector<std::string> ToNames(Set set) {
  std::vector<std::string> names;
  for (int n = 0; n <= kLast; ++n) {
    if (set >> n & 1) names.push_back(kNames[n]);
  }
  return names;
}

std::vector<std::string> AllNames() { return ToNames(kAll); }

absl::StatusOr<std::vector<std::string>> Tweak(const std::vector<std::string>& list,
                                               const std::vector<std::string>& add,
                                               const std::vector<std::string>& drop) {
  STAVE_ASSIGN_OR_RETURN(const Choice added, ParseAll(add));
  STAVE_ASSIGN_OR_RETURN(const Choice dropped, ParseAll(drop));
  std::vector<std::string> result;
  if (added.all || !dropped.all) {
    for (const std::string& name : added.all ? AllNames() : list) {
      if (!dropped.Has(name)) AddOnce(name, &result);
    }
  }
  if (!added.all) {
    for (const std::string& name : added.names) AddOnce(name, &result);
  }
  return result;
}

absl::StatusOr<Sets> Current(Set asked) {
  Words words;
  if (syscall(SYS_capget, &words.header, words.data) != 0) {
    return base::PosixError(errno, "capabilities", "capget");
  }
  Sets sets;
  sets.effective = Join(words.data[0].effective, words.data[1].effective);
  sets.permitted = Join(words.data[0].permitted, words.data[1].permitted);
  sets.inheritable = Join(words.data[0].inheritable, words.data[1].inheritable);
  for (int n = 0; n < 64; ++n) {
    if ((asked >> n & 1) == 0) continue;
    const int bounding = prctl(PR_CAPBSET_READ, n, 0, 0, 0);
    if (bounding < 0) break;  // EINVAL: beyond the kernel's last
    if (bounding == 1) sets.bounding |= Set{1} << n;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, n, 0, 0) == 1) sets.ambient |= Set{1} << n;
  }
  return sets;
}

Sets Attainable(const Sets& wanted, const Sets& held, Set* missing) {
  const Set most = held.permitted & held.bounding;
  Sets result;
  result.bounding = wanted.bounding & held.bounding;
  result.permitted = wanted.permitted & most;
  result.effective = wanted.effective & result.permitted;
  result.inheritable = wanted.inheritable & (most | held.inheritable);
  result.ambient = wanted.ambient & result.permitted & result.inheritable;
  *missing |= (wanted.bounding & ~result.bounding) | (wanted.permitted & ~result.permitted) |
              (wanted.effective & ~result.effective) | (wanted.inheritable & ~result.inheritable) |
              (wanted.ambient & ~result.ambient);
  return result;
}

absl::Status ApplyBounding(Set keep) {
  for (int n = 0; n < 64; ++n) {
    if ((keep >> n & 1) || prctl(PR_CAPBSET_DROP, n, 0, 0, 0) == 0) continue;
    const int error = errno;
    if (error == EINVAL) break;  // the kernel knows no more
    // Without CAP_SETPCAP: no harm if it is not there anyway.
    if (prctl(PR_CAPBSET_READ, n, 0, 0, 0) == 0) continue;
    return base::PosixError(error, "bounding capabilities", "prctl(PR_CAPBSET_DROP)");
  }
  return absl::OkStatus();
}

absl::Status ApplySets(const Sets& sets) {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    return base::PosixError(errno, "ambient capabilities", "prctl(PR_CAP_AMBIENT_CLEAR_ALL)");
  }
  Words words;
  for (int i = 0; i < 2; ++i) {
    words.data[i].effective = static_cast<uint32_t>(sets.effective >> (32 * i));
    words.data[i].permitted = static_cast<uint32_t>(sets.permitted >> (32 * i));
    words.data[i].inheritable = static_cast<uint32_t>(sets.inheritable >> (32 * i));
  }
  if (syscall(SYS_capset, &words.header, words.data) != 0) {
    return base::PosixError(errno, "capabilities", "capset");
  }
  for (int n = 0; n < 64; ++n) {
    if (!(sets.ambient >> n & 1)) continue;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n, 0, 0) != 0) {
      return base::PosixError(errno, "ambient capabilities", "prctl(PR_CAP_AMBIENT_RAISE)");
    }
  }
  return absl::OkStatus();
}

absl::Status Verify(const Sets& sets) {
  STAVE_ASSIGN_OR_RETURN(const Sets is, Current(~Set{0}));
  STAVE_RETURN_IF_ERROR(Compare("bounding", is.bounding, sets.bounding));
  STAVE_RETURN_IF_ERROR(Compare("effective", is.effective, sets.effective));
  STAVE_RETURN_IF_ERROR(Compare("permitted", is.permitted, sets.permitted));
  STAVE_RETURN_IF_ERROR(Compare("inheritable", is.inheritable, sets.inheritable));
  return Compare("ambient", is.ambient, sets.ambient);
}

}  // namespace stave::capability

// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/user.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"

namespace stave::oci {
namespace {

constexpr size_t kMaxSpecName = 256;
constexpr size_t kMaxGroups = 65536;  // NGROUPS_MAX

// One half of a spec: a name, a number, or nothing.
struct Half {
  std::string name;
  std::optional<uint32_t> number;
  bool given() const { return number.has_value() || !name.empty(); }
};

absl::Status Bad(absl::string_view spec, absl::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_USER",
                     absl::StrCat("user \"", base::Printable(spec, 64), "\": ", why));
}

bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > kMaxSpecName) return false;
  const char first = text[0];
  if (!absl::ascii_isalpha(static_cast<unsigned char>(first)) && first != '_') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("_.@$+-").find(c) != absl::string_view::npos;
  });
}

absl::StatusOr<Half> ParseHalf(absl::string_view spec, absl::string_view text) {
  Half half;
  if (text.empty()) return half;
  if (text.find_first_not_of("0123456789") == text.npos) {
    const absl::StatusOr<uint32_t> number = base::ParseUserId(text);
    if (!number.ok()) return Bad(spec, "a number is not within 0..4294967294");
    half.number = *number;
    return half;
  }
  if (!IsName(text)) return Bad(spec, "is neither a number nor a name");
  half.name = std::string(text);
  return half;
}

struct Spec {
  Half user;
  Half group;
};

absl::StatusOr<Spec> ParseSpec(absl::string_view text) {
  if (text == ":") return Bad(text, "names nobody");
  const size_t colon = text.find(':');
  const absl::string_view group = colon == text.npos ? "" : text.substr(colon + 1);
  if (absl::StrContains(group, ":")) return Bad(text, "has more than one ':'");
  Spec spec;
  STAVE_ASSIGN_OR_RETURN(spec.user, ParseHalf(text, text.substr(0, colon)));
  STAVE_ASSIGN_OR_RETURN(spec.group, ParseHalf(text, group));
  return spec;
}

// Calls `visit` with the fields of each line that has at least `fields`, until it returns false.
template <typename Visit>
void ForEachEntry(absl::string_view text, size_t fields, Visit visit) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty() || line.size() > kMaxUserLine || line[0] == '#') continue;
    if (line.back() == '\r') line.remove_suffix(1);
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ':');
    if (parts.size() >= fields && !parts[0].empty() && !visit(parts)) return;
  }
}

struct Account {
  std::string name;
  uint32_t uid;
  uint32_t gid;
  std::string home;
};

std::optional<Account> FindAccount(const Half& user, absl::string_view passwd) {
  std::optional<Account> found;
  ForEachEntry(passwd, 4, [&](const std::vector<absl::string_view>& parts) {
    const absl::StatusOr<uint32_t> uid = base::ParseUserId(parts[2]);
    const absl::StatusOr<uint32_t> gid = base::ParseUserId(parts[3]);
    if (!uid.ok() || !gid.ok()) return true;
    if (user.number ? *uid != *user.number : parts[0] != user.name) return true;
    const absl::string_view home = parts.size() > 5 ? parts[5] : "";
    found = Account{std::string(parts[0]), *uid, *gid,
                    std::string(absl::StartsWith(home, "/") ? home : "/")};
    return false;
  });
  return found;
}

std::optional<uint32_t> FindGroup(const std::string& name, absl::string_view group) {
  std::optional<uint32_t> found;
  ForEachEntry(group, 3, [&](const std::vector<absl::string_view>& parts) {
    const absl::StatusOr<uint32_t> gid = base::ParseUserId(parts[2]);
    if (!gid.ok() || parts[0] != name) return true;
    found = *gid;
    return false;
  });
  return found;
}

// The groups that list `name` as a member, after `primary`, each once.
std::vector<uint32_t> GroupsOf(const std::string& name, uint32_t primary, absl::string_view group) {
  std::vector<uint32_t> gids = {primary};
  absl::flat_hash_set<uint32_t> seen = {primary};
  ForEachEntry(group, 4, [&](const std::vector<absl::string_view>& parts) {
    const absl::StatusOr<uint32_t> gid = base::ParseUserId(parts[2]);
    if (!gid.ok()) return true;
    for (const absl::string_view member : absl::StrSplit(parts[3], ',')) {
      if (member == name && seen.insert(*gid).second) gids.push_back(*gid);
    }
    return true;
  });
  return gids;
}

absl::Status NotThere(absl::string_view kind, absl::string_view name, absl::string_view file) {
  return base::Error(
      absl::StatusCode::kNotFound, "E_USER",
      absl::StrCat(kind, " \"", base::Printable(name, 64), "\": is not in the image's ", file));
}

absl::Status CheckSize(absl::string_view text, absl::string_view file) {
  if (text.size() <= kMaxUserFile) return absl::OkStatus();
  return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                     absl::StrCat(file, ": has more than ", kMaxUserFile, " bytes"));
}

}  // namespace

absl::Status CheckUserSpec(absl::string_view spec) { return ParseSpec(spec).status(); }

absl::StatusOr<User> ResolveUser(absl::string_view text, absl::string_view passwd,
                                 absl::string_view group) {
  STAVE_ASSIGN_OR_RETURN(Spec spec, ParseSpec(text));
  STAVE_RETURN_IF_ERROR(CheckSize(passwd, "/etc/passwd"));
  STAVE_RETURN_IF_ERROR(CheckSize(group, "/etc/group"));
  if (!spec.user.given()) spec.user.number = 0;

  const std::optional<Account> account = FindAccount(spec.user, passwd);
  if (!account && !spec.user.number) return NotThere("user", spec.user.name, "/etc/passwd");
  User user;
  user.uid = account ? account->uid : *spec.user.number;
  user.gid = account ? account->gid : 0;
  if (account) user.home = account->home;
  if (spec.group.given()) {
    const std::optional<uint32_t> gid =
        spec.group.number ? spec.group.number : FindGroup(spec.group.name, group);
    if (!gid) return NotThere("group", spec.group.name, "/etc/group");
    user.gid = *gid;
  }
  user.additional_gids = account && !spec.group.given() ? GroupsOf(account->name, user.gid, group)
                                                        : std::vector<uint32_t>{user.gid};
  if (user.additional_gids.size() > kMaxGroups) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("user \"", base::Printable(text, 64), "\": is in more than ",
                                    kMaxGroups, " groups"));
  }
  return user;
}

}  // namespace stave::oci

// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/plan.h"

#include <sched.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/json/cursor.h"
#include "libs/runtime/plan_parts.h"

namespace stave::runtime {

using json::Cursor;

namespace parts {

absl::Status Unsupported(const Cursor& at, absl::string_view why) {
  return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                     absl::StrCat(at.pointer(), ": ", why));
}

absl::Status ExpectObject(const Cursor& at) {
  return at.exists() && !at.value()->is_object() ? at.Members().status() : absl::OkStatus();
}

absl::StatusOr<int64_t> SignedOr(const Cursor& at, int64_t low, int64_t high, int64_t otherwise) {
  STAVE_ASSIGN_OR_RETURN(const int64_t number, at.IntOr(low, high, otherwise));
  if (at.exists() && number < 0 && !absl::StartsWith(at.value()->text(), "-")) {
    return at.Error(absl::StrCat(at.value()->text(), " is not within ", low, "..", high));
  }
  return number;
}

bool IsPlainAbsolute(absl::string_view path) {
  if (!absl::StartsWith(path, "/") || path.size() > 4095) return false;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part == "..") return false;
  }
  return true;
}

absl::StatusOr<std::string> AbsolutePath(const Cursor& at) {
  STAVE_ASSIGN_OR_RETURN(std::string path, at.String());
  if (!IsPlainAbsolute(path)) {
    return at.Error(absl::StrCat("\"", base::Printable(path, 128),
                                 "\" is not an absolute path without \"..\""));
  }
  return path;
}

absl::StatusOr<uint32_t> UserId(const Cursor& at) {
  STAVE_ASSIGN_OR_RETURN(const int64_t id, at.IntOr(0, kMaxId, 0));
  return static_cast<uint32_t>(id);
}

}  // namespace parts

namespace {

absl::Status CheckHostname(const Cursor& at, const std::string& name) {
  if (name.size() > 64) return at.Error("is longer than 64 bytes");
  if (name.find_first_of("/\n\r\t ") != name.npos) {
    return at.Error("has a character that no hostname has");
  }
  return absl::OkStatus();
}

bool IsNumber(absl::string_view text) {
  return !text.empty() && text.size() < 10 &&
         std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// 1.0.0 to 1.3.x, as of semver.org: "1.0.2-dev" is before 1.0.2 and after 1.0.1.
absl::Status CheckVersion(const Cursor& at) {
  STAVE_ASSIGN_OR_RETURN(const std::string version, at.String());
  const std::string shown = absl::StrCat("\"", base::Printable(version, 32), "\" ");
  const size_t end = std::min(version.find_first_of("-+"), version.size());
  const std::vector<std::string> parts = absl::StrSplit(version.substr(0, end), '.');
  if (parts.size() != 3 || !std::all_of(parts.begin(), parts.end(), IsNumber) || parts[0] != "1" ||
      end + 1 == version.size()) {
    return at.Error(shown + "is not a version 1.x.y");
  }
  int minor = 0;
  if (!absl::SimpleAtoi(parts[1], &minor) || minor > 3) {
    return parts::Unsupported(at, shown + "is newer than 1.3, the last that is understood");
  }
  const bool before = end < version.size() && version[end] == '-';
  if (before && minor == 0 && parts[2].find_first_not_of('0') == std::string::npos) {
    return at.Error(shown + "is older than 1.0.0");
  }
  return absl::OkStatus();
}

absl::Status ReadAnnotations(const Cursor& at, Plan* plan) {
  STAVE_ASSIGN_OR_RETURN(const auto members, at.MembersOrNone());
  for (const auto& [key, place] : members) {
    STAVE_ASSIGN_OR_RETURN(std::string value, place.String());
    if (key.empty()) return at.Error("has an empty key");
    plan->annotations.emplace_back(key, std::move(value));
  }
  return absl::OkStatus();
}

absl::Status ReadNames(const Cursor& top, Plan* plan) {
  STAVE_ASSIGN_OR_RETURN(plan->hostname, top["hostname"].StringOr(""));
  STAVE_RETURN_IF_ERROR(CheckHostname(top["hostname"], plan->hostname));
  STAVE_ASSIGN_OR_RETURN(plan->domainname, top["domainname"].StringOr(""));
  STAVE_RETURN_IF_ERROR(CheckHostname(top["domainname"], plan->domainname));
  if (plan->Has(CLONE_NEWUTS)) return absl::OkStatus();
  for (const char* key : {"hostname", "domainname"}) {
    const Cursor at = top[key];
    if (at.exists() && !at.value()->text().empty()) return at.Error("needs a uts namespace");
  }
  return absl::OkStatus();
}

bool Any(const std::vector<Namespace>& namespaces, int flag, bool created, bool joined) {
  return std::any_of(namespaces.begin(), namespaces.end(), [&](const Namespace& one) {
    return one.flag == flag && (one.path.empty() ? created : joined);
  });
}

}  // namespace

bool Plan::Has(int flag) const { return Any(namespaces, flag, true, true); }
bool Plan::Creates(int flag) const { return Any(namespaces, flag, true, false); }
bool Plan::Joins(int flag) const { return Any(namespaces, flag, false, true); }

absl::StatusOr<Plan> MakePlan(const json::Value& config) {
  const Cursor top(config);
  Plan plan;
  STAVE_RETURN_IF_ERROR(parts::ExpectObject(top));
  STAVE_RETURN_IF_ERROR(CheckVersion(top["ociVersion"]));
  // runtime.md "Create": it may be absent until start.
  if (top["process"].exists()) {
    STAVE_ASSIGN_OR_RETURN(plan.process, parts::ReadProcess(top["process"], &plan.warnings));
  }
  STAVE_RETURN_IF_ERROR(parts::ExpectObject(top["root"]));
  if (top["root"].exists()) {
    STAVE_ASSIGN_OR_RETURN(plan.root_path, top["root"]["path"].String());
    if (plan.root_path.empty()) return top["root"]["path"].Error("is empty");
    STAVE_ASSIGN_OR_RETURN(plan.root_readonly, top["root"]["readonly"].BoolOr(false));
  }
  STAVE_RETURN_IF_ERROR(parts::ReadMounts(top["mounts"], &plan));
  STAVE_RETURN_IF_ERROR(parts::ReadLinux(top["linux"], &plan));
  STAVE_RETURN_IF_ERROR(ReadNames(top, &plan));
  STAVE_RETURN_IF_ERROR(parts::CheckMounts(top["mounts"], plan));
  STAVE_RETURN_IF_ERROR(parts::ReadHooks(top["hooks"], &plan.hooks));
  STAVE_RETURN_IF_ERROR(ReadAnnotations(top["annotations"], &plan));
  return plan;
}

absl::Status RefuseDoubts(const Plan& plan) {
  if (plan.doubts.empty()) return absl::OkStatus();
  return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT", plan.doubts.front());
}

absl::StatusOr<Process> MakeProcess(const json::Value& process,
                                    std::vector<std::string>* warnings) {
  const json::Value config = json::Value::Object({{"process", process}});
  return parts::ReadProcess(Cursor(config)["process"], warnings);
}

}  // namespace stave::runtime

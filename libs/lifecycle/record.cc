// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/record.h"

#include <limits.h>

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"
#include "libs/json/cursor.h"
#include "libs/json/parse.h"

namespace stave::lifecycle {
namespace {

constexpr int64_t kVersion = 1;
constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%E*SZ";

json::Value PrintIdentity(const base::ProcessIdentity& identity) {
  json::Value value =
      json::Value::Object({{"boot", json::Value::String(identity.boot_id)},
                           {"pid", json::Value::Number(identity.pid)},
                           {"start", json::Value::NumberText(absl::StrCat(identity.start_time))}});
  if (identity.inode) {
    value.Set("inode", json::Value::Number(static_cast<int64_t>(*identity.inode)));
  }
  return value;
}

absl::StatusOr<std::optional<base::ProcessIdentity>> ParseIdentity(const json::Cursor& place) {
  if (!place.exists()) return std::optional<base::ProcessIdentity>();
  base::ProcessIdentity identity;
  STAVE_ASSIGN_OR_RETURN(identity.boot_id, place["boot"].String());
  STAVE_ASSIGN_OR_RETURN(const int64_t pid, place["pid"].Int(1, INT_MAX));
  STAVE_ASSIGN_OR_RETURN(const int64_t start, place["start"].Int(0, INT64_MAX));
  identity.pid = static_cast<pid_t>(pid);
  identity.start_time = static_cast<uint64_t>(start);
  if (place["inode"].exists()) {
    STAVE_ASSIGN_OR_RETURN(const int64_t inode, place["inode"].Int(0, int64_t{1} << 53));
    identity.inode = static_cast<uint64_t>(inode);
  }
  return std::optional<base::ProcessIdentity>(std::move(identity));
}

absl::StatusOr<Record> ParseMembers(const json::Value& document, absl::string_view id) {
  const json::Cursor top(document);
  STAVE_RETURN_IF_ERROR(top["version"].Int(kVersion, kVersion).status());
  Record record;
  STAVE_ASSIGN_OR_RETURN(record.id, top["id"].String());
  if (record.id != id) return top["id"].Error("is another container's");
  STAVE_ASSIGN_OR_RETURN(record.oci_version, top["ociVersion"].String());
  STAVE_ASSIGN_OR_RETURN(record.bundle, top["bundle"].String());
  STAVE_ASSIGN_OR_RETURN(record.rootfs, top["rootfs"].String());
  STAVE_ASSIGN_OR_RETURN(const std::string created, top["created"].String());
  std::string error;
  if (!absl::ParseTime(kTimeFormat, created, &record.created, &error)) {
    return top["created"].Error("is not a time");
  }
  if (top["annotations"].exists()) {
    STAVE_RETURN_IF_ERROR(top["annotations"].Members().status());
    record.annotations = *top["annotations"].value();
  }
  STAVE_ASSIGN_OR_RETURN(record.cgroup, top["cgroup"].StringOr(""));
  STAVE_ASSIGN_OR_RETURN(record.scope, top["scope"].StringOr(""));
  STAVE_ASSIGN_OR_RETURN(const int64_t covered, top["coveredMount"].IntOr(0, int64_t{1} << 52, 0));
  record.covered_mount = static_cast<uint64_t>(covered);
  STAVE_ASSIGN_OR_RETURN(record.creator, ParseIdentity(top["creator"]));
  STAVE_ASSIGN_OR_RETURN(record.init, ParseIdentity(top["init"]));
  return record;
}

absl::Status Damaged(const absl::Status& why) {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                     absl::StrCat("state.json: ", why.message()));
}

}  // namespace

absl::string_view StatusName(Status status) {
  switch (status) {
    case Status::kCreating:
      return "creating";
    case Status::kCreated:
      return "created";
    case Status::kRunning:
      return "running";
    case Status::kPaused:
      return "paused";
    case Status::kStopped:
      break;
  }
  return "stopped";
}

std::string PrintRecord(const Record& record) {
  json::Value document = json::Value::Object();
  document.Set("version", json::Value::Number(kVersion));
  document.Set("id", json::Value::String(record.id));
  document.Set("ociVersion", json::Value::String(record.oci_version));
  document.Set("bundle", json::Value::String(record.bundle));
  document.Set("rootfs", json::Value::String(record.rootfs));
  document.Set("created", json::Value::String(
                              absl::FormatTime(kTimeFormat, record.created, absl::UTCTimeZone())));
  if (!record.annotations.is_null()) document.Set("annotations", record.annotations);
  if (!record.cgroup.empty()) document.Set("cgroup", json::Value::String(record.cgroup));
  if (!record.scope.empty()) document.Set("scope", json::Value::String(record.scope));
  if (record.covered_mount != 0) {
    document.Set("coveredMount", json::Value::NumberText(absl::StrCat(record.covered_mount)));
  }
  if (record.creator) document.Set("creator", PrintIdentity(*record.creator));
  if (record.init) document.Set("init", PrintIdentity(*record.init));
  return json::Print(document);
}

absl::StatusOr<Record> ParseRecord(absl::string_view text, absl::string_view id) {
  const absl::StatusOr<json::Value> document = json::Parse(text);
  if (!document.ok()) return Damaged(document.status());
  absl::StatusOr<Record> record = ParseMembers(*document, id);
  if (!record.ok()) return Damaged(record.status());
  return record;
}

json::Value StateJson(const Record& record, absl::string_view status, pid_t pid) {
  json::Value state = json::Value::Object();
  state.Set("ociVersion", json::Value::String(record.oci_version));
  state.Set("id", json::Value::String(record.id));
  state.Set("pid", json::Value::Number(pid));
  state.Set("status", json::Value::String(status));
  state.Set("bundle", json::Value::String(record.bundle));
  state.Set("rootfs", json::Value::String(record.rootfs));
  state.Set("created", json::Value::String(
                           absl::FormatTime(kTimeFormat, record.created, absl::UTCTimeZone())));
  if (!record.annotations.members().empty()) state.Set("annotations", record.annotations);
  state.Set("owner", json::Value::String(""));
  return state;
}

}  // namespace stave::lifecycle

// SPDX-License-Identifier: Apache-2.0
//
// What is written down of a container, as state.json, and what is told of it. Pure.
//
//   {"version":1,"id":"c1","ociVersion":"1.0.2","bundle":"/b","rootfs":"/b/rootfs",
//    "created":"2026-01-02T03:04:05.123456789Z","annotations":{"a":"b"},"cgroup":"/stave/c1",
//    "creator":{"boot":"1c7f..","pid":4711,"start":123456},
//    "init":{"boot":"1c7f..","pid":4712,"start":123457}}
//
// `annotations`, `cgroup`, `scope`, `coveredMount` and `init` may be absent. Without `init` it is
// still being created, or its creator was killed. Unknown members are ignored.

#ifndef STAVE_LIBS_LIFECYCLE_RECORD_H_
#define STAVE_LIBS_LIFECYCLE_RECORD_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/process.h"
#include "libs/json/value.h"

namespace stave::lifecycle {

// runtime-spec runtime.md "State", and `paused` as runc has it.
enum class Status { kCreating, kCreated, kRunning, kPaused, kStopped };
absl::string_view StatusName(Status status);  // "creating" ..

struct Record {
  std::string id;
  std::string oci_version;  // the config's
  std::string bundle;       // absolute
  std::string rootfs;       // absolute
  absl::Time created;
  json::Value annotations;  // an object, or null
  std::string cgroup;       // path in every hierarchy, "/stave/c1"; "": none of its own
  std::string scope;        // the unit that it is to systemd, "stave-c1.scope"; "": none
  // Without a mount namespace of its own: the mount that its rootfs belonged to before
  // (host_mount.h). 0: it has one.
  uint64_t covered_mount = 0;
  std::optional<base::ProcessIdentity> creator;
  std::optional<base::ProcessIdentity> init;
};

std::string PrintRecord(const Record& record);

// Errors: DataLoss [E_CORRUPT] for anything that PrintRecord does not write: no JSON, a member of a
// wrong type, another version, another id than `id`.
absl::StatusOr<Record> ParseRecord(absl::string_view text, absl::string_view id);

// runtime-spec's state with runc's further members: ociVersion, id, pid (0 when stopped), status,
// bundle, rootfs, created (RFC 3339 in UTC with nanoseconds), annotations if there are any, owner
// (always ""). `pid` is given since a hook in the container's namespaces is told another.
json::Value StateJson(const Record& record, absl::string_view status, pid_t pid);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_RECORD_H_

// SPDX-License-Identifier: Apache-2.0
//
// What is written down about a container, as JSON: three small files with three lives.
//
//   record.json  what it is: written while it is made, read by every listing
//     {"version":1,"id":"4f..","name":"web","image":"docker.io/library/alpine:latest",
//      "imageDigest":"sha256:..","command":["httpd","-f"],"created":"2026-01-02T03:04:05.6Z",
//      "labels":{},"rm":false,"started":true}
//   state.json   what it is doing, in RUN: gone with the reboot and when it has ended
//     {"version":1,"status":"running","init":{"boot":"1c..","pid":4711,"start":123456,
//      "inode":7890},
//      "runner":{..},"started":"..","finished":null,"cgroup":"/sys/fs/cgroup/.."}
//     and of a container with a restart policy, once it was started anew: "restarts":2,"lastCode":1
//   exit.json    how it ended
//     {"version":1,"code":137,"signal":9,"oom":true,"started":"..","finished":".."}
//     and if so: "requested":true (a user stopped it), "restarts":2
//
// Times are RFC 3339 with up to nine digits of fraction, UTC. Unknown members are ignored.
// Parsing refuses with DataLoss [E_CORRUPT] what is no such JSON, lacks a needed member or has a
// newer version; it is bounded (kMaxRecordBytes) and safe for any bytes.

#ifndef STAVE_LIBS_STORE_RECORD_H_
#define STAVE_LIBS_STORE_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/process.h"

namespace stave::store {

inline constexpr size_t kMaxRecordBytes = size_t{1} << 20;

struct Record {
  std::string id;
  std::string name;
  std::string image;         // the reference, or the path of a --rootfs
  std::string image_digest;  // the manifest's; "" for a --rootfs
  std::vector<std::string> command;
  absl::Time created;
  std::map<std::string, std::string> labels;
  bool rm = false;
  // Set before its first start: such a container without state.json and exit.json was running when
  // the machine went down.
  bool started = false;
};

// kRestarting: it has ended and its watcher is about to start it anew; no process of it lives,
// `finished` and `last_code` are those of the end.
enum class Status { kCreated, kRunning, kRestarting, kExited };

struct State {
  Status status = Status::kCreated;
  std::optional<base::ProcessIdentity> init;    // the payload's first process
  std::optional<base::ProcessIdentity> runner;  // the ns-run or monitor that watches it
  std::optional<absl::Time> started;
  std::optional<absl::Time> finished;
  std::string cgroup;            // absolute path, "" if it has none of its own
  int64_t restarts = 0;          // how often its policy has started it anew, since it was started
  std::optional<int> last_code;  // how the run before ended, or with kRestarting this one
};

struct Exit {
  std::optional<int> code;    // as a shell tells it: 128+n for signal n; absent: nobody saw it
  std::optional<int> signal;  // that ended it
  bool oom = false;           // the kernel killed for memory in its cgroup
  bool requested = false;     // a user stopped it: "unless-stopped" does not start it again
  int64_t restarts = 0;       // as in State
  std::optional<absl::Time> started;
  std::optional<absl::Time> finished;
};

std::string FormatRecord(const Record& record);
std::string FormatState(const State& state);
std::string FormatExit(const Exit& exit);

absl::StatusOr<Record> ParseRecord(absl::string_view text);
absl::StatusOr<State> ParseState(absl::string_view text);
absl::StatusOr<Exit> ParseExit(absl::string_view text);

// "created", "running", "restarting", "exited".
const char* StatusName(Status status);

// Whether a watcher has it in hand: it is running or restarting.
bool IsLive(Status status);

// RFC 3339 with nanoseconds, UTC, trailing zeros dropped: "2026-01-02T03:04:05.6Z".
std::string FormatTimestamp(absl::Time time);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_RECORD_H_

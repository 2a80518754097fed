// SPDX-License-Identifier: Apache-2.0
//
// What is written down about a container, as JSON: three small files with three lives.
//
//   record.json  what it is: written while it is made, read by every listing
//     {"version":1,"id":"4f..","name":"web","image":"docker.io/library/alpine:latest",
//      "imageDigest":"sha256:..","command":["httpd","-f"],"created":"2026-01-02T03:04:05.6Z",
//      "labels":{},"rm":false,"started":true,
//      "imageId":"sha256:..","imageAsked":"alpine","network":"none","ports":["80/tcp"],
//      "mounts":[{"source":"/srv","destination":"/data"}]}
//     The last five are there where there is something to say.
//   state.json   what it is doing, in RUN: gone with the reboot and when it has ended
//     {"version":1,"status":"running","init":{"boot":"1c..","pid":4711,"start":123456,
//      "inode":7890},
//      "runner":{..},"started":"..","finished":null,"cgroup":"/sys/fs/cgroup/.."}
//     and of a container with a restart policy, once it was started anew:
//     "restarts":2,"lastCode":1, "last":{..} (as exit.json, of the run before), "next":".." (while
//     it waits for the next start)
//   exit.json    how it ended
//     {"version":1,"code":137,"signal":9,"oom":true,"started":"..","finished":".."}
//     and if so: "requested":true (a user stopped it), "restarts":2, and what ps-why goes by:
//     "pidsRefused":3, "watcherLost":true, "kernel":["oom-kill:.."], "pid":4711,
//     "sent":[{"signal":15,"time":"..","why":"stop","pid":77,"uid":0,"name":"ps-signal"}]
//     or of a start that failed, which is no run: "error":{"time":"..","word":"E_NOT_FOUND",
//     "cause":"not-in-path","message":"exec \"x\": ..","hint":".."}. Its code is that of the
//     failure, 126, 127, or 128 for all else; when the run before was is kept. Where there was
//     none, `started` of record.json is false, and the container remains one that is created
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

// A file or directory of the host's in a container.
struct RecordMount {
  std::string source;
  std::string destination;
};

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
  // What a listing shows and would else have to look up in config.json.
  std::string image_id;            // the digest of the image's config
  std::string image_asked;         // what the user called the image
  std::string network;             // "none", "host", "container:ID"; "": nobody has asked
  std::vector<std::string> ports;  // that the image speaks of: "80/tcp", "8000-8010/udp"
  std::vector<RecordMount> mounts;
};

// kRestarting: it has ended and its watcher is about to start it anew; no process of it lives,
// `finished` and `last_code` are those of the end.
enum class Status { kCreated, kRunning, kRestarting, kExited };

// A signal that who watches the container has sent to its first process, or passed on.
struct SentSignal {
  int signal = 0;
  absl::Time time;
  // "stop" (somebody wants its end), "timeout" (it has not obeyed that in time), "signal" (somebody
  // sends it), "shutdown" (the machine goes down).
  std::string why;
  // Who asked for it; absent where nobody knows, pid 0 is the kernel (a terminal).
  std::optional<int64_t> pid, uid;
  std::string name;  // of its program, "" where nobody knows
};

// Why a start has failed: what the error has said.
struct StartError {
  absl::Time time;
  std::string word;   // "E_NOT_FOUND"
  std::string cause;  // finer, for ps-why (libs/runtime/report.h); may be ""
  std::string message;
  std::string hint;  // may be ""
};

inline constexpr size_t kMaxSentSignals = 8;

struct Exit {
  std::optional<int> code;    // as a shell tells it: 128+n for signal n; absent: nobody saw it
  std::optional<int> signal;  // that ended it
  bool oom = false;           // the kernel killed for memory in its cgroup
  bool requested = false;     // a user stopped it: "unless-stopped" does not start it again
  int64_t restarts = 0;       // as in State
  std::optional<absl::Time> started;
  std::optional<absl::Time> finished;
  // What else is known of the end.
  std::optional<int64_t> pid;       // of the first process, as the kernel's log names it
  int64_t pids_refused = 0;         // forks that failed at the limit of its cgroup
  bool watcher_lost = false;        // who watched it died first, in the boot in which it ran
  std::vector<std::string> kernel;  // lines of the kernel's log about it
  std::vector<SentSignal> sent;     // the last kMaxSentSignals, oldest first
  std::optional<StartError> error;  // its last start has failed
};

struct State {
  Status status = Status::kCreated;
  std::optional<base::ProcessIdentity> init;    // the payload's first process
  std::optional<base::ProcessIdentity> runner;  // the ns-run or monitor that watches it
  std::optional<absl::Time> started;
  std::optional<absl::Time> finished;
  std::string cgroup;              // absolute path, "" if it has none of its own
  int64_t restarts = 0;            // how often its policy has started it anew, since it was started
  std::optional<int> last_code;    // how the run before ended, or with kRestarting this one
  std::optional<Exit> last;        // the same, whole
  std::optional<absl::Time> next;  // with kRestarting: when it is started
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

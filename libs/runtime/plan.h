// SPDX-License-Identifier: Apache-2.0
//
// An OCI runtime config, understood: every member that this runtime acts on, checked and in the
// kernel's terms. Pure: nothing is opened or changed here.
//
// A member that cannot be honoured is an error, never skipped: runtime-spec runtime.md "Create".
// Refused by name [E_UNSUPPORTED] are linux.intelRdt, .memoryPolicy and .netDevices, SCHED_ISO,
// flags of linux.personality, and an ociVersion 1.4 or later.
// Unknown members are ignored: config.md "Extensibility".
//
// What only the machine can tell is for whoever applies the plan: that a namespace to join is of
// its kind, and not the host's where the plan has sysctls of it; that mappings given besides a user
// namespace to join are that one's; that SELinux is on where there is a label; linux.resources;
// the rules of linux.seccomp.
//
// Sources: runtime-spec 1.3 config.md, config-linux.md; sched_setattr(2), ioprio_set(2),
// time_namespaces(7), user_namespaces(7).

#ifndef STAVE_LIBS_RUNTIME_PLAN_H_
#define STAVE_LIBS_RUNTIME_PLAN_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/capability/capability.h"
#include "libs/json/value.h"
#include "libs/mount/options.h"

namespace stave::runtime {

struct Namespace {
  int flag = 0;      // CLONE_NEWPID .. CLONE_NEWTIME
  std::string path;  // to join; "": a new one
};

struct IdMapping {
  uint32_t container_id = 0, host_id = 0, size = 0;
};

// How the owners of a bind's files are mapped: options "idmap" (and mappings alone), "ridmap".
enum class IdMapped { kNo, kMount, kTree };

struct Mount {
  std::string destination;  // absolute, without "..", not "/"
  std::string type;         // "" for a bind
  std::string source;       // of a bind never ""; a relative one begins at the bundle
  int tree = -1;            // a detached mount, borrowed, that is put there in place of `source`
  mount::Options options;   // copy_up only for type "tmpfs"
  IdMapped id_mapped = IdMapped::kNo;
  // Both or neither; neither: those of the user namespace, which there is then.
  std::vector<IdMapping> uid_mappings, gid_mappings;
};

struct Device {
  std::string path;  // absolute, without ".."; no other device has it
  mode_t type = 0;   // S_IFCHR, S_IFBLK or S_IFIFO
  uint32_t major = 0, minor = 0;
  mode_t mode = 0666;
  uint32_t uid = 0, gid = 0;
};

struct Rlimit {
  int resource = 0;  // RLIMIT_NOFILE ..
  std::string name;
  uint64_t soft = 0, hard = 0;  // ~0: unlimited
};

// sched_setattr(2).
struct Scheduler {
  uint32_t policy = 0;                             // SCHED_OTHER ..
  int32_t nice = 0;                                // -20..19
  uint32_t priority = 0;                           // 1..99 with SCHED_FIFO and SCHED_RR, else 0
  uint64_t flags = 0;                              // SCHED_FLAG_*
  uint64_t runtime = 0, deadline = 0, period = 0;  // nanoseconds; 0 but with SCHED_DEADLINE
};

// The `process` member, which exec reads on its own (process.json).
struct Process {
  std::vector<std::string> args, env;  // at least one word, not ""; "NAME=VALUE"
  std::string cwd = "/";               // absolute
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> groups;
  std::optional<mode_t> umask;
  std::optional<capability::Sets> capabilities;  // absent: keep what the runtime has
  bool no_new_privileges = false;
  bool terminal = false;
  uint16_t rows = 0, columns = 0;  // 0 without a terminal
  std::vector<Rlimit> rlimits;
  std::optional<int> oom_score_adj;
  std::string apparmor_profile;
  std::string selinux_label;
  std::optional<Scheduler> scheduler;
  std::optional<int> io_priority;  // as of ioprio_set(2): class << 13 | priority
  // CPU lists ("0-2,7", up to 8191) for a process that joins: before and after it has entered the
  // cgroup. "": as it comes.
  std::string affinity_before, affinity_after;
};

struct Hook {
  std::string path;                       // absolute
  std::vector<std::string> args, env;     // args: the whole argv; empty: {path}
  std::optional<absl::Duration> timeout;  // 1 s at least
};

// config.md "POSIX-platform Hooks", in the order in which they run.
struct Hooks {
  std::vector<Hook> prestart, create_runtime, create_container, start_container, poststart,
      poststop;
};

struct TimeOffset {
  std::string clock;         // "monotonic" or "boottime"
  int64_t seconds = 0;       // to +-9223372036
  uint32_t nanoseconds = 0;  // below 10^9
};

// linux.seccomp.listenerPath: who gets the notification descriptor. There is one if and only if a
// rule has SCMP_ACT_NOTIFY; without such a rule the member is ignored.
struct SeccompListener {
  std::string path;  // of a Unix socket, absolute, at most 107 bytes; "": none
  std::string metadata;
};

struct Plan {
  Process process;
  std::string root_path;  // "" when the caller brings the root as a mount
  bool root_readonly = false;
  uint64_t root_propagation = 0;  // MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE; 0: not given
  bool root_propagation_tree = true;  // "rslave" as against "slave"
  std::string hostname, domainname;
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uid_mappings, gid_mappings;  // may be empty with a user namespace to join
  std::vector<Mount> mounts;
  std::vector<Device> devices;
  std::vector<std::string> masked_paths, readonly_paths;
  std::vector<std::pair<std::string, std::string>> sysctls;  // key with '/' between its parts
  // Absolute, without empty, "." and ".." parts; or "slice:prefix:name" as it came, without a '/':
  // the caller knows whether systemd manages cgroups. "": none of its own.
  std::string cgroups_path;
  json::Value resources;  // linux.resources, for libs/cgroup
  json::Value seccomp;    // linux.seccomp, or null
  SeccompListener listener;
  std::vector<TimeOffset> time_offsets;
  std::optional<unsigned long> personality;  // as of personality(2)
  std::string mount_label;                   // an SELinux context, or ""
  Hooks hooks;
  std::vector<std::pair<std::string, std::string>> annotations;
  // Contradictions that other runtimes let pass, and configs of theirs rely on. stave-oci warns of
  // them, ns-run refuses them.
  std::vector<std::string> doubts;
  std::vector<std::string> warnings;  // capabilities that nobody knows or that cannot be had

  bool Has(int flag) const;      // whether a namespace of that kind is new or joined
  bool Creates(int flag) const;  // whether it is new
  bool Joins(int flag) const;    // whether it is one that exists
};

// Errors: InvalidArgument [E_DOCUMENT] with a JSON pointer; Unimplemented [E_UNSUPPORTED] for a
// member that this version cannot honour.
absl::StatusOr<Plan> MakePlan(const json::Value& config);

// Errors: InvalidArgument [E_DOCUMENT], the first of the plan's doubts.
absl::Status RefuseDoubts(const Plan& plan);

// Which kind of namespace a sysctl ("net/ipv4/ip_forward") belongs to: CLONE_NEW*; 0: the host.
int SysctlNamespace(absl::string_view key);

// The same for a `process` object alone; pointers in messages begin with "/process". Adds to
// `warnings`.
absl::StatusOr<Process> MakeProcess(const json::Value& process, std::vector<std::string>* warnings);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_PLAN_H_

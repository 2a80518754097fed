// SPDX-License-Identifier: Apache-2.0
//
// An OCI runtime config, understood: every member that this runtime acts on, checked and in the
// kernel's terms. Pure: nothing is opened or changed here.
//
// A member that cannot be honoured is an error, never skipped: runtime-spec runtime.md "Create".
// Unknown members are ignored: config.md "Extensibility".
//
// Sources: runtime-spec 1.2 config.md, config-linux.md.

#ifndef STAVE_LIBS_RUNTIME_PLAN_H_
#define STAVE_LIBS_RUNTIME_PLAN_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/capability/capability.h"
#include "libs/json/value.h"
#include "libs/mount/options.h"

namespace stave::runtime {

struct Namespace {
  int flag = 0;      // CLONE_NEWPID ..
  std::string path;  // to join; "": a new one
};

struct IdMapping {
  uint32_t container_id = 0, host_id = 0, size = 0;
};

struct Mount {
  std::string destination;  // absolute
  std::string type;         // "" for a bind
  std::string source;
  mount::Options options;
};

struct Device {
  std::string path;  // absolute
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

struct Process {
  std::vector<std::string> args, env;
  std::string cwd = "/";
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> groups;
  std::optional<mode_t> umask;
  std::optional<capability::Sets> capabilities;  // absent: keep what the runtime has
  bool no_new_privileges = false;
  bool terminal = false;
  uint16_t rows = 0, columns = 0;
  std::vector<Rlimit> rlimits;
  std::optional<int> oom_score_adj;
  std::string apparmor_profile;
};

struct Plan {
  Process process;
  std::string root_path;  // "" when the caller brings the root as a mount
  bool root_readonly = false;
  uint64_t root_propagation = 0;  // MS_*, 0: private
  std::string hostname, domainname;
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uid_mappings, gid_mappings;
  std::vector<Mount> mounts;
  std::vector<Device> devices;
  std::vector<std::string> masked_paths, readonly_paths;
  std::vector<std::pair<std::string, std::string>> sysctls;  // key with '/' between its parts
  std::string cgroups_path;                                  // absolute; "": none of its own
  json::Value resources;                                     // linux.resources, for libs/cgroup
  json::Value seccomp;                                       // linux.seccomp, or null
  std::vector<std::string> warnings;                         // capabilities that nobody knows

  bool Has(int flag) const;      // whether a namespace of that kind is new or joined
  bool Creates(int flag) const;  // whether it is new
};

// Errors: InvalidArgument [E_DOCUMENT] with a JSON pointer; Unimplemented [E_UNSUPPORTED] for a
// member that this version cannot honour.
absl::StatusOr<Plan> MakePlan(const json::Value& config);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_PLAN_H_

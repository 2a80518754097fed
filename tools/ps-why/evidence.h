// SPDX-License-Identifier: Apache-2.0
//
// What is known of a container when somebody asks why it is as it is: everything that verdict.h
// goes by, gathered by gather.h. Plain data: a test writes it down by hand.

#ifndef STAVE_TOOLS_PS_WHY_EVIDENCE_H_
#define STAVE_TOOLS_PS_WHY_EVIDENCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "libs/json/value.h"
#include "libs/store/containers.h"
#include "libs/store/events.h"
#include "libs/store/health.h"

namespace stave::tools {

// What its document has asked for.
struct Asked {
  std::vector<std::string> args;
  bool input = false;  // it has a stdin: -i or -t
  bool read_only = false;
  int64_t uid = 0;
  std::optional<int64_t> memory;  // bytes
  std::optional<int64_t> pids;
  std::vector<std::pair<std::string, int64_t>> limits;  // "RLIMIT_CPU", the soft one
  json::Value seccomp;                                  // linux.seccomp; null: none
};

struct Evidence {
  store::ContainerView view;
  Asked asked;
  bool frozen = false;        // one that is marked as paused really is
  bool watcher_lives = true;  // of one that runs
  bool other_boot = false;    // its state was written before the machine came up
  int64_t oom_kills = 0;      // of one that runs: processes of it so far
  int64_t forks_refused = 0;  // likewise
  std::optional<store::Health> health;
  std::vector<store::Event> events;  // of it, oldest first
  bool gone = false;                 // all that is left of it are its events
  bool has_log = false;              // its output was kept where this can be read
  std::vector<std::string> log;      // its last lines, oldest first
  std::optional<int64_t> disk_free;  // bytes where its files are
  std::string call;                  // of the system call that the kernel's log names
  absl::Time now, booted;
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_WHY_EVIDENCE_H_

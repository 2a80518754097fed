// SPDX-License-Identifier: Apache-2.0
//
// What stave-monitor is told on its command line, and tells itself across execve(2):
//
//   stave-monitor make  state=/var/lib/stave run=/run/stave id=4f.. entry=3 client=4
//   stave-monitor watch state=.. run=.. id=4f.. entry=3 client=4 listener=5 pid=4711 pidfd=6 ..
//
// Numbers of descriptors are of ones that are open in it and not close-on-exec; -1 is none. The
// program is private: whoever executes it is of the same version.

#ifndef STAVE_TOOLS_STAVE_MONITOR_ORDERS_H_
#define STAVE_TOOLS_STAVE_MONITOR_ORDERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace stave::tools {

struct Orders {
  std::string act;    // "make" or "watch"
  std::string state;  // the roots of the store
  std::string run;
  std::string id;
  int64_t entry = -1;   // the container's entry, with its lock
  int64_t client = -1;  // who hears how it begins
  int64_t rows = 0, columns = 0;
  int64_t listener = -1;
  // Of the payload.
  int64_t pid = -1, pidfd = -1, terminal = -1, in = -1, out = -1, err = -1;
  // Of its restarts so far (monitor/restart_policy.h); waited in milliseconds.
  int64_t restarts = 0, failures = 0, waited = 0;
  int64_t last_code = -1;
};

std::vector<std::string> FormatOrders(const Orders& orders);

// `words` begin with the act. Errors: InvalidArgument for what FormatOrders does not write.
absl::StatusOr<Orders> ParseOrders(const std::vector<std::string>& words);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_MONITOR_ORDERS_H_

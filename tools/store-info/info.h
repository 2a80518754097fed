// SPDX-License-Identifier: Apache-2.0
//
// What `docker info` tells, as far as there is something to tell without a daemon.

#ifndef STAVE_TOOLS_STORE_INFO_INFO_H_
#define STAVE_TOOLS_STORE_INFO_INFO_H_

#include <cstdint>
#include <string>
#include <vector>

#include "libs/json/value.h"
#include "tools/store-info/machine.h"

namespace stave::tools {

struct Facts {
  std::string version;  // of stave
  int64_t running = 0, paused = 0, stopped = 0;
  int64_t images = 0;
  std::string root;         // where the store is
  std::string file_system;  // that it is on
  bool is_root = true;      // whether this user's containers are root's
  std::vector<std::string> warnings;
  Machine machine;
};

// With Docker's members, in the order of their names in its API:
//   {"Containers":2,"ContainersRunning":1,..,"Driver":"overlay2","DriverStatus":[["..",".."]],..}
json::Value InfoJson(const Facts& facts);

// The same as text, laid out as `docker info`; ends with a newline. Warnings are not in it.
std::string InfoText(const Facts& facts);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STORE_INFO_INFO_H_

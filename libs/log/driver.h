// SPDX-License-Identifier: Apache-2.0
//
// Where the output of a container is kept: --log-driver.

#ifndef STAVE_LIBS_LOG_DRIVER_H_
#define STAVE_LIBS_LOG_DRIVER_H_

#include <optional>

#include "absl/strings/string_view.h"

namespace stave::log {

enum class Driver {
  kJsonFile,  // "json-file": in the files of files.h
  kNone,      // "none": nowhere
  kJournald,  // "journald": in the machine's journal
};

// nullopt: no such driver.
std::optional<Driver> ParseDriver(absl::string_view name);
absl::string_view DriverName(Driver driver);

}  // namespace stave::log

#endif  // STAVE_LIBS_LOG_DRIVER_H_
